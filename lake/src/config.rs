//! What the engine needs to know to open a lake; read once, passed down.

use std::{path::PathBuf, time::Duration};

use chrono::TimeDelta;

/// Where the bucket is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreConfig {
    /// A local folder, made when absent.
    Folder(PathBuf),
    /// Nothing is kept; for tests.
    Memory,
    /// `s3://bucket/prefix`, `gs://…`, `az://…` with the options of `object_store` (`endpoint`, `region`, …).
    Url { url: url::Url, options: Vec<(String, String)> },
}

/// All settings of the engine.
#[derive(Debug, Clone)]
pub struct LakeConfig {
    pub store: StoreConfig,
    pub limits: Limits,
    /// How old a checked snapshot, policy or contract may be before it is checked again.
    pub freshness: Duration,
    /// How long a version of a dataset is kept after it was the newest; for ever without.
    pub keep_versions: Option<TimeDelta>,
    /// How long a stored result is kept.
    pub keep_results: TimeDelta,
    /// Keys the `hash` mask and result ids; at least 32 bytes. A lake made without one keeps its own in
    /// `portal/secret/`.
    pub secret: Option<Vec<u8>>,
}

impl LakeConfig {
    /// The defaults over a store.
    #[must_use]
    pub fn new(store: StoreConfig) -> Self {
        Self {
            store,
            limits: Limits::default(),
            freshness: Duration::from_secs(2),
            keep_versions: None,
            keep_results: TimeDelta::days(30),
            secret: None,
        }
    }
}

/// Bounds of what queries and files may use.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Wall time of one query from start of planning.
    pub query_time: Duration,
    /// Bytes of memory of all queries together.
    pub memory: usize,
    /// Bytes of memory of one query.
    pub query_memory: usize,
    /// Bytes on disk for spills of all queries together.
    pub spill: u64,
    /// Rows of one result.
    pub result_rows: u64,
    /// Bytes of one result, as Arrow in memory.
    pub result_bytes: u64,
    /// Queries that run at once.
    pub running: usize,
    /// Queries that wait; more are refused at once.
    pub waiting: usize,
    /// Bytes of a SQL text.
    pub sql_bytes: usize,
    /// Bytes of one uploaded or dropped file.
    pub file_bytes: u64,
    /// Bytes that a compressed file may expand to.
    pub expanded_bytes: u64,
    /// Bytes of results kept in memory.
    pub result_cache: u64,
    /// Events of the audit that may wait to be written; what would make more is refused.
    pub audit: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1 << 20;
        Self {
            query_time: Duration::from_secs(60),
            memory: 2048 << 20,
            query_memory: 1024 << 20,
            spill: 8192 * MIB,
            result_rows: 5_000_000,
            result_bytes: 1024 * MIB,
            running: 8,
            waiting: 64,
            sql_bytes: 64 << 10,
            file_bytes: 2048 * MIB,
            expanded_bytes: 1024 * MIB,
            result_cache: 256 * MIB,
            audit: crate::audit::PLACES,
        }
    }
}
