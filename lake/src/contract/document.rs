//! The contract document: its keys, their checks, and how a file finds the rules that hold for it.

use std::collections::BTreeMap;

use chrono::FixedOffset;
use model::ColumnType;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::pattern;
use crate::{LakeError, Result, ingest::Mark, table::WriteMode};

/// A parsed contract. Without a document the default holds, except that new columns may then be added.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Contract {
    pub title: Option<String>,
    pub description: String,
    /// Whom to ask; an address.
    pub owner: Option<String>,
    pub tags: Vec<String>,
    /// `append` adds a file's rows, `replace` puts them in the place of all that was there.
    #[serde(deserialize_with = "mode")]
    pub mode: WriteMode,
    /// Whether a file may add columns that the dataset does not have yet.
    pub growth: bool,
    /// Share of rows, 0 to 1, that may be rejected before the whole file is refused. Written as `"30%"`.
    #[serde(deserialize_with = "share")]
    pub max_rejected: f64,
    /// Bytes that a compressed file may expand to; replaces the lake's limit and the ratio of 200.
    pub max_expanded_bytes: Option<u64>,
    /// Kinds of files; the first whose pattern fits a file gives its rules.
    #[serde(rename = "source")]
    pub sources: Vec<Source>,
    /// By column name.
    #[serde(rename = "column")]
    pub columns: BTreeMap<String, ColumnRule>,
}

/// How one kind of file is read.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Source {
    /// Pattern over the path in the lake (`landing/ops/flights/*.csv`), or over the file's name when it has no `/`.
    #[serde(rename = "match")]
    pub pattern: String,
    /// Words that mean null in every column, text columns included.
    pub null: Vec<String>,
    /// Header as written → column name.
    pub rename: BTreeMap<String, String>,
    /// `.` or `,`.
    #[serde(deserialize_with = "mark")]
    pub decimal: Option<Mark>,
    /// Whether 03/04/2026 is in April.
    pub day_first: Option<bool>,
    /// The zone of timestamps that name none: `UTC` or an offset such as `+01:00`.
    #[serde(deserialize_with = "zone")]
    pub time_zone: Option<FixedOffset>,
    /// The worksheet to read.
    pub sheet: Option<String>,
}

/// What the contract says about one column.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColumnRule {
    #[serde(rename = "type")]
    pub column_type: Option<ColumnType>,
    pub description: String,
    pub tags: Vec<String>,
    /// What a number counts: `miles`, `EUR`.
    pub unit: Option<String>,
    /// A row without a value here is rejected, and so is a file without the column.
    pub required: bool,
    /// Other names and headers under which files bring this column.
    pub aliases: Vec<String>,
}

impl Default for Contract {
    fn default() -> Self {
        Self {
            title: None,
            description: String::new(),
            owner: None,
            tags: Vec::new(),
            mode: WriteMode::Append,
            growth: false,
            max_rejected: 0.1,
            max_expanded_bytes: None,
            sources: Vec::new(),
            columns: BTreeMap::new(),
        }
    }
}

impl Contract {
    /// The rules of a dataset that has no contract: all defaults, and files may add columns.
    #[must_use]
    pub fn absent() -> Self {
        Self { growth: true, ..Self::default() }
    }

    /// Parses the document at `place`.
    ///
    /// # Errors
    /// [`LakeError::Config`] naming `place`, the line and what is allowed there.
    pub fn parse(bytes: &[u8], place: &str) -> Result<Self> {
        let wrong = |line: Option<usize>, message: &str| {
            let line = line.map(|l| format!(", line {l}")).unwrap_or_default();
            LakeError::Config { message: format!("{place}{line}: {message}") }
        };
        let text =
            std::str::from_utf8(bytes).map_err(|_| wrong(None, "the file is not UTF-8 text; save it as UTF-8"))?;
        let contract: Self = toml::from_str(text).map_err(|e| {
            let line = e.span().map(|s| 1 + text[..s.start.min(text.len())].matches('\n').count());
            wrong(line, e.message())
        })?;
        contract.check().map_err(|(key, message)| {
            let line = text.lines().position(|l| l.contains(&key)).map(|l| l + 1);
            wrong(line, &message)
        })?;
        Ok(contract)
    }

    /// The rules for the file at `path` in the lake.
    #[must_use]
    pub fn source(&self, path: &str) -> Source {
        let name = path.rsplit('/').next().unwrap_or(path);
        let fits = |s: &&Source| pattern::matches(&s.pattern, if s.pattern.contains('/') { path } else { name });
        self.sources.iter().find(fits).cloned().unwrap_or_default()
    }

