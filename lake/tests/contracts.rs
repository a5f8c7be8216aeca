//! What contracts promise, from the file to the table: upserts by key, checks, places whose clocks change, formats.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use lake::{
    Lake, LakeConfig, Limits, StoreConfig,
    contract::Contract,
    ingest::{Inspect, inspect},
};
use model::{DatasetName, IngestReport, IngestState, Inspection, Lands, Principal, QueryRequest, RefusedBecause};

const POLICY: &str = "[[grant]]\nto = [\"group:staff\"]\non = [\"*\"]\nmay = [\"read\", \"own\"]\n";

struct Bench {
    lake: Lake,
    folder: tempfile::TempDir,
}

impl Bench {
    async fn under(contract: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("policy.toml"), POLICY).unwrap();
        std::fs::create_dir_all(folder.path().join("contracts/ops")).unwrap();
        std::fs::write(folder.path().join("contracts/ops/stock.toml"), contract).unwrap();
        let mut config = LakeConfig::new(StoreConfig::Folder(folder.path().to_owned()));
        config.freshness = std::time::Duration::ZERO;
        Self { lake: Lake::open(config).await.unwrap(), folder }
    }

    async fn send(&self, name: &str, text: &str) -> IngestReport {
        let file = self.folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        let dataset: DatasetName = "ops.stock".parse().unwrap();
        self.lake.ingest_path(&file, Some(&dataset)).await.unwrap().remove(0)
    }

    async fn rows(&self, sql: &str) -> Vec<Vec<serde_json::Value>> {
        let mut request = QueryRequest::new(sql);
        request.wait_ms = 30_000;
        let status = self.lake.query(&staff(), request).await.unwrap();
        self.lake.result_page(&staff(), &status.id, 0, 1_000).await.unwrap().rows
    }
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

fn seen(contract: &str, text: &str) -> Inspection {
    let contract = Contract::parse(contract.as_bytes(), "contract").unwrap();
    let what = Inspect { file: "x.csv".into(), dataset: None, contract: Some(contract), rows: 100 };
    inspect(&text.to_owned().into(), &what, None, &Limits::default()).inspection
}

fn lands(contract: &str, text: &str) -> Box<Lands> {
    match seen(contract, text) {
        Inspection::Lands(lands) => lands,
        Inspection::Refused(refused) => panic!("{}", refused.message),
    }
}

fn column(lands: &Lands, at: usize) -> Vec<Option<&str>> {
    lands.values.values().map(|row| row[at].as_deref()).collect()
}

#[tokio::test]
async fn an_upsert_replaces_rows_with_the_same_key_and_leaves_the_others() {
    let bench = Bench::under("mode = 'upsert'\nkey = ['shop', 'item']\ngrowth = true\n").await;
    let first = bench.send("1.csv", "shop,item,n\nA,x,1\nA,y,2\nB,x,3\n").await;
    assert_eq!(first.state, IngestState::Landed, "{}", first.message);
    // One is replaced, one is new, and of the two with one key the last counts.
    let second = bench.send("2.csv", "shop,item,n\nA,y,20\nC,x,4\nC,x,5\n").await;
    assert_eq!(second.state, IngestState::Landed, "{}", second.message);
    assert!(second.warnings[0].contains("last row counts"), "{:?}", second.warnings);
    let all = "select shop, item, n from ops.stock order by shop, item";
    let expected = serde_json::json!([["A", "x", 1], ["A", "y", 20], ["B", "x", 3], ["C", "x", 5]]);
    assert_eq!(serde_json::json!(bench.rows(all).await), expected);
    // The same content once more changes nothing.
    let again = bench.send("3.csv", "shop,item,n\nA,y,20\nC,x,4\nC,x,5\n").await;
    assert_eq!(again.state, IngestState::Duplicate);
    // A new column grows; rows that are there keep what the file does not bring.
    let wider = bench.send("4.csv", "shop,item,note\nA,x,new\nD,x,only\n").await;
    assert_eq!(wider.state, IngestState::Landed, "{}", wider.message);
    let noted = "select shop, n, note from ops.stock where note is not null order by shop";
    assert_eq!(serde_json::json!(bench.rows(noted).await), serde_json::json!([["A", 1, "new"], ["D", null, "only"]]));
}

