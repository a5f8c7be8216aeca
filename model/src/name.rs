//! Names that are valid by construction: units, datasets, columns.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Longest unit or dataset name, in bytes.
pub const MAX_NAME_BYTES: usize = 63;

/// Units that Penstock keeps for itself; no landing folder may take them.
pub const RESERVED_UNITS: [&str; 4] = ["system", "information_schema", "pg_catalog", "penstock"];

/// The dataset of the audit.
const AUDIT: (&str, &str) = ("system", "audit");

/// A name that breaks the rule, with the rule in words for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a {kind} name: {rule}")]
#[non_exhaustive]
pub struct InvalidName {
    pub given: String,
    pub kind: &'static str,
    pub rule: &'static str,
}

/// A business unit, the schema in SQL: `ops` in `ops.flights`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UnitName(String);

/// A dataset's full name, `unit.dataset`, as SQL writes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DatasetName {
    unit: UnitName,
    name: String,
}

/// A column's name as the table has it: snake_case letters of any script.
pub type ColumnName = String;

const RULE: &str = "use lower-case letters, digits and _, beginning with a letter, at most 63 characters";

fn is_plain(s: &str) -> bool {
    s.len() <= MAX_NAME_BYTES
        && s.starts_with(|c: char| c.is_ascii_lowercase())
        && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

impl UnitName {
    /// # Errors
    /// [`InvalidName`] unless `s` is 1 to 63 of `a-z0-9_` beginning with a letter, and not reserved.
    pub fn new(s: &str) -> Result<Self, InvalidName> {
        if RESERVED_UNITS.contains(&s) {
            return Err(InvalidName { given: s.into(), kind: "unit", rule: "this name is reserved" });
        }
        if !is_plain(s) {
            return Err(InvalidName { given: s.into(), kind: "unit", rule: RULE });
        }
        Ok(Self(s.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl DatasetName {
    /// # Errors
    /// [`InvalidName`] unless both parts are 1 to 63 of `a-z0-9_` beginning with a letter.
    pub fn new(unit: &str, name: &str) -> Result<Self, InvalidName> {
        let unit = UnitName::new(unit)?;
        if !is_plain(name) {
            return Err(InvalidName { given: name.into(), kind: "dataset", rule: RULE });
        }
        Ok(Self { unit, name: name.to_owned() })
    }

    /// As [`new`](Self::new), and the datasets that Penstock keeps itself too: for whoever only reads. What is written
    /// by others goes by `new`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn to_read(unit: &str, name: &str) -> Result<Self, InvalidName> {
        if (unit, name) == AUDIT { Ok(Self::audit()) } else { Self::new(unit, name) }
    }

    /// `system.audit`
    #[must_use]
    pub fn audit() -> Self {
        Self { unit: UnitName(AUDIT.0.to_owned()), name: AUDIT.1.to_owned() }
    }

    /// Whether Penstock keeps this dataset itself: nobody sends files to it, and no policy grants it.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        RESERVED_UNITS.contains(&self.unit.as_str())
    }

    #[must_use]
    pub fn unit(&self) -> &UnitName {
        &self.unit
    }

    /// The part after the dot.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for DatasetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.unit, self.name)
    }
}

impl FromStr for UnitName {
    type Err = InvalidName;
    fn from_str(s: &str) -> Result<Self, InvalidName> {
        Self::new(s)
    }
}

impl FromStr for DatasetName {
    type Err = InvalidName;
    /// Parses `unit.dataset`.
    fn from_str(s: &str) -> Result<Self, InvalidName> {
        let rule = "write it as unit.dataset, for example ops.flights";
        let (unit, name) = s.split_once('.').ok_or_else(|| InvalidName { given: s.into(), kind: "dataset", rule })?;
        Self::new(unit, name)
    }
}

impl TryFrom<String> for UnitName {
    type Error = InvalidName;
    fn try_from(s: String) -> Result<Self, InvalidName> {
        Self::new(&s)
    }
}

impl TryFrom<String> for DatasetName {
    type Error = InvalidName;
    /// What was kept names datasets that were read.
    fn try_from(s: String) -> Result<Self, InvalidName> {
        if s.split_once('.') == Some(AUDIT) { Ok(Self::audit()) } else { s.parse() }
    }
}

impl From<UnitName> for String {
    fn from(n: UnitName) -> Self {
        n.0
    }
}

impl From<DatasetName> for String {
    fn from(n: DatasetName) -> Self {
        n.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_or_say_why_not() {
        for good in ["ops.flights", "a.b", "geo.zip_codes_2"] {
            assert_eq!(good.parse::<DatasetName>().map(|n| n.to_string()), Ok(good.to_owned()));
        }
        for bad in [
            "",
            "ops",
            "ops.",
            ".x",
            "Ops.flights",
            "ops.fl ights",
            "ops.a.b",
            "../x.y",
            "1a.b",
            "system.audit",
            "ops.é",
        ] {
            assert!(bad.parse::<DatasetName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_penstock_keeps_itself_can_be_read_and_no_more() {
        let audit = DatasetName::to_read("system", "audit").expect("can be read");
        assert!(audit.is_reserved() && audit == DatasetName::audit());
        assert_eq!(serde_json::from_str::<DatasetName>("\"system.audit\"").ok(), Some(audit));
        assert!(DatasetName::new("system", "audit").is_err());
        for (unit, name) in [("system", "other"), ("pg_catalog", "audit"), ("system", "audit ")] {
            assert!(DatasetName::to_read(unit, name).is_err(), "{unit}.{name}");
        }
        assert!(!DatasetName::to_read("ops", "audit").expect("is a name").is_reserved());
    }
}
