//! A file's rows before anything is typed: one array of texts a column, and where each row stood in the file.

use arrow::array::{Array, ArrayRef, StringArray};
use model::{QuarantinedRow, RefusedBecause};

use super::Refusal;

/// Columns that a table may have; each costs memory of its own, so that a line of a million commas would cost gigabytes.
pub(super) const MOST_COLUMNS: usize = 20_000;

/// # Errors
/// `too_large` when there are more columns than a table may have.
pub(super) fn check_width(columns: usize) -> Result<(), Refusal> {
    if columns <= MOST_COLUMNS {
        return Ok(());
    }
    let message = format!(
        "The file has {columns} columns, more than the {MOST_COLUMNS} that a table can have; is it one, and are its rows \
         where its columns should be?"
    );
    Err(Refusal::new(RefusedBecause::TooLarge, message))
}

/// What all readers of formats give.
#[derive(Debug, Default)]
pub(super) struct RawTable {
    pub columns: Vec<RawColumn>,
    pub places: Places,
    /// Records that cannot be rows, in the order of the file.
    pub rejected: Vec<QuarantinedRow>,
    pub skipped: u64,
    /// 1-based line of the header row.
    pub header_line: Option<u64>,
    /// Where several sheets were read: the first row of each, and its name.
    pub sheets: Vec<(usize, String)>,
}

#[derive(Debug)]
pub(super) struct RawColumn {
    /// The header as written, or empty.
    pub label: String,
    pub cells: Cells,
}

#[derive(Debug)]
pub(super) enum Cells {
    /// Fields of a text file: their types are found in what they say. Empty fields are null.
    Text(StringArray),
    /// Values that already are of a kind: JSON and workbooks.
    Kinds(StringArray, Vec<Kind>),
    /// Values with a type: Parquet.
    Typed(ArrayRef),
}

/// What a cell was before it was written as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    /// A JSON string: may be a date or a timestamp.
    String,
    /// A workbook's text: stays text.
    Label,
    Number,
    Boolean,
    /// A workbook's number with a date format, as ISO text.
    Date,
    /// A JSON object or array.
    Nested,
}

/// Where rows stood in the file.
#[derive(Debug)]
pub(super) enum Places {
    /// Start and end in the text, and the line of the start.
    Text(Vec<(usize, usize, u64)>),
    /// A workbook's row numbers.
    Rows(Vec<u64>),
    /// The n-th row is row n.
    Count(usize),
}

impl Default for Places {
    fn default() -> Self {
        Self::Count(0)
    }
}

impl Places {
    pub fn len(&self) -> usize {
        match self {
            Self::Text(places) => places.len(),
            Self::Rows(rows) => rows.len(),
            Self::Count(n) => *n,
        }
    }

    /// Line of a row, 1-based.
    pub fn line(&self, row: usize) -> u64 {
        match self {
            Self::Text(places) => places[row].2,
            Self::Rows(rows) => rows[row],
            Self::Count(_) => row as u64 + 1,
        }
    }

    fn skip(&mut self, n: usize) {
        match self {
            Self::Text(places) => drop(places.drain(..n)),
            Self::Rows(rows) => drop(rows.drain(..n)),
            Self::Count(all) => *all -= n,
        }
    }
}

impl Cells {
    /// The text of a cell, or `None` when it is null or typed.
    pub fn text(&self, row: usize) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Kinds(text, _) => text.is_valid(row).then(|| text.value(row)),
            Self::Typed(_) => None,
        }
    }

    fn skip(&mut self, n: usize) {
        match self {
            Self::Text(text) => *text = text.slice(n, text.len() - n),
            Self::Kinds(text, kinds) => {
                *text = text.slice(n, text.len() - n);
                kinds.drain(..n);
            }
            Self::Typed(array) => *array = array.slice(n, array.len() - n),
        }
    }
}

impl RawTable {
    pub fn rows(&self) -> usize {
        self.places.len()
    }

    /// The sheet of a row, where several were read.
    pub fn sheet(&self, row: usize) -> Option<&str> {
        self.sheets.iter().rev().find(|(first, _)| *first <= row).map(|(_, name)| name.as_str())
    }

    /// Makes null what the contract calls null, in every column.
    pub fn nullify(&mut self, words: &[String]) {
        let keep = |v: &&str| !words.iter().any(|w| w == v.trim());
        for column in &mut self.columns {
            match &mut column.cells {
                Cells::Text(text) => *text = text.iter().map(|v| v.filter(keep)).collect(),
                Cells::Kinds(text, kinds) => {
                    *text = text.iter().map(|v| v.filter(keep)).collect();
                    for (row, kind) in kinds.iter_mut().enumerate() {
                        if text.is_null(row) {
                            *kind = Kind::Null;
                        }
                    }
                }
                Cells::Typed(_) => {}
            }
        }
    }

    /// Drops the first rows: titles and the header.
    pub fn skip(&mut self, n: usize) {
        for column in &mut self.columns {
            column.cells.skip(n);
        }
        self.places.skip(n);
    }
}
