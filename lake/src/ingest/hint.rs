//! Hints that a landing file may be there: a store's notifications, so that the watcher need not wait for its next look.
//!
//! A hint is a key and nothing else. The store is asked what lies there, and the file goes the watcher's way; a hint that
//! is wrong, forged or repeated costs one request for an object's head.

use std::{collections::BTreeSet, sync::Mutex};

use futures::StreamExt as _;
use model::{DatasetName, Principal};
use object_store::{ObjectStoreExt as _, path::Path};
use tokio::sync::Notify;

use super::landing::LandingFile;
use crate::{Lake, StoreConfig, policy::in_scope, store::path::LANDING};

/// Keys that wait at most; the listing finds what is dropped here.
const WAITING: usize = 10_000;
const HEADS_AT_ONCE: usize = 8;
/// What a token must be allowed to announce files.
const NOTIFY: &str = "notify";

/// Landing keys to look at, and a bell for the watcher.
#[derive(Debug, Default)]
pub(super) struct Hints {
    keys: Mutex<BTreeSet<Path>>,
    bell: Notify,
}

impl Hints {
    fn add(&self, key: Path) -> bool {
        let Ok(mut keys) = self.keys.lock() else { return false };
        if keys.len() >= WAITING {
            return false;
        }
        keys.insert(key);
        true
    }

    fn take(&self) -> Vec<Path> {
        self.keys.lock().map(|mut keys| std::mem::take(&mut *keys)).unwrap_or_default().into_iter().collect()
    }

    /// Resolves once something waits.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }
}

impl Lake {
    /// Notes object keys of the bucket that a notification named, decoded; returns how many are places of landing files
    /// within the scope of who says so. Nothing else of a notification is trusted, and whether a file is there is not
    /// told. A process that does not watch never looks at them.
    pub fn hint(&self, who: &Principal, keys: &[String]) -> usize {
        let hints = &self.rooms().arrivals.hints;
        let noted =
            keys.iter().filter_map(|key| self.landing_key(who, key)).filter(|key| hints.add(key.clone())).count();
        if noted > 0 {
            hints.bell.notify_one();
        }
        noted
    }

    /// Looks at what was hinted, and takes what is new and whole.
    pub(super) async fn follow_hints(&self) {
        let keys = self.rooms().arrivals.hints.take();
        let mut files = self.hinted(keys).await;
        // In a folder a file may still be written; a bucket shows whole objects alone.
        if !files.is_empty() && self.rooms().store.folder().is_some() {
            tokio::time::sleep(super::watch::FIRST).await;
            let again = self.hinted(files.iter().map(|f| f.path.clone()).collect()).await;
            files.retain(|f| again.iter().any(|a| a.path == f.path && a.mark == f.mark));
        }
        files.sort_by(|a, b| (&a.dataset, a.path.as_ref()).cmp(&(&b.dataset, b.path.as_ref())));
        if !files.is_empty() {
            self.take_watched(files).await;
        }
    }

    /// Files at these places that are not done with.
    async fn hinted(&self, keys: Vec<Path>) -> Vec<LandingFile> {
        let objects = self.rooms().store.objects();
        let heads = futures::stream::iter(keys).map(|key| {
            let objects = std::sync::Arc::clone(&objects);
            async move { objects.head(&key).await.ok() }
        });
        let found: Vec<_> = heads.buffer_unordered(HEADS_AT_ONCE).collect().await;
        let files = found.into_iter().flatten().filter_map(LandingFile::of);
        files.filter(|f| !self.rooms().arrivals.is_done(&f.path, &f.mark)).collect()
    }

    fn landing_key(&self, who: &Principal, key: &str) -> Option<Path> {
        let prefix = match &self.rooms().config.store {
            StoreConfig::Url { url, .. } => url.path().trim_matches('/'),
            StoreConfig::Folder(_) | StoreConfig::Memory => "",
        };
        let below = key.trim_start_matches('/').strip_prefix(prefix)?.trim_start_matches('/');
        let path = Path::parse(below).ok()?;
        let mut parts = path.parts();
        let (first, unit, name) = (parts.next()?, parts.next()?, parts.next()?);
        let dataset = DatasetName::new(unit.as_ref(), name.as_ref()).ok()?;
        let is_file = parts.next().is_some();
        (first.as_ref() == LANDING && is_file && in_scope(who, &dataset, NOTIFY)).then_some(path)
    }
}
