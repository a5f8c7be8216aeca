//! Work for a processor, so many pieces at once.

use std::sync::Arc;

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinError,
};

/// A place among those that work. Work that has begun keeps it to the end, also when nobody waits for that any more: a
/// request that is broken off makes no room before its work has ended.
pub(super) struct Turn(Option<Arc<OwnedSemaphorePermit>>);

impl Turn {
    /// Waits for a place.
    pub async fn of(turns: &Arc<Semaphore>) -> Self {
        // The semaphores are never closed.
        Self(Arc::clone(turns).acquire_owned().await.ok().map(Arc::new))
    }

    /// Does the work off the threads of requests.
    pub async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, JoinError> {
        let turn = self.0.clone();
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        })
        .await
    }
}

/// Does the work when there is a place for it.
pub(super) async fn in_turn<T: Send + 'static>(
    turns: &Arc<Semaphore>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    Turn::of(turns).await.work(work).await
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use super::*;

    #[tokio::test]
    async fn work_that_nobody_waits_for_keeps_its_turn() {
        let turns = Arc::new(Semaphore::new(1));
        let (go_on, wait) = mpsc::channel::<()>();
        let request = in_turn(&turns, move || wait.recv());
        assert!(tokio::time::timeout(Duration::from_millis(50), request).await.is_err(), "it is broken off");
        assert_eq!(turns.available_permits(), 0);
        let next = in_turn(&turns, || 7);
        tokio::pin!(next);
        assert!(tokio::time::timeout(Duration::from_millis(50), &mut next).await.is_err());
        go_on.send(()).unwrap();
        assert_eq!(next.await.unwrap(), 7);
    }
}
