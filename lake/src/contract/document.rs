//! The contract document: its keys, their checks, and how a file finds the rules that hold for it.

use std::collections::BTreeMap;

use chrono::format::{Item, StrftimeItems};
use model::ColumnType;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{Discoverable, Zone, pattern};
use crate::{LakeError, Result, ingest::Mark, nearest, table::WriteMode};

/// A parsed contract. Without a document the default holds, except that new columns may then be added.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Contract {
    pub title: Option<String>,
    pub description: String,
    /// Whom to ask; an address.
    pub owner: Option<String>,
    pub tags: Vec<String>,
    /// Who may know that the dataset exists without seeing anything of it.
    pub discoverable: Discoverable,
    /// `append` adds a file's rows, `replace` puts them in the place of all that was there, `upsert` in the place of
    /// those with the same key.
    #[serde(deserialize_with = "mode")]
    pub mode: WriteMode,
    /// Columns that together name one row.
    pub key: Vec<String>,
    /// Columns by which rows are ordered where they are stored, for those who ask by them.
    pub sort: Vec<String>,
    /// Whether a file may add columns that the dataset does not have yet.
    pub growth: bool,
    /// Whether a file may bring new columns alone. No contract says it: an owner decides so about one file.
    #[serde(skip)]
    pub strangers: bool,
    /// Share of rows, 0 to 1, that may be rejected before the whole file is refused. Written as `"30%"`.
    #[serde(deserialize_with = "share")]
    pub max_rejected: f64,
    /// Bytes that a compressed file may expand to; replaces the lake's limit and the ratio of 200.
    pub max_expanded_bytes: Option<u64>,
    /// Kinds of files; the first whose pattern fits a file gives its rules.
    #[serde(rename = "source")]
    pub sources: Vec<Source>,
    /// Conditions on each row.
    #[serde(rename = "check")]
    pub checks: Vec<Check>,
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
    /// The zone of timestamps that name none.
    pub time_zone: Option<Zone>,
    /// The worksheet to read, or a pattern of those whose rows are read one after the other.
    pub sheet: Option<String>,
    /// A column that says of each row which worksheet it stood in.
    pub sheet_column: Option<String>,
}

impl Source {
    /// Whether a workbook's sheet of this name is read.
    #[must_use]
    pub fn takes_sheet(&self, name: &str) -> bool {
        self.sheet.as_deref().is_none_or(|wanted| wanted == name || pattern::matches(wanted, name))
    }
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
    /// How dates or times are written, in `strftime` words: `%d.%m.%Y`. Nothing else then fits.
    pub format: Option<String>,
}

/// A condition that each row must meet: `sql` or `unique`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What reports call it; the condition itself when absent.
    #[serde(default)]
    pub name: Option<String>,
    /// A condition over the dataset's columns, as in `where`. A row of which it cannot be said, for lack of a value,
    /// meets it.
    #[serde(default)]
    pub sql: String,
    /// Columns whose values together occur once in a file. A row without one of them meets it.
    #[serde(default)]
    pub unique: Vec<String>,
    #[serde(default)]
    pub on_failure: OnFailure,
}

/// What becomes of rows that do not meet a check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// They wait with the reason; the others land.
    #[default]
    Quarantine,
    /// They land, and the report counts them.
    Warn,
    /// Nothing of the file lands.
    Refuse,
}

impl Check {
    /// As reports name it.
    #[must_use]
    pub fn shown(&self) -> String {
        let condition =
            if self.unique.is_empty() { self.sql.clone() } else { format!("unique {}", self.unique.join(", ")) };
        match &self.name {
            Some(name) => format!("“{name}” ({condition})"),
            None => format!("`{condition}`"),
        }
    }
}

impl Default for Contract {
    fn default() -> Self {
        Self {
            title: None,
            description: String::new(),
            owner: None,
            tags: Vec::new(),
            discoverable: Discoverable::default(),
            mode: WriteMode::Append,
            key: Vec::new(),
            sort: Vec::new(),
            growth: false,
            strangers: false,
            max_rejected: 0.1,
            max_expanded_bytes: None,
            sources: Vec::new(),
            checks: Vec::new(),
            columns: BTreeMap::new(),
        }
    }
}

