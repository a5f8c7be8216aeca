//! Older versions in SQL, under the policy of now; and going back to one, with what happens then to the files that
//! landed after it.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "versions/again.rs"]
mod again;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use chrono::{SecondsFormat, TimeDelta};
use futures::StreamExt;
use lake::{
    Lake, LakeConfig, LakeError, StoreConfig,
    store::Store,
    table::{Commit, Tables, WriteMode},
};
use model::{Cell, DatasetName, IngestReport, IngestState, Principal, QueryRequest, RefusedBecause, RollBack};
use serde_json::json;

const POLICY: &str = r#"
stewards = ["group:stewards"]
[[grant]]
to = ["group:staff"]
on = ["*"]
may = ["read", "own"]
[[grant]]
to = ["group:partners"]
on = ["ops.flights"]
rows = "carrier = claim('carrier')"
mask = { tailnum = "hash", gate = "null" }
[[grant]]
to = ["group:guests"]
on = ["ref.open"]
"#;

const A: &str = "carrier,flight,tailnum\nUA,1,N1\nDL,2,N2\n";
const B: &str = "carrier,flight,tailnum\nUA,3,N3\nDL,4,N4\n";
const C: &str = "carrier,flight,tailnum,gate\nUA,5,N5,A7\n";

struct Bench {
    lake: Lake,
    folder: tempfile::TempDir,
}

impl Bench {
    /// `ops.flights` in three versions: two rows, four rows, five rows with a column more.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("policy.toml"), POLICY).unwrap();
        let bench = Self { lake: open(folder.path()).await, folder };
        for (name, text) in [("a.csv", A), ("b.csv", B), ("c.csv", C)] {
            let report = bench.send("ops.flights", name, text).await;
            assert_eq!(report.state, IngestState::Landed, "{}", report.message);
        }
        bench
    }

    async fn send(&self, dataset: &str, name: &str, text: &str) -> IngestReport {
        let body = futures::stream::iter([Ok(text.to_owned().into())]).boxed();
        self.lake.upload(&staff(), &dataset.parse().unwrap(), name, body).await.unwrap()
    }

    /// Files of `ops.<name>` take the place of all rows.
    fn replace(&self, name: &str) {
        let contracts = self.folder.path().join("contracts/ops");
        std::fs::create_dir_all(&contracts).unwrap();
        std::fs::write(contracts.join(format!("{name}.toml")), "mode = \"replace\"\ngrowth = true\n").unwrap();
    }

    /// One row of UA with these columns and no other, as another engine may write it.
    async fn overwrite(&self, columns: &[&str], flight: &str) {
        let value = |name: &&str| if *name == "flight" { flight } else { "UA" };
        let column = |name: &&str| (name.to_string(), Arc::new(StringArray::from(vec![value(name)])) as ArrayRef, true);
        let batch = RecordBatch::try_from_iter_with_nullable(columns.iter().map(column)).unwrap();
        let commit = Commit {
            sha256: flight.into(),
            ingest: format!("other {flight}"),
            file: "other.csv".into(),
            by: "other".into(),
            mode: WriteMode::Replace,
            ..Commit::default()
        };
        let store = Store::open(&StoreConfig::Folder(self.folder.path().to_owned())).unwrap();
        let tables = Tables::new(store, std::time::Duration::ZERO);
        tables.commit(&flights(), batch.schema(), vec![batch], commit).await.unwrap();
    }

    async fn ask(&self, who: &Principal, sql: &str) -> lake::Result<(String, Vec<Vec<Cell>>)> {
        let mut request = QueryRequest::new(sql);
        request.wait_ms = 30_000;
        let status = self.lake.query(who, request).await?;
        let page = self.lake.result_page(who, &status.id, 0, 100).await?;
        Ok((status.id, page.rows))
    }

    async fn rows(&self, who: &Principal, sql: &str) -> Vec<Vec<Cell>> {
        self.ask(who, sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}")).1
    }

    async fn refusal(&self, who: &Principal, sql: &str) -> LakeError {
        match self.ask(who, sql).await {
            Err(e) => e,
            Ok((_, rows)) => panic!("{sql}: {rows:?}"),
        }
    }

    async fn roll_back(&self, who: &Principal, to: u64) -> lake::Result<u64> {
        let to = RollBack { to, newest: None };
        Ok(self.lake.roll_back(who, &flights(), to).await?.version)
    }

    async fn count(&self) -> u64 {
        self.rows(&staff(), "select count(*) from ops.flights").await[0][0].as_u64().unwrap()
    }
}

