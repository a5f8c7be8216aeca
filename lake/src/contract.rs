//! Dataset contracts: what a unit promises about its files. `contracts/<unit>/<dataset>.toml`.
//!
//! Here they are found and kept fresh; [`document`] says what a contract can hold and refuses what it cannot,
//! [`draft()`] writes one from a file.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use model::DatasetName;
use moka::sync::Cache;

use crate::{
    Result,
    store::{Store, path},
};

mod discoverable;
pub mod document;
mod draft;
mod pattern;
mod zone;

pub use discoverable::Discoverable;
pub use document::{Check, ColumnRule, Contract, OnFailure, Source};
pub use draft::draft;
pub use zone::Zone;

/// Datasets whose contracts, or their absence, are kept in memory: whoever asks names them, also such as are none.
const KEPT: u64 = 10_000;

/// All contracts of a lake. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Contracts {
    store: Store,
    freshness: Duration,
    kept: Cache<DatasetName, Kept>,
}

/// A contract as it was last read, with the tag that the store gave it.
#[derive(Debug, Clone)]
struct Kept {
    checked: Instant,
    tag: Option<String>,
    contract: Option<Arc<Contract>>,
}

impl Contracts {
    #[must_use]
    pub fn new(store: Store, freshness: Duration) -> Self {
        Self { store, freshness, kept: Cache::new(KEPT) }
    }

    /// The dataset's contract, checked within the freshness time, or `None`: the default one holds.
    ///
    /// # Errors
    /// [`LakeError::Config`](crate::LakeError::Config) when there is a contract and it is wrong, with its line and
    /// the cure.
    pub async fn get(&self, dataset: &DatasetName) -> Result<Option<Arc<Contract>>> {
        // What Penstock keeps itself has its columns from Penstock.
        if dataset.is_reserved() {
            return Ok(None);
        }
        let known = self.kept.get(dataset);
        if let Some(kept) = &known
            && kept.checked.elapsed() < self.freshness
        {
            return Ok(kept.contract.clone());
        }
        // The time before the request, so that what changes meanwhile is seen by the next check.
        let checked = Instant::now();
        let place = path::contract(dataset);
        let tag = self.store.tag(&place).await?;
        let contract = match known {
            Some(kept) if kept.tag == tag => kept.contract,
            _ => match self.store.read(&place).await? {
                Some(bytes) => Some(Arc::new(Contract::parse(&bytes, place.as_ref())?)),
                None => None,
            },
        };
        let kept = Kept { checked, tag, contract: contract.clone() };
        self.kept.insert(dataset.clone(), kept);
        Ok(contract)
    }
}
