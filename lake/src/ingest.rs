//! From a file to a version of a table: sniff, decode, infer, convert, quarantine, commit, report.
//!
//! What a file is and becomes is decided by [`read_file`], which does no IO. [`landing`] moves bytes and commits,
//! [`incoming`] takes bodies in and [`upload`] goes on with those that broke off,
//! [`arrival`] keeps the reports and says who may see them, [`watch`] notices new files and [`hint`] is told of them.
//! [`gate`] holds back files that an owner should see first, and [`queue`] those that came after them.

use std::path::Path;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream::BoxStream};
use model::{Action, AuditAction, DatasetName, IngestFilter, IngestReport, Principal, QuarantinedRow};

use crate::{Lake, LakeError, Result, audit::Entry};

pub(crate) mod arrival;
mod astray;
mod check;
mod columnar;
mod convert;
mod count;
mod csv;
mod decision;
mod decode;
mod encoding;
mod fit;
mod gate;
mod header;
mod hint;
mod incoming;
mod infer;
mod inspect;
mod json;
mod key;
mod landing;
mod name;
mod patience;
mod queue;
mod raw;
mod read;
mod replay;
mod sniff;
mod stream;
mod turn;
mod upload;
mod value;
mod watch;
mod words;
mod workbook;

pub use inspect::{Inspect, Inspected, inspect, told};
pub use name::column_name;
pub use read::{Landing, Reading, Refusal, read_file};
pub use value::number::Mark;

use landing::Sender;

impl Lake {
    /// Takes every landing file that is new since the last time, by name within each dataset. Returns their reports.
    ///
    /// # Errors
    /// [`LakeError::Store`] when the store cannot be reached, or what the first dataset failed with that could not be
    /// taken; the others are. A file that is refused is no error: its report says why.
    pub async fn ingest_landing(&self) -> Result<Vec<IngestReport>> {
        let (reports, failed) = self.take_landing().await?;
        failed.into_iter().next().map_or(Ok(reports), |(_, e)| Err(e))
    }

    /// As [`ingest_landing`](Self::ingest_landing), with the datasets that could not be taken beside the reports of
    /// those that could. The next time they are tried again.
    ///
    /// # Errors
    /// [`LakeError::Store`] when the landing area cannot be listed.
    pub async fn take_landing(&self) -> Result<(Vec<IngestReport>, Vec<(DatasetName, LakeError)>)> {
        let files = self.landing_area().await?.files;
        Ok(self.take_all(files, &Sender::Command).await)
    }

    /// Copies a local file or folder (`<unit>/<dataset>/<file>` below it) into the landing area and ingests it.
    ///
    /// # Errors
    /// [`LakeError::Invalid`] when a file cannot be read or nothing says which dataset it belongs to.
    pub async fn ingest_path(&self, path: &Path, dataset: Option<&DatasetName>) -> Result<Vec<IngestReport>> {
        let mut reports = Vec::new();
        for file in landing::local_files(path, dataset)? {
            let cannot = |e: std::io::Error| LakeError::invalid(format!("{} cannot be read: {e}", file.path.display()));
            let size = tokio::fs::metadata(&file.path).await.map_err(cannot)?.len();
            self.check_size(size)?;
            let body = incoming::local(&file.path).await.map_err(cannot)?;
            let incoming = self.take_in(&file.name, body.boxed()).await?;
            reports.push(self.send(&file.dataset, &file.name, incoming, &Sender::Command).await?);
        }
        Ok(reports)
    }

    /// Takes a file from a person. Needs `upload` or `own` on the dataset, and `own` for a new one.
    ///
    /// # Errors
    /// [`LakeError::NotFound`] when the person may not even see the dataset, [`LakeError::Forbidden`] when it may only
    /// read it, [`LakeError::Limit`] for a file past the limit, [`LakeError::Invalid`] for a name that is none.
    pub async fn upload(
        &self,
        who: &Principal,
        dataset: &DatasetName,
        file: &str,
        body: BoxStream<'static, std::io::Result<Bytes>>,
    ) -> Result<IngestReport> {
        let entry = self.audited(who, AuditAction::Upload)?.on(dataset).text(file);
        let sent = async {
            self.check_may_upload(who, dataset).await?;
            let name = landing::file_name(file)?;
            let incoming = self.take_in(&name, body).await?;
            let report = self.send_for(who, dataset, name, incoming).await?;
            self.shown(who, report).await
        };
        let sent = sent.await;
        self.settle_arrival(who, entry, &sent);
        sent
    }

