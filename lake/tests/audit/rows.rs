//! Every action leaves its row.

use model::{QueryState, Verdict};

use super::super::*;

#[tokio::test]
async fn a_query_leaves_all_that_is_known_of_it() {
    let bench = Bench::new().await;
    let sql = "select count(*) from ops.shops where secret > 1";
    bench.ask(&ann(), sql).await.unwrap();
    let event = bench.one(AuditAction::Query).await;
    assert_eq!(event.outcome, AuditOutcome::Ok);
    assert_eq!((event.who, event.name.as_str()), (Some(ann().key()), "ann"));
    assert_eq!((event.email.as_deref(), event.via.as_str()), (Some("ann@example.com"), "session of-ann"));
    assert_eq!((event.request.as_deref(), event.address.as_deref()), (Some("4711"), Some("192.0.2.7")));
    assert_eq!((event.text.as_deref(), event.datasets.as_deref()), (Some(sql), Some("ops.shops")));
    assert_eq!(event.columns.as_deref(), Some("ops.shops.secret"));
    assert_eq!((event.rows, event.cached), (Some(1), Some(false)));
    assert!(event.bytes.is_some_and(|b| b > 0) && event.milliseconds.is_some() && event.reason.is_none());
    assert_eq!(event.policy.map(|p| p.len()), Some(64));
    bench.ask(&ann(), sql).await.unwrap();
    assert_eq!(bench.last(AuditAction::Query).await.cached, Some(true));
}

#[tokio::test]
async fn what_is_denied_is_told_in_truth() {
    let bench = Bench::new().await;
    bench.lake.upload(&ann(), &"hr.pay".parse().unwrap(), "pay.csv", body("who,amount\nx,1\n")).await.unwrap();
    let scoped = Principal {
        scope: Some(model::principal::TokenScope {
            actions: ["read".to_owned()].into(),
            datasets: vec!["ref.*".to_owned()],
            ..Default::default()
        }),
        ..ann()
    };
    let groupless = Principal { groups: None, ..ann() };
    let claimless = person("partner-none", "partners", &[]);
    for (who, sql, outcome, reason) in [
        (partner("a"), "select * from hr.pay", AuditOutcome::Denied, "hr.pay is hidden: not granted"),
        (partner("a"), "select * from hr.nay", AuditOutcome::Denied, "hr.nay is absent"),
        (
            scoped,
            "select * from ops.shops",
            AuditOutcome::Denied,
            "ops.shops is hidden: it is outside the token's scope",
        ),
        (
            groupless,
            "select * from ops.shops",
            AuditOutcome::Denied,
            "ops.shops is hidden: the provider sent no groups claim",
        ),
        (
            claimless,
            "select * from ops.shops",
            AuditOutcome::Denied,
            "ops.shops is hidden: no grant applies, for want of a claim",
        ),
        (partner("a"), "select secret from ops.shops", AuditOutcome::Failed, "column hidden: ops.shops.secret"),
        (partner("a"), "select nothing from ops.shops", AuditOutcome::Failed, "there is no column `nothing`"),
        (partner("a"), "drop table ops.shops", AuditOutcome::Failed, "SELECT"),
    ] {
        bench.ask(&who, sql).await.unwrap_err();
        let event = bench.last(AuditAction::Query).await;
        assert_eq!((event.outcome, event.text.as_deref()), (outcome, Some(sql)), "{event:?}");
        assert!(event.reason.as_deref().is_some_and(|r| r.contains(reason)), "{sql}: {:?}", event.reason);
    }
    let absent = bench.lake.dataset(&partner("a"), &"hr.pay".parse().unwrap()).await.unwrap_err();
    assert_eq!(absent.to_string(), "no such dataset: hr.pay");
    let look = bench.one(AuditAction::Look).await;
    assert_eq!(look.reason.as_deref(), Some("hr.pay is hidden: not granted"));
    let arrival = bench.lake.ingests(&ann(), IngestFilter::default()).await.unwrap()[0].id.clone();
    for (id, reason) in [(arrival.as_str(), "is hidden"), ("0192", "is absent")] {
        bench.lake.ingest(&partner("a"), id).await.unwrap_err();
        let event = bench.last(AuditAction::Report).await;
        assert!(event.reason.as_deref().is_some_and(|r| r.contains(reason)), "{event:?}");
    }
}

