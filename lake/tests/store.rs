//! One suite for every store: a folder, memory, and a real S3 server in this process.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "store/faults.rs"]
mod faults;
#[path = "store/foreign.rs"]
mod foreign;
#[path = "store/s3_server.rs"]
mod s3_server;

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use arrow::{
    array::{Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use futures::TryStreamExt;
use lake::{
    Lake, LakeConfig, LakeError, StoreConfig,
    document::{Documents, Versioned},
    store::Store,
    table::{Commit, Committed, Landed, Tables, WriteMode},
};
use model::{DatasetName, IngestFilter, IngestState, Principal, RefusedBecause};
use object_store::path::Path;
use s3_server::S3Server;

/// Runs one conformance check over every kind of store.
async fn on_every_store<F: Future<Output = ()>>(check: impl Fn(Store) -> F) {
    let folder = tempfile::tempdir().unwrap();
    check(Store::open(&StoreConfig::Folder(folder.path().join("lake"))).unwrap()).await;
    check(Store::open(&StoreConfig::Memory).unwrap()).await;
    let server = S3Server::start(None).await;
    check(Store::open(&server.config("lake")).unwrap()).await;
    check(Store::open(&server.config("lake/with/a/prefix")).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e_01_an_object_is_created_once_and_only_once() {
    on_every_store(async |store| {
        let path = Path::from("portal/x/1.json");
        assert_eq!(store.read(&path).await.unwrap(), None);
        assert_eq!(store.tag(&path).await.unwrap(), None);
        assert!(store.create(&path, "first").await.unwrap());
        assert!(!store.create(&path, "second").await.unwrap(), "{store:?}");
        assert_eq!(store.read(&path).await.unwrap().unwrap(), "first");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_is_copied_where_none_is() {
    let folder = tempfile::tempdir().unwrap();
    // The tests' S3 server is one of those that cannot.
    for config in [StoreConfig::Folder(folder.path().join("lake")), StoreConfig::Memory] {
        let store = Store::open(&config).unwrap();
        let (from, to) = (Path::from("uploads/x/whole"), Path::from("landing/ops/a/b.csv"));
        store.write(&from, "first").await.unwrap();
        assert!(store.create_from(&from, &to).await.unwrap(), "{store:?}");
        store.write(&from, "second").await.unwrap();
        assert!(!store.create_from(&from, &to).await.unwrap(), "{store:?}");
        store.remove(&from).await.unwrap();
        assert_eq!(store.read(&to).await.unwrap().unwrap(), "first", "{store:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_lands_on_any_s3_server_and_takes_no_other_files_place() {
    let server = S3Server::start(None).await;
    let lake = Lake::open(LakeConfig::new(server.config("lake"))).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("large.csv");
    let dataset = DatasetName::new("ops", "large").unwrap();
    for begin in [0, 1] {
        let mut text = String::from("id,words\n");
        for n in begin..begin + 300_000 {
            writeln!(text, "{n},words that fill the line").unwrap();
        }
        assert!(text.len() > 9 << 20);
        std::fs::write(&file, text).unwrap();
        let report = lake.ingest_path(&file, Some(&dataset)).await.unwrap().remove(0);
        assert_eq!((report.state, report.rows.landed), (IngestState::Landed, 300_000), "{}", report.message);
        let again = lake.ingest_path(&file, Some(&dataset)).await.unwrap().remove(0);
        assert_eq!(again.state, IngestState::Duplicate, "{}", again.message);
    }
    let objects = Store::open(&server.config("lake")).unwrap().objects();
    let left = |prefix: &str| {
        let objects = objects.clone();
        let prefix = Path::from(prefix);
        async move { objects.list(Some(&prefix)).try_collect::<Vec<_>>().await.unwrap().len() }
    };
    assert_eq!((left("landing").await, left("uploads").await), (2, 0));
}

/// A file in the landing area, as units put it there.
async fn drop_file(store: &Store, place: &str, text: &str) {
    store.write(&Path::from(format!("landing/{place}")), text.to_owned()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_store_does_not_give_out_is_refused_and_holds_up_no_other() {
    let server = S3Server::start(None).await;
    let lake = Lake::open(LakeConfig::new(server.config("lake"))).await.unwrap();
    let store = Store::open(&server.config("lake")).unwrap();
    drop_file(&store, &format!("ops/flights/{}a.csv", s3_server::LOCKED), "id\n1\n").await;
    drop_file(&store, "ops/flights/z.csv", "id\n2\n").await;
    drop_file(&store, "ops/shops/a.csv", "id\n3\n").await;
    let large = "id,words\n".to_owned() + &"1,words that fill the line\n".repeat(400_000);
    drop_file(&store, &format!("ops/orders/{}a.csv", s3_server::LOCKED), &large).await;
    let reports = lake.ingest_landing().await.unwrap();
    let told: Vec<_> = reports.iter().map(|r| (r.path.as_str(), r.state, r.refused_because)).collect();
    let unreadable = (IngestState::Refused, Some(RefusedBecause::Unreadable));
    assert_eq!(
        told,
        [
            ("landing/ops/flights/locked-a.csv", unreadable.0, unreadable.1),
            ("landing/ops/flights/z.csv", IngestState::Landed, None),
            ("landing/ops/orders/locked-a.csv", unreadable.0, unreadable.1),
            ("landing/ops/shops/a.csv", IngestState::Landed, None),
        ]
    );
    assert!(reports[0].message.contains("does not let Penstock read"), "{}", reports[0].message);
    assert!(lake.ingest_landing().await.unwrap().is_empty(), "it is done with");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_no_store_can_have_is_left_out_and_told_and_all_others_land() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig::Folder(folder.path().to_owned());
    let store = Store::open(&config).unwrap();
    drop_file(&store, "ops/flights/a.csv", "id\n1\n").await;
    drop_file(&store, "ops/shops/a.csv", "id\n2\n").await;
    let bad = folder.path().join("landing/ops/flights").join(OsStr::from_bytes(b"M\xfcnchen.csv"));
    std::fs::write(bad, "id\n3\n").unwrap();
    let lake = Lake::open(LakeConfig::new(config)).await.unwrap();
    let reports = lake.ingest_landing().await.unwrap();
    assert_eq!(reports.iter().map(|r| r.state).collect::<Vec<_>>(), [IngestState::Landed; 2], "{reports:?}");
    let astray = lake.all_astray().await.unwrap();
    let told: Vec<_> = astray.iter().map(|a| (a.path.as_str(), a.bytes)).collect();
    assert_eq!(told, [("landing/ops/flights/M\u{fffd}nchen.csv", 5)]);
    assert!(astray[0].reason.contains("rename it"), "{}", astray[0].reason);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_whose_log_is_damaged_holds_up_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig::Folder(folder.path().to_owned());
    std::fs::write(folder.path().join("policy.toml"), "stewards = [\"group:stewards\"]\n").unwrap();
    let lake = Lake::open(LakeConfig::new(config.clone())).await.unwrap();
    let store = Store::open(&config).unwrap();
    store.write(&Path::from("tables/ops/a/_delta_log/00000000000000000000.json"), "{damaged").await.unwrap();
    for dataset in ["a", "b", "c", "d", "e"] {
        drop_file(&store, &format!("ops/{dataset}/one.csv"), "id\n1\n").await;
        drop_file(&store, &format!("ops/{dataset}/two.csv"), "id\n2\n").await;
    }
    let (taken, failed) = lake.take_landing().await.unwrap();
    assert_eq!(taken.len(), 8);
    assert_eq!(failed.iter().map(|(dataset, _)| dataset.to_string()).collect::<Vec<_>>(), ["ops.a"]);
    assert!(lake.ingest_landing().await.is_err());
    let ann = steward();
    let reports = lake.ingests(&ann, IngestFilter::default()).await.unwrap();
    let landed = reports.iter().filter(|r| r.state == IngestState::Landed).count();
    assert_eq!(landed, 8, "{reports:?}");
    let delayed: Vec<_> = reports.iter().filter(|r| r.state == IngestState::Working).collect();
    assert_eq!(delayed.len(), 1, "the one behind it has not begun: {delayed:?}");
    assert!(delayed[0].message.contains("tried again by itself"), "{}", delayed[0].message);
    // Once the table is whole again, both land, in order, as the arrivals that they were.
    let first = delayed[0].id.clone();
    store.remove(&Path::from("tables/ops/a/_delta_log/00000000000000000000.json")).await.unwrap();
    let reports = lake.ingest_landing().await.unwrap();
    let told: Vec<_> = reports.iter().map(|r| (r.file.as_str(), r.state, r.version)).collect();
    assert_eq!(told, [("one.csv", IngestState::Landed, Some(0)), ("two.csv", IngestState::Landed, Some(1))]);
    assert_eq!((&reports[0].id, reports[0].message.as_str()), (&first, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_never_taken_for_absent_while_it_moves_on() {
    let folder = tempfile::tempdir().unwrap();
    let documents = Documents::new(Store::open(&StoreConfig::Folder(folder.path().to_owned())).unwrap());
    documents.create("note", "a", &0).await.unwrap();
    let writer = documents.clone();
    let writes = tokio::spawn(async move {
        for version in 1..600u64 {
            writer.update("note", "a", version, &version).await.unwrap();
        }
    });
    let mut reads = 0;
    while !writes.is_finished() {
        assert!(documents.get::<u64>("note", "a").await.unwrap().is_some(), "after {reads} reads");
        reads += 1;
    }
    writes.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_the_place_of_rows_is_committed_once_for_each_arrival() {
    let store = Store::open(&StoreConfig::Memory).unwrap();
    let name: DatasetName = "ops.things".parse().unwrap();
    let tables = Tables::new(store, std::time::Duration::ZERO);
    for (mode, from) in [(WriteMode::Replace, 0), (WriteMode::Upsert, 3)] {
        let put = async |content: &str, arrival: u64| {
            let what = Commit {
                ingest: format!("{mode:?} {arrival}"),
                key: vec!["id".into()],
                own: vec!["id".into(), "name".into()],
                ..commit(content, mode)
            };
            tables.commit(&name, batch(0).schema(), vec![batch(0)], what).await.unwrap()
        };
        // The first state once more is a version; one that comes late is not.
        let made = [put("a", 1).await, put("b", 2).await, put("a", 3).await, put("b", 2).await];
        let version = Committed::Version;
        let expected = [version(from), version(from + 1), version(from + 2), Committed::AlreadyThere(from + 2)];
        assert_eq!(made, expected, "{mode:?}");
    }
    assert_eq!(tables.snapshot(&name).await.unwrap().unwrap().rows, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_replica_has_just_landed_counts() {
    let store = Store::open(&StoreConfig::Memory).unwrap();
    let name: DatasetName = "ops.things".parse().unwrap();
    let slow = Tables::new(store.clone(), std::time::Duration::from_secs(3600));
    let other = Tables::new(store, std::time::Duration::ZERO);
    slow.commit(&name, batch(0).schema(), vec![batch(0)], commit("a", WriteMode::Replace)).await.unwrap();
    assert_eq!(slow.landed_as(&name, "a", WriteMode::Replace).await.unwrap(), Some(Landed::Stands));
    let second = Commit { ingest: "j".into(), ..commit("b", WriteMode::Replace) };
    other.commit(&name, batch(0).schema(), vec![batch(5)], second).await.unwrap();
    assert_eq!(slow.landed_as(&name, "a", WriteMode::Replace).await.unwrap(), Some(Landed::Replaced { by: Some(1) }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_rows_does_not_empty_what_another_replica_has_just_filled() {
    let store = Store::open(&StoreConfig::Memory).unwrap();
    let name: DatasetName = "ops.things".parse().unwrap();
    let slow = Tables::new(store.clone(), std::time::Duration::from_secs(3600));
    let other = Tables::new(store, std::time::Duration::ZERO);
    let empty = async |arrival: &str, may_empty: bool| {
        let what = Commit { ingest: arrival.into(), may_empty, ..commit("none", WriteMode::Replace) };
        slow.commit(&name, batch(0).schema(), Vec::new(), what).await.unwrap()
    };
    assert_eq!(empty("first", false).await, Committed::Version(0), "there is nothing to take away");
    let filled = Commit { ingest: "other".into(), ..commit("b", WriteMode::Replace) };
    other.commit(&name, batch(0).schema(), vec![batch(0)], filled).await.unwrap();
    assert_eq!(slow.snapshot(&name).await.unwrap().unwrap().rows, 0, "control: it was not seen");
    assert_eq!(empty("second", false).await, Committed::WouldEmpty);
    assert_eq!(other.snapshot(&name).await.unwrap().unwrap().rows, 10);
    assert_eq!(empty("second", true).await, Committed::Version(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_is_in_order_of_paths() {
    on_every_store(async |store| {
        let path = |n: u32| Path::from(format!("log/{n:020}.json"));
        for n in [7, 3, 9, 1, 0, 8, 2, 6, 5, 4] {
            store.write(&path(n), "x").await.unwrap();
        }
        let prefix = Path::from("log");
        let objects = store.objects();
        let all: Vec<_> = objects.list(Some(&prefix)).map_ok(|m| m.location).try_collect().await.unwrap();
        assert_eq!(all, (0..10).map(path).collect::<Vec<_>>(), "{store:?}");
        let later = objects.list_with_offset(Some(&prefix), &path(4)).map_ok(|m| m.location);
        assert_eq!(later.try_collect::<Vec<_>>().await.unwrap(), (5..10).map(path).collect::<Vec<_>>(), "{store:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e_01_of_many_creators_one_wins() {
    on_every_store(async |store| {
        let path = Path::from("race");
        let all = (0..8).map(|n| {
            let (store, path) = (store.clone(), path.clone());
            tokio::spawn(async move { store.create(&path, n.to_string()).await.unwrap() })
        });
        let won = futures::future::join_all(all).await.into_iter().filter(|w| *w.as_ref().unwrap()).count();
        assert_eq!(won, 1, "{store:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_changes_with_its_object() {
    on_every_store(async |store| {
        let path = Path::from("policy.toml");
        store.write(&path, "one").await.unwrap();
        let first = store.tag(&path).await.unwrap();
        store.write(&path, "one and more").await.unwrap();
        assert_ne!(first, store.tag(&path).await.unwrap(), "{store:?}");
        store.remove(&path).await.unwrap();
        store.remove(&path).await.unwrap();
        assert_eq!(store.read(&path).await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_updated_only_from_the_version_that_was_read() {
    on_every_store(async |store| {
        let documents = Documents::new(store);
        documents.create("note", "a", &"one").await.unwrap();
        let again = documents.create("note", "a", &"other").await;
        assert!(matches!(again, Err(LakeError::Conflict { .. })));
        for (read, value) in [(1, "two"), (2, "three"), (3, "four")] {
            documents.update("note", "a", read, &value).await.unwrap();
            let stale = documents.update("note", "a", read, &"lost").await;
            assert!(matches!(stale, Err(LakeError::Conflict { .. })));
        }
        let found: Option<Versioned<String>> = documents.get("note", "a").await.unwrap();
        assert_eq!(found, Some(Versioned { version: 4, value: "four".to_owned() }));
        documents.remove("note", "a").await.unwrap();
        assert_eq!(documents.get::<String>("note", "a").await.unwrap(), None);
        assert_eq!(documents.get::<String>("note", "absent").await.unwrap(), None);
        assert_eq!(documents.ids("note").await.unwrap(), ["a"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_whose_old_version_cannot_be_removed_is_updated_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let documents = Documents::new(Store::open(&StoreConfig::Folder(folder.path().to_owned())).unwrap());
    documents.create("note", "a", &"one").await.unwrap();
    documents.update("note", "a", 1, &"two").await.unwrap();
    // Stands where a file was, and is not removed as one.
    let old = folder.path().join("portal/note/a/1.json");
    std::fs::remove_file(&old).unwrap();
    std::fs::create_dir_all(old.join("in")).unwrap();
    documents.update("note", "a", 2, &"three").await.unwrap();
    let found: Option<Versioned<String>> = documents.get("note", "a").await.unwrap();
    assert_eq!(found, Some(Versioned { version: 3, value: "three".to_owned() }));
}

fn batch(from: i64) -> RecordBatch {
    let label = [("label".to_owned(), "No. ".to_owned())].into();
    let schema = Schema::new(vec![
        Field::new("id", DataType::Int64, true).with_metadata(label),
        Field::new("name", DataType::Utf8, true),
    ]);
    let ids = Int64Array::from_iter_values(from..from + 10);
    let names: StringArray = (0..10).map(|i| Some(format!("n{i}"))).collect();
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(ids), Arc::new(names)]).unwrap()
}

fn commit(sha256: &str, mode: WriteMode) -> Commit {
    Commit {
        sha256: sha256.into(),
        ingest: "i".into(),
        file: "f.csv".into(),
        by: "test".into(),
        mode,
        ..Commit::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e_06_the_same_content_lands_once_also_from_many_writers() {
    on_every_store(async |store| {
        let name: DatasetName = "ops.things".parse().unwrap();
        let fresh = std::time::Duration::ZERO;
        assert!(Tables::new(store.clone(), fresh).snapshot(&name).await.unwrap().is_none());
        // Each writer is a replica of its own; contents a and b are each written by four.
        let writers = (0..8).map(|n| {
            let (tables, name) = (Tables::new(store.clone(), fresh), name.clone());
            let sha = if n % 2 == 0 { "a" } else { "b" };
            tokio::spawn(async move {
                let b = batch(n % 2 * 100);
                tables.commit(&name, b.schema(), vec![b], commit(sha, WriteMode::Append)).await.unwrap()
            })
        });
        let done: Vec<_> = futures::future::join_all(writers).await.into_iter().map(Result::unwrap).collect();
        let landed = done.iter().filter(|c| matches!(c, Committed::Version(_))).count();
        assert_eq!(landed, 2, "{store:?} {done:?}");
        let tables = Tables::new(store.clone(), fresh);
        let snapshot = tables.snapshot(&name).await.unwrap().unwrap();
        assert_eq!((snapshot.rows, snapshot.version), (20, 1), "{store:?}");
        assert_eq!(snapshot.schema.field(0).metadata()["label"], "No. ");
        assert_eq!(tables.list().await.unwrap().as_slice(), std::slice::from_ref(&name));
        assert!(tables.landed(&name, "a").await.unwrap().is_some());
        assert!(tables.landed(&name, "c").await.unwrap().is_none());
        let history = tables.history(&name, 10).await.unwrap();
        assert_eq!(
            history.iter().map(|h| (h.version, h.rows_added)).collect::<Vec<_>>(),
            [(1, Some(10)), (0, Some(10))]
        );
        assert_eq!(history[0].file.as_deref(), Some("f.csv"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_replicas_commit_is_seen_after_the_freshness_time_and_old_versions_stay() {
    on_every_store(async |store| {
        let name: DatasetName = "ops.things".parse().unwrap();
        let fresh = std::time::Duration::from_millis(50);
        let (here, there) = (Tables::new(store.clone(), fresh), Tables::new(store.clone(), fresh));
        here.commit(&name, batch(0).schema(), vec![batch(0)], commit("a", WriteMode::Append)).await.unwrap();
        assert_eq!(here.snapshot(&name).await.unwrap().unwrap().rows, 10);
        there.commit(&name, batch(0).schema(), vec![batch(50)], commit("b", WriteMode::Append)).await.unwrap();
        there.commit(&name, batch(0).schema(), vec![batch(70)], commit("c", WriteMode::Replace)).await.unwrap();
        tokio::time::sleep(fresh).await;
        assert_eq!(here.snapshot(&name).await.unwrap().unwrap().rows, 10);
        assert_eq!(here.snapshot(&name).await.unwrap().unwrap().version, 2);
        assert_eq!(here.snapshot_at(&name, 1).await.unwrap().unwrap().rows, 20);
        assert!(here.snapshot_at(&name, 9).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_may_be_added_and_never_change_their_type_in_silence() {
    let store = Store::open(&StoreConfig::Memory).unwrap();
    let name: DatasetName = "ops.things".parse().unwrap();
    let tables = Tables::new(store, std::time::Duration::ZERO);
    tables.commit(&name, batch(0).schema(), vec![batch(0)], commit("a", WriteMode::Append)).await.unwrap();
    let wider = Arc::new(Schema::new(vec![
        Field::new("name", DataType::Utf8, true),
        Field::new("extra", DataType::Float64, true),
    ]));
    let rows = RecordBatch::new_empty(Arc::clone(&wider));
    tables.commit(&name, wider, vec![rows], commit("b", WriteMode::Append)).await.unwrap();
    let snapshot = tables.snapshot(&name).await.unwrap().unwrap();
    let names: Vec<_> = snapshot.schema.fields().iter().map(|f| f.name().as_str()).collect();
    assert_eq!(names, ["id", "name", "extra"]);
    let other = Arc::new(Schema::new(vec![Field::new("id", DataType::Utf8, true)]));
    let rows = RecordBatch::new_empty(Arc::clone(&other));
    let refused = tables.commit(&name, other, vec![rows], commit("c", WriteMode::Append)).await;
    assert!(matches!(refused, Err(LakeError::Invalid { .. })), "{refused:?}");
}

fn steward() -> Principal {
    Principal {
        issuer: "test".into(),
        subject: "ann".into(),
        name: "ann".into(),
        email: None,
        groups: Some(["stewards".to_owned()].into()),
        claims: BTreeMap::new(),
        scope: None,
        origin: Default::default(),
    }
}
