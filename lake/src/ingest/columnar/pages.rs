//! The pages of a Parquet file, weighed before one is decoded: what they claim to hold, and whether they hold more.
//!
//! The decoder makes room for whatever a page claims, so a file of a few bytes could take all memory of the process.
//! Nothing is kept here: each page is looked at where it lies, and only what may hide its size is unpacked.
//!
//! Source: <https://github.com/apache/parquet-format>, `parquet.thrift` and `Encodings.md`.

use std::{io::Read, sync::Arc};

use bytes::Bytes;
use parquet::{
    basic::{Compression, Encoding},
    column::page::{Page, PageReader},
    errors::ParquetError,
    file::{
        metadata::{ColumnChunkMetaData, ParquetMetaData},
        serialized_reader::SerializedPageReader,
    },
};

use super::{damaged, too_large};
use crate::ingest::Refusal;

mod delta;
mod thrift;

use thrift::{Header, Kind};

/// Groups within groups that a schema may have.
const DEPTH: usize = 64;
/// Bytes of a footer; the decoder takes many times as much for it.
const FOOTER: usize = 32 << 20;

/// Looks at a file's footer before the decoder does, which goes down the schema by recursion and makes room for all that
/// a list claims to hold.
///
/// # Errors
/// `unreadable` when there is no footer or its schema is too deep.
pub(super) fn check_footer(bytes: &[u8]) -> Result<(), Refusal> {
    let footer = || {
        let (rest, _magic) = bytes.split_last_chunk::<4>()?;
        let (rest, length) = rest.split_last_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok().filter(|length| *length <= FOOTER)?;
        rest.get(rest.len().checked_sub(length)?..)
    };
    match footer().and_then(thrift::depth) {
        Some(depth) if depth <= DEPTH => Ok(()),
        Some(depth) => Err(damaged(&format!("its columns lie in {depth} groups within each other"))),
        None => Err(damaged(&"its footer cannot be read")),
    }
}

/// # Errors
/// `too_large` when the pages hold more than `limit` bytes, or so many values that they could not be kept;
/// `unreadable` when a page holds something else than it claims.
pub(super) fn weigh(bytes: &Bytes, file: &ParquetMetaData, limit: u64) -> Result<(), Refusal> {
    let mut left = Left { bytes: limit, values: limit / 2 };
    for group in file.row_groups() {
        for column in group.columns() {
            let (values, packed) = walk(bytes, column, &mut left)?;
            let rows = if column.column_descr().max_rep_level() == 0 { group.num_rows() } else { column.num_values() };
            if i64::try_from(values).ok() != Some(column.num_values()) || column.num_values() != rows {
                return Err(damaged(&"its pages hold another number of values than it says"));
            }
            if packed {
                unpack(bytes, column, usize::try_from(group.num_rows()).unwrap_or(0), limit)?;
            }
        }
    }
    Ok(())
}

/// What a file may still hold.
struct Left {
    bytes: u64,
    /// Values of all columns, nulls included: a run of a billion costs the file a few bytes.
    values: u64,
}

/// Goes through the pages of a column by their headers: how many values they hold, and whether some are in an encoding
/// that hides its size.
fn walk(bytes: &Bytes, column: &ColumnChunkMetaData, left: &mut Left) -> Result<(u64, bool), Refusal> {
    let cut = || damaged(&"a page lies outside of the file");
    let (mut values, mut packed) = (0_u64, false);
    let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
    let place = |at: i64| usize::try_from(at).map_err(|_| cut());
    let (mut at, length) = (place(start)?, place(column.compressed_size())?);
    let end = at.saturating_add(length);
    while at < end {
        let mut rest = bytes.get(at..).ok_or_else(cut)?;
        let before = rest.len();
        let header = Header::read(&mut rest).ok_or_else(|| damaged(&"the header of a page cannot be read"))?;
        at += before - rest.len();
        let body = rest.get(..header.compressed).ok_or_else(cut)?;
        at += header.compressed;
        left.bytes = left.bytes.checked_sub(header.uncompressed as u64).ok_or_else(too_large)?;
        match header.kind {
            // A dictionary lists each value, so that it has room for no more of them than bytes.
            Kind::Dictionary if header.values > header.uncompressed as u64 => {
                return Err(damaged(&"a dictionary claims more values than it has bytes"));
            }
            Kind::Dictionary => {}
            Kind::Data => {
                left.values = left.values.checked_sub(header.values).ok_or_else(too_large)?;
                values += header.values;
            }
        }
        packed |= matches!(header.encoding, thrift::DELTA_LENGTH_BYTE_ARRAY | thrift::DELTA_BYTE_ARRAY);
        if header.is_compressed {
            let plain = body.get(header.levels..).ok_or_else(|| damaged(&"a page is shorter than its levels"))?;
            holds(plain, column.compression(), header.uncompressed.saturating_sub(header.levels))?;
        }
    }
    Ok((values, packed))
}

