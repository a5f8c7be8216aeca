//! Rolling back: the state of an older version becomes the newest one, as a version of its own.
//!
//! Nothing is deleted: the log names the files of the older version again, with its columns, and every version in
//! between can still be read. Data files keep their names, and with these their profiles.

use chrono::Utc;
use futures::{StreamExt as _, TryStreamExt as _};
use model::DatasetName;

use super::{
    Tables,
    commit::{ATTEMPTS, Note, is_conflict},
    foreign,
};
use crate::{LakeError, Result};

impl Tables {
    /// Makes `to` the newest state; gives the new version's number. `newest` is the version that the decision was made
    /// on; without it, whatever has landed meanwhile is taken back too.
    ///
    /// # Errors
    /// [`LakeError::Invalid`] when `to` is not older than the newest version, [`LakeError::Conflict`] when `newest` is
    /// not the newest any more, or when other writers kept committing first; [`LakeError::Foreign`] when the table has
    /// features that we do not write.
    pub async fn restore(&self, dataset: &DatasetName, to: u64, newest: Option<u64>, by: &str) -> Result<u64> {
        let note =
            Note { operation: "rollback".into(), by: Some(by.to_owned()), restores: Some(to), ..Note::default() };
        for _ in 0..ATTEMPTS {
            let table = self.writable(dataset).await?;
            let Some(now) = table.version() else { return Err(LakeError::no_dataset(dataset)) };
            if let Some(seen) = newest
                && self.changed_since(dataset, seen, now).await?
            {
                return Err(LakeError::Conflict { what: "the dataset" });
            }
            foreign::check_features(dataset, table.snapshot()?.snapshot())?;
            if to >= now {
                return Err(LakeError::invalid(format!(
                    "version {now} is the newest of {dataset}; roll back to an older one"
                )));
            }
            if let Some(keep) = self.keep_versions
                && to < self.oldest_kept(dataset, now, Utc::now() - keep).await?
            {
                return Err(LakeError::invalid(format!(
                    "version {to} of {dataset} was followed by another more than {} days ago, and files of such \
                     versions are cleaned up",
                    keep.num_days()
                )));
            }
            match table.restore().with_version_to_restore(to).with_commit_properties(note.properties()?).await {
                Ok((table, _)) => {
                    let version = table.version().unwrap_or_default();
                    self.keep(dataset, table)?;
                    return Ok(version);
                }
                Err(e) if is_conflict(&e) => tracing::debug!(%dataset, error = %e, "another writer was first"),
                Err(e) => return Err(e.into()),
            }
        }
        Err(LakeError::Conflict { what: "the dataset" })
    }

    /// Whether something other than upkeep happened after version `seen`, up to `now`.
    pub(crate) async fn changed_since(&self, dataset: &DatasetName, seen: u64, now: u64) -> Result<bool> {
        if seen > now {
            return Ok(true);
        }
        let mut entries = self.entries(dataset.clone(), now).take((now - seen) as usize);
        let mut looked = 0;
        while let Some(entry) = entries.try_next().await? {
            if !entry.is_upkeep() {
                return Ok(true);
            }
            looked += 1;
        }
        // What the log no longer tells may have been anything.
        Ok(looked < now - seen)
    }
}
