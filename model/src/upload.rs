//! Uploads that can be gone on with.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::DatasetName;

/// A file that comes in pieces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Upload {
    pub id: String,
    /// The dataset that it is for.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub dataset: DatasetName,
    /// The file's name.
    pub file: String,
    /// Bytes of the whole file.
    pub bytes: u64,
    /// Bytes that have come so far: the next piece begins here.
    pub offset: u64,
    /// When what has come is forgotten, unless the file is whole by then.
    pub expires_at: DateTime<Utc>,
    /// The arrival, once the file is whole.
    pub ingest: Option<String>,
}
