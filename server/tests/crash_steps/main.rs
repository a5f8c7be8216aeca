//! Ingests that are killed: at random moments, in company, and before and after every single write.
//!
//! The real binary takes a landing area and is sent SIGKILL; then it is started again, until it ends by itself. At no
//! moment may a reader see a part of a file, and in the end each file landed once and has one report.
//!
//! `PENSTOCK_KILLS` says how many processes are killed, 200 when absent.
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
    time::{Duration, Instant},
};

use lake::StoreConfig;
use rand::{Rng, SeedableRng, rngs::StdRng};
use s3_server::{Moment, S3Server};
use trial::Trial;

/// Of the kills that are asked for, the given part of ten.
fn kills(tenths: u32) -> u32 {
    let all = std::env::var("PENSTOCK_KILLS").map_or(200, |n| n.parse().expect("PENSTOCK_KILLS is a number"));
    (all * tenths).div_ceil(10)
}

/// How long a whole ingest takes here and now.
async fn whole(trial: Trial) -> Duration {
    let begun = Instant::now();
    let mut child = trial.spawn();
    ended(&mut child).await;
    let took = begun.elapsed();
    trial.check_end().await;
    took
}

async fn ended(child: &mut Child) {
    while child.try_wait().unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Kills the processes after `delay`, looking at the lake meanwhile. How many were still at work.
async fn kill_after(trial: &Trial, mut children: Vec<Child>, delay: Duration) -> u32 {
    let begun = Instant::now();
    trial.check_so_far().await;
    tokio::time::sleep(delay.saturating_sub(begun.elapsed())).await;
    let mut killed = 0;
    for child in &mut children {
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            child.wait().unwrap();
            killed += 1;
        }
    }
    trial.check_so_far().await;
    killed
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ingest_killed_at_random_moments_lands_each_file_once() {
    let mut rng = StdRng::seed_from_u64(3);
    let took = whole(Trial::in_folder(0)).await;
    let (mut killed, mut trials) = (0, 0);
    while killed < kills(6) {
        trials += 1;
        let trial = Trial::in_folder(trials);
        // Each start gets further; the last one is let alone, so that a slow machine comes to an end too.
        for _ in 0..rng.random_range(1..12) {
            let delay = took.mul_f64(rng.random_range(0.1..1.1));
            killed += kill_after(&trial, vec![trial.spawn()], delay).await;
        }
        ended(&mut trial.spawn()).await;
        trial.check_end().await;
    }
    println!("{killed} processes killed in {trials} lakes");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_over_one_landing_area_killed_or_not_land_each_file_once() {
    let mut rng = StdRng::seed_from_u64(4);
    let took = whole(Trial::in_folder(0)).await;
    let (mut killed, mut trials) = (0, 0);
    while killed < kills(2) {
        trials += 1;
        let trial = Trial::in_folder(1_000 + trials);
        for _ in 0..rng.random_range(0..6) {
            let pair = vec![trial.spawn(), trial.spawn()];
            killed += kill_after(&trial, pair, took.mul_f64(rng.random_range(0.2..1.6))).await;
        }
        let (mut one, mut two) = (trial.spawn(), trial.spawn());
        ended(&mut one).await;
        ended(&mut two).await;
        trial.check_end().await;
    }
    println!("{killed} processes killed in {trials} lakes");
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
    assert!(steps >= 20, "an ingest of these files writes more than {steps} objects");
    // Then a second death while the first is being mended.
    let mut rng = StdRng::seed_from_u64(5);
    for lap in 0.. {
        if killed >= kills(2) && lap >= 5 {
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
    println!("{killed} processes killed, at each of {steps} writes before and after it");
}

/// The settings by which the command line finds a store.
fn options(config: &StoreConfig) -> Option<(String, String)> {
    let StoreConfig::Url { url, options } = config else { return None };
    let options: Vec<String> = options.iter().map(|(key, value)| format!("{key}={value}")).collect();
    Some((url.to_string(), options.join(",")))
}
