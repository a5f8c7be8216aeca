//! Upkeep changes files and never rows: whatever is asked before and after says the same, and whoever writes meanwhile
//! loses nothing.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use chrono::TimeDelta;
use futures::StreamExt;
use lake::{
    Lake, LakeConfig, LakeError, StoreConfig,
    store::Store,
    table::{Commit, Committed, Tables, WriteMode},
};
use model::{Cell, Compacted, DatasetName, IngestReport, IngestState, Principal, QueryRequest, RollBack};
use parquet::{
    arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions},
    file::{metadata::PageIndexPolicy, page_index::column_index::ColumnIndexMetaData},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;

const POLICY: &str = r#"
stewards = ["group:stewards"]
[[grant]]
to = ["group:staff"]
on = ["*"]
may = ["read", "own"]
[[grant]]
to = ["group:partners"]
on = ["*"]
rows = "carrier = claim('carrier')"
mask = { code = "hash" }
"#;

struct Bench {
    lake: Lake,
    folder: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("policy.toml"), POLICY).unwrap();
        let mut config = LakeConfig::new(StoreConfig::Folder(folder.path().to_owned()));
        config.freshness = Duration::ZERO;
        Self { lake: Lake::open(config).await.unwrap(), folder }
    }

    /// A replica's tables over the same folder.
    fn tables(&self, freshness: Duration) -> Tables {
        Tables::new(Store::open(&StoreConfig::Folder(self.folder.path().to_owned())).unwrap(), freshness)
    }

    async fn send(&self, dataset: &str, name: &str, text: &str) -> IngestReport {
        let body = futures::stream::iter([Ok(text.to_owned().into())]).boxed();
        self.lake.upload(&staff(), &dataset.parse().unwrap(), name, body).await.unwrap()
    }

    async fn ask(&self, who: &Principal, sql: &str) -> lake::Result<Vec<Vec<Cell>>> {
        let mut request = QueryRequest::new(sql);
        request.wait_ms = 30_000;
        let status = self.lake.query(who, request).await?;
        Ok(self.lake.result_page(who, &status.id, 0, 10_000).await?.rows)
    }

    async fn rows(&self, who: &Principal, sql: &str) -> Vec<Vec<Cell>> {
        self.ask(who, sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"))
    }

    fn data_files(&self, dataset: &DatasetName) -> Vec<std::path::PathBuf> {
        let folder = self.folder.path().join(format!("tables/{}/{}", dataset.unit(), dataset.name()));
        let files = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path());
        files.filter(|f| f.extension().is_some_and(|e| e == "parquet")).collect()
    }

    fn contract(&self, dataset: &DatasetName, text: &str) {
        let folder = self.folder.path().join(format!("contracts/{}", dataset.unit()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{}.toml", dataset.name())), text).unwrap();
    }
}

fn person(name: &str, group: &str, carrier: Option<&str>) -> Principal {
    let claims = carrier.map(|c| ("carrier".to_owned(), vec![c.to_owned()]));
    Principal {
        issuer: "test".into(),
        subject: name.into(),
        name: name.into(),
        email: None,
        groups: Some([group.to_owned()].into()),
        claims: BTreeMap::from_iter(claims),
        scope: None,
        origin: Default::default(),
    }
}

fn staff() -> Principal {
    person("ann", "staff", None)
}

fn partner() -> Principal {
    person("ua", "partners", Some("UA"))
}

fn dataset(name: &str) -> DatasetName {
    format!("ops.{name}").parse().unwrap()
}

/// One file with nulls; later ones have more columns.
fn file(kind: &str, number: u64, rng: &mut StdRng) -> String {
    let mut columns = match kind {
        "wide" => vec!["carrier", "code", "n", "day", "price", "yes", "at"],
        _ => vec!["carrier", "code", "n"],
    };
    if kind == "grown" && number >= 4 {
        columns.push("late");
    }
    if kind == "grown" && number >= 8 {
        columns.insert(1, "later");
    }
    let mut text = columns.join(",") + "\n";
    for row in 0..rng.random_range(1..60) {
        let n: i64 = rng.random_range(-1000..1000);
        let cells = columns.iter().map(|column| match *column {
            "carrier" => ["UA", "DL", "AA"][rng.random_range(0..3)].to_owned(),
            // A null now and then, except in the row that tells the type.
            _ if row > 0 && rng.random_bool(0.3) => String::new(),
            "code" => format!("c{number}-{n}"),
            "day" => format!("2026-{:02}-{:02}", 1 + n.unsigned_abs() % 12, 1 + n.unsigned_abs() % 28),
            "price" => format!("{}.{:02}", n, n.unsigned_abs() % 97 + 1),
            "yes" => (n % 2 == 0).to_string(),
            "at" => format!("2026-11-{:02}T10:{:02}:00Z", 1 + n.unsigned_abs() % 28, n.unsigned_abs() % 60),
            "later" => format!("x{n}"),
            _ => n.to_string(),
        });
        text += &(cells.collect::<Vec<_>>().join(",") + "\n");
    }
    text
}

/// All that two people can see of a dataset: every row, and figures of every column.
async fn seen(bench: &Bench, dataset: &DatasetName, clause: &str) -> Vec<Vec<Vec<Cell>>> {
    let mut seen = Vec::new();
    for who in [staff(), partner()] {
        let columns = bench.lake.columns(&who, dataset).await.unwrap();
        let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
        let from = format!("from {dataset} {clause}");
        let order = (1..=names.len()).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
        seen.push(bench.rows(&who, &format!("select {} {from} order by {order}", names.join(","))).await);
        for name in names {
            let sql = format!("select count({name}), count(distinct {name}), min({name}), max({name}) {from}");
            seen.push(bench.rows(&who, &sql).await);
        }
        seen.push(bench.rows(&who, &format!("select carrier, count(*), sum(n) {from} group by 1 order by 1")).await);
        seen.push(bench.rows(&who, &format!("select count(*) {from} where n > 100 or code is null")).await);
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_the_same_before_and_after_for_everyone() {
    let mut rng = StdRng::seed_from_u64(7);
    let bench = Bench::new().await;
    for kind in ["plain", "grown", "wide"] {
        let dataset = dataset(kind);
        bench.contract(&dataset, "growth = true\n");
        let files: Vec<String> = (0..12).map(|number| file(kind, number, &mut rng)).collect();
        for (number, text) in files.iter().enumerate() {
            let report = bench.send(&dataset.to_string(), &format!("{number}.csv"), text).await;
            assert_eq!(report.state, IngestState::Landed, "{kind} {number}: {}", report.message);
        }
        let before = seen(&bench, &dataset, "").await;
        let profile = bench.lake.profile(&staff(), &dataset).await.unwrap();
        let updated = bench.lake.dataset(&staff(), &dataset).await.unwrap().dataset.updated_at;
        let in_order = format!("select code from {dataset}");

        let made = bench.tables(Duration::ZERO).compact(&dataset, &[]).await.unwrap();
        assert_eq!(made, Some(Compacted { files: 12, into: 1 }), "{kind}");
        assert_eq!(bench.tables(Duration::ZERO).compact(&dataset, &[]).await.unwrap(), None, "{kind}: once is enough");

        assert_eq!(seen(&bench, &dataset, "").await, before, "{kind}");
        assert_eq!(seen(&bench, &dataset, "version as of 11").await, before, "{kind}");
        // One file after the other, each in its order.
        let codes: Vec<Cell> = bench.rows(&staff(), &in_order).await.into_iter().map(|mut r| r.remove(0)).collect();
        let sent = files.iter().flat_map(|f| f.lines().skip(1));
        let place = |line: &str, head: &str| {
            head.split(',').position(|c| c == "code").map(|at| line.split(',').nth(at).unwrap().to_owned())
        };
        let heads = files.iter().flat_map(|f| f.lines().skip(1).map(|_| f.lines().next().unwrap()));
        let expected: Vec<Cell> = sent
            .zip(heads)
            .map(|(line, head)| place(line, head).filter(|c| !c.is_empty()).map_or(Cell::Null, Cell::from))
            .collect();
        assert_eq!(codes, expected, "{kind}");

        let detail = bench.lake.dataset(&staff(), &dataset).await.unwrap();
        assert_eq!((detail.files, detail.dataset.version), (Some(1), 12), "{kind}");
        assert_eq!(detail.dataset.updated_at, updated, "{kind}: upkeep is no news");
        let told = &detail.versions[0];
        assert_eq!((told.operation.as_str(), told.rows_added, told.compacted), ("compact", None, made));
        assert_eq!(bench.lake.versions(&partner(), &dataset).await.unwrap()[0].compacted, None);
        let after = bench.lake.profile(&staff(), &dataset).await.unwrap();
        assert_eq!((after.rows, after.columns.len()), (profile.rows, profile.columns.len()), "{kind}");
        for (a, b) in after.columns.iter().zip(&profile.columns) {
            assert_eq!((&a.name, &a.min, &a.max, a.nulls), (&b.name, &b.min, &b.max, b.nulls), "{kind}");
        }

        // What landed is remembered, roll backs go over it, and a decision made before it still holds.
        let again = bench.send(&dataset.to_string(), "again.csv", &files[3]).await;
        assert_eq!(again.state, IngestState::Duplicate, "{kind}: {}", again.message);
        let back = RollBack { to: 10, newest: Some(11) };
        let earlier = seen(&bench, &dataset, "version as of 10").await;
        assert_eq!(bench.lake.roll_back(&staff(), &dataset, back).await.unwrap().version, 13);
        assert_eq!(seen(&bench, &dataset, "").await, earlier, "{kind}");
        let forth = RollBack { to: 12, newest: None };
        bench.lake.roll_back(&staff(), &dataset, forth).await.unwrap();
        assert_eq!(seen(&bench, &dataset, "").await, before, "{kind}");
    }
}

/// A commit of the one row `id`.
async fn commit(tables: &Tables, name: &DatasetName, id: i64, mode: WriteMode) -> Committed {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![id]));
    let batch = RecordBatch::try_from_iter_with_nullable([("id", column, true)]).unwrap();
    let commit = Commit {
        sha256: format!("{id}"),
        ingest: format!("i{id}"),
        file: "f.csv".into(),
        by: "test".into(),
        mode,
        key: vec!["id".into()],
        own: vec!["id".into()],
        ..Commit::default()
    };
    loop {
        // Others may be first more often than one commit tries.
        match tables.commit(name, batch.schema(), vec![batch.clone()], commit.clone()).await {
            Err(LakeError::Conflict { .. }) => {}
            done => return done.unwrap(),
        }
    }
}

async fn ids(bench: &Bench, name: &DatasetName) -> Vec<i64> {
    let rows = bench.rows(&staff(), &format!("select id from {name} order by id")).await;
    rows.iter().map(|r| r[0].as_i64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_kept_however_old_they_are() {
    let bench = Bench::new().await;
    let name = dataset("old");
    let tables = bench.tables(Duration::ZERO);
    let log = bench.folder.path().join("tables/ops/old/_delta_log");
    // Over two checkpoints; the library would clear away what is older than 30 days before the last of them.
    for id in 0..45 {
        commit(&tables, &name, id, WriteMode::Append).await;
        let long_ago = std::time::SystemTime::now() - Duration::from_secs(100 * 24 * 3600);
        for entry in std::fs::read_dir(&log).unwrap() {
            let entry = entry.unwrap().path();
            if entry.is_file() {
                std::fs::File::options().append(true).open(entry).unwrap().set_modified(long_ago).unwrap();
            }
        }
    }
    bench.lake.roll_back(&staff(), &name, RollBack { to: 43, newest: None }).await.unwrap();
    assert!(bench.tables(Duration::ZERO).compact(&name, &[]).await.unwrap().is_some());
    let kept = |version: u64| log.join(format!("{version:020}.json")).exists();
    assert_eq!((0..47).filter(|version| !kept(*version)).collect::<Vec<_>>(), [0_u64; 0]);
    let rows = bench.rows(&staff(), &format!("select count(*) from {name} version as of 1")).await;
    assert_eq!(rows, [[json!(2)]]);
    assert_eq!(bench.lake.versions(&staff(), &name).await.unwrap().len(), 47);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_commit_meanwhile_is_kept() {
    let bench = Bench::new().await;
    let name = dataset("things");
    // Knows the table as it was an hour ago, as one does after long reading.
    let (slow, other) = (bench.tables(Duration::from_secs(3600)), bench.tables(Duration::ZERO));
    for id in 0..9 {
        commit(&other, &name, id, WriteMode::Append).await;
    }
    assert_eq!(slow.snapshot(&name).await.unwrap().unwrap().version, 8);
    commit(&other, &name, 9, WriteMode::Append).await;
    assert_eq!(slow.compact(&name, &[]).await.unwrap(), Some(Compacted { files: 9, into: 1 }));
    assert_eq!(ids(&bench, &name).await, (0..10).collect::<Vec<_>>());
    // Rows that were taken out do not come back.
    let slow = bench.tables(Duration::from_secs(3600));
    for id in 10..18 {
        commit(&other, &name, id, WriteMode::Append).await;
    }
    slow.snapshot(&name).await.unwrap().unwrap();
    commit(&other, &name, 18, WriteMode::Replace).await;
    assert_eq!(slow.compact(&name, &[]).await.unwrap(), None);
    assert_eq!(ids(&bench, &name).await, [18]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_compact_and_two_that_ingest_at_once_lose_nothing() {
    let bench = Arc::new(Bench::new().await);
    let name = dataset("busy");
    commit(&bench.tables(Duration::ZERO), &name, 0, WriteMode::Append).await;
    let writers = (0..2i64).map(|writer| {
        let (bench, name) = (Arc::clone(&bench), name.clone());
        tokio::spawn(async move {
            let tables = bench.tables(Duration::ZERO);
            for n in 0..40 {
                let mode = if n % 8 == 7 { WriteMode::Upsert } else { WriteMode::Append };
                commit(&tables, &name, 1 + writer + 2 * n, mode).await;
            }
        })
    });
    let ingesting: Vec<_> = writers.collect();
    let compacting: Vec<_> = (0..2)
        .map(|_| {
            let (bench, name) = (Arc::clone(&bench), name.clone());
            tokio::spawn(async move {
                let tables = bench.tables(Duration::ZERO);
                let mut done = 0;
                loop {
                    done += usize::from(tables.compact(&name, &[]).await.unwrap().is_some());
                    if tables.snapshot(&name).await.unwrap().unwrap().rows == 81 {
                        return done;
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            })
        })
        .collect();
    for task in ingesting {
        task.await.unwrap();
    }
    let mut compacted = 0;
    for task in compacting {
        compacted += task.await.unwrap();
    }
    assert!(compacted > 0);
    assert_eq!(ids(&bench, &name).await, (0..81).collect::<Vec<_>>());
    // Every version has the rows of the one before, or more.
    let newest = bench.lake.versions(&staff(), &name).await.unwrap()[0].version;
    let mut rows = 0;
    for version in 0..=newest {
        let sql = format!("select count(*), count(distinct id) from {name} version as of {version}");
        let counted = bench.rows(&staff(), &sql).await;
        assert_eq!(counted[0][0], counted[0][1], "version {version}");
        assert!(counted[0][0].as_u64().unwrap() >= rows, "version {version}");
        rows = counted[0][0].as_u64().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_at_any_moment_it_leaves_nothing_wrong() {
    let bench = Bench::new().await;
    let name = dataset("things");
    let tables = bench.tables(Duration::ZERO);
    let mut rng = StdRng::seed_from_u64(3);
    let mut written = 0;
    let mut cut_off = 0;
    let mut whole = Duration::ZERO;
    // As often as it takes on this machine to end it between files and commit.
    for round in 0..100 {
        if cut_off == 3 {
            break;
        }
        for _ in 0..8 {
            commit(&tables, &name, written, WriteMode::Append).await;
            written += 1;
        }
        let before = bench.data_files(&name).len();
        // It takes longer as the log grows.
        let patience = if round == 0 { Duration::from_secs(60) } else { whole.mul_f64(rng.random_range(0.0..2.0)) };
        let begun = std::time::Instant::now();
        match tokio::time::timeout(patience, bench.tables(Duration::ZERO).compact(&name, &[])).await {
            Ok(_) => whole = begun.elapsed(),
            Err(_) => cut_off += usize::from(bench.data_files(&name).len() > before),
        }
        assert_eq!(ids(&bench, &name).await, (0..written).collect::<Vec<_>>());
    }
    assert!(cut_off > 0, "never between files and commit");
    bench.tables(Duration::ZERO).compact(&name, &[]).await.unwrap();
    assert_eq!(ids(&bench, &name).await, (0..written).collect::<Vec<_>>());
    assert_eq!(bench.rows(&staff(), &format!("select count(*) from {name}")).await, [[json!(written)]]);
}

/// Moves the time at which a version says it was committed.
fn commit_days_ago(bench: &Bench, name: &DatasetName, version: u64, days: i64) {
    let log = bench.folder.path().join(format!("tables/{}/{}/_delta_log", name.unit(), name.name()));
    let entry = log.join(format!("{version:020}.json"));
    let mut lines = String::new();
    for line in std::fs::read_to_string(&entry).unwrap().lines() {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        if let Some(time) = line.pointer_mut("/commitInfo/timestamp") {
            *time = json!((chrono::Utc::now() - TimeDelta::days(days)).timestamp_millis());
        }
        lines += &format!("{line}\n");
    }
    std::fs::write(&entry, lines).unwrap();
    let then = std::time::SystemTime::now() - Duration::from_secs(days as u64 * 24 * 3600);
    std::fs::File::options().append(true).open(entry).unwrap().set_modified(then).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_version_names_is_removed_and_nothing_else() {
    let bench = Bench::new().await;
    let name = dataset("things");
    let tables = bench.tables(Duration::ZERO);
    for id in 0..9 {
        commit(&tables, &name, id, WriteMode::Append).await;
    }
    tables.compact(&name, &[]).await.unwrap().unwrap();
    commit(&tables, &name, 9, WriteMode::Replace).await;
    let folder = bench.folder.path().join("tables/ops/things");
    std::fs::create_dir_all(folder.join("part-of")).unwrap();
    let name_of_ours = "part-00000-1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed-c000.zstd.parquet";
    let left = [name_of_ours.to_owned(), format!("_profile/{name_of_ours}.json.zst")];
    let others = ["other.parquet".to_owned(), "notes.txt".into(), format!("part-of/{name_of_ours}")];
    for file in left.iter().chain(&others) {
        std::fs::write(folder.join(file), "left behind").unwrap();
    }
    let before = bench.data_files(&name).len();
    let now = chrono::Utc::now();
    let removed = tables.clean(&name, now, false).await.unwrap();
    assert_eq!(removed.files, 0, "all of it may be on its way into a version");
    let later = now + TimeDelta::days(8);
    let would = tables.clean(&name, later, true).await.unwrap();
    assert_eq!((would.files, would.bytes, bench.data_files(&name).len()), (2, 22, before));
    assert_eq!(tables.clean(&name, later, false).await.unwrap(), would);
    assert!(left.iter().all(|file| !folder.join(file).exists()));
    assert!(others.iter().all(|file| folder.join(file).exists()));
    for version in 0..9i64 {
        let rows = bench.rows(&staff(), &format!("select count(*), max(id) from {name} version as of {version}")).await;
        assert_eq!(rows, [[json!(version + 1), json!(version)]]);
    }
    assert_eq!(bench.lake.clean_up(&name, false).await.unwrap().files, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_kept_for_as_long_as_the_operator_says() {
    let bench = Bench::new().await;
    let name = dataset("things");
    let tables = bench.tables(Duration::ZERO).keeping(Some(TimeDelta::days(30)));
    for id in 0..9 {
        commit(&tables, &name, id, WriteMode::Append).await;
    }
    // Version 9 is the compacted one, 10 replaces all rows.
    tables.compact(&name, &[]).await.unwrap().unwrap();
    commit(&tables, &name, 9, WriteMode::Replace).await;
    for version in 0..10 {
        commit_days_ago(&bench, &name, version, 100);
    }
    // Not only now: a clock was wrong, and what came after version 5 may be of this week, by the commit or by the store.
    let store_says = |days: u64| {
        let entry = bench.folder.path().join(format!("tables/ops/things/_delta_log/{:020}.json", 6));
        let then = std::time::SystemTime::now() - Duration::from_secs(days * 24 * 3600);
        std::fs::File::options().append(true).open(entry).unwrap().set_modified(then).unwrap();
    };
    store_says(2);
    let tables = bench.tables(Duration::ZERO).keeping(Some(TimeDelta::days(30)));
    assert_eq!(tables.clean(&name, chrono::Utc::now() + TimeDelta::days(8), true).await.unwrap().files, 0);
    commit_days_ago(&bench, &name, 6, 2);
    store_says(100);
    let next_week = chrono::Utc::now() + TimeDelta::days(8);
    let tables = bench.tables(Duration::ZERO).keeping(Some(TimeDelta::days(30)));
    assert_eq!(
        tables.clean(&name, next_week, true).await.unwrap().files,
        0,
        "version 5 has the files of all before it"
    );
    commit_days_ago(&bench, &name, 6, 100);
    let tables = bench.tables(Duration::ZERO).keeping(Some(TimeDelta::days(30)));
    let refused = tables.restore(&name, 3, None, "ann").await;
    assert!(matches!(&refused, Err(LakeError::Invalid { message }) if message.contains("30 days ago")), "{refused:?}");
    // Nine small files with their profiles; versions 9 and 10 have the others.
    assert_eq!(tables.clean(&name, next_week, false).await.unwrap().files, 18);
    assert_eq!(bench.data_files(&name).len(), 2);
    let rows = bench.rows(&staff(), &format!("select count(*) from {name} version as of 9")).await;
    assert_eq!(rows, [[json!(9)]]);
    let gone = bench.ask(&staff(), &format!("select count(*) from {name} version as of 3")).await;
    assert!(matches!(&gone, Err(LakeError::InvalidSql { message, .. }) if message.contains("cleaned up")));
    // What landed once is remembered, and the version before the newest can be gone back to.
    assert!(matches!(commit(&tables, &name, 4, WriteMode::Append).await, Committed::AlreadyThere(10)));
    assert_eq!(tables.restore(&name, 9, None, "ann").await.unwrap(), 11);
    assert_eq!(ids(&bench, &name).await, (0..9).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_damaged_log_nothing_is_removed() {
    let bench = Bench::new().await;
    let name = dataset("things");
    for id in 0..25 {
        commit(&bench.tables(Duration::ZERO), &name, id, WriteMode::Append).await;
    }
    commit(&bench.tables(Duration::ZERO), &name, 25, WriteMode::Replace).await;
    // Before the checkpoint, so that the newest version can be read.
    let log = bench.folder.path().join("tables/ops/things/_delta_log");
    std::fs::remove_file(log.join(format!("{:020}.json", 12))).unwrap();
    let next_year = chrono::Utc::now() + TimeDelta::days(365);
    for keep in [None, Some(TimeDelta::days(1))] {
        let tables = bench.tables(Duration::ZERO).keeping(keep);
        assert_eq!(tables.snapshot(&name).await.unwrap().unwrap().rows, 1);
        assert_eq!(tables.clean(&name, next_year, true).await.unwrap().files, 0, "{keep:?}");
    }
    for version in 20..=25 {
        std::fs::write(log.join(format!("{version:020}.json")), "{damaged").unwrap();
    }
    let before = bench.data_files(&name).len();
    assert!(bench.tables(Duration::ZERO).clean(&name, next_year, false).await.is_err());
    assert_eq!(bench.data_files(&name).len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_results_are_removed_and_computed_anew() {
    let mut bench = Bench::new().await;
    commit(&bench.tables(Duration::ZERO), &dataset("things"), 1, WriteMode::Append).await;
    let sql = "select id from ops.things";
    bench.rows(&staff(), sql).await;
    let folder = bench.folder.path().join("results");
    let stored = || std::fs::read_dir(&folder).map_or(0, Iterator::count);
    // It is written while the answer is on its way.
    for _ in 0..100 {
        if stored() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(stored(), 1);
    assert_eq!(bench.lake.clean_up_results(false).await.unwrap().files, 0);
    let mut config = LakeConfig::new(StoreConfig::Folder(bench.folder.path().to_owned()));
    config.keep_results = TimeDelta::zero();
    bench.lake = Lake::open(config).await.unwrap();
    assert_eq!(bench.lake.clean_up_results(true).await.unwrap().files, 1);
    assert_eq!(stored(), 1);
    assert_eq!(bench.lake.clean_up_results(false).await.unwrap().files, 1);
    assert_eq!(stored(), 0);
    assert_eq!(bench.rows(&staff(), sql).await, [[json!(1)]]);
}

/// The least and the greatest carrier of each page of the table's only data file.
fn pages(file: &std::path::Path) -> Vec<(String, String)> {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let metadata = ArrowReaderMetadata::load(&std::fs::File::open(file).unwrap(), options).unwrap();
    let indexes = metadata.metadata().column_index().unwrap();
    let carriers = indexes.iter().map(|columns| match &columns[0] {
        ColumnIndexMetaData::BYTE_ARRAY(index) => index,
        other => panic!("{other:?}"),
    });
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    carriers
        .flat_map(|i| {
            (0..i.num_pages() as usize)
                .map(|p| (text(i.min_value(p).unwrap()), text(i.max_value(p).unwrap())))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_lie_in_the_order_of_the_contract_from_the_first_file_and_after_compaction() {
    let bench = Bench::new().await;
    let name = dataset("ordered");
    bench.contract(&name, "sort = [\"carrier\"]\ngrowth = true\n");
    let part = |from: usize, rows: usize| {
        let row = |n: usize| format!("{},{n}\n", ["UA", "AA", "DL", "B6"][n % 4]);
        "carrier,id\n".to_owned() + &(from..from + rows).map(row).collect::<String>()
    };
    let ordered = |pages: &[(String, String)]| pages.windows(2).filter(|w| w[1].0 < w[0].1).count() == 0;
    bench.send("ops.ordered", "0.csv", &part(0, 70_000)).await;
    let first = pages(&bench.data_files(&name)[0]);
    assert!(first.len() > 3 && ordered(&first), "{first:?}");
    // In parts, since it is large: the runs are sorted, each of them.
    let large = part(70_000, 1_700_000);
    assert!(large.len() > 16 << 20);
    bench.contract(&dataset("large"), "sort = [\"carrier\"]\ngrowth = true\n");
    bench.send("ops.large", "large.csv", &large).await;
    let narrow = pages(&bench.data_files(&dataset("large"))[0]).iter().filter(|(least, most)| least == most).count();
    assert!(narrow > 80, "{narrow} pages of one carrier");
    for number in 1..9 {
        bench.send("ops.ordered", &format!("{number}.csv"), &part(70_000 + number * 10, 10)).await;
    }
    let before = bench.rows(&staff(), "select carrier, count(*), sum(id) from ops.ordered group by 1 order by 1").await;
    bench.lake.keep_up(&name, false).await.unwrap().unwrap();
    let after = bench.rows(&staff(), "select carrier, count(*), sum(id) from ops.ordered group by 1 order by 1").await;
    assert_eq!(before, after);
    let newest = bench.data_files(&name).into_iter().max_by_key(|f| f.metadata().unwrap().modified().unwrap()).unwrap();
    let compacted = pages(&newest);
    assert!(compacted.len() > 3 && ordered(&compacted), "{compacted:?}");
}
