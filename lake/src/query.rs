//! Running queries: keys, limits, cancellation, progress.
//!
//! A text becomes a governed plan (`govern`), the plan a key; the key is looked for in memory, among the queries in
//! flight and in the store, and only then is the plan run, once for all who wait for it.
//! Knows nothing of policies: what a plan may read was settled when it was made.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use model::{
    AuditAction, AuditEvent, CacheOutcome, DatasetName, Page, Principal, QueryRequest, QueryState, QueryStatus,
    RecentQuery, RowsRequest,
};

use crate::{
    Lake, LakeError, Result,
    audit::{Entry, Trace},
    result::StoredResult,
};

mod admission;
mod aside;
mod cancel;
mod engine;
mod flight;
mod key;
mod memory;
mod recent;
mod rows;
mod run;
mod runtime;
#[cfg(test)]
mod tests;

pub use engine::Engine;
use engine::{Ask, Prepared};
pub use recent::Unsaved;
pub(crate) use rows::rows as rows_of;

/// The longest that one request waits.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(30);

impl Lake {
    /// Runs a query, or finds its stored answer. Returns when it is done or after `wait_ms`, whichever is first; then
    /// the query goes on until it is done, cancelled or out of time. Dropping the future before gives the query up.
    ///
    /// # Errors
    /// [`LakeError::InvalidSql`] and [`LakeError::NotFound`] from planning, [`LakeError::Limit`] for a bound of time,
    /// memory, rows or bytes, [`LakeError::Busy`] when too many wait.
    pub async fn query(&self, who: &Principal, request: QueryRequest) -> Result<QueryStatus> {
        let mut entry = self.audited(who, AuditAction::Query)?.text(request.sql.clone());
        let sql = request.sql.clone();
        let wait = Duration::from_millis(request.wait_ms).min(MAX_WAIT);
        let trace = Trace::default();
        let asked = self.answer_traced(who, request, wait, &trace).await;
        entry.fill(|event| trace.tell(event));
        if let Ok(status) = &asked {
            self.remember(who, sql, status);
        }
        self.settle_query(who, entry, &asked);
        asked
    }

    /// As [`query`](Self::query), for queries that the person did not write: what they are asked for is audited.
    pub(crate) async fn answer(&self, who: &Principal, request: QueryRequest, wait: Duration) -> Result<QueryStatus> {
        self.answer_traced(who, request, wait, &Trace::default()).await
    }

    pub(crate) async fn answer_traced(
        &self,
        who: &Principal,
        request: QueryRequest,
        wait: Duration,
        trace: &Trace,
    ) -> Result<QueryStatus> {
        let begun = Begun::now();
        let rooms = self.rooms();
        let (lake, asker, trace) = (self.clone(), who.clone(), trace.clone());
        let prepare = async move {
            let plan = lake.plan(&asker, &request.sql, &request.params, &trace).await?;
            let seen = lake.seen(&plan.datasets).await?;
            Prepared::new(plan, &request.params, seen)
        };
        let prepared = rooms.engine.plan(begun.at, prepare).await?;
        rooms.engine.answer(&rooms.results, Ask { who: who.key(), prepared, begun, wait }).await
    }

    /// How a query of this principal stands. A failed query's error is returned as the error.
    ///
    /// # Errors
    /// [`LakeError::NotFound`] when there is none, or none that this principal may see.
    pub async fn query_status(&self, who: &Principal, id: &str) -> Result<QueryStatus> {
        let status = self.status_of(who, id).await;
        self.denials(who, AuditAction::Result, None, Some(id), status)
    }

    async fn status_of(&self, who: &Principal, id: &str) -> Result<QueryStatus> {
        let absent = || LakeError::NotFound { what: "query", name: id.to_owned() };
        if let Some(flight) = self.rooms().engine.find(id) {
            if !self.may_see(who, flight.owner.as_deref(), &flight.seen).await? {
                return Err(absent());
            }
            return flight.status(CacheOutcome::Miss);
        }
        match self.result(who, id).await {
            Ok((result, tier)) => Ok(done(id, &result, CacheOutcome::Hit(tier), result.meta.elapsed_ms)),
            Err(LakeError::NotFound { .. }) => Err(absent()),
            Err(e) => Err(e),
        }
    }

