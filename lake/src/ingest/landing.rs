//! The landing area: listing it, sending files into it, and taking a file through to a commit and a report.
//!
//! The order of writes is what makes a crash harmless: which arrival it is, then the quarantine, then the report as
//! unfinished, then the commit, then the finished report, then that the file is done with. Only the commit makes rows
//! visible, it is atomic, and the same content commits once.

use std::{collections::BTreeMap, sync::Arc};

use arrow::datatypes::SchemaRef;
use chrono::Utc;
use futures::StreamExt;
use model::{AuditAction, DatasetName, IngestReport, IngestState, Principal, RefusedBecause, RowCounts};
use object_store::{GetOptions, GetRange, GetResult, ObjectStore};
use sha2::{Digest, Sha256};

use super::{
    arrival::{Arrival, new_id},
    gate::terms,
    incoming::Incoming,
    read::{Landing, Reading, Refusal, read_file},
    replay::lenient,
    stream::LARGE,
    turn::Turn,
};
use crate::{
    Lake, LakeError, Result,
    contract::Contract,
    store::{is_denied, path},
    table::{Commit, Committed, DataFile, WriteMode},
};

mod file;
mod memory;
mod parts;

use memory::Remembered;
use parts::{InParts, Large};

pub(super) use file::{LandingArea, LandingFile, file_name, is_unfinished, local_files};

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
    sort: Vec<String>,
    /// The rows are corrected ones of an earlier file.
    corrects: bool,
    /// By an owner's decision.
    decided: bool,
    /// The version that took the content out, after which it lands once more.
    again: Option<u64>,
}

