//! Rows in quarantine, corrected and sent back: only they land, once, and the reports show the pair.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use lake::{Lake, LakeConfig, LakeError, StoreConfig};
use model::{DatasetName, Decision, IngestFilter, IngestReport, IngestState, Principal, QueryRequest, RollBack};

const POLICY: &str = "[[grant]]\nto = [\"group:staff\"]\non = [\"*\"]\nmay = [\"read\", \"own\"]\n[[grant]]\n\
                      to = [\"group:senders\"]\non = [\"*\"]\nmay = [\"read\", \"upload\"]\n";
const FILE: &str = "id;plz;n\n1;01067;1\n2;80331;x\n3;04109;3\n4;10115;4;5\n";

struct Bench {
    lake: Lake,
    folder: tempfile::TempDir,
}

impl Bench {
    async fn new(mode: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("policy.toml"), POLICY).unwrap();
        std::fs::create_dir_all(folder.path().join("contracts/ops")).unwrap();
        let contract = format!("{mode}\nmax_rejected = '60%'\n[column.n]\ntype = 'int64'\n");
        std::fs::write(folder.path().join("contracts/ops/shops.toml"), contract).unwrap();
        Self { lake: open(folder.path()).await, folder }
    }

    async fn send(&self, name: &str, text: &str) -> IngestReport {
        let dataset: DatasetName = "ops.shops".parse().unwrap();
        self.lake.upload(&person("staff"), &dataset, name, body(text)).await.unwrap()
    }

    async fn correct(&self, id: &str, text: &str) -> lake::Result<IngestReport> {
        self.lake.correct(&person("staff"), id, body(text)).await
    }

    async fn listed(&self, group: &str, id: &str) -> IngestReport {
        let all = self.lake.ingests(&person(group), IngestFilter::default()).await.unwrap();
        all.into_iter().find(|r| r.id == id).unwrap()
    }

    async fn ids(&self) -> Vec<Vec<serde_json::Value>> {
        let mut request = QueryRequest::new("select id, plz, n from ops.shops order by id");
        request.wait_ms = 30_000;
        let who = person("staff");
        let status = self.lake.query(&who, request).await.unwrap();
        self.lake.result_page(&who, &status.id, 0, 100).await.unwrap().rows
    }
}

async fn open(folder: &std::path::Path) -> Lake {
    let mut config = LakeConfig::new(StoreConfig::Folder(folder.to_owned()));
    config.freshness = std::time::Duration::ZERO;
    Lake::open(config).await.unwrap()
}

fn body(text: &str) -> futures::stream::BoxStream<'static, std::io::Result<bytes::Bytes>> {
    futures::stream::iter([Ok(text.to_owned().into())]).boxed()
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

