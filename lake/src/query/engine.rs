//! [`Engine`]: runtimes, admission, shared memory and what is in flight.

use std::{
    fmt,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use dashmap::{DashMap, Entry};
use datafusion::execution::{
    disk_manager::{DiskManager, DiskManagerBuilder, DiskManagerMode},
    memory_pool::{FairSpillPool, MemoryPool, TrackConsumersPool},
};
use model::{CacheOutcome, CacheTier, Cell, QueryStatus};
use tokio::{runtime::Handle, task::JoinError};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Begun,
    admission::Admission,
    done,
    flight::{Flight, State, Ticket},
    key, millis, run,
    runtime::{Handles, Runtimes},
};
use crate::{
    LakeError, Limits, Result,
    govern::GovernedPlan,
    result::{Results, Seen, Shape, owner_of},
};

/// How long the end of a query can be asked for, and of how many queries.
const REMEMBERED: (Duration, u64) = (Duration::from_secs(600), 10_000);

/// Texts that may be in planning at once, for each that may run or wait.
const PLANNING: usize = 4;

/// What runs queries: the CPU runtime, admission, what is in flight.
pub struct Engine {
    shared: Arc<Shared>,
    _runtimes: Runtimes,
}

/// What a flight needs, without the threads that it runs on: so it never is the one to stop them.
pub(super) struct Shared {
    pub limits: Limits,
    pub memory: Arc<dyn MemoryPool>,
    pub disk: Arc<DiskManager>,
    handles: Handles,
    admission: Admission,
    planning: AtomicUsize,
    flights: DashMap<[u8; 32], Arc<Flight>>,
    landed: moka::sync::Cache<String, Arc<Flight>>,
}

/// A plan that is ready to be answered.
pub(super) struct Prepared {
    pub plan: GovernedPlan,
    pub key: [u8; 32],
    pub volatile: bool,
    pub shape: Shape,
    pub seen: Vec<Seen>,
}

/// One request for an answer.
pub(super) struct Ask {
    pub who: String,
    pub prepared: Prepared,
    pub begun: Begun,
    pub wait: Duration,
}

impl Engine {
    /// Starts the threads.
    ///
    /// # Errors
    /// [`LakeError::Internal`] when the system gives no threads.
    pub fn new(limits: &Limits) -> Result<Self> {
        let runtimes = Runtimes::start()?;
        let disk = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::OsTmpDirectory)
            .with_max_temp_directory_size(limits.spill)
            .build()
            .map_err(|e| LakeError::Internal { detail: format!("spill folder: {e}"), source: Some(e.into()) })?;
        let top = NonZeroUsize::new(3).unwrap_or(NonZeroUsize::MIN);
        let shared = Shared {
            limits: limits.clone(),
            memory: Arc::new(TrackConsumersPool::new(FairSpillPool::new(limits.memory), top)),
            disk: Arc::new(disk),
            handles: runtimes.handles.clone(),
            admission: Admission::new(limits.running, limits.waiting),
            planning: AtomicUsize::new(0),
            flights: DashMap::new(),
            landed: moka::sync::Cache::builder().max_capacity(REMEMBERED.1).time_to_live(REMEMBERED.0).build(),
        };
        Ok(Self { shared: Arc::new(shared), _runtimes: runtimes })
    }

    /// The threads for planning, encoding and decoding.
    pub(crate) fn desk(&self) -> &Handle {
        &self.shared.handles.desk
    }

    /// Does short CPU work on a big stack; dropped, the work ends at its next await.
    ///
    /// # Errors
    /// [`LakeError::Internal`] when the work panics; the process goes on.
    pub(crate) async fn at_desk<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Result<T> {
        AbortOnDropHandle::new(self.desk().spawn(work)).await.map_err(panicked)
    }

    /// Plans within the query's time, or refuses at once when too many texts are in planning.
    pub(super) async fn plan<T: Send + 'static>(
        &self,
        begun: Instant,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let limits = &self.shared.limits;
        let _counted = Counted::enter(&self.shared.planning, PLANNING * (limits.running + limits.waiting))?;
        let left = limits.query_time.saturating_sub(begun.elapsed());
        tokio::time::timeout(left, self.at_desk(work)).await.unwrap_or_else(|_| Err(too_long(limits)))?
    }

    /// A query by id: in flight or landed lately.
    pub(super) fn find(&self, id: &str) -> Option<Arc<Flight>> {
        let flying = self.shared.flights.iter().find(|f| f.id == id).map(|f| Arc::clone(f.value()));
        flying.or_else(|| self.shared.landed.get(id))
    }

    /// Whether there is a query of this id, in flight or landed lately.
    pub(crate) fn knows(&self, id: &str) -> bool {
        self.find(id).is_some()
    }

    #[cfg(test)]
    pub(super) fn running(&self) -> usize {
        self.shared.admission.running()
    }

    /// Finds the answer in memory, joins who else waits for it, or sets out for it.
    pub(super) async fn answer(&self, results: &Results, ask: Ask) -> Result<QueryStatus> {
        let Ask { who, prepared, begun, wait } = ask;
        let id = results.id(&prepared.key);
        let key = prepared.key;
        let hit = || {
            let found = results.in_memory(&key)?;
            Some(done(&id, &found, CacheOutcome::Hit(CacheTier::Memory), millis(begun.at.elapsed())))
        };
        if let Some(hit) = hit() {
            return Ok(hit);
        }
        let (ticket, cache) = match self.shared.flights.entry(key) {
            Entry::Occupied(mut flying) => match flying.get().join(&who) {
                Some(ticket) => (ticket, CacheOutcome::Shared),
                None => {
                    let (ticket, cache) = self.set_out(results, id.clone(), who, prepared, begun)?;
                    flying.insert(Arc::clone(&ticket.flight));
                    (ticket, cache)
                }
            },
            Entry::Vacant(free) => {
                // It may have landed since the look above.
                if let Some(hit) = hit() {
                    return Ok(hit);
                }
                let (ticket, cache) = self.set_out(results, id.clone(), who, prepared, begun)?;
                free.insert(Arc::clone(&ticket.flight));
                (ticket, cache)
            }
        };
        ticket.wait(wait, cache).await
    }

    /// Starts a flight with its first ticket. Called under the lock of its place in the map, so that it cannot land
    /// before it is there.
    fn set_out(
        &self,
        results: &Results,
        id: String,
        who: String,
        prepared: Prepared,
        begun: Begun,
    ) -> Result<(Ticket, CacheOutcome)> {
        let Prepared { plan, key, volatile, shape, seen } = prepared;
        let mut flight = Flight::new(id, key, begun, shape.columns.clone(), seen);
        flight.owner = volatile.then(|| owner_of(&who));
        let flight = Arc::new(flight);
        let ticket = flight.join(&who).ok_or(LakeError::Cancelled)?;
        let trip = Trip { shared: Arc::clone(&self.shared), results: results.clone(), flight, who, volatile };
        self.shared.handles.clock.spawn(trip.fly(plan, shape));
        Ok((ticket, if volatile { CacheOutcome::Bypass } else { CacheOutcome::Miss }))
    }
}