#[tokio::test]
async fn a_row_without_its_key_waits_in_quarantine() {
    let bench = Bench::under("mode = 'upsert'\nkey = ['id']\nmax_rejected = '50%'\n").await;
    let report = bench.send("1.csv", "id,n\n1,1\n,2\n3,3\n").await;
    assert_eq!((report.rows.landed, report.rows.quarantined), (2, 1), "{}", report.message);
    assert_eq!(bench.rows("select count(*) from ops.stock").await, [[serde_json::json!(2)]]);
}

#[test]
fn a_check_holds_back_warns_or_refuses() {
    let text = "id,delay\n1,5\n2,-500\n3,\n4,0\n";
    let with = |on: &str| format!("max_rejected = '50%'\n[[check]]\nname = 'early'\nsql = 'delay > -120'\n{on}");
    let held = lands(&with(""), text);
    assert_eq!((held.rows.landed, held.rows.quarantined, &held.quarantined_lines[..]), (3, 1, &[3_u64][..]));
    assert!(held.quarantined[0].reason.contains("“early” (delay > -120)"), "{:?}", held.quarantined);
    assert_eq!(held.quarantined[0].raw, "2,-500");
    // A row without a value meets the check, as in SQL.
    assert_eq!(column(&held, 0), [Some("1"), Some("3"), Some("4")]);
    let warned = lands(&with("on_failure = 'warn'"), text);
    assert_eq!((warned.rows.landed, warned.warnings.len()), (4, 1));
    let Inspection::Refused(refused) = seen(&with("on_failure = 'refuse'"), text) else { panic!("lands") };
    assert_eq!((refused.refused_because, refused.quarantined.len()), (RefusedBecause::CheckFailed, 1));
    // One that does not fit the columns refuses the file, and says so.
    let Inspection::Refused(wrong) = seen("[[check]]\nsql = 'nothing > 1'\n", text) else { panic!("lands") };
    assert_eq!(wrong.refused_because, RefusedBecause::Contract);
    assert!(wrong.message.contains("nothing"), "{}", wrong.message);
    // A division by zero is that row's fault and nobody else's.
    let divided = lands("max_rejected = '50%'\n[[check]]\nsql = '10 / delay > 0'\n", text);
    assert_eq!(column(&divided, 0), [Some("1"), Some("3")]);
}

#[test]
fn values_that_are_to_be_unique_come_once() {
    let with = |more: &str| format!("max_rejected = '80%'\n[[check]]\nunique = ['id', 'day']\n{more}");
    let text =
        "id,day,n\n1,2026-01-01,a\n1,2026-01-02,b\n1,2026-01-01,c\n,2026-01-01,d\n,2026-01-01,e\n2,2026-01-01,f\n";
    let held = lands(&with(""), text);
    // The first stays, and without one of the values nothing is the same.
    assert_eq!(column(&held, 2), ["a", "b", "d", "e", "f"].map(Some));
    assert_eq!(held.quarantined_lines, [4]);
    assert!(held.quarantined[0].reason.contains("`unique id, day`"), "{:?}", held.quarantined);
    let warned = lands(&with("on_failure = 'warn'"), text);
    assert_eq!((warned.rows.landed, warned.warnings.len()), (6, 1), "{:?}", warned.warnings);
    let Inspection::Refused(refused) = seen(&with("on_failure = 'refuse'"), text) else { panic!("lands") };
    assert_eq!(refused.refused_because, RefusedBecause::CheckFailed);
    let Inspection::Refused(wrong) = seen("[[check]]\nunique = ['nothing']", text) else { panic!("lands") };
    assert!(wrong.message.contains("no column `nothing`"), "{}", wrong.message);
    // A row that waits for another reason is nobody's earlier row.
    let other = "max_rejected = '80%'\n[[check]]\nsql = \"n <> 'a'\"\n[[check]]\nunique = ['id', 'day']\n";
    assert_eq!(column(&lands(other, text), 2), ["b", "c", "d", "e", "f"].map(Some));
}

