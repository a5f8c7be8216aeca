//! Delta tables: snapshots that are at most seconds old, commits that happen once, history.
//!
//! Holds no policy: what it gives out is the raw table, and only [`govern`](crate::govern) may scan it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use deltalake::{DeltaTable, DeltaTableBuilder};
use model::DatasetName;
use moka::sync::Cache;
use object_store::{ObjectStore, path::Path};

use crate::{
    LakeError, Result,
    store::{Store, path},
};

mod append;
mod clean;
mod commit;
mod compact;
mod foreign;
mod history;
mod lookup;
mod past;
mod profile;
mod restore;
mod scan;
mod snapshot;
mod sort;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
mod upsert;
mod write;

pub use commit::{Commit, Committed, WriteMode};
pub(crate) use history::taken_back;
pub use history::{HistoryEntry, Landed};
pub use past::At;
pub use profile::{FileProfile, ProfileBuilder, TableProfile};
pub use snapshot::Snapshot;
pub use write::{DataFile, TableWriter};

/// Tables whose newest snapshot is kept in memory.
const KEPT_SNAPSHOTS: u64 = 10_000;
/// Older versions that were asked for lately.
const KEPT_PAST: (u64, Duration) = (200, Duration::from_secs(60));
/// Entries of histories.
const KEPT_ENTRIES: u64 = 50_000;

/// All tables of a lake, with the newest snapshot of each that was looked at.
#[derive(Debug)]
pub struct Tables {
    store: Store,
    freshness: Duration,
    /// How long a version is kept that is not the newest; for ever without.
    keep_versions: Option<TimeDelta>,
    /// Bytes in memory of the rows of one data file, about.
    file_bytes: usize,
    kept: Cache<DatasetName, Kept>,
    names: Cache<(), (Instant, Arc<Vec<DatasetName>>)>,
    profiles: profile::Profiles,
    past: Cache<(DatasetName, u64), Arc<Snapshot>>,
    entries: Cache<(DatasetName, u64), Arc<HistoryEntry>>,
}

/// What was seen of a table, and when.
#[derive(Debug, Clone)]
struct Kept {
    checked: Instant,
    snapshot: Option<Arc<Snapshot>>,
}

impl Tables {
    #[must_use]
    pub fn new(store: Store, freshness: Duration) -> Self {
        let (kept, names) = (Cache::new(KEPT_SNAPSHOTS), Cache::new(1));
        let past = Cache::builder().max_capacity(KEPT_PAST.0).time_to_live(KEPT_PAST.1).build();
        let entries = Cache::new(KEPT_ENTRIES);
        let (file_bytes, profiles) = (write::FILE_BYTES, profile::Profiles::new());
        Self { store, freshness, keep_versions: None, file_bytes, kept, names, profiles, past, entries }
    }

    /// The same, with versions that are kept for so long after they were the newest.
    #[must_use]
    pub fn keeping(self, versions: Option<TimeDelta>) -> Self {
        Self { keep_versions: versions, ..self }
    }

    /// Names of all tables in order, listed at most once within the freshness time.
    pub async fn list(&self) -> Result<Arc<Vec<DatasetName>>> {
        if let Some((listed, names)) = self.names.get(&())
            && listed.elapsed() < self.freshness
        {
            return Ok(names);
        }
        let listed = Instant::now();
        let objects = self.store.objects();
        let mut names = Vec::new();
        for unit in objects.list_with_delimiter(Some(&Path::from(path::TABLES))).await?.common_prefixes {
            for table in objects.list_with_delimiter(Some(&unit)).await?.common_prefixes {
                // A folder whose name is no dataset name was not made here.
                if let (Some(unit), Some(name)) = (unit.filename(), table.filename())
                    && let Ok(name) = DatasetName::to_read(unit, name)
                {
                    names.push(name);
                }
            }
        }
        names.sort_unstable();
        let names = Arc::new(names);
        self.names.insert((), (listed, Arc::clone(&names)));
        Ok(names)
    }

    /// The newest version, checked within the freshness time; `None` when there is no table.
    pub async fn snapshot(&self, dataset: &DatasetName) -> Result<Option<Arc<Snapshot>>> {
        self.checked(dataset, self.freshness).await
    }

