//! A file that changes the dataset's columns waits for its owner, later files wait behind it in order, and neither a
//! restart nor a second process nor a crash changes that.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::Path,
    time::Duration,
};

use futures::StreamExt;
use lake::{Lake, LakeConfig, LakeError, StoreConfig};
use model::{
    ColumnChange, DatasetName, Decision, IngestFilter, IngestReport, IngestState, Inspection, Principal, QueryRequest,
    RefusedBecause, RollBack,
};

const POLICY: &str = "stewards = [\"group:stewards\"]\n[[grant]]\nto = [\"group:staff\"]\non = [\"*\"]\nmay = [\"read\", \
                      \"own\"]\n[[grant]]\nto = [\"group:senders\"]\non = [\"*\"]\nmay = [\"upload\"]\n";
const CONTRACT: &str = "owner = 'shops@example.com'\ngrowth = false\n[column.id]\nrequired = true\n";
const FIRST: &str = "id,plz,n\n1,01067,1\n2,80331,2\n3,04109,3\n";
const WIDER: &str = "id,plz,n,note\n4,10115,4,new\n";

struct Bench {
    lake: Lake,
    folder: tempfile::TempDir,
}

impl Bench {
    /// With one file landed, under the contract or without one.
    async fn new(contract: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("policy.toml"), POLICY).unwrap();
        if let Some(contract) = contract {
            std::fs::create_dir_all(folder.path().join("contracts/ops")).unwrap();
            std::fs::write(folder.path().join("contracts/ops/shops.toml"), contract).unwrap();
        }
        let bench = Self { lake: open(folder.path()).await, folder };
        assert_eq!(bench.send("first.csv", FIRST).await.state, IngestState::Landed);
        bench
    }

    async fn send(&self, name: &str, text: &str) -> IngestReport {
        self.send_as("staff", name, text).await
    }

    async fn send_as(&self, group: &str, name: &str, text: &str) -> IngestReport {
        let body = futures::stream::iter([Ok(text.to_owned().into())]).boxed();
        self.lake.upload(&person(group), &dataset(), name, body).await.unwrap()
    }

    /// As units do: into the folder, without anybody's knowing.
    fn drop(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join("landing/ops/shops").join(name), text).unwrap();
    }

    async fn decide(&self, id: &str, decision: Decision) -> IngestReport {
        self.lake.decide(&person("staff"), id, decision).await.unwrap()
    }

    async fn invalid(&self, id: &str, decision: Decision) -> String {
        match self.lake.decide(&person("staff"), id, decision).await {
            Err(LakeError::Invalid { message }) => message,
            other => panic!("{other:?}"),
        }
    }

    async fn report(&self, id: &str) -> IngestReport {
        self.lake.ingest(&person("staff"), id).await.unwrap()
    }

    async fn ended(&self, id: &str) -> IngestReport {
        for _ in 0..200 {
            let report = self.report(id).await;
            if report.state.is_final() {
                return report;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{:?}", self.report(id).await);
    }

    /// Values of `id`, in order.
    async fn rows(&self) -> Vec<i64> {
        let mut request = QueryRequest::new("select id from ops.shops order by id");
        request.wait_ms = 30_000;
        let who = person("staff");
        let status = self.lake.query(&who, request).await.unwrap();
        let page = self.lake.result_page(&who, &status.id, 0, 100).await.unwrap();
        page.rows.iter().map(|row| row[0].as_i64().unwrap()).collect()
    }

    /// Files of the dataset's versions, in the order in which they landed.
    async fn landed_in_order(&self) -> Vec<String> {
        let mut versions = self.lake.dataset(&person("staff"), &dataset()).await.unwrap().versions;
        versions.sort_by_key(|v| v.version);
        versions.into_iter().filter_map(|v| v.file).collect()
    }
}

async fn open(folder: &Path) -> Lake {
    let mut config = LakeConfig::new(StoreConfig::Folder(folder.to_owned()));
    config.freshness = Duration::ZERO;
    Lake::open(config).await.unwrap()
}

fn dataset() -> DatasetName {
    "ops.shops".parse().unwrap()
}

fn person(group: &str) -> Principal {
    Principal {
        issuer: "test".into(),
        subject: group.into(),
        name: group.into(),
        email: None,
        groups: Some(BTreeSet::from([group.to_owned()])),
        claims: BTreeMap::new(),
        scope: None,
        origin: Default::default(),
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let from = entry.unwrap().path();
        let to = to.join(from.file_name().unwrap());
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(&from, &to).unwrap();
        }
    }
}

