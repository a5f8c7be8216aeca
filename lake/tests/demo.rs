//! The demo lake, whole: every example file lands as its README says.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

use arrow::datatypes::DataType;
use futures::StreamExt;
use lake::{Lake, LakeConfig, StoreConfig, store::Store, table::Tables};
use model::{DatasetName, IngestFilter, IngestReport, IngestState, Principal, RefusedBecause};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(&from, &to).unwrap();
        }
    }
}

/// A lake over a folder with policy and contracts of the examples, and with the landing files of some units.
async fn lake(units: &[&str]) -> (tempfile::TempDir, Lake) {
    let folder = tempfile::tempdir().unwrap();
    copy(&examples().join("contracts"), &folder.path().join("contracts"));
    std::fs::copy(examples().join("policy.toml"), folder.path().join("policy.toml")).unwrap();
    for unit in units {
        copy(&examples().join("landing").join(unit), &folder.path().join("landing").join(unit));
    }
    let lake = Lake::open(LakeConfig::new(StoreConfig::Folder(folder.path().to_owned()))).await.unwrap();
    (folder, lake)
}

/// The tables themselves, ungoverned.
fn tables(folder: &Path) -> Tables {
    Tables::new(Store::open(&StoreConfig::Folder(folder.to_owned())).unwrap(), std::time::Duration::ZERO)
}

fn person(name: &str, groups: &[&str]) -> Principal {
    Principal {
        issuer: "demo".into(),
        subject: name.into(),
        name: name.into(),
        email: None,
        groups: Some(groups.iter().map(|g| (*g).to_owned()).collect()),
        claims: Default::default(),
        scope: None,
        origin: Default::default(),
    }
}

fn steward() -> Principal {
    person("steward", &["staff", "stewards"])
}

fn owner() -> Principal {
    person("owner-ops", &["staff", "owners-ops"])
}

fn analyst() -> Principal {
    person("analyst", &["staff"])
}

