//! What a file would become: all that an ingest decides about it, before anything lands.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ColumnName, ColumnReport, ColumnType, ColumnWarning, Difference, QuarantinedRow, RefusedBecause};

/// What would become of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Inspection {
    Lands(Box<Lands>),
    Refused(Refused),
}

/// A file that would land.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lands {
    /// `utf-8`, `utf-16le`, `utf-16be`, `windows-1252`; `None` for binary formats.
    pub encoding: Option<String>,
    /// `gzip`, `zstd`, `bzip2`, `xz`, `zip`.
    pub compression: Option<String>,
    /// `csv`, `json`, `ndjson`, `xlsx`, `xls`, `ods`, `parquet`.
    pub format: Option<String>,
    pub delimiter: Option<String>,
    pub quote: Option<String>,
    /// 1-based physical line of the header row.
    pub header_line: Option<u64>,
    /// The worksheet that was read.
    pub sheet: Option<String>,
    /// In the file's order.
    pub columns: Vec<InspectedColumn>,
    /// Why each column has its type, in the order of `columns`.
    pub evidence: Vec<String>,
    /// What would land and deserves a look, a sentence each.
    #[serde(default)]
    pub warnings: Vec<String>,
    pub rows: InspectedRows,
    /// Physical lines, 1-based, on which rejected records start.
    pub quarantined_lines: Vec<u64>,
    /// The first rejected rows, with the reasons.
    pub quarantined: Vec<QuarantinedRow>,
    /// Rows that would land, by their 0-based number; each value in words, `None` for null.
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, Vec<Option<String>>>))]
    pub values: BTreeMap<RowNumber, Vec<Option<String>>>,
}

/// A row's number, counted from 0. As a key of JSON it is a string that sorts as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RowNumber(pub u64);

impl From<RowNumber> for String {
    fn from(number: RowNumber) -> Self {
        number.0.to_string()
    }
}

impl TryFrom<String> for RowNumber {
    type Error = std::num::ParseIntError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

/// A file of which nothing would land.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Refused {
    pub refused_because: RefusedBecause,
    /// For a person: what is wrong and what to do.
    pub message: String,
    /// The first rejected rows, when these are why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quarantined: Vec<QuarantinedRow>,
    /// Sent to the dataset, the file would wait for an owner's decision instead of being refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
    /// How a file that would wait differs from the dataset. For its owners.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Box<Difference>>,
}

/// One column of an inspected file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InspectedColumn {
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub name: ColumnName,
    /// The header as written.
    pub label: String,
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub column_type: ColumnType,
    /// Over the rows that would land.
    pub nulls: u64,
    pub warning: Option<ColumnWarning>,
}

/// Rows of an inspected file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InspectedRows {
    pub landed: u64,
    pub quarantined: u64,
    /// Lines before the table, comments and empty rows.
    pub skipped: u64,
}

impl From<&ColumnReport> for InspectedColumn {
    fn from(report: &ColumnReport) -> Self {
        let ColumnReport { name, label, column_type, nulls, warning, .. } = report.clone();
        Self { name, label, column_type, nulls, warning }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inspection_survives_json_and_its_rows_stay_in_order() {
        let refused = r#"{"outcome":"refused","refused_because":"empty","message":"The file is empty."}"#;
        let read: Inspection = serde_json::from_str(refused).expect("reads");
        assert_eq!(serde_json::to_string(&read).expect("writes"), refused);

        let values = [2, 10].into_iter().map(|n| (RowNumber(n), vec![Some(n.to_string()), None])).collect();
        let lands = Inspection::Lands(Box::new(Lands {
            encoding: Some("utf-8".into()),
            compression: None,
            format: Some("csv".into()),
            delimiter: Some(",".into()),
            quote: None,
            header_line: Some(1),
            sheet: None,
            columns: Vec::new(),
            evidence: Vec::new(),
            warnings: Vec::new(),
            rows: InspectedRows { landed: 11, quarantined: 0, skipped: 0 },
            quarantined_lines: Vec::new(),
            quarantined: Vec::new(),
            values,
        }));
        let text = serde_json::to_string(&lands).expect("writes");
        assert!(text.ends_with(r#""values":{"2":["2",null],"10":["10",null]}}"#), "{text}");
        assert_eq!(serde_json::from_str::<Inspection>(&text).expect("reads"), lands);
    }
}