#[tokio::test]
async fn new_columns_wait_with_both_schemas_and_land_by_a_decision() {
    let bench = Bench::new(Some(CONTRACT)).await;
    let wider = bench.send("wider.csv", WIDER).await;
    assert_eq!((wider.state, wider.rows.landed, wider.finished_at), (IngestState::Waiting, 0, None));
    assert!(wider.message.contains("shops@example.com"), "{}", wider.message);
    let difference = bench.report(&wider.id).await.difference.unwrap();
    let changes: Vec<_> = difference.columns.iter().map(|c| (c.name.as_str(), c.change)).collect();
    use ColumnChange::{New, Same};
    assert_eq!(changes, [("id", Same), ("plz", Same), ("n", Same), ("note", New)]);
    assert_eq!(difference.first_rows, [["4", "10115", "4", "new"].map(|v| Some(v.to_owned())).to_vec()]);
    assert_eq!(bench.rows().await, [1, 2, 3]);
    for (who, files) in [("staff", Some(1)), ("stewards", Some(1)), ("senders", None)] {
        let waiting = bench.lake.waiting(&person(who)).await.unwrap();
        assert_eq!(waiting.first().map(|w| (w.dataset.clone(), w.files)), files.map(|n| (dataset(), n)), "{who}");
    }
    // Sent again, it is the same arrival still.
    assert_eq!(bench.send("wider.csv", WIDER).await.id, wider.id);

    let landed = bench.decide(&wider.id, Decision::land()).await;
    assert_eq!((&landed.id, landed.state, landed.rows.landed), (&wider.id, IngestState::Landed, 1));
    assert_eq!((landed.decided_by.as_deref(), landed.by.as_str()), (Some("staff"), "staff"));
    assert_eq!(bench.rows().await, [1, 2, 3, 4]);
    assert!(bench.lake.waiting(&person("staff")).await.unwrap().is_empty());
    assert!(bench.invalid(&wider.id, Decision::land()).await.contains("nothing to decide"));
    // The dataset has the column now; the next file of its kind needs nobody.
    assert_eq!(bench.send("next.csv", "id,plz,n,note\n5,10115,4,x\n").await.state, IngestState::Landed);
}

#[tokio::test]
async fn looking_says_that_a_file_would_wait_and_tells_the_difference_to_owners_alone() {
    let bench = Bench::new(Some(CONTRACT)).await;
    let look = async |group: &str, text: &str| {
        let (file, dataset) = ("next.csv".to_owned(), Some(dataset()));
        let what = lake::ingest::Inspect { file, dataset, contract: None, rows: 10 };
        match bench.lake.inspect(&person(group), what, text.to_owned().into()).await.unwrap().inspection {
            Inspection::Refused(refused) => refused,
            Inspection::Lands(lands) => panic!("{lands:?}"),
        }
    };
    let owners = look("staff", WIDER).await;
    assert!(owners.waits, "{owners:?}");
    let senders = look("senders", WIDER).await;
    assert_eq!((senders.waits, senders.difference), (true, None));
    // What no decision could cure is refused, as it would be.
    for incurable in ["other,names\n1,2\n", "id,n\n1,2\nnot a number\nnor this\nnor that\n"] {
        let refused = look("staff", incurable).await;
        let sent = bench.send("incurable.csv", incurable).await;
        assert_eq!((refused.waits, sent.state), (false, IngestState::Refused), "{incurable}: {refused:?}");
        assert_eq!(Some(refused.refused_because), sent.refused_because);
    }
    // Looked at or sent, it is the same.
    let sent = bench.send("wider.csv", WIDER).await;
    assert_eq!(sent.state, IngestState::Waiting, "{}", sent.message);
    assert_eq!(owners.difference.as_deref(), sent.difference.as_ref());
}

