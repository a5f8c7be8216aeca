//! Small versioned JSON documents with compare-and-swap by create-if-absent.
//!
//! `portal/<kind>/<id>/<version>.json`: version numbers only grow, each object is written once, the highest is current.
//! Every store can do this, the local file system too. A removed document's newest version is `null`.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt as _, path::Path};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    LakeError, Result,
    store::{Store, path::PORTAL, soon},
};

/// A document as it was read, with the version to compare when it is written back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    pub version: u64,
    pub value: T,
}

/// All documents of a lake. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Documents {
    store: Store,
}

impl Documents {
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// The current version of a document, or `None` when it is absent or removed.
    ///
    /// # Errors
    /// [`LakeError::Store`], or [`LakeError::Internal`] when the stored JSON is not a `T`.
    pub async fn get<T: DeserializeOwned>(&self, kind: &str, id: &str) -> Result<Option<Versioned<T>>> {
        soon(self.look(kind, id)).await
    }

    async fn look<T: DeserializeOwned>(&self, kind: &str, id: &str) -> Result<Option<Versioned<T>>> {
        const LOOKS: usize = 100;
        for _ in 0..LOOKS {
            let Some(version) = self.newest(kind, id).await? else { return Ok(None) };
            // Absent when newer versions were written since the listing: they are listed then.
            if let Some(bytes) = self.store.read(&path(kind, id, version)).await? {
                let value: Option<T> = serde_json::from_slice(&bytes)?;
                return Ok(value.map(|value| Versioned { version, value }));
            }
        }
        Err(LakeError::internal(format!("{kind}/{id} moves on faster than it can be read")))
    }

    /// Writes the first version.
    ///
    /// # Errors
    /// [`LakeError::Conflict`] when the document exists.
    pub async fn create<T: Serialize + Sync>(&self, kind: &str, id: &str, value: &T) -> Result<()> {
        self.put(kind, id, 1, value).await
    }

    /// Writes the version after `read`.
    ///
    /// # Errors
    /// [`LakeError::Conflict`] when someone else wrote it first.
    pub async fn update<T: Serialize + Sync>(&self, kind: &str, id: &str, read: u64, value: &T) -> Result<()> {
        self.put(kind, id, read + 1, value).await?;
        // One old version stays for a reader that listed just before; older ones are history that nobody reads.
        if read > 1
            && let Err(e) = self.store.remove(&path(kind, id, read - 1)).await
        {
            tracing::warn!(kind, id, version = read - 1, error = ?e, "an old version of a document was not removed");
        }
        Ok(())
    }

    /// Removes a document for good; absent is fine. Its id can not be created again.
    pub async fn remove(&self, kind: &str, id: &str) -> Result<()> {
        loop {
            let Some(version) = self.newest(kind, id).await? else { return Ok(()) };
            match self.update(kind, id, version, &serde_json::Value::Null).await {
                Err(LakeError::Conflict { .. }) => {}
                done => return done,
            }
        }
    }

    /// How long ago the first version was written, by the store's clock. Writes a small object.
    pub(crate) async fn age(&self, kind: &str, id: &str) -> Result<TimeDelta> {
        let written = self.store.objects().head(&path(kind, id, 1)).await?.last_modified;
        Ok(self.store.now().await? - written)
    }

    /// Ids of a kind in order, removed ones included; `get` tells.
    pub async fn ids(&self, kind: &str) -> Result<Vec<String>> {
        let prefix = Path::from(format!("{PORTAL}/{kind}"));
        let listed = self.store.objects().list_with_delimiter(Some(&prefix)).await?;
        let mut ids: Vec<String> =
            listed.common_prefixes.iter().filter_map(|p| p.filename().map(str::to_owned)).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Ids of a kind with their newest versions, by one listing; removed ones included. In a folder, whose listing is
    /// no moment, the newest of what was listed.
    pub(crate) async fn versions(&self, kind: &str) -> Result<BTreeMap<String, u64>> {
        let prefix = Path::from(format!("{PORTAL}/{kind}"));
        let listed: Vec<_> = self.store.objects().list(Some(&prefix)).try_collect().await?;
        let mut newest = BTreeMap::new();
        for object in listed {
            let mut parts = object.location.parts().skip(2);
            let (Some(id), Some(file)) = (parts.next(), parts.next()) else { continue };
            let Some(version) = file.as_ref().strip_suffix(".json").and_then(|v| v.parse::<u64>().ok()) else {
                continue;
            };
            let known = newest.entry(id.as_ref().to_owned()).or_insert(version);
            *known = version.max(*known);
        }
        Ok(newest)
    }

    /// The lake's secret: the given one, or the one kept in the lake, made on first use.
    ///
    /// # Errors
    /// [`LakeError::Config`] when `given` is shorter than 32 bytes.
    pub(crate) async fn secret(&self, given: Option<&[u8]>) -> Result<Vec<u8>> {
        const MIN: usize = 32;
        if let Some(given) = given {
            if given.len() < MIN {
                return Err(LakeError::Config {
                    message: format!("the lake's secret has {} bytes; it needs at least {MIN}", given.len()),
                });
            }
            return Ok(given.to_vec());
        }
        let fresh = URL_SAFE_NO_PAD.encode(rand::random::<[u8; MIN]>());
        match self.create("secret", "lake", &fresh).await {
            Ok(()) | Err(LakeError::Conflict { .. }) => {}
            Err(e) => return Err(e),
        }
        let kept: Versioned<String> =
            self.get("secret", "lake").await?.ok_or_else(|| LakeError::internal("the lake's secret is gone"))?;
        Ok(kept.value.into_bytes())
    }

    async fn put<T: Serialize + Sync>(&self, kind: &str, id: &str, version: u64, value: &T) -> Result<()> {
        let bytes = serde_json::to_vec(value)?;
        if self.store.create(&path(kind, id, version), bytes).await? {
            return Ok(());
        }
        Err(LakeError::Conflict { what: "the document" })
    }

    /// The number of the newest version, by one listing; that version may say that the document was removed.
    pub(crate) async fn newest(&self, kind: &str, id: &str) -> Result<Option<u64>> {
        const LOOKS: usize = 10;
        let prefix = Path::from(format!("{PORTAL}/{kind}/{id}"));
        let objects = self.store.objects();
        for _ in 0..LOOKS {
            let all: Vec<_> = objects.list(Some(&prefix)).try_collect().await?;
            let newest = all.iter().filter_map(|m| m.location.filename()?.strip_suffix(".json")?.parse().ok()).max();
            // A folder's listing is no moment: what it names may give way to newer versions before it is looked at.
            if newest.is_some() || !self.store.has_folder(&prefix) {
                return Ok(newest);
            }
        }
        Ok(None)
    }
}

fn path(kind: &str, id: &str, version: u64) -> Path {
    Path::from(format!("{PORTAL}/{kind}/{id}/{version}.json"))
}
