//! Delimited text to rows: the dialect by evidence, records with their places, titles and comments before the table.

use std::borrow::Cow;

use arrow::array::{StringArray, StringBuilder};
use model::{QuarantinedRow, RefusedBecause};

use self::record::{Fault, Records};
use super::{
    Refusal,
    encoding::{Offsets, Text},
    raw::{Cells, Places, RawColumn, RawTable, check_width},
};

mod dialect;
mod record;

pub(super) use dialect::Dialect;

/// Reads a whole text. The header is found later: the first row of the table may be it, or data.
///
/// # Errors
/// `empty` when no row holds a value.
pub(super) fn read(text: &Text) -> Result<(Dialect, RawTable), Refusal> {
    if text.text.trim_matches(|c: char| c.is_whitespace() || c == '\0').is_empty() {
        return Err(empty());
    }
    let (dialect, width) = dialect::find(&text.text);
    check_width(width)?;
    let table = rows(text, dialect, width);
    if table.rows() == 0 {
        return Err(empty());
    }
    Ok((dialect, table))
}

fn empty() -> Refusal {
    Refusal::new(RefusedBecause::Empty, "There is no value and no header in this file.")
}

fn rows(text: &Text, dialect: Dialect, width: usize) -> RawTable {
    let share = text.text.len() / width.max(1);
    let mut columns: Vec<StringBuilder> =
        (0..width).map(|_| StringBuilder::with_capacity(share.min(1024), share)).collect();
    let mut places = Vec::new();
    let mut faults = Vec::new();
    let mut skipped = 0;
    let mut records = Records::new(&text.text, dialect);
    let mut bad = text.bad.iter().copied().peekable();
    while let Some(record) = records.read() {
        let lines = record.lines;
        while bad.next_if(|b| *b < record.start).is_some() {}
        let spoilt = bad.peek().is_some_and(|b| *b < record.end);
        let fields = records.fields();
        let blank = record.fault.is_none() && (fields.iter().all(|f| f.is_empty()) || is_blank(&text.text, &record));
        if blank {
            skipped += lines;
            continue;
        }
        let comment = text.text.as_bytes()[record.start] == b'#';
        // Before the table, lines of another width are titles; in it they are faults, unless they are comments.
        if record.fault.is_none() && fields.len() != width && (places.is_empty() || comment) {
            skipped += lines;
            continue;
        }
        let place = (record.start, record.end, record.line);
        let reason = match record.fault {
            Some(Fault::AfterQuote) => {
                Some("text follows a closing quote; double the quotes inside a quoted field".into())
            }
            Some(Fault::Unclosed) => Some("a quote opens here and never closes".into()),
            None if spoilt => Some("bytes that are not valid UTF-8".into()),
            None if fields.len() != width => {
                Some(format!("{} where the table has {width}", count(fields.len(), "field")))
            }
            None => None,
        };
        if let Some(reason) = reason {
            faults.push((place, reason));
            continue;
        }
        for (field, column) in fields.iter().zip(&mut columns) {
            match field.value(&text.text, dialect) {
                Cow::Borrowed("") => column.append_null(),
                value => column.append_value(value),
            }
        }
        places.push(place);
    }
    // A lone row that begins with `#` is a comment: no data follows it.
    if places.len() == 1 && text.text[places[0].0..].starts_with('#') {
        places.clear();
        columns.iter_mut().for_each(|c| drop(c.finish()));
        skipped += 1;
    }
    let mut offsets = Offsets::new(text);
    let rejected = faults.into_iter().map(|(place, reason)| quarantined(text, &mut offsets, place, reason)).collect();
    let columns = columns.into_iter().map(|mut c| column(c.finish())).collect();
    RawTable { columns, places: Places::Text(places), rejected, skipped, header_line: None }
}

/// Whether a record is one line of white space: nothing to keep, whatever the table's width.
fn is_blank(text: &str, record: &record::Record) -> bool {
    record.lines == 1
        && text[record.start..record.end].trim().is_empty()
        && !text[record.start..record.end].contains('\t')
}

fn column(cells: StringArray) -> RawColumn {
    RawColumn { label: String::new(), cells: Cells::Text(cells) }
}

/// A quarantined record with its raw text and byte offset.
pub(super) fn quarantined(
    text: &Text,
    offsets: &mut Offsets<'_>,
    (start, end, line): (usize, usize, u64),
    reason: String,
) -> QuarantinedRow {
    QuarantinedRow {
        line,
        byte_offset: Some(offsets.of(start)),
        raw: text.text[start..end].to_owned(),
        column: None,
        value: None,
        reason,
    }
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
