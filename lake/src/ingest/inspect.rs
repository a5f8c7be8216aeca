//! Looking at a file without landing anything: the same reading as an ingest's, told as [`Inspection`].

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    datatypes::{DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, Schema, TimestampMicrosecondType},
};
use bytes::Bytes;
use model::{
    Action, AuditAction, DatasetName, InspectedRows, Inspection, Lands, Principal, Refused, RowCounts, RowNumber,
};

use super::{
    Landing, Reading,
    gate::{Refusing, decider},
    landing::sha256,
    read::UNKNOWN_EXPANDS_TO,
    read_file,
    turn::in_turn,
};
use crate::{
    Lake, LakeError, Limits, Result,
    contract::{Contract, draft},
    table::{Landed, WriteMode},
};

/// Rejected rows that an inspection tells in full.
const QUARANTINED_TOLD: usize = 100;
/// Last rows that are told beside the first ones.
const LAST: u64 = 3;

/// What is to be inspected.
#[derive(Debug, Clone)]
pub struct Inspect {
    /// The file's name without folders; by it, a contract's sources are found.
    pub file: String,
    /// The dataset that the file is meant for: its contract and its columns then hold.
    pub dataset: Option<DatasetName>,
    /// A contract in place of the dataset's own.
    pub contract: Option<Contract>,
    /// First rows whose values are told; the last three come with them.
    pub rows: u64,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Inspected {
    pub inspection: Inspection,
    /// A contract drafted from the file, as TOML.
    pub draft: String,
}

/// Reads a file as an ingest would, by a contract or without one, and lands nothing. No IO.
#[must_use]
pub fn inspect(bytes: &Bytes, what: &Inspect, existing: Option<&Schema>, limits: &Limits) -> Inspected {
    let (place, contract) = (what.path(), what.contract.as_ref());
    let reading = read_file(bytes, &place, contract, existing, limits);
    let mut inspection = told(&reading, what.rows);
    if let (Inspection::Refused(refused), Some(existing), Some(dataset)) = (&mut inspection, existing, &what.dataset) {
        let refusing = Refusing { because: refused.refused_because, rows: reading.rows, place: &place, contract };
        if let Some(difference) = refusing.difference(bytes, existing, limits) {
            refused.waits = true;
            refused.message = format!(
                "Its columns differ from the dataset's. Sent, it would wait until {} decides, and later files would wait \
                 behind it.",
                decider(contract, dataset)
            );
            refused.difference = Some(Box::new(difference));
        }
    }
    let source = contract.map(|c| c.source(&place)).unwrap_or_default();
    Inspected { inspection, draft: draft(&reading, &what.file, &source) }
}

impl Inspected {
    /// With a word on content that landed already, where it would not land again.
    fn seen(mut self, landed: Option<Landed>) -> Self {
        let word = match landed {
            Some(Landed::Stands) => "The same content landed here before: sent again, nothing is added.",
            Some(Landed::TakenBack { .. }) => {
                "The same content landed here before and was taken back by a roll back: sent again, it is refused, and an \
                 owner may then let it land."
            }
            None | Some(Landed::Replaced { .. }) => return self,
        };
        if let Inspection::Lands(lands) = &mut self.inspection {
            lands.warnings.insert(0, word.to_owned());
        }
        self
    }
}

impl Inspect {
    /// Where the file would lie in the landing area.
    fn path(&self) -> String {
        match &self.dataset {
            Some(dataset) => format!("landing/{}/{}/{}", dataset.unit(), dataset.name(), self.file),
            None => self.file.clone(),
        }
    }
}

impl Lake {
    /// Reads a file as an ingest would, and lands nothing. For a dataset, it needs the right to send files to it, and
    /// with a contract in place of its own the right of an owner.
    ///
    /// # Errors
    /// As [`Lake::upload`]: what cannot be sent is not inspected either. [`LakeError::Config`] when the dataset's
    /// contract is wrong.
    pub async fn inspect(&self, who: &Principal, what: Inspect, bytes: Bytes) -> Result<Inspected> {
        let mut entry = self.audited(who, AuditAction::Inspect)?.text(&what.file);
        entry.fill(|event| {
            event.datasets = what.dataset.as_ref().map(ToString::to_string);
            event.bytes = Some(bytes.len() as u64);
        });
        let found = self.inspect_for(who, what, bytes).await;
        self.conclude(who, entry, &found, |_, _| {});
        found
    }

    async fn inspect_for(&self, who: &Principal, mut what: Inspect, bytes: Bytes) -> Result<Inspected> {
        // What differs tells the dataset's columns, and so do the checks of a contract of one's own.
        let mut own = true;
        if let Some(dataset) = &what.dataset {
            self.check_may_upload(who, dataset).await?;
            own = self.rooms().policies.may(who, dataset, Action::Own, chrono::Utc::now()).await?;
            if what.contract.is_some() && !own {
                let message = format!("other contracts for {dataset} are tried by its owners; look without one");
                return Err(LakeError::Forbidden { message });
            }
        }
        // What a request says of itself lifts no limit.
        let limits = &self.rooms().config.limits;
        let own_dataset = own && what.dataset.is_some();
        if let Some(contract) = &mut what.contract {
            let wanted = contract.max_expanded_bytes.filter(|_| own_dataset);
            contract.max_expanded_bytes = wanted.map(|wanted| wanted.min(limits.expanded_bytes));
        }
        let stranger = what.contract.is_some() && !own_dataset;
        let (mut found, landed) = self.looked_at(what, bytes, stranger).await?;
        if !own {
            match &mut found.inspection {
                Inspection::Refused(refused) => refused.difference = None,
                Inspection::Lands(lands) => lands.warnings.clear(),
            }
        }
        Ok(found.seen(landed))
    }

