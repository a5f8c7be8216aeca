//! What can be seen of tables only from within.

use std::{sync::Arc, time::Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch};

use super::{Commit, Kept, Snapshot, Tables};
use crate::{StoreConfig, store::Store};

fn tables() -> Tables {
    Tables::new(Store::open(&StoreConfig::Memory).unwrap(), std::time::Duration::ZERO)
}

fn things() -> model::DatasetName {
    "ops.things".parse().unwrap()
}

/// Appends rows as one version.
async fn append(tables: &Tables, content: &str, rows: usize) -> Arc<Snapshot> {
    let values: ArrayRef = Arc::new(Int64Array::from(vec![7; rows]));
    let batch = RecordBatch::try_from_iter_with_nullable([("n", values, true)]).unwrap();
    let batches = (0..rows).step_by(5_000).map(|at| batch.slice(at, 5_000.min(rows - at))).collect();
    let commit = Commit { sha256: content.into(), ..Commit::default() };
    tables.commit(&things(), batch.schema(), batches, commit).await.unwrap();
    tables.snapshot(&things()).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_have_as_many_rows_as_a_file_gets_are_not_rewritten() {
    // Each file is a few bytes of one value.
    let tables = Tables { file_bytes: 200_000, ..tables() };
    for content in 0..9 {
        append(&tables, &format!("{content}"), 60_000).await;
    }
    // Two full ones and a small rest of each.
    assert_eq!(tables.compactable(&things()).await.unwrap(), 9);
    let made = tables.compact(&things(), &[]).await.unwrap().unwrap();
    assert!(made.files == 9 && made.into < 9, "{made:?}");
    assert_eq!(tables.compactable(&things()).await.unwrap(), 0);
    let snapshot = tables.snapshot(&things()).await.unwrap().unwrap();
    assert_eq!(snapshot.rows, 9 * 60_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_another_engine_took_rows_from_meanwhile_is_not_compacted() {
    let tables = tables();
    for content in 0..8 {
        append(&tables, &format!("{content}"), 10).await;
    }
    let read = tables.snapshot(&things()).await.unwrap().unwrap();
    let small = super::compact::small_files(&read).unwrap();
    let files = tables.rewrite(&read, &small, &[]).await.unwrap();
    let log = crate::store::path::log(&things());
    let file = &small[3].name;
    let lines = [
        serde_json::json!({"protocol": {
            "minReaderVersion": 3, "minWriterVersion": 7,
            "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"],
        }}),
        serde_json::json!({"remove": {"path": file, "dataChange": true, "deletionTimestamp": 1}}),
        serde_json::json!({"add": {
            "path": file, "partitionValues": {}, "size": 500, "modificationTime": 1, "dataChange": true,
            "stats": "{\"numRecords\":10}",
            "deletionVector": {"storageType": "u", "pathOrInlineDv": "vBn[lx{q8@P<9BNH/isA", "offset": 1,
                               "sizeInBytes": 36, "cardinality": 2},
        }}),
    ];
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    tables.store.write(&log.join("00000000000000000008.json"), lines).await.unwrap();
    assert_eq!(tables.replace_files(&read, &small, files).await.unwrap(), None);
    assert_eq!(tables.snapshot(&things()).await.unwrap().unwrap().version, 8);
}

#[test]
fn only_what_another_writer_caused_is_tried_again() {
    use deltalake::{
        DeltaTableError,
        kernel::transaction::{CommitConflictError, TransactionError},
    };
    let conflict = |source: TransactionError| super::commit::is_conflict(&DeltaTableError::from(source));
    assert!(conflict(TransactionError::VersionAlreadyExists(3)));
    assert!(conflict(TransactionError::MaxCommitAttempts(0)));
    assert!(conflict(CommitConflictError::ConcurrentAppend.into()));
    assert!(!conflict(CommitConflictError::UnsupportedWriterVersion(9).into()));
    assert!(!conflict(TransactionError::UnsupportedTableFeatures(Vec::new())));
    assert!(!conflict(TransactionError::DeltaTableAppendOnly));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_of_a_table_does_not_grow_older() {
    let tables = tables();
    let first = append(&tables, "a", 1).await;
    let second = append(&tables, "b", 1).await;
    // A look that began before the second commit ends after it.
    let late = Kept { checked: Instant::now(), snapshot: Some(first) };
    let kept = tables.keep_newest(&things(), late).snapshot.unwrap();
    assert_eq!((kept.version, second.version), (1, 1));
}