fn state(reports: &[IngestReport], file: &str) -> IngestState {
    reports.iter().find(|r| r.file == file).unwrap_or_else(|| panic!("no report of {file}")).state
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_demo_file_lands_once_and_as_its_readme_says() {
    let (folder, lake) = lake(&["geo", "hr", "markets", "ops", "ref", "safety", "sales", "weather", "world"]).await;
    let reports = lake.ingest_landing().await.unwrap();
    for report in &reports {
        let shown = (&report.file, &report.message, report.columns.iter().map(|c| &c.evidence).collect::<Vec<_>>());
        assert_eq!(report.state, IngestState::Landed, "{shown:#?}");
    }
    assert_eq!(reports.len(), 25);
    let tables = tables(folder.path());
    let listed = tables.list().await.unwrap();
    let names: Vec<String> = listed.iter().filter(|n| !n.is_reserved()).map(ToString::to_string).collect();
    assert_eq!(names.len(), 14, "{names:?}");
    for (dataset, rows) in [
        ("ops.flights", 336_776),
        ("sales.orders", 6),
        ("geo.zipcodes", 42_049),
        ("ref.airlines", 16),
        ("ref.airports", 1_458),
        ("ref.planes", 3_322),
        ("weather.hourly", 26_115),
        ("safety.birdstrikes", 10_000),
        ("markets.stocks", 560),
    ] {
        let snapshot = tables.snapshot(&dataset.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(snapshot.rows, rows, "{dataset}");
    }
    for (dataset, column, data_type) in [
        ("geo.zipcodes", "zip_code", DataType::Utf8),
        ("sales.orders", "postcode", DataType::Utf8),
        ("hr.us_employment", "month", DataType::Date32),
        ("markets.sp500", "date", DataType::Date32),
        ("markets.stocks", "date", DataType::Date32),
        ("ops.flights", "dep_time", DataType::Int64),
    ] {
        let snapshot = tables.snapshot(&dataset.parse().unwrap()).await.unwrap().unwrap();
        let found = snapshot.schema.field_with_name(column).unwrap().data_type().clone();
        let found = if found == DataType::Utf8View { DataType::Utf8 } else { found };
        assert_eq!(found, data_type, "{dataset}.{column}");
    }
    // Nothing is taken twice: not by this process, and not by the next one.
    assert_eq!(lake.ingest_landing().await.unwrap(), []);
    drop(lake);
    let again = Lake::open(LakeConfig::new(StoreConfig::Folder(folder.path().to_owned()))).await.unwrap();
    assert_eq!(again.ingest_landing().await.unwrap(), []);
    assert_eq!(again.ingests(&steward(), IngestFilter::default()).await.unwrap().len(), 25);
}

#[tokio::test]
async fn the_orders_leave_two_rows_in_quarantine_with_line_raw_text_and_reason() {
    let (_folder, lake) = lake(&["sales"]).await;
    let reports = lake.ingest_landing().await.unwrap();
    assert_eq!(reports[0].rows.quarantined, 2);
    let rows = lake.quarantine(&steward(), &reports[0].id).await.unwrap();
    let found: Vec<(u64, &str, &str)> = rows.iter().map(|r| (r.line, r.raw.as_str(), r.reason.as_str())).collect();
    let expected = [
        (8, "1006,Fontana,00184,2026-10-06", "4 fields where the table has 6"),
        (9, "1007,Gruber,1010,2026-10-07,99.95,EUR,extra,fields", "8 fields where the table has 6"),
    ];
    assert_eq!(found, expected);
    let bytes = std::fs::read(examples().join("landing/sales/orders/orders-2026-10.csv")).unwrap();
    let at = usize::try_from(rows[0].byte_offset.unwrap()).unwrap();
    assert!(bytes[at..].starts_with(rows[0].raw.as_bytes()));
}

#[tokio::test]
async fn the_same_content_lands_once_whatever_its_name() {
    let (folder, lake) = lake(&["ref"]).await;
    lake.ingest_landing().await.unwrap();
    let file = examples().join("landing/ref/airlines/airlines.csv");
    let dataset: DatasetName = "ref.airlines".parse().unwrap();
    let reports = lake.ingest_path(&file, None).await.unwrap();
    assert_eq!(state(&reports, "airlines.csv"), IngestState::Duplicate);
    let other = tempfile::tempdir().unwrap();
    std::fs::copy(&file, other.path().join("lines.txt")).unwrap();
    let reports = lake.ingest_path(other.path(), Some(&dataset)).await.unwrap();
    assert_eq!(state(&reports, "lines.txt"), IngestState::Duplicate);
    assert_eq!(tables(folder.path()).snapshot(&dataset).await.unwrap().unwrap().rows, 16);
}

#[tokio::test]
async fn owners_send_and_see_arrivals_and_others_are_told_nothing_of_them() {
    let (_folder, lake) = lake(&["sales"]).await;
    let orders = lake.ingest_landing().await.unwrap().remove(0);
    let body = |text: &'static str| futures::stream::iter([Ok(bytes::Bytes::from_static(text.as_bytes()))]).boxed();
    let fuel: DatasetName = "ops.fuel".parse().unwrap();
    let report = lake.upload(&owner(), &fuel, "fuel.csv", body("day,litres\n2026-01-01,5\n")).await.unwrap();
    assert_eq!((report.state, report.rows.landed, report.by.as_str()), (IngestState::Landed, 1, "owner-ops"));
    assert_eq!(lake.ingest(&owner(), &report.id).await.unwrap(), report);
    assert_eq!(lake.ingest(&steward(), &report.id).await.unwrap(), report);
    for (who, id) in [(analyst(), &report.id), (owner(), &orders.id), (analyst(), &"nonsense/../x".to_owned())] {
        let hidden = lake.ingest(&who, id).await.unwrap_err().to_string();
        assert_eq!(hidden, format!("no such arrival: {id}"));
        assert_eq!(lake.quarantine(&who, id).await.unwrap_err().to_string(), hidden);
    }
    let seen = lake.ingests(&owner(), IngestFilter::default()).await.unwrap();
    assert_eq!(seen.iter().map(|r| &r.id).collect::<Vec<_>>(), [&report.id]);
    assert_eq!(lake.ingests(&analyst(), IngestFilter::default()).await.unwrap(), []);
    let refused = lake.upload(&analyst(), &fuel, "a.csv", body("a\n1\n")).await.unwrap_err();
    assert_eq!(refused.code(), "forbidden");
    let stranger = person("stranger", &[]);
    let refused = lake.upload(&stranger, &fuel, "a.csv", body("a\n1\n")).await.unwrap_err();
    assert_eq!(refused.to_string(), "no such dataset: ops.fuel");
}

#[tokio::test]
async fn a_watched_file_lands_once_it_is_whole() {
    let (folder, lake) = lake(&[]).await;
    let place = folder.path().join("landing/ops/fuel");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("a.csv.part"), "day,litres\n2026-01-01,5\n").unwrap();
    std::fs::write(place.join("b.csv"), "day,litres\n2026-01-01,5\n").unwrap();
    let watched = async {
        loop {
            let seen = lake.ingests(&steward(), IngestFilter::default()).await.unwrap();
            if seen.iter().any(|r| r.finished_at.is_some()) {
                return seen;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    let (sender, stop) = tokio::sync::oneshot::channel::<()>();
    let watch = lake.watch(async { drop(stop.await) });
    let (seen, ()) = tokio::join!(
        async {
            let seen = watched.await;
            drop(sender);
            seen
        },
        watch
    );
    assert_eq!(seen.iter().map(|r| (r.file.as_str(), r.state)).collect::<Vec<_>>(), [("b.csv", IngestState::Landed)]);
}

/// Puts the documents of an arrival back to where they stood before its end was written.
async fn as_if_killed(lake: &Lake, id: &str) {
    let documents = lake.documents();
    let mut report = documents.get::<serde_json::Value>("ingest", id).await.unwrap().unwrap();
    report.value["state"] = "working".into();
    report.value["version"] = serde_json::Value::Null;
    documents.update("ingest", id, report.version, &report.value).await.unwrap();
    let landing = documents.ids("landing").await.unwrap().remove(0);
    let mut seen = documents.get::<serde_json::Value>("landing", &landing).await.unwrap().unwrap();
    seen.value["done"] = false.into();
    documents.update("landing", &landing, seen.version, &seen.value).await.unwrap();
}

#[tokio::test]
async fn an_arrival_that_was_killed_is_gone_on_with_and_lands_once() {
    for committed in [true, false] {
        let (folder, killed) = lake(&["sales"]).await;
        let before = killed.ingest_landing().await.unwrap().remove(0);
        as_if_killed(&killed, &before.id).await;
        drop(killed);
        if !committed {
            std::fs::remove_dir_all(folder.path().join("tables/sales/orders")).unwrap();
        }
        let lake = Lake::open(LakeConfig::new(StoreConfig::Folder(folder.path().to_owned()))).await.unwrap();
        let after = lake.ingest_landing().await.unwrap().remove(0);
        assert_eq!((&after.id, after.state, after.version), (&before.id, IngestState::Landed, before.version));
        assert_eq!((after.rows, &after.message), (before.rows, &before.message));
        let rows = tables(folder.path()).snapshot(&before.dataset).await.unwrap().unwrap().rows;
        assert_eq!(rows, 6, "committed before: {committed}");
        assert_eq!(lake.ingests(&steward(), IngestFilter::default()).await.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_over_one_folder_take_each_file_once() {
    let (folder, one) = lake(&["ref", "markets", "sales"]).await;
    let two = Lake::open(LakeConfig::new(StoreConfig::Folder(folder.path().to_owned()))).await.unwrap();
    let (one_saw, two_saw) = tokio::join!(one.ingest_landing(), two.ingest_landing());
    for report in one_saw.unwrap().iter().chain(&two_saw.unwrap()) {
        assert_eq!(report.state, IngestState::Landed, "{}", report.file);
    }
    let reports = one.ingests(&steward(), IngestFilter::default()).await.unwrap();
    assert_eq!(reports.len(), 6);
    for report in reports {
        let snapshot = tables(folder.path()).snapshot(&report.dataset).await.unwrap().unwrap();
        assert_eq!((snapshot.rows, report.version), (report.rows.landed, Some(snapshot.version)), "{}", report.dataset);
    }
}

#[tokio::test]
async fn a_wrong_contract_holds_the_file_back_until_it_is_mended() {
    let (folder, _) = lake(&["sales"]).await;
    let contract = folder.path().join("contracts/sales/orders.toml");
    std::fs::write(&contract, "title = 'Orders'\nmax_rejects = '30%'\n").unwrap();
    let mut config = LakeConfig::new(StoreConfig::Folder(folder.path().to_owned()));
    config.freshness = std::time::Duration::ZERO;
    let lake = Lake::open(config).await.unwrap();
    let report = lake.ingest_landing().await.unwrap().remove(0);
    assert_eq!((report.state, report.refused_because), (IngestState::Refused, Some(RefusedBecause::Contract)));
    assert!(report.message.contains("contracts/sales/orders.toml, line 2"), "{}", report.message);
    let file = folder.path().join("landing/sales/orders/orders-2026-10.csv");
    std::fs::remove_file(&contract).unwrap();
    let report = lake.ingest_path(&file, None).await.unwrap().remove(0);
    assert_eq!(report.refused_because, Some(RefusedBecause::TooManyRejects));
    assert_eq!(lake.quarantine(&steward(), &report.id).await.unwrap().len(), 2, "what was wrong can still be seen");
    std::fs::copy(examples().join("contracts/sales/orders.toml"), &contract).unwrap();
    let report = lake.ingest_path(&file, None).await.unwrap().remove(0);
    assert_eq!((report.state, report.rows.landed), (IngestState::Landed, 6));
}
