//! Datasets as catalog, API and pages show them, always as one principal sees them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Column, DatasetName};

/// One line of the catalog.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Dataset {
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "ops.flights"))]
    pub name: DatasetName,
    /// From the contract, else the name made readable.
    pub title: String,
    #[serde(default)]
    pub description: String,
    /// A contact, from the contract.
    #[serde(default)]
    pub owner: Option<String>,
    #[serde(default)]
    pub tags: Vec<String>,
    /// Rows that the viewer may see; `None` when counting would need a scan.
    pub rows: Option<u64>,
    /// Columns that the viewer may see.
    pub columns: usize,
    pub version: u64,
    /// When the newest version was committed.
    pub updated_at: DateTime<Utc>,
    pub access: AccessNote,
}

/// Which limits of the policy the viewer meets, in words for a person.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccessNote {
    /// The viewer's effective row filter with claims filled in (`carrier = 'UA'`); `None` for all rows.
    pub rows: Option<String>,
    /// Masked columns with the mask in words.
    pub masks: Vec<(String, String)>,
    /// Whether some columns are left out.
    pub columns_hidden: bool,
    pub may_upload: bool,
    /// Sees arrivals and quarantine.
    pub may_own: bool,
    /// When the viewer's access ends, if every grant does.
    pub until: Option<DateTime<Utc>>,
    /// When the first part of it ends that the viewer asked for.
    #[serde(default)]
    pub ends: Option<DateTime<Utc>>,
    /// What the viewer asked for access for, where that gives some of it.
    #[serde(default)]
    pub purposes: Vec<String>,
}

impl AccessNote {
    /// In the place of a row filter over columns that the viewer does not see as they are.
    pub const ON_HIDDEN: &str = "a condition on columns that are hidden from you";
    /// In the place of one whose values the viewer need not know.
    pub const LOOKED_UP: &str = "a condition on values that are looked up elsewhere";

    /// Whether [`rows`](Self::rows) is the filter itself and not what stands in its place.
    #[must_use]
    pub fn tells_rows(&self) -> bool {
        self.rows.as_deref().is_some_and(|rows| rows != Self::ON_HIDDEN && rows != Self::LOOKED_UP)
    }
}

/// All that the dataset page shows beside rows and arrivals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DatasetDetail {
    #[serde(flatten)]
    pub dataset: Dataset,
    pub schema: Vec<Column>,
    /// Newest first.
    pub versions: Vec<DatasetVersion>,
    /// Data files of the current version; `None` unless the viewer sees all rows.
    pub files: Option<u64>,
    /// Bytes of these files; `None` unless the viewer sees all rows.
    pub bytes: Option<u64>,
}

/// One commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DatasetVersion {
    pub version: u64,
    pub committed_at: DateTime<Utc>,
    /// `create`, `append`, `replace`, `upsert`, `rollback`, `compact`.
    pub operation: String,
    /// Name of the person, `watcher` or `command line`; `None` unless the viewer owns the dataset or is a steward.
    #[serde(default)]
    pub by: Option<String>,
    /// The landed file's name; `None` unless the viewer owns the dataset or is a steward.
    pub file: Option<String>,
    /// The arrival that made it; `None` unless the viewer owns the dataset or is a steward.
    pub ingest: Option<String>,
    /// Rows added; `None` unless the viewer sees all rows.
    pub rows_added: Option<u64>,
    /// For `rollback`: the version whose rows and columns this one has.
    #[serde(default)]
    pub restores: Option<u64>,
    /// For `compact`: how many files became how many; `None` unless the viewer sees all rows.
    #[serde(default)]
    pub compacted: Option<Compacted>,
    /// The roll back that took this version back: the newest version does not build on it.
    #[serde(default)]
    pub taken_back: Option<u64>,
}

/// What upkeep did to a dataset's data files; its rows stayed the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Compacted {
    /// Small files that are part of the dataset no more.
    pub files: u64,
    /// Files that hold their rows now.
    pub into: u64,
}

impl std::fmt::Display for Compacted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "compacted {} files into {}", self.files, self.into)
    }
}

/// Which version a dataset goes back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RollBack {
    /// The version whose rows and columns become the newest ones.
    pub to: u64,
    /// The newest version that the decision was made on: when something has landed since, nothing is done.
    #[serde(default)]
    pub newest: Option<u64>,
}

/// A business unit with what the viewer may see of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnitSummary {
    pub unit: String,
    pub datasets: usize,
}

/// What to list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DatasetFilter {
    /// Words that must all occur in name, title, description, tags or column names.
    #[serde(default)]
    pub q: Option<String>,
    #[serde(default)]
    pub unit: Option<String>,
}
