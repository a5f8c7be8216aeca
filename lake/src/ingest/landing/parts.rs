//! Large files of the landing area: read in parts from the store, and written in parts to it.

use std::{
    io::{self, Read},
    sync::Arc,
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use bytes::{Buf as _, Bytes};
use model::{DatasetName, QuarantinedRow};
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, buffered::BufWriter, path::Path};
use tokio::{io::AsyncWriteExt as _, runtime::Handle, sync::mpsc, task::JoinHandle};

use crate::{
    Lake, LakeError, Result,
    contract::Contract,
    ingest::{
        incoming::unwritten,
        landing::LandingFile,
        stream::{self, Sink, Source, Stop, Streamed},
        turn::Turn,
    },
    store::path,
    table::{DataFile, TableWriter},
};

/// Bytes of one request.
const REQUEST: u64 = 8 << 20;
/// Requests and batches that are ready before they are wanted.
const AHEAD: usize = 1;

/// A large file, the object that it is, and its arrival.
pub(super) struct Large<'a> {
    pub file: &'a LandingFile,
    pub object: ObjectMeta,
    pub ingest: &'a str,
}

/// A large file that was read in parts.
pub(super) struct InParts {
    pub streamed: Streamed,
    pub schema: SchemaRef,
    pub files: Vec<DataFile>,
}

impl Lake {
    /// Reads a large file in parts. Its rows are then in data files that no version names, and those in quarantine where
    /// the arrival's rows are. `None` when it is to be read as a whole; nothing is left of it then.
    pub(super) async fn in_parts(
        &self,
        large: Large<'_>,
        place: String,
        contract: Option<Arc<Contract>>,
        existing: Option<SchemaRef>,
        turn: &Turn,
    ) -> Result<Option<InParts>> {
        let Large { file, object, ingest } = large;
        let rooms = self.rooms();
        let lake = self.clone();
        let limits = rooms.config.limits.clone();
        let quarantine = path::quarantine(&file.dataset, ingest);
        let (dataset, objects) = (file.dataset.clone(), rooms.store.objects());
        let work = move || {
            let runtime = Handle::current();
            let mut source = Stored { objects: objects.clone(), object, runtime: runtime.clone() };
            let sort = contract.as_ref().map(|c| c.sort.clone()).unwrap_or_default();
            let mut sink =
                Written { lake, dataset, runtime, quarantine, sort, schema: None, rows: None, rejected: None };
            let read = stream::read(&mut source, &place, contract.as_deref(), existing.as_deref(), &limits, &mut sink);
            match read {
                Ok(streamed) if streamed.reading.outcome.is_ok() => {
                    let (schema, files) = sink.finish()?;
                    Ok(Some(InParts { streamed, schema, files }))
                }
                Ok(streamed) => {
                    let schema = sink.refused()?;
                    Ok(Some(InParts { streamed, schema, files: Vec::new() }))
                }
                Err(Stop::Whole(why)) => {
                    tracing::debug!(why, "a large file is read as a whole");
                    sink.forget();
                    Ok(None)
                }
                Err(Stop::Failed(e)) => {
                    sink.forget();
                    Err(e)
                }
            }
        };
        turn.work(work).await.unwrap_or_else(|e| {
            tracing::error!(path = %file.path, error = %e, "reading a file in parts failed");
            Ok(None)
        })
    }
}

/// An object, read from its begin as often as asked. When it changes meanwhile, reading fails.
struct Stored {
    objects: Arc<dyn ObjectStore>,
    object: ObjectMeta,
    runtime: Handle,
}

impl Source for Stored {
    fn open(&mut self) -> io::Result<Box<dyn Read + '_>> {
        let (send, pieces) = mpsc::channel(AHEAD);
        let (objects, object) = (Arc::clone(&self.objects), self.object.clone());
        self.runtime.spawn(async move {
            for start in (0..object.size).step_by(REQUEST as usize) {
                let range = Some(GetRange::Bounded(start..object.size.min(start + REQUEST)));
                let options = GetOptions { range, if_match: object.e_tag.clone(), ..GetOptions::default() };
                let piece = async { objects.get_opts(&object.location, options).await?.bytes().await };
                let piece = piece.await.map_err(LakeError::from);
                let last = piece.is_err();
                if send.send(piece).await.is_err() || last {
                    return;
                }
            }
        });
        Ok(Box::new(Pieces { pieces, piece: Bytes::new(), left: self.object.size }))
    }

    fn size(&self) -> u64 {
        self.object.size
    }
}

