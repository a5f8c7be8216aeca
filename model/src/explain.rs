//! What somebody sees, and why: the policy told for stewards.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{AccessNote, Action, DatasetName, Principal};

/// What one principal sees of every dataset by the policy of now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Explanation {
    /// Whose view it is, as it was described.
    pub who: Principal,
    /// Whether that principal is a steward. What stewards see of data comes from grants too.
    pub steward: bool,
    /// Hash of the policy.
    pub policy: String,
    /// By name; those of which nothing is seen included.
    pub datasets: Vec<DatasetExplanation>,
}

/// What one principal sees of one dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DatasetExplanation {
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub dataset: DatasetName,
    /// What all grants that apply give together; absent when nothing is seen.
    pub access: Option<AccessNote>,
    /// Every column of the newest version, in table order.
    pub columns: Vec<ColumnExplanation>,
    /// Every grant on this dataset, in the order of the policy.
    pub grants: Vec<GrantExplanation>,
    /// Rows that are seen, and all there are; only when one dataset was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<VisibleRows>,
}

/// How much of a dataset is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VisibleRows {
    pub visible: u64,
    pub total: u64,
}

/// How one column shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ColumnExplanation {
    pub name: String,
    /// `seen`, `hidden`, or the mask in words.
    pub shows: String,
    /// Whether the values show as they are in every row that is seen.
    pub whole: bool,
}

/// One grant, and whether it gives this principal anything here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GrantExplanation {
    /// Line of `policy.toml` on which it begins; 0 when it was given on request, as `note` then says.
    pub line: u64,
    pub to: Vec<String>,
    pub may: Vec<Action>,
    /// Its row filter as it was written.
    pub rows: Option<String>,
    pub columns: Option<Vec<String>>,
    pub except: Vec<String>,
    /// Columns with their masks.
    pub mask: Vec<(String, String)>,
    pub until: Option<DateTime<Utc>>,
    pub note: String,
    /// Why it gives nothing to this principal; absent when it applies.
    pub because: Option<String>,
}
