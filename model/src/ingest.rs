//! Arrivals: what became of a file, row by row and column by column.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Ahead, ColumnName, ColumnType, DatasetName, Difference};

/// The report of one file. Immutable once its state is [final](IngestState::is_final).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IngestReport {
    /// Sorts by time (UUIDv7).
    pub id: String,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub dataset: DatasetName,
    /// The file's name without folders.
    pub file: String,
    /// Path inside the lake.
    pub path: String,
    /// Size as it arrived.
    pub bytes: u64,
    /// SHA-256 of the bytes as they arrived, lower-case hex.
    pub sha256: String,
    pub state: IngestState,
    /// Why nothing landed, as a code; set when `state` is `refused`.
    #[serde(default)]
    pub refused_because: Option<RefusedBecause>,
    /// What a person should know and do, one sentence or two; empty when all is well.
    #[serde(default)]
    pub message: String,
    /// `utf-8`, `utf-16le`, `utf-16be`, `windows-1252`; `None` for binary formats.
    #[serde(default)]
    pub encoding: Option<String>,
    /// `gzip`, `zstd`, …
    #[serde(default)]
    pub compression: Option<String>,
    /// `csv`, `json`, `ndjson`, `xlsx`, `xls`, `ods`, `parquet`.
    #[serde(default)]
    pub format: Option<String>,
    #[serde(default)]
    pub delimiter: Option<String>,
    #[serde(default)]
    pub quote: Option<String>,
    /// 1-based physical line of the header row.
    #[serde(default)]
    pub header_line: Option<u64>,
    /// The worksheet that was read.
    #[serde(default)]
    pub sheet: Option<String>,
    pub rows: RowCounts,
    #[serde(default)]
    pub columns: Vec<ColumnReport>,
    /// What landed and deserves a look: checks that were not met, rows that came again. A sentence each.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Name of the owner who decided about the file: that it lands although it differs or had been refused, or that it
    /// does not land.
    #[serde(default)]
    pub decided_by: Option<String>,
    /// How the file's columns differ from the dataset's, when an owner decides or decided about it. Told to owners, when
    /// one arrival is asked for.
    #[serde(default)]
    pub difference: Option<Difference>,
    /// The file for whose decision this one waits. Told to who may see that file's arrival, when one arrival is asked
    /// for.
    #[serde(default)]
    pub ahead: Option<Ahead>,
    /// The arrival whose rows in quarantine this file corrects.
    #[serde(default)]
    pub corrects: Option<String>,
    /// What became of the rows in quarantine since.
    #[serde(default)]
    pub corrections: Vec<Correction>,
    /// The dataset's version that holds the rows.
    #[serde(default)]
    pub version: Option<u64>,
    /// The version whose roll back took the rows back. Told to owners.
    #[serde(default)]
    pub taken_back: Option<u64>,
    pub started_at: DateTime<Utc>,
    #[serde(default)]
    pub finished_at: Option<DateTime<Utc>>,
    /// Name of the person or `watcher`.
    pub by: String,
}

/// Rows of an arrival that were corrected and landed later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Correction {
    /// The arrival that brought them.
    pub ingest: String,
    pub rows: u64,
    /// Name of the person.
    pub by: String,
    pub at: DateTime<Utc>,
}

impl IngestReport {
    /// Rows that still wait in quarantine.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.rows.quarantined.saturating_sub(self.corrections.iter().map(|c| c.rows).sum())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum IngestState {
    Working,
    /// An owner decides about the file, or about one before it. Nothing of it has landed.
    Waiting,
    Landed,
    /// The same content landed before; nothing was added.
    Duplicate,
    Refused,
}

impl IngestState {
    /// Whether nothing becomes of the file any more: its report never changes.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Self::Working | Self::Waiting => false,
            Self::Landed | Self::Duplicate | Self::Refused => true,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RefusedBecause {
    Empty,
    Binary,
    TooLarge,
    TooManyRejects,
    Unreadable,
    /// The file's columns do not fit the dataset.
    SchemaConflict,
    /// The contract itself is wrong.
    Contract,
    /// Rows do not meet a check of which the contract says that the file is refused then.
    CheckFailed,
    /// The same content landed before and was taken back by a roll back.
    TakenBack,
    /// The file waited, and an owner decided that it does not land.
    Declined,
    /// The file waited, and was removed or replaced by another of the same name meanwhile.
    Withdrawn,
}

/// Rows of one file; `read = landed + quarantined`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RowCounts {
    pub read: u64,
    pub landed: u64,
    pub quarantined: u64,
    /// Lines before the table, comments and empty rows.
    pub skipped: u64,
}

/// Why a column has its type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ColumnReport {
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub name: ColumnName,
    pub label: String,
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub column_type: ColumnType,
    pub nulls: u64,
    /// One sentence with counts: `1,204 values; 3 have leading zeros → text, first at line 17`.
    pub evidence: String,
    #[serde(default)]
    pub warning: Option<ColumnWarning>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ColumnWarning {
    AmbiguousDayMonth,
    AmbiguousDecimal,
    MixedZones,
    Nanoseconds,
}

/// A row that did not land, with all that is needed to find and mend it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuarantinedRow {
    /// 1-based physical line of the expanded file on which the record starts; a sheet's row for workbooks.
    pub line: u64,
    /// Byte offset of the record in the expanded file; `None` for workbooks and Parquet.
    pub byte_offset: Option<u64>,
    /// The record as it stood in the file.
    pub raw: String,
    /// The column at fault, when it is one.
    #[serde(default)]
    pub column: Option<String>,
    /// The value at fault.
    #[serde(default)]
    pub value: Option<String>,
    /// One sentence.
    pub reason: String,
}

/// A file of the landing area that belongs to no dataset, so that nobody takes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Astray {
    /// Its path in the lake.
    pub path: String,
    pub bytes: u64,
    pub changed_at: DateTime<Utc>,
    /// What to do, or what its folders are no name of.
    pub reason: String,
}

/// Files of one dataset that wait, the first for a decision and the others for the first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    pub dataset: DatasetName,
    pub files: u64,
}

/// What to list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct IngestFilter {
    #[serde(default)]
    pub unit: Option<String>,
    /// Dataset's name within the unit.
    #[serde(default)]
    pub dataset: Option<String>,
    #[serde(default)]
    pub state: Option<IngestState>,
}
