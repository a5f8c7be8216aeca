//! Delimited text to rows: the dialect by evidence, records with their places, titles and comments before the table.

use std::borrow::Cow;

use arrow::array::{StringArray, StringBuilder};
use model::{QuarantinedRow, RefusedBecause};

use self::record::{Fault, Record, Records};
use super::{
    Refusal,
    encoding::{Offsets, Text},
    raw::{Cells, Places, RawColumn, RawTable, check_width},
};

mod dialect;
mod record;

pub(super) use dialect::{Dialect, Margin};
pub(super) use record::Field;

/// Reads a whole text. The header is found later: the first row of the table may be it, or data.
///
/// # Errors
/// `empty` when no row holds a value.
pub(super) fn read(text: &Text) -> Result<(Dialect, RawTable), Refusal> {
    let (dialect, width) = dialect_of(text)?;
    let table = rows(text, dialect, width);
    if table.rows() == 0 {
        return Err(empty());
    }
    Ok((dialect, table))
}

fn dialect_of(text: &Text) -> Result<(Dialect, usize), Refusal> {
    if text.text.trim_matches(|c: char| c.is_whitespace() || c == '\0').is_empty() {
        return Err(empty());
    }
    let (dialect, width) = dialect::find(&text.text);
    check_width(width)?;
    Ok((dialect, width))
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
    let mut rows = Rows::new(dialect, width);
    rows.read(text, true, |row| match row {
        Row::Fields(fields, place) => {
            for (field, column) in fields.iter().zip(&mut columns) {
                match field.value(&text.text, dialect) {
                    Cow::Borrowed("") => column.append_null(),
                    value => column.append_value(value),
                }
            }
            places.push(place);
        }
        Row::Fault(reason, place) => faults.push((place, reason)),
    });
    let mut skipped = rows.skipped;
    // A lone row that begins with `#` is a comment: no data follows it.
    if places.len() == 1 && text.text[places[0].0..].starts_with('#') {
        places.clear();
        columns.iter_mut().for_each(|c| drop(c.finish()));
        skipped += 1;
    }
    let mut offsets = Offsets::new(text);
    let rejected = faults.into_iter().map(|(place, reason)| quarantined(text, &mut offsets, place, reason)).collect();
    let columns = columns.into_iter().map(|mut c| column(c.finish())).collect();
    RawTable { columns, places: Places::Text(places), rejected, skipped, ..RawTable::default() }
}

/// Start and end in the text, and the line of the start.
pub(super) type Place = (usize, usize, u64);

/// One record of a table: its fields, or why it cannot be a row.
pub(super) enum Row<'a> {
    Fields(&'a [Field], Place),
    Fault(String, Place),
}

/// Reads the rows of a table, from one text or from several that follow each other.
#[derive(Debug)]
pub(super) struct Rows {
    dialect: Dialect,
    width: usize,
    /// A row was read: what comes before the first one are titles.
    begun: bool,
    /// Lines that are no rows: blank ones, titles, comments.
    pub skipped: u64,
    /// Lines of which no row of their own was made, blank ones not counted.
    pub lost: u64,
    line: u64,
}

impl Rows {
    pub fn new(dialect: Dialect, width: usize) -> Self {
        Self { dialect, width, begun: false, skipped: 0, lost: 0, line: 1 }
    }

    /// Gives each record of `text` to `row`; returns how far it was read. When the text is not the `last`, a record at
    /// its end that may go on is left for the next one.
    pub fn read(&mut self, text: &Text, last: bool, mut row: impl FnMut(Row<'_>)) -> usize {
        let mut records = Records::at(&text.text, self.dialect, self.line);
        let mut bad = text.bad.iter().copied().peekable();
        let mut read = 0;
        while let Some(record) = records.read() {
            if !last && records.may_go_on(&record) {
                break;
            }
            read = records.place();
            self.line += record.lines;
            while bad.next_if(|b| *b < record.start).is_some() {}
            let spoilt = bad.peek().is_some_and(|b| *b < record.end);
            self.record(&text.text, &record, records.fields(), spoilt, &mut row);
        }
        read
    }

    #[inline]
    fn record(&mut self, text: &str, record: &Record, fields: &[Field], spoilt: bool, row: &mut impl FnMut(Row<'_>)) {
        let lines = record.lines;
        let blank = record.fault.is_none()
            && fields.first().is_none_or(|f| f.is_empty() || f.is_spaced(text))
            && (fields.iter().all(Field::is_empty) || is_blank(text, record));
        if blank {
            self.skipped += lines;
            self.lost += if record.start == record.end { lines - 1 } else { lines };
            return;
        }
        let comment = text.as_bytes()[record.start] == b'#';
        // Before the table, lines of another width are titles; in it they are faults, unless they are comments.
        if record.fault.is_none() && fields.len() != self.width && (!self.begun || comment) {
            self.skipped += lines;
            self.lost += lines;
            return;
        }
        let place = (record.start, record.end, record.line);
        let reason = match record.fault {
            Some(Fault::AfterQuote) => {
                Some("text follows a closing quote; double the quotes inside a quoted field".into())
            }
            Some(Fault::Unclosed) => Some("a quote opens here and never closes".into()),
            None if spoilt => Some("bytes that are not valid UTF-8".into()),
            None if fields.len() != self.width => {
                Some(format!("{} where the table has {}", count(fields.len(), "field"), self.width))
            }
            None => None,
        };
        match reason {
            Some(reason) => {
                self.lost += lines;
                row(Row::Fault(reason, place));
            }
            None => {
                self.begun = true;
                self.lost += if comment { lines } else { lines - 1 };
                row(Row::Fields(fields, place));
            }
        }
    }
}

/// Whether a record is one line of white space: nothing to keep, whatever the table's width.
fn is_blank(text: &str, record: &Record) -> bool {
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
    (start, end, line): Place,
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