#[tokio::test]
async fn growth_that_the_contract_allows_passes() {
    let bench = Bench::new(None).await;
    let wider = bench.send("wider.csv", WIDER).await;
    assert_eq!(wider.state, IngestState::Landed);
    assert_eq!(wider.warnings, ["`note` is new in the dataset, and null in the rows before."]);
    // A column that no file must have stays empty.
    let narrow = bench.send("narrow.csv", "id,n\n5,5\n").await;
    assert_eq!(narrow.state, IngestState::Landed);
    assert_eq!(narrow.warnings, ["`plz`, `note` are not in the file: null in its rows."]);
    // Whoever only sends is not told what else the dataset has.
    let sent = bench.send_as("senders", "sent.csv", "id\n6\n").await;
    assert_eq!((sent.state, sent.warnings), (IngestState::Landed, Vec::new()));
}

#[tokio::test]
async fn a_file_that_is_read_in_parts_waits_too_and_is_remembered_when_it_is_taken_back() {
    const ROWS: u64 = 700_000;
    let bench = Bench::new(Some(CONTRACT)).await;
    let mut text = String::from("id,plz,n,note\n");
    for n in 4..4 + ROWS {
        writeln!(text, "{n},10115,{n},words to fill a line").unwrap();
    }
    let waits = bench.send("large.csv", &text).await;
    assert_eq!(waits.state, IngestState::Waiting, "{}", waits.message);
    assert_eq!(waits.difference.as_ref().unwrap().would_land, ROWS);
    assert_eq!(bench.rows().await, [1, 2, 3]);
    let landed = bench.decide(&waits.id, Decision::land()).await;
    assert_eq!((landed.state, landed.rows.landed), (IngestState::Landed, ROWS), "{}", landed.message);
    bench.lake.roll_back(&person("staff"), &dataset(), RollBack { to: 0, newest: None }).await.unwrap();
    let other = bench.send("other.csv", &text).await;
    assert_eq!(other.refused_because, Some(RefusedBecause::TakenBack), "{}", other.message);
    assert_eq!(bench.rows().await, [1, 2, 3]);
    // That it lands again is one decision, and that the dataset gets its column is another.
    let waits = bench.decide(&other.id, Decision::land()).await;
    assert_eq!(waits.state, IngestState::Waiting, "{}", waits.message);
    let landed = bench.decide(&waits.id, Decision::land()).await;
    assert_eq!((landed.state, landed.rows.landed), (IngestState::Landed, ROWS), "{}", landed.message);
}

#[tokio::test]
async fn a_changed_meaning_waits_and_its_rows_go_to_the_quarantine() {
    let bench = Bench::new(None).await;
    let other = bench.send("other.csv", "id,plz,n\nA4,10115,4\nA5,10115,5\n6,10115,6\n").await;
    assert_eq!(other.state, IngestState::Waiting, "{}", other.message);
    let report = bench.report(&other.id).await;
    let difference = report.difference.unwrap();
    let id = &difference.columns[0];
    assert_eq!((id.change, id.misfits), (ColumnChange::OtherType, 2));
    assert_eq!((difference.would_land, difference.would_wait), (1, 2));
    assert_eq!(bench.lake.quarantine(&person("staff"), &other.id).await.unwrap().len(), 2);
    let landed = bench.decide(&other.id, Decision::land()).await;
    assert_eq!((landed.state, landed.rows.landed, landed.rows.quarantined), (IngestState::Landed, 1, 2));
    assert_eq!(bench.rows().await, [1, 2, 3, 6]);
}

