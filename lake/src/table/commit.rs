//! Commits: rows become one new version, once, or nothing is seen of them.
//!
//! Data files are written first under new names; the log entry that names them is created if absent, so a crash in
//! between leaves files that no version names. The content hash travels as an application transaction: two writers of
//! the same content conflict, and the second finds it there.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Schema, SchemaRef},
};
use deltalake::{
    DeltaTable, DeltaTableError,
    kernel::{
        Action, CommitInfo, MetadataExt as _, StructType, Transaction,
        engine::arrow_conversion::TryIntoKernel as _,
        transaction::{CommitBuilder, CommitConflictError, CommitProperties, TransactionError},
    },
    operations::create::CreateBuilder,
    protocol::{DeltaOperation, SaveMode},
};
use futures::TryStreamExt as _;
use model::{Compacted, DatasetName};
use serde::{Deserialize, Serialize};

use super::{DataFile, Tables, clean::check_young, foreign, upsert, write};
use crate::{LakeError, Result};

/// Versions between two checkpoints of the log.
const CHECKPOINT_INTERVAL: &str = "20";
/// Attempts when other writers commit meanwhile.
pub(super) const ATTEMPTS: usize = 10;

/// What a commit adds and why.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// SHA-256 of the file as it arrived, lower-case hex. What is appended lands once.
    pub sha256: String,
    /// The version that took the content out, after which it lands once more: a file that took the place of all rows, or
    /// a roll back and then an owner's decision.
    pub again: Option<u64>,
    /// The arrival. What takes the place of rows lands once for each.
    pub ingest: String,
    pub file: String,
    /// Name of the person or `watcher`.
    pub by: String,
    pub mode: WriteMode,
    /// The rows are corrected ones of an earlier file.
    pub corrects: bool,
    /// For upserts: columns that name a row.
    pub key: Vec<String>,
    /// Columns by which rows are ordered in data files; not by upserts.
    pub sort: Vec<String>,
    /// For upserts: columns that the file brings. The others keep their values in rows that are there.
    pub own: Vec<String>,
    /// For replaces: without rows it takes away all that are there; else it is not made then.
    pub may_empty: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WriteMode {
    #[default]
    Append,
    Replace,
    /// In the place of rows with the same key.
    Upsert,
}

impl WriteMode {
    pub(super) fn name(self) -> &'static str {
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
    /// It had been made before; the version is the newest at that time.
    AlreadyThere(u64),
    /// It was not made: it has no rows, and would have taken away all that are there.
    WouldEmpty,
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
    /// Whether the rows are corrected ones of an earlier file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub corrects: bool,
    /// For upkeep: how many files became how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compacted: Option<Compacted>,
}

impl Note {
    pub(super) const KEY: &str = "penstock";
    /// The operation that changes files and no rows.
    pub(super) const COMPACT: &str = "compact";

    /// The note of a commit; another engine's commits have only an operation.
    pub(super) fn of(info: &CommitInfo) -> Self {
        let ours = info.info.get(Self::KEY).and_then(|n| serde_json::from_value(n.clone()).ok());
        ours.unwrap_or_else(|| Self {
            operation: info.operation.clone().unwrap_or_default().to_lowercase(),
            ..Self::default()
        })
    }

    /// How a commit with this note is made.
    pub(super) fn properties(&self) -> Result<CommitProperties, serde_json::Error> {
        Ok(CommitProperties::default()
            .with_metadata([(Self::KEY.to_owned(), serde_json::to_value(self)?)])
            // Retries are the caller's: the library's own would not ask again what happened meanwhile.
            .with_max_retries(0)
            // Unless it is told, the library removes what is older than 30 days: versions, and what landed in them.
            .with_cleanup_expired_logs(Some(false)))
    }
}

impl Tables {
    /// Adds rows as one version, making the table when it is absent. Columns are matched by name; new ones are added as
    /// nullable, missing ones become null.
    ///
    /// # Errors
    /// [`LakeError::Invalid`] when a column has another type than the table's, [`LakeError::Foreign`] when the table is
    /// one that we do not write; nothing is written then.
    /// [`LakeError::Conflict`] when other writers kept committing first.
    pub async fn commit(
        &self,
        dataset: &DatasetName,
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
        commit: Commit,
    ) -> Result<Committed> {
        self.check_writable(dataset, commit.mode).await?;
        if commit.mode == WriteMode::Upsert {
            return self.upsert(dataset, &schema, batches, &commit).await;
        }
        let files = self.written(dataset, &schema, &batches, &commit.sort).await?;
        self.commit_files(dataset, &schema, files, &commit).await
    }

