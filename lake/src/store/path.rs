//! Where things live in the bucket. The one place that spells prefixes.

use model::DatasetName;
use object_store::path::Path;

/// Where units drop files: `landing/<unit>/<dataset>/<file>`.
pub const LANDING: &str = "landing";
/// Delta tables: `tables/<unit>/<dataset>/`.
pub const TABLES: &str = "tables";
/// Stored results: `results/<key>.arrow`.
pub const RESULTS: &str = "results";
/// Small documents: `portal/<kind>/<id>/<version>.json`.
pub const PORTAL: &str = "portal";
/// Files that are being sent: `uploads/<id>/<piece>`.
pub const UPLOADS: &str = "uploads";
/// Rows that did not land: `quarantine/<unit>/<dataset>/<ingest>.ndjson`.
pub const QUARANTINE: &str = "quarantine";

#[must_use]
pub fn policy() -> Path {
    Path::from("policy.toml")
}

/// Written to learn the store's time.
#[must_use]
pub fn clock() -> Path {
    Path::from(format!("{PORTAL}/clock"))
}

/// `contracts/`
#[must_use]
pub fn contracts() -> Path {
    Path::from("contracts")
}

/// `contracts/<unit>/<dataset>.toml`
#[must_use]
pub fn contract(dataset: &DatasetName) -> Path {
    Path::from(format!("contracts/{}/{}.toml", dataset.unit(), dataset.name()))
}

#[must_use]
pub fn landing(dataset: &DatasetName) -> Path {
    Path::from(format!("{LANDING}/{}/{}", dataset.unit(), dataset.name()))
}

#[must_use]
pub fn table(dataset: &DatasetName) -> Path {
    Path::from(format!("{TABLES}/{}/{}", dataset.unit(), dataset.name()))
}

/// `tables/<unit>/<dataset>/_delta_log/`: one entry a version.
#[must_use]
pub fn log(dataset: &DatasetName) -> Path {
    table(dataset).join("_delta_log")
}

/// `tables/<unit>/<dataset>/_profile/`. Names that begin with `_` are no data to readers of Delta tables.
#[must_use]
pub fn profiles(dataset: &DatasetName) -> Path {
    table(dataset).join("_profile")
}

/// `tables/<unit>/<dataset>/_profile/<data file>.json.zst`: what a data file holds, in figures.
#[must_use]
pub fn profile(dataset: &DatasetName, file: &str) -> Path {
    profiles(dataset).join(format!("{file}.json.zst"))
}

/// `uploads/<id>/`: what has come so far of a file.
#[must_use]
pub fn upload(id: &str) -> Path {
    Path::from(UPLOADS).join(id)
}

#[must_use]
pub fn quarantine(dataset: &DatasetName, ingest: &str) -> Path {
    Path::from(format!("{QUARANTINE}/{}/{}/{ingest}.ndjson", dataset.unit(), dataset.name()))
}
