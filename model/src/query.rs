//! Queries: what is asked, how it stands, where its answer came from.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Cell, Column, DatasetName};

/// A SQL query by a principal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueryRequest {
    /// One `SELECT`, at most 64 KiB.
    #[cfg_attr(feature = "openapi", schema(example = "select carrier, count(*) from ops.flights group by carrier"))]
    pub sql: String,
    /// Values for `$name` or `$1` in the text.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub params: serde_json::Map<String, Cell>,
    /// How long to wait for the answer before a status is returned, in milliseconds; at most 30,000.
    #[serde(default = "QueryRequest::default_wait_ms")]
    pub wait_ms: u64,
}

impl QueryRequest {
    #[must_use]
    pub fn new(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), params: serde_json::Map::new(), wait_ms: Self::default_wait_ms() }
    }

    fn default_wait_ms() -> u64 {
        10_000
    }
}

/// How a query stands. `id` is an opaque handle bound to the asker's policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueryStatus {
    pub id: String,
    pub state: QueryState,
    /// Empty until the plan is known.
    pub columns: Vec<Column>,
    /// Rows of the result once it is done, rows so far before.
    pub rows_total: u64,
    pub cache: CacheOutcome,
    /// Datasets that the query reads, with the version of each that it saw.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<(String, u64)>))]
    pub datasets: Vec<(DatasetName, u64)>,
    pub elapsed_ms: u64,
    pub started_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum QueryState {
    Queued,
    Running,
    Done,
    Failed,
    Cancelled,
}

/// Where an answer came from; the header `X-Penstock-Cache` says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase", tag = "outcome", content = "tier")]
pub enum CacheOutcome {
    Miss,
    Hit(CacheTier),
    /// Someone else was running the same query; this one waited for it.
    Shared,
    /// Never cached: the query is volatile.
    Bypass,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum CacheTier {
    Memory,
    Store,
}

impl fmt::Display for CacheOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Miss => "miss",
            Self::Hit(CacheTier::Memory) => "hit; tier=memory",
            Self::Hit(CacheTier::Store) => "hit; tier=store",
            Self::Shared => "shared",
            Self::Bypass => "bypass",
        })
    }
}

/// Rows of one dataset without SQL.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RowsRequest {
    /// Columns to return, in this order; empty means all.
    #[serde(default)]
    pub columns: Vec<String>,
    /// A SQL predicate over the dataset's columns.
    #[serde(default)]
    pub filter: Option<String>,
    /// Columns to sort by; a leading `-` sorts downwards.
    #[serde(default)]
    pub sort: Vec<String>,
    /// Rows wanted, 1 to 10,000.
    #[serde(default)]
    pub limit: Option<u64>,
    /// 0-based row to begin with.
    #[serde(default)]
    pub offset: u64,
}

/// Forms in which a stored result can be downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// RFC 4180, UTF-8, values as they are.
    Csv,
    Parquet,
    /// Arrow IPC stream.
    Arrow,
    /// One JSON array of objects.
    Json,
    /// One JSON object a line.
    Ndjson,
}

impl ExportFormat {
    pub const ALL: [Self; 5] = [Self::Csv, Self::Parquet, Self::Arrow, Self::Json, Self::Ndjson];

    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
        }
    }

    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}

impl FromStr for ExportFormat {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|f| f.extension() == s)
            .ok_or_else(|| format!("`{s}` is not a format; use csv, parquet, arrow, json or ndjson"))
    }
}

/// What a CSV does with texts that a spreadsheet would run as formulas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Formulas {
    /// Values are data and stay as they are.
    #[default]
    Kept,
    /// Texts and headers that begin with `=`, `+`, `-`, `@`, tab or CR get an apostrophe before them. For people.
    Guarded,
}

/// One of a person's own latest queries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecentQuery {
    pub sql: String,
    pub at: DateTime<Utc>,
    pub rows: u64,
    pub elapsed_ms: u64,
}