#[test]
fn d_03_a_check_cannot_grow_past_its_bounds() {
    let text = "id,word\n1,a\n2,b\n";
    for sql in [
        "length(repeat('x', 2000000000)) > 1",
        "length(repeat(word, 2000000000)) > 1",
        "length(lpad(word, 2000000000)) > 1",
    ] {
        let contract = format!("max_rejected = '100%'\n[[check]]\nsql = \"{sql}\"\n");
        match seen(&contract, text) {
            // Refused as a whole when it is a constant, row by row when it is not.
            Inspection::Refused(refused) => assert_eq!(refused.refused_because, RefusedBecause::Contract, "{sql}"),
            Inspection::Lands(lands) => assert_eq!(lands.rows.landed, 0, "{sql}"),
        }
    }
    let many = "[[check]]\nsql = 'id > 0'\n".repeat(101);
    assert!(Contract::parse(many.as_bytes(), "contract").is_err());
    let large = format!("description = '{}'", "x".repeat(1 << 20));
    let error = Contract::parse(large.as_bytes(), "contract").unwrap_err().to_string();
    assert!(error.contains("at most 1 MiB"), "{error}");
}

#[test]
fn d_03_a_check_that_fails_for_each_row_anew_ends_in_time() {
    // The pattern is too large to be compiled, which takes its time for each row that is asked alone.
    let pattern = "((((a{1,50}){1,50}){1,50}){1,50})+$";
    let contract = format!("max_rejected = '100%'\n[[check]]\nsql = \"regexp_like(word, '{pattern}')\"\n");
    let text = "id,word\n".to_owned() + &"1,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n".repeat(20_000);
    let begun = std::time::Instant::now();
    let Inspection::Refused(refused) = seen(&contract, &text) else { panic!("lands") };
    assert_eq!(refused.refused_because, RefusedBecause::Contract, "{}", refused.message);
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
}

#[test]
fn d_01_twenty_thousand_columns_of_one_name_are_told_apart_in_time() {
    let header = vec!["a"; 19_999].join(",");
    let begun = std::time::Instant::now();
    let lands = lands("growth = true", &format!("{header}\n{}\n", vec!["1"; 19_999].join(",")));
    assert_eq!(lands.columns.len(), 19_999);
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

#[test]
fn local_times_of_a_place_become_instants_and_impossible_ones_wait() {
    let contract = "max_rejected = '80%'\n[[source]]\nmatch = '*'\ntime_zone = 'Europe/Berlin'\n[column.at]\n\
                    type = 'timestamp_utc'\n";
    let text = "id,at\n1,2026-07-01 12:00\n2,2026-03-29 02:30\n3,2026-10-25 02:30\n4,2026-01-01 12:00\n";
    let lands = lands(contract, text);
    assert_eq!(column(&lands, 1), [Some("2026-07-01T10:00:00Z"), Some("2026-01-01T11:00:00Z")]);
    assert_eq!(lands.quarantined_lines, [3, 4]);
    assert!(lands.quarantined[0].reason.contains("Europe/Berlin"), "{:?}", lands.quarantined);
}

#[test]
fn a_format_says_how_dates_are_written() {
    let contract = "max_rejected = '50%'\n[column.day]\ntype = 'date'\nformat = '%y/%m/%d'\n[column.at]\n\
                    type = 'timestamp'\nformat = '%d.%m.%Y %Hh%M'\n";
    let lands = lands(contract, "day,at\n26/11/25,25.11.2026 07h30\n2026-11-25,26.11.2026 08h00\n");
    assert_eq!(column(&lands, 0), [Some("2026-11-25")]);
    assert_eq!(column(&lands, 1), [Some("2026-11-25T07:30:00")]);
    assert!(lands.quarantined[0].reason.contains("%y/%m/%d"), "{:?}", lands.quarantined);
}

#[test]
fn an_order_is_of_columns_that_there_are() {
    let text = "id,carrier\n1,UA\n2,AA\n";
    assert!(lands("sort = ['carrier']", text).warnings.is_empty());
    let warnings = lands("sort = ['carier', 'id']", text).warnings;
    assert!(warnings[0].contains("orders rows by `carier`"), "{warnings:?}");
    for (contract, said) in [
        ("sort = ['Carrier']", "`Carrier` is not a column name; write `carrier`"),
        ("sort = ['']", "`` is not a column name; write letters and digits"),
        ("[[source]]\nmatch = '*'\nsheet_column = '–'", "`–` is not a column name"),
    ] {
        let error = Contract::parse(contract.as_bytes(), "contract").unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}
