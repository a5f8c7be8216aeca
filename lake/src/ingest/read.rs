//! A file's bytes and a contract to typed rows, quarantine and report. No IO, no clock: the same in, the same out.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, BooleanArray, RecordBatch},
    compute::filter,
    datatypes::{Schema, SchemaRef},
};
use bytes::Bytes;
use model::{ColumnReport, QuarantinedRow, RefusedBecause, RowCounts};

use super::{
    csv,
    decode::{self, Expansion},
    encoding::{self, Offsets, Text},
    fit::{self, Fitted, Misfit, Rules},
    header,
    infer::Evidence,
    json, key,
    raw::{Cells, Places, RawTable},
    sniff, workbook,
};
use crate::{Limits, contract::Contract, ingest::columnar, table::WriteMode};

/// All that a file turned out to be.
#[derive(Debug)]
pub struct Reading {
    /// `utf-8`, `utf-16le`, `utf-16be`, `windows-1252`.
    pub encoding: Option<&'static str>,
    /// `gzip`, `zstd`, `bzip2`, `xz`, `zip`.
    pub compression: Option<&'static str>,
    /// `csv`, `json`, `ndjson`, `xlsx`, `xls`, `ods`, `parquet`.
    pub format: Option<&'static str>,
    pub delimiter: Option<char>,
    pub quote: Option<char>,
    /// 1-based.
    pub header_line: Option<u64>,
    pub sheet: Option<String>,
    pub rows: RowCounts,
    pub columns: Vec<ColumnReport>,
    /// What lands and deserves a look, a sentence each.
    pub warnings: Vec<String>,
    /// In the order of the file.
    pub quarantined: Vec<QuarantinedRow>,
    /// The rows to commit, or why there are none.
    pub outcome: Result<Landing, Refusal>,
}

/// Rows in the dataset's columns.
#[derive(Debug, Clone)]
pub struct Landing {
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
}

/// Why nothing of a file lands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub because: RefusedBecause,
    /// For a person: what is wrong and what to do.
    pub message: String,
}

impl Refusal {
    pub(super) fn new(because: RefusedBecause, message: impl Into<String>) -> Self {
        Self { because, message: message.into() }
    }
}

/// Bytes that a file without a contract may expand to.
pub(super) const UNKNOWN_EXPANDS_TO: u64 = 100_000_000;
/// Texts of one column are addressed by 32 bits; a file stays clear of that.
const ADDRESSABLE: u64 = 1_900_000_000;

/// Reads a whole file for a dataset. `path` is the file's place in the lake, by which its source is found.
#[must_use]
pub fn read_file(
    bytes: &Bytes,
    path: &str,
    contract: Option<&Contract>,
    existing: Option<&Schema>,
    limits: &Limits,
) -> Reading {
    let mut limit = expansion(contract, limits);
    limit.bytes = limit.bytes.min(ADDRESSABLE);
    let absent = Contract::absent();
    let contract = contract.unwrap_or(&absent);
    let source = contract.source(path);
    let mut reading = Reading::empty();
    reading.outcome = read(&mut reading, bytes, limit, Rules { contract, source: &source, existing });
    reading
}

/// How far a compressed file may expand.
pub(super) fn expansion(contract: Option<&Contract>, limits: &Limits) -> Expansion {
    Expansion {
        bytes: match contract {
            None => limits.expanded_bytes.min(UNKNOWN_EXPANDS_TO),
            Some(c) => c.max_expanded_bytes.unwrap_or(limits.expanded_bytes),
        },
        ratio: contract.is_none_or(|c| c.max_expanded_bytes.is_none()),
    }
}

/// Why a file is refused of which that many rows do not fit, when it is. `most` is a share.
pub(super) fn too_many(rows: &RowCounts, most: f64) -> Option<Refusal> {
    // Exactly the limit lands; counted in rows, so that no rounding decides.
    if rows.quarantined as f64 <= most * rows.read as f64 + 1e-9 {
        return None;
    }
    let message = format!(
        "{} of {} rows were rejected, more than the {}% that the dataset allows, so none of them lands. Mend the \
         rejected rows and send the file again, or raise `max_rejected` in the contract.",
        rows.quarantined,
        rows.read,
        most * 100.0
    );
    Some(Refusal::new(RefusedBecause::TooManyRejects, message))
}

impl Reading {
    pub(super) fn empty() -> Self {
        Self {
            encoding: None,
            compression: None,
            format: None,
            delimiter: None,
            quote: None,
            header_line: None,
            sheet: None,
            rows: RowCounts::default(),
            columns: Vec::new(),
            warnings: Vec::new(),
            quarantined: Vec::new(),
            outcome: Err(Refusal::new(RefusedBecause::Empty, "")),
        }
    }
}

