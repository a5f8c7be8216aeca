//! Columns of a dataset: names and types, as catalog, API and pages show them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::ColumnName;

/// The types that a table column can have. Written as in contracts: `decimal(12,2)`, `timestamp_utc`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ColumnType {
    Boolean,
    Int64,
    Float64,
    /// Precision 1 to 38 digits in all, scale of them after the point.
    Decimal(u8, i8),
    Date,
    /// A local time without zone, microseconds.
    Timestamp,
    /// An instant, microseconds since 1970 in UTC.
    TimestampUtc,
    Text,
}

impl ColumnType {
    /// Whether values are quantities: right-aligned, with minimum, maximum and mean.
    #[must_use]
    pub fn is_number(self) -> bool {
        matches!(self, Self::Int64 | Self::Float64 | Self::Decimal(..))
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("boolean"),
            Self::Int64 => f.write_str("int64"),
            Self::Float64 => f.write_str("float64"),
            Self::Decimal(p, s) => write!(f, "decimal({p},{s})"),
            Self::Date => f.write_str("date"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::TimestampUtc => f.write_str("timestamp_utc"),
            Self::Text => f.write_str("text"),
        }
    }
}

impl FromStr for ColumnType {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let known = || {
            format!(
                "`{s}` is not a type; use boolean, int64, float64, decimal(p,s), date, timestamp, timestamp_utc or text"
            )
        };
        Ok(match s {
            "boolean" => Self::Boolean,
            "int64" => Self::Int64,
            "float64" => Self::Float64,
            "date" => Self::Date,
            "timestamp" => Self::Timestamp,
            "timestamp_utc" => Self::TimestampUtc,
            "text" => Self::Text,
            _ => {
                let inner = s.strip_prefix("decimal(").and_then(|r| r.strip_suffix(')')).ok_or_else(known)?;
                let (p, s) = inner.split_once(',').ok_or_else(known)?;
                let p: u8 = p.trim().parse().map_err(|_| known())?;
                let s: i8 = s.trim().parse().map_err(|_| known())?;
                if !(1..=38).contains(&p) || s < 0 || s.unsigned_abs() > p {
                    return Err(known());
                }
                Self::Decimal(p, s)
            }
        })
    }
}

impl TryFrom<String> for ColumnType {
    type Error = String;
    fn try_from(s: String) -> Result<Self, String> {
        s.parse()
    }
}

impl From<ColumnType> for String {
    fn from(t: ColumnType) -> Self {
        t.to_string()
    }
}

/// One column as a given principal sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Column {
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub name: ColumnName,
    /// The header as its author wrote it; empty when there was none.
    #[serde(default)]
    pub label: String,
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "int64"))]
    pub column_type: ColumnType,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub tags: Vec<String>,
    /// How the viewer's policy changes values, in words ("hashed"); `None` when it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub masked: Option<String>,
}