impl How {
    fn of(contract: Option<&Contract>, corrects: bool) -> Self {
        let mode = match contract.map_or(WriteMode::Append, |c| c.mode) {
            // They belong beside the rows that landed.
            WriteMode::Replace if corrects => WriteMode::Append,
            mode => mode,
        };
        let (key, sort) = contract.map(|c| (c.key.clone(), c.sort.clone())).unwrap_or_default();
        Self { mode, key, sort, corrects, decided: false, again: None }
    }
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
    pub fn name(&self) -> &str {
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
    /// All files of the landing area. One listing.
    pub(super) async fn landing_area(&self) -> Result<LandingArea> {
        let found = self.rooms().store.list_each(path::LANDING).await?;
        let mut area = LandingArea::default();
        found.left_out.into_iter().for_each(|left_out| area.leave_out(left_out));
        found.objects.into_iter().for_each(|object| area.add(object));
        area.files
            .sort_by(|a, b| (&a.dataset, a.path.as_ref(), a.changed).cmp(&(&b.dataset, b.path.as_ref(), b.changed)));
        Ok(area)
    }

    /// Takes the files that are new. Those of one dataset one after the other: when one fails, those behind it wait for
    /// the next look, and other datasets go on. Returns the reports, and what failed.
    pub(super) async fn take_all(
        &self,
        files: Vec<LandingFile>,
        sender: &Sender<'_>,
    ) -> (Vec<IngestReport>, Vec<(DatasetName, LakeError)>) {
        let mut datasets: BTreeMap<DatasetName, Vec<LandingFile>> = BTreeMap::new();
        for file in files {
            datasets.entry(file.dataset.clone()).or_default().push(file);
        }
        let taken: Vec<_> = futures::stream::iter(datasets)
            .map(async |(dataset, files)| {
                let mut reports = Vec::new();
                let taken = self.take_in_order(&dataset, files, sender, &mut reports).await;
                (reports, taken.err().map(|e| (dataset, e)))
            })
            .buffered(DATASETS_AT_ONCE)
            .collect()
            .await;
        let (reports, failed): (Vec<_>, Vec<_>) = taken.into_iter().unzip();
        (reports.into_iter().flatten().collect(), failed.into_iter().flatten().collect())
    }

    /// Takes files of one dataset; what was done until one fails is in `reports`.
    async fn take_in_order(
        &self,
        dataset: &DatasetName,
        files: Vec<LandingFile>,
        sender: &Sender<'_>,
        reports: &mut Vec<IngestReport>,
    ) -> Result<()> {
        let arrivals = &self.rooms().arrivals;
        let turn = arrivals.turn(dataset);
        if files.iter().all(|file| arrivals.is_done(&file.path, &file.mark)) {
            return Ok(());
        }
        // What waits costs one look for them all, however many there are.
        let waiting = {
            let _turn = turn.lock().await;
            let moved = self.go_on(dataset, sender).await?;
            reports.extend(moved.reports);
            moved.waiting
        };
        for file in files {
            let _turn = turn.lock().await;
            let waits = waiting.iter().any(|queued| queued.is(&file));
            if !waits && !arrivals.is_done(&file.path, &file.mark) {
                reports.extend(self.take(&file, sender, None).await?);
            }
        }
        Ok(())
    }

    /// As [`send`](Self::send), for a person. Goes on to the end even when the person does not wait for the answer.
    pub(super) async fn send_for(
        &self,
        who: &Principal,
        dataset: &DatasetName,
        name: String,
        incoming: Incoming,
    ) -> Result<IngestReport> {
        let (lake, who, dataset) = (self.clone(), who.clone(), dataset.clone());
        let sent = async move { lake.send(&dataset, &name, incoming, &Sender::Person(&who)).await };
        tokio::spawn(sent).await.map_err(|e| LakeError::internal(format!("a file was not taken: {e}")))?
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
        self.send_in_turn(dataset, name, incoming, sender, &new_id()).await
    }

    /// As [`send`](Self::send), as this arrival; the caller holds the dataset's turn.
    pub(super) async fn send_in_turn(
        &self,
        dataset: &DatasetName,
        name: &str,
        incoming: Incoming,
        sender: &Sender<'_>,
        id: &str,
    ) -> Result<IngestReport> {
        if dataset.is_reserved() {
            return Err(LakeError::invalid(format!("{dataset} is written by Penstock alone; send the file elsewhere")));
        }
        let placed = self.place(dataset, name, &incoming).await;
        self.tidy(&incoming).await;
        let file = placed?;
        let report = self.take(&file, sender, Some(id)).await?;
        report.ok_or_else(|| LakeError::internal(format!("{} was taken and has no report", file.path)))
    }

    /// Takes one file through, or lets it wait. `None` when it is done with already, unless `again` gives the id of one
    /// more arrival. The caller holds the dataset's turn.
    pub(super) async fn take(
        &self,
        file: &LandingFile,
        sender: &Sender<'_>,
        again: Option<&str>,
    ) -> Result<Option<IngestReport>> {
        let arrivals = &self.rooms().arrivals;
        let Some(mut id) = arrivals.begin(&file.path, &file.mark, again).await? else {
            arrivals.remember(&file.path, &file.mark);
            return Ok(None);
        };
        // What a person sends is audited where it is sent.
        let entry = match sender {
            Sender::Person(_) => None,
            found => Some(self.audited_by(found.name(), found.name(), AuditAction::Arrival)?.on(&file.dataset)),
        };
        let mut known = arrivals.get(&id).await?;
        // A process was killed between an arrival's end and the note that its file is done with.
        if again.is_some_and(|new| new != id) && known.as_ref().is_some_and(|k| k.report.state.is_final()) {
            arrivals.end(&file.path, &file.mark).await?;
            id = arrivals.begin(&file.path, &file.mark, again).await?.unwrap_or(id);
            known = arrivals.get(&id).await?;
        }
        let arrival = match known {
            Some(known) if known.report.state.is_final() => known.as_ref().clone(),
            known => match self.in_turn(file, sender, id.clone(), known).await {
                Ok(arrival) => arrival,
                Err(e) => {
                    self.say_delayed(file, id, sender, &e).await;
                    if let Some(entry) = entry {
                        entry.text(file.name()).fail(&e);
                    }
                    return Err(e);
                }
            },
        };
        if arrival.report.state.is_final() {
            arrivals.end(&file.path, &file.mark).await?;
        }
        if let Some(entry) = entry {
            entry.arrived(&arrival.report);
        }
        let IngestReport { id, dataset, file, state, rows, message, .. } = &arrival.report;
        tracing::info!(%dataset, %file, ?state, landed = rows.landed, quarantined = rows.quarantined, %id, %message, "arrival");
        Ok(Some(arrival.report))
    }

    /// Gives a file that could not be taken a report, so that whoever dropped it sees that it is known. The next look takes
    /// it up again.
    async fn say_delayed(&self, file: &LandingFile, id: String, sender: &Sender<'_>, why: &LakeError) {
        let arrivals = &self.rooms().arrivals;
        let message = match why {
            LakeError::Foreign { message } => format!("The file waits: {message}. It is tried again by itself."),
            _ => "The file could not be taken yet, by a fault of ours or of the store; the log says more. It is tried \
                  again by itself."
                .to_owned(),
        };
        let mut arrival = match arrivals.get(&id).await {
            Ok(None) => new_arrival(file, id, sender),
            Ok(Some(known)) if known.report.state == IngestState::Working && known.report.message != message => {
                known.as_ref().clone()
            }
            Ok(Some(_)) | Err(_) => return,
        };
        arrival.report.message = message;
        if let Err(e) = arrivals.write(&arrival).await {
            tracing::debug!(path = %file.path, error = %e, "nor could that be said");
        }
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
        // Before anything is read: its rows could not be written.
        rooms.tables.check_writable(&file.dataset, How::of(contract.as_deref(), first.is_some()).mode).await?;
        let existing = rooms.tables.snapshot(&file.dataset).await?.map(|s| s.schema.clone());
        arrival.terms = Some(terms(contract.as_deref(), existing.as_deref()));
        // Corrected rows are read as the file was that they stood in.
        let (contract, place) = match &first {
            Some(first) => (Some(Arc::new(lenient(contract.as_deref()))), first.path.clone()),
            None => (contract, file.path.to_string()),
        };
        let turn = Turn::of(&rooms.arrivals.readers).await;
        let decision = self.decision(file, &arrival.report.id).await?;
        if decision.is_none() {
            // Of an earlier look.
            arrival.report.difference = None;
        }
        // What was decided holds for bytes that were seen, so they are all read first.
        if file.bytes >= LARGE && first.is_none() && decision.is_none() {
            let object = match self.opened(file, Some(GetRange::Bounded(0..1))).await? {
                Ok(found) => found.meta,
                Err(refusal) => return self.refuse(arrival, refusal).await,
            };
            let (place, contract, existing) = (place.clone(), contract.clone(), existing.clone());
            let how = How::of(contract.as_deref(), false);
            let large = Large { file, object, ingest: &arrival.report.id };
            let read = self.in_parts(large, place, contract, existing, &turn).await?;
            if let Some(InParts { streamed, schema, files }) = read {
                drop(turn);
                let content = streamed.sha256;
                arrival.report.sha256.clone_from(&content);
                let outcome = fill(&mut arrival.report, streamed.reading).outcome;
                let rows = outcome.map(|_| Rows::Written(schema, files));
                return match self.remembered(file, &content, &how, false).await? {
                    Remembered::New(again) => self.settle(arrival, file, rows, How { again, ..how }, content).await,
                    Remembered::Landed(newest) => self.landed_before(arrival, &content, newest).await,
                    Remembered::TakenBack(refusal) => self.refuse(arrival, refusal).await,
                    Remembered::LayThere => self.lay_there(arrival).await,
                };
            }
        }
        let bytes = match self.opened(file, None).await? {
            Ok(found) => found.bytes().await?,
            Err(refusal) => return self.refuse(arrival, refusal).await,
        };
        arrival.report.sha256 = sha256(&bytes);
        let decision = decision.filter(|d| d.saw(&arrival.report.sha256));
        // The same words may correct the rows of two files.
        let content = match &first {
            Some(first) => sha256(format!("{}:{}", first.id, arrival.report.sha256).as_bytes()),
            None => arrival.report.sha256.clone(),
        };
        let how = How::of(contract.as_deref(), first.is_some());
        let again = match self.remembered(file, &content, &how, decision.is_some()).await? {
            Remembered::New(again) => again,
            Remembered::Landed(newest) => return self.landed_before(arrival, &content, newest).await,
            Remembered::TakenBack(refusal) => return self.refuse(arrival, refusal).await,
            Remembered::LayThere => return self.lay_there(arrival).await,
        };
        arrival.report.decided_by = decision.as_ref().map(|d| d.by.clone());
        let contract = match &decision {
            Some(decision) => decision.on(contract, &place),
            None => contract,
        };
        let how = How { decided: decision.is_some_and(|d| d.widens()), again, ..how };
        let limits = rooms.config.limits.clone();
        let work = move || read_file(&bytes, &place, contract.as_deref(), existing.as_deref(), &limits);
        let reading = match turn.work(work).await {
            Ok(reading) => reading,
            Err(e) => {
                tracing::error!(path = %file.path, error = %e, "reading a file failed");
                let message =
                    "The file could not be read, by a fault of ours; nothing of it landed. The log says more.";
                return self.refuse(arrival, Refusal::new(RefusedBecause::Unreadable, message)).await;
            }
        };
        drop(turn);
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

    /// Asks the store for the file, or for a part of it. A refusal when it is gone or the store does not let us read it:
    /// the next look would bring the same, and the files behind it would wait for nothing.
    async fn opened(
        &self,
        file: &LandingFile,
        range: Option<GetRange>,
    ) -> Result<std::result::Result<GetResult, Refusal>> {
        let options = GetOptions { range, ..GetOptions::default() };
        let message = match self.rooms().store.objects().get_opts(&file.path, options).await {
            Ok(found) => return Ok(Ok(found)),
            Err(object_store::Error::NotFound { .. }) => "The file was removed before it could be read.",
            Err(e) if is_denied(&e) => {
                tracing::warn!(path = %file.path, error = %e, "the store does not give out a landing file");
                "The store does not let Penstock read the file; nothing of it landed. Allow it (for a file in an archive: \
                 restore it), and send the file again."
            }
            Err(e) => return Err(e.into()),
        };
        Ok(Err(Refusal::new(RefusedBecause::Unreadable, message)))
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
            Ok(_) if how.decided && arrival.report.rows.landed == 0 && arrival.report.rows.read > 0 => {
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
            sha256: content.clone(),
            again: how.again,
            ingest: report.id.clone(),
            file: report.file.clone(),
            by: report.by.clone(),
            mode: how.mode,
            key: how.key,
            sort: how.sort,
            corrects: how.corrects,
            own: report.columns.iter().map(|c| c.name.clone()).collect(),
            // Nobody means that who sends an export that broke off.
            may_empty: how.decided && report.rows.read == 0,
        };
        let committed = match rows {
            Rows::Read(landing) => rooms.tables.commit(&report.dataset, landing.schema, landing.batches, commit).await,
            Rows::Written(schema, files) => rooms.tables.commit_files(&report.dataset, &schema, files, &commit).await,
        };
        match committed {
            Ok(Committed::AlreadyThere(newest)) => self.landed_before(arrival, &content, newest).await,
            Ok(Committed::Version(version)) => self.landed(arrival, version).await,
            Ok(Committed::WouldEmpty) => {
                let message = "No row of it would land, and in `replace` mode it would take away all rows that are there; \
                               they stay. Send a file with rows, or, when its columns are read and the dataset is to be \
                               empty, land it by a decision.";
                self.refuse(arrival, Refusal::new(RefusedBecause::Empty, message)).await
            }
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

/// A file of which nothing is known yet.
pub(super) fn new_arrival(file: &LandingFile, id: String, sender: &Sender<'_>) -> Arrival {
    Arrival { report: blank(file, id, sender), sender: sender.key(), terms: None }
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
        taken_back: None,
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
