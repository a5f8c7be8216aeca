//! A person's latest queries: a small document, kept as well as it can be. It never delays or fails a query, and who
//! has just asked finds the query there at once, as far as this process is asked.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::Utc;
use model::{Principal, QueryStatus, RecentQuery};

use crate::{Lake, LakeError, Result, document::Documents, result::owner_of};

const KIND: &str = "recent";
/// Different texts kept for one person.
const KEPT: usize = 20;
/// Longer texts are not kept: a document is read whole with every page that shows it.
const TEXT_BYTES: usize = 8 << 10;

/// Queries on their way into the documents, by person, the latest first. A person in the map has one writer.
#[derive(Debug, Clone, Default)]
pub struct Unsaved(Arc<Mutex<HashMap<String, Vec<RecentQuery>>>>);

impl Unsaved {
    /// Adds a query. `true` when nobody writes for this person yet.
    fn add(&self, id: &str, query: RecentQuery) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = !all.contains_key(id);
        let queries = all.entry(id.to_owned()).or_default();
        *queries = merged(vec![query], std::mem::take(queries));
        first
    }

    fn of(&self, id: &str) -> Vec<RecentQuery> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned().unwrap_or_default()
    }

    /// Forgets what is written, or never will be. `true` when nothing came meanwhile: the writer may go.
    fn settle(&self, id: &str, done: &[RecentQuery]) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(queries) = all.get_mut(id) else { return true };
        queries.retain(|q| !done.iter().any(|d| d.sql == q.sql && d.at == q.at));
        let empty = queries.is_empty();
        if empty {
            all.remove(id);
        }
        empty
    }

    async fn write(self, documents: Documents, id: String) {
        let _ends = Ends(&self, &id);
        loop {
            let queries = self.of(&id);
            let mut end = Ok(());
            // Another replica may write for the same person.
            for pause in [20, 40, 80, 160, 320] {
                end = save(&documents, &id, &queries).await;
                if !matches!(end, Err(LakeError::Conflict { .. })) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(rand::random_range(pause / 2..pause))).await;
            }
            if let Err(e) = end {
                tracing::debug!(error = ?e, "recent queries could not be kept");
            }
            if self.settle(&id, &queries) {
                return;
            }
        }
    }
}

/// However a writer ends, the next query begins another.
struct Ends<'a>(&'a Unsaved, &'a str);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(self.1);
    }
}

pub(super) async fn list(lake: &Lake, who: &Principal, limit: usize) -> Result<Vec<RecentQuery>> {
    let id = owner_of(&who.key());
    // Before the document is read: what is written meanwhile is in one of the two.
    let unsaved = lake.rooms().unsaved.of(&id);
    let kept = lake.documents().get::<Vec<RecentQuery>>(KIND, &id).await?;
    let mut recent = merged(unsaved, kept.map(|k| k.value).unwrap_or_default());
    recent.truncate(limit);
    Ok(recent)
}

impl Lake {
    pub(super) fn remember(&self, who: &Principal, sql: String, status: &QueryStatus) {
        // What a steward asks as somebody else is nobody's to come back to.
        if sql.len() > TEXT_BYTES || who.origin.viewing.is_some() {
            return;
        }
        let query = RecentQuery { sql, at: Utc::now(), rows: status.rows_total, elapsed_ms: status.elapsed_ms };
        let (unsaved, id) = (self.rooms().unsaved.clone(), owner_of(&who.key()));
        if unsaved.add(&id, query) {
            self.rooms().engine.desk().spawn(unsaved.write(self.documents().clone(), id));
        }
    }
}

async fn save(documents: &Documents, id: &str, queries: &[RecentQuery]) -> Result<()> {
    let Some(kept) = documents.get::<Vec<RecentQuery>>(KIND, id).await? else {
        return documents.create(KIND, id, &queries).await;
    };
    documents.update(KIND, id, kept.version, &merged(queries.to_vec(), kept.value)).await
}

/// Each text once, as it was asked last; the latest first.
fn merged(mut some: Vec<RecentQuery>, others: Vec<RecentQuery>) -> Vec<RecentQuery> {
    some.extend(others);
    some.sort_by_key(|q| std::cmp::Reverse(q.at));
    let mut texts = HashSet::new();
    some.retain(|q| texts.insert(q.sql.clone()));
    some.truncate(KEPT);
    some
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{StoreConfig, store::Store};

    fn asked(sql: &str) -> RecentQuery {
        RecentQuery { sql: sql.to_owned(), at: Utc::now(), rows: 1, elapsed_ms: 1 }
    }

    #[tokio::test]
    async fn every_query_of_a_burst_is_kept_once_and_the_latest_first() {
        let documents = Documents::new(Store::open(&StoreConfig::Memory).unwrap());
        let unsaved = Unsaved::default();
        let mut writers = Vec::new();
        for text in ["a", "b", "a", "c", "d"] {
            if unsaved.add("one", asked(text)) {
                writers.push(tokio::spawn(unsaved.clone().write(documents.clone(), "one".to_owned())));
            }
            assert_eq!(unsaved.of("one")[0].sql, text);
            tokio::task::yield_now().await;
        }
        for writer in writers {
            writer.await.unwrap();
        }
        let kept = documents.get::<Vec<RecentQuery>>(KIND, "one").await.unwrap().unwrap().value;
        assert_eq!(kept.iter().map(|q| q.sql.as_str()).collect::<Vec<_>>(), ["d", "c", "a", "b"]);
        assert!(unsaved.0.lock().unwrap().is_empty());
    }
}