    /// What parses and still makes no sense: the text to look for, and the message.
    fn check(&self) -> std::result::Result<(), (String, String)> {
        for source in &self.sources {
            if source.pattern.is_empty() {
                let message = "a [[source]] needs `match`, for example match = \"*.csv\"";
                return Err(("[[source]]".into(), message.into()));
            }
            for (label, name) in &source.rename {
                if *name != crate::ingest::column_name(name) {
                    let good = crate::ingest::column_name(name);
                    return Err((label.clone(), format!("`{name}` is not a column name; write `{good}`")));
                }
            }
        }
        for name in self.columns.keys() {
            let good = crate::ingest::column_name(name);
            if *name != good {
                return Err((format!("column.{name}"), format!("`{name}` is not a column name; write `{good}`")));
            }
        }
        Ok(())
    }
}

fn share<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<f64, D::Error> {
    let cure = "write a share of rows such as \"10%\" or 0.1";
    let given = toml::Value::deserialize(d)?;
    let share = match &given {
        toml::Value::String(s) => {
            let percent = s.trim().strip_suffix('%').ok_or_else(|| D::Error::custom(cure))?;
            percent.trim().parse::<f64>().map_err(|_| D::Error::custom(cure))? / 100.0
        }
        toml::Value::Float(f) => *f,
        toml::Value::Integer(0) => 0.0,
        toml::Value::Integer(1) => 1.0,
        _ => return Err(D::Error::custom(cure)),
    };
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err(D::Error::custom(cure)) }
}

fn mode<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<WriteMode, D::Error> {
    match String::deserialize(d)?.as_str() {
        "append" => Ok(WriteMode::Append),
        "replace" => Ok(WriteMode::Replace),
        other => Err(D::Error::custom(format!("`{other}` is not a mode; use \"append\" or \"replace\""))),
    }
}

fn mark<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Option<Mark>, D::Error> {
    match String::deserialize(d)?.as_str() {
        "." => Ok(Some(Mark::Point)),
        "," => Ok(Some(Mark::Comma)),
        other => Err(D::Error::custom(format!("`{other}` is not a decimal mark; use \".\" or \",\""))),
    }
}

fn zone<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Option<FixedOffset>, D::Error> {
    let given = String::deserialize(d)?;
    let zone = if given == "UTC" { FixedOffset::east_opt(0) } else { given.parse().ok() };
    let cure =
        || D::Error::custom(format!("`{given}` is not a time zone here; use \"UTC\" or an offset like \"+01:00\""));
    Ok(Some(zone.ok_or_else(cure)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_contract_is_refused_with_its_line_and_the_cure() {
        for (text, line, says) in [
            ("title = 'x'\nmax_rejected = '200%'", "line 2", "such as \"10%\""),
            ("titel = 'x'", "line 1", "title"),
            ("[column.a]\ntype = 'int'", "line 2", "use boolean, int64"),
            ("[[source]]\nnull = ['NA']", "line 1", "needs `match`"),
            ("[[source]]\nmatch = '*'\nrename = { 'Flight No.' = 'Flight No' }", "line 3", "write `flight_no`"),
            ("[column.Carrier]\ntype = 'text'", "line 1", "write `carrier`"),
            ("mode = 'upsert'", "line 1", "use \"append\""),
            ("[[source]]\nmatch = '*'\ntime_zone = 'Europe/Berlin'", "line 3", "+01:00"),
        ] {
            let message = Contract::parse(text.as_bytes(), "contracts/a/b.toml").expect_err(text).to_string();
            assert!(message.starts_with("contracts/a/b.toml"), "{message}");
            assert!(message.contains(line) && message.contains(says), "{text}\n{message}");
        }
    }

    #[test]
    fn the_first_source_that_fits_gives_the_rules() {
        let text = "[[source]]\nmatch='*rotterdam*'\nday_first=true\n[[source]]\nmatch='landing/ops/**'\nnull=['NA']";
        let contract = Contract::parse(text.as_bytes(), "c").expect("parses");
        assert_eq!(contract.source("landing/ops/flights/07-rotterdam.csv").day_first, Some(true));
        assert_eq!(contract.source("landing/ops/flights/01.csv").null, ["NA"]);
        assert_eq!(contract.source("landing/x/y/z.csv"), Source::default());
    }
}
