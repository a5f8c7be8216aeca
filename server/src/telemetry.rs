//! What operators see: the log, health, measurements.

use anyhow::Context as _;
use tracing_subscriber::{EnvFilter, fmt};

pub mod health;
mod lines;
pub mod metrics;

pub use metrics::Metrics;

use crate::{
    cli::{Command, policy::PolicyCommand},
    config::{LogFormat, LogSettings},
};

/// What a server tells: its own doings, of its libraries what is wrong. The Delta kernel calls a table that is not there
/// yet an error, which for a first file it is not; what is one reaches us as an error too.
const TALKING: &str = "info,datafusion=warn,deltalake=warn,buoyant_kernel=off,delta_kernel=off,object_store=warn";
/// What a command tells beside its output.
const QUIET: &str = "warn,buoyant_kernel=off,delta_kernel=off";
/// What the check of a policy tells beside its findings, which say with their places what the log would.
const CHECKING: &str = "warn,lake::policy=error,lake::policy::mask=warn,buoyant_kernel=off,delta_kernel=off";

/// Sends the log to standard error; standard output belongs to results.
///
/// # Errors
/// For a filter that cannot be read.
pub fn init(settings: &LogSettings, command: &Command) -> anyhow::Result<()> {
    let default = match command {
        Command::Serve(_) => TALKING,
        Command::Policy { command: PolicyCommand::Check { .. } } => CHECKING,
        _ => QUIET,
    };
    let text = settings.filter.as_deref().unwrap_or(default);
    let filter = EnvFilter::try_new(text).with_context(|| format!("the log filter `{text}`"))?;
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let set = match settings.format {
        // JSON escapes by itself.
        LogFormat::Text => {
            lines.fmt_fields(lines::Fields).with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init()
        }
        LogFormat::Json => lines.json().try_init(),
    };
    set.map_err(|e| anyhow::anyhow!("the log cannot be set up: {e}"))
}
