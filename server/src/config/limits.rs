//! What queries and files may use.

use std::time::Duration;

use lake::Limits;
use serde::Deserialize;

const MIB: u64 = 1 << 20;

/// Bounds of queries and files; each absent key means the engine's default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    /// Seconds that one query may take; `PENSTOCK_QUERY_SECONDS`.
    pub query_seconds: Option<u64>,
    /// MiB of memory of all queries together; `PENSTOCK_MEMORY_MIB`.
    pub memory_mib: Option<u32>,
    /// MiB of memory of one query; `PENSTOCK_QUERY_MEMORY_MIB`.
    pub query_memory_mib: Option<u32>,
    /// MiB on disk that all queries together may spill; `PENSTOCK_SPILL_MIB`.
    pub spill_mib: Option<u32>,
    /// Rows of one result; `PENSTOCK_RESULT_ROWS`.
    pub result_rows: Option<u64>,
    /// MiB of one result; `PENSTOCK_RESULT_MIB`.
    pub result_mib: Option<u32>,
    /// MiB of results kept in memory; `PENSTOCK_RESULT_CACHE_MIB`.
    pub result_cache_mib: Option<u32>,
    /// Queries that run at once; `PENSTOCK_RUNNING`.
    pub running: Option<usize>,
    /// Queries that wait before more are refused; `PENSTOCK_WAITING`.
    pub waiting: Option<usize>,
    /// MiB of one file that arrives; `PENSTOCK_FILE_MIB`.
    pub file_mib: Option<u32>,
    /// MiB that a compressed file may expand to; `PENSTOCK_EXPANDED_MIB`.
    pub expanded_mib: Option<u32>,
}

impl LimitSettings {
    /// As the engine takes them.
    #[must_use]
    pub fn engine(&self) -> Limits {
        let default = Limits::default();
        let bytes = |mib: Option<u32>, default: u64| mib.map_or(default, |m| u64::from(m) * MIB);
        let memory = |mib: Option<u32>, default: usize| mib.map_or(default, |m| (m as usize) << 20);
        Limits {
            query_time: self.query_seconds.map_or(default.query_time, Duration::from_secs),
            memory: memory(self.memory_mib, default.memory),
            query_memory: memory(self.query_memory_mib, default.query_memory),
            spill: bytes(self.spill_mib, default.spill),
            result_rows: self.result_rows.unwrap_or(default.result_rows),
            result_bytes: bytes(self.result_mib, default.result_bytes),
            running: self.running.unwrap_or(default.running),
            waiting: self.waiting.unwrap_or(default.waiting),
            file_bytes: bytes(self.file_mib, default.file_bytes),
            expanded_bytes: bytes(self.expanded_mib, default.expanded_bytes),
            result_cache: bytes(self.result_cache_mib, default.result_cache),
            ..default
        }
    }
}
