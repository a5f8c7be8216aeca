//! How a file's columns differ from its dataset's, and what an owner decides about it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ColumnName, ColumnType};

/// The columns of a dataset beside those of a file that waits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Difference {
    /// The dataset's columns in its order, then those that only the file has, in the file's.
    pub columns: Vec<ColumnDifference>,
    /// Rows of the file that would land if it landed as it is.
    pub would_land: u64,
    /// Rows of the file that would then wait in quarantine.
    pub would_wait: u64,
    /// Names of the file's columns, in its order: the heads of `first_rows`.
    pub heads: Vec<String>,
    /// The file's first rows as they are read without the dataset; each value in words, long ones cut, `None` for null.
    pub first_rows: Vec<Vec<Option<String>>>,
}

/// One column, in the dataset and in the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ColumnDifference {
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub name: ColumnName,
    /// The header as written in the file; `None` when the file has no such column.
    pub label: Option<String>,
    /// The column's type in the dataset; `None` when it has no such column.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub in_dataset: Option<ColumnType>,
    /// The type that the file's values have by themselves; `None` when the file has no such column.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub in_file: Option<ColumnType>,
    pub change: ColumnChange,
    /// Rows with a value that does not fit the dataset's type.
    pub misfits: u64,
    /// Whether the contract wants the column in every file.
    pub required: bool,
}

/// What a file changes about a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ColumnChange {
    /// Nothing: every value fits the dataset's type.
    Same,
    /// The dataset does not have it.
    New,
    /// The file does not have it.
    Missing,
    /// The file's values have another type, and some do not fit the dataset's.
    OtherType,
}

/// The file for which another one waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Ahead {
    /// Id of its arrival.
    pub ingest: String,
    /// Its name without folders.
    pub file: String,
}

/// An owner's answer to a file that waits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Decision {
    pub verdict: Verdict,
    /// For whoever sent the file: why it is refused. At most 1000 bytes.
    #[serde(default)]
    pub note: String,
    /// Headers of the file, as written, that are columns of the dataset: header → column. For this file alone.
    #[serde(default)]
    pub columns: BTreeMap<String, ColumnName>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// New columns are added to the dataset; rows that do not fit wait in quarantine.
    #[default]
    Land,
    /// Nothing of the file lands.
    Refuse,
}

impl Difference {
    /// Columns that the file brings and the dataset does not have.
    pub fn new_columns(&self) -> impl Iterator<Item = &ColumnDifference> {
        self.columns.iter().filter(|c| c.change == ColumnChange::New)
    }

    /// Columns that the dataset has and the file does not.
    pub fn missing(&self) -> impl Iterator<Item = &ColumnDifference> {
        self.columns.iter().filter(|c| c.change == ColumnChange::Missing)
    }
}

impl Decision {
    /// Bytes of a note.
    pub const NOTE_BYTES: usize = 1000;

    /// The decision that the file lands as it is.
    #[must_use]
    pub fn land() -> Self {
        Self::default()
    }

    /// The decision that nothing of the file lands, with a note for its sender.
    pub fn refuse(note: impl Into<String>) -> Self {
        Self { verdict: Verdict::Refuse, note: note.into(), ..Self::default() }
    }
}
