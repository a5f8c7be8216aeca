//! Why a column has its type, in one sentence for a person.

use model::{ColumnType, ColumnWarning};

use super::{
    infer::{Decision, Evidence},
    raw::{Cells, RawTable},
    value::number::Mark,
};

/// `1,204 values; 3 have leading zeros → text, first at line 17`.
pub(super) fn evidence(
    table: &RawTable,
    cells: &Cells,
    evidence: &Evidence,
    found: Decision,
    given: Option<ColumnType>,
) -> String {
    if let Cells::Typed(array) = cells {
        let kept = given.filter(|g| *g != found.column_type).map(|g| format!("; read as {g}")).unwrap_or_default();
        return format!("{} values of type {} in the file{kept}", grouped(array.len() as u64), found.column_type);
    }
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
        None => fitting(table, cells, evidence, found),
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

fn fitting(table: &RawTable, cells: &Cells, evidence: &Evidence, found: Decision) -> String {
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
            format!("{} {have} leading zeros → text, first at line {}", grouped(n), table.places.line(row))
        }
        (None, Some(row)) => {
            let value: String = cells.text(row).unwrap_or_default().chars().take(40).collect();
            format!("not all of one type → text; `{value}` at line {} differs", table.places.line(row))
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
