//! Older versions of a table: by number or by time, and in words which ones there are.

use std::{collections::BTreeSet, ops::RangeInclusive, sync::Arc};

use chrono::{DateTime, SecondsFormat, Utc};
use futures::{StreamExt, TryStreamExt};
use model::DatasetName;
use object_store::ObjectStore;

use super::{Snapshot, Tables};
use crate::{LakeError, Result, store::path};

/// Files that are looked for at once.
const AT_ONCE: usize = 16;

/// Which version of a table is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum At {
    Version(u64),
    /// The newest version that was committed at this time or before.
    Time(DateTime<Utc>),
}

impl Tables {
    /// The version that is meant; `newest` is the table as it is now. All its files are there.
    ///
    /// # Errors
    /// [`LakeError::Invalid`] with the versions that there are: for a number that is none, a time before the first
    /// version, and a version whose files were cleaned up. For those who may read the dataset only.
    pub async fn at(&self, newest: &Arc<Snapshot>, at: At) -> Result<Arc<Snapshot>> {
        let dataset = &newest.dataset;
        let version = match at {
            At::Version(version) => version,
            At::Time(time) => self.version_at(newest, time).await?,
        };
        if version == newest.version {
            return Ok(Arc::clone(newest));
        }
        let key = (dataset.clone(), version);
        if let Some(known) = self.past.get(&key) {
            return Ok(known);
        }
        // A log that was cleaned up fails in several ways.
        let then = match self.snapshot_at(dataset, version).await {
            Ok(Some(then)) => then,
            Err(e @ LakeError::Store { .. }) => return Err(e),
            failed => {
                let there = self.kept_versions(dataset, newest.version).await?;
                return Err(match failed {
                    Err(e) if there.contains(&version) => e,
                    _ => {
                        let there = in_words(&there);
                        LakeError::invalid(format!("{dataset} has no version {version}; it has {there}"))
                    }
                });
            }
        };
        if !self.is_whole(newest, &then).await? {
            let there = in_words(&self.kept_versions(dataset, newest.version).await?);
            return Err(LakeError::invalid(format!(
                "version {version} of {dataset} can no longer be read, because files of it were cleaned up; \
                 {dataset} has {there}"
            )));
        }
        self.past.insert(key, Arc::clone(&then));
        Ok(then)
    }

    /// The newest version that was committed at `time` or before. By the times that the history shows.
    async fn version_at(&self, newest: &Snapshot, time: DateTime<Utc>) -> Result<u64> {
        let dataset = &newest.dataset;
        let mut entries = self.entries(dataset.clone(), newest.version);
        let mut oldest = None;
        while let Some(entry) = entries.try_next().await? {
            if entry.committed_at <= time {
                return Ok(entry.version);
            }
            oldest = Some((entry.version, entry.committed_at));
        }
        let shown = |t: DateTime<Utc>| t.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let (time, there) = (shown(time), in_words(&self.kept_versions(dataset, newest.version).await?));
        Err(LakeError::invalid(match oldest {
            Some((version, first)) => {
                let first = shown(first);
                format!("{dataset} has no version of {time} or before: version {version} is of {first}; it has {there}")
            }
            None => format!("{dataset} has no version of {time} or before; it has {there}"),
        }))
    }

    /// Whether all files of `then` are there. Those of the newest version are.
    async fn is_whole(&self, newest: &Snapshot, then: &Snapshot) -> Result<bool> {
        let (now, then) = (newest.locations()?, then.locations()?);
        let gone = futures::stream::iter(then.difference(&now).cloned().collect::<Vec<_>>())
            .map(|file| async move { Ok::<_, LakeError>(self.store.tag(&file).await?.is_none()) })
            .buffer_unordered(AT_ONCE)
            .try_any(futures::future::ready)
            .await?;
        Ok(!gone)
    }

    /// The versions that the log can still tell, up to the newest.
    pub(super) async fn kept_versions(&self, dataset: &DatasetName, newest: u64) -> Result<RangeInclusive<u64>> {
        let listed = self.store.objects().list_with_delimiter(Some(&path::log(dataset))).await?;
        let (mut commits, mut checkpoints) = (BTreeSet::new(), BTreeSet::new());
        for object in &listed.objects {
            let name = object.location.filename().unwrap_or_default();
            let Some((number, kind)) = name.split_once('.') else { continue };
            let Ok(version) = number.parse::<u64>() else { continue };
            if kind == "json" {
                commits.insert(version);
            } else if kind.starts_with("checkpoint") {
                checkpoints.insert(version);
            }
        }
        let newest = commits.last().copied().unwrap_or(newest);
        let mut oldest = newest;
        while oldest > 0 && commits.contains(&(oldest - 1)) {
            oldest -= 1;
        }
        // Without its beginning a log can be read from a checkpoint on.
        if oldest > 0 {
            oldest = checkpoints.range(oldest - 1..=newest).next().copied().unwrap_or(newest);
        }
        Ok(oldest..=newest)
    }
}

fn in_words(versions: &RangeInclusive<u64>) -> String {
    match (versions.start(), versions.end()) {
        (only, newest) if only == newest => format!("version {only} only"),
        (oldest, newest) => format!("versions {oldest} to {newest}"),
    }
}