#[tokio::test]
async fn results_downloads_rows_and_profiles_are_audited() {
    let bench = Bench::new().await;
    let status = bench.lake.query(&ann(), QueryRequest::new("select * from ops.shops")).await.unwrap();
    // Pages of what one has just asked for belong to the question.
    bench.lake.result_page(&ann(), &status.id, 0, 10).await.unwrap();
    let bea = person("bea", "staff", &[]);
    bench.lake.result_page(&bea, &status.id, 0, 10).await.unwrap();
    let event = bench.one(AuditAction::Result).await;
    assert_eq!((event.name.as_str(), event.rows, event.datasets.as_deref()), ("bea", Some(3), Some("ops.shops")));
    bench.lake.result_page(&partner("a"), &status.id, 0, 10).await.unwrap_err();
    let event = bench.last(AuditAction::Result).await;
    assert_eq!(event.outcome, AuditOutcome::Denied);
    assert!(event.reason.as_deref().is_some_and(|r| r.contains("is hidden")), "{event:?}");
    assert_eq!(event.datasets, None);

    let download = bench.lake.download(&bea, &status.id, ExportFormat::Csv, Formulas::Kept).await.unwrap();
    // Told before the first byte is read.
    let event = bench.one(AuditAction::Download).await;
    assert!(event.text.as_deref().is_some_and(|t| t.ends_with(" as csv")), "{event:?}");
    assert_eq!((event.rows, event.datasets.as_deref(), event.bytes.is_some()), (Some(3), Some("ops.shops"), true));
    assert!(download.body.count().await > 0);

    let request = RowsRequest { filter: Some("id = 'a'".into()), ..RowsRequest::default() };
    bench.lake.rows(&ann(), &shops(), request).await.unwrap();
    let event = bench.one(AuditAction::Rows).await;
    assert_eq!(event.text.as_deref(), Some("where id = 'a'; rows from 0, at most 100"));
    assert_eq!((event.rows, event.columns.as_deref()), (Some(1), Some("ops.shops.id, ops.shops.secret")));
    bench.lake.profile(&ann(), &shops()).await.unwrap();
    assert_eq!(bench.one(AuditAction::Profile).await.datasets.as_deref(), Some("ops.shops"));
    // The page of a dataset shows no more than these.
    bench.lake.dataset(&ann(), &shops()).await.unwrap();
    assert_eq!(bench.events().await.iter().filter(|e| e.action == AuditAction::Look).count(), 0);
}

#[tokio::test]
async fn files_decisions_corrections_and_roll_backs_are_audited() {
    let bench = Bench::new().await;
    let event = bench.one(AuditAction::Upload).await;
    assert_eq!((event.outcome, event.rows, event.bytes), (AuditOutcome::Ok, Some(3), Some(FIRST.len() as u64)));
    assert!(event.text.as_deref().is_some_and(|t| t.starts_with("first.csv (arrival ") && t.ends_with("landed)")));

    std::fs::create_dir_all(bench.folder.path().join("contracts/ops")).unwrap();
    let contract = "growth = false\nmax_rejected = 1.0\n";
    std::fs::write(bench.folder.path().join("contracts/ops/shops.toml"), contract).unwrap();
    let rejected = bench.lake.upload(&ann(), &shops(), "odd.csv", body("id,secret\nd,4\ne,x\n")).await.unwrap();
    assert_eq!((rejected.rows.landed, rejected.rows.quarantined), (1, 1), "{rejected:?}");
    bench.lake.quarantine(&ann(), &rejected.id).await.unwrap();
    let event = bench.one(AuditAction::Quarantine).await;
    assert_eq!((event.rows, event.datasets.as_deref()), (Some(1), Some("ops.shops")));
    bench.lake.correct(&ann(), &rejected.id, body("id,secret\ne,5\n")).await.unwrap();
    let event = bench.one(AuditAction::Correct).await;
    assert_eq!((event.outcome, event.rows), (AuditOutcome::Ok, Some(1)), "{event:?}");

    let wider = bench.lake.upload(&ann(), &shops(), "wider.csv", body("id,secret,note\nf,6,new\n")).await.unwrap();
    assert_eq!(wider.state, IngestState::Waiting);
    let no = Decision { verdict: Verdict::Refuse, note: "not yet".into(), ..Decision::default() };
    bench.lake.decide(&ann(), &wider.id, no).await.unwrap();
    let event = bench.one(AuditAction::Decide).await;
    assert!(event.text.as_deref().is_some_and(|t| t.starts_with("refuse ") && t.contains("not yet")), "{event:?}");
    let event = bench.last(AuditAction::Arrival).await;
    assert_eq!((event.outcome, event.name.as_str()), (AuditOutcome::Failed, "ann"), "{event:?}");

    bench.lake.roll_back(&ann(), &shops(), RollBack { to: 0, newest: None }).await.unwrap();
    let event = bench.one(AuditAction::RollBack).await;
    assert!(event.text.as_deref().is_some_and(|t| t.starts_with("to version 0, made version ")), "{event:?}");
    bench.lake.roll_back(&partner("a"), &shops(), RollBack { to: 0, newest: None }).await.unwrap_err();
    assert_eq!(bench.last(AuditAction::RollBack).await.outcome, AuditOutcome::Denied);

    std::fs::create_dir_all(bench.folder.path().join("landing/ops/more")).unwrap();
    std::fs::write(bench.folder.path().join("landing/ops/more/dropped.csv"), "a\n1\n").unwrap();
    bench.lake.ingest_landing().await.unwrap();
    let event = bench.last(AuditAction::Arrival).await;
    assert_eq!((event.name.as_str(), event.datasets.as_deref()), ("command line", Some("ops.more")));
    bench.lake.upload(&partner("a"), &shops(), "x.csv", body("id\nz\n")).await.unwrap_err();
    assert_eq!(bench.last(AuditAction::Upload).await.outcome, AuditOutcome::Denied);
}

