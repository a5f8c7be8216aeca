//! Who may run: so many at once, so many waiting, the rest are told at once to come back.
//!
//! A freed place goes to whoever runs the fewest queries; a full waiting room makes room for someone who has nothing
//! in it at the cost of the newest query of whoever has most.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;

use crate::{LakeError, Result};

const RETRY_AFTER: Duration = Duration::from_secs(2);

/// The gate. Cheap to clone.
#[derive(Clone)]
pub(super) struct Admission {
    running: usize,
    waiting: usize,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    running: usize,
    of: HashMap<String, usize>,
    queue: Vec<Waiter>,
}

struct Waiter {
    who: String,
    turn: oneshot::Sender<Permit>,
}

/// The right to run one query, until it is dropped.
pub(super) struct Permit {
    gate: Admission,
    who: String,
}

impl Admission {
    pub(super) fn new(running: usize, waiting: usize) -> Self {
        Self { running: running.max(1), waiting, state: Arc::default() }
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// [`LakeError::Busy`], at once or when someone with less in the queue took the place.
    pub(super) async fn enter(&self, who: &str) -> Result<Permit> {
        let busy = || LakeError::Busy { retry_after: RETRY_AFTER };
        let turn = {
            let mut state = self.lock();
            if state.running < self.running {
                state.begin(who);
                return Ok(Permit { gate: self.clone(), who: who.to_owned() });
            }
            state.queue.retain(|w| !w.turn.is_closed());
            if state.queue.len() >= self.waiting && !state.make_room(who) {
                return Err(busy());
            }
            let (turn, mine) = oneshot::channel();
            state.queue.push(Waiter { who: who.to_owned(), turn });
            mine
        };
        turn.await.map_err(|_| busy())
    }

    #[cfg(test)]
    pub(super) fn running(&self) -> usize {
        self.lock().running
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn begin(&mut self, who: &str) {
        self.running += 1;
        *self.of.entry(who.to_owned()).or_default() += 1;
    }

    fn end(&mut self, who: &str) {
        self.running -= 1;
        if let Some(n) = self.of.get_mut(who) {
            *n -= 1;
            if *n == 0 {
                self.of.remove(who);
            }
        }
    }

    /// The waiter whose principal runs the fewest; the earliest among these.
    fn next(&mut self) -> Option<Waiter> {
        let running = |w: &Waiter| self.of.get(&w.who).copied().unwrap_or_default();
        let (at, _) = self.queue.iter().enumerate().min_by_key(|(_, w)| running(w))?;
        Some(self.queue.remove(at))
    }

    fn make_room(&mut self, newcomer: &str) -> bool {
        let mut waiting: HashMap<&str, usize> = HashMap::new();
        for waiter in &self.queue {
            *waiting.entry(&waiter.who).or_default() += 1;
        }
        if waiting.contains_key(newcomer) {
            return false;
        }
        let Some((greediest, _)) = waiting.into_iter().filter(|(_, n)| *n > 1).max_by_key(|(_, n)| *n) else {
            return false;
        };
        let Some(newest) = self.queue.iter().rposition(|w| w.who == greediest) else { return false };
        self.queue.remove(newest);
        true
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let next = {
            let mut state = self.gate.lock();
            state.end(&self.who);
            let next = state.next();
            if let Some(next) = &next {
                state.begin(&next.who);
            }
            next
        };
        if let Some(Waiter { who, turn }) = next {
            // A waiter that has gone gives the permit back here, outside of the lock, and the next one gets it.
            drop(turn.send(Self { gate: self.gate.clone(), who }));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn d_07_so_many_run_so_many_wait_the_rest_are_told_at_once() {
        let gate = Admission::new(3, 5);
        let mut inside: Vec<_> = (0..200).map(|i| Box::pin(gate.enter(if i % 2 == 0 { "a" } else { "b" }))).collect();
        let mut permits = Vec::new();
        let (mut refused, mut left) = (0, Vec::new());
        for mut entering in inside.drain(..) {
            match entering.as_mut().now_or_never() {
                Some(Ok(permit)) => permits.push(permit),
                Some(Err(LakeError::Busy { .. })) => refused += 1,
                Some(Err(e)) => panic!("{e}"),
                None => left.push(entering),
            }
        }
        assert_eq!((permits.len(), left.len(), refused), (3, 5, 192));
        drop(permits);
        for waiting in left {
            waiting.await.unwrap();
        }
        assert_eq!(gate.running(), 0);
    }

    #[tokio::test]
    async fn one_person_cannot_fill_the_waiting_room() {
        let gate = Admission::new(1, 2);
        let running = gate.enter("greedy").await.unwrap();
        let mut first = Box::pin(gate.enter("greedy"));
        let mut second = Box::pin(gate.enter("greedy"));
        assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
        let mut other = Box::pin(gate.enter("other"));
        assert!(other.as_mut().now_or_never().is_none());
        assert!(matches!(second.await, Err(LakeError::Busy { .. })));
        drop(running);
        drop(first.await.unwrap());
        other.await.unwrap();
    }

    #[tokio::test]
    async fn a_waiter_that_goes_away_does_not_keep_its_place() {
        let gate = Admission::new(1, 1);
        let running = gate.enter("a").await.unwrap();
        let mut gone = Box::pin(gate.enter("a"));
        assert!(gone.as_mut().now_or_never().is_none());
        drop(gone);
        let mut next = Box::pin(gate.enter("b"));
        assert!(next.as_mut().now_or_never().is_none());
        drop(running);
        drop(next.await.unwrap());
        assert_eq!(gate.running(), 0);
    }
}
