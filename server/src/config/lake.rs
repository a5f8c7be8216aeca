//! Where the lake is.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use anyhow::Context as _;
use chrono::TimeDelta;
use lake::{LakeConfig, StoreConfig};
use serde::Deserialize;
use url::Url;

use super::LimitSettings;

/// The folder that is used when nothing names a lake.
pub const DEFAULT_FOLDER: &str = "demo-lake";

/// Days for which something may be kept: a hundred years.
const MOST_DAYS: u32 = 36_500;

/// Which bucket, and how it is kept fresh.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LakeSettings {
    /// A folder, or `s3://bucket/prefix`, `gs://…`, `az://…`; `--lake` or `PENSTOCK_LAKE`.
    pub location: Option<String>,
    /// Options of the store (`endpoint`, `region`, …); `PENSTOCK_LAKE_OPTIONS` as `key=value,key=value`.
    pub options: BTreeMap<String, String>,
    /// Keys hash masks and result ids, at least 32 bytes; `PENSTOCK_SECRET`. Default: one kept in the lake.
    pub secret: Option<String>,
    /// A file that holds the secret; `PENSTOCK_SECRET_FILE`.
    pub secret_file: Option<PathBuf>,
    /// Milliseconds that a checked dataset or policy counts as fresh; `PENSTOCK_FRESHNESS_MS`.
    pub freshness_ms: u64,
    /// Whether the server ingests what is dropped in `landing/`; `PENSTOCK_WATCH`.
    pub watch: bool,
    /// Whether the server makes few large data files of many small ones, in the background; `PENSTOCK_UPKEEP`.
    pub upkeep: bool,
    /// Days for which a version of a dataset is kept after it was the newest; for ever without.
    /// `PENSTOCK_KEEP_VERSIONS_DAYS`.
    pub keep_versions_days: Option<u32>,
    /// Days for which a stored result is kept; `PENSTOCK_KEEP_RESULTS_DAYS`.
    pub keep_results_days: u32,
}

impl Default for LakeSettings {
    fn default() -> Self {
        Self {
            location: None,
            options: BTreeMap::new(),
            secret: None,
            secret_file: None,
            freshness_ms: 2_000,
            watch: true,
            upkeep: true,
            keep_versions_days: None,
            keep_results_days: 30,
        }
    }
}

impl LakeSettings {
    /// What the engine needs.
    ///
    /// # Errors
    /// When the location is neither a folder nor an address.
    pub fn engine(&self, limits: &LimitSettings) -> anyhow::Result<LakeConfig> {
        let mut config = LakeConfig::new(self.store()?);
        config.limits = limits.engine();
        config.freshness = Duration::from_millis(self.freshness_ms);
        let longest = self.keep_versions_days.unwrap_or_default().max(self.keep_results_days);
        if longest > MOST_DAYS {
            anyhow::bail!(
                "{longest} days are longer than anything is kept; `keep_versions_days` and `keep_results_days` are at \
                 most {MOST_DAYS}, and without `keep_versions_days` versions are kept for ever"
            );
        }
        config.keep_versions = self.keep_versions_days.map(|days| TimeDelta::days(days.into()));
        config.keep_results = TimeDelta::days(self.keep_results_days.into());
        config.secret = self.secret.clone().map(String::into_bytes);
        Ok(config)
    }

    /// The folder, when the lake is one.
    #[must_use]
    pub fn folder(&self) -> Option<PathBuf> {
        match self.location.as_deref() {
            None => Some(DEFAULT_FOLDER.into()),
            Some(at) if at.contains("://") || at == "memory:" => None,
            Some(at) => Some(at.into()),
        }
    }

    /// The location in words.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.location.as_deref().unwrap_or(DEFAULT_FOLDER)
    }

    pub(super) fn read_secret_file(&mut self) -> anyhow::Result<()> {
        if let Some(path) = &self.secret_file {
            self.secret = Some(super::read_secret(path)?);
        }
        Ok(())
    }

    fn store(&self) -> anyhow::Result<StoreConfig> {
        if let Some(folder) = self.folder() {
            return Ok(StoreConfig::Folder(folder));
        }
        let at = self.shown();
        if at == "memory:" {
            return Ok(StoreConfig::Memory);
        }
        let url = Url::parse(at).with_context(|| format!("the lake {at} is neither a folder nor an address"))?;
        if url.scheme() == "file" {
            let folder = url.to_file_path().map_err(|()| anyhow::anyhow!("the lake {at} is not a folder's address"))?;
            return Ok(StoreConfig::Folder(folder));
        }
        Ok(StoreConfig::Url { url, options: self.options.clone().into_iter().collect() })
    }
}

impl std::fmt::Debug for LakeSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LakeSettings").field("location", &self.location).finish_non_exhaustive()
    }
}