    /// The newest version, checked within that time.
    async fn checked(&self, dataset: &DatasetName, within: Duration) -> Result<Option<Arc<Snapshot>>> {
        let kept = self.kept.get(dataset);
        if let Some(kept) = &kept
            && kept.checked.elapsed() < within
        {
            return Ok(kept.snapshot.clone());
        }
        let checked = Instant::now();
        let snapshot = match kept.and_then(|k| k.snapshot) {
            Some(known) if !self.has_version(dataset, known.version + 1).await? => Some(known),
            _ => self.load(dataset).await?,
        };
        Ok(self.keep_newest(dataset, Kept { checked, snapshot }).snapshot)
    }

    /// An older version of a table, or `None` when the log no longer has it.
    pub async fn snapshot_at(&self, dataset: &DatasetName, version: u64) -> Result<Option<Arc<Snapshot>>> {
        if let Some(known) = self.past.get(&(dataset.clone(), version)) {
            return Ok(Some(known));
        }
        match self.builder(dataset)?.with_version(version).load().await {
            Ok(table) => Ok(Some(Arc::new(Snapshot::new(dataset.clone(), table, self.store.objects())?))),
            Err(e) if is_absent(&e) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    async fn load(&self, dataset: &DatasetName) -> Result<Option<Arc<Snapshot>>> {
        match self.builder(dataset)?.load().await {
            Ok(table) => Ok(Some(Arc::new(Snapshot::new(dataset.clone(), table, self.store.objects())?))),
            Err(e) if is_absent(&e) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    async fn has_version(&self, dataset: &DatasetName, version: u64) -> Result<bool> {
        let entry = path::log(dataset).join(format!("{version:020}.json"));
        Ok(self.store.tag(&entry).await?.is_some())
    }

    fn builder(&self, dataset: &DatasetName) -> Result<DeltaTableBuilder> {
        // The scheme only chooses the log store; `memory` is the one that commits by put-if-absent on any store.
        let url = url::Url::parse(&format!("memory:///{}/", path::table(dataset)))
            .map_err(|e| LakeError::internal(format!("table address of {dataset}: {e}")))?;
        Ok(DeltaTableBuilder::from_url(url.clone())?.with_storage_backend(self.store.objects(), url))
    }

    /// A handle to commit with: loaded when the table exists.
    async fn writable(&self, dataset: &DatasetName) -> Result<DeltaTable> {
        let mut table = self.builder(dataset)?.build()?;
        match table.load().await {
            Ok(()) => Ok(table),
            Err(e) if is_absent(&e) => Ok(self.builder(dataset)?.build()?),
            Err(e) => Err(e.into()),
        }
    }

    /// A replica's own commits are seen at once.
    fn keep(&self, dataset: &DatasetName, table: DeltaTable) -> Result<Arc<Snapshot>> {
        let snapshot = Arc::new(Snapshot::new(dataset.clone(), table, self.store.objects())?);
        self.keep_newest(dataset, Kept { checked: Instant::now(), snapshot: Some(Arc::clone(&snapshot)) });
        if self.names.get(&()).is_some_and(|(_, names)| !names.contains(dataset)) {
            self.names.invalidate(&());
        }
        Ok(snapshot)
    }

    /// Keeps what was seen of a table unless a newer version was seen meanwhile; returns what is kept then.
    fn keep_newest(&self, dataset: &DatasetName, seen: Kept) -> Kept {
        let version = |kept: &Kept| kept.snapshot.as_ref().map(|s| s.version);
        let newest = self.kept.entry_by_ref(dataset).and_upsert_with(|known| match known {
            Some(known) if version(known.value()) > version(&seen) => known.into_value(),
            _ => seen,
        });
        newest.into_value()
    }
}

fn is_absent(e: &deltalake::DeltaTableError) -> bool {
    use deltalake::DeltaTableError as E;
    matches!(e, E::NotATable(_) | E::InvalidVersion(_) | E::NotInitialized)
        || matches!(e, E::ObjectStore { source: object_store::Error::NotFound { .. } })
        || ["No files in log segment", "not the same as the specified end version"]
            .iter()
            .any(|said| e.to_string().contains(said))
}