    /// These rows in data files.
    pub(super) async fn written(
        &self,
        dataset: &DatasetName,
        schema: &SchemaRef,
        batches: &[RecordBatch],
        sort: &[String],
    ) -> Result<Vec<DataFile>> {
        let mut writer = self.writer(dataset, Arc::clone(schema))?.sorted_by(sort);
        for batch in batches {
            writer.write(batch).await?;
        }
        writer.finish().await
    }

    /// What a commit says to the log of these files. Writes their profiles.
    async fn adds(&self, dataset: &DatasetName, files: Vec<DataFile>) -> Vec<Action> {
        for file in &files {
            if let Err(e) = self.write_profile(dataset, &file.add.path, &file.profile).await {
                tracing::warn!(%dataset, error = %e, "a file's profile could not be written; queries answer instead");
            }
        }
        files.into_iter().map(|f| Action::Add(f.add)).collect()
    }

    /// Makes written files one version, as [`commit`](Self::commit) does with rows. Appends and replaces.
    ///
    /// # Errors
    /// As [`commit`](Self::commit). The files are then left over.
    pub async fn commit_files(
        &self,
        dataset: &DatasetName,
        schema: &SchemaRef,
        files: Vec<DataFile>,
        commit: &Commit,
    ) -> Result<Committed> {
        check_young(&files)?;
        let rows: u64 = files.iter().map(|f| f.profile.rows()).sum();
        let adds = self.adds(dataset, files).await;
        for _ in 0..ATTEMPTS {
            let table = self.writable(dataset).await?;
            if let Some(version) = landed(&table, &commit.once()).await? {
                return Ok(Committed::AlreadyThere(version));
            }
            let properties = commit.properties(rows)?;
            let committed = match table.snapshot() {
                Err(_) => create(table, schema, adds.clone(), properties).await,
                Ok(state) => {
                    let state = state.snapshot();
                    foreign::check(dataset, state, commit.mode)?;
                    if commit.mode == WriteMode::Append {
                        check_types(dataset, &state.arrow_schema(), schema)?;
                    }
                    // By the state that is replaced: another replica may just have filled it.
                    let empties = commit.mode == WriteMode::Replace && rows == 0 && !commit.may_empty;
                    if empties && state.try_log_data()?.iter().next().is_some() {
                        return Ok(Committed::WouldEmpty);
                    }
                    add(table, schema, adds.clone(), commit.mode, properties).await
                }
            };
            match committed {
                Ok(table) => return self.done(dataset, table),
                Err(e) if is_conflict(&e) => tracing::debug!(%dataset, error = %e, "another writer was first"),
                Err(e) => return Err(e.into()),
            }
        }
        Err(LakeError::Conflict { what: "the dataset" })
    }

    async fn upsert(
        &self,
        dataset: &DatasetName,
        schema: &SchemaRef,
        batches: Vec<RecordBatch>,
        commit: &Commit,
    ) -> Result<Committed> {
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        for _ in 0..ATTEMPTS {
            let table = self.writable(dataset).await?;
            if let Some(version) = landed(&table, &commit.once()).await? {
                return Ok(Committed::AlreadyThere(version));
            }
            let properties = commit.properties(rows as u64)?;
            let committed = match table.snapshot() {
                // There is nothing to put rows in the place of.
                Err(_) => {
                    let files = self.written(dataset, schema, &batches, &[]).await?;
                    create(table, schema, self.adds(dataset, files).await, properties).await
                }
                Ok(state) => {
                    foreign::check(dataset, state.snapshot(), commit.mode)?;
                    let growth = check_types(dataset, &state.snapshot().arrow_schema(), schema)?;
                    let batches = match &batches[..] {
                        [] => vec![RecordBatch::new_empty(Arc::clone(schema))],
                        _ => batches.clone(),
                    };
                    upsert::merge(table, batches, commit, growth, properties, write::properties()?).await
                }
            };
            match committed {
                Ok(table) => return self.done(dataset, table),
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
            Some(snapshot) => landed(snapshot.table(), &content_id(sha256, None)).await,
            None => Ok(None),
        }
    }
}

impl Commit {
    /// What the log remembers the commit by, so that it is made once. Rows are added once for their content; what takes
    /// the place of others may come again after others, as an arrival of its own.
    fn once(&self) -> String {
        match self.mode {
            WriteMode::Append => content_id(&self.sha256, self.again),
            WriteMode::Replace | WriteMode::Upsert => format!("ingest:{}", self.ingest),
        }
    }

