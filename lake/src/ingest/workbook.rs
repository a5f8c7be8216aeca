//! Workbooks to rows: which sheets are meant, and one table of what they hold.

use std::collections::HashMap;

use arrow::array::{StringArray, StringBuilder};
use bytes::Bytes;
use model::RefusedBecause;

use super::{
    Refusal, column_name, header,
    raw::{Cells, Kind, Places, RawColumn, RawTable, check_width},
    sniff,
};
use crate::contract::Source;

mod compound;
mod ods;
mod rows;
mod xls;
mod xlsx;

use rows::Row;

/// A sheet with its rows that hold something; none when it was not asked for.
struct Sheet {
    name: String,
    rows: Vec<Row>,
}

/// What a workbook brings.
pub(super) struct Book {
    /// The sheets that were read, by name.
    pub sheets: Vec<String>,
    /// Their rows, one sheet after the other, without titles and headers; its columns are labelled.
    pub table: RawTable,
}

/// The rows of the sheets that the source means, or of the only one that holds anything. Each has a header of its own;
/// several become one table by their headers.
///
/// `limit` is what the file may expand to, in bytes: its cells may refer to one long text again and again, and lie far
/// apart.
///
/// # Errors
/// `unreadable`, `empty`, `too_large`, `contract` when several sheets could be meant or the wanted one is not there.
pub(super) fn read(bytes: &Bytes, kind: sniff::Book, source: &Source, limit: u64) -> Result<Book, Refusal> {
    let mut left = limit.saturating_mul(2);
    let wanted = |name: &str| source.takes_sheet(name);
    let all = match kind {
        sniff::Book::Xlsx => xlsx::sheets(bytes, wanted, &mut left)?,
        sniff::Book::Ods => ods::sheets(bytes, wanted, &mut left)?,
        sniff::Book::Xls => xls::sheets(bytes, wanted, &mut left)?,
    };
    let chosen = choose(all, source)?;
    let mut parts = Vec::with_capacity(chosen.len());
    for sheet in chosen {
        let mut table = table(sheet.rows, limit)?;
        table.nullify(&source.null);
        header::settle(&mut table, false, source);
        if let Some(column) = &source.sheet_column {
            name_sheet(&mut table, column, &sheet.name, &mut left)?;
            check_area(table.columns.len(), table.rows(), limit)?;
        }
        parts.push((sheet.name, table));
    }
    let sheets = parts.iter().map(|(name, _)| name.clone()).collect();
    Ok(Book { sheets, table: united(parts, limit)? })
}

/// Adds a column with the sheet's name in each row. `left` is what all cells may still take, in bytes.
fn name_sheet(table: &mut RawTable, column: &str, sheet: &str, left: &mut u64) -> Result<(), Refusal> {
    if table.columns.iter().any(|c| column_name(&c.label) == column) {
        let message = format!(
            "The sheet `{sheet}` has a column `{column}` itself; choose another name for `sheet_column` in the contract."
        );
        return Err(Refusal::new(RefusedBecause::Contract, message));
    }
    let rows = table.rows();
    *left = left.checked_sub((sheet.len() as u64).saturating_mul(rows as u64)).ok_or_else(|| {
        Refusal::new(RefusedBecause::TooLarge, "The sheets' names are too long to stand in each of their rows.")
    })?;
    let names = StringArray::from_iter_values(std::iter::repeat_n(sheet, rows));
    // A name is text, whatever it looks like: the next one may look otherwise.
    let cells = Cells::Kinds(names, vec![Kind::Label; rows]);
    table.columns.push(RawColumn { label: column.to_owned(), cells });
    check_width(table.columns.len())
}

fn choose(all: Vec<Sheet>, source: &Source) -> Result<Vec<Sheet>, Refusal> {
    if let Some(wanted) = &source.sheet
        && !all.iter().any(|sheet| source.takes_sheet(&sheet.name))
    {
        let names: Vec<&str> = all.iter().map(|sheet| sheet.name.as_str()).collect();
        let message = format!("The workbook has no sheet `{wanted}`; its sheets are {}.", names.join(", "));
        return Err(Refusal::new(RefusedBecause::Contract, message));
    }
    let filled: Vec<Sheet> = all.into_iter().filter(|sheet| !sheet.rows.is_empty()).collect();
    match filled.len() {
        0 if source.sheet.is_some() => Err(Refusal::new(RefusedBecause::Empty, "The sheet holds no value.")),
        0 => Err(Refusal::new(RefusedBecause::Empty, "No sheet of the workbook holds a value.")),
        n if n > 1 && source.sheet.is_none() => {
            let names: Vec<&str> = filled.iter().map(|sheet| sheet.name.as_str()).collect();
            let message = format!(
                "The workbook has {n} sheets ({}); say which one with `sheet` under [[source]] in the dataset's contract, \
                 or `sheet = \"*\"` for all of them.",
                names.join(", ")
            );
            Err(Refusal::new(RefusedBecause::Contract, message))
        }
        _ => Ok(filled),
    }
}

