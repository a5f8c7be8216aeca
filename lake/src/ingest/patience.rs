//! How long the watcher leaves a dataset alone whose files could not be taken: twice as long each time. What mends itself
//! is gone on with soon, and what only a person can mend costs little until then.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use model::DatasetName;

const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Patience(Mutex<HashMap<DatasetName, Wait>>);

#[derive(Debug, Clone, Copy)]
struct Wait {
    until: Instant,
    long: Duration,
}

impl Patience {
    /// Whether the dataset's files are to be tried at that time.
    pub fn is_over(&self, dataset: &DatasetName, now: Instant) -> bool {
        // What cannot be known keeps nothing from landing.
        self.0.lock().map_or(true, |waits| waits.get(dataset).is_none_or(|wait| wait.until <= now))
    }

    /// Waits, longer than the last time; returns how long.
    pub fn grow(&self, dataset: &DatasetName, now: Instant) -> Duration {
        let Ok(mut waits) = self.0.lock() else { return FIRST };
        let long = waits.get(dataset).map_or(FIRST, |wait| (wait.long * 2).min(LONGEST));
        waits.insert(dataset.clone(), Wait { until: now + long, long });
        long
    }

    /// Its files could be taken.
    pub fn end(&self, dataset: &DatasetName) {
        if let Ok(mut waits) = self.0.lock() {
            waits.remove(dataset);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_doubles_the_wait_of_its_dataset_alone() {
        let (patience, begin) = (Patience::default(), Instant::now());
        let [broken, fine] = ["ops.broken", "ops.fine"].map(|name| name.parse().expect("is a name"));
        let mut now = begin;
        for seconds in [2, 4, 8, 16, 32, 60, 60] {
            assert!(patience.is_over(&broken, now), "{seconds}");
            assert_eq!(patience.grow(&broken, now), Duration::from_secs(seconds));
            now += Duration::from_secs(seconds);
            assert!(!patience.is_over(&broken, now - Duration::from_millis(1)), "{seconds}");
            assert!(patience.is_over(&fine, begin));
        }
        patience.end(&broken);
        assert!(patience.is_over(&broken, begin));
        assert_eq!(patience.grow(&broken, now), FIRST, "a new failure begins anew");
    }
}
