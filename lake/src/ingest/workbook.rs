//! Excel workbooks to rows. Cells are taken one by one as the sheet lists them, so a lone far cell costs nothing.

use std::{borrow::Cow, io::Cursor};

use arrow::array::StringBuilder;
use bytes::Bytes;
use calamine::{DataRef, Reader as _, Xlsx};
use model::RefusedBecause;

use super::{
    Refusal,
    raw::{Cells, Kind, Places, RawColumn, RawTable},
};

type Book = Xlsx<Cursor<Bytes>>;

/// The rows of the wanted sheet, or of the only one that holds anything, and the sheet's name.
///
/// `limit` is what the file may expand to, in bytes: its cells may refer to one long text again and again, and lie far
/// apart.
///
/// # Errors
/// `unreadable`, `empty`, `too_large`, `contract` when several sheets could be meant or the
/// wanted one is not there.
pub(super) fn read(bytes: &Bytes, wanted: Option<&str>, limit: u64) -> Result<(String, RawTable), Refusal> {
    let mut book: Book = calamine::open_workbook_from_rs(Cursor::new(bytes.clone())).map_err(|e| damaged(&e))?;
    let names = book.sheet_names();
    let mut left = limit.saturating_mul(2);
    if let Some(wanted) = wanted {
        if !names.iter().any(|n| n == wanted) {
            let message = format!("The workbook has no sheet `{wanted}`; its sheets are {}.", names.join(", "));
            return Err(Refusal::new(RefusedBecause::Contract, message));
        }
        let rows = sheet(&mut book, wanted, &mut left)?;
        return Ok((wanted.to_owned(), table(rows, limit)?));
    }
    let mut filled = Vec::new();
    for name in names {
        let rows = sheet(&mut book, &name, &mut left)?;
        if !rows.is_empty() {
            filled.push((name, rows));
        }
    }
    match filled.len() {
        0 => Err(Refusal::new(RefusedBecause::Empty, "No sheet of the workbook holds a value.")),
        1 => {
            let (name, rows) = filled.swap_remove(0);
            Ok((name, table(rows, limit)?))
        }
        n => {
            let names: Vec<&str> = filled.iter().map(|(name, _)| name.as_str()).collect();
            let message = format!(
                "The workbook has {n} sheets ({}); say which one with `sheet` under [[source]] in the dataset's contract.",
                names.join(", ")
            );
            Err(Refusal::new(RefusedBecause::Contract, message))
        }
    }
}

/// A row's number, 0-based, and its cells from left to right.
type Row = (u32, Vec<(u32, Kind, String)>);

/// The cells of a sheet that hold something; their texts are taken off what is `left`.
fn sheet(book: &mut Book, name: &str, left: &mut u64) -> Result<Vec<Row>, Refusal> {
    let mut rows: Vec<Row> = Vec::new();
    let mut reader = match book.worksheet_cells_reader(name) {
        Ok(reader) => reader,
        // A sheet of another kind, such as a chart, has no cells.
        Err(calamine::XlsxError::WorksheetNotFound(_) | calamine::XlsxError::NotAWorksheet(_)) => return Ok(rows),
        Err(e) => return Err(damaged(&e)),
    };
    while let Some(cell) = reader.next_cell().map_err(|e| damaged(&e))? {
        let Some((kind, text)) = content(cell.get_value()) else { continue };
        let (row, column) = cell.get_position();
        *left = left.checked_sub(text.len() as u64).ok_or_else(|| {
            let message = "The workbook's texts expand past the limit; send it as CSV, or in parts.";
            Refusal::new(RefusedBecause::TooLarge, message)
        })?;
        match rows.last_mut() {
            Some((at, cells)) if *at == row => cells.push((column, kind, text.into_owned())),
            _ => rows.push((row, vec![(column, kind, text.into_owned())])),
        }
    }
    rows.sort_by_key(|(row, _)| *row);
    // A row that the sheet lists in parts, or twice, is one row.
    rows.dedup_by(|(row, cells), (before, all)| {
        let same = row == before;
        if same {
            all.append(cells);
        }
        same
    });
    Ok(rows)
}

