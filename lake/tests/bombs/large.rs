//! A large file takes no more memory than a part of it, and lands as it would at once.

use std::{fmt::Write as _, io::Write as _};

use lake::{Lake, LakeConfig, StoreConfig, store::Store, table::Tables};
use model::IngestState;

use crate::memory;

const ROWS: u64 = 600_000;
/// A reading as a whole takes five times the file, more than twice as much as this.
const MEMORY: usize = 100 << 20;

fn write_rows(file: &mut impl std::io::Write, rows: std::ops::Range<u64>) {
    let mut text = String::new();
    for n in rows {
        let (day, note) = (1 + n % 28, n * 7919 % 100_003);
        writeln!(
            text,
            "{n},{}.{:02},2026-02-{day:02},\"Ümlaut, and {note} more words to fill the line\",UA,N{note}",
            n % 5000,
            n % 100
        )
        .unwrap();
        if text.len() > 1 << 20 {
            file.write_all(text.as_bytes()).unwrap();
            text.clear();
        }
    }
    file.write_all(text.as_bytes()).unwrap();
}

#[test]
fn a_large_file_lands_in_little_memory() {
    let meter = memory::Meter::new();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .on_thread_start(move || meter.watch())
        .build()
        .unwrap();
    runtime.block_on(land(meter));
}

async fn land(meter: &'static memory::Meter) {
    let folder = tempfile::tempdir().unwrap();
    let landing = folder.path().join("landing/ops/large");
    std::fs::create_dir_all(&landing).unwrap();
    let mut file = std::fs::File::create(landing.join("large.csv")).unwrap();
    file.write_all(b"id,price,day,note,carrier,tail\n").unwrap();
    write_rows(&mut file, 0..ROWS);
    file.write_all(b"600000,1.5,2026-02-01,short\n600001,NA,,\"last\nlines\",AA,\n").unwrap();
    drop(file);

    let store = StoreConfig::Folder(folder.path().to_owned());
    let lake = Lake::open(LakeConfig::new(store.clone())).await.unwrap();
    meter.watch();
    let report = lake.ingest_landing().await.unwrap().remove(0);
    let peak = meter.peak();
    assert_eq!(report.state, IngestState::Landed, "{}", report.message);
    assert_eq!((report.rows.landed, report.rows.quarantined, report.rows.skipped), (ROWS + 1, 1, 0));
    let types: Vec<String> = report.columns.iter().map(|c| c.column_type.to_string()).collect();
    assert_eq!(types, ["int64", "float64", "date", "text", "text", "text"]);
    assert_eq!(report.columns.iter().map(|c| c.nulls).collect::<Vec<_>>(), [0, 1, 1, 0, 0, 1]);
    assert!(peak > 4 << 20, "{peak} bytes: less than one part of the file, so some thread was not watched");
    assert!(peak < MEMORY, "{peak} bytes of memory for a file of {}", report.bytes);

    let tables = Tables::new(Store::open(&store).unwrap(), std::time::Duration::ZERO);
    let snapshot = tables.snapshot(&report.dataset).await.unwrap().unwrap();
    assert_eq!((snapshot.version, snapshot.rows), (0, ROWS + 1));
    let profile = tables.profile(&snapshot).await.unwrap().unwrap();
    assert_eq!(profile.column("day").unwrap().unwrap().nulls, 1);
    let quarantine = std::fs::read_dir(folder.path().join("quarantine/ops/large")).unwrap().next().unwrap().unwrap();
    let quarantined = std::fs::read_to_string(quarantine.path()).unwrap();
    assert!(quarantined.contains("4 fields where the table has 6") && quarantined.contains("600002"), "{quarantined}");

    // The same content under another name is none, and a wider type on the last line costs a second reading.
    std::fs::copy(landing.join("large.csv"), landing.join("again.csv")).unwrap();
    let report = lake.ingest_landing().await.unwrap().remove(0);
    assert_eq!(report.state, IngestState::Duplicate, "{}", report.message);
    let other = folder.path().join("landing/ops/other");
    std::fs::create_dir_all(&other).unwrap();
    let mut file = std::fs::File::create(other.join("other.csv")).unwrap();
    file.write_all(b"id,price,day,note,carrier,tail\n").unwrap();
    write_rows(&mut file, 0..ROWS / 2);
    file.write_all(b"007,1.5,2026-02-01,a,b,c\n").unwrap();
    drop(file);
    let report = lake.ingest_landing().await.unwrap().remove(0);
    assert_eq!((report.state, report.rows.landed), (IngestState::Landed, ROWS / 2 + 1), "{}", report.message);
    assert_eq!(report.columns[0].column_type.to_string(), "text");
    assert_eq!(report.columns[0].evidence, "300,001 values; 1 has leading zeros → text, first at line 300002");
}
