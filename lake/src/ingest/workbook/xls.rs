//! Workbooks of Excel 5 to 2003: a stream of records, as [MS-XLS] has them. First those that hold for the whole book (texts
//! that cells share, number formats, where each sheet begins), then the sheets.
//!
//! Our own reader, since the library's makes room for what a file claims to hold and for every empty cell between two.

use std::collections::HashMap;

use bytes::Bytes;
use calamine::{DataRef, ExcelDateTime, ExcelDateTimeType};

use super::{
    Sheet,
    compound::Compound,
    damaged,
    rows::{Rows, boolean, charge, clock},
};
use crate::ingest::{Refusal, raw::Kind, sniff};

mod format;
mod record;

use format::{Form, form_of_builtin, form_of_format};
use record::{Fields, Record, Records, id};

/// What a cell takes beside its text: six bytes of the file may hold one.
const CELL: u64 = 32;
/// Columns of a sheet.
const COLUMNS: u32 = 256;

/// What holds for the whole book.
#[derive(Default)]
struct Book {
    /// Whether texts are Unicode, as since Excel 97.
    unicode: bool,
    encoding: Option<&'static encoding_rs::Encoding>,
    since_1904: bool,
    texts: Vec<Box<str>>,
    /// Number formats of the book's own, by their numbers.
    formats: HashMap<u16, Form>,
    /// The number of the format of each kind of cell.
    kinds: Vec<u16>,
    /// Where each worksheet begins, and its name.
    sheets: Vec<(usize, String)>,
}

/// # Errors
/// `unreadable`, `too_large`, `binary` for an old Office document that is no workbook.
pub(super) fn sheets(bytes: &Bytes, wanted: impl Fn(&str) -> bool, left: &mut u64) -> Result<Vec<Sheet>, Refusal> {
    let file = Compound::open(bytes)?;
    let stream = match file.stream("Workbook")? {
        Some(stream) => stream,
        None => file.stream("Book")?.ok_or_else(|| what_else(&file))?,
    };
    let book = Book::read(&stream, left)?;
    let mut sheets = Vec::with_capacity(book.sheets.len());
    let mut read = 0;
    for (at, name) in &book.sheets {
        let mut rows = Rows::new(left);
        if wanted(name) {
            read += book.sheet(&stream, *at, &mut rows)?;
        }
        if read > stream.len() {
            return Err(damaged(&"its sheets lie within each other"));
        }
        sheets.push(Sheet { name: name.clone(), rows: rows.finish() });
    }
    Ok(sheets)
}

/// What the file is when it is no workbook.
fn what_else(file: &Compound<'_>) -> Refusal {
    sniff::looks_like(match () {
        () if file.has("EncryptedPackage") => "an Office document with a password; save it without one",
        () if file.has("WordDocument") => "a Word document",
        () if file.has("PowerPoint Document") => "a PowerPoint presentation",
        () if file.has("__properties_version1.0") => "an Outlook message",
        () => "an old Office document",
    })
}

impl Book {
    /// The records up to the first sheet.
    fn read(stream: &[u8], left: &mut u64) -> Result<Self, Refusal> {
        let mut records = Records::new(stream, 0);
        let mut book = Self::default();
        let begin = records.next()?.filter(|r| r.id == id::BOF).ok_or_else(|| damaged(&"it has no beginning"))?;
        book.unicode = begin.fields().u16()? >= 0x0600;
        while let Some(record) = records.next()? {
            let mut fields = record.fields();
            match record.id {
                id::EOF => break,
                id::FILE_PASS => {
                    return Err(sniff::looks_like("an Excel workbook with a password; save it without one"));
                }
                id::CODE_PAGE => book.encoding = encoding(fields.u16()?),
                id::DATE_MODE => book.since_1904 = fields.u16()? == 1,
                id::FORMAT => {
                    let number = fields.u16()?;
                    let text = if book.unicode { fields.text()? } else { book.short_text(&mut fields)? };
                    book.formats.insert(number, form_of_format(&text));
                }
                id::XF => {
                    fields.u16()?;
                    book.kinds.push(fields.u16()?);
                }
                id::BOUND_SHEET => {
                    let at = fields.u32()? as usize;
                    let (_visible, kind) = (fields.u8()?, fields.u8()?);
                    let name = if book.unicode { fields.short_text()? } else { book.short_text(&mut fields)? };
                    // Charts and macros have no cells.
                    if kind == 0 {
                        book.sheets.push((at, name));
                    }
                }
                id::SST => {
                    let mut fields = records.with_continuation(&record)?;
                    let (_uses, texts) = (fields.u32()?, fields.u32()?);
                    for _ in 0..texts {
                        let text = fields.text()?;
                        charge(left, text.len() as u64 + CELL)?;
                        book.texts.push(text.into());
                    }
                }
                _ => {}
            }
        }
        Ok(book)
    }

