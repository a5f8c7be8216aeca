//! Compaction: many small data files become few large ones, as a version of its own with the same rows.
//!
//! Nobody waits for it: readers stay on their version, and an append that commits meanwhile goes beside it. It commits
//! only while every file that it read is still part of the table; else what it wrote is left over and the next round
//! begins anew. Like every commit it is seen whole or not at all.

use std::{collections::HashSet, sync::Arc};

use arrow::{
    array::{RecordBatch, RecordBatchOptions, new_null_array},
    compute::{CastOptions, cast_with_options},
    datatypes::SchemaRef,
};
use deltalake::{
    DeltaTable, DeltaTableError,
    kernel::{Action, EagerSnapshot, LogicalFileView, Remove, StructType, transaction::CommitBuilder},
    protocol::DeltaOperation,
};
use model::{Compacted, DatasetName};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{
    DataFile, Snapshot, TableWriter, Tables,
    clean::check_young,
    commit::{ATTEMPTS, Note, is_conflict},
    foreign,
    write::FULL,
};
use crate::{LakeError, Result};

/// Bytes in the store of a file that is worth no rewriting: a quarter of what [`TableWriter`] makes.
const SMALL: u64 = 50 << 20;
/// Small files that are left alone: fewer cost a query less than their rewriting.
const FEW: usize = 8;
/// Files of one rewriting, so that what a conflict throws away is bounded.
const MOST: usize = 1000;
const BATCH_ROWS: usize = 8192;

/// A small file and what the log says of it.
#[derive(Debug)]
pub(super) struct Small {
    /// As the log names it.
    pub(super) name: String,
    location: Path,
    rows: Option<u64>,
    written: i64,
}

impl Tables {
    /// How many files [`compact`](Self::compact) would rewrite; 0 when the table is fine as it is.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn compactable(&self, dataset: &DatasetName) -> Result<u64> {
        match self.snapshot(dataset).await? {
            Some(snapshot) => Ok(small_files(&snapshot)?.len() as u64),
            None => Ok(0),
        }
    }

    /// Rewrites small data files into large ones, when there are enough. `None` when nothing was done: there are few,
    /// the table is of a kind that we do not write, or someone else took the files out meanwhile.
    ///
    /// Work for a processor, with memory for one small file, a row group and a run of rows; `sort` is as the contract has it.
    ///
    /// # Errors
    /// [`LakeError::Store`]; [`LakeError::Internal`] for a file that cannot be read or holds other than its log says.
    /// Nothing is changed then.
    pub async fn compact(&self, dataset: &DatasetName, sort: &[String]) -> Result<Option<Compacted>> {
        let Some(snapshot) = self.snapshot(dataset).await? else { return Ok(None) };
        let small = small_files(&snapshot)?;
        if small.is_empty() {
            return Ok(None);
        }
        let files = self.rewrite(&snapshot, &small, sort).await?;
        self.replace_files(&snapshot, &small, files).await
    }

    /// The rows of these files, in their order or in runs by `sort`, in new files that no version names yet.
    pub(super) async fn rewrite(&self, snapshot: &Snapshot, small: &[Small], sort: &[String]) -> Result<Vec<DataFile>> {
        let schema: SchemaRef = snapshot.state()?.arrow_schema();
        let mut writer = self.writer(&snapshot.dataset, Arc::clone(&schema))?.sorted_by(sort);
        for file in small {
            if let Err(e) = pour(snapshot, file, &schema, &mut writer).await {
                writer.abort().await;
                return Err(e);
            }
        }
        let newest = small.iter().map(|f| f.written).max().unwrap_or_default();
        let mut files = writer.finish().await?;
        for file in &mut files {
            file.add.data_change = false;
            // The rows are as old as they were; the next rewriting goes by this order.
            file.add.modification_time = newest;
            self.write_profile(&snapshot.dataset, &file.add.path, &file.profile).await?;
        }
        Ok(files)
    }

    pub(super) async fn replace_files(
        &self,
        read: &Snapshot,
        small: &[Small],
        files: Vec<DataFile>,
    ) -> Result<Option<Compacted>> {
        check_young(&files)?;
        let dataset = &read.dataset;
        let made = Compacted { files: small.len() as u64, into: files.len() as u64 };
        let adds: Vec<Action> = files.into_iter().map(|f| Action::Add(f.add)).collect();
        let note = Note { operation: Note::COMPACT.into(), compacted: Some(made), ..Note::default() };
        for _ in 0..ATTEMPTS {
            let table = self.writable(dataset).await?;
            let state = table.snapshot()?.snapshot();
            let removes = removes(state, small)?;
            // A column that came meanwhile may be one that the files had before a roll back.
            let same_columns = columns(state)? == columns(read.state()?)?;
            let Some(removes) = removes.filter(|_| same_columns) else {
                tracing::info!(%dataset, "files were changed while they were compacted; left to the next round");
                return Ok(None);
            };
            let actions = removes.into_iter().map(Action::Remove).chain(adds.clone()).collect();
            match commit(table, actions, &note).await {
                Ok(table) => {
                    let version = table.version().unwrap_or_default();
                    self.keep(dataset, table)?;
                    tracing::info!(%dataset, version, files = made.files, into = made.into, "compacted");
                    return Ok(Some(made));
                }
                Err(e) if is_conflict(&e) => tracing::debug!(%dataset, error = %e, "another writer was first"),
                Err(e) => return Err(e.into()),
            }
        }
        tracing::info!(%dataset, "others kept committing while files were compacted; left to the next round");
        Ok(None)
    }
}

