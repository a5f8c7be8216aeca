//! Why a column has its type, in one sentence for a person.

use model::{ColumnType, ColumnWarning};

use super::{
    fit::Planned,
    infer::{Decision, Evidence, Nearly},
    raw::{Cells, RawTable},
    value::number::Mark,
};

/// Where the rows that the evidence names stand, and what they say.
pub(super) trait Told {
    /// The column's text in that row.
    fn value(&self, row: usize) -> String;
    /// Its line, 1-based.
    fn line(&self, row: usize) -> u64;
}

/// Of a table in memory.
pub(super) struct InTable<'a>(pub &'a RawTable, pub &'a Cells);

impl Told for InTable<'_> {
    fn value(&self, row: usize) -> String {
        self.1.text(row).unwrap_or_default().to_owned()
    }

    fn line(&self, row: usize) -> u64 {
        self.0.places.line(row)
    }
}

/// `12 values of type int64 in the file`
pub(super) fn typed(values: usize, found: ColumnType, given: Option<ColumnType>) -> String {
    let kept = given.filter(|g| *g != found).map(|g| format!("; read as {g}")).unwrap_or_default();
    format!("{} values of type {found} in the file{kept}", grouped(values as u64))
}

/// `1,204 values; 3 have leading zeros → text, first at line 17`.
pub(super) fn evidence(told: &impl Told, evidence: &Evidence, found: Decision, given: Option<ColumnType>) -> String {
    let values = match evidence.values {
        0 => "no value".to_owned(),
        1 => "1 value".to_owned(),
        n => format!("{} values", grouped(n)),
    };
    let why = match found.warning {
        Some(ColumnWarning::AmbiguousDecimal) => {
            "the decimal mark is not certain → text; set `decimal` in the contract".to_owned()
        }
        Some(ColumnWarning::AmbiguousDayMonth) => {
            "day and month could be swapped → text; set `day_first` in the contract".to_owned()
        }
        Some(ColumnWarning::MixedZones) => {
            "some name a time zone and some do not → text; set type and `time_zone` in the contract".to_owned()
        }
        Some(ColumnWarning::Nanoseconds) => "finer than the table's microseconds → text".to_owned(),
        None => fitting(told, evidence, found),
    };
    let nulls = match (found.column_type, evidence.words) {
        (_, 0) => String::new(),
        (ColumnType::Text, n) => format!("; {} such as NA kept as text", grouped(n)),
        (_, n) => format!("; {} such as NA are null", grouped(n)),
    };
    match given {
        Some(given) if given != found.column_type => format!("{values}{nulls}; the dataset's type is {given}"),
        _ => format!("{values}; {why}{nulls}"),
    }
}

/// What stands against a type that nearly all values have; nothing where the type was given, or text is meant.
pub(super) fn nearly(told: &impl Told, evidence: &Evidence, planned: &Planned) -> Option<String> {
    if planned.given.is_some() || planned.target != ColumnType::Text || planned.found.warning.is_some() {
        return None;
    }
    let Nearly { kind, others, row } = evidence.nearly()?;
    let value: String = told.value(row).trim().chars().take(40).collect();
    let (name, line, all) = (&planned.name, told.line(row), grouped(evidence.values));
    let which = match others {
        1 => format!("1 of its {all} values is no {kind}: `{value}` at line {line}"),
        n => format!("{} of its {all} values are no {kind}s, first `{value}` at line {line}", grouped(n)),
    };
    Some(format!(
        "`{name}` is text because {which}. If these are mistakes, mend the file, or give the column's type in the \
         contract: such rows then wait in quarantine."
    ))
}

fn fitting(told: &impl Told, evidence: &Evidence, found: Decision) -> String {
    if found.column_type != ColumnType::Text {
        let how = match (found.day_first, found.mark) {
            (Some(true), _) => ", day first",
            (Some(false), _) => ", month first",
            (None, Some(Mark::Comma)) => ", decimal comma",
            _ => "",
        };
        return format!("all fit → {}{how}", found.column_type);
    }
    match (evidence.leading_zeros, evidence.broke) {
        (Some((n, row)), _) => {
            let have = if n == 1 { "has" } else { "have" };
            format!("{} {have} leading zeros → text, first at line {}", grouped(n), told.line(row))
        }
        (None, Some(row)) => {
            let value: String = told.value(row).chars().take(40).collect();
            format!("not all of one type → text; `{value}` at line {} differs", told.line(row))
        }
        (None, None) => "text".to_owned(),
    }
}

fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, c) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}
