//! Results as files: CSV, Parquet, Arrow, JSON, batch by batch, so that the first bytes leave before the last are made.

use std::sync::Arc;

use arrow::{error::ArrowError, ipc::writer::StreamWriter, record_batch::RecordBatch};
use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use model::{ExportFormat, Formulas};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::properties::WriterProperties,
};
use tokio::{runtime::Handle, sync::mpsc};

use super::{StoredResult, cell};
use crate::{LakeError, Result};

/// Encoded pieces that may wait for a slow reader.
const AHEAD: usize = 2;
/// Rows of a Parquet row group, in batches.
const GROUP: usize = 64;

/// Encodes on the given runtime, at most [`AHEAD`] pieces ahead of the reader; ends when the reader goes away.
pub(super) fn stream(
    on: &Handle,
    result: Arc<StoredResult>,
    format: ExportFormat,
    formulas: Formulas,
) -> BoxStream<'static, Result<Bytes>> {
    let (pieces, read) = mpsc::channel(AHEAD);
    on.spawn(async move {
        if let Err(e) = send(&result, format, formulas, &pieces).await {
            let _ = pieces.send(Err(e)).await;
        }
    });
    let pieces = futures::stream::unfold(read, |mut read| async move { read.recv().await.map(|piece| (piece, read)) });
    // A body that is compressed on its way is polled once more after its end, which `unfold` answers with a panic.
    pieces.fuse().boxed()
}

async fn send(
    result: &StoredResult,
    format: ExportFormat,
    formulas: Formulas,
    to: &mpsc::Sender<Result<Bytes>>,
) -> Result<()> {
    let mut encoder = Encoder::begin(result, format, formulas)?;
    for batch in &result.batches {
        let piece = encoder.batch(batch)?;
        if !piece.is_empty() && to.send(Ok(piece.into())).await.is_err() {
            return Ok(());
        }
    }
    // The reader may have gone; nothing is left to do either way.
    let _ = to.send(Ok(encoder.end()?.into())).await;
    Ok(())
}

enum Encoder {
    Csv { header: String, formulas: Formulas },
    Json { keys: Vec<String>, rows: u64 },
    Ndjson { keys: Vec<String> },
    Arrow(Box<StreamWriter<Vec<u8>>>),
    Parquet { writer: Box<ArrowWriter<Vec<u8>>>, batches: usize },
}

impl Encoder {
    fn begin(result: &StoredResult, format: ExportFormat, formulas: Formulas) -> Result<Self> {
        let keys = || -> Vec<String> {
            let key = |c: &model::Column| {
                let mut key = String::new();
                cell::json_text(&c.name, &mut key);
                key.push(':');
                key
            };
            result.columns.iter().map(key).collect()
        };
        Ok(match format {
            ExportFormat::Csv => {
                let mut header = String::new();
                for (i, column) in result.columns.iter().enumerate() {
                    if i > 0 {
                        header.push(',');
                    }
                    csv_text(&column.name, formulas, &mut header);
                }
                header.push_str("\r\n");
                Self::Csv { header, formulas }
            }
            ExportFormat::Json => Self::Json { keys: keys(), rows: 0 },
            ExportFormat::Ndjson => Self::Ndjson { keys: keys() },
            ExportFormat::Arrow => {
                Self::Arrow(Box::new(StreamWriter::try_new(Vec::new(), &result.schema).map_err(arrow_fault)?))
            }
            ExportFormat::Parquet => {
                let properties =
                    WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
                let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&result.schema), Some(properties));
                Self::Parquet { writer: Box::new(writer.map_err(parquet_fault)?), batches: 0 }
            }
        })
    }

    fn batch(&mut self, batch: &RecordBatch) -> Result<Vec<u8>> {
        let mut text = String::new();
        match self {
            Self::Csv { header, formulas } => {
                text = std::mem::take(header);
                csv(batch, *formulas, &mut text)?;
            }
            Self::Json { keys, rows } => {
                let columns = cell::Cells::all(batch)?;
                for row in 0..batch.num_rows() {
                    text.push_str(if *rows == 0 { "[\n" } else { ",\n" });
                    object(&columns, keys, row, &mut text);
                    *rows += 1;
                }
            }
            Self::Ndjson { keys } => {
                let columns = cell::Cells::all(batch)?;
                for row in 0..batch.num_rows() {
                    object(&columns, keys, row, &mut text);
                    text.push('\n');
                }
            }
            Self::Arrow(writer) => {
                writer.write(batch).map_err(arrow_fault)?;
                return Ok(std::mem::take(writer.get_mut()));
            }
            Self::Parquet { writer, batches } => {
                writer.write(batch).map_err(parquet_fault)?;
                *batches += 1;
                if batches.is_multiple_of(GROUP) {
                    writer.flush().map_err(parquet_fault)?;
                }
                return Ok(std::mem::take(writer.inner_mut()));
            }
        }
        Ok(text.into_bytes())
    }

    fn end(self) -> Result<Vec<u8>> {
        match self {
            Self::Csv { header, .. } => Ok(header.into_bytes()),
            Self::Json { rows: 0, .. } => Ok(b"[]\n".to_vec()),
            Self::Json { .. } => Ok(b"\n]\n".to_vec()),
            Self::Ndjson { .. } => Ok(Vec::new()),
            Self::Arrow(writer) => writer.into_inner().map_err(arrow_fault),
            Self::Parquet { writer, .. } => writer.into_inner().map_err(parquet_fault),
        }
    }
}

/// RFC 4180; an absent value is nothing, an empty text is `""`. Where it would be the whole line, an absent value is
/// `""` as well: readers skip empty lines.
fn csv(batch: &RecordBatch, formulas: Formulas, text: &mut String) -> Result<()> {
    let columns = cell::Cells::all(batch)?;
    for row in 0..batch.num_rows() {
        for (i, column) in columns.iter().enumerate() {
            if i > 0 {
                text.push(',');
            }
            match column {
                _ if column.is_null(row) => text.push_str(if columns.len() == 1 { "\"\"" } else { "" }),
                cell::Cells::Text(values) => csv_text(values.value(row), formulas, text),
                _ => column.write(row, text),
            }
        }
        text.push_str("\r\n");
    }
    Ok(())
}

fn csv_text(value: &str, formulas: Formulas, text: &mut String) {
    let runs = formulas == Formulas::Guarded && value.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let guard = if runs { "'" } else { "" };
    if !value.is_empty() && !value.contains(['"', ',', '\r', '\n']) {
        text.push_str(guard);
        text.push_str(value);
        return;
    }
    text.push('"');
    text.push_str(guard);
    for (i, part) in value.split('"').enumerate() {
        if i > 0 {
            text.push_str("\"\"");
        }
        text.push_str(part);
    }
    text.push('"');
}

fn object(columns: &[cell::Cells<'_>], keys: &[String], row: usize, text: &mut String) {
    text.push('{');
    for (i, (column, key)) in columns.iter().zip(keys).enumerate() {
        if i > 0 {
            text.push(',');
        }
        text.push_str(key);
        column.write_json(row, text);
    }
    text.push('}');
}

fn arrow_fault(e: ArrowError) -> LakeError {
    LakeError::Internal { detail: format!("a result cannot be encoded: {e}"), source: Some(e.into()) }
}

fn parquet_fault(e: ParquetError) -> LakeError {
    LakeError::Internal { detail: format!("a result cannot be encoded: {e}"), source: Some(e.into()) }
}