async fn open(folder: &Path) -> Lake {
    let mut config = LakeConfig::new(StoreConfig::Folder(folder.to_owned()));
    config.freshness = std::time::Duration::ZERO;
    Lake::open(config).await.unwrap()
}

fn flights() -> DatasetName {
    "ops.flights".parse().unwrap()
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

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_asked_by_number_wherever_a_dataset_can_stand() {
    let bench = Bench::new().await;
    for (sql, expected) in [
        ("select count(*) from ops.flights", 5),
        ("select count(*) from ops.flights version as of 0", 2),
        ("SELECT count(*) FROM OPS.FLIGHTS FOR VERSION AS OF 1", 4),
        ("select count(*) from ops.flights for system_version as of 1 where flight > 1", 3),
        ("select count(*) from ops.flights version as of 2", 5),
        ("select count(*) from ops.flights /* the first */ version\n  as -- of\n of 0;", 2),
        ("select count(*) from ops.flights version as of 0 as f where f.flight = 1", 1),
        ("select count(*) from ops.flights version as of 0 f (c, n, t) where f.n = 1", 1),
        ("select count(*) from ops.flights version as of 0 where flights.flight = 1", 1),
        ("select (select count(*) from ops.flights version as of 1) + (select count(*) from ops.flights)", 9),
        ("with f as (select * from ops.flights version as of 0) select count(*) from f, f as g", 4),
        ("select count(*) from (ops.flights version as of 0 cross join ops.flights version as of 1 as g)", 8),
        // What came since.
        (
            "select count(*) from ops.flights n left join ops.flights version as of 0 o on n.flight = o.flight \
             where o.flight is null",
            3,
        ),
        (
            "select count(*) from (select flight from ops.flights version as of 1 except \
             select flight from ops.flights version as of 0)",
            2,
        ),
        // The words keep their other meanings.
        ("select count(version.flight) from ops.flights version", 5),
        ("select count(*) from (select flight as version, carrier as timestamp from ops.flights) where version > 0", 5),
        ("select count(*) from ops.flights where carrier <> 'x version as of 3'", 5),
    ] {
        assert_eq!(bench.rows(&staff(), sql).await, [[json!(expected)]], "{sql}");
    }
    // An older version has the columns of its time.
    let all = bench.rows(&staff(), "select * from ops.flights version as of 0 order by flight").await;
    assert_eq!(all, [[json!("UA"), json!(1), json!("N1")], [json!("DL"), json!(2), json!("N2")]]);
    let e = bench.refusal(&staff(), "select gate from ops.flights version as of 0").await;
    assert!(e.to_string().contains("no column `gate`"), "{e}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_asked_by_time() {
    let bench = Bench::new().await;
    let times: Vec<_> =
        bench.lake.versions(&staff(), &flights()).await.unwrap().iter().map(|v| v.committed_at).rev().collect();
    for (version, rows) in [(0, 2), (1, 4), (2, 5)] {
        let at = times[version].to_rfc3339_opts(SecondsFormat::Millis, true);
        let local = times[version].format("%Y-%m-%d %H:%M:%S%.3f").to_string();
        for sql in [
            format!("select count(*) from ops.flights timestamp as of '{at}'"),
            format!("select count(*) from ops.flights for timestamp as of '{local}' as f"),
            format!("select count(*) from ops.flights for system_time as of '{at}'"),
            format!("select count(*) from ops.flights for system_time as of timestamp '{local}'"),
        ] {
            assert_eq!(bench.rows(&staff(), &sql).await, [[json!(rows)]], "{sql}");
        }
    }
    let rows = bench.rows(&staff(), "select count(*) from ops.flights timestamp as of '2999-01-01'").await;
    assert_eq!(rows, [[json!(5)]]);
    let before = (times[0] - TimeDelta::milliseconds(1)).to_rfc3339_opts(SecondsFormat::Millis, true);
    let e = bench.refusal(&staff(), &format!("select 1 from ops.flights timestamp as of '{before}'")).await;
    assert_eq!(e.code(), "invalid_sql");
    assert!(e.to_string().contains("version 0 is of") && e.to_string().contains("versions 0 to 2"), "{e}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_clause_or_no_version_is_said_with_its_place() {
    let bench = Bench::new().await;
    for (sql, code, part) in [
        ("select * from ops.flights version as of 99", "invalid_sql", "has no version 99; it has versions 0 to 2"),
        ("select * from ops.flights version as of 18446744073709551616", "invalid_sql", "whole number"),
        ("select * from ops.flights version as of 1.5", "invalid_sql", "whole number"),
        ("select * from ops.flights version as of -1", "invalid_sql", "whole number"),
        ("select * from ops.flights version as of '1'", "invalid_sql", "whole number"),
        ("select * from ops.flights version as of $v", "invalid_sql", "whole number"),
        ("select * from ops.flights version as of", "invalid_sql", "whole number"),
        ("select * from ops.flights timestamp as of 'yesterday'", "invalid_sql", "a time is a text"),
        ("select * from ops.flights timestamp as of now()", "invalid_sql", "a time is a text"),
        ("select * from ops.flights timestamp as of 3", "invalid_sql", "a time is a text"),
        ("select * from ops.flights f version as of 1", "invalid_sql", "right behind"),
        ("select * from (select 1) version as of 1", "invalid_sql", "right behind"),
        ("with f as (select 1) select * from f version as of 1", "invalid_sql", "right behind"),
        ("select flights.flight version as of 1 from ops.flights", "invalid_sql", "right behind"),
        ("select * from ops.flights version as of 1 version as of 1", "invalid_sql", "right behind"),
        // What stands in for a clause on the way, and the names that versions get, mean nothing in a text.
        ("select * from ops.flights partition (\"as of\")", "invalid_sql", "not possible"),
        ("select * from ops.flights version as of 1, ops.flights partition (\"as of\")", "invalid_sql", "not possible"),
        ("select * from ops.flights@0", "not_found", "no such dataset"),
        ("select * from ops.\"flights@0\"", "not_found", "no such dataset"),
        ("select * from ops.flights version as of 0, ops.\"flights@0\" as g", "not_found", "no such dataset"),
        ("select * from lake.ops.flights version as of 0", "not_found", "no such dataset"),
        ("select * from ops.\"FLIGHTS\" version as of 0", "not_found", "no such dataset"),
        ("select * from ops.read_csv version as of 0 ('x')", "not_found", "no such dataset"),
    ] {
        let e = bench.refusal(&staff(), sql).await;
        assert_eq!(e.code(), code, "{sql}: {e:?}");
        assert!(e.to_string().contains(part), "{sql}: {e}");
    }
    let LakeError::InvalidSql { line, column, .. } =
        bench.refusal(&staff(), "select *\nfrom ops.flights version as of 99").await
    else {
        panic!("no place")
    };
    assert_eq!((line, column), (Some(2), Some(18)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_of_now_holds_on_old_rows() {
    let bench = Bench::new().await;
    let sees = "select carrier, flight, tailnum from ops.flights version as of 1 order by flight";
    let rows = bench.rows(&partner(), sees).await;
    assert_eq!(
        rows.iter().map(|r| (&r[0], &r[1])).collect::<Vec<_>>(),
        [(&json!("UA"), &json!(1)), (&json!("UA"), &json!(3))]
    );
    assert!(rows.iter().all(|r| r[2].as_str().is_some_and(|t| !t.starts_with('N'))), "{rows:?}");
    // The same mask as on the newest version: one value, one hash.
    let now = bench.rows(&partner(), "select tailnum from ops.flights where flight = 1").await;
    assert_eq!(now[0][0], rows[0][2]);
    for sql in [
        "select * from ops.flights version as of 1 where tailnum = 'N1'",
        "select * from ops.flights version as of 1 where carrier = 'DL'",
        "select * from ops.flights version as of 0 o join ops.flights n on o.tailnum = 'N1' and n.flight = 1",
    ] {
        assert!(bench.rows(&partner(), sql).await.is_empty(), "{sql}");
        assert!(!bench.rows(&staff(), sql).await.is_empty(), "control: {sql}");
    }
    // No error shows a hidden value.
    let e = bench.ask(&partner(), "select cast(tailnum as int) from ops.flights version as of 0").await;
    assert!(!format!("{e:?}").contains("N1") && !format!("{e:?}").contains("N2"), "{e:?}");
    // A grant that ends ends for old versions too.
    let none = POLICY.replace("group:partners", "group:nobody");
    std::fs::write(bench.folder.path().join("policy.toml"), none).unwrap();
    assert_eq!(bench.refusal(&partner(), sees).await.code(), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_is_gone_is_for_who_sees_everything() {
    let bench = Bench::new().await;
    // The column of names is called otherwise now, and the policy names no other.
    bench.overwrite(&["carrier", "flight", "tail"], "6").await;
    let grant = POLICY.replace("tailnum = \"hash\", gate = \"null\"", "tail = \"hash\"");
    std::fs::write(bench.folder.path().join("policy.toml"), grant).unwrap();
    let rows = bench.rows(&partner(), "select * from ops.flights version as of 2 order by flight").await;
    assert_eq!(rows, [[json!("UA"), json!(1)], [json!("UA"), json!(3)], [json!("UA"), json!(5)]]);
    let e = bench.refusal(&partner(), "select tailnum from ops.flights version as of 2").await;
    assert!(e.to_string().contains("no column `tailnum`"), "{e}");
    assert_eq!(bench.rows(&staff(), "select tailnum from ops.flights version as of 0").await.len(), 2);
    // Rows that the policy cannot tell apart are not shown at all.
    bench.overwrite(&["airline", "flight"], "7").await;
    let by_airline = POLICY
        .replace("carrier = claim", "airline = claim")
        .replace("mask = { tailnum = \"hash\", gate = \"null\" }", "");
    std::fs::write(bench.folder.path().join("policy.toml"), by_airline).unwrap();
    assert_eq!(bench.rows(&partner(), "select flight from ops.flights").await, [[json!("7")]]);
    let e = bench.refusal(&partner(), "select * from ops.flights version as of 2").await;
    assert!(e.to_string().contains("had other columns"), "{e}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_different_versions_are_different_answers() {
    let bench = Bench::new().await;
    let ask = async |sql: &str| bench.ask(&staff(), sql).await.unwrap();
    let count = |n: u64| format!("select count(*) from ops.flights version as of {n}");
    let (zero, one, newest) =
        (ask(&count(0)).await, ask(&count(1)).await, ask("select count(*) from ops.flights").await);
    assert!(zero.0 != one.0 && one.0 != newest.0 && zero.0 != newest.0);
    // The sides of a join are not taken for one another.
    let join = |a: u64, b: u64| {
        format!(
            "select (select count(*) from ops.flights version as of {a}) as a, (select count(*) from ops.flights version as of {b}) as b"
        )
    };
    let (there, back) = (ask(&join(0, 1)).await, ask(&join(1, 0)).await);
    assert_eq!((there.1, back.1), (vec![vec![json!(2), json!(4)]], vec![vec![json!(4), json!(2)]]));
    assert_ne!(there.0, back.0);
    // However a version is named, it is one answer, which a newer version does not end.
    let at = bench.lake.versions(&staff(), &flights()).await.unwrap()[1].committed_at;
    let by_time = format!(
        "select count(*) from ops.flights timestamp as of '{}'",
        at.to_rfc3339_opts(SecondsFormat::Millis, true)
    );
    assert_eq!(ask(&by_time).await.0, one.0);
    bench.send("ops.flights", "d.csv", "carrier,flight\nUA,9\n").await;
    assert_eq!(ask(&count(1)).await, one);
    assert_ne!(ask("select count(*) from ops.flights").await.0, newest.0);
    // Nobody else's: the policy is in the key.
    let own = bench.ask(&partner(), &count(1)).await.unwrap();
    assert_eq!(own.1, [[json!(2)]]);
    assert_ne!(own.0, one.0);
    let stolen = bench.lake.result_page(&partner(), &one.0, 0, 10).await;
    assert!(matches!(stolen, Err(LakeError::NotFound { .. })), "{stolen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_and_absent_are_alike_at_every_version() {
    let bench = Bench::new().await;
    let guest = person("guest", "guests", None);
    for clause in
        ["version as of 0", "version as of 99", "timestamp as of '1999-01-01'", "for system_time as of '2999-01-01'"]
    {
        let mut said = Vec::new();
        for name in ["flights", "flightz"] {
            let e = bench.refusal(&guest, &format!("select * from ops.{name} {clause}")).await;
            assert!(matches!(e, LakeError::NotFound { .. }), "{clause}: {e:?}");
            said.push(e.to_string().replace(name, "…"));
        }
        assert_eq!(said[0], said[1], "{clause}");
    }
    for name in ["ops.flights", "ops.flightz"] {
        let name: DatasetName = name.parse().unwrap();
        assert!(matches!(bench.lake.versions(&guest, &name).await, Err(LakeError::NotFound { .. })));
        let back = bench.lake.roll_back(&guest, &name, RollBack { to: 99, newest: None }).await;
        assert!(matches!(back, Err(LakeError::NotFound { .. })), "{back:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_whose_files_were_cleaned_up_is_said_to_be_gone() {
    let bench = Bench::new().await;
    bench.replace("shops");
    bench.send("ops.shops", "a.csv", "id\n1\n").await;
    let folder = bench.folder.path().join("tables/ops/shops");
    let first: Vec<_> = parquet_files(&folder);
    bench.send("ops.shops", "b.csv", "id\n2\n3\n").await;
    assert_eq!(first.len(), 1);
    std::fs::remove_file(&first[0]).unwrap();
    let e = bench.refusal(&staff(), "select * from ops.shops version as of 0").await;
    assert!(e.to_string().contains("can no longer be read") && e.to_string().contains("versions 0 to 1"), "{e}");
    let back = bench.lake.roll_back(&staff(), &"ops.shops".parse().unwrap(), RollBack { to: 0, newest: None }).await;
    assert!(matches!(&back, Err(LakeError::Invalid { message }) if message.contains("no longer")), "{back:?}");
    assert_eq!(bench.rows(&staff(), "select count(*) from ops.shops").await, [[json!(2)]]);
}

fn parquet_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path());
    files.filter(|f| f.extension().is_some_and(|e| e == "parquet")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_roll_back_is_a_version_that_says_who_and_to_which() {
    let bench = Bench::new().await;
    assert_eq!(bench.roll_back(&staff(), 1).await.unwrap(), 3);
    assert_eq!(bench.count().await, 4);
    // Its columns are those of then.
    let columns = bench.lake.columns(&staff(), &flights()).await.unwrap();
    assert_eq!(columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["carrier", "flight", "tailnum"]);
    let versions = bench.lake.versions(&staff(), &flights()).await.unwrap();
    let told: Vec<_> = versions
        .iter()
        .map(|v| (v.version, v.operation.as_str(), v.by.as_deref(), v.file.as_deref(), v.rows_added, v.taken_back))
        .collect();
    assert_eq!(
        told,
        [
            (3, "rollback", Some("ann"), None, None, None),
            (2, "append", Some("ann"), Some("c.csv"), Some(1), Some(3)),
            (1, "append", Some("ann"), Some("b.csv"), Some(2), None),
            (0, "create", Some("ann"), Some("a.csv"), Some(2), None),
        ]
    );
    assert_eq!(versions[0].restores, Some(1));
    // What was taken back can be read and brought back, and the profile is of the files that count.
    assert_eq!(
        bench.rows(&staff(), "select gate from ops.flights version as of 2 where flight = 5").await,
        [[json!("A7")]]
    );
    let profile = bench.lake.profile(&staff(), &flights()).await.unwrap();
    assert_eq!((profile.rows, profile.columns.len(), profile.columns[1].max.clone()), (4, 3, json!(4)));
    assert!(!profile.columns[0].top.is_empty(), "from the files' own profiles");
    assert_eq!(bench.roll_back(&staff(), 2).await.unwrap(), 4);
    assert_eq!(bench.count().await, 5);
    let profile = bench.lake.profile(&staff(), &flights()).await.unwrap();
    assert_eq!((profile.rows, profile.columns.len()), (5, 4));
    let versions = bench.lake.versions(&staff(), &flights()).await.unwrap();
    assert_eq!(versions.iter().map(|v| v.taken_back).collect::<Vec<_>>(), [None, Some(4), None, None, None]);
    // Names are for owners and stewards, counts for who sees all rows.
    let seen = &bench.lake.versions(&partner(), &flights()).await.unwrap()[2];
    assert_eq!((&seen.by, &seen.file, &seen.ingest, seen.rows_added), (&None, &None, &None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_and_stewards_roll_back_and_nobody_else() {
    let bench = Bench::new().await;
    let refused = bench.roll_back(&partner(), 0).await;
    assert!(matches!(refused, Err(LakeError::Forbidden { .. })), "{refused:?}");
    let mut narrow = staff();
    let scope = model::principal::TokenScope { actions: ["read".to_owned()].into(), ..Default::default() };
    narrow.scope = Some(scope);
    let refused = bench.roll_back(&narrow, 0).await;
    assert!(matches!(refused, Err(LakeError::Forbidden { .. })), "a token that may only read: {refused:?}");
    for (to, part) in [(2, "is the newest"), (7, "it has versions 0 to 2")] {
        let refused = bench.roll_back(&staff(), to).await;
        assert!(matches!(&refused, Err(LakeError::Invalid { message }) if message.contains(part)), "{refused:?}");
    }
    // Decided on what is no longer the newest.
    let stale = bench.lake.roll_back(&staff(), &flights(), RollBack { to: 0, newest: Some(1) }).await;
    assert!(matches!(stale, Err(LakeError::Conflict { .. })), "{stale:?}");
    assert_eq!(bench.count().await, 5);
    let steward = person("sue", "stewards", None);
    let made = bench.lake.roll_back(&steward, &flights(), RollBack { to: 0, newest: Some(2) }).await.unwrap();
    assert_eq!((made.version, made.by.as_deref(), made.restores), (3, Some("sue"), Some(0)));
    assert_eq!(bench.count().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_roll_back_a_corrected_file_lands_and_the_same_one_only_by_decision() {
    let bench = Bench::new().await;
    bench.roll_back(&staff(), 1).await.unwrap();
    let same = bench.send("ops.flights", "c.csv", C).await;
    assert_eq!((same.state, same.refused_because), (IngestState::Refused, Some(RefusedBecause::TakenBack)));
    assert!(same.message.contains("as version 2") && same.message.contains("in version 3"), "{}", same.message);
    assert_eq!(bench.count().await, 4);
    let corrected = bench.send("ops.flights", "c.csv", &C.replace("A7", "A8")).await;
    assert_eq!((corrected.state, corrected.version), (IngestState::Landed, Some(4)), "{}", corrected.message);
    // A file from before is in still.
    let old = bench.send("ops.flights", "a.csv", A).await;
    assert_eq!(old.state, IngestState::Duplicate, "{}", old.message);
    // An owner lets the same content land once more, once.
    let again = bench.lake.decide(&staff(), &same.id, model::Decision::land()).await.unwrap();
    assert_eq!((again.state, again.version), (IngestState::Landed, Some(5)), "{}", again.message);
    assert_eq!(again.decided_by.as_deref(), Some("ann"));
    assert_eq!(bench.count().await, 6);
    let more = bench.send("ops.flights", "c.csv", C).await;
    assert_eq!(more.state, IngestState::Duplicate, "{}", more.message);
    assert_eq!(bench.count().await, 6);
    // And is asked about anew after the next roll back.
    bench.roll_back(&staff(), 4).await.unwrap();
    let mut third = bench.send("ops.flights", "c.csv", C).await;
    for name in ["c.csv", "renamed.csv"] {
        assert_eq!(third.refused_because, Some(RefusedBecause::TakenBack), "{name}: {}", third.message);
        assert!(third.message.contains("as version 5") && third.message.contains("in version 6"), "{}", third.message);
        third = bench.send("ops.flights", "renamed.csv", C).await;
    }
    let again = bench.lake.decide(&staff(), &third.id, model::Decision::land()).await.unwrap();
    assert_eq!((again.state, again.version), (IngestState::Landed, Some(7)), "{}", again.message);
    // Brought back by a roll back, it is in.
    bench.roll_back(&staff(), 4).await.unwrap();
    bench.roll_back(&staff(), 7).await.unwrap();
    assert_eq!(bench.send("ops.flights", "x.csv", C).await.state, IngestState::Duplicate);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_file_that_was_taken_back_are_not_corrected_alone() {
    let bench = Bench::new().await;
    let contracts = bench.folder.path().join("contracts/ops");
    std::fs::create_dir_all(&contracts).unwrap();
    std::fs::write(contracts.join("shops.toml"), "max_rejected = '60%'\n[column.n]\ntype = 'int64'\n").unwrap();
    bench.send("ops.shops", "first.csv", "id;n\n0;0\n").await;
    let file = bench.send("ops.shops", "shops.csv", "id;n\n1;1\n2;x\n3;3\n").await;
    assert_eq!((file.version, file.rows.quarantined), (Some(1), 1), "{}", file.message);
    let shops: DatasetName = "ops.shops".parse().unwrap();
    let correct = async |text: &str| {
        let body = futures::stream::iter([Ok(text.to_owned().into())]).boxed();
        bench.lake.correct(&staff(), &file.id, body).await
    };
    let corrected = correct("id;n\n2;2\n").await.unwrap();
    assert_eq!((corrected.state, corrected.version), (IngestState::Landed, Some(2)), "{}", corrected.message);
    // Only the correction is taken back: the row waits again, and another correction lands.
    bench.lake.roll_back(&staff(), &shops, RollBack { to: 1, newest: None }).await.unwrap();
    assert!(bench.lake.ingest(&staff(), &file.id).await.unwrap().corrections.is_empty());
    let same = correct("id;n\n2;2\n").await.unwrap();
    assert_eq!(same.refused_because, Some(RefusedBecause::TakenBack), "{}", same.message);
    let other = correct("id;n\n2;22\n").await.unwrap();
    assert_eq!(other.state, IngestState::Landed, "{}", other.message);
    // The file itself is taken back.
    bench.lake.roll_back(&staff(), &shops, RollBack { to: 0, newest: None }).await.unwrap();
    let refused = correct("id;n\n2;23\n").await;
    assert!(matches!(&refused, Err(LakeError::Invalid { message }) if message.contains("taken back")), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_replica_sees_the_roll_back_and_writers_at_once_lose_nothing() {
    let bench = Bench::new().await;
    let other = Bench { lake: open(bench.folder.path()).await, folder: tempfile::tempdir().unwrap() };
    assert_eq!(other.count().await, 5);
    bench.roll_back(&staff(), 0).await.unwrap();
    assert_eq!(other.count().await, 2);
    assert_eq!(other.rows(&staff(), "select count(*) from ops.flights version as of 2").await, [[json!(5)]]);
    let same = other.send("ops.flights", "b.csv", B).await;
    assert_eq!(same.refused_because, Some(RefusedBecause::TakenBack), "{}", same.message);
    // One lands a file while the other rolls back: whichever is first, both are versions.
    let ann = staff();
    let (landed, rolled) =
        tokio::join!(other.send("ops.flights", "d.csv", "carrier,flight,tailnum\nUA,8,N8\n"), bench.roll_back(&ann, 1));
    assert_eq!(landed.state, IngestState::Landed, "{}", landed.message);
    let (landed, rolled) = (landed.version.unwrap(), rolled.unwrap());
    assert_eq!([landed, rolled].iter().sum::<u64>(), 4 + 5);
    let expected = if landed > rolled { 5 } else { 4 };
    for bench in [&bench, &other] {
        assert_eq!(bench.count().await, expected);
    }
    let taken = other
        .lake
        .versions(&staff(), &flights())
        .await
        .unwrap()
        .iter()
        .find(|v| v.version == landed)
        .unwrap()
        .taken_back;
    assert_eq!(taken, (landed < rolled).then_some(rolled));
}