/// Checks of one contract.
const MOST_CHECKS: usize = 100;
/// Bytes of one contract: some ten thousand columns.
const MOST_BYTES: usize = 1 << 20;

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
        if bytes.len() > MOST_BYTES {
            return Err(wrong(None, "a contract has at most 1 MiB; describe fewer columns"));
        }
        let text =
            std::str::from_utf8(bytes).map_err(|_| wrong(None, "the file is not UTF-8 text; save it as UTF-8"))?;
        let contract: Self = toml::from_str(text).map_err(|e| {
            let line = e.span().map(|s| 1 + text[..s.start.min(text.len())].matches('\n').count());
            wrong(line, &nearest::with_hint(e.message()))
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
        // What is sent gets a path with `%C3%A4` in it where its name has `ä`; contracts are written for people.
        let written = percent_decode_str(path).decode_utf8_lossy();
        let fits = |s: &&Source| {
            [path, &written].iter().any(|path| {
                let name = path.rsplit('/').next().unwrap_or(path);
                pattern::matches(&s.pattern, if s.pattern.contains('/') { path } else { name })
            })
        };
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
                check_name(name).map_err(|message| (label.clone(), message))?;
            }
            if let Some(name) = &source.sheet_column {
                check_name(name).map_err(|message| ("sheet_column".into(), message))?;
            }
        }
        if self.mode == WriteMode::Upsert && self.key.is_empty() {
            let message =
                "mode = \"upsert\" needs a `key`, for example key = [\"id\"]: rows with the same key are replaced";
            return Err(("mode".into(), message.into()));
        }
        for (names, key) in [(&self.key, "key"), (&self.sort, "sort")] {
            for name in names {
                check_name(name).map_err(|message| (key.into(), message))?;
            }
        }
        if self.checks.len() > MOST_CHECKS {
            return Err((
                "[[check]]".into(),
                format!("at most {MOST_CHECKS} checks are possible; join some with `and`"),
            ));
        }
        for check in &self.checks {
            if check.sql.is_empty() == check.unique.is_empty() {
                let message = "a [[check]] needs either `sql`, for example sql = \"price > 0\", or `unique`, for example \
                               unique = [\"id\"]";
                return Err(("[[check]]".into(), message.into()));
            }
            for name in &check.unique {
                check_name(name).map_err(|message| ("unique".into(), message))?;
            }
            if check.unique.is_empty() {
                crate::policy::may_be_condition(&check.sql).map_err(|why| (check.sql.clone(), why))?;
            }
        }
        for (name, rule) in &self.columns {
            rule.check_format().map_err(|why| (format!("column.{name}"), why))?;
        }
        for name in self.columns.keys() {
            check_name(name).map_err(|message| (format!("column.{name}"), message))?;
        }
        Ok(())
    }
}

/// What is wrong with a column's name, and what to write instead.
fn check_name(name: &str) -> std::result::Result<(), String> {
    match crate::ingest::column_name(name) {
        good if good.is_empty() => Err(format!("`{name}` is not a column name; write letters and digits")),
        good if good != name => Err(format!("`{name}` is not a column name; write `{good}`")),
        _ => Ok(()),
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
        "upsert" => Ok(WriteMode::Upsert),
        other => Err(D::Error::custom(format!("`{other}` is not a mode; use \"append\", \"replace\" or \"upsert\""))),
    }
}

fn mark<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Option<Mark>, D::Error> {
    match String::deserialize(d)?.as_str() {
        "." => Ok(Some(Mark::Point)),
        "," => Ok(Some(Mark::Comma)),
        other => Err(D::Error::custom(format!("`{other}` is not a decimal mark; use \".\" or \",\""))),
    }
}

