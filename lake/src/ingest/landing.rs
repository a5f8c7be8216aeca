//! The landing area: listing it, sending files into it, and taking a file through to a commit and a report.
//!
//! The order of writes is what makes a crash harmless: which arrival it is, then the quarantine, then the report as
//! unfinished, then the commit, then the finished report, then that the file is done with. Only the commit makes rows
//! visible, it is atomic, and the same content commits once.

use std::{collections::BTreeMap, sync::Arc};

use arrow::datatypes::SchemaRef;
use chrono::Utc;
use futures::{StreamExt, TryStreamExt};
use model::{DatasetName, IngestReport, IngestState, Principal, RefusedBecause, RowCounts};
use object_store::{ObjectStore, path::Path};
use sha2::{Digest, Sha256};

use super::{
    arrival::Arrival,
    incoming::Incoming,
    read::{Landing, Reading, Refusal, read_file},
    replay::lenient,
    stream::LARGE,
};
use crate::{
    Lake, LakeError, Result,
    contract::Contract,
    store::path,
    table::{Commit, Committed, DataFile, Landed, WriteMode},
};

mod file;
mod parts;

use parts::InParts;

pub(super) use file::{LandingFile, file_name, local_files};

/// Datasets whose files are taken at once.
const DATASETS_AT_ONCE: usize = 2;

/// A file's rows, as far as they are on their way.
enum Rows {
    Read(Landing),
    /// Already in data files, which no version names so far.
    Written(SchemaRef, Vec<DataFile>),
}

/// How rows land.
struct How {
    mode: WriteMode,
    key: Vec<String>,
    /// By an owner's decision.
    decided: bool,
    /// The roll back after which the content lands once more.
    again: Option<u64>,
}

impl How {
    fn of(contract: Option<&Contract>, corrects: bool) -> Self {
        let mode = match contract.map_or(WriteMode::Append, |c| c.mode) {
            // They belong beside the rows that landed.
            WriteMode::Replace if corrects => WriteMode::Append,
            mode => mode,
        };
        Self { mode, key: contract.map(|c| c.key.clone()).unwrap_or_default(), decided: false, again: None }
    }
}

/// What a dataset knows of a file's content.
enum Remembered {
    /// It lands, after the roll back that took it out when there was one.
    New(Option<u64>),
    /// It is there, at this newest version.
    Landed(u64),
    TakenBack(Refusal),
}

/// Who brought a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sender<'a> {
    Watcher,
    /// The command line.
    Command,
    Person(&'a Principal),
}

impl Sender<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Watcher => "watcher",
            Self::Command => "command line",
            Self::Person(who) => &who.name,
        }
    }

    fn key(&self) -> Option<String> {
        match self {
            Self::Person(who) => Some(who.key()),
            Self::Watcher | Self::Command => None,
        }
    }
}

impl Lake {
    /// All files of the landing area, by dataset, then name, then time. One listing.
    pub(super) async fn landing_files(&self) -> Result<Vec<LandingFile>> {
        let objects = self.rooms().store.objects();
        let mut files: Vec<LandingFile> = objects
            .list(Some(&Path::from(path::LANDING)))
            .try_filter_map(async |object| Ok(LandingFile::of(object)))
            .try_collect()
            .await?;
        files.sort_by(|a, b| (&a.dataset, a.path.as_ref(), a.changed).cmp(&(&b.dataset, b.path.as_ref(), b.changed)));
        Ok(files)
    }

