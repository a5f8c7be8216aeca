//! How a result is an object. `results/<key>.arrow` holds, in this order:
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `PENSTOCK` |
//! | 4 | format version, little-endian |
//! | 4 | length of the header, little-endian |
//! | … | header: JSON of [`ResultMeta`], with the key |
//! | … | an Arrow IPC file, zstd-compressed, batches of 8,192 rows, the columns' descriptions in its schema's metadata |
//! | 32 | SHA-256 of all before |
//!
//! Whatever is not exactly so (cut, flipped, another key's object, another format) is not a result.

use std::{collections::HashMap, io::Cursor, sync::Arc};

use arrow::{
    datatypes::{Schema, SchemaRef},
    error::ArrowError,
    ipc::{
        CompressionType,
        reader::FileReader,
        writer::{FileWriter, IpcWriteOptions},
    },
    record_batch::{RecordBatch, RecordBatchOptions},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Seen, StoredResult, hex};
use crate::{LakeError, Result};

const MAGIC: &[u8; 8] = b"PENSTOCK";
/// Counts up whenever the bytes change their meaning; part of every key as well.
pub(crate) const FORMAT: u32 = 1;
const HEAD: usize = MAGIC.len() + 4 + 4;
const CHECKSUM: usize = 32;
const COLUMNS: &str = "penstock.columns";

/// What is known of a result beside its rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResultMeta {
    /// Whose alone it is, hashed; `None` for everyone who sees the same.
    pub owner: Option<String>,
    pub seen: Vec<Seen>,
    pub rows: u64,
    /// Bytes as Arrow in memory.
    pub bytes: u64,
    pub started_at: DateTime<Utc>,
    /// How long the run took.
    pub elapsed_ms: u64,
}

#[derive(Serialize, Deserialize)]
struct Header {
    key: String,
    #[serde(flatten)]
    meta: ResultMeta,
}

pub(super) fn encode(key: &[u8; 32], result: &StoredResult) -> Result<Vec<u8>> {
    let header = serde_json::to_vec(&Header { key: hex(key), meta: result.meta.clone() })?;
    let length = u32::try_from(header.len()).map_err(|e| LakeError::internal(format!("result header: {e}")))?;
    let mut out = Vec::with_capacity(HEAD + header.len() + 1024);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&FORMAT.to_le_bytes());
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&header);

    let metadata = HashMap::from([(COLUMNS.to_owned(), serde_json::to_string(&result.columns)?)]);
    let schema = Arc::new(Schema::new_with_metadata(result.schema.fields().clone(), metadata));
    let mut ipc = || {
        let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD))?;
        let mut writer = FileWriter::try_new_with_options(&mut out, &schema, options)?;
        for batch in &result.batches {
            writer.write(batch)?;
        }
        writer.finish()
    };
    ipc().map_err(|e| LakeError::internal(format!("a result cannot be written as Arrow: {e}")))?;
    let checksum = Sha256::digest(&out);
    out.extend_from_slice(&checksum);
    Ok(out)
}

/// # Errors
/// Why the bytes are not the result of this key, for the log.
pub(super) fn decode(key: &[u8; 32], object: &[u8]) -> Result<StoredResult, String> {
    if object.len() < HEAD + CHECKSUM || !object.starts_with(MAGIC) {
        return Err("it does not begin as a result does".into());
    }
    let word = |at: usize| object[at..at + 4].try_into().map(u32::from_le_bytes).unwrap_or_default();
    let format = word(MAGIC.len());
    if format != FORMAT {
        return Err(format!("it has format {format}, not {FORMAT}"));
    }
    let (content, checksum) = object.split_at(object.len() - CHECKSUM);
    if Sha256::digest(content).as_slice() != checksum {
        return Err("its checksum is wrong".into());
    }
    let length = usize::try_from(word(MAGIC.len() + 4)).unwrap_or(usize::MAX);
    let (header, body) = content[HEAD..].split_at_checked(length).ok_or("its header is cut")?;
    let header: Header = serde_json::from_slice(header).map_err(|e| format!("its header: {e}"))?;
    if header.key != hex(key) {
        return Err(format!("it is the result of {}", header.key));
    }
    let reader = FileReader::try_new(Cursor::new(body), None).map_err(|e| e.to_string())?;
    let stored = reader.schema();
    let columns = stored.metadata().get(COLUMNS).ok_or("it has no columns")?;
    let columns: Vec<model::Column> = serde_json::from_str(columns).map_err(|e| format!("its columns: {e}"))?;
    let schema = Arc::new(Schema::new(stored.fields().clone()));
    let mut batches = Vec::new();
    let mut rows = 0u64;
    for batch in reader {
        let batch = batch.and_then(|b| bare(&b, &schema)).map_err(|e| e.to_string())?;
        rows += batch.num_rows() as u64;
        batches.push(batch);
    }
    if rows != header.meta.rows || columns.len() != schema.fields().len() {
        return Err("its header and its rows do not agree".into());
    }
    Ok(StoredResult { meta: header.meta, columns, schema, batches })
}

/// The batch without the stored schema's metadata.
fn bare(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), batch.columns().to_vec(), &options)
}
