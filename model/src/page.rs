//! A window of rows, as API and pages carry it.

use serde::{Deserialize, Serialize};

use crate::Column;

/// One value as JSON: null, boolean, number or string.
///
/// 64-bit integers are JSON numbers; decimals, dates (`2026-11-25`) and timestamps (ISO 8601, `Z` when UTC) are
/// strings; floats that JSON lacks are the strings `NaN`, `inf`, `-inf`.
pub type Cell = serde_json::Value;

/// Rows `offset` to `offset + rows.len()` of a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page {
    pub columns: Vec<Column>,
    /// 0-based number of the first row.
    pub offset: u64,
    /// Each row has one cell a column, in the order of `columns`.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Vec<serde_json::Value>>))]
    pub rows: Vec<Vec<Cell>>,
    /// Rows of the whole result.
    pub rows_total: u64,
}