    /// Takes the files that are new. Those of one dataset one after the other.
    pub(super) async fn take_all(&self, files: Vec<LandingFile>, sender: &Sender<'_>) -> Result<Vec<IngestReport>> {
        let mut datasets: BTreeMap<DatasetName, Vec<LandingFile>> = BTreeMap::new();
        for file in files {
            datasets.entry(file.dataset.clone()).or_default().push(file);
        }
        let taken: Vec<Vec<IngestReport>> = futures::stream::iter(datasets)
            .map(async |(dataset, files)| {
                let arrivals = &self.rooms().arrivals;
                let turn = arrivals.turn(&dataset);
                let mut reports = Vec::new();
                if files.iter().all(|file| arrivals.is_done(&file.path, &file.mark)) {
                    return Ok(reports);
                }
                // What waits costs one look for them all, however many there are.
                let waiting = {
                    let _turn = turn.lock().await;
                    let moved = self.go_on(&dataset, sender).await?;
                    reports.extend(moved.reports);
                    moved.waiting
                };
                for file in files {
                    let _turn = turn.lock().await;
                    let waits = waiting.iter().any(|queued| queued.is(&file));
                    if !waits && !arrivals.is_done(&file.path, &file.mark) {
                        reports.extend(self.take(&file, sender, false).await?);
                    }
                }
                Ok::<_, LakeError>(reports)
            })
            .buffered(DATASETS_AT_ONCE)
            .try_collect()
            .await?;
        Ok(taken.into_iter().flatten().collect())
    }

    /// Puts a file into the landing area and takes it.
    pub(super) async fn send(
        &self,
        dataset: &DatasetName,
        name: &str,
        incoming: Incoming,
        sender: &Sender<'_>,
    ) -> Result<IngestReport> {
        let turn = self.rooms().arrivals.turn(dataset);
        let _turn = turn.lock().await;
        self.send_in_turn(dataset, name, incoming, sender).await
    }

    /// As [`send`](Self::send); the caller holds the dataset's turn.
    pub(super) async fn send_in_turn(
        &self,
        dataset: &DatasetName,
        name: &str,
        incoming: Incoming,
        sender: &Sender<'_>,
    ) -> Result<IngestReport> {
        let placed = self.place(dataset, name, &incoming).await;
        self.tidy(&incoming).await;
        let file = placed?;
        let report = self.take(&file, sender, true).await?;
        report.ok_or_else(|| LakeError::internal(format!("{} was taken and has no report", file.path)))
    }

    /// Takes one file through, or lets it wait. `None` when it is done with already. `again` makes a new arrival in any case.
    /// The caller holds the dataset's turn.
    pub(super) async fn take(
        &self,
        file: &LandingFile,
        sender: &Sender<'_>,
        again: bool,
    ) -> Result<Option<IngestReport>> {
        let arrivals = &self.rooms().arrivals;
        let Some(id) = arrivals.begin(&file.path, &file.mark, again).await? else {
            arrivals.remember(&file.path, &file.mark);
            return Ok(None);
        };
        let known = arrivals.get(&id).await?;
        let arrival = match known {
            Some(known) if known.report.state.is_final() => known.as_ref().clone(),
            known => self.in_turn(file, sender, id, known).await?,
        };
        if arrival.report.state.is_final() {
            arrivals.end(&file.path, &file.mark).await?;
        }
        let IngestReport { id, dataset, file, state, rows, message, .. } = &arrival.report;
        tracing::info!(%dataset, %file, ?state, landed = rows.landed, quarantined = rows.quarantined, %id, %message, "arrival");
        Ok(Some(arrival.report))
    }