#[tokio::test]
async fn what_no_decision_cures_is_refused_as_before() {
    let bench = Bench::new(Some(CONTRACT)).await;
    for (name, text, because) in [
        ("lacks.csv", "plz,n\n10115,4\n", RefusedBecause::SchemaConflict),
        ("alien.csv", "id2,colour\n1,red\n", RefusedBecause::SchemaConflict),
        ("ragged.csv", "id,plz,n\n4,10115,4\n5,10115,5,x\n6,10115\n", RefusedBecause::TooManyRejects),
    ] {
        let report = bench.send(name, text).await;
        let expected = (IngestState::Refused, Some(because));
        assert_eq!((report.state, report.refused_because), expected, "{name}: {}", report.message);
    }
    // Nothing waits behind a refused file.
    assert_eq!(bench.send("good.csv", "id,plz,n\n4,10115,4\n").await.state, IngestState::Landed);
}

#[tokio::test]
async fn a_header_is_said_to_be_a_column_for_this_file() {
    let bench = Bench::new(Some(CONTRACT)).await;
    let renamed = bench.send("renamed.csv", "Nr,plz,n\n4,10115,4\n").await;
    assert_eq!(renamed.state, IngestState::Waiting, "{}", renamed.message);
    let message = bench.invalid(&renamed.id, Decision::land()).await;
    assert!(message.contains("`id` is required"), "{message}");
    let mapped = |label: &str, column: &str| Decision {
        columns: BTreeMap::from([(label.to_owned(), column.to_owned())]),
        ..Decision::land()
    };
    bench.invalid(&renamed.id, mapped("plz", "id")).await;
    bench.invalid(&renamed.id, mapped("Nr", "n")).await;
    let landed = bench.decide(&renamed.id, mapped("Nr", "id")).await;
    assert_eq!((landed.state, landed.columns[0].name.as_str()), (IngestState::Landed, "id"), "{}", landed.message);
    assert_eq!(bench.rows().await, [1, 2, 3, 4]);
    assert_eq!(bench.send("again.csv", "Nr,plz,n\n5,10115,4\n").await.state, IngestState::Waiting);
}

#[tokio::test]
async fn later_files_wait_in_line_and_land_in_order_after_the_decision() {
    let bench = Bench::new(Some(CONTRACT)).await;
    let wider = bench.send("m.csv", WIDER).await;
    // Names sort otherwise than they came.
    let late = [
        bench.send("z.csv", "id,plz,n\n5,10115,5\n").await,
        bench.send("a.csv", "id,plz,n\n6,10115,6\n").await,
        bench.send("k.csv", "id,plz,n\n7,10115,7\n").await,
    ];
    for report in &late {
        assert_eq!((report.state, report.rows.landed), (IngestState::Waiting, 0), "{}", report.message);
        assert_eq!(report.ahead.as_ref().map(|a| (&a.ingest, a.file.as_str())), Some((&wider.id, "m.csv")));
        assert!(report.difference.is_none());
        let message = bench.invalid(&report.id, Decision::land()).await;
        assert!(message.contains("waits for a file before it"), "{message}");
    }
    // Another dataset goes its way.
    let body = futures::stream::iter([Ok("x\n1\n".into())]).boxed();
    let other = bench.lake.upload(&person("staff"), &"ops.other".parse().unwrap(), "x.csv", body).await.unwrap();
    assert_eq!(other.state, IngestState::Landed);
    // Looks change nothing.
    for _ in 0..3 {
        assert!(bench.lake.ingest_landing().await.unwrap().is_empty());
    }
    assert_eq!(bench.rows().await, [1, 2, 3]);

    bench.decide(&wider.id, Decision::land()).await;
    for report in &late {
        assert_eq!(bench.ended(&report.id).await.state, IngestState::Landed);
    }
    assert_eq!(bench.landed_in_order().await, ["first.csv", "m.csv", "z.csv", "a.csv", "k.csv"]);
    assert_eq!(bench.send("q.csv", "id,plz,n\n8,10115,7\n").await.state, IngestState::Landed);
}

