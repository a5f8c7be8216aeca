//! Workbooks of Excel since 2007. Cells are taken one by one as the sheet lists them, so a lone far cell costs nothing.

use std::io::Cursor;

use bytes::Bytes;
use calamine::{Reader as _, Xlsx, XlsxError};

use super::{Sheet, damaged, rows::Rows};
use crate::ingest::Refusal;

type Book = Xlsx<Cursor<Bytes>>;

/// # Errors
/// `unreadable`, `too_large`.
pub(super) fn sheets(bytes: &Bytes, wanted: impl Fn(&str) -> bool, left: &mut u64) -> Result<Vec<Sheet>, Refusal> {
    let mut book: Book = calamine::open_workbook_from_rs(Cursor::new(bytes.clone())).map_err(|e| damaged(&e))?;
    let names = book.sheet_names();
    let mut sheets = Vec::with_capacity(names.len());
    for name in names {
        let mut rows = Rows::new(left);
        if wanted(&name) {
            sheet(&mut book, &name, &mut rows)?;
        }
        sheets.push(Sheet { name, rows: rows.finish() });
    }
    Ok(sheets)
}

fn sheet(book: &mut Book, name: &str, rows: &mut Rows<'_>) -> Result<(), Refusal> {
    let mut reader = match book.worksheet_cells_reader(name) {
        Ok(reader) => reader,
        // A sheet of another kind, such as a chart, has no cells.
        Err(XlsxError::WorksheetNotFound(_) | XlsxError::NotAWorksheet(_)) => return Ok(()),
        Err(e) => return Err(damaged(&e)),
    };
    while let Some(cell) = reader.next_cell().map_err(|e| damaged(&e))? {
        let (row, column) = cell.get_position();
        rows.put_value(row, column, cell.get_value())?;
    }
    Ok(())
}
