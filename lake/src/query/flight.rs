//! One query in flight: who waits for it, how far it is, how it ended.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use model::{CacheOutcome, Column, QueryState, QueryStatus};
use tokio::sync::watch;

use super::{Begun, cancel::Stop, millis};
use crate::{LakeError, Result, result::Seen};

/// A query that runs, or ran lately. Holds no rows.
#[derive(Debug)]
pub(super) struct Flight {
    pub id: String,
    pub key: [u8; 32],
    /// Whose alone it is, hashed, when the query is volatile.
    pub owner: Option<String>,
    pub seen: Vec<Seen>,
    pub columns: Vec<Column>,
    pub started_at: DateTime<Utc>,
    pub started: Instant,
    /// Rows of the result so far.
    pub rows: AtomicU64,
    pub stop: Stop,
    state: watch::Sender<State>,
    interest: Mutex<Interest>,
}

#[derive(Debug, Clone)]
pub(super) enum State {
    Queued,
    Running,
    Done { cache: CacheOutcome, elapsed_ms: u64 },
    Failed(Arc<LakeError>),
    Cancelled,
}

/// Who would miss the answer.
#[derive(Debug, Default)]
struct Interest {
    /// Nobody can join any more: it was stopped.
    closed: bool,
    /// Open requests of each principal.
    waiting: HashMap<String, usize>,
    /// Principals that were told to come back for the answer.
    left_running: HashSet<String>,
}

/// One request that waits for a flight. Dropped before the end, it takes its interest along.
pub(super) struct Ticket {
    pub flight: Arc<Flight>,
    who: String,
    settled: bool,
}

impl Flight {
    pub(super) fn new(id: String, key: [u8; 32], begun: Begun, columns: Vec<Column>, seen: Vec<Seen>) -> Self {
        Self {
            id,
            key,
            owner: None,
            seen,
            columns,
            started_at: begun.date,
            started: begun.at,
            rows: AtomicU64::new(0),
            stop: Stop::default(),
            state: watch::Sender::new(State::Queued),
            interest: Mutex::default(),
        }
    }

    /// `None` when it was stopped meanwhile.
    pub(super) fn join(self: &Arc<Self>, who: &str) -> Option<Ticket> {
        let mut interest = self.interest();
        if interest.closed {
            return None;
        }
        *interest.waiting.entry(who.to_owned()).or_default() += 1;
        Some(Ticket { flight: Arc::clone(self), who: who.to_owned(), settled: false })
    }

    /// The principal no longer wants the answer, in any of its requests.
    pub(super) fn give_up(&self, who: &str) {
        let mut interest = self.interest();
        interest.waiting.remove(who);
        interest.left_running.remove(who);
        self.stop_if_unwanted(&mut interest);
    }

    pub(super) fn set(&self, state: State) {
        self.state.send_replace(state);
    }

    /// How it stands, with the asker's own word for where the answer came from.
    pub(super) fn status(&self, cache: CacheOutcome) -> Result<QueryStatus> {
        let now = self.state.borrow().clone();
        let (state, cache, elapsed_ms) = match now {
            State::Queued => (QueryState::Queued, cache, millis(self.started.elapsed())),
            State::Running => (QueryState::Running, cache, millis(self.started.elapsed())),
            State::Cancelled => (QueryState::Cancelled, cache, millis(self.started.elapsed())),
            State::Done { cache: made, elapsed_ms } => {
                (QueryState::Done, if made == CacheOutcome::Miss { cache } else { made }, elapsed_ms)
            }
            State::Failed(e) => return Err(again(&e)),
        };
        Ok(QueryStatus {
            id: self.id.clone(),
            state,
            columns: self.columns.clone(),
            rows_total: self.rows.load(Ordering::Relaxed),
            cache,
            datasets: self.seen.iter().map(|s| (s.name.clone(), s.version)).collect(),
            elapsed_ms,
            started_at: self.started_at,
        })
    }

    /// How it ended, once it has.
    pub(super) async fn ended(&self, cache: CacheOutcome) -> Result<QueryStatus> {
        let mut state = self.state.subscribe();
        // The flight itself holds the sender.
        let _ = state.wait_for(State::over).await;
        match self.status(cache)? {
            QueryStatus { state: QueryState::Cancelled, .. } => Err(LakeError::Cancelled),
            status => Ok(status),
        }
    }

    fn stop_if_unwanted(&self, interest: &mut Interest) {
        if interest.waiting.is_empty() && interest.left_running.is_empty() {
            interest.closed = true;
            self.stop.now();
        }
    }

    fn interest(&self) -> MutexGuard<'_, Interest> {
        self.interest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn over(&self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

impl Ticket {
    /// Waits for the end, at most so long; then the flight goes on without this request.
    pub(super) async fn wait(mut self, at_most: Duration, cache: CacheOutcome) -> Result<QueryStatus> {
        let mut state = self.flight.state.subscribe();
        let over = tokio::time::timeout(at_most, state.wait_for(State::over)).await.is_ok();
        if !over {
            self.flight.interest().left_running.insert(self.who.clone());
        }
        let status = self.flight.status(cache)?;
        self.settled |= over;
        match status.state {
            QueryState::Cancelled => Err(LakeError::Cancelled),
            _ => Ok(status),
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let mut interest = self.flight.interest();
        if let Some(n) = interest.waiting.get_mut(&self.who) {
            *n -= 1;
            if *n == 0 {
                interest.waiting.remove(&self.who);
            }
        }
        self.flight.stop_if_unwanted(&mut interest);
    }
}

/// The same error for one more person.
fn again(e: &LakeError) -> LakeError {
    match e {
        LakeError::NotFound { what, name } => LakeError::NotFound { what, name: name.clone() },
        LakeError::Forbidden { message } => LakeError::Forbidden { message: message.clone() },
        LakeError::Invalid { message } => LakeError::Invalid { message: message.clone() },
        LakeError::InvalidSql { message, line, column, hint } => {
            LakeError::InvalidSql { message: message.clone(), line: *line, column: *column, hint: hint.clone() }
        }
        LakeError::Limit { message } => LakeError::Limit { message: message.clone() },
        LakeError::Busy { retry_after } => LakeError::Busy { retry_after: *retry_after },
        LakeError::Unaudited => LakeError::Unaudited,
        LakeError::Cancelled => LakeError::Cancelled,
        LakeError::PolicyUnreadable => LakeError::PolicyUnreadable,
        LakeError::Conflict { what } => LakeError::Conflict { what },
        LakeError::Foreign { message } => LakeError::Foreign { message: message.clone() },
        LakeError::Config { message } => LakeError::Config { message: message.clone() },
        LakeError::Store { source } => LakeError::Store { source: source.to_string().into() },
        LakeError::Internal { detail, .. } => LakeError::internal(detail),
    }
}
