//! What can go wrong in the engine, with a stable code and a message for the person who asked.
//!
//! Every message here may be shown outside: it never holds another principal's data, a hidden name, a path of the
//! store or policy text. What only operators may read goes into `detail` and the log.

use std::time::Duration;

/// The engine's result.
pub type Result<T, E = LakeError> = std::result::Result<T, E>;

type Source = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LakeError {
    /// Absent, or hidden from the asker: the same words for both.
    #[error("no such {what}: {name}")]
    NotFound { what: &'static str, name: String },
    /// Visible, yet not allowed: uploading to a dataset that one may only read.
    #[error("{message}")]
    Forbidden { message: String },
    /// The request is wrong in itself.
    #[error("{message}")]
    Invalid { message: String },
    /// The SQL text is wrong or not allowed. Lines and columns are 1-based.
    #[error("{message}")]
    InvalidSql { message: String, line: Option<u64>, column: Option<u64>, hint: Option<String> },
    /// A limit of time, memory, size or rows was met.
    #[error("{message}")]
    Limit { message: String },
    /// Too many queries run and wait; try again after the given time.
    #[error("too many queries are running; try again in {} s", retry_after.as_secs().max(1))]
    Busy { retry_after: Duration },
    /// The audit takes nothing more, and without it nothing is done or shown.
    #[error("the audit cannot be written at the moment, and nothing is done without it; try again shortly")]
    Unaudited,
    #[error("the query was cancelled")]
    Cancelled,
    /// A document, contract or dataset was changed by someone else meanwhile.
    #[error("{what} was changed by someone else meanwhile; load it again")]
    Conflict { what: &'static str },
    /// What it says is not for everyone, so the place of the fault is in the log alone.
    #[error(
        "the policy of this portal cannot be read, so nobody sees anything until it is mended; `penstock policy check` \
         says what is wrong"
    )]
    PolicyUnreadable,
    /// Another engine made of a table what we do not write; the message says what, and names nothing that it holds.
    #[error("{message}")]
    Foreign { message: String },
    /// A contract or the policy is wrong; the message names file, line and cure.
    #[error("{message}")]
    Config { message: String },
    /// The object store did not answer or refused.
    #[error("the store cannot be reached at the moment; try again shortly")]
    Store {
        #[source]
        source: Source,
    },
    /// A fault of ours. `detail` goes to the log, never outside.
    #[error("something went wrong on our side; the log has the details")]
    Internal {
        detail: String,
        #[source]
        source: Option<Source>,
    },
}

impl LakeError {
    /// Stable machine-readable code, as the API sends it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::Forbidden { .. } => "forbidden",
            Self::Invalid { .. } => "invalid_request",
            Self::InvalidSql { .. } => "invalid_sql",
            Self::Limit { .. } => "limit_exceeded",
            Self::Busy { .. } => "busy",
            Self::Unaudited => "audit_unavailable",
            Self::Cancelled => "cancelled",
            Self::Conflict { .. } => "conflict",
            Self::PolicyUnreadable => "policy_unreadable",
            Self::Foreign { .. } => "table_not_written",
            Self::Config { .. } => "configuration",
            Self::Store { .. } => "store_unavailable",
            Self::Internal { .. } => "internal",
        }
    }

    /// The one answer for a dataset that is absent or hidden.
    pub fn no_dataset(name: impl ToString) -> Self {
        Self::NotFound { what: "dataset", name: name.to_string() }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into() }
    }

    /// A refusal of a SQL text without a known place.
    pub fn sql(message: impl Into<String>) -> Self {
        Self::InvalidSql { message: message.into(), line: None, column: None, hint: None }
    }

    pub fn internal(detail: impl Into<String>) -> Self {
        Self::Internal { detail: detail.into(), source: None }
    }
}

impl From<object_store::Error> for LakeError {
    fn from(e: object_store::Error) -> Self {
        Self::Store { source: e.into() }
    }
}

impl From<deltalake::DeltaTableError> for LakeError {
    fn from(e: deltalake::DeltaTableError) -> Self {
        match e {
            deltalake::DeltaTableError::ObjectStore { source } => source.into(),
            e => Self::Internal { detail: format!("table: {e}"), source: Some(e.into()) },
        }
    }
}

impl From<serde_json::Error> for LakeError {
    fn from(e: serde_json::Error) -> Self {
        Self::Internal { detail: format!("document: {e}"), source: Some(e.into()) }
    }
}