    /// Takes up one file whose turn it is.
    pub(super) async fn work(
        &self,
        file: &LandingFile,
        sender: &Sender<'_>,
        id: String,
        begun: Option<Arc<Arrival>>,
    ) -> Result<Arrival> {
        let rooms = self.rooms();
        let mut arrival = match begun {
            Some(begun) => begun.taken_up(),
            None => new_arrival(file, id, sender),
        };
        if self.check_size(file.bytes).is_err() {
            let limit = rooms.config.limits.file_bytes / 1_000_000;
            let message = format!("The file is larger than {limit} MB, the limit; send it in parts.");
            return self.refuse(arrival, Refusal::new(RefusedBecause::TooLarge, message)).await;
        }
        let first = self.corrected_by(&file.path).await?;
        arrival.report.corrects = first.as_ref().map(|f| f.id.clone());
        let contract = match rooms.contracts.get(&file.dataset).await {
            Ok(contract) => contract,
            Err(LakeError::Config { message }) => {
                let message = format!("The dataset's contract is wrong: {message}. Mend it and send the file again.");
                return self.refuse(arrival, Refusal::new(RefusedBecause::Contract, message)).await;
            }
            Err(e) => return Err(e),
        };
        let existing = rooms.tables.snapshot(&file.dataset).await?.map(|s| s.schema.clone());
        // Corrected rows are read as the file was that they stood in.
        let (contract, place) = match &first {
            Some(first) => (Some(Arc::new(lenient(contract.as_deref()))), first.path.clone()),
            None => (contract, file.path.to_string()),
        };
        let reader = rooms.arrivals.readers.acquire().await;
        let decision = self.decision(file).await?;
        // What was decided holds for bytes that were seen, so they are all read first.
        if file.bytes >= LARGE && first.is_none() && decision.is_none() {
            let (place, contract, existing) = (place.clone(), contract.clone(), existing.clone());
            let how = How::of(contract.as_deref(), false);
            let read = self.in_parts(file, &arrival.report.id, place, contract, existing).await?;
            if let Some(InParts { streamed, schema, files }) = read {
                drop(reader);
                let content = streamed.sha256;
                arrival.report.sha256.clone_from(&content);
                let outcome = fill(&mut arrival.report, streamed.reading).outcome;
                let rows = outcome.map(|_| Rows::Written(schema, files));
                return match self.remembered(&file.dataset, &content, false).await? {
                    Remembered::New(again) => self.settle(arrival, file, rows, How { again, ..how }, content).await,
                    Remembered::Landed(version) => self.landed_before(arrival, version).await,
                    Remembered::TakenBack(refusal) => self.refuse(arrival, refusal).await,
                };
            }
        }
        let Some(bytes) = rooms.store.read(&file.path).await? else {
            let message = "The file was removed before it could be read.";
            return self.refuse(arrival, Refusal::new(RefusedBecause::Unreadable, message)).await;
        };
        arrival.report.sha256 = sha256(&bytes);
        let decision = decision.filter(|d| d.saw(&arrival.report.sha256));
        // The same words may correct the rows of two files.
        let content = match &first {
            Some(first) => sha256(format!("{}:{}", first.id, arrival.report.sha256).as_bytes()),
            None => arrival.report.sha256.clone(),
        };
        let again = match self.remembered(&file.dataset, &content, decision.is_some()).await? {
            Remembered::New(again) => again,
            Remembered::Landed(version) => return self.landed_before(arrival, version).await,
            Remembered::TakenBack(refusal) => return self.refuse(arrival, refusal).await,
        };
        arrival.report.decided_by = decision.as_ref().map(|d| d.by.clone());
        let contract = match &decision {
            Some(decision) => decision.on(contract, &place),
            None => contract,
        };
        let how = How {
            decided: decision.is_some_and(|d| d.widens()),
            again,
            ..How::of(contract.as_deref(), first.is_some())
        };
        let limits = rooms.config.limits.clone();
        let work = move || read_file(&bytes, &place, contract.as_deref(), existing.as_deref(), &limits);
        let reading = match tokio::task::spawn_blocking(work).await {
            Ok(reading) => reading,
            Err(e) => {
                tracing::error!(path = %file.path, error = %e, "reading a file failed");
                let message =
                    "The file could not be read, by a fault of ours; nothing of it landed. The log says more.";
                return self.refuse(arrival, Refusal::new(RefusedBecause::Unreadable, message)).await;
            }
        };
        drop(reader);
        let Reading { outcome, quarantined, .. } = fill(&mut arrival.report, reading);
        if !quarantined.is_empty() {
            let mut lines = Vec::new();
            for row in &quarantined {
                serde_json::to_writer(&mut lines, row)?;
                lines.push(b'\n');
            }
            rooms.store.write(&path::quarantine(&file.dataset, &arrival.report.id), lines).await?;
        }
        self.settle(arrival, file, outcome.map(Rows::Read), how, content).await
    }

