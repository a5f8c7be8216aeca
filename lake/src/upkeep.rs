//! Upkeep: what is done in the bucket without anyone's asking, and without anyone's waiting.

use std::time::Duration;

use model::{Compacted, DatasetName};

use crate::{Lake, LakeError, Result};

/// Between two looks at all datasets.
const EACH: Duration = Duration::from_secs(3600);
/// Replicas that start together look at different times, and none while it starts.
const FIRST: Duration = Duration::from_secs(600);

impl Lake {
    /// Makes few large data files of the many small ones of a dataset, or of each one. What is asked and written
    /// meanwhile is not disturbed. With `look` nothing is changed; `into` is then 0.
    ///
    /// # Errors
    /// [`LakeError::Store`]; [`LakeError::Internal`] for data files that cannot be read. Datasets before it are done.
    pub async fn keep_up(&self, dataset: Option<&DatasetName>, look: bool) -> Result<Vec<(DatasetName, Compacted)>> {
        let tables = &self.rooms().tables;
        let datasets = match dataset {
            Some(one) if tables.snapshot(one).await?.is_none() => return Err(LakeError::no_dataset(one)),
            Some(one) => vec![one.clone()],
            None => tables.list().await?.to_vec(),
        };
        let mut done = Vec::new();
        for dataset in datasets {
            let files = tables.compactable(&dataset).await?;
            let compacted = match look || files == 0 {
                true => (files > 0).then_some(Compacted { files, into: 0 }),
                false => self.compact(&dataset).await?,
            };
            done.extend(compacted.map(|compacted| (dataset, compacted)));
        }
        Ok(done)
    }

    /// Work for a processor, away from the threads that serve requests.
    async fn compact(&self, dataset: &DatasetName) -> Result<Option<Compacted>> {
        let (lake, dataset, runtime) = (self.clone(), dataset.clone(), tokio::runtime::Handle::current());
        let work = move || runtime.block_on(lake.rooms().tables.compact(&dataset));
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|e| LakeError::internal(format!("compaction failed: {e}")))?
    }

    /// Keeps the lake up until `stop` resolves, one dataset at a time.
    pub async fn keep_up_until(&self, stop: impl Future<Output = ()> + Send) {
        let keep_up = async {
            let apart = uuid::Uuid::new_v4().as_u128() % u128::from(EACH.as_secs());
            let mut pause = FIRST + Duration::from_secs(apart as u64);
            loop {
                tokio::time::sleep(pause).await;
                pause = EACH;
                let datasets = self.rooms().tables.list().await;
                let datasets =
                    datasets.inspect_err(|e| tracing::warn!(error = ?e, "upkeep could not list the datasets"));
                for dataset in datasets.iter().flat_map(|all| all.iter()) {
                    // One broken dataset keeps no other from its turn.
                    if let Err(e) = self.keep_up(Some(dataset), false).await {
                        tracing::warn!(%dataset, error = ?e, "upkeep could not be done; the next look tries again");
                    }
                }
            }
        };
        tokio::select! {
            () = stop => {}
            () = keep_up => {}
        }
    }
}