fn content<'a>(value: &'a DataRef<'_>) -> Option<(Kind, Cow<'a, str>)> {
    Some(match value {
        DataRef::Empty => return None,
        DataRef::String(s) if s.is_empty() => return None,
        DataRef::SharedString("") => return None,
        DataRef::String(s) | DataRef::DateTimeIso(s) | DataRef::DurationIso(s) => (Kind::Label, s.as_str().into()),
        DataRef::SharedString(s) => (Kind::Label, (*s).into()),
        DataRef::Int(n) => (Kind::Number, n.to_string().into()),
        DataRef::Float(n) => (Kind::Number, number(*n).into()),
        DataRef::Bool(b) => (Kind::Boolean, if *b { "true" } else { "false" }.into()),
        DataRef::Error(e) => (Kind::Label, e.to_string().into()),
        DataRef::DateTime(t) => {
            let days = t.as_f64();
            let (y, m, d, hour, minute, second, milli) = t.to_ymd_hms_milli();
            let clock = format!("{hour:02}:{minute:02}:{second:02}");
            match () {
                // Excel's 29 February 1900 does not exist, and past the year 9999 it has no dates.
                () if t.is_duration() || !(0.0..2_958_466.0).contains(&days) || (y, m, d) == (1900, 2, 29) => {
                    (Kind::Number, number(days).into())
                }
                () if days < 1.0 && days > 0.0 => (Kind::Label, clock.into()),
                () if days.fract() == 0.0 => (Kind::Date, format!("{y:04}-{m:02}-{d:02}").into()),
                () if milli == 0 => (Kind::Date, format!("{y:04}-{m:02}-{d:02}T{clock}").into()),
                () => (Kind::Date, format!("{y:04}-{m:02}-{d:02}T{clock}.{milli:03}").into()),
            }
        }
    })
}

/// A spreadsheet's number in its shortest form; whole ones without a point.
fn number(n: f64) -> String {
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    if n.fract() == 0.0 && n.abs() <= WHOLE && !(n == 0.0 && n.is_sign_negative()) {
        format!("{n:.0}")
    } else {
        format!("{n:?}")
    }
}

fn table(rows: Vec<Row>, limit: u64) -> Result<RawTable, Refusal> {
    let cells = || rows.iter().flat_map(|(_, cells)| cells.iter().map(|(column, ..)| *column));
    let (Some(first), Some(last)) = (cells().min(), cells().max()) else {
        return Err(Refusal::new(RefusedBecause::Empty, "The sheet holds no value."));
    };
    let width = (last - first + 1) as usize;
    // An empty cell between others takes some bytes in memory, and a filled one took more than that in the file.
    let most = limit / 4;
    if width as u64 * rows.len() as u64 > most {
        let message = format!(
            "The sheet has cells far apart, more than {} million with the empty ones between them; remove the stray \
             cells or send it as CSV.",
            most / 1_000_000
        );
        return Err(Refusal::new(RefusedBecause::TooLarge, message));
    }
    let mut columns: Vec<(StringBuilder, Vec<Kind>)> = (0..width).map(|_| Default::default()).collect();
    let mut numbers = Vec::with_capacity(rows.len());
    for (at, (row, cells)) in rows.iter().enumerate() {
        for (column, kind, text) in cells {
            let (texts, kinds) = &mut columns[(column - first) as usize];
            // The same cell listed twice: the later one counts, as in Excel; the first was written already.
            if kinds.len() == at {
                texts.append_value(text);
                kinds.push(*kind);
            }
        }
        for (texts, kinds) in &mut columns {
            if kinds.len() == at {
                texts.append_null();
                kinds.push(Kind::Null);
            }
        }
        numbers.push(u64::from(*row) + 1);
    }
    // Rows without any cell are not in the list: those between the first and the last are skipped rows.
    let skipped = numbers.last().map_or(0, |last| last - numbers.len() as u64);
    let columns = columns
        .into_iter()
        .map(|(mut texts, kinds)| RawColumn { label: String::new(), cells: Cells::Kinds(texts.finish(), kinds) })
        .collect();
    Ok(RawTable { columns, places: Places::Rows(numbers), rejected: Vec::new(), skipped, header_line: None })
}

fn damaged(e: &calamine::XlsxError) -> Refusal {
    let message = format!("The workbook cannot be read ({e}); open it in Excel, save it again and send that.");
    Refusal::new(RefusedBecause::Unreadable, message)
}
