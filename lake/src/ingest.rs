//! From a file to a version of a table: sniff, decode, infer, convert, quarantine, commit, report.

use std::path::Path;

use bytes::Bytes;
use futures::stream::BoxStream;
use model::{DatasetName, IngestFilter, IngestReport, Principal, QuarantinedRow};

use crate::{Lake, LakeError, Result};

impl Lake {
    /// Takes every landing file that is new since the last time, oldest first. Returns their reports.
    pub async fn ingest_landing(&self) -> Result<Vec<IngestReport>> {
        Err(LakeError::internal("not built"))
    }

    /// Copies a local file or folder (`<unit>/<dataset>/<file>` below it) into the landing area and ingests it.
    pub async fn ingest_path(&self, _path: &Path, _dataset: Option<&DatasetName>) -> Result<Vec<IngestReport>> {
        Err(LakeError::internal("not built"))
    }

    /// Takes a file from a person. Needs `upload` on the dataset, or `own` for a new one.
    pub async fn upload(
        &self,
        _who: &Principal,
        _dataset: &DatasetName,
        _file: &str,
        _body: BoxStream<'static, std::io::Result<Bytes>>,
    ) -> Result<IngestReport> {
        Err(LakeError::internal("not built"))
    }

    /// Arrivals that the principal may see (those of datasets it owns, all for stewards, its own uploads), newest first.
    pub async fn ingests(&self, _who: &Principal, _filter: IngestFilter) -> Result<Vec<IngestReport>> {
        Err(LakeError::internal("not built"))
    }

    /// One arrival.
    pub async fn ingest(&self, _who: &Principal, _id: &str) -> Result<IngestReport> {
        Err(LakeError::internal("not built"))
    }

    /// Rows of one arrival that did not land. Needs `own`.
    pub async fn quarantine(&self, _who: &Principal, _id: &str) -> Result<Vec<QuarantinedRow>> {
        Err(LakeError::internal("not built"))
    }

    /// Watches the landing area until `stop` resolves: every new file is ingested once it is whole.
    pub async fn watch(&self, _stop: impl Future<Output = ()> + Send) {}
}
