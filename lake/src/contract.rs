//! Dataset contracts: what a unit promises about its files. `contracts/<unit>/<dataset>.toml`.

use std::{sync::Arc, time::Duration};

use model::DatasetName;

use crate::{Result, store::Store};

/// All contracts of a lake.
#[derive(Debug)]
pub struct Contracts {
    store: Store,
    freshness: Duration,
}

/// A parsed contract.
#[derive(Debug, Clone, Default)]
pub struct Contract {
    pub title: Option<String>,
    pub description: String,
    pub owner: Option<String>,
    pub tags: Vec<String>,
}

impl Contracts {
    #[must_use]
    pub fn new(store: Store, freshness: Duration) -> Self {
        Self { store, freshness }
    }

    /// The dataset's contract, or `None`: the default one holds.
    pub async fn get(&self, _dataset: &DatasetName) -> Result<Option<Arc<Contract>>> {
        let _ = (&self.store, self.freshness);
        Ok(None)
    }
}
