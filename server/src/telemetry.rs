//! What operators see: the log, health, measurements.

use anyhow::Context as _;
use tracing_subscriber::{EnvFilter, fmt};

pub mod health;
pub mod metrics;

pub use metrics::Metrics;

use crate::{
    cli::Command,
    config::{LogFormat, LogSettings},
};

/// Sends the log to standard error; standard output belongs to results.
///
/// # Errors
/// For a filter that cannot be read.
pub fn init(settings: &LogSettings, command: &Command) -> anyhow::Result<()> {
    let quiet = !matches!(command, Command::Serve(_));
    let default =
        if quiet { "warn" } else { "info,datafusion=warn,deltalake=warn,delta_kernel=warn,object_store=warn" };
    let text = settings.filter.as_deref().unwrap_or(default);
    let filter = EnvFilter::try_new(text).with_context(|| format!("the log filter `{text}`"))?;
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let set = match settings.format {
        LogFormat::Text => lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    set.map_err(|e| anyhow::anyhow!("the log cannot be set up: {e}"))
}
