//! What is logged and how.

use serde::Deserialize;

/// The log, on standard error.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSettings {
    /// Which lines, as `tracing` filters say it (`info,lake=debug`); `PENSTOCK_LOG`.
    pub filter: Option<String>,
    /// `text` or `json`; `PENSTOCK_LOG_FORMAT`.
    pub format: LogFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}
