//! The history of a table: who made each version, when, of which file and how many rows.
//!
//! An entry is read from its own file of the log and never changes, so it is kept. A version that a roll back passed
//! over stays in the history; the newest version does not build on it any more.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use deltalake::kernel::CommitInfo;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use model::{Compacted, DatasetName};
use serde::Deserialize;

use super::{Snapshot, Tables, commit::Note};
use crate::{LakeError, Result, store::path};

/// Entries of the log that are read at once.
const AT_ONCE: usize = 8;
/// Versions that are looked through for a file.
const LOOKED_THROUGH: usize = 10_000;

/// One entry of a table's history.
#[derive(Debug, Clone)]
pub struct HistoryEntry {
    pub version: u64,
    pub committed_at: DateTime<Utc>,
    /// `create`, `append`, `replace`, `upsert`, `rollback`, `compact`.
    pub operation: String,
    pub file: Option<String>,
    pub ingest: Option<String>,
    /// Name of the person, `watcher` or `command line`.
    pub by: Option<String>,
    pub rows_added: Option<u64>,
    /// For `rollback`: the version whose state this one has.
    pub restores: Option<u64>,
    /// For `compact`: how many files became how many. The rows are those of the version before.
    pub compacted: Option<Compacted>,
    /// SHA-256 of the content that landed.
    pub(crate) content: Option<String>,
}

/// Content that landed once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Landed {
    /// The version that it made, when the log still says so.
    pub version: Option<u64>,
    /// The roll back that took it out again.
    pub taken_back: Option<u64>,
}

/// A line of the log, of which only what the commit says of itself is read.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "commitInfo")]
    info: Option<CommitInfo>,
}

impl Tables {
    /// At most `limit` versions, newest first, as far back as the log goes.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn history(&self, dataset: &DatasetName, limit: usize) -> Result<Vec<HistoryEntry>> {
        let Some(newest) = self.snapshot(dataset).await? else { return Ok(Vec::new()) };
        self.entries(dataset.clone(), newest.version).take(limit).try_collect().await
    }

    /// What became of content with this hash, or `None` when it never landed.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn landed_as(&self, dataset: &DatasetName, sha256: &str) -> Result<Option<Landed>> {
        if self.landed(dataset, sha256).await?.is_none() {
            return Ok(None);
        }
        let history = self.history(dataset, LOOKED_THROUGH).await?;
        let version = history.iter().find(|e| e.content.as_deref() == Some(sha256)).map(|e| e.version);
        let taken_back = version.and_then(|v| taken_back(&history).get(&v).copied());
        Ok(Some(Landed { version, taken_back }))
    }

    /// The roll back because of which the newest version does not build on `version`, if there is one.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn taken_back(&self, dataset: &DatasetName, version: u64) -> Result<Option<u64>> {
        let history = self.history(dataset, LOOKED_THROUGH).await?;
        Ok(taken_back(&history).get(&version).copied())
    }

    /// When the rows or columns of a version last changed. Upkeep does not count.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn changed_at(&self, snapshot: &Snapshot) -> Result<DateTime<Utc>> {
        let mut entries = self.entries(snapshot.dataset.clone(), snapshot.version);
        while let Some(entry) = entries.try_next().await? {
            if !entry.is_upkeep() {
                return Ok(entry.committed_at);
            }
        }
        Ok(snapshot.committed_at)
    }

    /// Entries from `newest` on down; ends where the log does.
    pub(super) fn entries(&self, dataset: DatasetName, newest: u64) -> BoxStream<'_, Result<HistoryEntry>> {
        futures::stream::iter((0..=newest).rev())
            .map(move |version| {
                let dataset = dataset.clone();
                async move { self.entry(dataset, version).await }
            })
            .buffered(AT_ONCE)
            .try_take_while(|entry| futures::future::ready(Ok(entry.is_some())))
            .try_filter_map(|entry| futures::future::ready(Ok(entry.map(|e| e.as_ref().clone()))))
            .boxed()
    }

    /// One entry, or `None` when the log does not have it.
    async fn entry(&self, dataset: DatasetName, version: u64) -> Result<Option<Arc<HistoryEntry>>> {
        let key = (dataset, version);
        if let Some(known) = self.entries.get(&key) {
            return Ok(Some(known));
        }
        let place = path::log(&key.0).join(format!("{version:020}.json"));
        let Some(bytes) = self.store.read(&place).await? else { return Ok(None) };
        let entry = Arc::new(HistoryEntry::read(version, &bytes)?);
        self.entries.insert(key, Arc::clone(&entry));
        Ok(Some(entry))
    }
}

impl HistoryEntry {
    /// Whether it changed files alone and neither rows nor columns.
    #[must_use]
    pub fn is_upkeep(&self) -> bool {
        self.operation == Note::COMPACT
    }

    fn read(version: u64, log: &[u8]) -> Result<Self> {
        let mut info = CommitInfo::default();
        for line in log.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            let line: Line = serde_json::from_slice(line)
                .map_err(|e| LakeError::internal(format!("version {version} of a table's log: {e}")))?;
            if let Some(found) = line.info {
                info = found;
                break;
            }
        }
        let note = Note::of(&info);
        Ok(Self {
            version,
            committed_at: info.timestamp.and_then(DateTime::from_timestamp_millis).unwrap_or_default(),
            operation: if version == 0 { "create".into() } else { note.operation },
            file: note.file,
            ingest: note.ingest,
            by: note.by,
            rows_added: note.rows,
            restores: note.restores,
            compacted: note.compacted,
            content: note.content,
        })
    }
}

/// Versions that the newest one does not build on any more, each with the roll back that passed over it. `history`
/// holds the newest entries, newest first.
pub(crate) fn taken_back(history: &[HistoryEntry]) -> BTreeMap<u64, u64> {
    let mut taken = BTreeMap::new();
    // Down to which version, and because of which one, the entries do not count.
    let mut passed: Option<(u64, u64)> = None;
    for entry in history {
        match passed {
            Some((to, by)) if entry.version > to => {
                taken.insert(entry.version, by);
            }
            _ => passed = entry.restores.filter(|to| *to < entry.version).map(|to| (to, entry.version)),
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roll_back_takes_back_what_came_after_its_version_until_another_brings_it_back() {
        let check = |restores: &[Option<u64>], expected: &[(u64, u64)]| {
            let entry = |(version, restores): (usize, &Option<u64>)| HistoryEntry {
                version: version as u64,
                committed_at: DateTime::default(),
                operation: String::new(),
                file: None,
                ingest: None,
                by: None,
                rows_added: None,
                restores: *restores,
                compacted: None,
                content: None,
            };
            let history: Vec<_> = restores.iter().enumerate().map(entry).rev().collect();
            assert_eq!(taken_back(&history), expected.iter().copied().collect(), "{restores:?}");
        };
        check(&[None, None, None], &[]);
        check(&[None, None, None, Some(0)], &[(1, 3), (2, 3)]);
        check(&[None, None, Some(0), None], &[(1, 2)]);
        // Back to the version before the roll back.
        check(&[None, None, Some(0), Some(1)], &[(2, 3)]);
        // Back to a version that is itself a roll back.
        check(&[None, None, Some(0), None, Some(2)], &[(1, 2), (3, 4)]);
        // What no log of ours says is not followed.
        check(&[None, Some(1), Some(7)], &[]);
    }
}
