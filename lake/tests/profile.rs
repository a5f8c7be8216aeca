//! The profile of a dataset over a whole lake: what it says, how it follows versions, and when queries answer instead.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "cache/bench.rs"]
mod bench;

use bench::{Bench, person};
use model::{ColumnProfile, DatasetProfile};
use serde_json::json;

async fn profile(bench: &Bench, group: &str, carrier: Option<&str>) -> DatasetProfile {
    bench.lake.profile(&person("ann", group, carrier), &"ops.flights".parse().unwrap()).await.unwrap()
}

fn column<'a>(profile: &'a DatasetProfile, name: &str) -> &'a ColumnProfile {
    profile.columns.iter().find(|c| c.name == name).unwrap()
}

/// Without what sums of floats in another order may make a last digit of.
fn exact(mut profile: DatasetProfile) -> DatasetProfile {
    profile.columns.iter_mut().for_each(|c| (c.mean, c.deviation) = (None, None));
    profile
}

/// Removes the stored profiles, as if another program had written the table.
fn forget(bench: &Bench) -> usize {
    let folder = bench.folder().join("tables/ops/flights/_profile");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.iter().for_each(|f| std::fs::remove_file(f).unwrap());
    files.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_profiled_exactly() {
    let bench = Bench::new().await;
    let found = profile(&bench, "staff", None).await;
    assert_eq!((found.rows, found.columns.len()), (6, 3));
    let carrier = column(&found, "carrier");
    assert_eq!((carrier.rows, carrier.nulls, carrier.distinct, carrier.distinct_exact), (6, 0, 3, true));
    assert_eq!((&carrier.min, &carrier.max), (&json!("AA"), &json!("UA")));
    let top: Vec<_> = carrier.top.iter().map(|t| (t.value.clone(), t.count)).collect();
    assert_eq!(top, [(json!("UA"), 3), (json!("DL"), 2), (json!("AA"), 1)]);
    assert_eq!(carrier.lengths.map(|l| (l.min, l.max, l.mean)), Some((2, 2, 2.0)));
    let delay = column(&found, "delay");
    assert_eq!((&delay.min, &delay.max, delay.mean), (&json!(-5), &json!(20), Some(5.5)));
    assert!((delay.deviation.unwrap() - 8.871_302).abs() < 1e-5, "{delay:?}");
    assert_eq!(delay.histogram.iter().map(|b| b.count).sum::<u64>(), 6);
    assert!(delay.histogram.len() <= 24 && delay.top_missed == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn appended_files_merge_and_a_column_that_came_later_is_empty_before() {
    let bench = Bench::new().await;
    assert_eq!(profile(&bench, "staff", None).await.rows, 6);
    bench.land(&[("B6", 7, 100), ("UA", 8, 0)], true).await;
    let found = profile(&bench, "staff", None).await;
    assert_eq!((found.version, found.rows), (1, 8));
    let gate = column(&found, "gate");
    assert_eq!((gate.rows, gate.nulls, gate.distinct, &gate.max), (8, 6, 1, &json!("A1")));
    bench.land(&[("B6", 9, 3)], true).await;
    let found = profile(&bench, "staff", None).await;
    assert_eq!((column(&found, "gate").nulls, column(&found, "carrier").distinct), (6, 4));
    // In one look over all files it is the same as file by file.
    let mut bench = bench;
    bench.restart().await;
    assert_eq!(exact(profile(&bench, "staff", None).await), exact(found));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_stored_profile_a_query_answers() {
    let mut bench = Bench::new().await;
    assert_eq!(forget(&bench), 1);
    bench.restart().await;
    let found = profile(&bench, "staff", None).await;
    assert_eq!(found.rows, 6);
    let carrier = column(&found, "carrier");
    assert_eq!((carrier.nulls, carrier.distinct, &carrier.max), (0, 3, &json!("UA")));
    assert!(carrier.top.is_empty() && carrier.lengths.is_none() && !carrier.distinct_exact, "{carrier:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_profile_counts_as_absent() {
    let mut bench = Bench::new().await;
    let folder = bench.folder().join("tables/ops/flights/_profile");
    for file in std::fs::read_dir(folder).unwrap() {
        std::fs::write(file.unwrap().path(), b"not a profile").unwrap();
    }
    bench.restart().await;
    assert!(column(&profile(&bench, "staff", None).await, "carrier").top.is_empty());
}