fn read(reading: &mut Reading, bytes: &Bytes, limit: Expansion, rules: Rules<'_>) -> Result<Landing, Refusal> {
    if bytes.is_empty() {
        return Err(Refusal::new(RefusedBecause::Empty, "The file is empty."));
    }
    let expanded = decode::expand(bytes, limit)?;
    reading.compression = expanded.compression;
    let bytes = expanded.bytes;
    let (mut table, text) = match sniff::kind(&bytes)? {
        sniff::Kind::Parquet => {
            reading.format = Some("parquet");
            (columnar::read(&bytes, limit.bytes)?, None)
        }
        sniff::Kind::Workbook => {
            let kind = expanded.book.ok_or_else(|| sniff::looks_like("a file that is compressed twice"))?;
            reading.format = Some(kind.name());
            let book = workbook::read(&bytes, kind, rules.source, limit.bytes)?;
            reading.sheet = Some(book.sheets.join(", "));
            (book.table, None)
        }
        sniff::Kind::Text => {
            let text = encoding::decode(&bytes);
            // The text is all that is needed from here on.
            drop(bytes);
            sniff::text(&text.text)?;
            reading.encoding = Some(text.encoding.name());
            let table = match json::Form::of(&text.text) {
                Some(form) => {
                    reading.format = Some(if form == json::Form::Lines { "ndjson" } else { "json" });
                    json::read(&text, form, limit.bytes)?
                }
                None => {
                    reading.format = Some("csv");
                    let (dialect, table) = csv::read(&text)?;
                    reading.delimiter = Some(char::from(dialect.delimiter));
                    reading.quote = Some(char::from(dialect.quote));
                    table
                }
            };
            (table, Some(text))
        }
    };
    table.nullify(&rules.source.null);
    let comma = reading.delimiter == Some(',');
    let evidence = match reading.format {
        Some("csv") => {
            let (evidence, above) = header::settle(&mut table, comma, rules.source);
            reading.warnings.extend(above.again.map(header::told_again));
            evidence
        }
        _ => table.columns.iter().map(|c| Evidence::of(&c.cells)).collect(),
    };
    reading.header_line = table.header_line;
    let fitted = fit::fit(&table, &evidence, comma, rules)?;
    finish(reading, table, text.as_ref(), fitted, rules)
}

fn finish(
    reading: &mut Reading,
    mut table: RawTable,
    text: Option<&Text>,
    mut fitted: Fitted,
    rules: Rules<'_>,
) -> Result<Landing, Refusal> {
    let mut quarantined = std::mem::take(&mut table.rejected);
    let mut offsets = text.map(Offsets::new);
    let mut stays = vec![true; table.rows()];
    for misfit in std::mem::take(&mut fitted.misfits) {
        stays[misfit.row] = false;
        quarantined.push(row_of(&table, text.zip(offsets.as_mut()), misfit));
    }
    // Of several sheets each has its own lines; their rows are in order already.
    if table.sheets.is_empty() {
        quarantined.sort_by_key(|row| row.line);
    }
    let rejected = quarantined.len() as u64;
    let landed = stays.iter().filter(|s| **s).count() as u64;
    reading.rows = RowCounts { read: landed + rejected, landed, quarantined: rejected, skipped: table.skipped };
    let unreadable = |e: arrow::error::ArrowError| {
        Refusal::new(RefusedBecause::Unreadable, format!("The rows cannot be put together: {e}"))
    };
    let mut arrays: Vec<ArrayRef> = if landed as usize == stays.len() {
        fitted.arrays
    } else {
        let mask = BooleanArray::from(stays);
        fitted.arrays.iter().map(|a| filter(a, &mask)).collect::<Result<_, _>>().map_err(unreadable)?
    };
    reading.columns = fitted
        .columns
        .into_iter()
        .map(|(report, at)| ColumnReport { nulls: arrays[at].null_count() as u64, ..report })
        .collect();
    reading.quarantined = quarantined;
    reading.warnings.extend(fitted.warnings);
    if let Some(refusal) = fitted.refused {
        return Err(refusal);
    }
    if let Some(refusal) = too_many(&reading.rows, rules.contract.max_rejected) {
        return Err(refusal);
    }
    if rules.contract.mode == WriteMode::Upsert
        && let Some(last) = key::last_of_each(&keys(&fitted.schema, &arrays, rules.contract)?).map_err(unreadable)?
    {
        let before = arrays.first().map_or(0, |a| a.len());
        arrays = key::kept(&arrays, &last).map_err(unreadable)?;
        let again = before - last.true_count();
        reading.warnings.push(format!(
            "{again} of the file's rows have a key that comes again further down; of each key the last row counts."
        ));
    }
    let batch = RecordBatch::try_new(fitted.schema.clone(), arrays).map_err(unreadable)?;
    Ok(Landing { schema: fitted.schema, batches: vec![batch] })
}

/// The key's columns. Their presence and that they have values was seen to before.
fn keys(schema: &Schema, arrays: &[ArrayRef], contract: &Contract) -> Result<Vec<ArrayRef>, Refusal> {
    let column = |name: &String| schema.index_of(name).map(|at| Arc::clone(&arrays[at]));
    contract.key.iter().map(column).collect::<Result<_, _>>().map_err(|_| {
        let message = "The contract's `key` names a column that neither the file nor the dataset has. Mend it.";
        Refusal::new(RefusedBecause::Contract, message)
    })
}

fn row_of(table: &RawTable, text: Option<(&Text, &mut Offsets<'_>)>, misfit: Misfit) -> QuarantinedRow {
    let Misfit { row, column, value, reason } = misfit;
    let place = match (&table.places, text) {
        (Places::Text(places), Some((text, offsets))) => csv::quarantined(text, offsets, places[row], reason),
        _ => {
            let cell = |cells: &Cells| match cells {
                Cells::Typed(array) => columnar::in_words(&array.slice(row, 1))
                    .ok()
                    .and_then(|w| {
                        Cells::Text(arrow::array::AsArray::as_string::<i32>(&w).clone()).text(0).map(str::to_owned)
                    })
                    .unwrap_or_default(),
                cells => cells.text(row).unwrap_or_default().to_owned(),
            };
            let raw: Vec<String> = table.columns.iter().map(|c| cell(&c.cells)).collect();
            let reason = match table.sheet(row) {
                Some(sheet) => format!("sheet `{sheet}`: {reason}"),
                None => reason,
            };
            QuarantinedRow {
                line: table.places.line(row),
                byte_offset: None,
                raw: raw.join("\t"),
                column: None,
                value: None,
                reason,
            }
        }
    };
    QuarantinedRow { column, value, ..place }
}
