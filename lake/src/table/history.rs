//! The history of a table: who made each version, when, of which file and how many rows.
//!
//! An entry is read from its own file of the log and never changes, so it is kept. A version that a roll back passed
//! over stays in the history; the newest version does not build on it any more.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use deltalake::kernel::CommitInfo;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use model::{Compacted, DatasetName};
use serde::Deserialize;

use super::{Snapshot, Tables, WriteMode, commit::Note};
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
    /// Whether the rows are corrected ones of an earlier file.
    pub(crate) corrects: bool,
}

/// What became of content that landed once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landed {
    /// It is there: once more it would change nothing.
    Stands,
    /// Other files took the place of its rows since, or may have; `by` is the first version that took out all of them.
    Replaced { by: Option<u64> },
    /// As this version, and the roll back in version `by` took it out again.
    TakenBack { version: u64, by: u64 },
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

    /// What became of content with this hash that comes to land in this mode, or `None` when it never landed.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn landed_as(&self, dataset: &DatasetName, sha256: &str, mode: WriteMode) -> Result<Option<Landed>> {
        // What another replica has just landed counts.
        self.checked(dataset, Duration::ZERO).await?;
        if self.landed(dataset, sha256).await?.is_none() {
            return Ok(None);
        }
        Ok(Some(landed_as(&self.history(dataset, LOOKED_THROUGH).await?, sha256, mode)))
    }

    /// Versions that the newest one does not build on any more, each with the roll back that passed over it.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn taken_back(&self, dataset: &DatasetName) -> Result<BTreeMap<u64, u64>> {
        Ok(taken_back(&self.history(dataset, LOOKED_THROUGH).await?))
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
    pub(crate) async fn entry(&self, dataset: DatasetName, version: u64) -> Result<Option<Arc<HistoryEntry>>> {
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
            corrects: note.corrects,
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

/// What became of content that landed. `history` as for [`taken_back`].
fn landed_as(history: &[HistoryEntry], sha256: &str, mode: WriteMode) -> Landed {
    let taken = taken_back(history);
    let of_content = |entry: &&HistoryEntry| entry.content.as_deref() == Some(sha256);
    let counts = |entry: &&HistoryEntry| !taken.contains_key(&entry.version);
    let newest = history.iter().find(of_content);
    let there = history.iter().filter(counts).find(of_content);
    // Content that is not in the history landed before it.
    let later = |entry: &&HistoryEntry| there.is_none_or(|there| entry.version > there.version);
    let replaces = |entry: &&HistoryEntry| entry.operation == WriteMode::Replace.name();
    let by = history.iter().filter(counts).filter(later).rfind(replaces).map(|e| e.version);
    // A correction stands beside the file whose rows it mends, and a roll back stands for what it restores.
    let is_file = |e: &&HistoryEntry| !e.is_upkeep() && !e.corrects && e.restores.is_none();
    let last = history.iter().filter(counts).find(is_file).filter(of_content);
    let stands = match mode {
        WriteMode::Append => by.is_none() && (there.is_some() || newest.is_none()),
        WriteMode::Upsert => last.is_some(),
        WriteMode::Replace => last.is_some_and(|file| file.operation != WriteMode::Append.name()),
    };
    match newest.and_then(|e| Some((e.version, *taken.get(&e.version)?))) {
        _ if stands => Landed::Stands,
        Some((version, by)) => Landed::TakenBack { version, by },
        None => Landed::Replaced { by },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(version: usize) -> HistoryEntry {
        HistoryEntry {
            version: version as u64,
            committed_at: DateTime::default(),
            operation: "append".into(),
            file: None,
            ingest: None,
            by: None,
            rows_added: None,
            restores: None,
            compacted: None,
            content: None,
            corrects: false,
        }
    }

    /// A history in few words, oldest first: content by a letter, `<1` for a roll back to version 1, `.` for upkeep,
    /// `+` for corrected rows, capitals for files that replace the rows before.
    fn history(told: &str) -> Vec<HistoryEntry> {
        let entry = |(version, word): (usize, &str)| {
            let entry = entry(version);
            let content = Some(word.to_ascii_lowercase());
            match word.as_bytes()[0] {
                b'<' => HistoryEntry { restores: word[1..].parse().ok(), operation: "rollback".into(), ..entry },
                b'.' => HistoryEntry { operation: Note::COMPACT.into(), ..entry },
                b'+' => HistoryEntry { content, corrects: true, ..entry },
                c if c.is_ascii_uppercase() => HistoryEntry { content, operation: "replace".into(), ..entry },
                _ => HistoryEntry { content, ..entry },
            }
        };
        let mut history: Vec<_> = told.split(' ').enumerate().map(entry).collect();
        history.reverse();
        history
    }

    #[test]
    fn content_stands_is_replaced_or_was_taken_back() {
        use Landed::{Replaced, Stands, TakenBack};
        use WriteMode::{Append, Replace, Upsert};
        let by = |version| Replaced { by: Some(version) };
        for (told, content, mode, expected) in [
            ("a b", "a", Append, Stands),
            ("a b <0", "b", Append, TakenBack { version: 1, by: 2 }),
            ("a b <0", "a", Append, Stands),
            // Landed again by a decision, and that taken back by going to where it was in.
            ("a b <0 b <1", "b", Append, Stands),
            ("a b <0 b <2", "b", Append, TakenBack { version: 3, by: 4 }),
            ("a b a", "a", Append, Stands),
            ("A B", "b", Replace, Stands),
            ("A B", "a", Replace, by(1)),
            ("A B A", "a", Replace, Stands),
            ("A B <0", "a", Replace, Stands),
            ("A B <0", "b", Replace, TakenBack { version: 1, by: 2 }),
            ("A B C <1", "a", Replace, by(1)),
            // The second time was taken back, whatever became of the first.
            ("A B A <1", "a", Replace, TakenBack { version: 2, by: 3 }),
            ("A .", "a", Replace, Stands),
            ("A +x .", "a", Replace, Stands),
            ("A +x B", "a", Replace, by(2)),
            // The rows of both are there still.
            ("a b", "b", Replace, Replaced { by: None }),
            ("a b", "b", Upsert, Stands),
            ("a b", "a", Upsert, Replaced { by: None }),
            ("a b +x .", "b", Upsert, Stands),
            // The contract said otherwise before: what took all rows out took these too.
            ("a B", "a", Append, by(1)),
            ("a B C d", "a", Append, by(1)),
            ("a B C d", "c", Append, Stands),
            ("a B a", "a", Append, Stands),
            ("a B a C", "a", Append, by(3)),
            ("a B <0", "a", Append, Stands),
            ("a B <0 C", "a", Append, by(3)),
            ("a B a <1", "a", Append, TakenBack { version: 2, by: 3 }),
            ("a B +x", "+x", Append, Stands),
            // Before what is looked through.
            ("b c", "a", Append, Stands),
            ("b C d", "a", Append, by(1)),
            ("b c", "a", Upsert, Replaced { by: None }),
        ] {
            assert_eq!(landed_as(&history(told), content, mode), expected, "{content} after {told}, {mode:?}");
        }
    }

    #[test]
    fn a_roll_back_takes_back_what_came_after_its_version_until_another_brings_it_back() {
        let check = |restores: &[Option<u64>], expected: &[(u64, u64)]| {
            let entry =
                |(version, restores): (usize, &Option<u64>)| HistoryEntry { restores: *restores, ..entry(version) };
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