impl Prepared {
    /// Takes the key. Recurses as deep as the plan: only at the desk.
    pub(super) fn new(plan: GovernedPlan, params: &serde_json::Map<String, Cell>, seen: Vec<Seen>) -> Result<Self> {
        let (key, volatile) = key::of(&plan, params)?;
        let shape = Shape::of(plan.logical.schema().as_arrow());
        Ok(Self { plan, key, volatile, shape, seen })
    }
}

/// A flight's way from take-off to landing, on the clock.
struct Trip {
    shared: Arc<Shared>,
    results: Results,
    flight: Arc<Flight>,
    who: String,
    volatile: bool,
}

impl Trip {
    async fn fly(self, plan: GovernedPlan, shape: Shape) {
        let (flight, limits) = (&self.flight, &self.shared.limits);
        let deadline = flight.started + limits.query_time;
        let outcome = tokio::select! {
            biased;
            () = flight.stop.asked() => Err(LakeError::Cancelled),
            () = tokio::time::sleep_until(deadline.into()) => Err(too_long(limits)),
            outcome = self.find_or_run(plan, shape) => outcome,
        };
        // For what goes on computing after its task was given up.
        flight.stop.now();
        let elapsed_ms = millis(flight.started.elapsed());
        let state = match outcome {
            Ok(cache) => State::Done { cache, elapsed_ms },
            Err(LakeError::Cancelled) => State::Cancelled,
            Err(e) => {
                if let LakeError::Internal { detail, .. } = &e {
                    tracing::error!(query = flight.id, detail, "a query failed through a fault of ours");
                }
                State::Failed(Arc::new(e))
            }
        };
        // In this order: whoever looks finds the answer in memory, the flight, or both.
        self.shared.landed.insert(flight.id.clone(), Arc::clone(flight));
        flight.set(state);
        self.shared.flights.remove_if(&flight.key, |_, f| Arc::ptr_eq(f, flight));
    }

    async fn find_or_run(&self, plan: GovernedPlan, shape: Shape) -> Result<CacheOutcome> {
        let (flight, results, key) = (&self.flight, &self.results, self.flight.key);
        if !self.volatile {
            let stored = results.clone();
            let look = self.shared.handles.desk.spawn(async move { stored.in_store(&key).await });
            match AbortOnDropHandle::new(look).await.map_err(panicked)? {
                Ok(Some(found)) => {
                    flight.rows.store(found.meta.rows, Ordering::Relaxed);
                    return Ok(CacheOutcome::Hit(CacheTier::Store));
                }
                Ok(None) => {}
                // The answer may still be had from what is at hand.
                Err(e) => tracing::warn!(error = ?e, "stored results cannot be read"),
            }
        }
        let permit = self.shared.admission.enter(&self.who).await?;
        flight.set(State::Running);
        let (shared, results, flight) = (Arc::clone(&self.shared), results.clone(), Arc::clone(flight));
        let work = self.shared.handles.cpu.spawn(async move {
            // Held until the work has really ended, however it ends.
            let _permit = permit;
            let result = Arc::new(run::run(&shared, &flight, plan, shape).await?);
            results.keep(&flight.key, &result).await
        });
        AbortOnDropHandle::new(work).await.map_err(panicked)??;
        Ok(if self.volatile { CacheOutcome::Bypass } else { CacheOutcome::Miss })
    }
}

/// One text in planning.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn enter(count: &'a AtomicUsize, limit: usize) -> Result<Self> {
        let counted = Self(count);
        if count.fetch_add(1, Ordering::Relaxed) >= limit {
            return Err(LakeError::Busy { retry_after: Duration::from_secs(1) });
        }
        Ok(counted)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn too_long(limits: &Limits) -> LakeError {
    let seconds = limits.query_time.as_secs_f64();
    LakeError::Limit { message: format!("the query took longer than {seconds} s and was stopped; ask for less of it") }
}

fn panicked(e: JoinError) -> LakeError {
    if e.is_cancelled() {
        return LakeError::Cancelled;
    }
    let panic = e.into_panic();
    let said =
        panic.downcast_ref::<&str>().map(|s| (*s).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    LakeError::internal(format!("a query panicked: {}", said.unwrap_or_else(|| "without a message".into())))
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Engine({} in flight)", self.shared.flights.len())
    }
}
