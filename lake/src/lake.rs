//! [`Lake`], the one handle. Opening wires the rooms together; what it does stands in each room's own `impl Lake`.

use std::sync::Arc;

use crate::{
    LakeConfig, Result,
    access::Requests,
    audit::{self, Buffer},
    catalog::Discovery,
    contract::Contracts,
    document::Documents,
    govern::{Reader, Sessions},
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
    pub tables: Arc<Tables>,
    pub audit: Arc<Buffer>,
    pub arrivals: Arrivals,
    pub contracts: Contracts,
    pub discovery: Discovery,
    pub requests: Requests,
    pub policies: Policies,
    pub sessions: Sessions,
    pub results: Results,
    pub engine: Arc<Engine>,
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
        Self::under(config, None).await
    }

    /// The same lake under another policy than its own, to see what that would give. Nothing is written but answers.
    pub(crate) async fn trying(config: LakeConfig, policy: &[u8]) -> Result<Self> {
        Self::under(config, Some(policy)).await
    }

    /// The same lake under another policy than its own, with the same threads, limits and kept answers: these are bound to
    /// what is seen, not to a policy.
    ///
    /// # Errors
    /// [`LakeError::Config`](crate::LakeError::Config) when the policy cannot be read.
    pub(crate) async fn beside(&self, policy: &[u8]) -> Result<Self> {
        let own = self.rooms();
        let reader = Reader::new(Arc::clone(&own.tables), own.sessions.clone(), own.engine.desk().clone());
        let rooms = Rooms {
            config: own.config.clone(),
            store: own.store.clone(),
            documents: own.documents.clone(),
            tables: Arc::clone(&own.tables),
            audit: Arc::clone(&own.audit),
            arrivals: Arrivals::new(own.documents.clone()),
            contracts: own.contracts.clone(),
            discovery: Discovery::new(own.store.clone(), own.config.freshness),
            requests: Requests::new(own.documents.clone()),
            policies: own.policies.beside(reader, policy).await?,
            sessions: own.sessions.clone(),
            results: own.results.clone(),
            engine: Arc::clone(&own.engine),
            unsaved: Unsaved::default(),
        };
        Ok(Self { inner: Arc::new(rooms) })
    }

    async fn under(config: LakeConfig, policy: Option<&[u8]>) -> Result<Self> {
        let store = Store::open(&config.store)?;
        let documents = Documents::new(store.clone());
        let secret = documents.secret(config.secret.as_deref()).await?;
        let tables = Arc::new(Tables::new(store.clone(), config.freshness).keeping(config.keep_versions));
        let engine = Arc::new(Engine::new(&config.limits)?);
        let audit = audit::start(config.limits.audit, &tables, engine.desk());
        let contracts = Contracts::new(store.clone(), config.freshness);
        let sessions = Sessions::over(&store)?;
        let reader = Reader::new(Arc::clone(&tables), sessions.clone(), engine.desk().clone());
        let policies = match policy {
            None => Policies::open(store.clone(), config.freshness, secret.clone()).await?,
            Some(text) => Policies::fixed(store.clone(), secret.clone(), text)?,
        };
        let policies = policies.knowing(contracts.clone(), reader).audited(Arc::clone(&audit));
        let results = Results::new(store.clone(), &config.limits, secret);
        let discovery = Discovery::new(store.clone(), config.freshness);
        let requests = Requests::new(documents.clone());
        let arrivals = Arrivals::new(documents.clone());
        let rooms = Rooms {
            config,
            store,
            documents,
            tables,
            audit,
            arrivals,
            contracts,
            discovery,
            requests,
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
