//! Commits: rows become one new version, once, or nothing is seen of them.
//!
//! Data files are written first under new names; the log entry that names them is created if absent, so a crash in
//! between leaves files that no version names. The content hash travels as an application transaction: two writers of
//! the same content conflict, and the second finds it there.

use std::{collections::HashSet, sync::Arc};

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Schema, SchemaRef},
};
use deltalake::{
    DeltaTable, DeltaTableError,
    kernel::{CommitInfo, Transaction, transaction::CommitProperties},
    operations::write::SchemaMode,
    parquet::{
        basic::{Compression, ZstdLevel},
        file::properties::{EnabledStatistics, WriterProperties},
    },
    protocol::SaveMode,
};
use model::DatasetName;
use serde::{Deserialize, Serialize};

use super::{FileProfile, ProfileBuilder, Tables, upsert};
use crate::{LakeError, Result};

/// Rows of one row group: small enough to prune, large enough to compress.
const ROW_GROUP_ROWS: usize = 128 << 10;
/// Rows of one data page, the unit that the page index skips.
const PAGE_ROWS: usize = 16 << 10;
/// Versions between two checkpoints of the log.
const CHECKPOINT_INTERVAL: &str = "20";
/// Attempts when other writers commit meanwhile.
pub(super) const ATTEMPTS: usize = 10;

/// What a commit adds and why.
#[derive(Debug, Clone)]
pub struct Commit {
    /// SHA-256 of the file as it arrived, lower-case hex: the same content lands once.
    pub sha256: String,
    /// The roll back after which the content lands once more, by an owner's decision.
    pub again: Option<u64>,
    pub ingest: String,
    pub file: String,
    /// Name of the person or `watcher`.
    pub by: String,
    pub mode: WriteMode,
    /// For upserts: columns that name a row.
    pub key: Vec<String>,
    /// For upserts: columns that the file brings. The others keep their values in rows that are there.
    pub own: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    Append,
    Replace,
    /// In the place of rows with the same key.
    Upsert,
}

impl WriteMode {
    fn name(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Replace => "replace",
            Self::Upsert => "upsert",
        }
    }
}

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    Version(u64),
    /// The same content had landed before; the version is the newest at that time.
    AlreadyThere(u64),
}

/// What a commit says of itself in the log, under the key `penstock`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Note {
    pub operation: String,
    pub file: Option<String>,
    pub ingest: Option<String>,
    pub by: Option<String>,
    pub rows: Option<u64>,
    /// For roll backs: the version whose state this one has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restores: Option<u64>,
    /// SHA-256 of the content that landed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

impl Note {
    pub(super) const KEY: &str = "penstock";

    /// The note of a commit; another engine's commits have only an operation.
    pub(super) fn of(info: &CommitInfo) -> Self {
        let ours = info.info.get(Self::KEY).and_then(|n| serde_json::from_value(n.clone()).ok());
        ours.unwrap_or_else(|| Self {
            operation: info.operation.clone().unwrap_or_default().to_lowercase(),
            ..Self::default()
        })
    }
}