    /// The same without asking who: for the command line, whose user holds the bucket itself.
    ///
    /// # Errors
    /// As [`Lake::inspect`], but for the rights.
    pub async fn inspect_for_operator(&self, what: Inspect, bytes: Bytes) -> Result<Inspected> {
        let (found, landed) = self.looked_at(what, bytes, false).await?;
        Ok(found.seen(landed))
    }

    /// What the file is, and what became of its content in the dataset when it landed there. `stranger` when the contract
    /// is anybody's: a file then expands as far as one without a contract.
    async fn looked_at(&self, mut what: Inspect, bytes: Bytes, stranger: bool) -> Result<(Inspected, Option<Landed>)> {
        self.check_size(bytes.len() as u64)?;
        let rooms = self.rooms();
        let mut existing = None;
        if let Some(dataset) = &what.dataset {
            if what.contract.is_none() {
                what.contract = rooms.contracts.get(dataset).await?.map(|c| c.as_ref().clone());
            }
            existing = rooms.tables.snapshot(dataset).await?.map(|s| Arc::clone(&s.schema));
        }
        let mut limits = rooms.config.limits.clone();
        if stranger {
            limits.expanded_bytes = limits.expanded_bytes.min(UNKNOWN_EXPANDS_TO);
        }
        let mode = what.contract.as_ref().map_or(WriteMode::Append, |c| c.mode);
        let dataset = what.dataset.clone();
        let work = move || (inspect(&bytes, &what, existing.as_deref(), &limits), sha256(&bytes));
        let (found, content) = in_turn(&rooms.arrivals.lookers, work)
            .await
            .map_err(|e| LakeError::internal(format!("inspecting a file failed: {e}")))?;
        let landed = match &dataset {
            Some(dataset) => rooms.tables.landed_as(dataset, &content, mode).await?,
            None => None,
        };
        Ok((found, landed))
    }
}

/// A reading in words: values of the first `rows` rows and the last three.
#[must_use]
pub fn told(reading: &Reading, rows: u64) -> Inspection {
    let quarantined = reading.quarantined.iter().take(QUARANTINED_TOLD).cloned().collect();
    let landing = match &reading.outcome {
        Ok(landing) => landing,
        Err(refusal) => {
            let message = refusal.message.clone();
            return Inspection::Refused(Refused {
                refused_because: refusal.because,
                message,
                quarantined,
                waits: false,
                difference: None,
            });
        }
    };
    let RowCounts { landed, quarantined: rejected, skipped, .. } = reading.rows;
    Inspection::Lands(Box::new(Lands {
        encoding: reading.encoding.map(str::to_owned),
        compression: reading.compression.map(str::to_owned),
        format: reading.format.map(str::to_owned),
        delimiter: reading.delimiter.map(String::from),
        quote: reading.quote.map(String::from),
        header_line: reading.header_line,
        sheet: reading.sheet.clone(),
        columns: reading.columns.iter().map(Into::into).collect(),
        evidence: reading.columns.iter().map(|c| c.evidence.clone()).collect(),
        warnings: reading.warnings.clone(),
        rows: InspectedRows { landed, quarantined: rejected, skipped },
        quarantined_lines: reading.quarantined.iter().map(|row| row.line).collect(),
        quarantined,
        values: values(landing, &reading.columns, rows),
    }))
}

/// Values of the file's own columns, in its order.
fn values(landing: &Landing, columns: &[model::ColumnReport], rows: u64) -> BTreeMap<RowNumber, Vec<Option<String>>> {
    let places: Vec<usize> = columns.iter().filter_map(|c| landing.schema.index_of(&c.name).ok()).collect();
    let total: u64 = landing.batches.iter().map(|b| b.num_rows() as u64).sum();
    let last = if rows == 0 { total } else { total.saturating_sub(LAST) };
    let mut told = BTreeMap::new();
    let mut first = 0;
    for batch in &landing.batches {
        let end = first + batch.num_rows() as u64;
        for row in (first..end.min(rows)).chain(first.max(last).max(rows)..end) {
            told.insert(RowNumber(row), places.iter().map(|at| in_words(batch, *at, (row - first) as usize)).collect());
        }
        first = end;
    }
    told
}

/// A value in its canonical form: the shortest that reads back the same.
pub(super) fn in_words(batch: &RecordBatch, column: usize, row: usize) -> Option<String> {
    let array: &ArrayRef = batch.column(column);
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Date32 => array.as_primitive::<Date32Type>().value_as_date(row)?.to_string(),
        DataType::Timestamp(_, zone) => {
            let at = array.as_primitive::<TimestampMicrosecondType>().value_as_datetime(row)?;
            let mut text = at.format("%Y-%m-%dT%H:%M:%S").to_string();
            let micros = at.and_utc().timestamp_subsec_micros();
            if micros > 0 {
                text += format!(".{micros:06}").trim_end_matches('0');
            }
            text + if zone.is_some() { "Z" } else { "" }
        }
        _ => array.as_string::<i32>().value(row).to_owned(),
    })
}

/// As Python's `repr` writes it: `8.0`, `1e-07`, `6.022e+23`.
fn float(value: f64) -> String {
    if value.is_nan() {
        return "nan".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..16).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.abs())
        }
        _ => format!("{value:?}"),
    }
}