    /// The cells of the sheet that begins here. Gives how many bytes of the stream it takes.
    fn sheet(&self, stream: &[u8], at: usize, rows: &mut Rows<'_>) -> Result<usize, Refusal> {
        let mut records = Records::new(stream, at);
        let begins = records.next()?.is_some_and(|record| record.id == id::BOF);
        if !begins {
            return Err(damaged(&"a sheet has no beginning"));
        }
        // Charts that stand in the sheet begin and end within it.
        let mut depth = 1;
        // The cell whose formula gives a text, which comes in a record of its own.
        let mut text_of = None;
        while let Some(record) = records.next()? {
            match record.id {
                id::BOF => depth += 1,
                id::EOF => depth -= 1,
                id::STRING if depth == 1 => {
                    if let Some((row, column)) = text_of.take() {
                        let mut fields = records.with_continuation(&record)?;
                        let text = if self.unicode { fields.text()? } else { self.text(&mut fields)? };
                        put_text(rows, row, column, text)?;
                    }
                }
                _ if depth == 1 => {
                    if let Some(of) = self.cell(&record, rows)? {
                        text_of = Some(of);
                    }
                }
                _ => {}
            }
            if depth == 0 {
                return Ok(records.at() - at);
            }
        }
        Err(damaged(&"a sheet has no end"))
    }

    /// Takes the cell of a record, when it is one. Gives its place when its text is still to come.
    fn cell(&self, record: &Record<'_>, rows: &mut Rows<'_>) -> Result<Option<(u32, u32)>, Refusal> {
        const CELLS: [u16; 8] =
            [id::NUMBER, id::RK, id::MUL_RK, id::LABEL_SST, id::LABEL, id::RSTRING, id::BOOL_ERR, id::FORMULA];
        if !CELLS.contains(&record.id) {
            return Ok(None);
        }
        let mut fields = record.fields();
        let (row, column) = (u32::from(fields.u16()?), u32::from(fields.u16()?));
        if column >= COLUMNS {
            return Err(damaged(&"it has a cell outside of its sheets"));
        }
        rows.charge(CELL)?;
        if record.id == id::MUL_RK {
            // The last column's number follows the cells.
            let cells = fields.left().saturating_sub(2) / 6;
            for at in 0..cells.min((COLUMNS - column) as usize) {
                let kind = fields.u16()?;
                rows.charge(CELL)?;
                self.put_number(rows, row, column + at as u32, kind, rk(fields.u32()?))?;
            }
            return Ok(None);
        }
        let kind = fields.u16()?;
        match record.id {
            id::NUMBER => self.put_number(rows, row, column, kind, fields.f64()?)?,
            id::RK => self.put_number(rows, row, column, kind, rk(fields.u32()?))?,
            id::LABEL_SST => {
                let text = self.texts.get(fields.u32()? as usize);
                let text = text.ok_or_else(|| damaged(&"a cell has a text that there is not"))?;
                put_text(rows, row, column, text.to_string())?;
            }
            id::LABEL | id::RSTRING => {
                let text = if self.unicode { fields.text()? } else { self.text(&mut fields)? };
                put_text(rows, row, column, text)?;
            }
            id::BOOL_ERR => put_bool_or_error(rows, row, column, fields.u8()?, fields.u8()? != 0)?,
            _ => {
                let result = fields.bytes(8)?;
                if result[6..] != [0xff, 0xff] {
                    let n = result.try_into().map(f64::from_le_bytes).unwrap_or_default();
                    self.put_number(rows, row, column, kind, n)?;
                } else {
                    match result[0] {
                        0 => return Ok(Some((row, column))),
                        1 | 2 => put_bool_or_error(rows, row, column, result[2], result[0] == 2)?,
                        _ => {}
                    }
                }
            }
        }
        Ok(None)
    }