    /// Arrivals that the principal may see (those of datasets it owns, all for stewards, its own uploads), newest first.
    pub async fn ingests(&self, who: &Principal, filter: IngestFilter) -> Result<Vec<IngestReport>> {
        self.visible_arrivals(who, &filter).await
    }

    /// One arrival.
    ///
    /// # Errors
    /// [`LakeError::NotFound`], the same for absent and hidden.
    pub async fn ingest(&self, who: &Principal, id: &str) -> Result<IngestReport> {
        let arrival = self.visible_arrival(who, id).await;
        let arrival = self.denials(who, AuditAction::Report, None, Some(id), arrival)?;
        self.shown(who, arrival.report.clone()).await
    }

    /// Rows of one arrival that did not land. Needs `own` on its dataset, or stewardship.
    ///
    /// # Errors
    /// [`LakeError::NotFound`] when the arrival is absent or hidden, [`LakeError::Forbidden`] for a sender who may see
    /// the report and not the dataset's raw rows.
    pub async fn quarantine(&self, who: &Principal, id: &str) -> Result<Vec<QuarantinedRow>> {
        let entry = self.audited(who, AuditAction::Quarantine)?.text(id);
        let (on, found) = self.raw_rows(who, id).await;
        let entry = on.iter().fold(entry, Entry::on);
        self.conclude(who, entry, &found, |event, rows| event.rows = Some(rows.len() as u64));
        found
    }

    /// As [`quarantine`](Self::quarantine), for what is audited elsewhere; with the dataset, once it may be known.
    pub(crate) async fn raw_rows(
        &self,
        who: &Principal,
        id: &str,
    ) -> (Option<DatasetName>, Result<Vec<QuarantinedRow>>) {
        match self.visible_arrival(who, id).await {
            Ok(arrival) => (Some(arrival.report.dataset.clone()), self.owned_rows(who, &arrival.report).await),
            Err(e) => (None, Err(e)),
        }
    }

    async fn owned_rows(&self, who: &Principal, report: &IngestReport) -> Result<Vec<QuarantinedRow>> {
        let dataset = &report.dataset;
        if !self.owns(who, dataset).await? {
            let message = format!("rows in quarantine are shown to the owners of {dataset}; ask one of them");
            return Err(LakeError::Forbidden { message });
        }
        self.quarantined_rows(report).await
    }

    /// Ends the event of a file as its arrival ended: a file that is refused is one that failed.
    pub(crate) fn settle_arrival(&self, who: &Principal, mut entry: Entry, done: &Result<IngestReport>) {
        entry.fill(|event| event.policy = Some(self.rooms().policies.known_version()));
        match done {
            Ok(report) => entry.arrived(report),
            Err(_) => self.conclude(who, entry, done, |_, _| {}),
        }
    }

    /// Watches the landing area until `stop` resolves: every new file is ingested once it is whole.
    pub async fn watch(&self, stop: impl Future<Output = ()> + Send) {
        tokio::select! {
            () = stop => {}
            () = self.watch_landing() => {}
        }
    }

    /// A body as one piece, within the limit.
    async fn whole(&self, name: &str, mut body: BoxStream<'static, std::io::Result<Bytes>>) -> Result<Bytes> {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|e| LakeError::invalid(format!("the upload of `{name}` broke off: {e}")))?;
            self.check_size((bytes.len() + chunk.len()) as u64)?;
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    }

    fn check_size(&self, bytes: u64) -> Result<()> {
        let limit = self.rooms().config.limits.file_bytes;
        if bytes > limit {
            let message = format!("the file is larger than {} MB, the limit; send it in parts", limit / 1_000_000);
            return Err(LakeError::Limit { message });
        }
        Ok(())
    }

    /// Whether the principal may send files for the dataset.
    ///
    /// # Errors
    /// As [`upload`](Self::upload), but for the file's own.
    pub async fn check_may_upload(&self, who: &Principal, dataset: &DatasetName) -> Result<()> {
        let (policies, now) = (&self.rooms().policies, chrono::Utc::now());
        if policies.may(who, dataset, Action::Own, now).await? {
            return Ok(());
        }
        let sends = policies.may(who, dataset, Action::Upload, now).await?;
        let reads = policies.may(who, dataset, Action::Read, now).await?;
        // Only then is the table looked at: a hidden one answers as an absent one, broken or slow as it may be.
        if !(sends || reads) || self.rooms().tables.snapshot(dataset).await?.is_none() {
            return Err(LakeError::no_dataset(dataset));
        }
        if sends {
            return Ok(());
        }
        let message = format!("you may read {dataset} and not send files to it; ask its owner for `upload`");
        Err(LakeError::Forbidden { message })
    }
}