#[tokio::test]
async fn another_policy_is_an_event_and_each_later_one_names_it() {
    let bench = Bench::new().await;
    bench.ask(&ann(), "select 1").await.unwrap();
    let before = bench.one(AuditAction::Query).await.policy.unwrap();
    std::fs::write(bench.folder.path().join("policy.toml"), format!("{POLICY}# changed\n")).unwrap();
    bench.ask(&ann(), "select id from ops.shops").await.unwrap();
    let changed = bench.one(AuditAction::Policy).await;
    assert!(changed.text.as_deref().is_some_and(|t| t.contains(&before)), "{changed:?}");
    let after = bench.last(AuditAction::Query).await.policy;
    assert!(after == changed.policy && after != Some(before));
}

#[tokio::test]
async fn a_query_that_outlives_its_request_is_told_when_it_ends() {
    let bench = Bench::new().await;
    let sql = "select count(*) from ops.shops a, ops.shops b, ops.shops c";
    let request = QueryRequest { wait_ms: 0, ..QueryRequest::new(sql) };
    let status = bench.lake.query(&ann(), request).await.unwrap();
    assert_ne!(status.state, QueryState::Done);
    let event = bench.one(AuditAction::Query).await;
    assert_eq!((event.outcome, event.rows), (AuditOutcome::Ok, Some(1)), "{event:?}");
}

#[tokio::test]
async fn a_search_is_one_event_and_finds_what_is_asked_for() {
    let bench = Bench::new().await;
    bench.ask(&ann(), "select 'Needle'").await.unwrap();
    bench.ask(&partner("a"), "select * from hr.pay").await.unwrap_err();
    bench.lake.flush_audit(PATIENCE).await.unwrap();
    let now = chrono::Utc::now();
    let hour = chrono::TimeDelta::hours(1);
    for (filter, expected) in [
        (AuditFilter { text: Some("needle".into()), ..AuditFilter::default() }, 1),
        (AuditFilter { text: Some("NOT GRANTED".into()), ..AuditFilter::default() }, 0),
        (AuditFilter { text: Some("HR.pay is absent".into()), ..AuditFilter::default() }, 1),
        (AuditFilter { action: Some(AuditAction::Query), ..AuditFilter::default() }, 2),
        (AuditFilter { outcome: Some(AuditOutcome::Denied), ..AuditFilter::default() }, 1),
        (AuditFilter { dataset: Some("ops.shops".into()), ..AuditFilter::default() }, 1),
        (AuditFilter { dataset: Some("Shop".into()), ..AuditFilter::default() }, 1),
        (AuditFilter { person: Some("PARTNER-A@".into()), ..AuditFilter::default() }, 1),
        (AuditFilter { who: Some(ann().key()), ..AuditFilter::default() }, 2),
        (
            AuditFilter {
                from: Some(now - hour),
                until: Some(now + hour),
                who: Some(ann().key()),
                ..AuditFilter::default()
            },
            2,
        ),
        (AuditFilter { from: Some(now + hour), ..AuditFilter::default() }, 0),
        (AuditFilter { until: Some(now - hour), ..AuditFilter::default() }, 0),
    ] {
        let found = bench.lake.audit(&steward(), &filter).await.unwrap();
        assert_eq!(found.events.len(), expected, "{filter:?}: {:#?}", found.events);
        assert_eq!(found.before, None);
    }
    bench.lake.flush_audit(PATIENCE).await.unwrap();
    let searches = AuditFilter { action: Some(AuditAction::Audit), ..AuditFilter::default() };
    assert_eq!(bench.lake.audit(&steward(), &searches).await.unwrap().events.len(), 12);
    let long = AuditFilter { text: Some("x".repeat(1_001)), ..AuditFilter::default() };
    assert!(matches!(bench.lake.audit(&steward(), &long).await, Err(LakeError::Invalid { .. })));
}

#[tokio::test]
async fn pages_of_the_audit_fit_together() {
    let bench = Bench::new().await;
    for i in 0..120 {
        bench.ask(&ann(), &format!("select {i}")).await.unwrap();
    }
    let texts: Vec<Option<String>> =
        bench.events().await.into_iter().filter(|e| e.action == AuditAction::Query).map(|e| e.text).collect();
    let expected: Vec<Option<String>> = (0..120).map(|i| Some(format!("select {i}"))).collect();
    assert_eq!(texts, expected);
}

#[tokio::test]
async fn no_token_and_no_endless_text_gets_into_a_row() {
    let bench = Bench::new().await;
    let (id, secret) = ("0123456789abcdef0123456789abcdef", "x".repeat(43));
    bench.ask(&ann(), &format!("select 'pk_{id}_{secret}'")).await.unwrap();
    let event = bench.one(AuditAction::Query).await;
    assert_eq!(event.text, Some(format!("select 'pk_{id}_…'")));
    bench.ask(&ann(), &format!("select 1 -- {}", "é".repeat(20_000))).await.unwrap();
    let event = bench.last(AuditAction::Query).await;
    assert!(event.text.is_some_and(|t| t.len() <= AuditEvent::TEXT_BYTES && t.ends_with('…')));
}
