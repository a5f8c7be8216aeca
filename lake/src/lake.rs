//! [`Lake`], the one handle. Opening wires the rooms together; what it does stands in each room's own `impl Lake`.

use std::sync::Arc;

use crate::{
    LakeConfig, Result,
    contract::Contracts,
    document::Documents,
    govern::Sessions,
    ingest::arrival::Arrivals,
    policy::Policies,
    query::{Engine, Unsaved},
    result::Results,
    store::Store,
    table::Tables,
};

/// A lake: one bucket with its tables, contracts, policy, documents and results. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lake {
    inner: Arc<Rooms>,
}

/// What an open lake consists of.
#[derive(Debug)]
pub(crate) struct Rooms {
    pub config: LakeConfig,
    pub store: Store,
    pub documents: Documents,
    pub tables: Tables,
    pub arrivals: Arrivals,
    pub contracts: Contracts,
    pub policies: Policies,
    pub sessions: Sessions,
    pub results: Results,
    pub engine: Engine,
    pub unsaved: Unsaved,
}

impl Lake {
    /// Opens the lake that `config` names; a folder is made when absent.
    ///
    /// # Errors
    /// [`LakeError::Store`](crate::LakeError::Store) when the store cannot be reached,
    /// [`LakeError::Config`](crate::LakeError::Config) when the policy cannot be read: a lake without a readable
    /// policy does not open.
    pub async fn open(config: LakeConfig) -> Result<Self> {
        let store = Store::open(&config.store)?;
        let documents = Documents::new(store.clone());
        let secret = documents.secret(config.secret.as_deref()).await?;
        let tables = Tables::new(store.clone(), config.freshness).keeping(config.keep_versions);
        let contracts = Contracts::new(store.clone(), config.freshness);
        let policies = Policies::open(store.clone(), config.freshness, secret.clone()).await?;
        let sessions = Sessions::over(&store)?;
        let results = Results::new(store.clone(), &config.limits, secret);
        let engine = Engine::new(&config.limits)?;
        let arrivals = Arrivals::new(documents.clone());
        let rooms = Rooms {
            config,
            store,
            documents,
            tables,
            arrivals,
            contracts,
            policies,
            sessions,
            results,
            engine,
            unsaved: Unsaved::default(),
        };
        Ok(Self { inner: Arc::new(rooms) })
    }

    pub(crate) fn rooms(&self) -> &Rooms {
        &self.inner
    }

    /// Small versioned documents: sessions, tokens, recent queries.
    #[must_use]
    pub fn documents(&self) -> &Documents {
        &self.inner.documents
    }
}
