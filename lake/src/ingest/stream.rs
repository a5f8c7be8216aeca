//! Large delimited files, part by part: in memory that does not grow with them, and with the very outcome that
//! [`read_file`](super::read_file) has.
//!
//! The first part makes a hypothesis: dialect, header, and the type of each column. The file is then read into columns of
//! those types, with the evidence of every value beside them. At the end the evidence of the whole file either says the
//! same, and one reading was enough, or it says what else the types are, and the file is read once more. Where a first
//! part cannot speak for the rest, the file is left to be read as a whole.

use std::io::{self, BufRead as _, BufReader, Read};

use arrow::{
    array::RecordBatch,
    datatypes::{Schema, SchemaRef},
};
use model::QuarantinedRow;

use self::{
    hypothesis::Hypothesis,
    pass::{Pass, Settled},
    text::{Hashed, Texts},
};
use super::{
    decode::{self, Expansion},
    fit::Rules,
    read::{Reading, expansion},
    sniff,
};
use crate::{LakeError, Limits, contract::Contract, table::WriteMode};

mod column;
mod hypothesis;
mod pass;
#[cfg(test)]
mod tests;
mod text;

/// Smaller files are read as a whole.
pub(super) const LARGE: u64 = 16 << 20;
/// Bytes of a part.
const PART: usize = 4 << 20;
/// Readings of one file. Types that change twice are rare.
const PASSES: usize = 4;
/// Bytes of a line or a record that are kept for the part in which it ends.
const LONGEST: usize = 64 << 20;

/// Where a file's bytes come from, as often as they are asked for.
pub(super) trait Source {
    /// From the first byte on.
    fn open(&mut self) -> io::Result<Box<dyn Read + '_>>;
    /// Bytes of the file.
    fn size(&self) -> u64;
}

/// Where its rows go.
pub(super) trait Sink {
    /// Rows of this schema follow. What came before is to be forgotten.
    fn begin(&mut self, schema: &SchemaRef) -> Result<(), LakeError>;
    fn rows(&mut self, batch: RecordBatch) -> Result<(), LakeError>;
    /// Rows that did not fit, in the order of the file.
    fn quarantined(&mut self, rows: Vec<QuarantinedRow>) -> Result<(), LakeError>;
}

/// Why a file was not read part by part.
#[derive(Debug)]
pub(super) enum Stop {
    /// It is to be read as a whole, for this reason.
    Whole(&'static str),
    Failed(LakeError),
}

impl From<LakeError> for Stop {
    fn from(e: LakeError) -> Self {
        Self::Failed(e)
    }
}

/// A file that was read. Its rows, those in quarantine too, are in the sink.
#[derive(Debug)]
pub(super) struct Streamed {
    pub reading: Reading,
    /// SHA-256 of the file as it arrived, lower-case hex.
    pub sha256: String,
}

/// Reads a large file for a dataset, as [`read_file`](super::read_file) does.
///
/// # Errors
/// [`Stop::Whole`] for all that is no plain delimited text; [`Stop::Failed`] when the source or the sink fails.
pub(super) fn read(
    source: &mut dyn Source,
    path: &str,
    contract: Option<&Contract>,
    existing: Option<&Schema>,
    limits: &Limits,
    sink: &mut dyn Sink,
) -> Result<Streamed, Stop> {
    let limit = expansion(contract, limits);
    let absent = Contract::absent();
    let contract = contract.unwrap_or(&absent);
    if contract.mode == WriteMode::Upsert {
        return Err(Stop::Whole("rows with the same key are to be found"));
    }
    let rules = Rules { contract, source: &contract.source(path), existing };
    parts(source, limit, rules, sink, PART)
}

fn parts(
    source: &mut dyn Source,
    limit: Expansion,
    rules: Rules<'_>,
    sink: &mut dyn Sink,
    part: usize,
) -> Result<Streamed, Stop> {
    let size = source.size();
    let mut hypothesis: Option<Hypothesis> = None;
    let mut encoding = None;
    let mut sha256 = None;
    for _ in 0..PASSES {
        let mut raw = Hashed::new(source.open().map_err(failed)?, sha256.is_none());
        let mut buffered = BufReader::with_capacity(part.min(1 << 20), &mut raw);
        let begin = buffered.fill_buf().map_err(failed)?;
        if !matches!(sniff::kind(begin), Ok(sniff::Kind::Text)) && decode::compression(begin).is_none() {
            return Err(Stop::Whole("it is no text"));
        }
        let compression = decode::compression(begin);
        let reader: Box<dyn Read + '_> = match compression {
            None => Box::new(buffered),
            Some(kind) => {
                let expanded = decode::reader(kind, buffered).map_err(|_| DAMAGED)?;
                Box::new(decode::Limited::new(expanded, size, limit))
            }
        };
        let io = |e| if compression.is_some() { DAMAGED } else { failed(e) };
        let mut texts = Texts::new(reader, encoding, part);
        texts.more().map_err(io)?;
        let taken = match hypothesis.take() {
            Some(known) => known,
            None => Hypothesis::of(&texts, rules)?,
        };
        sink.begin(&taken.plan.schema)?;
        let mut pass = Pass::new(taken, rules)?;
        loop {
            let read = pass.part(&texts, sink)?;
            if texts.is_last() {
                break;
            }
            if read == 0 && texts.text().text.len() > LONGEST {
                return Err(Stop::Whole("a record is too long"));
            }
            texts.take(read);
            texts.more().map_err(io)?;
        }
        let found = texts.whole()?;
        let same = found == texts.encoding();
        drop(texts);
        if let Some(hash) = raw.end().map_err(failed)? {
            sha256 = Some(hash);
        }
        if !same {
            encoding = Some(found);
            continue;
        }
        match pass.settle()? {
            Settled::Again(next) => hypothesis = Some(*next),
            Settled::Done(mut reading) => {
                reading.encoding = Some(found.name());
                reading.compression = compression;
                return Ok(Streamed { reading: *reading, sha256: sha256.unwrap_or_default() });
            }
        }
    }
    Err(Stop::Whole("its types change again and again"))
}

/// What is wrong with it, the whole reading says.
const DAMAGED: Stop = Stop::Whole("it is damaged or expands too far");

fn failed(e: io::Error) -> Stop {
    // What the store said, when it was the store.
    Stop::Failed(match e.downcast::<LakeError>() {
        Ok(e) => e,
        Err(e) => LakeError::internal(format!("a file could not be read: {e}")),
    })
}
