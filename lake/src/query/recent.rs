//! A person's latest queries: a small document, kept as well as it can be. It never delays or fails a query.

use chrono::Utc;
use model::{Principal, QueryStatus, RecentQuery};

use crate::{Lake, LakeError, Result, document::Documents, result::owner_of};

const KIND: &str = "recent";
/// Different texts kept for one person.
const KEPT: usize = 20;
/// Longer texts are not kept: a document is read whole with every page that shows it.
const TEXT_BYTES: usize = 8 << 10;

pub(super) async fn list(documents: &Documents, who: &Principal, limit: usize) -> Result<Vec<RecentQuery>> {
    let kept = documents.get::<Vec<RecentQuery>>(KIND, &owner_of(&who.key())).await?;
    let mut recent = kept.map(|k| k.value).unwrap_or_default();
    recent.truncate(limit);
    Ok(recent)
}

impl Lake {
    pub(super) fn remember(&self, who: &Principal, sql: String, status: &QueryStatus) {
        if sql.len() > TEXT_BYTES {
            return;
        }
        let query = RecentQuery { sql, at: Utc::now(), rows: status.rows_total, elapsed_ms: status.elapsed_ms };
        let (documents, id) = (self.documents().clone(), owner_of(&who.key()));
        self.rooms().engine.desk().spawn(async move {
            for _ in 0..3 {
                match add(&documents, &id, &query).await {
                    Err(LakeError::Conflict { .. }) => {}
                    Err(e) => return tracing::debug!(error = ?e, "a recent query could not be kept"),
                    Ok(()) => return,
                }
            }
        });
    }
}

async fn add(documents: &Documents, id: &str, query: &RecentQuery) -> Result<()> {
    let Some(mut kept) = documents.get::<Vec<RecentQuery>>(KIND, id).await? else {
        return documents.create(KIND, id, &[query]).await;
    };
    kept.value.retain(|q| q.sql != query.sql);
    kept.value.insert(0, query.clone());
    kept.value.truncate(KEPT);
    documents.update(KIND, id, kept.version, &kept.value).await
}