    fn properties(&self, rows: u64) -> Result<CommitProperties> {
        let note = Note {
            operation: self.mode.name().into(),
            file: Some(self.file.clone()),
            ingest: Some(self.ingest.clone()),
            by: Some(self.by.clone()),
            rows: Some(rows),
            restores: None,
            content: Some(self.sha256.clone()),
            corrects: self.corrects,
            compacted: None,
        };
        // The content too, which the dataset may append by its next contract.
        let ids = BTreeSet::from([self.once(), content_id(&self.sha256, None)]);
        let transactions = ids.into_iter().map(|id| Transaction::new(id, 1)).collect();
        Ok(note.properties()?.with_application_transactions(transactions))
    }
}

/// The first version of a table.
pub(super) async fn create(
    table: DeltaTable,
    schema: &SchemaRef,
    adds: Vec<Action>,
    properties: CommitProperties,
) -> Result<DeltaTable, DeltaTableError> {
    let columns: StructType = schema.as_ref().try_into_kernel()?;
    CreateBuilder::new()
        .with_log_store(table.log_store())
        .with_columns(columns.fields().cloned())
        .with_configuration([
            ("delta.checkpointInterval", Some(CHECKPOINT_INTERVAL)),
            // For other engines that write here; our own commits say it themselves.
            ("delta.enableExpiredLogCleanup", Some("false")),
        ])
        .with_actions(adds)
        .with_commit_properties(properties)
        .await
}

/// The next version of a table: these files beside the others, or in place of them.
pub(super) async fn add(
    mut table: DeltaTable,
    schema: &SchemaRef,
    adds: Vec<Action>,
    mode: WriteMode,
    properties: CommitProperties,
) -> Result<DeltaTable, DeltaTableError> {
    let state = table.snapshot()?.snapshot();
    let log = table.log_store();
    let known = state.metadata().parse_schema()?;
    let new: StructType = schema.as_ref().try_into_kernel()?;
    let mut actions = adds;
    let columns = if mode == WriteMode::Replace {
        let removed = state.file_views(log.as_ref(), None).map_ok(|f| Action::Remove(f.remove_action(true)));
        actions.extend(removed.try_collect::<Vec<_>>().await?);
        new
    } else {
        let grown = new.fields().filter(|f| known.field(f.name()).is_none());
        StructType::try_new(known.fields().chain(grown).cloned())?
    };
    if columns != known {
        actions.push(Action::Metadata(state.metadata().clone().with_schema(&columns)?));
    }
    let save = if mode == WriteMode::Replace { SaveMode::Overwrite } else { SaveMode::Append };
    let operation = DeltaOperation::Write { mode: save, partition_by: None, predicate: None };
    let version = CommitBuilder::from(properties)
        .with_actions(actions)
        .build(Some(table.snapshot()?), log, operation)
        .await?
        .version();
    table.load_version(version).await?;
    Ok(table)
}

/// What the log remembers content by. What takes rows out does not take this: the same content lands again after the
/// version that did, and once for that version.
fn content_id(sha256: &str, again: Option<u64>) -> String {
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

/// Whether another writer was first, so that the same once more may succeed.
pub(super) fn is_conflict(e: &DeltaTableError) -> bool {
    use CommitConflictError::{
        ConcurrentAppend, ConcurrentDeleteDelete, ConcurrentDeleteRead, ConcurrentTransaction, MetadataChanged,
        ProtocolChanged,
    };
    match e {
        DeltaTableError::VersionAlreadyExists(_) => true,
        DeltaTableError::Transaction { source } => match source {
            TransactionError::VersionAlreadyExists(_) | TransactionError::MaxCommitAttempts(_) => true,
            TransactionError::CommitConflict(conflict) => matches!(
                conflict,
                ConcurrentAppend
                    | ConcurrentDeleteDelete
                    | ConcurrentDeleteRead
                    | ConcurrentTransaction
                    | MetadataChanged
                    | ProtocolChanged(_)
            ),
            _ => false,
        },
        e => e.to_string().contains("already exist"),
    }
}