struct Pieces {
    pieces: mpsc::Receiver<Result<Bytes>>,
    piece: Bytes,
    left: u64,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() && self.left > 0 {
            self.piece = match self.pieces.blocking_recv() {
                Some(piece) => piece.map_err(io::Error::other)?,
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            };
            self.left = self.left.saturating_sub(self.piece.len() as u64);
        }
        let n = self.piece.len().min(into.len());
        self.piece.copy_to_slice(&mut into[..n]);
        Ok(n)
    }
}

/// Rows on their way into data files, and into quarantine. The files are written on a thread of their own, while the next
/// part is read.
struct Written {
    lake: Lake,
    dataset: DatasetName,
    runtime: Handle,
    quarantine: Path,
    sort: Vec<String>,
    schema: Option<SchemaRef>,
    rows: Option<Writing>,
    rejected: Option<BufWriter>,
}

/// Where batches are sent to, and what becomes of them.
type Writing = (mpsc::Sender<RecordBatch>, JoinHandle<Result<Vec<DataFile>>>);

impl Sink for Written {
    fn begin(&mut self, schema: &SchemaRef) -> Result<()> {
        self.forget();
        let writer = self.lake.rooms().tables.writer(&self.dataset, Arc::clone(schema))?.sorted_by(&self.sort);
        let (send, batches) = mpsc::channel(AHEAD);
        let runtime = self.runtime.clone();
        let written = self.runtime.spawn_blocking(move || runtime.block_on(written(writer, batches)));
        self.rows = Some((send, written));
        self.schema = Some(Arc::clone(schema));
        Ok(())
    }

    fn rows(&mut self, batch: RecordBatch) -> Result<()> {
        let Some((send, _)) = &self.rows else { return Err(LakeError::internal("rows without a schema")) };
        if send.blocking_send(batch).is_err() {
            // The writer has ended before its time: what it says is why.
            self.ended()?;
            return Err(LakeError::internal("a data file was ended too early"));
        }
        Ok(())
    }

    fn quarantined(&mut self, rows: Vec<QuarantinedRow>) -> Result<()> {
        let mut lines = Vec::new();
        for row in &rows {
            serde_json::to_writer(&mut lines, row)?;
            lines.push(b'\n');
        }
        let objects = self.lake.rooms().store.objects();
        let writer = self.rejected.get_or_insert_with(|| BufWriter::new(objects, self.quarantine.clone()));
        self.runtime.block_on(writer.write_all(&lines)).map_err(unwritten)
    }
}

impl Written {
    fn finish(mut self) -> Result<(SchemaRef, Vec<DataFile>)> {
        let files = self.ended()?;
        Ok((self.refused()?, files))
    }

    /// Keeps the quarantine alone.
    fn refused(mut self) -> Result<SchemaRef> {
        if let Some(mut writer) = self.rejected.take() {
            self.runtime.block_on(writer.shutdown()).map_err(unwritten)?;
        }
        self.stop();
        self.schema.take().ok_or_else(|| LakeError::internal("a file was read without a schema"))
    }

    fn ended(&mut self) -> Result<Vec<DataFile>> {
        let Some((send, written)) = self.rows.take() else { return Ok(Vec::new()) };
        drop(send);
        let written = self.runtime.block_on(written);
        written.map_err(|e| LakeError::internal(format!("writing a data file failed: {e}")))?
    }

    /// Ends the files: no commit will name them.
    fn stop(&mut self) {
        if let Err(e) = self.ended() {
            tracing::debug!(error = %e, "data files that nobody wants were not ended");
        }
    }

    fn forget(&mut self) {
        self.stop();
        if let Some(mut writer) = self.rejected.take()
            && let Err(e) = self.runtime.block_on(writer.abort())
        {
            tracing::debug!(error = %e, "an upload that nobody wants was not ended");
        }
    }
}

async fn written(mut writer: TableWriter, mut batches: mpsc::Receiver<RecordBatch>) -> Result<Vec<DataFile>> {
    while let Some(batch) = batches.recv().await {
        if let Err(e) = writer.write(&batch).await {
            writer.abort().await;
            return Err(e);
        }
    }
    writer.finish().await
}
