//! The profile of a dataset: what each column holds, in figures, over the rows that the viewer may see.

use serde::{Deserialize, Serialize};

use crate::{Cell, ColumnName};

/// One entry a visible column, in table order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DatasetProfile {
    /// The version that the figures are of.
    pub version: u64,
    /// Rows that the viewer may see.
    pub rows: u64,
    pub columns: Vec<ColumnProfile>,
}

/// Figures of one column. Those that were computed while the data was written are there only for viewers who see every
/// row and the column as it is; for others a query answers what comes before `mean`, and the rest is absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ColumnProfile {
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub name: ColumnName,
    pub rows: u64,
    /// Rows without a value.
    pub nulls: u64,
    /// Different values.
    pub distinct: u64,
    /// Whether `distinct` is counted; otherwise it is estimated by HyperLogLog, standard error 2.3 %.
    pub distinct_exact: bool,
    /// `NaN` left out; a text of more than 200 characters is cut and ends in `…`.
    #[cfg_attr(feature = "openapi", schema(value_type = serde_json::Value))]
    pub min: Cell,
    #[cfg_attr(feature = "openapi", schema(value_type = serde_json::Value))]
    pub max: Cell,
    /// Of the finite numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// Standard deviation of the finite numbers, as of a sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deviation: Option<f64>,
    /// Of texts, in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lengths: Option<Lengths>,
    /// Rows that are true; of booleans only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trues: Option<u64>,
    /// Rows that are false; of booleans only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub falses: Option<u64>,
    /// The most frequent values, at most ten, most frequent first; none when all come about equally seldom.
    #[serde(default)]
    pub top: Vec<TopValue>,
    /// Rows by which each count of `top` may be too low; 0 when they are exact.
    #[serde(default)]
    pub top_missed: u64,
    /// Of numbers, dates and timestamps: at most 24 stretches of equal width. Counts are exact.
    #[serde(default)]
    pub histogram: Vec<Bin>,
}

/// A value and the rows that hold it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TopValue {
    #[cfg_attr(feature = "openapi", schema(value_type = serde_json::Value))]
    pub value: Cell,
    pub count: u64,
}

/// Rows with a value from `from` inclusive to `to` exclusive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Bin {
    #[cfg_attr(feature = "openapi", schema(value_type = serde_json::Value))]
    pub from: Cell,
    #[cfg_attr(feature = "openapi", schema(value_type = serde_json::Value))]
    pub to: Cell,
    pub count: u64,
}

/// Characters of texts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lengths {
    pub min: u64,
    pub max: u64,
    pub mean: f64,
}