/// Writes a file's rows again.
async fn pour(snapshot: &Snapshot, file: &Small, schema: &SchemaRef, writer: &mut TableWriter) -> Result<()> {
    let before = writer.rows();
    let unreadable = |e: &dyn std::fmt::Display| LakeError::internal(format!("{} cannot be read: {e}", file.location));
    // Small as it is, it is read at once.
    let bytes = snapshot.objects().get(&file.location).await?.bytes().await?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|e| unreadable(&e))?;
    for batch in builder.with_batch_size(BATCH_ROWS).build().map_err(|e| unreadable(&e))? {
        writer.write(&fit(&batch.map_err(|e| unreadable(&e))?, schema)?).await?;
    }
    let read = writer.rows() - before;
    if let Some(rows) = file.rows.filter(|rows| *rows != read) {
        return Err(LakeError::internal(format!("{} holds {read} rows, its log says {rows}", file.location)));
    }
    Ok(())
}

fn columns(state: &EagerSnapshot) -> Result<StructType, DeltaTableError> {
    Ok(state.metadata().parse_schema()?)
}

/// The next version, with the same rows in other files.
async fn commit(mut table: DeltaTable, actions: Vec<Action>, note: &Note) -> Result<DeltaTable, DeltaTableError> {
    let operation = DeltaOperation::Optimize { predicate: None, target_size: SMALL as i64 };
    let version = CommitBuilder::from(note.properties()?)
        .with_actions(actions)
        .build(Some(table.snapshot()?), table.log_store(), operation)
        .await?
        .version();
    table.load_version(version).await?;
    Ok(table)
}

/// What takes these files out of the table; `None` when one of them is not part of it any more, or has lost rows by a
/// deletion vector.
fn removes(state: &EagerSnapshot, small: &[Small]) -> Result<Option<Vec<Remove>>> {
    let names: HashSet<&str> = small.iter().map(|f| f.name.as_str()).collect();
    let log = state.try_log_data()?;
    let still = log.iter().filter(|f| names.contains(f.path().as_ref()) && f.deletion_vector_descriptor().is_none());
    let removes: Vec<Remove> = still.map(|f| f.remove_action(false)).collect();
    Ok((removes.len() == small.len()).then_some(removes))
}

/// What is to be rewritten, oldest first; empty when it is not worth it, or when the table is one that only another
/// engine's writer keeps right.
pub(super) fn small_files(snapshot: &Snapshot) -> Result<Vec<Small>> {
    if !is_ours(snapshot)? {
        return Ok(Vec::new());
    }
    let mut small = Vec::new();
    for file in snapshot.state()?.try_log_data()?.iter() {
        let bytes = u64::try_from(file.size()).unwrap_or_default();
        if bytes < SMALL && !is_full(&file) {
            small.push(Small {
                name: file.path().into_owned(),
                location: Path::from(snapshot.location(&file.object_store_path())),
                rows: file.num_records().map(|n| n as u64),
                written: file.modification_time(),
            });
        }
    }
    if small.len() < FEW {
        return Ok(Vec::new());
    }
    small.sort_unstable_by(|a, b| (a.written, &a.name).cmp(&(b.written, &b.name)));
    small.truncate(MOST);
    Ok(small)
}

/// Whether it is a table as we write them: whole files below its own folder, with the columns under their own names.
pub(super) fn is_ours(snapshot: &Snapshot) -> Result<bool> {
    let state = snapshot.state()?;
    let log = state.try_log_data()?;
    Ok(foreign::obstacle(state)?.is_none()
        && log.iter().all(|f| f.deletion_vector_descriptor().is_none() && !f.path().contains("://")))
}

/// Whether it was ended because it had enough rows: what compresses well is small and would be written the same again.
fn is_full(file: &LogicalFileView) -> bool {
    #[expect(deprecated, reason = "nothing else tells a file's tags")]
    let tags = file.add_action().tags;
    tags.is_some_and(|tags| tags.contains_key(FULL))
}

/// The batch with the table's columns: those that came after it are null, as every reader of its file has them.
fn fit(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let column = |field: &Arc<arrow::datatypes::Field>| match batch.column_by_name(field.name()) {
        Some(column) if column.data_type() == field.data_type() => Ok(Arc::clone(column)),
        Some(column) => cast_with_options(column, field.data_type(), &strict),
        None => Ok(new_null_array(field.data_type(), batch.num_rows())),
    };
    let cannot = |e: arrow::error::ArrowError| LakeError::Internal {
        detail: format!("rows of a data file do not fit its table: {e}"),
        source: Some(e.into()),
    };
    let columns = schema.fields().iter().map(column).collect::<Result<Vec<_>, _>>().map_err(cannot)?;
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &rows).map_err(cannot)
}
