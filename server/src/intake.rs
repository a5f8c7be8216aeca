//! Files that come in by request are held in memory while they are read: so many at a time, and of one person fewer.

use std::{sync::Arc, time::Duration};

use model::Principal;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::ApiProblem;

/// Files of all people at once.
const ALL: usize = 8;
/// Files of one person at once.
const EACH: usize = 2;
/// How long a file waits for its turn.
const PATIENCE: Duration = Duration::from_secs(20);

/// The gate.
#[derive(Debug)]
pub struct Intake {
    all: Arc<Semaphore>,
    people: moka::sync::Cache<String, Arc<Semaphore>>,
    patience: Duration,
}

/// Lets one file in until it is dropped.
#[derive(Debug)]
pub struct Pass {
    _one: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Default for Intake {
    fn default() -> Self {
        Self::new(PATIENCE)
    }
}

impl Intake {
    fn new(patience: Duration) -> Self {
        let people = moka::sync::Cache::builder().time_to_idle(Duration::from_secs(3600)).max_capacity(10_000).build();
        Self { all: Arc::new(Semaphore::new(ALL)), people, patience }
    }

    /// Waits for a turn. Whoever sends much waits behind itself, not before others.
    ///
    /// # Errors
    /// 429 when too many files are under way.
    pub async fn enter(&self, who: &Principal) -> Result<Pass, ApiProblem> {
        let busy = || ApiProblem::full(self.patience);
        let mine = self.people.get_with(who.key(), || Arc::new(Semaphore::new(EACH)));
        let turns = async {
            let _one = mine.acquire_owned().await.ok()?;
            let _of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Pass { _one, _of_all })
        };
        tokio::time::timeout(self.patience, turns).await.ok().flatten().ok_or_else(busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str) -> Principal {
        crate::auth::demo::person(name).expect("a demo person")
    }

    #[tokio::test]
    async fn one_person_cannot_take_every_place() {
        let intake = Intake::new(Duration::from_millis(50));
        let (many, other) = (person("partner-ua"), person("partner-dl"));
        let mut held = Vec::new();
        for _ in 0..EACH {
            held.push(intake.enter(&many).await.expect("has a turn"));
        }
        assert_eq!(intake.enter(&many).await.expect_err("waits in vain").status(), 429);
        intake.enter(&other).await.expect("others go on");
        held.pop();
        intake.enter(&many).await.expect("goes on too");
    }
}