#[tokio::test]
async fn a_second_difference_in_line_waits_for_a_decision_of_its_own() {
    let bench = Bench::new(Some(CONTRACT)).await;
    let one = bench.send("one.csv", WIDER).await;
    let two = bench.send("two.csv", "id,plz,n,colour\n5,10115,5,red\n").await;
    let three = bench.send("three.csv", "id,plz,n\n6,10115,6\n").await;
    let refused = bench.decide(&one.id, Decision::refuse("wrong month")).await;
    assert_eq!((refused.state, refused.refused_because), (IngestState::Refused, Some(RefusedBecause::Declined)));
    assert!(refused.message.contains("staff") && refused.message.contains("wrong month"), "{}", refused.message);
    let moved = bench.lake.ingest_landing().await.unwrap();
    assert!(moved.iter().all(|r| r.state == IngestState::Waiting), "{moved:?}");
    assert!(bench.report(&two.id).await.difference.is_some());
    assert_eq!(bench.report(&three.id).await.ahead.unwrap().file, "two.csv");
    bench.decide(&two.id, Decision::land()).await;
    assert_eq!(bench.ended(&three.id).await.state, IngestState::Landed);
    assert_eq!(bench.rows().await, [1, 2, 3, 5, 6]);
    // A refusal is about one arrival: the same file sent again waits again.
    assert_eq!(bench.send("one.csv", WIDER).await.state, IngestState::Waiting);
}

#[tokio::test]
async fn a_contract_that_is_changed_frees_what_waits_for_it() {
    let bench = Bench::new(Some(CONTRACT)).await;
    let contract = bench.folder.path().join("contracts/ops/shops.toml");
    let wider = bench.send("m.csv", WIDER).await;
    let behind = bench.send("a.csv", "id,plz,n\n5,10115,5\n").await;
    let again = async |text: &str| {
        std::fs::write(&contract, text).unwrap();
        let looked = bench.lake.ingest_landing().await.unwrap();
        looked.into_iter().map(|r| (r.file, r.state)).collect::<Vec<_>>()
    };
    // Wrong, or changed in what has no part in it: it waits on, as the same arrival.
    assert_eq!(again("growth = perhaps\n").await, []);
    let waits = |file: &str| (file.to_owned(), IngestState::Waiting);
    assert_eq!(again(&format!("title = 'Shops'\n{CONTRACT}")).await, [waits("m.csv")]);
    assert_eq!(again(&format!("title = 'Shops'\n{CONTRACT}")).await, []);
    assert_eq!(bench.report(&wider.id).await.difference, wider.difference);
    let landed = |file: &str| (file.to_owned(), IngestState::Landed);
    let ended = again(&CONTRACT.replace("growth = false", "growth = true")).await;
    assert_eq!(ended, [landed("m.csv"), landed("a.csv")]);
    let report = bench.report(&wider.id).await;
    assert_eq!((report.difference, report.decided_by), (None, None));
    assert_eq!(bench.report(&behind.id).await.state, IngestState::Landed);
    assert_eq!(bench.landed_in_order().await, ["first.csv", "m.csv", "a.csv"]);
}

#[tokio::test]
async fn a_decision_about_other_bytes_moves_nothing_and_holds_up_nothing() {
    use sha2::Digest as _;
    let bench = Bench::new(Some(CONTRACT)).await;
    let wider = bench.send("m.csv", WIDER).await;
    let behind = bench.send("a.csv", "id,plz,n\n5,10115,5\n").await;
    let documents = bench.lake.documents();
    let queue = documents.get::<serde_json::Value>("queue", "ops.shops").await.unwrap().unwrap().value;
    // The file was changed in place, and its time put back.
    let decided = serde_json::json!({
        "mark": queue[0]["mark"], "sha256": "of other bytes", "ingest": wider.id, "lands_as": wider.id, "by": "staff",
        "what": Decision::land(),
    });
    let id: String = sha2::Sha256::digest("landing/ops/shops/m.csv").iter().map(|b| format!("{b:02x}")).collect();
    documents.create("decisions", &id, &decided).await.unwrap();
    let look = tokio::time::timeout(Duration::from_secs(20), bench.lake.ingest_landing());
    let looked = look.await.expect("it does not go round").unwrap();
    assert!(looked.iter().all(|r| r.state == IngestState::Waiting), "{looked:?}");
    assert_eq!(bench.report(&behind.id).await.state, IngestState::Waiting);
    assert_eq!(bench.rows().await, [1, 2, 3]);
}

