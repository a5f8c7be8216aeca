//! The audit when things go wrong: full, without a store, with two writers, after a restart, compacted.

use std::time::Instant;

use super::super::*;

const OWN: &str = "select text from system.audit where action = 'query' and text like 'select %' order by event";

#[tokio::test]
async fn events_are_in_the_table_a_moment_later_and_after_a_restart() {
    let bench = Bench::new().await;
    bench.ask(&ann(), "select 7").await.unwrap();
    let began = Instant::now();
    while bench.lake.unwritten_events() > 0 {
        assert!(began.elapsed() < Duration::from_secs(10), "nobody writes");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let again = open(bench.folder.path()).await;
    let request = QueryRequest { wait_ms: 30_000, ..QueryRequest::new(OWN) };
    let status = again.query(&ann(), request).await.unwrap();
    assert_eq!(again.result_page(&ann(), &status.id, 0, 10).await.unwrap().rows, [[Cell::from("select 7")]]);
}

#[tokio::test]
async fn without_a_place_nothing_is_done() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("policy.toml"), POLICY).unwrap();
    let lake = open_with(folder.path(), |config| config.limits.audit = 2).await;
    let entries =
        [lake.audited(&ann(), AuditAction::Query).unwrap(), lake.audited(&ann(), AuditAction::Query).unwrap()];
    let full = |e: LakeError| assert!(matches!(e, LakeError::Unaudited), "{e:?}");
    full(lake.query(&ann(), QueryRequest::new("select 1")).await.unwrap_err());
    full(lake.upload(&ann(), &shops(), "a.csv", body(FIRST)).await.unwrap_err());
    full(lake.dataset(&partner("a"), &shops()).await.unwrap_err());
    full(lake.audit(&steward(), &AuditFilter::default()).await.unwrap_err());
    assert!(!folder.path().join("landing").exists(), "nothing of the file may be kept");
    drop(entries);
    lake.flush_audit(PATIENCE).await.unwrap();
    lake.query(&ann(), QueryRequest::new("select 1")).await.unwrap();
    // What was given up is told too.
    let failed = AuditFilter { outcome: Some(AuditOutcome::Failed), ..AuditFilter::default() };
    let found = lake.audit(&steward(), &failed).await.unwrap().events;
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|e| e.reason.as_deref() == Some("given up before its end")), "{found:?}");
}

#[tokio::test]
async fn a_store_that_fails_is_waited_for_and_no_event_is_lost_or_doubled() {
    let bench = Bench::new().await;
    bench.lake.flush_audit(PATIENCE).await.unwrap();
    // A file where the log's folder must be: every write fails, and the rest of the lake is well.
    let (log, aside) = (bench.folder.path().join("tables/system"), bench.folder.path().join("aside"));
    std::fs::rename(&log, &aside).unwrap();
    std::fs::write(&log, "in the way").unwrap();
    for i in 0..5 {
        bench.ask(&ann(), &format!("select {i}")).await.unwrap();
    }
    assert!(matches!(bench.lake.flush_audit(Duration::from_secs(2)).await, Err(LakeError::Unaudited)));
    assert_eq!(bench.lake.unwritten_events(), 5);
    std::fs::remove_file(&log).unwrap();
    std::fs::rename(&aside, &log).unwrap();
    bench.lake.flush_audit(PATIENCE).await.unwrap();
    let expected: Vec<Vec<Cell>> = (0..5).map(|i| vec![Cell::from(format!("select {i}"))]).collect();
    assert_eq!(bench.ask(&ann(), OWN).await.unwrap(), expected);
}

#[tokio::test]
async fn two_replicas_append_to_one_table() {
    let bench = Bench::new().await;
    let other = open(bench.folder.path()).await;
    for i in 0..12 {
        let (here, there) = (format!("select {i} as here"), format!("select {i} as there"));
        let (a, b) = (ann(), partner("a"));
        let (here, there) =
            tokio::join!(bench.lake.query(&a, QueryRequest::new(here)), other.query(&b, QueryRequest::new(there)));
        here.unwrap();
        there.unwrap();
        // A commit each, at the same time.
        let (here, there) = tokio::join!(bench.lake.flush_audit(PATIENCE), other.flush_audit(PATIENCE));
        here.unwrap();
        there.unwrap();
    }
    for (who, side) in [(ann(), "here"), (partner("a"), "there")] {
        let expected: Vec<Vec<Cell>> = (0..12).map(|i| vec![Cell::from(format!("select {i} as {side}"))]).collect();
        assert_eq!(bench.ask(&who, OWN).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn upkeep_makes_few_files_of_many_and_loses_no_event() {
    let bench = Bench::new().await;
    for i in 0..30 {
        bench.ask(&ann(), &format!("select {i}")).await.unwrap();
        bench.lake.flush_audit(PATIENCE).await.unwrap();
    }
    let audit = DatasetName::audit();
    assert!(bench.lake.datasets_to_keep_up(None).await.unwrap().contains(&audit));
    let before = bench.events().await;
    let compacted = bench.lake.keep_up(&audit, false).await.unwrap().unwrap();
    assert!(compacted.files >= 30 && compacted.into == 1, "{compacted:?}");
    // The writer goes on where upkeep has committed meanwhile.
    bench.ask(&ann(), "select 30").await.unwrap();
    let after = bench.events().await;
    assert_eq!(after[..before.len()], before[..]);
    assert_eq!(after.last().and_then(|e| e.text.as_deref()), Some("select 30"));
}

/// Run by hand: what auditing adds to a cached query.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn cost_of_an_event() {
    let bench = Bench::new().await;
    let entry = |_: usize| {
        let began = Instant::now();
        let mut entry = bench.lake.audited(&ann(), AuditAction::Query).unwrap().text("select id from ops.shops");
        entry.fill(|event| event.datasets = Some("ops.shops".into()));
        bench.lake.conclude(&ann(), entry, &Ok(()), |event, ()| event.rows = Some(1));
        began.elapsed()
    };
    let mut events: Vec<Duration> = (0..5_000).map(entry).collect();
    bench.lake.flush_audit(PATIENCE).await.unwrap();
    let mut queries = Vec::new();
    for i in 0..3_000 {
        let began = Instant::now();
        bench.lake.query(&ann(), QueryRequest::new("select id from ops.shops")).await.unwrap();
        if i > 100 {
            queries.push(began.elapsed());
        }
    }
    events.sort_unstable();
    queries.sort_unstable();
    println!("an event: {:?}; a cached query with it: {:?}", events[events.len() / 2], queries[queries.len() / 2]);
}
