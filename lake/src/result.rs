//! Stored results: Arrow IPC under a content key, an in-process tier before them, pages and encoders.
//!
//! Knows nothing of SQL or of how a result came about; `query` does. A result's id opens nothing by itself: whoever
//! asks must see today, of every dataset that the result was made of, exactly what the result was made of.

use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

use arrow::{datatypes::SchemaRef, record_batch::RecordBatch};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{TryStreamExt as _, future::ready, stream::BoxStream};
use model::{AuditAction, CacheTier, Column, ExportFormat, Formulas, Page, Principal};
use object_store::{ObjectMeta, ObjectStore as _, path::Path};

use crate::{
    Lake, LakeError, Limits, Result,
    store::{Removed, Store, path::RESULTS},
};

mod access;
mod cell;
mod columns;
mod encode;
mod frame;
mod handle;
#[cfg(test)]
mod tests;

pub(crate) use access::{Seen, owner_of};
pub(crate) use cell::cells;
pub(crate) use columns::Shape;
pub(crate) use frame::{FORMAT, ResultMeta};

/// Rows of every batch but the last: any window of rows is at most two batches away.
pub(crate) const BATCH_ROWS: usize = 8192;

/// Rows of the largest page.
const PAGE_ROWS: u64 = 10_000;

/// How many stored results are read and decoded at once: each may be as large as a result can be.
const LOADS: usize = 2;

/// For how long, and of how many results, the pages that their askers turn are part of the question.
const ASKED: (Duration, u64) = (Duration::from_secs(600), 100_000);

/// Stored results of a lake. Cheap to clone.
#[derive(Clone)]
pub struct Results {
    store: Store,
    memory: moka::sync::Cache<[u8; 32], Arc<StoredResult>>,
    secret: Arc<[u8]>,
    loads: Arc<tokio::sync::Semaphore>,
    /// Who has asked for which result lately.
    asked: moka::sync::Cache<(String, String), ()>,
}

/// A whole result, with the types of [`model::ColumnType`] only.
#[derive(Debug)]
pub(crate) struct StoredResult {
    pub meta: ResultMeta,
    pub columns: Vec<Column>,
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
}

/// A result being encoded: how many rows it has, and its bytes.
pub struct Download {
    pub rows: u64,
    pub body: BoxStream<'static, Result<Bytes>>,
}

impl Results {
    #[must_use]
    pub fn new(store: Store, limits: &Limits, secret: Vec<u8>) -> Self {
        let memory = moka::sync::Cache::builder()
            .max_capacity(limits.result_cache >> 10)
            .weigher(|_, r: &Arc<StoredResult>| u32::try_from((r.meta.bytes >> 10) + 1).unwrap_or(u32::MAX))
            .build();
        let loads = Arc::new(tokio::sync::Semaphore::new(LOADS));
        let asked = moka::sync::Cache::builder().max_capacity(ASKED.1).time_to_live(ASKED.0).build();
        Self { store, memory, secret: secret.into(), loads, asked }
    }

    #[cfg(test)]
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The id under which a result is handed out.
    pub(crate) fn id(&self, key: &[u8; 32]) -> String {
        handle::id(&self.secret, key)
    }

    /// The key behind an id, or `None` when the id was not made by this lake.
    pub(crate) fn key(&self, id: &str) -> Option<[u8; 32]> {
        handle::key(&self.secret, id)
    }

    /// A result in the in-process tier.
    pub(crate) fn in_memory(&self, key: &[u8; 32]) -> Option<Arc<StoredResult>> {
        self.memory.get(key)
    }

    /// Bytes in memory of a result that is in the in-process tier.
    pub(crate) fn bytes(&self, id: &str) -> Option<u64> {
        Some(self.in_memory(&self.key(id)?)?.meta.bytes)
    }

    /// Notes that `who` has asked the query of this result.
    pub(crate) fn asked(&self, who: &Principal, id: &str) {
        self.asked.insert((who.key(), id.to_owned()), ());
    }

    /// Whether `who` has asked the query of this result lately, in this process.
    pub(crate) fn was_asked(&self, who: &Principal, id: &str) -> bool {
        self.asked.contains_key(&(who.key(), id.to_owned()))
    }

    /// Whether there is an object for a result.
    pub(crate) async fn is_stored(&self, key: &[u8; 32]) -> Result<bool> {
        Ok(self.store.tag(&object(key)).await?.is_some())
    }

    /// A result in the store, whole and proven to be the one of this key; anything else counts as absent. Decodes on
    /// the calling thread.
    pub(crate) async fn in_store(&self, key: &[u8; 32]) -> Result<Option<Arc<StoredResult>>> {
        let _turn = self.loads.acquire().await.map_err(|e| LakeError::internal(e.to_string()))?;
        if let Some(loaded) = self.in_memory(key) {
            return Ok(Some(loaded));
        }
        let Some(object) = self.store.read(&object(key)).await? else { return Ok(None) };
        match frame::decode(key, &object) {
            Ok(result) => {
                let result = Arc::new(result);
                self.memory.insert(*key, Arc::clone(&result));
                Ok(Some(result))
            }
            Err(why) => {
                tracing::warn!(key = hex(key), why, "a stored result cannot be used and counts as absent");
                Ok(None)
            }
        }
    }