#[tokio::test]
async fn a_restart_and_a_second_process_see_the_same_line() {
    let mut bench = Bench::new(Some(CONTRACT)).await;
    let wider = bench.send("m.csv", WIDER).await;
    bench.drop("a.csv", "id,plz,n\n5,10115,5\n");
    let queued = bench.lake.ingest_landing().await.unwrap().remove(0);
    assert_eq!((queued.file.as_str(), queued.state), ("a.csv", IngestState::Waiting));

    bench.lake = open(bench.folder.path()).await;
    assert!(bench.lake.ingest_landing().await.unwrap().is_empty());
    let other = open(bench.folder.path()).await;
    assert!(other.ingest_landing().await.unwrap().is_empty());
    assert_eq!(other.ingest(&person("staff"), &queued.id).await.unwrap().ahead.unwrap().ingest, wider.id);
    bench.drop("b.csv", "id,plz,n\n6,10115,6\n");
    let (one, two) = tokio::join!(bench.lake.ingest_landing(), other.ingest_landing());
    for report in one.unwrap().iter().chain(&two.unwrap()) {
        assert_eq!((report.file.as_str(), report.state), ("b.csv", IngestState::Waiting));
    }

    // Decided there, it goes on here too.
    other.decide(&person("staff"), &wider.id, Decision::land()).await.unwrap();
    let (one, two) = tokio::join!(bench.lake.ingest_landing(), other.ingest_landing());
    one.unwrap();
    two.unwrap();
    assert_eq!(bench.ended(&queued.id).await.state, IngestState::Landed);
    let all = bench.lake.ingests(&person("staff"), IngestFilter::default()).await.unwrap();
    assert_eq!(all.len(), 4, "{all:?}");
    assert_eq!(bench.landed_in_order().await, ["first.csv", "m.csv", "a.csv", "b.csv"]);
    assert_eq!(bench.rows().await, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn what_was_begun_when_a_process_was_killed_is_gone_on_with() {
    let mut bench = Bench::new(Some(CONTRACT)).await;
    let place = |name: &str| bench.folder.path().join(name);
    let (portal, tables) = (place("portal"), place("tables"));
    let wider = bench.send("m.csv", WIDER).await;
    let queued = bench.send("a.csv", "id,plz,n\n5,10115,5\n").await;
    let kept = tempfile::tempdir().unwrap();
    copy(&portal, &kept.path().join("portal"));
    copy(&tables, &kept.path().join("tables"));
    bench.decide(&wider.id, Decision::land()).await;
    bench.ended(&queued.id).await;

    // Killed after the commit and before the report: the rows are there, once.
    let restore = |what: &[&str]| {
        for name in what {
            std::fs::remove_dir_all(place(name)).unwrap();
            copy(&kept.path().join(name), &place(name));
        }
    };
    restore(&["portal/ingest", "portal/queue", "portal/landing"]);
    let lake = open(bench.folder.path()).await;
    let moved = lake.ingest_landing().await.unwrap();
    assert_eq!(
        moved.iter().map(|r| (r.file.as_str(), r.state)).collect::<Vec<_>>(),
        [("m.csv", IngestState::Landed), ("a.csv", IngestState::Landed)]
    );

    // Killed after the decision was written and before anything was done about it.
    restore(&["portal/ingest", "portal/queue", "portal/landing", "tables"]);
    // Killed before the report of the file that is held was written.
    std::fs::remove_dir_all(place("portal/ingest").join(&queued.id)).unwrap();
    let lake = open(bench.folder.path()).await;
    assert_eq!(lake.ingest_landing().await.unwrap().len(), 2);

    // Killed after a report was finished and before its file left the line.
    restore(&["portal/queue"]);
    bench.lake = open(bench.folder.path()).await;
    assert_eq!(bench.send("z.csv", "id,plz,n\n6,10115,6\n").await.state, IngestState::Landed);
    assert_eq!(bench.landed_in_order().await, ["first.csv", "m.csv", "a.csv", "z.csv"]);
    assert_eq!(bench.rows().await, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn a_file_that_is_mended_or_removed_while_it_waits_frees_the_line() {
    let bench = Bench::new(Some(CONTRACT)).await;
    bench.drop("m.csv", WIDER);
    bench.drop("n.csv", "id,plz,n\n5,10115,5\n");
    let first = bench.lake.ingest_landing().await.unwrap();
    assert!(first.iter().all(|r| r.state == IngestState::Waiting), "{first:?}");
    bench.drop("m.csv", "id,plz,n\n4,10115,4\n");
    bench.lake.ingest_landing().await.unwrap();
    let old = bench.report(&first[0].id).await;
    assert_eq!((old.state, old.refused_because), (IngestState::Refused, Some(RefusedBecause::Withdrawn)));
    assert_eq!(bench.landed_in_order().await, ["first.csv", "m.csv", "n.csv"]);

    bench.drop("p.csv", "id,plz,n,note\n6,10115,6,x\n");
    bench.drop("q.csv", "id,plz,n\n7,10115,7\n");
    let waiting = bench.lake.ingest_landing().await.unwrap();
    assert!(waiting.iter().all(|r| r.state == IngestState::Waiting), "{waiting:?}");
    std::fs::remove_file(bench.folder.path().join("landing/ops/shops/p.csv")).unwrap();
    assert!(bench.invalid(&waiting[0].id, Decision::land()).await.contains("no longer"));
    bench.lake.ingest_landing().await.unwrap();
    assert_eq!(bench.ended(&waiting[0].id).await.refused_because, Some(RefusedBecause::Withdrawn));
    assert_eq!(bench.ended(&waiting[1].id).await.state, IngestState::Landed);
}

#[tokio::test]
async fn old_content_that_is_put_back_under_a_name_that_waits_frees_the_line() {
    let bench = Bench::new(Some(CONTRACT)).await;
    let at = |text: &str, time: std::time::SystemTime| {
        bench.drop("daily.csv", text);
        let file = std::fs::File::open(bench.folder.path().join("landing/ops/shops/daily.csv")).unwrap();
        file.set_modified(time).unwrap();
    };
    let (text, then) = ("id,plz,n\n5,10115,5\n", std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 30));
    at(text, then);
    assert_eq!(bench.lake.ingest_landing().await.unwrap()[0].state, IngestState::Landed);
    at(WIDER, then + Duration::from_secs(1));
    let waiting = bench.lake.ingest_landing().await.unwrap().remove(0);
    assert_eq!(waiting.state, IngestState::Waiting, "{}", waiting.message);
    // As it was, to the tag.
    at(text, then);
    let back = bench.lake.ingest_landing().await.unwrap();
    assert_eq!(back.iter().map(|r| r.state).collect::<Vec<_>>(), [IngestState::Duplicate], "{back:?}");
    assert_eq!(bench.report(&waiting.id).await.refused_because, Some(RefusedBecause::Withdrawn));
    let next = bench.send("next.csv", "id,plz,n\n6,10115,6\n").await;
    assert_eq!(next.state, IngestState::Landed, "{}", next.message);
}

#[tokio::test]
async fn only_owners_and_stewards_see_the_columns_and_decide() {
    let bench = Bench::new(Some(CONTRACT)).await;
    let told = bench.send_as("senders", "wider.csv", WIDER).await;
    let behind = bench.send_as("senders", "next.csv", "id,plz,n\n5,10115,5\n").await;
    let listed = bench.lake.ingests(&person("senders"), IngestFilter::default()).await.unwrap();
    let asked = bench.lake.ingest(&person("senders"), &told.id).await.unwrap();
    for report in listed.iter().chain([&told, &behind, &asked]) {
        assert_eq!((report.state, &report.difference, report.columns.len()), (IngestState::Waiting, &None, 0));
        assert!(report.message.contains("shops@example.com"), "{}", report.message);
    }
    let refused = bench.lake.decide(&person("senders"), &told.id, Decision::land()).await;
    assert!(matches!(refused, Err(LakeError::Forbidden { .. })), "{refused:?}");
    let hidden = bench.lake.decide(&person("strangers"), &told.id, Decision::land()).await;
    assert!(matches!(hidden, Err(LakeError::NotFound { .. })), "{hidden:?}");
    // The name of someone else's file is not told.
    let own = bench.send("own.csv", "id,plz,n\n6,10115,6\n").await;
    assert_eq!(own.ahead.map(|a| a.file), Some("wider.csv".to_owned()));

    let steward = person("stewards");
    assert!(bench.lake.ingest(&steward, &told.id).await.unwrap().difference.is_some());
    let refused = bench.lake.decide(&steward, &told.id, Decision::refuse("")).await.unwrap();
    assert_eq!(refused.refused_because, Some(RefusedBecause::Declined));
    let message = bench.invalid(&told.id, Decision::land()).await;
    assert!(message.contains("nothing to decide"), "{message}");
    assert_eq!(bench.ended(&behind.id).await.state, IngestState::Landed);
}

#[tokio::test]
async fn of_two_decisions_the_first_stands() {
    let bench = Bench::new(Some(CONTRACT)).await;
    let other = open(bench.folder.path()).await;
    let wider = bench.send("wider.csv", WIDER).await;
    let (staff, steward) = (person("staff"), person("stewards"));
    let (land, refuse) = tokio::join!(
        bench.lake.decide(&staff, &wider.id, Decision::land()),
        other.decide(&steward, &wider.id, Decision::refuse("no"))
    );
    let report = bench.ended(&wider.id).await;
    let rows = bench.rows().await.len();
    assert_eq!(report.state == IngestState::Landed, rows == 4, "{report:?}");
    assert!(land.is_ok() || refuse.is_ok(), "{land:?} {refuse:?}");
}

#[tokio::test]
async fn corrections_of_what_has_landed_do_not_wait() {
    let bench = Bench::new(None).await;
    let rows: String = (10..30).map(|n| format!("{n},10115,{n}\n")).collect();
    let part = bench.send("part.csv", &format!("id,plz,n\n{rows}30,10115,x\n")).await;
    assert_eq!((part.state, part.rows.quarantined), (IngestState::Landed, 1), "{}", part.message);
    let other = bench.send("other.csv", "id,plz,n\nA4,10115,4\nA5,10115,5\n").await;
    assert_eq!(other.state, IngestState::Waiting);
    let body = futures::stream::iter([Ok("id,plz,n\n30,10115,30\n".into())]).boxed();
    let corrected = bench.lake.correct(&person("staff"), &part.id, body).await.unwrap();
    assert_eq!((corrected.state, corrected.rows.landed), (IngestState::Landed, 1), "{}", corrected.message);
}

#[tokio::test]
async fn a_file_without_rows_empties_no_dataset_unless_an_owner_wants_it() {
    let bench = Bench::new(Some("mode = 'replace'\nmax_rejected = '100%'\n[column.id]\ntype = 'int64'\n")).await;
    let cut = bench.send("cut.csv", "id,plz,n\n").await;
    assert_eq!(cut.refused_because, Some(RefusedBecause::Empty), "{}", cut.message);
    assert!(cut.message.contains("take away all rows"), "{}", cut.message);
    let wrong = bench.send("wrong.csv", "id,plz,n\nx,1,1\n").await;
    assert_eq!(wrong.refused_because, Some(RefusedBecause::Empty), "{}", wrong.message);
    assert_eq!(bench.rows().await, [1, 2, 3]);
    assert!(bench.invalid(&wrong.id, Decision::land()).await.contains("nothing to decide"));
    let emptied = bench.decide(&cut.id, Decision::land()).await;
    assert_eq!((emptied.state, emptied.rows.landed), (IngestState::Landed, 0), "{}", emptied.message);
    assert_eq!(bench.rows().await, Vec::<i64>::new(), "in order, too");
    assert_eq!(bench.send("again.csv", "id,plz,n\n7,1,1\n").await.state, IngestState::Landed);
    assert_eq!(bench.rows().await, [7]);
}