    fn put_number(&self, rows: &mut Rows<'_>, row: u32, column: u32, kind: u16, n: f64) -> Result<(), Refusal> {
        let dated = |of| DataRef::DateTime(ExcelDateTime::new(n, of, self.since_1904));
        let value = match self.form(kind) {
            Form::Number => DataRef::Float(n),
            Form::Time if (0.0..1.0).contains(&n) => return rows.put(row, column, Kind::Label, clock(n)),
            Form::Date | Form::Time => dated(ExcelDateTimeType::DateTime),
            Form::Duration => dated(ExcelDateTimeType::TimeDelta),
        };
        rows.put_value(row, column, &value)
    }

    /// How the numbers of this kind of cell are shown.
    fn form(&self, kind: u16) -> Form {
        let Some(number) = self.kinds.get(usize::from(kind)) else { return Form::Number };
        self.formats.get(number).copied().unwrap_or_else(|| form_of_builtin(*number))
    }

    /// A text before Unicode: its length in two bytes, then the text in the book's encoding.
    fn text(&self, fields: &mut Fields<'_>) -> Result<String, Refusal> {
        let bytes = usize::from(fields.u16()?);
        Ok(self.decoded(fields.bytes(bytes)?))
    }

    /// The same with a length in one byte.
    fn short_text(&self, fields: &mut Fields<'_>) -> Result<String, Refusal> {
        let bytes = usize::from(fields.u8()?);
        Ok(self.decoded(fields.bytes(bytes)?))
    }

    fn decoded(&self, bytes: Vec<u8>) -> String {
        self.encoding.unwrap_or(encoding_rs::WINDOWS_1252).decode_without_bom_handling(&bytes).0.into_owned()
    }
}

fn put_text(rows: &mut Rows<'_>, row: u32, column: u32, text: String) -> Result<(), Refusal> {
    if text.is_empty() { Ok(()) } else { rows.put(row, column, Kind::Label, text) }
}

fn put_bool_or_error(rows: &mut Rows<'_>, row: u32, column: u32, value: u8, is_error: bool) -> Result<(), Refusal> {
    if !is_error {
        return rows.put(row, column, Kind::Boolean, boolean(value != 0).to_owned());
    }
    let error = match value {
        0x00 => "#NULL!",
        0x07 => "#DIV/0!",
        0x0f => "#VALUE!",
        0x17 => "#REF!",
        0x1d => "#NAME?",
        0x24 => "#NUM!",
        _ => "#N/A",
    };
    rows.put(row, column, Kind::Label, error.to_owned())
}

/// A number in four bytes: whole or the upper part of a float, and perhaps in hundredths.
fn rk(value: u32) -> f64 {
    let n = match value & 2 {
        0 => f64::from_bits(u64::from(value & !3) << 32),
        _ => f64::from((value as i32) >> 2),
    };
    if value & 1 == 0 { n } else { n / 100.0 }
}

/// The encoding of a code page, if it is one of those that browsers know.
fn encoding(page: u16) -> Option<&'static encoding_rs::Encoding> {
    let label = match page {
        866 | 932 | 936 | 949 | 950 | 874 => match page {
            866 => "ibm866",
            932 => "shift_jis",
            936 => "gbk",
            949 => "euc-kr",
            950 => "big5",
            _ => "windows-874",
        }
        .to_owned(),
        10_000 => "macintosh".to_owned(),
        page => format!("windows-{page}"),
    };
    encoding_rs::Encoding::for_label(label.as_bytes())
}