    /// What the dataset knows of content with this hash.
    async fn remembered(&self, dataset: &DatasetName, content: &str, decided: bool) -> Result<Remembered> {
        let tables = &self.rooms().tables;
        Ok(match tables.landed_as(dataset, content).await? {
            None => Remembered::New(None),
            Some(Landed { version: Some(landed), taken_back: Some(by) }) if !decided => {
                Remembered::TakenBack(taken_back(landed, by))
            }
            Some(Landed { taken_back: Some(by), .. }) => Remembered::New(Some(by)),
            Some(Landed { .. }) => Remembered::Landed(tables.landed(dataset, content).await?.unwrap_or_default()),
        })
    }

    /// Lands what was read, lets it wait for an owner, or refuses it.
    async fn settle(
        &self,
        arrival: Arrival,
        file: &LandingFile,
        outcome: std::result::Result<Rows, Refusal>,
        how: How,
        content: String,
    ) -> Result<Arrival> {
        if let Err(refusal) = &outcome
            && !how.decided
            && arrival.report.corrects.is_none()
            && let Some(difference) = self.difference(file, &arrival.report, refusal).await?
        {
            return self.hold(arrival, file, difference).await;
        }
        match outcome {
            Err(refusal) => self.refuse(arrival, refusal).await,
            Ok(_) if how.decided && arrival.report.rows.landed == 0 => {
                let message =
                    "No row of the file fits; nothing landed. Mend the rows in quarantine and send the file again.";
                self.refuse(arrival, Refusal::new(RefusedBecause::TooManyRejects, message)).await
            }
            Ok(rows) => self.land(arrival, rows, how, content).await,
        }
    }

    async fn land(&self, mut arrival: Arrival, rows: Rows, how: How, content: String) -> Result<Arrival> {
        let rooms = self.rooms();
        arrival = rooms.arrivals.write(&arrival).await?;
        if arrival.report.state.is_final() {
            return Ok(arrival);
        }
        let report = &arrival.report;
        let commit = Commit {
            sha256: content,
            again: how.again,
            ingest: report.id.clone(),
            file: report.file.clone(),
            by: report.by.clone(),
            mode: how.mode,
            key: how.key,
            own: report.columns.iter().map(|c| c.name.clone()).collect(),
        };
        let committed = match rows {
            Rows::Read(landing) => rooms.tables.commit(&report.dataset, landing.schema, landing.batches, commit).await,
            Rows::Written(schema, files) => rooms.tables.commit_files(&report.dataset, &schema, files, &commit).await,
        };
        match committed {
            Ok(Committed::AlreadyThere(version)) => self.landed_before(arrival, version).await,
            Ok(Committed::Version(version)) => self.landed(arrival, version).await,
            // Someone else changed the table's columns between our look and the commit.
            Err(LakeError::Invalid { message }) => {
                let message = format!("The dataset's columns changed meanwhile: {message}. Send the file again.");
                self.refuse(arrival, Refusal::new(RefusedBecause::SchemaConflict, message)).await
            }
            Err(e) => Err(e),
        }
    }

    async fn landed(&self, mut arrival: Arrival, version: u64) -> Result<Arrival> {
        arrival.report.version = Some(version);
        let RowCounts { quarantined, read, .. } = arrival.report.rows;
        if quarantined > 0 {
            let message = format!("{quarantined} of {read} rows did not fit; they are in quarantine with the reasons.");
            arrival.report.message = message;
        }
        self.finish(arrival, IngestState::Landed).await
    }

