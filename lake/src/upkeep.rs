//! Upkeep: what is done in the bucket without anyone's asking, and without anyone's waiting.

use std::time::Duration;

use chrono::{DateTime, Utc};
use model::{Compacted, DatasetName};

use crate::{Lake, LakeError, Result, store::Removed};

/// Between two looks at all datasets.
const EACH: Duration = Duration::from_secs(3600);
/// Looks from one clean-up to the next: it reads whole logs.
const CLEANED_EACH: u64 = 24;
/// Replicas that start together look at different times, and none while it starts.
const FIRST: Duration = Duration::from_secs(600);

impl Lake {
    /// The datasets that upkeep looks after: all of them, or the one that is named.
    ///
    /// # Errors
    /// [`LakeError::NotFound`] when there is none of the name; [`LakeError::Store`].
    pub async fn datasets_to_keep_up(&self, dataset: Option<&DatasetName>) -> Result<Vec<DatasetName>> {
        let tables = &self.rooms().tables;
        match dataset {
            Some(one) if tables.snapshot(one).await?.is_none() => Err(LakeError::no_dataset(one)),
            Some(one) => Ok(vec![one.clone()]),
            None => Ok(tables.list().await?.to_vec()),
        }
    }

    /// Makes few large data files of the many small ones of a dataset. What is asked and written meanwhile is not
    /// disturbed. `None` when it has no such files. With `look` nothing is changed; `into` is then 0.
    ///
    /// # Errors
    /// [`LakeError::Store`]; [`LakeError::Internal`] for data files that cannot be read.
    pub async fn keep_up(&self, dataset: &DatasetName, look: bool) -> Result<Option<Compacted>> {
        let files = self.rooms().tables.compactable(dataset).await?;
        if look || files == 0 {
            return Ok((files > 0).then_some(Compacted { files, into: 0 }));
        }
        self.compact(dataset).await
    }

    /// Removes data files that no kept version of a dataset needs. With `look` nothing is removed.
    ///
    /// # Errors
    /// [`LakeError::Store`]; [`LakeError::Internal`] for a log that cannot be read.
    pub async fn clean_up(&self, dataset: &DatasetName, look: bool) -> Result<Removed> {
        let now = self.now(look).await?;
        self.rooms().tables.clean(dataset, now, look).await
    }

    /// Removes stored results that have lain for as long as results are kept. With `look` nothing is removed.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn clean_up_results(&self, look: bool) -> Result<Removed> {
        let rooms = self.rooms();
        rooms.results.clean(self.now(look).await? - rooms.config.keep_results, look).await
    }

    /// The time by which things are old. Whoever only looks writes nothing.
    async fn now(&self, look: bool) -> Result<DateTime<Utc>> {
        if look { Ok(Utc::now()) } else { self.rooms().store.now().await }
    }

    /// Work for a processor, away from the threads that serve requests.
    async fn compact(&self, dataset: &DatasetName) -> Result<Option<Compacted>> {
        let (lake, dataset, runtime) = (self.clone(), dataset.clone(), tokio::runtime::Handle::current());
        let contract = match self.rooms().contracts.get(&dataset).await {
            Ok(contract) => contract,
            // What is wrong with it is shown elsewhere; its order is not known until it is mended.
            Err(LakeError::Config { .. }) => return Ok(None),
            Err(e) => return Err(e),
        };
        let sort = contract.map(|c| c.sort.clone()).unwrap_or_default();
        let work = move || runtime.block_on(lake.rooms().tables.compact(&dataset, &sort));
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|e| LakeError::internal(format!("compaction failed: {e}")))?
    }

    /// Keeps the lake up until `stop` resolves, one dataset at a time.
    pub async fn keep_up_until(&self, stop: impl Future<Output = ()> + Send) {
        let keep_up = async {
            let apart = uuid::Uuid::new_v4().as_u128() % u128::from(EACH.as_secs());
            let mut pause = FIRST + Duration::from_secs(apart as u64);
            for look in 0u64.. {
                tokio::time::sleep(pause).await;
                pause = EACH;
                let cleans = look % CLEANED_EACH == 0;
                let datasets = self.rooms().tables.list().await;
                let datasets =
                    datasets.inspect_err(|e| tracing::warn!(error = ?e, "upkeep could not list the datasets"));
                for dataset in datasets.iter().flat_map(|all| all.iter()) {
                    // One broken dataset keeps no other from its turn.
                    if let Err(e) = self.keep_up(dataset, false).await {
                        tracing::warn!(%dataset, error = ?e, "upkeep could not be done; the next look tries again");
                    }
                    if cleans && let Err(e) = self.clean_up(dataset, false).await {
                        tracing::warn!(%dataset, error = ?e, "clean-up could not be done; it is tried again in a day");
                    }
                }
                if cleans && let Err(e) = self.clean_up_results(false).await {
                    tracing::warn!(error = ?e, "old results could not be removed; it is tried again in a day");
                }
            }
        };
        tokio::select! {
            () = stop => {}
            () = keep_up => {}
        }
    }
}
