//! An ingest that is killed before and after every single write that it does, and again while the first death is being
//! mended. The store is an S3 server in this process, which counts what the real binary writes and kills it there.
//!
//! `TEST_KILLS` says how many processes are killed at least, 60 when absent. `crash.rs` kills at random moments.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../../../lake/tests/store/s3_server.rs"]
mod s3_server;
mod trial;

use std::{
    process::Child,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use s3_server::{Moment, S3Server};
use trial::Trial;

async fn ended(child: &mut Child) {
    while child.try_wait().unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Counts the writes that reach the store and kills the process at the one that is named.
#[derive(Debug, Default)]
struct Trap {
    writes: AtomicU32,
    /// The write, counted from 1, and whether it takes effect.
    at: Mutex<Option<(u32, Moment)>>,
    child: Mutex<Option<Child>>,
}

impl Trap {
    fn set(&self, at: Option<(u32, Moment)>, child: Option<Child>) {
        self.writes.store(0, SeqCst);
        *self.at.lock().unwrap() = at;
        *self.child.lock().unwrap() = child;
    }

    /// Whether the request is to break off, because who asked is dead.
    fn spring(&self, moment: Moment) -> bool {
        let n = match moment {
            Moment::Before => self.writes.fetch_add(1, SeqCst) + 1,
            Moment::After => self.writes.load(SeqCst),
        };
        let sprung = self.at.lock().unwrap().take_if(|at| *at == (n, moment)).is_some();
        if sprung && let Some(mut child) = self.child.lock().unwrap().take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        sprung
    }

    /// Runs an ingest into the trap. Whether it was killed; else it has ended.
    async fn run(&self, trial: &Trial, at: (u32, Moment)) -> bool {
        self.set(Some(at), None);
        // Held until the child is in its place: a fast one waits at its first write.
        {
            let mut place = self.child.lock().unwrap();
            *place = Some(trial.spawn());
        }
        loop {
            tokio::time::sleep(Duration::from_millis(2)).await;
            let mut place = self.child.lock().unwrap();
            let Some(child) = place.as_mut() else { return true };
            if child.try_wait().unwrap().is_some() {
                return false;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ingest_killed_before_and_after_each_write_lands_each_file_once() {
    let least: u32 = std::env::var("TEST_KILLS").map_or(60, |n| n.parse().expect("TEST_KILLS is a number"));
    let begun = std::time::Instant::now();
    let trap = Arc::new(Trap::default());
    let watch = Arc::clone(&trap);
    let server = S3Server::start(Some(Arc::new(move |moment| watch.spring(moment)))).await;
    let trial = |name: String| Trial::over(server.config(&format!("lake/{name}")), 7);
    let mut killed = 0;
    // Each step by itself.
    let mut steps = 0;
    'steps: for n in 1.. {
        for moment in [Moment::Before, Moment::After] {
            let trial = trial(format!("{n}-{moment:?}")).await;
            let hit = trap.run(&trial, (n, moment)).await;
            trap.set(None, None);
            trial.check_so_far().await;
            ended(&mut trial.spawn()).await;
            trial.check_end().await;
            if !hit {
                break 'steps;
            }
            killed += 1;
            steps = n;
        }
    }
    assert!(steps >= 15, "an ingest of these files writes more than {steps} objects");
    // Then a second death while the first is being mended.
    let mut rng = StdRng::seed_from_u64(5);
    for lap in 0.. {
        if killed >= least && lap >= 5 {
            break;
        }
        let trial = trial(format!("again-{lap}")).await;
        for _ in 0..4 {
            let moment = if rng.random() { Moment::Before } else { Moment::After };
            killed += u32::from(trap.run(&trial, (rng.random_range(1..=steps), moment)).await);
            trap.set(None, None);
            trial.check_so_far().await;
        }
        ended(&mut trial.spawn()).await;
        trial.check_end().await;
    }
    println!("{killed} processes killed, {:.0?}, at each of {steps} writes before and after it", begun.elapsed());
}