    /// The content is in the table at `version`: by an earlier arrival, or by this very one, which was killed before its
    /// end was written or is being taken by another process too.
    async fn landed_before(&self, mut arrival: Arrival, version: u64) -> Result<Arrival> {
        if let Some(own) = self.version_of(&arrival.report, version).await? {
            // What the reading found was written before the commit.
            if let Some(known) = self.rooms().arrivals.get(&arrival.report.id).await? {
                arrival = known.as_ref().clone();
            }
            return self.landed(arrival, own).await;
        }
        arrival.report.version = Some(version);
        arrival.report.message = "The same content has landed before; nothing was added.".into();
        arrival.report.rows = RowCounts::default();
        self.finish(arrival, IngestState::Duplicate).await
    }

    /// The version that the arrival itself made, if it did.
    async fn version_of(&self, report: &IngestReport, at_least: u64) -> Result<Option<u64>> {
        const VERSIONS: usize = 10_000;
        const LOOKS: usize = 50;
        let mut history = Vec::new();
        for _ in 0..LOOKS {
            history = self.rooms().tables.history(&report.dataset, VERSIONS).await?;
            if history.first().is_some_and(|newest| newest.version >= at_least) {
                break;
            }
            // The kept snapshot is older than what was just seen, or from before there was a table; it is looked at
            // again within the freshness time.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        Ok(history.iter().find(|h| h.ingest.as_ref() == Some(&report.id)).map(|h| h.version))
    }

    pub(super) async fn refuse(&self, mut arrival: Arrival, refusal: Refusal) -> Result<Arrival> {
        arrival.report.refused_because = Some(refusal.because);
        arrival.report.message = refusal.message;
        arrival.report.rows.landed = 0;
        self.finish(arrival, IngestState::Refused).await
    }

    async fn finish(&self, mut arrival: Arrival, state: IngestState) -> Result<Arrival> {
        arrival.report.state = state;
        arrival.report.finished_at = Some(Utc::now());
        self.rooms().arrivals.write(&arrival).await
    }
}

/// The same content once more, after a roll back: rows that someone took back must not come again by chance.
fn taken_back(landed: u64, by: u64) -> Refusal {
    let message = format!(
        "The same content landed as version {landed} and was taken back by the roll back in version {by}; nothing was \
         added. Send a corrected file, let this one land by an owner's decision, or roll back to version {landed}."
    );
    Refusal::new(RefusedBecause::TakenBack, message)
}

/// A file of which nothing is known yet.
pub(super) fn new_arrival(file: &LandingFile, id: String, sender: &Sender<'_>) -> Arrival {
    Arrival { report: blank(file, id, sender), sender: sender.key() }
}

fn blank(file: &LandingFile, id: String, sender: &Sender<'_>) -> IngestReport {
    IngestReport {
        id,
        dataset: file.dataset.clone(),
        file: file.name().to_owned(),
        path: file.path.to_string(),
        bytes: file.bytes,
        sha256: String::new(),
        state: IngestState::Working,
        refused_because: None,
        message: String::new(),
        encoding: None,
        compression: None,
        format: None,
        delimiter: None,
        quote: None,
        header_line: None,
        sheet: None,
        rows: RowCounts::default(),
        columns: Vec::new(),
        warnings: Vec::new(),
        decided_by: None,
        difference: None,
        ahead: None,
        corrects: None,
        corrections: Vec::new(),
        version: None,
        started_at: Utc::now(),
        finished_at: None,
        by: sender.name().to_owned(),
    }
}

/// Moves what the reading found into the report.
fn fill(report: &mut IngestReport, mut reading: Reading) -> Reading {
    report.encoding = reading.encoding.map(str::to_owned);
    report.compression = reading.compression.map(str::to_owned);
    report.format = reading.format.map(str::to_owned);
    report.delimiter = reading.delimiter.map(String::from);
    report.quote = reading.quote.map(String::from);
    report.header_line = reading.header_line;
    report.sheet = reading.sheet.take();
    report.rows = reading.rows;
    report.columns = std::mem::take(&mut reading.columns);
    report.warnings = std::mem::take(&mut reading.warnings);
    reading
}

/// Lower-case hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(64), |mut hex, b| {
        let _ = write!(hex, "{b:02x}");
        hex
    })
}