impl Tables {
    /// Adds rows as one version, making the table when it is absent. Columns are matched by name; new ones are added as
    /// nullable, missing ones become null.
    ///
    /// # Errors
    /// [`LakeError::Invalid`] when a column has another type than the table's; nothing is written then.
    /// [`LakeError::Conflict`] when other writers kept committing first.
    pub async fn commit(
        &self,
        dataset: &DatasetName,
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
        commit: Commit,
    ) -> Result<Committed> {
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let profile = profile_of(&schema, batches.clone()).await?;
        let batches = if batches.is_empty() { vec![RecordBatch::new_empty(Arc::clone(&schema))] } else { batches };
        let note = Note {
            operation: commit.mode.name().into(),
            file: Some(commit.file.clone()),
            ingest: Some(commit.ingest.clone()),
            by: Some(commit.by.clone()),
            rows: Some(rows as u64),
            restores: None,
            content: Some(commit.sha256.clone()),
        };
        let app_id = app_id(&commit.sha256, commit.again);
        for _ in 0..ATTEMPTS {
            let table = self.writable(dataset).await?;
            if let Some(version) = landed(&table, &app_id).await? {
                return Ok(Committed::AlreadyThere(version));
            }
            let before = match table.snapshot() {
                Ok(state) => state.snapshot().try_log_data()?.iter().map(|f| f.path().into_owned()).collect(),
                Err(_) => HashSet::new(),
            };
            let growth = match table.snapshot() {
                Ok(state) if commit.mode != WriteMode::Replace => {
                    check_types(dataset, &state.snapshot().arrow_schema(), &schema)?
                }
                _ => false,
            };
            let properties = CommitProperties::default()
                .with_metadata([(Note::KEY.to_owned(), serde_json::to_value(&note)?)])
                .with_application_transaction(Transaction::new(&app_id, 1))
                // Retries are this loop's: the library's own would not ask again whether the content has landed.
                .with_max_retries(0);
            let is_new = table.version().is_none();
            if commit.mode == WriteMode::Upsert && !is_new {
                let merged =
                    upsert::merge(table, batches.clone(), &commit, growth, properties, writer_properties()?).await;
                match merged {
                    Ok(table) => return self.done(dataset, table),
                    Err(e) if is_conflict(&e) => {
                        tracing::debug!(%dataset, error = %e, "another writer was first");
                        continue;
                    }
                    Err(e) => return Err(e.into()),
                }
            }
            let mut write = table
                .write(batches.iter().cloned())
                .with_writer_properties(writer_properties()?)
                .with_commit_properties(properties);
            if is_new {
                write = write.with_configuration([("delta.checkpointInterval", Some(CHECKPOINT_INTERVAL))]);
            }
            write = match commit.mode {
                WriteMode::Append | WriteMode::Upsert => write.with_save_mode(SaveMode::Append),
                WriteMode::Replace => write.with_save_mode(SaveMode::Overwrite).with_schema_mode(SchemaMode::Overwrite),
            };
            if growth {
                write = write.with_schema_mode(SchemaMode::Merge);
            }
            match write.await {
                Ok(table) => {
                    let version = table.version().unwrap_or_default();
                    let snapshot = self.keep(dataset, table)?;
                    // The writer names the file; what it holds is known for one file and not for each of several.
                    if let Some(file) = snapshot.only_new_file(&before)?
                        && let Err(e) = self.write_profile(dataset, &file, &profile).await
                    {
                        tracing::warn!(%dataset, error = %e, "a file's profile could not be written; queries answer instead");
                    }
                    return Ok(Committed::Version(version));
                }
                Err(e) if is_conflict(&e) => tracing::debug!(%dataset, error = %e, "another writer was first"),
                Err(e) => return Err(e.into()),
            }
        }
        Err(LakeError::Conflict { what: "the dataset" })
    }

    fn done(&self, dataset: &DatasetName, table: DeltaTable) -> Result<Committed> {
        let version = table.version().unwrap_or_default();
        self.keep(dataset, table)?;
        Ok(Committed::Version(version))
    }

    /// The newest version if content with this hash has landed in the table, else `None`.
    pub async fn landed(&self, dataset: &DatasetName, sha256: &str) -> Result<Option<u64>> {
        match self.snapshot(dataset).await? {
            Some(snapshot) => landed(snapshot.table(), &app_id(sha256, None)).await,
            None => Ok(None),
        }
    }
}

/// What the rows hold, computed on a thread for work.
async fn profile_of(schema: &Schema, batches: Vec<RecordBatch>) -> Result<FileProfile> {
    let mut builder = ProfileBuilder::new(schema);
    let work = move || {
        batches.iter().try_for_each(|batch| builder.add(batch))?;
        Ok(builder.finish())
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| LakeError::internal(format!("a profile was not computed: {e}")))?
}

/// What the log remembers content by. A roll back takes rows away and not this: the same content lands again only by a
/// decision, which counts for that roll back alone.
fn app_id(sha256: &str, again: Option<u64>) -> String {
    match again {
        None => format!("file:{sha256}"),
        Some(after) => format!("file:{sha256}:after:{after}"),
    }
}

async fn landed(table: &DeltaTable, app_id: &str) -> Result<Option<u64>> {
    let Ok(state) = table.snapshot() else { return Ok(None) };
    let seen = state.transaction_version(table.log_store().as_ref(), app_id).await?;
    Ok(seen.map(|_| state.version()))
}

/// Whether `new` adds columns; an error when a shared column has another type. Without this check the writer would
/// cast in silence.
fn check_types(dataset: &DatasetName, table: &Schema, new: &Schema) -> Result<bool> {
    let known: HashSet<&str> = table.fields().iter().map(|f| f.name().as_str()).collect();
    for field in new.fields() {
        if let Ok(there) = table.field_with_name(field.name())
            && !same_type(there.data_type(), field.data_type())
        {
            return Err(LakeError::invalid(format!(
                "column `{}` of {dataset} is {}, the new rows have {}",
                field.name(),
                there.data_type(),
                field.data_type()
            )));
        }
    }
    Ok(new.fields().iter().any(|f| !known.contains(f.name().as_str())))
}

fn same_type(a: &DataType, b: &DataType) -> bool {
    let is_text = |t: &DataType| matches!(t, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    a == b || (is_text(a) && is_text(b))
}

fn writer_properties() -> Result<WriterProperties> {
    let level = ZstdLevel::try_new(3).map_err(|e| LakeError::internal(e.to_string()))?;
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .build())
}

pub(super) fn is_conflict(e: &DeltaTableError) -> bool {
    matches!(e, DeltaTableError::VersionAlreadyExists(_) | DeltaTableError::Transaction { .. })
        || e.to_string().contains("already exists")
}
