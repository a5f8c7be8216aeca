//! A contract drafted from one file: what was found, written so that its owner can correct it.

use std::fmt::Write as _;

use model::{ColumnReport, ColumnWarning};

use super::Source;
use crate::ingest::Reading;

/// TOML text with comments that say what was seen and what is left to decide. The file lands under it as it stands;
/// `source` is how it was read.
#[must_use]
pub fn draft(reading: &Reading, file: &str, source: &Source) -> String {
    let mut text = String::new();
    let rows = reading.rows;
    let _ = writeln!(
        text,
        "# Drafted from {} ({} rows). It belongs at contracts/<unit>/<dataset>.toml in the lake.",
        one_line(file),
        rows.read
    );
    let stem = file.split('.').next().unwrap_or(file).replace(['_', '-'], " ");
    let _ = writeln!(text, "title = {}", quoted(stem.trim()));
    text.push_str("description = \"\"\n# owner = \"name@example.com\" # whom to ask\n");
    text.push_str("mode = \"append\" # or \"replace\": each file puts its rows in the place of all that was there\n");
    text.push_str("growth = false # true: later files may add columns\n");
    let _ = writeln!(
        text,
        "max_rejected = \"{}%\"{}",
        share(reading),
        match rows.quarantined {
            0 => String::new(),
            n => format!(" # {n} of this file's {} rows do not fit", rows.read),
        }
    );

    text.push_str("\n# How such files are read.\n[[source]]\n");
    let ending = file.split_once('.').map(|(_, ending)| format!("*.{ending}")).unwrap_or_else(|| "*".to_owned());
    let _ = writeln!(text, "match = {}", quoted(&ending));
    if let Some(sheet) = source.sheet.as_ref().or(reading.sheet.as_ref()) {
        let _ = writeln!(text, "sheet = {}", quoted(sheet));
    }
    if let Some(column) = &source.sheet_column {
        let _ = writeln!(text, "sheet_column = {}", quoted(column));
    }
    text.push_str("# null = [\"NA\"] # words that mean null, in text columns too\n");
    for (warning, choice) in [
        (ColumnWarning::AmbiguousDayMonth, "# day_first = true # or false: is 03/04 the third of April?"),
        (ColumnWarning::AmbiguousDecimal, "# decimal = \".\" # or \",\": is 1,234 a thousand and more?"),
        (ColumnWarning::MixedZones, "# time_zone = \"UTC\" # the zone of times that name none"),
    ] {
        let open: Vec<String> = reading.columns.iter().filter(|c| c.warning == Some(warning)).map(named).collect();
        if !open.is_empty() {
            let _ = writeln!(text, "{choice} Open in {}; give their type too.", open.join(", "));
        }
    }

    text.push_str("\n# What each column holds; a cell that does not fit its type sends the row to the quarantine.\n");
    for column in &reading.columns {
        let _ = writeln!(text, "[column.{}]", key(&column.name));
        let seen =
            if column.label.trim() == column.name { String::new() } else { format!("{}: ", one_line(&column.label)) };
        let _ = writeln!(text, "type = \"{}\" # {seen}{}", column.column_type, one_line(&column.evidence));
        if column.nulls == 0 && rows.landed > 0 {
            text.push_str("required = true\n");
        }
        text.push_str("description = \"\"\n\n");
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// The default, or what this file needs, rounded up to a tenth of a per cent.
fn share(reading: &Reading) -> String {
    let rows = reading.rows;
    let needed = 1000 * rows.quarantined;
    let tenths = needed.div_ceil(rows.read.max(1)).max(100);
    if tenths.is_multiple_of(10) { (tenths / 10).to_string() } else { format!("{}.{}", tenths / 10, tenths % 10) }
}

fn named(column: &ColumnReport) -> String {
    one_line(&column.name)
}

/// A comment ends at the line's end, and what a file says must not end it.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if model::text::hides(c) { ' ' } else { c }).take(200).collect()
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if bare { name.to_owned() } else { quoted(name) }
}