fn table(rows: Vec<Row>, limit: u64) -> Result<RawTable, Refusal> {
    let cells = || rows.iter().flat_map(|(_, cells)| cells.iter().map(|(column, ..)| *column));
    let (Some(first), Some(last)) = (cells().min(), cells().max()) else {
        return Err(Refusal::new(RefusedBecause::Empty, "The sheet holds no value."));
    };
    let width = (last - first + 1) as usize;
    check_width(width)?;
    check_area(width, rows.len(), limit)?;
    let column = || (StringBuilder::with_capacity(rows.len(), 0), Vec::with_capacity(rows.len()));
    let mut columns: Vec<(StringBuilder, Vec<Kind>)> = (0..width).map(|_| column()).collect();
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
    Ok(RawTable { columns, places: Places::Rows(numbers), skipped, ..RawTable::default() })
}

/// An empty cell between others takes some bytes in memory, and a filled one took more than that in the file.
fn check_area(width: usize, rows: usize, limit: u64) -> Result<(), Refusal> {
    let most = limit / 4;
    if width as u64 * rows as u64 <= most {
        return Ok(());
    }
    let message = format!(
        "The sheet has cells far apart, more than {} million with the empty ones between them; remove the stray cells or \
         send it as CSV.",
        most / 1_000_000
    );
    Err(Refusal::new(RefusedBecause::TooLarge, message))
}

/// The tables of several sheets as one. Columns with the same header are one, wherever they stand; a column without a
/// header is that at its place. What a sheet does not have is null in its rows.
fn united(mut parts: Vec<(String, RawTable)>, limit: u64) -> Result<RawTable, Refusal> {
    if parts.len() == 1 {
        return Ok(parts.swap_remove(0).1);
    }
    let mut places: HashMap<(String, usize), usize> = HashMap::new();
    let mut labels = Vec::new();
    let mut targets = Vec::with_capacity(parts.len());
    for (_, table) in &parts {
        // The same header twice in a sheet is two columns.
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let mut of_sheet: Vec<usize> = Vec::with_capacity(table.columns.len());
        for (at, column) in table.columns.iter().enumerate() {
            let label = column.label.trim();
            let nth = seen.entry(label).and_modify(|n| *n += 1).or_default();
            let key = (label.to_owned(), if label.is_empty() { at } else { *nth });
            of_sheet.push(*places.entry(key).or_insert_with(|| {
                labels.push(column.label.clone());
                labels.len() - 1
            }));
        }
        targets.push(of_sheet);
    }
    check_width(labels.len())?;
    check_area(labels.len(), parts.iter().map(|(_, table)| table.rows()).sum(), limit)?;
    let mut columns: Vec<(StringBuilder, Vec<Kind>)> = labels.iter().map(|_| Default::default()).collect();
    let mut all = RawTable::default();
    let mut numbers = Vec::new();
    for ((name, table), targets) in parts.iter().zip(&targets) {
        all.sheets.push((numbers.len(), name.clone()));
        numbers.extend((0..table.rows()).map(|row| table.places.line(row)));
        all.skipped += table.skipped;
        all.header_line = all.header_line.or(table.header_line);
        for (column, target) in table.columns.iter().zip(targets) {
            let (texts, kinds) = &mut columns[*target];
            if let Cells::Kinds(values, of) = &column.cells {
                texts.extend(values.iter());
                kinds.extend_from_slice(of);
            }
        }
        for (texts, kinds) in &mut columns {
            texts.extend(std::iter::repeat_n(None::<&str>, numbers.len() - kinds.len()));
            kinds.resize(numbers.len(), Kind::Null);
        }
    }
    let column = |(label, (mut texts, kinds)): (String, (StringBuilder, Vec<Kind>))| {
        let texts: StringArray = texts.finish();
        RawColumn { label, cells: Cells::Kinds(texts, kinds) }
    };
    all.columns = labels.into_iter().zip(columns).map(column).collect();
    all.places = Places::Rows(numbers);
    Ok(all)
}

fn damaged(e: &dyn std::fmt::Display) -> Refusal {
    let message = format!("The workbook cannot be read ({e}); open it in Excel, save it again and send that.");
    Refusal::new(RefusedBecause::Unreadable, message)
}