    /// Stops a running query for real; done already is fine. Goes on when others wait for the same answer.
    ///
    /// # Errors
    /// As [`query_status`](Self::query_status).
    pub async fn cancel_query(&self, who: &Principal, id: &str) -> Result<()> {
        if let Some(flight) = self.rooms().engine.find(id)
            && self.may_see(who, flight.owner.as_deref(), &flight.seen).await?
        {
            flight.give_up(&who.key());
            return Ok(());
        }
        match self.query_status(who, id).await {
            Err(e @ (LakeError::NotFound { .. } | LakeError::Store { .. })) => Err(e),
            _ => Ok(()),
        }
    }

    /// Rows of one dataset without SQL, through the same governed path. Windows of up to 5 million rows fit together:
    /// none overlaps another or leaves a row out. Beyond, without a wished order, they come as the table is read.
    ///
    /// # Errors
    /// [`LakeError::NotFound`] for a dataset that is absent or hidden, [`LakeError::Invalid`] for a column or filter
    /// that is wrong, and as [`query`](Self::query).
    pub async fn rows(
        &self,
        who: &Principal,
        dataset: &DatasetName,
        request: RowsRequest,
    ) -> Result<(QueryStatus, Page)> {
        let mut entry = self.audited(who, AuditAction::Rows)?.on(dataset).text(rows::words(&request));
        let trace = Trace::default();
        let found = rows::rows(self, who, dataset, request, &trace).await;
        entry.fill(|event| {
            trace.tell(event);
            event.datasets.get_or_insert_with(|| dataset.to_string());
        });
        self.conclude(who, entry, &found, |event, (status, page)| {
            event.rows = Some(page.rows.len() as u64);
            event.cached = Some(is_cached(status.cache));
        });
        found
    }

    /// Ends the event of a query when the query ends, which may be after its asker was told to come back.
    fn settle_query(&self, who: &Principal, mut entry: Entry, asked: &Result<QueryStatus>) {
        let tell = |event: &mut AuditEvent, status: &QueryStatus| {
            event.rows = matches!(status.state, QueryState::Done).then_some(status.rows_total);
            event.cached = Some(is_cached(status.cache));
            event.milliseconds = Some(status.elapsed_ms);
            event.bytes = self.rooms().results.bytes(&status.id);
        };
        if let Ok(status) = asked {
            self.rooms().results.asked(who, &status.id);
            // Flights are bounded, and those who join one are not: they hold no place until it lands.
            let runs = !matches!(status.state, QueryState::Done) && status.cache != CacheOutcome::Shared;
            if runs && let Some(flight) = self.rooms().engine.find(&status.id) {
                entry.fill(|event| event.policy = Some(self.rooms().policies.known_version()));
                let (lake, who, cache) = (self.clone(), who.clone(), status.cache);
                tokio::spawn(async move {
                    let ended = flight.ended(cache).await;
                    lake.settle_query(&who, entry, &ended);
                });
                return;
            }
        }
        self.conclude(who, entry, asked, tell);
    }

    /// The principal's own latest queries, newest first.
    pub async fn recent_queries(&self, who: &Principal, limit: usize) -> Result<Vec<RecentQuery>> {
        recent::list(self, who, limit).await
    }
}

/// When a query began, by the clock and by the calendar.
#[derive(Debug, Clone, Copy)]
struct Begun {
    at: Instant,
    date: DateTime<Utc>,
}

impl Begun {
    fn now() -> Self {
        Self { at: Instant::now(), date: Utc::now() }
    }
}

fn done(id: &str, result: &StoredResult, cache: CacheOutcome, elapsed_ms: u64) -> QueryStatus {
    QueryStatus {
        id: id.to_owned(),
        state: QueryState::Done,
        columns: result.columns.clone(),
        rows_total: result.meta.rows,
        cache,
        datasets: result.meta.seen.iter().map(|s| (s.name.clone(), s.version)).collect(),
        elapsed_ms,
        started_at: result.meta.started_at,
    }
}

fn is_cached(cache: CacheOutcome) -> bool {
    matches!(cache, CacheOutcome::Hit(_) | CacheOutcome::Shared)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
