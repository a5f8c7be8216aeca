//! Files that lie: about their sizes, their rows, their depth, their end. Each is refused in words or read whole; none
//! panics, none takes memory past a fixed multiple of its limit, and none changes the catalog.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "bombs/archive.rs"]
mod archive;
#[path = "bombs/large.rs"]
mod large;
#[path = "bombs/memory.rs"]
mod memory;
#[path = "bombs/other_books.rs"]
mod other_books;
#[path = "bombs/packed.rs"]
mod packed;
#[path = "bombs/pages.rs"]
mod pages;
#[path = "bombs/parquet.rs"]
mod parquet;
#[path = "bombs/text.rs"]
mod text;
#[path = "bombs/workbook.rs"]
mod workbook;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use bytes::Bytes;
use lake::{
    Lake, LakeConfig, Limits, StoreConfig,
    ingest::{Reading, read_file},
    store::Store,
    table::Tables,
};
use model::{IngestState, RefusedBecause};

/// What a file may expand to here.
const LIMIT: u64 = 8_000_000;
/// What reading it may take: the expanded bytes, their text, their columns, and those again while one becomes the other.
const MEMORY: usize = 12 * LIMIT as usize;
const TIME: Duration = Duration::from_secs(20);

/// Reads, and looks at what that took.
fn read(what: &str, bytes: &[u8]) -> Reading {
    let bytes = Bytes::copy_from_slice(bytes);
    let limits = Limits { expanded_bytes: LIMIT, ..Limits::default() };
    let begun = Instant::now();
    let meter = memory::Meter::new();
    meter.watch();
    let reading = catch_unwind(AssertUnwindSafe(|| read_file(&bytes, "landing/a/b/x", None, None, &limits)));
    let (peak, took) = (meter.peak(), begun.elapsed());
    let reading = reading.unwrap_or_else(|_| panic!("{what}: panicked"));
    assert!(peak > 0, "{what}: no memory was counted");
    assert!(peak < MEMORY + 8 * bytes.len(), "{what}: took {peak} bytes of memory, {:?}", reading.outcome.err());
    assert!(took < TIME, "{what}: took {took:?}");
    assert_eq!(reading.rows.read, reading.rows.landed + reading.rows.quarantined, "{what}");
    if let Err(refusal) = &reading.outcome {
        assert!(refusal.message.len() > 20 && refusal.message.is_char_boundary(20), "{what}: {refusal:?}");
    }
    reading
}

/// Reads a file of which nothing may land, for one of the given reasons.
fn refused(what: &str, bytes: &[u8], because: &[RefusedBecause]) {
    let reading = read(what, bytes);
    match &reading.outcome {
        Ok(_) => panic!("{what}: landed {} rows", reading.rows.landed),
        Err(refusal) => assert!(because.contains(&refusal.because), "{what}: {refusal:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_refused_leaves_the_catalog_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = vec![("good.csv", b"a,b\n1,2\n".to_vec())];
    files.extend(pages::bombs());
    files.extend(workbook::bombs());
    files.extend(other_books::bombs());
    files.push(("cut.csv.gz", packed::gzip(b"a,b\n1,2\n")[..20].to_vec()));
    for (name, bytes) in &files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let store = StoreConfig::Folder(folder.path().join("lake"));
    let mut config = LakeConfig::new(store.clone());
    config.limits.expanded_bytes = LIMIT;
    let lake = Lake::open(config).await.unwrap();
    let dataset = "a.b".parse().unwrap();
    for (name, _) in &files {
        let report = lake.ingest_path(&folder.path().join(name), Some(&dataset)).await.unwrap().remove(0);
        let expected = if *name == "good.csv" { IngestState::Landed } else { IngestState::Refused };
        assert_eq!(report.state, expected, "{name}: {}", report.message);
        let tables = Tables::new(Store::open(&store).unwrap(), Duration::ZERO);
        assert_eq!(tables.list().await.unwrap().len(), 1, "{name}");
        let snapshot = tables.snapshot(&dataset).await.unwrap().unwrap();
        assert_eq!((snapshot.version, snapshot.rows), (0, 1), "{name}");
    }
}