/// The codecs that the decoder lets run on past the claimed size are run here first, and stopped there.
fn holds(body: &[u8], compression: Compression, claimed: usize) -> Result<(), Refusal> {
    let reader: Box<dyn Read + '_> = match compression {
        Compression::GZIP(_) => Box::new(flate2::read::MultiGzDecoder::new(body)),
        Compression::BROTLI(_) => Box::new(brotli::Decompressor::new(body, 4096)),
        _ => return Ok(()),
    };
    let found = std::io::copy(&mut reader.take(claimed as u64 + 1), &mut std::io::sink()).map_err(|e| damaged(&e))?;
    if found != claimed as u64 {
        return Err(damaged(&format!("a page claims {claimed} bytes and holds another number of them")));
    }
    Ok(())
}

/// Looks into the pages of a column whose encoding hides how many values they hold, or how long these are.
fn unpack(bytes: &Bytes, column: &ColumnChunkMetaData, rows: usize, limit: u64) -> Result<(), Refusal> {
    let reader = SerializedPageReader::new(Arc::new(bytes.clone()), column, rows, None).map_err(|e| damaged(&e))?;
    let mut left = limit;
    for page in pages(reader) {
        let page = page.map_err(|e| damaged(&e))?;
        let short = || damaged(&"a page is shorter than its levels");
        let (values, encoding) = match &page {
            Page::DataPage { buf, encoding, .. } => {
                let mut rest = buf.as_ref();
                for level in [column.column_descr().max_rep_level(), column.column_descr().max_def_level()] {
                    if level > 0 {
                        let (length, after) = rest.split_first_chunk().ok_or_else(short)?;
                        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
                        rest = after.get(length..).ok_or_else(short)?;
                    }
                }
                (rest, *encoding)
            }
            Page::DataPageV2 { buf, encoding, def_levels_byte_len, rep_levels_byte_len, .. } => {
                let levels = u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len);
                let levels = usize::try_from(levels).unwrap_or(usize::MAX);
                (buf.get(levels..).ok_or_else(short)?, *encoding)
            }
            Page::DictionaryPage { .. } => continue,
        };
        let most = usize::try_from(page.num_values()).unwrap_or(0);
        let wrong = || damaged(&"lengths of texts contradict their page");
        let mut rest = values;
        let (prefixes, lengths) = match encoding {
            // A page of nulls alone may leave out even the number of its lengths.
            _ if values.is_empty() => continue,
            Encoding::DELTA_BYTE_ARRAY => {
                let prefixes = delta::read(&mut rest, most).ok_or_else(wrong)?;
                (prefixes, delta::read(&mut rest, most).ok_or_else(wrong)?)
            }
            Encoding::DELTA_LENGTH_BYTE_ARRAY => (Vec::new(), delta::read(&mut rest, most).ok_or_else(wrong)?),
            _ => continue,
        };
        for length in prefixes.into_iter().chain(lengths) {
            let length = u64::try_from(length).map_err(|_| wrong())?;
            left = left.checked_sub(length).ok_or_else(too_large)?;
        }
    }
    Ok(())
}

fn pages(mut reader: impl PageReader) -> impl Iterator<Item = Result<Page, ParquetError>> {
    std::iter::from_fn(move || reader.get_next_page().transpose())
}