impl ColumnRule {
    fn check_format(&self) -> std::result::Result<(), String> {
        let Some(format) = &self.format else { return Ok(()) };
        if StrftimeItems::new(format).any(|item| matches!(item, Item::Error)) {
            return Err(format!(
                "`{format}` is no format of dates; write for example \"%d.%m.%Y\" or \"%Y%m%d %H:%M\""
            ));
        }
        match self.column_type {
            Some(ColumnType::Date | ColumnType::Timestamp | ColumnType::TimestampUtc) => Ok(()),
            _ => Err("a `format` needs type = \"date\", \"timestamp\" or \"timestamp_utc\" beside it".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_found_by_the_name_as_people_write_it() {
        let text = "[[source]]\nmatch = \"*Umsätze*\"\ndecimal = \",\"";
        let contract = Contract::parse(text.as_bytes(), "c").unwrap();
        for path in ["landing/a/b/Umsätze.csv", "landing/a/b/Ums%C3%A4tze.csv"] {
            assert!(contract.source(path).decimal.is_some(), "{path}");
        }
        assert!(contract.source("landing/a/b/umsatz.csv").decimal.is_none());
    }

    #[test]
    fn a_wrong_contract_is_refused_with_its_line_and_the_cure() {
        for (text, line, says) in [
            ("title = 'x'\nmax_rejected = '200%'", "line 2", "such as \"10%\""),
            ("titel = 'x'", "line 1", "; did you mean `title`?"),
            ("[column.a]\nrequird = true", "line 2", "; did you mean `required`?"),
            ("[[check]]\nsql = 'a > 1'\non_failure = 'warm'", "line 3", "; did you mean `warn`?"),
            ("[[check]]\nname = 'x'", "line 1", "either `sql`"),
            ("[[check]]\nsql = 'a > 1'\nunique = ['a']", "line 1", "either `sql`"),
            ("[[check]]\nunique = ['Flight No']", "line 2", "write `flight_no`"),
            ("[column.a]\ntype = 'int'", "line 2", "use boolean, int64"),
            ("[[source]]\nnull = ['NA']", "line 1", "needs `match`"),
            ("[[source]]\nmatch = '*'\nrename = { 'Flight No.' = 'Flight No' }", "line 3", "write `flight_no`"),
            ("[column.Carrier]\ntype = 'text'", "line 1", "write `carrier`"),
            ("mode = 'merge'", "line 1", "use \"append\""),
            ("title = 'x'\nmode = 'upsert'", "line 2", "needs a `key`"),
            ("key = ['Flight No']", "line 1", "write `flight_no`"),
            ("[[source]]\nmatch = '*'\ntime_zone = 'Europe/Berlim'", "line 3", "Europe/Berlin"),
            ("[[check]]\nsql = 'a >'", "line 2", "a >"),
            ("[[check]]\nsql = 'a in (select 1)'", "line 2", "sub-queries"),
            ("[[check]]\nsql = 'a > 1'\non_failure = 'drop'", "line 3", "quarantine"),
            ("[column.d]\ntype = 'date'\nformat = '%Q'", "line 1", "%d.%m.%Y"),
            ("[column.d]\nformat = '%Y'", "line 1", "needs type"),
        ] {
            let message = Contract::parse(text.as_bytes(), "contracts/a/b.toml").expect_err(text).to_string();
            assert!(message.starts_with("contracts/a/b.toml"), "{message}");
            assert!(message.contains(line) && message.contains(says), "{text}\n{message}");
        }
    }

    #[test]
    fn keys_checks_places_and_formats_are_read() {
        let text = "mode = 'upsert'\nkey = ['id']\n[[source]]\nmatch = '*'\ntime_zone = 'Europe/Berlin'\n[[check]]\n\
                    name = 'late'\nsql = 'delay > -120'\non_failure = 'warn'\n[column.day]\ntype = 'date'\n\
                    format = '%d.%m.%Y'";
        let contract = Contract::parse(text.as_bytes(), "c").expect("parses");
        assert_eq!((contract.mode, contract.checks[0].on_failure), (WriteMode::Upsert, OnFailure::Warn));
        assert_eq!(contract.checks[0].shown(), "“late” (delay > -120)");
        assert_eq!(contract.sources[0].time_zone, "Europe/Berlin".parse().ok());
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
