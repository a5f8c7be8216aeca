//! Who sees what of the audit, and that nobody else writes it.

use super::super::*;

const WHO: &str = "select distinct who from system.audit";

#[tokio::test]
async fn each_sees_their_own_rows_and_stewards_all() {
    let bench = Bench::new().await;
    for who in [partner("a"), partner("b")] {
        bench.ask(&who, "select id from ops.shops").await.unwrap();
    }
    bench.lake.flush_audit(PATIENCE).await.unwrap();
    let own = |who: &Principal| vec![vec![Cell::from(who.key())]];
    // A grant on `*` for the staff does not open it.
    for who in [ann(), partner("a"), partner("b")] {
        assert_eq!(bench.ask(&who, WHO).await.unwrap(), own(&who), "{}", who.name);
        let found = bench.lake.audit(&who, &AuditFilter::default()).await.unwrap();
        assert!(!found.events.is_empty() && found.events.iter().all(|e| e.who == Some(who.key())), "{found:?}");
        let others = AuditFilter { who: Some(steward().key()), ..AuditFilter::default() };
        assert_eq!(bench.lake.audit(&who, &others).await.unwrap().events, []);
    }
    assert!(bench.ask(&steward(), WHO).await.unwrap().len() >= 3);
    // A token is no steward, and sees nothing beyond its scope.
    let token = |datasets: &[&str]| Principal {
        scope: Some(model::principal::TokenScope {
            actions: ["read".to_owned()].into(),
            datasets: datasets.iter().map(|d| (*d).to_owned()).collect(),
            ..Default::default()
        }),
        ..steward()
    };
    bench.lake.flush_audit(PATIENCE).await.unwrap();
    assert_eq!(bench.ask(&token(&[]), WHO).await.unwrap(), own(&steward()));
    let beyond = bench.ask(&token(&["ops.*"]), WHO).await.unwrap_err();
    assert_eq!(beyond.to_string(), "no such dataset: system.audit");
    let groupless = Principal { groups: None, ..partner("a") };
    assert!(matches!(bench.ask(&groupless, WHO).await, Err(LakeError::NotFound { .. })));
    // Nor does a filter of one's own lead past it, nor an older version.
    let sql =
        format!("select count(*) from system.audit where who <> '{}' or 1 = 1 and who is null", partner("a").key());
    assert_eq!(bench.ask(&partner("a"), &sql).await.unwrap(), [[Cell::from(0)]]);
    let sql = "select distinct who from system.audit version as of 1";
    assert!(bench.ask(&partner("a"), sql).await.is_ok_and(|rows| rows.len() <= 1));
}

#[tokio::test]
async fn it_is_found_by_name_and_not_beside_the_data_of_units() {
    let bench = Bench::new().await;
    bench.lake.flush_audit(PATIENCE).await.unwrap();
    for who in [steward(), ann(), partner("a")] {
        let listed = bench.lake.datasets(&who, DatasetFilter::default()).await.unwrap();
        assert!(listed.iter().all(|d| !d.name.is_reserved()), "{listed:?}");
        let detail = bench.lake.dataset(&who, &DatasetName::audit()).await.unwrap();
        let columns = if who == steward() { 21 } else { 20 };
        let access = &detail.dataset.access;
        assert_eq!((detail.schema.len(), access.may_own, access.may_upload), (columns, false, false));
    }
    let config = LakeConfig::new(StoreConfig::Folder(bench.folder.path().to_owned()));
    assert_eq!(Lake::check_policy(&config, None).await.unwrap().findings, []);
}

