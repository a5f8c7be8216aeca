//! Clean-up: data files that no kept version names are removed.
//!
//! They are what an interrupted commit left behind, and, where versions are kept for a time only, what nothing but older
//! versions held. All of the log stays, so that what landed once is known for ever. On any doubt nothing is removed.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt as _, TryStreamExt as _};
use model::DatasetName;
use object_store::{ObjectMeta, ObjectStore as _};
use serde::Deserialize;

use super::{DataFile, Tables, compact::is_ours};
use crate::{
    LakeError, Result,
    store::{Removed, path},
};

/// Younger files may be on their way into a version, other engines' too, whose jobs may take days.
const SETTLED: TimeDelta = TimeDelta::days(7);
/// Files that are older are no longer committed: by the margin, whoever removes and whoever commits need not meet.
const COMMITTED_WITHIN: TimeDelta = TimeDelta::hours(12);
/// From when a version is too old to go back to until its files go: no roll back takes so long.
const GRACE: TimeDelta = TimeDelta::hours(1);
/// Entries of the log that are read at once.
const AT_ONCE: usize = 16;

/// A line of the log, of which only the file that it adds is read.
#[derive(Deserialize)]
struct Line {
    add: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    path: String,
}

impl Tables {
    /// Removes what no kept version of the dataset needs, as it is at `now`; with `look` it only says what that is.
    ///
    /// # Errors
    /// [`LakeError::Store`], [`LakeError::Internal`] for a log that cannot be read. Nothing is removed then, or less.
    pub async fn clean(&self, dataset: &DatasetName, now: DateTime<Utc>, look: bool) -> Result<Removed> {
        let removed = self.store.remove_all(&self.leftovers(dataset, now).await?, look).await?;
        if !look && removed.files > 0 {
            tracing::info!(%dataset, files = removed.files, bytes = removed.bytes, "removed what no version needs");
        }
        Ok(removed)
    }

    /// Objects of the dataset's folder that no kept version needs.
    async fn leftovers(&self, dataset: &DatasetName, now: DateTime<Utc>) -> Result<Vec<ObjectMeta>> {
        // The listing first: a file that is written from here on is not in it, and what is committed is in the log.
        let listed = self.settled(dataset, now - SETTLED).await?;
        if listed.is_empty() {
            return Ok(listed);
        }
        let Some(newest) = self.load(dataset).await? else { return Ok(Vec::new()) };
        if !is_ours(&newest)? {
            return Ok(Vec::new());
        }
        let gaps = || {
            tracing::warn!(%dataset, "the log has gaps; nothing is cleaned up");
            Ok(Vec::new())
        };
        let written = self.written_at(dataset).await?;
        let (Some((first, _)), Some((last, _))) = (written.first_key_value(), written.last_key_value()) else {
            return gaps();
        };
        if last - first + 1 != written.len() as u64 {
            return gaps();
        }
        let kept = match self.keep_versions {
            Some(keep) => self.oldest_kept(dataset, newest.version, now - keep - GRACE).await?,
            None => 0,
        };
        let readable = *self.kept_versions(dataset, newest.version).await?.start();
        let Some(needed) = self.needed(dataset, kept.max(readable), newest.version).await? else { return gaps() };
        Ok(listed.into_iter().filter(|object| !data_file(object).is_some_and(|file| needed.contains(file))).collect())
    }

    /// Data files and profiles named as ours are (and other engines' too), that were written before `before`.
    async fn settled(&self, dataset: &DatasetName, before: DateTime<Utc>) -> Result<Vec<ObjectMeta>> {
        let objects = self.store.objects();
        let mut found = Vec::new();
        for folder in [path::table(dataset), path::profiles(dataset)] {
            found.extend(objects.list_with_delimiter(Some(&folder)).await?.objects);
        }
        found.retain(|object| object.last_modified < before && data_file(object).is_some());
        Ok(found)
    }

    /// When the store got each entry of the log.
    async fn written_at(&self, dataset: &DatasetName) -> Result<BTreeMap<u64, DateTime<Utc>>> {
        let listed = self.store.objects().list_with_delimiter(Some(&path::log(dataset))).await?.objects;
        let entry = |object: ObjectMeta| {
            Some((object.location.filename()?.strip_suffix(".json")?.parse().ok()?, object.last_modified))
        };
        Ok(listed.into_iter().filter_map(entry).collect())
    }