    /// Keeps a result in both tiers. A store that does not answer costs the stored tier only, unless the result is too
    /// large for memory.
    pub(crate) async fn keep(&self, key: &[u8; 32], result: &Arc<StoredResult>) -> Result<()> {
        let framed = frame::encode(key, result)?;
        self.memory.insert(*key, Arc::clone(result));
        if let Err(e) = self.store.write(&object(key), framed).await {
            tracing::warn!(error = ?e, "a result could not be stored");
            self.memory.run_pending_tasks();
            return if self.memory.contains_key(key) { Ok(()) } else { Err(e) };
        }
        Ok(())
    }

    /// Removes stored results that were written before `before`; with `look` it only says how many. Whoever asks their
    /// query again gets it anew.
    pub(crate) async fn clean(&self, before: DateTime<Utc>, look: bool) -> Result<Removed> {
        let objects = self.store.objects();
        let old = objects.list(Some(&Path::from(RESULTS))).try_filter(|o| ready(o.last_modified < before));
        let old: Vec<ObjectMeta> = old.try_collect().await?;
        self.store.remove_all(&old, look).await
    }
}

impl StoredResult {
    /// The datasets that it was made of, as the audit names them.
    fn datasets(&self) -> String {
        let names: BTreeSet<String> = self.meta.seen.iter().map(|s| s.name.to_string()).collect();
        names.into_iter().collect::<Vec<_>>().join(", ")
    }

    /// Rows `offset` to `offset + limit`, as far as there are any.
    fn page(&self, offset: u64, limit: u64) -> Result<Page> {
        let end = offset.saturating_add(limit.min(PAGE_ROWS)).min(self.meta.rows);
        let mut rows = Vec::with_capacity(usize::try_from(end.saturating_sub(offset)).unwrap_or_default());
        let mut first = 0u64;
        for batch in &self.batches {
            let last = first + batch.num_rows() as u64;
            if last > offset && first < end {
                let from = usize::try_from(offset.saturating_sub(first)).unwrap_or_default();
                let to = usize::try_from(end.min(last) - first).unwrap_or_default();
                cell::rows(batch, from..to, &mut rows)?;
            }
            first = last;
        }
        Ok(Page { columns: self.columns.clone(), offset, rows, rows_total: self.meta.rows })
    }
}

impl Lake {
    /// A window of a result: rows `offset` to `offset + limit`, `limit` at most 10,000.
    ///
    /// # Errors
    /// [`LakeError::NotFound`] when there is no such result or it is not this principal's to see.
    pub async fn result_page(&self, who: &Principal, id: &str, offset: u64, limit: u64) -> Result<Page> {
        // Whoever has just asked for it is in the audit with the question.
        if self.rooms().results.was_asked(who, id) {
            let page = self.page_of(who, id, offset, limit).await;
            if page.is_ok() {
                return page;
            }
        }
        let mut entry = self.audited(who, AuditAction::Result)?.text(format!("{id}, rows from {offset}"));
        let found = self.result(who, id).await;
        let page = match found {
            Ok((result, _)) => {
                entry.fill(|event| event.datasets = Some(result.datasets()));
                self.rooms().engine.at_desk(async move { result.page(offset, limit) }).await.flatten()
            }
            Err(e) => Err(e),
        };
        self.conclude(who, entry, &page, |event, page| event.rows = Some(page.rows.len() as u64));
        page
    }

    /// As [`result_page`](Self::result_page), for what is audited elsewhere.
    pub(crate) async fn page_of(&self, who: &Principal, id: &str, offset: u64, limit: u64) -> Result<Page> {
        let (result, _) = self.result(who, id).await?;
        self.rooms().engine.at_desk(async move { result.page(offset, limit) }).await?
    }

    /// The whole result, encoded as a stream. What is never read is never encoded.
    ///
    /// # Errors
    /// As [`result_page`](Self::result_page).
    pub async fn download(
        &self,
        who: &Principal,
        id: &str,
        format: ExportFormat,
        formulas: Formulas,
    ) -> Result<Download> {
        let entry = self.audited(who, AuditAction::Download)?.text(format!("{id} as {}", format.extension()));
        let found = self.result(who, id).await;
        // Told when it begins, since bytes are shown from then on: what is encoded of it is known to the reader alone.
        self.conclude(who, entry, &found, |event, (result, _)| {
            event.datasets = Some(result.datasets());
            event.rows = Some(result.meta.rows);
            event.bytes = Some(result.meta.bytes);
        });
        let (result, _) = found?;
        let rows = result.meta.rows;
        Ok(Download { rows, body: encode::stream(self.rooms().engine.desk(), result, format, formulas) })
    }

    /// The one way from an id to a result, with the tier that had it.
    pub(crate) async fn result(&self, who: &Principal, id: &str) -> Result<(Arc<StoredResult>, CacheTier)> {
        let absent = || LakeError::NotFound { what: "result", name: id.to_owned() };
        let results = self.rooms().results.clone();
        let key = results.key(id).ok_or_else(absent)?;
        let (found, tier) = match results.in_memory(&key) {
            Some(found) => (found, CacheTier::Memory),
            None => {
                let engine = &self.rooms().engine;
                let stored = engine.at_desk(async move { results.in_store(&key).await }).await??;
                (stored.ok_or_else(absent)?, CacheTier::Store)
            }
        };
        if self.may_see(who, found.meta.owner.as_deref(), &found.meta.seen).await? {
            Ok((found, tier))
        } else {
            Err(absent())
        }
    }
}

fn object(key: &[u8; 32]) -> Path {
    Path::from(format!("{RESULTS}/{}.arrow", hex(key)))
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

impl fmt::Debug for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Results({} in memory)", self.memory.entry_count())
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Download({} rows)", self.rows)
    }
}
