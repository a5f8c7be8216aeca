//! `penstock ingest`, killed at random moments and run again, alone and two at a time: every row lands once, no file is
//! ever half visible, and each arrival ends with one report.
//!
//! `TEST_KILLS` says how often; 200 when absent.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use lake::{Lake, LakeConfig, StoreConfig};
use model::{IngestFilter, IngestState, Principal, QueryRequest};
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Good rows of each file; one more goes to the quarantine.
const ROWS: u64 = 40;
/// Files that arrive in each round, in two datasets.
const FILES: u64 = 4;
/// Kills of each round, before a run that may end.
const KILLS: u64 = 5;

const POLICY: &str = "[[grant]]\nto = [\"group:staff\"]\non = [\"*\"]\nmay = [\"read\", \"own\"]\n";

#[tokio::test(flavor = "multi_thread")]
async fn e_05_killed_at_any_moment_every_row_lands_once() {
    let kills: u64 = std::env::var("TEST_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("policy.toml"), POLICY).unwrap();
    let mut rng = StdRng::seed_from_u64(kills);
    let mut expected: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    let lake = open(folder.path()).await;
    let mut whole = Duration::ZERO;
    let mut killed = 0;
    for round in 0.. {
        for file in round * FILES..(round + 1) * FILES {
            let dataset = if file % 2 == 0 { "even" } else { "odd" };
            drop_file(folder.path(), dataset, file);
            expected.entry(dataset).or_default().insert(file);
        }
        // The first round is left alone, and says how long one takes.
        for kill in 0..if round == 0 { 0 } else { KILLS } {
            // One at a time, then two at once of which one is killed.
            let mut other = (kill % 2 == 1).then(|| ingest(folder.path()));
            let mut child = ingest(folder.path());
            std::thread::sleep(whole.mul_f64(rng.random_range(0.0..1.0)));
            // Ended by itself already: then there was nothing to kill.
            if child.try_wait().unwrap().is_none() {
                child.kill().unwrap();
                killed += 1;
            }
            child.wait().unwrap();
            if let Some(other) = &mut other {
                assert!(other.wait().unwrap().success());
            }
            for (dataset, files) in &expected {
                let seen = rows_by_file(&lake, dataset).await;
                assert!(seen.iter().all(|(file, n)| *n == ROWS && files.contains(file)), "{dataset}: {seen:?}");
            }
        }
        let begun = Instant::now();
        assert!(ingest(folder.path()).wait().unwrap().success());
        if round == 0 {
            whole = begun.elapsed();
        }
        check(&lake, &expected).await;
        if killed >= kills {
            break;
        }
    }
    println!("{killed} kills, {} files", expected.values().map(BTreeSet::len).sum::<usize>());
}

/// Nothing is missing, nothing is twice, and every file has exactly one arrival that landed.
async fn check(lake: &Lake, expected: &BTreeMap<&str, BTreeSet<u64>>) {
    let who = staff();
    for (dataset, files) in expected {
        let seen = rows_by_file(lake, dataset).await;
        assert_eq!(seen.keys().copied().collect::<BTreeSet<_>>(), *files, "{dataset}");
        assert!(seen.values().all(|n| *n == ROWS), "{dataset}: {seen:?}");
        let filter = IngestFilter { unit: Some("ops".into()), dataset: Some((*dataset).into()), state: None };
        let mut landed = BTreeSet::new();
        for report in lake.ingests(&who, filter).await.unwrap() {
            assert_eq!(report.state, IngestState::Landed, "{report:?}");
            assert_eq!((report.rows.landed, report.rows.quarantined), (ROWS, 1), "{report:?}");
            assert_eq!(lake.quarantine(&who, &report.id).await.unwrap().len(), 1);
            assert!(landed.insert(report.file.clone()), "{} arrived twice", report.file);
        }
        // One listing gives the newest; the older ones were checked in their rounds.
        assert!(landed.len() == files.len() || landed.len() == 500, "{} of {}", landed.len(), files.len());
    }
}

async fn rows_by_file(lake: &Lake, dataset: &str) -> BTreeMap<u64, u64> {
    let mut request =
        QueryRequest::new(format!("select file, count(distinct id), count(*) from ops.{dataset} group by file"));
    request.wait_ms = 30_000;
    let status = match lake.query(&staff(), request).await {
        Ok(status) => status,
        // Nothing has landed yet.
        Err(lake::LakeError::NotFound { .. }) => return BTreeMap::new(),
        Err(e) => panic!("{e}"),
    };
    let page = lake.result_page(&staff(), &status.id, 0, 10_000).await.unwrap();
    page.rows
        .iter()
        .map(|row| {
            assert_eq!(row[1], row[2], "a row is there twice: {row:?}");
            (row[0].as_u64().unwrap(), row[2].as_u64().unwrap())
        })
        .collect()
}

fn drop_file(lake: &Path, dataset: &str, file: u64) {
    let folder = lake.join("landing/ops").join(dataset);
    std::fs::create_dir_all(&folder).unwrap();
    let mut text = String::from("file,id,note\n");
    for id in 0..ROWS {
        text.push_str(&format!("{file},{id},note {id}\n"));
    }
    text.push_str("1,2,3,4,5\n");
    std::fs::write(folder.join(format!("{file:05}.csv")), text).unwrap();
}

fn ingest(lake: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_penstock"))
        .arg("ingest")
        .env("PENSTOCK_LAKE", lake)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

async fn open(folder: &Path) -> Lake {
    let mut config = LakeConfig::new(StoreConfig::Folder(folder.to_owned()));
    config.freshness = Duration::ZERO;
    Lake::open(config).await.unwrap()
}

fn staff() -> Principal {
    Principal {
        issuer: "test".into(),
        subject: "ann".into(),
        name: "ann".into(),
        email: None,
        groups: Some(BTreeSet::from(["staff".to_owned()])),
        claims: BTreeMap::new(),
        scope: None,
        origin: Default::default(),
    }
}