    /// The oldest version that is kept: the one that was the newest at `since`. A version is as old as whoever committed
    /// it says, and not older than its entry in the store; where clocks disagree, more is kept.
    pub(super) async fn oldest_kept(&self, dataset: &DatasetName, newest: u64, since: DateTime<Utc>) -> Result<u64> {
        let written = self.written_at(dataset).await?;
        let mut entries = self.entries(dataset.clone(), newest);
        let (mut kept, mut seen) = (newest, newest);
        while let Some(entry) = entries.try_next().await? {
            seen = entry.version;
            // A commit that does not say when it was made may have been made lately.
            let is_young = entry.committed_at > since || written.get(&entry.version).is_none_or(|at| *at > since);
            if is_young || entry.committed_at == DateTime::<Utc>::default() {
                kept = entry.version.saturating_sub(1);
            }
        }
        // What the log no longer tells is older than all that it tells.
        Ok(kept.max(seen))
    }

    /// Names of all files that a version from `oldest` to `newest` has; `None` when the log does not tell.
    async fn needed(&self, dataset: &DatasetName, oldest: u64, newest: u64) -> Result<Option<HashSet<String>>> {
        let Some(first) = self.snapshot_at(dataset, oldest).await? else { return Ok(None) };
        let mut needed: HashSet<String> =
            first.state()?.try_log_data()?.iter().map(|f| last_part(&f.path()).to_owned()).collect();
        let mut later = futures::stream::iter(oldest + 1..=newest)
            .map(|version| async move {
                let entry = self.store.read(&path::log(dataset).join(format!("{version:020}.json"))).await?;
                entry.map(|lines| added(version, &lines)).transpose()
            })
            .buffer_unordered(AT_ONCE);
        while let Some(files) = later.try_next().await? {
            let Some(files) = files else { return Ok(None) };
            needed.extend(files);
        }
        Ok(Some(needed))
    }
}

/// Fails for files that were written so long ago that a clean-up may take them for left over: of a process that stood
/// still for hours.
pub(super) fn check_young(files: &[DataFile]) -> Result<()> {
    if files.iter().any(|file| file.written_at + COMMITTED_WITHIN < Utc::now()) {
        return Err(LakeError::internal("data files were written too long ago to be committed; they are written anew"));
    }
    Ok(())
}

/// Names of files that an entry of the log adds.
fn added(version: u64, entry: &[u8]) -> Result<Vec<String>> {
    let lines = entry.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let add = |line: &[u8]| match serde_json::from_slice::<Line>(line) {
        Ok(line) => Ok(line.add.map(|file| last_part(&file.path).to_owned())),
        Err(e) => Err(LakeError::internal(format!("version {version} of a table's log: {e}"))),
    };
    lines.map(add).filter_map(Result::transpose).collect()
}

/// A file's own name: other engines may write the whole address into the log.
fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The data file that an object is, or is the profile of, if we gave it its name. Such names need no escaping, so that a
/// log of whatever engine spells them alike.
fn data_file(object: &ObjectMeta) -> Option<&str> {
    let name = object.location.filename()?;
    let name = name.strip_suffix(".json.zst").unwrap_or(name);
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    (name.starts_with("part-") && name.ends_with(".parquet") && plain).then_some(name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use object_store::path::Path;

    use super::*;

    #[test]
    fn only_files_with_our_names_are_looked_at() {
        let file = |path: &str| {
            let object = ObjectMeta {
                location: Path::from(path),
                last_modified: Utc::now(),
                size: 1,
                e_tag: None,
                version: None,
            };
            data_file(&object).map(str::to_owned)
        };
        let name = "part-00000-1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed-c000.zstd.parquet";
        assert_eq!(file(&format!("tables/ops/a/{name}")).as_deref(), Some(name));
        assert_eq!(file(&format!("tables/ops/a/_profile/{name}.json.zst")).as_deref(), Some(name));
        for other in ["other.parquet", "part-0 0.parquet", "part-00000.bin", "deletion_vector_1.bin", "part-1.csv"] {
            assert_eq!(file(&format!("tables/ops/a/{other}")), None, "{other}");
        }
    }

    #[test]
    fn an_entry_of_the_log_tells_the_files_that_it_adds() {
        let entry =
            b"{\"commitInfo\":{}}\n{\"add\":{\"path\":\"a.parquet\",\"size\":1}}\n\n{\"remove\":{\"path\":\"b\"}}\n";
        assert_eq!(added(1, entry).unwrap(), ["a.parquet"]);
        assert!(added(1, b"{\"add\":{\"path\":").is_err());
    }
}