fn invalid(result: lake::Result<IngestReport>) -> String {
    match result {
        Err(LakeError::Invalid { message }) => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn corrected_rows_land_alone_and_once() {
    let bench = Bench::new("").await;
    let first = bench.send("shops.csv", FILE).await;
    assert_eq!((first.rows.landed, first.rows.quarantined), (2, 2), "{}", first.message);
    let (name, text) = bench.lake.rows_to_correct(&person("staff"), &first.id).await.unwrap();
    assert_eq!((name.as_str(), text.as_str()), ("shops-to-correct.txt", "id;plz;n\n2;80331;x\n4;10115;4;5\n"));

    // More rows than wait are not taken: the file would land twice.
    let message = invalid(bench.correct(&first.id, "id;plz;n\n1;01067;1\n2;80331;2\n4;10115;4\n").await);
    assert!(message.contains("3 rows") && message.contains("2 of"), "{message}");

    let one = bench.correct(&first.id, "id;plz;n\n2;80331;2\n").await.unwrap();
    assert_eq!((one.state, one.rows.landed, one.corrects.as_ref()), (IngestState::Landed, 1, Some(&first.id)));
    let seen = bench.lake.ingest(&person("staff"), &first.id).await.unwrap();
    assert_eq!((seen.corrections.len(), seen.open()), (1, 1));
    assert_eq!(seen.corrections[0].ingest, one.id);

    // The same once more changes nothing; the last one closes the pair.
    let again = bench.correct(&first.id, "id;plz;n\n2;80331;2\n").await.unwrap();
    assert_eq!(again.id, one.id);
    bench.correct(&first.id, "id;plz;n\n4;10115;4\n").await.unwrap();
    assert_eq!(bench.lake.ingest(&person("staff"), &first.id).await.unwrap().open(), 0);
    // A list tells the same.
    assert_eq!(bench.listed("staff", &first.id).await.open(), 0);
    let message = invalid(bench.correct(&first.id, "id;plz;n\n5;10115;5\n").await);
    assert!(message.contains("have been corrected"), "{message}");
    let expected = serde_json::json!([[1, "01067", 1], [2, "80331", 2], [3, "04109", 3], [4, "10115", 4]]);
    assert_eq!(serde_json::json!(bench.ids().await), expected);
}

#[tokio::test]
async fn corrections_of_a_file_with_any_name_are_known_and_lost_bytes_do_not_land() {
    let bench = Bench::new("").await;
    let dataset: DatasetName = "ops.shops".parse().unwrap();
    let file =
        [b"id;plz;n\n1;01067;1\n2;80331 M\xc3\xbcnchen;2\n3;K\xf6ln;3\n".to_vec(), b"4;10115 \xc3\x84;4\n".to_vec()]
            .concat();
    let sent = futures::stream::iter([Ok(bytes::Bytes::from(file))]).boxed();
    let first = bench.lake.upload(&person("staff"), &dataset, "Umsätze [1].csv", sent).await.unwrap();
    assert_eq!((first.rows.landed, first.rows.quarantined), (3, 1), "{}", first.message);
    let (_, text) = bench.lake.rows_to_correct(&person("staff"), &first.id).await.unwrap();
    assert!(text.contains('\u{fffd}'), "control: the bytes are lost in it: {text}");
    let message = invalid(bench.correct(&first.id, &text).await);
    assert!(message.contains("put in what was meant"), "{message}");
    let right = bench.correct(&first.id, "id;plz;n\n3;Köln;3\n").await.unwrap();
    let seen = bench.lake.ingest(&person("staff"), &first.id).await.unwrap();
    assert_eq!((seen.corrections.len(), seen.open()), (1, 0));
    assert_eq!(seen.corrections[0].ingest, right.id);
}

#[tokio::test]
async fn what_stood_behind_an_open_quote_comes_back_line_by_line() {
    let bench = Bench::new("").await;
    let first = bench.send("shops.csv", "id;plz;n\n1;01067;1\n2;\"80331;2\n3;04109;3\n4;10115;4\n").await;
    assert_eq!((first.rows.landed, first.rows.quarantined), (1, 1), "{}", first.message);
    let (_, rows) = bench.lake.rows_to_correct(&person("staff"), &first.id).await.unwrap();
    assert_eq!(rows, "id;plz;n\n2;\"80331;2\n3;04109;3\n4;10115;4\n");
    let more = bench.correct(&first.id, &format!("{}5;1;5\n", rows.replace('"', ""))).await;
    assert_eq!(
        invalid(more),
        "the file has 4 rows, and 3 of `shops.csv` wait, counted by their lines; send only these"
    );
    let landed = bench.correct(&first.id, &rows.replace('"', "")).await.unwrap();
    assert_eq!(landed.rows.landed, 3, "{}", landed.message);
    assert_eq!(bench.ids().await.len(), 4);
}

#[tokio::test]
async fn corrections_of_a_dataset_that_is_replaced_stand_beside_what_landed() {
    let bench = Bench::new("mode = 'replace'").await;
    let first = bench.send("shops.csv", FILE).await;
    bench.correct(&first.id, "id;plz;n\n2;80331;2\n4;10115;4\n").await.unwrap();
    assert_eq!(bench.ids().await.len(), 4);
    // Once a newer file has taken their place, old rows stay away; so does an old file by decision.
    let bad = bench.send("bad.csv", "id;plz;n\n7;80331;7;x\n8;04109\n9;10115;9\n").await;
    let next = bench.send("next.csv", "id;plz;n\n5;10115;5\n6;10115;x\n").await;
    let later = bench.send("later.csv", "id;plz;n\n6;10115;6\n").await;
    assert_eq!((next.state, later.state), (IngestState::Landed, IngestState::Landed));
    invalid(bench.correct(&next.id, "id;plz;n\n6;10115;7\n").await);
    invalid(bench.lake.decide(&person("staff"), &bad.id, Decision::land()).await);
    assert_eq!(bench.ids().await.len(), 1);
}

#[tokio::test]
async fn the_same_words_correct_the_rows_of_two_files() {
    let bench = Bench::new("").await;
    let first = bench.send("a.csv", "id;plz;n\n1;01067;1\n2;80331;x\n").await;
    let second = bench.send("b.csv", "id;plz;n\n3;01067;1\n2;80331;y\n").await;
    for id in [&first.id, &second.id] {
        assert_eq!(bench.correct(id, "id;plz;n\n2;80331;2\n").await.unwrap().state, IngestState::Landed);
    }
    assert_eq!(bench.ids().await.len(), 4);
}

#[tokio::test]
async fn rows_that_are_wrong_again_wait_again() {
    let bench = Bench::new("").await;
    let first = bench.send("shops.csv", FILE).await;
    let second = bench.correct(&first.id, "id;plz;n\n2;80331;y\n4;10115;4\n").await.unwrap();
    assert_eq!((second.rows.landed, second.rows.quarantined), (1, 1), "{}", second.message);
    // They are the second's now.
    let message = invalid(bench.correct(&first.id, "id;plz;n\n2;80331;2\n").await);
    assert!(
        message.contains(&format!("1 of them did not fit again and wait in the arrival {}", second.id)),
        "{message}"
    );
    bench.correct(&second.id, "id;plz;n\n2;80331;2\n").await.unwrap();
    let message = invalid(bench.correct(&first.id, "id;plz;n\n2;80331;2\n").await);
    assert!(message.contains("have been corrected"), "{message}");
    assert_eq!(bench.ids().await.len(), 4);
}

#[tokio::test]
async fn a_list_tells_owners_what_was_taken_back() {
    let bench = Bench::new("").await;
    let dataset: DatasetName = "ops.shops".parse().unwrap();
    let first = bench.send("first.csv", "id;plz;n\n1;01067;1\n").await;
    let second = bench.lake.upload(&person("senders"), &dataset, "second.csv", body("id;plz;n\n2;80331;2\n")).await;
    let second = second.unwrap();
    let back = RollBack { to: first.version.unwrap(), newest: None };
    let by = bench.lake.roll_back(&person("staff"), &dataset, back).await.unwrap().version;
    assert_eq!(bench.listed("staff", &first.id).await.taken_back, None);
    assert_eq!(bench.listed("staff", &second.id).await.taken_back, Some(by));
    assert_eq!(bench.lake.ingest(&person("staff"), &second.id).await.unwrap().taken_back, Some(by));
    assert_eq!(bench.listed("senders", &second.id).await.taken_back, None);
}

#[tokio::test]
async fn only_owners_correct_and_nobody_claims_it_by_a_name() {
    let bench = Bench::new("").await;
    let first = bench.send("shops.csv", FILE).await;
    let refused = bench.lake.correct(&person("senders"), &first.id, body("id;plz;n\n2;80331;2\n")).await;
    assert!(matches!(refused, Err(LakeError::NotFound { .. } | LakeError::Forbidden { .. })), "{refused:?}");
    let dataset: DatasetName = "ops.shops".parse().unwrap();
    let name = format!("x.corrects-{}-0.txt", first.id);
    let forged = bench.lake.upload(&person("senders"), &dataset, &name, body("id;plz;n\n9;80331;9\n")).await;
    assert!(matches!(forged, Err(LakeError::Invalid { .. })), "{forged:?}");
    // Dropped into the landing area by hand, it is a file like any other.
    std::fs::write(bench.folder.path().join("landing/ops/shops").join(&name), "id;plz;n\n9;80331;9\n").unwrap();
    let reports = bench.lake.ingest_landing().await.unwrap();
    assert_eq!((reports.len(), reports[0].corrects.as_ref()), (1, None));
    assert_eq!(bench.lake.ingest(&person("staff"), &first.id).await.unwrap().open(), 2);
}

#[tokio::test]
async fn an_owner_lands_a_refused_file_by_one_decision() {
    let bench = Bench::new("").await;
    bench.send("shops.csv", "id;plz;n\n1;01067;1\n").await;
    let bad = bench.send("bad.csv", "id;plz;n\n2;80331;2;x\n3;04109\n4;10115;4\n").await;
    assert_eq!(bad.refused_because, Some(model::RefusedBecause::TooManyRejects), "{}", bad.message);
    let stranger = bench.lake.decide(&person("senders"), &bad.id, Decision::land()).await;
    assert!(matches!(stranger, Err(LakeError::NotFound { .. } | LakeError::Forbidden { .. })), "{stranger:?}");
    let landed = bench.lake.decide(&person("staff"), &bad.id, Decision::land()).await.unwrap();
    assert_eq!((landed.rows.landed, landed.rows.quarantined, landed.decided_by.as_deref()), (1, 2, Some("staff")));
    assert_eq!(bench.ids().await.len(), 2);
    // Nothing is left to decide of a file that landed, and the decision holds for no other.
    invalid(bench.lake.decide(&person("staff"), &landed.id, Decision::land()).await);
    let other = bench.send("other.csv", "id;plz;n\n5;80331;5;x\n6;04109\n7;10115;4\n").await;
    assert_eq!(other.state, IngestState::Refused);
    // It came before whatever waits now, and does not wait behind it.
    let wider = bench.send("wider.csv", "id;plz;n;note\n8;80331;8;new\n").await;
    assert_eq!(wider.state, IngestState::Waiting, "{}", wider.message);
    let landed = bench.lake.decide(&person("staff"), &other.id, Decision::land()).await.unwrap();
    assert_eq!(landed.state, IngestState::Landed, "{}", landed.message);
    assert_eq!(bench.ids().await.len(), 3);
}

#[tokio::test]
async fn a_sender_learns_no_columns_from_a_contract_of_its_own() {
    let bench = Bench::new("").await;
    bench.send("shops.csv", "id;plz;secret_margin;n\n1;01067;7;1\n").await;
    let look = async |group: &str, sql: Option<&str>| {
        let text = sql.map(|sql| format!("[[check]]\nsql = '{sql}'\n"));
        let what = lake::ingest::Inspect {
            file: "x.csv".into(),
            dataset: Some("ops.shops".parse().unwrap()),
            contract: text.map(|t| lake::contract::Contract::parse(t.as_bytes(), "contract").unwrap()),
            rows: 10,
        };
        bench.lake.inspect(&person(group), what, "id;plz;n\n2;80331;2\n".into()).await
    };
    assert!(look("senders", None).await.is_ok());
    for sql in ["secret_margin is null", "nothing is null"] {
        let refused = look("senders", Some(sql)).await;
        assert!(matches!(refused, Err(LakeError::Forbidden { .. })), "{sql}: {refused:?}");
    }
    // What is wrong with the dataset's own contract names no other column either.
    let found = look("staff", Some("nothing is null")).await.unwrap().inspection;
    let model::Inspection::Refused(refused) = found else { panic!("{found:?}") };
    assert!(refused.message.contains("nothing") && !refused.message.contains("secret"), "{}", refused.message);
}

#[tokio::test]
async fn d_05_a_contract_that_comes_with_a_request_lifts_no_limit() {
    use std::io::Write as _;
    let bench = Bench::new("").await;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    // Past what a file without a contract may expand to, and far past its ratio.
    packed.write_all(b"id;plz;n\n").unwrap();
    let line = b"1;01067;1\n".repeat(100_000);
    (0..101).for_each(|_| packed.write_all(&line).unwrap());
    let packed: bytes::Bytes = packed.finish().unwrap().into();
    for text in ["max_expanded_bytes = 100000000000", "description = 'x'"] {
        let what = lake::ingest::Inspect {
            file: "x.csv.gz".into(),
            dataset: None,
            contract: Some(lake::contract::Contract::parse(text.as_bytes(), "contract").unwrap()),
            rows: 0,
        };
        let found = bench.lake.inspect(&person("senders"), what, packed.clone()).await.unwrap().inspection;
        let model::Inspection::Refused(refused) = found else { panic!("{text} is read") };
        assert_eq!(refused.refused_because, model::RefusedBecause::TooLarge, "{text}: {}", refused.message);
    }
}