#[tokio::test]
async fn nobody_else_writes_into_the_reserved_unit() {
    let bench = Bench::new().await;
    bench.ask(&ann(), "select 1").await.unwrap();
    bench.lake.flush_audit(PATIENCE).await.unwrap();
    let audit = DatasetName::audit();
    for who in [steward(), ann(), partner("a")] {
        let sent = bench.lake.upload(&who, &audit, "x.csv", body("who\nx\n")).await.unwrap_err();
        assert!(matches!(sent, LakeError::Forbidden { .. }), "{sent}");
        assert!(bench.lake.begin_upload(&who, &audit, "x.csv", 3).await.is_err());
        let rolled = bench.lake.roll_back(&who, &audit, RollBack { to: 0, newest: None }).await.unwrap_err();
        assert!(matches!(rolled, LakeError::Forbidden { .. }), "{rolled}");
        let what =
            lake::ingest::Inspect { file: "x.csv".into(), dataset: Some(audit.clone()), contract: None, rows: 1 };
        assert!(bench.lake.inspect(&who, what, "who\nx\n".into()).await.is_err());
    }
    let folder = bench.folder.path();
    for place in ["landing/system/audit/x.csv", "landing/system/other/x.csv", "out/system/audit/x.csv"] {
        let place = folder.join(place);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, "who\nforged\n").unwrap();
    }
    assert_eq!(bench.lake.ingest_landing().await.unwrap(), []);
    assert!(bench.lake.ingest_path(&folder.join("out"), None).await.is_err());
    assert!(bench.lake.ingest_path(&folder.join("out/system/audit/x.csv"), Some(&audit)).await.is_err());
    // A contract has no say in it either.
    std::fs::create_dir_all(folder.join("contracts/system")).unwrap();
    std::fs::write(folder.join("contracts/system/audit.toml"), "title = 'forged'\n").unwrap();
    assert_eq!(bench.lake.dataset(&steward(), &audit).await.unwrap().dataset.title, "Audit");
    assert!(bench.events().await.iter().all(|e| e.who.as_deref() != Some("forged")));
    assert!(bench.ask(&steward(), "select 1 from system.audit where who = 'forged'").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_policy_cannot_grant_it() {
    for on in ["system.*", "system.audit"] {
        let folder = tempfile::tempdir().unwrap();
        let policy = format!("[[grant]]\nto = [\"*\"]\non = [\"{on}\"]\n");
        std::fs::write(folder.path().join("policy.toml"), policy).unwrap();
        let mut config = LakeConfig::new(StoreConfig::Folder(folder.path().to_owned()));
        config.freshness = Duration::ZERO;
        let refused = Lake::open(config).await.unwrap_err();
        assert!(matches!(&refused, LakeError::Config { message } if message.contains("reserved")), "{refused:?}");
    }
}

#[tokio::test]
async fn one_s_own_rows_tell_no_more_than_one_was_told() {
    let bench = Bench::new().await;
    bench.lake.upload(&ann(), &"hr.pay".parse().unwrap(), "pay.csv", body("who,amount\nx,1\n")).await.unwrap();
    let arrival = bench.lake.ingests(&ann(), IngestFilter::default()).await.unwrap()[0].id.clone();
    let who = partner("a");
    let result = bench.lake.query(&ann(), QueryRequest::new("select * from hr.pay")).await.unwrap().id;
    // What is hidden, and the same of what is absent.
    for (hidden, absent) in [("hr.pay", "hr.nay"), (arrival.as_str(), "0192"), (result.as_str(), "nothing")] {
        for name in [hidden, absent] {
            match name.parse::<DatasetName>() {
                Ok(dataset) => {
                    bench.ask(&who, &format!("select * from {name}")).await.unwrap_err();
                    bench.lake.dataset(&who, &dataset).await.unwrap_err();
                    bench.lake.roll_back(&who, &dataset, RollBack { to: 0, newest: None }).await.unwrap_err();
                    bench.lake.upload(&who, &dataset, "x.csv", body("a\n1\n")).await.unwrap_err();
                }
                Err(_) => {
                    bench.lake.ingest(&who, name).await.unwrap_err();
                    bench.lake.quarantine(&who, name).await.unwrap_err();
                    bench.lake.result_page(&who, name, 0, 1).await.unwrap_err();
                    bench.lake.query_status(&who, name).await.unwrap_err();
                }
            }
        }
    }
    for column in ["secret", "nothing"] {
        bench.ask(&who, &format!("select {column} from ops.shops")).await.unwrap_err();
    }
    bench.lake.flush_audit(PATIENCE).await.unwrap();
    let told = |name: &str| {
        let sql = format!(
            "select action, outcome, replace(message, '{name}', '?'), replace(datasets, '{name}', '?'), \
             replace(text, '{name}', '?'), columns, rows, bytes, cached from system.audit \
             where strpos(concat(text, ' ', datasets), '{name}') > 0 order by event"
        );
        let (bench, who) = (&bench, &who);
        async move { bench.ask(who, &sql).await.unwrap() }
    };
    for (hidden, absent, count) in [
        ("hr.pay", "hr.nay", 4),
        (arrival.as_str(), "0192", 4),
        (result.as_str(), "nothing", 4),
        ("secret", "nothing", 1),
    ] {
        // Both names of columns and ids are words of their own queries alone.
        let (hidden, mut absent) = (told(hidden).await, told(absent).await);
        if absent.len() > count {
            let columns = count == 1;
            absent.retain(|row| (row[0] == "query") == columns);
        }
        assert_eq!((hidden.len(), &hidden), (count, &absent));
    }
    // Nor can the reason be asked for.
    for sql in ["select reason from system.audit", "select 1 from system.audit where reason like '%hidden%'"] {
        let refused = bench.ask(&who, sql).await.unwrap_err();
        assert_eq!(refused.to_string(), "there is no column `reason`");
    }
    let granted = AuditFilter { text: Some("not granted".into()), ..AuditFilter::default() };
    assert_eq!(bench.lake.audit(&who, &granted).await.unwrap().events, []);
    let mine = bench.lake.audit(&who, &AuditFilter::default()).await.unwrap().events;
    assert!(mine.iter().all(|e| e.reason.is_none()) && mine.iter().any(|e| e.message.is_some()));
}
