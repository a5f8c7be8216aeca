//! Events on their way: each has a place from before it begins until it is written.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use model::AuditEvent;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::Entry;
use crate::{LakeError, Result};

/// How long an event that has ended waits for others.
const EACH: Duration = Duration::from_secs(1);
/// So many do not wait.
const ENOUGH: usize = 500;
/// Between two looks of whoever waits for the end.
const LOOK: Duration = Duration::from_millis(5);

/// Events that are not in the table.
#[derive(Debug)]
pub(crate) struct Buffer {
    size: usize,
    places: Arc<Semaphore>,
    ended: Mutex<Vec<Ended>>,
    came: Notify,
    /// How many wait for all to be written.
    hurry: AtomicUsize,
}

/// An event that has ended, with its place.
#[derive(Debug)]
pub(super) struct Ended {
    pub event: AuditEvent,
    _place: OwnedSemaphorePermit,
}

impl Buffer {
    pub fn new(size: usize) -> Self {
        let (places, ended) = (Arc::new(Semaphore::new(size)), Mutex::default());
        Self { size, places, ended, came: Notify::new(), hurry: AtomicUsize::new(0) }
    }

    /// A place for an event that begins.
    pub fn enter(self: &Arc<Self>, event: AuditEvent) -> Result<Entry> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            tracing::error!(waiting = self.size, "the audit is full; what it would have to tell of is refused");
            LakeError::Unaudited
        })?;
        Ok(Entry::new(event, place, Arc::clone(self)))
    }

    pub(super) fn add(&self, event: AuditEvent, place: OwnedSemaphorePermit) {
        let mut ended = self.ended();
        ended.push(Ended { event, _place: place });
        if ended.len() == 1 || ended.len() >= ENOUGH {
            self.came.notify_one();
        }
    }

    /// Events to write next, once there are some; `most` at most.
    pub(super) async fn next(&self, most: usize) -> Vec<Ended> {
        while self.ended().is_empty() {
            self.came.notified().await;
        }
        let last = Instant::now() + EACH;
        while self.ended().len() < ENOUGH && self.hurry.load(Ordering::Acquire) == 0 {
            if tokio::time::timeout_at(last, self.came.notified()).await.is_err() {
                break;
            }
        }
        let mut ended = self.ended();
        let count = most.min(ended.len());
        ended.drain(..count).collect()
    }

    /// Resolves when nothing waits and nothing is under way.
    pub async fn flushed(&self) {
        let _hurry = Hurry::new(self);
        while self.held() > 0 {
            self.came.notify_one();
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Places that are taken.
    pub fn held(&self) -> usize {
        self.size - self.places.available_permits()
    }

    fn ended(&self) -> std::sync::MutexGuard<'_, Vec<Ended>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Someone waits for all events to be written, for as long as this lives.
struct Hurry<'a>(&'a Buffer);

impl<'a> Hurry<'a> {
    fn new(buffer: &'a Buffer) -> Self {
        buffer.hurry.fetch_add(1, Ordering::AcqRel);
        Self(buffer)
    }
}

impl Drop for Hurry<'_> {
    fn drop(&mut self) {
        self.0.hurry.fetch_sub(1, Ordering::AcqRel);
    }
}
