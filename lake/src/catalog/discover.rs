//! What somebody may know of and see nothing of: title, description and owner of datasets whose contracts say so.
//!
//! All contracts are known from one listing, whichever name is asked for, so that the time that an answer takes tells
//! nothing of a dataset.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use model::{DatasetFilter, DatasetName, Discovered, Principal};
use moka::sync::Cache;
use object_store::{ObjectMeta, ObjectStore as _, path::Path};

use super::readable;
use crate::{
    Lake, Result,
    contract::{Contract, Discoverable},
    policy::in_scope,
    store::{Store, path, soon},
};

/// Contracts that are read at once.
const AT_ONCE: usize = 32;

/// The datasets whose contracts let anyone know of them, kept at most `freshness` old.
pub(crate) struct Discovery {
    store: Store,
    freshness: Duration,
    kept: tokio::sync::Mutex<Option<Kept>>,
    /// What was read, also where a listing's time was over before all of it was.
    read: Cache<DatasetName, Entry>,
}

struct Kept {
    checked: Instant,
    contracts: Arc<BTreeMap<DatasetName, Entry>>,
}

/// A contract as it was last read, with what tells whether it changed.
#[derive(Clone)]
struct Entry {
    tag: String,
    /// `None` when it lets nobody know, or cannot be read.
    found: Option<Arc<(Discoverable, Discovered)>>,
}

impl Discovery {
    pub fn new(store: Store, freshness: Duration) -> Self {
        Self { store, freshness, kept: tokio::sync::Mutex::new(None), read: Cache::builder().build() }
    }

    async fn all(&self) -> Result<Arc<BTreeMap<DatasetName, Entry>>> {
        soon(self.checked()).await
    }

    async fn checked(&self) -> Result<Arc<BTreeMap<DatasetName, Entry>>> {
        let mut kept = self.kept.lock().await;
        if let Some(k) = kept.as_ref().filter(|k| k.checked.elapsed() < self.freshness) {
            return Ok(Arc::clone(&k.contracts));
        }
        let checked = Instant::now();
        let listed: Vec<_> = self.store.objects().list(Some(&path::contracts())).try_collect().await?;
        let named: Vec<(DatasetName, ObjectMeta)> =
            listed.into_iter().filter_map(|object| Some((named(&object.location)?, object))).collect();
        let entries = stream::iter(named).map(|(name, object)| self.entry(name, object)).buffered(AT_ONCE);
        let contracts: BTreeMap<DatasetName, Entry> = entries.try_collect().await?;
        let contracts = Arc::new(contracts);
        *kept = Some(Kept { checked, contracts: Arc::clone(&contracts) });
        Ok(contracts)
    }

    async fn entry(&self, name: DatasetName, object: ObjectMeta) -> Result<(DatasetName, Entry)> {
        let moment = || format!("{}-{}", object.last_modified.timestamp_micros(), object.size);
        let tag = object.e_tag.clone().unwrap_or_else(moment);
        if let Some(known) = self.read.get(&name).filter(|e| e.tag == tag) {
            return Ok((name, known));
        }
        let entry = Entry { found: self.look(&name, &object.location).await?, tag };
        self.read.insert(name.clone(), entry.clone());
        Ok((name, entry))
    }

    async fn look(&self, name: &DatasetName, place: &Path) -> Result<Option<Arc<(Discoverable, Discovered)>>> {
        let Some(bytes) = self.store.read(place).await? else { return Ok(None) };
        let contract = match Contract::parse(&bytes, place.as_ref()) {
            Ok(contract) => contract,
            Err(e) => {
                tracing::warn!(%name, error = ?e, "its contract cannot be read: nobody is told that it exists");
                return Ok(None);
            }
        };
        let found = Discovered {
            name: name.clone(),
            title: contract.title.unwrap_or_else(|| readable(name.name())),
            description: contract.description,
            owner: contract.owner,
        };
        Ok(contract.discoverable.is_any().then(|| Arc::new((contract.discoverable, found))))
    }
}

/// `contracts/<unit>/<dataset>.toml`
fn named(place: &Path) -> Option<DatasetName> {
    let parts: Vec<String> = place.parts().map(|p| p.as_ref().to_owned()).collect();
    let [_, unit, file] = parts.as_slice() else { return None };
    DatasetName::new(unit, file.strip_suffix(".toml")?).ok()
}

impl Lake {
    /// Datasets that `who` sees nothing of and may know of, by name; `filter` narrows by unit and by words of what is
    /// told.
    ///
    /// # Errors
    /// [`LakeError::Store`](crate::LakeError::Store) when contracts or policy cannot be read.
    pub async fn discoverable(&self, who: &Principal, filter: &DatasetFilter) -> Result<Vec<Discovered>> {
        let contracts = self.rooms().discovery.all().await?;
        let mut found = Vec::new();
        for name in contracts.keys().filter(|n| filter.unit.as_deref().is_none_or(|unit| unit == n.unit().as_str())) {
            if let Some(one) = self.told(who, name, &contracts).await?
                && has(filter.q.as_deref().unwrap_or_default(), &one)
            {
                found.push(one);
            }
        }
        Ok(found)
    }

    /// One dataset that `who` sees nothing of and may know of. `None`, alike, for one that is absent, hidden or seen.
    ///
    /// # Errors
    /// As [`Lake::discoverable`].
    pub async fn discovered(&self, who: &Principal, name: &DatasetName) -> Result<Option<Discovered>> {
        self.told(who, name, &*self.rooms().discovery.all().await?).await
    }

    async fn told(
        &self,
        who: &Principal,
        name: &DatasetName,
        contracts: &BTreeMap<DatasetName, Entry>,
    ) -> Result<Option<Discovered>> {
        let Some(found) = contracts.get(name).and_then(|e| e.found.as_ref()) else { return Ok(None) };
        let (to, discovered) = found.as_ref();
        if !to.reaches(who) || !in_scope(who, name, "read") || !self.rooms().tables.list().await?.contains(name) {
            return Ok(None);
        }
        Ok(self.visible(who, name).await?.is_none().then(|| discovered.clone()))
    }
}

/// Whether all words occur in what is told.
fn has(q: &str, d: &Discovered) -> bool {
    let owner = d.owner.as_deref().unwrap_or_default();
    let text = format!("{} {} {} {owner}", d.name, d.title, d.description).to_lowercase();
    q.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

impl std::fmt::Debug for Discovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Discovery").field("store", &self.store).finish_non_exhaustive()
    }
}
