//! An owner's decision on one file that waits or was refused: it lands as far as its rows fit, or it does not.
//!
//! A decision is about what was seen: it is kept by the file's path and holds for these bytes alone. The first one about
//! a file that waits stands. It is written before anything is done, so that whoever goes on after a crash does the same.

use std::{collections::BTreeSet, sync::Arc};

use model::{AuditAction, Decision, Difference, IngestReport, IngestState, Principal, RefusedBecause, Verdict};
use object_store::{ObjectStoreExt, path::Path};
use serde::{Deserialize, Serialize};

use super::{
    arrival::{key, new_id},
    landing::{LandingFile, Sender, sha256},
    read::Refusal,
};
use crate::{Lake, LakeError, Result, audit::Entry, contract::Contract};

const DECISIONS: &str = "decisions";

/// What was decided of a landing file, as it was then.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Decided {
    mark: String,
    #[serde(default)]
    sha256: String,
    /// The arrival that was looked at.
    #[serde(default)]
    ingest: String,
    /// The arrival that it holds for: the same while it waits, one more when it was refused.
    #[serde(default)]
    lands_as: String,
    /// Name of the person.
    pub by: String,
    /// What the file was refused for, unless it waits.
    #[serde(default)]
    because: Option<RefusedBecause>,
    #[serde(default)]
    what: Decision,
}

impl Decided {
    fn new(who: &Principal, report: &IngestReport, lands_as: String, mark: String, what: Decision) -> Self {
        let (sha256, ingest) = (report.sha256.clone(), report.id.clone());
        Self { mark, sha256, ingest, lands_as, by: who.name.clone(), because: report.refused_because, what }
    }

    /// The contract as it holds for the file at `place`: any share of its rows may wait, its new columns are added, and
    /// its headers are the columns that the owner says. A file that was taken back lands again as if it were new: within
    /// its contract, or by one more decision.
    pub fn on(&self, contract: Option<Arc<Contract>>, place: &str) -> Option<Arc<Contract>> {
        if !self.widens() {
            return contract;
        }
        let mut contract = contract.map_or_else(Contract::absent, Arc::unwrap_or_clone);
        if !self.what.columns.is_empty() {
            let mut source = contract.source(place);
            source.pattern = "*".into();
            source.rename.extend(self.what.columns.clone());
            contract.sources.insert(0, source);
        }
        Some(Arc::new(Contract { max_rejected: 1.0, growth: true, strangers: true, ..contract }))
    }

    pub fn is_about(&self, id: &str) -> bool {
        self.ingest == id
    }

    /// Whether the file lands as this arrival, if its bytes are what they were. The same file sent again is another
    /// arrival, of which nothing is decided.
    pub fn lands(&self, mark: &str, id: &str) -> bool {
        // Decisions of earlier builds name the arrival that was looked at alone.
        let holds_for = if self.lands_as.is_empty() { &self.ingest } else { &self.lands_as };
        self.what.verdict == Verdict::Land && self.mark == mark && holds_for == id
    }

    /// Whether it says more than that the file lands once more.
    pub fn widens(&self) -> bool {
        self.because != Some(RefusedBecause::TakenBack)
    }

    /// Whether it is about these bytes.
    pub fn saw(&self, sha256: &str) -> bool {
        self.sha256 == sha256
    }

    /// What the report says when the file does not land.
    pub fn refusal(&self) -> Option<Refusal> {
        if self.what.verdict == Verdict::Land {
            return None;
        }
        let note = self.what.note.trim();
        let message = match note {
            "" => format!("{} decided that it does not land.", self.by),
            note => format!("{} decided that it does not land: {note}", self.by),
        };
        Some(Refusal::new(RefusedBecause::Declined, message))
    }
}

impl Lake {
    /// Decides about a file that waits, or lands one that was refused for its columns or the number of its rejected rows.
    /// One that lands does so as far as its rows fit: the others wait in quarantine, new columns are added. Files behind
    /// it then go on by themselves. Or lands once more what landed and was taken back by a roll back. Needs what
    /// [`Lake::quarantine`] needs.
    ///
    /// # Errors
    /// As [`Lake::quarantine`]; [`LakeError::Invalid`] when there is nothing to decide, when the file is gone or has
    /// changed, when someone has decided otherwise, or when the decision names columns that are none.
    pub async fn decide(&self, who: &Principal, id: &str, decision: Decision) -> Result<IngestReport> {
        let verdict = match decision.verdict {
            Verdict::Land => "land",
            Verdict::Refuse => "refuse",
        };
        let entry = self.audited(who, AuditAction::Decide)?.text(format!("{verdict} {id}: {}", decision.note.trim()));
        let (on, owned) = self.raw_rows(who, id).await;
        let mut entry = on.iter().fold(entry, Entry::on);
        let done = match owned {
            Ok(_) => self.decide_as_owner(who, id, decision).await,
            Err(e) => Err(e),
        };
        if let Ok(report) = &done {
            entry.tell_arrival(report);
        }
        // What becomes of the file is an event of its own.
        self.conclude(who, entry, &done, |_, _| {});
        done
    }

    async fn decide_as_owner(&self, who: &Principal, id: &str, decision: Decision) -> Result<IngestReport> {
        if decision.note.len() > Decision::NOTE_BYTES {
            return Err(LakeError::invalid(format!("a note has at most {} bytes", Decision::NOTE_BYTES)));
        }
        let report = self.ingest(who, id).await?;
        let report = match report.state {
            IngestState::Waiting => self.decide_waiting(who, &report, decision).await?,
            _ => self.land_refused(who, &report, decision).await?,
        };
        self.shown(who, report).await
    }

    async fn decide_waiting(&self, who: &Principal, report: &IngestReport, what: Decision) -> Result<IngestReport> {
        let Some(difference) = &report.difference else {
            let message = format!("`{}` waits for a file before it; decide about that one", report.file);
            return Err(LakeError::invalid(message));
        };
        let mark = match what.verdict {
            Verdict::Land => {
                check_columns(difference, &what)?;
                self.file_as_seen(report).await?.mark
            }
            Verdict::Refuse => String::new(),
        };
        let (dataset, path) = (&report.dataset, parsed(&report.path)?);
        let turn = self.rooms().arrivals.turn(dataset);
        let held = turn.lock().await;
        let decided = Decided::new(who, report, report.id.clone(), mark, what);
        let standing = self.keep_decision(&path, &decided, true).await?;
        // The same once more goes on where the first was interrupted.
        if standing.what != decided.what {
            let message = format!("{} has decided about `{}` already", standing.by, report.file);
            return Err(LakeError::invalid(message));
        }
        let sender = Sender::Person(who);
        let ended = loop {
            let waiting = self.queue(dataset).await?;
            let Some(first) = waiting.first() else { break None };
            let Some(arrival) = self.step(dataset, first, &sender).await? else { break None };
            if !arrival.report.state.is_final() {
                break None;
            }
            if arrival.report.id == report.id {
                break Some(arrival);
            }
        };
        drop(held);
        // Those behind it may be many: whoever decided does not wait for them.
        let (lake, dataset) = (self.clone(), dataset.clone());
        tokio::spawn(async move {
            let turn = lake.rooms().arrivals.turn(&dataset);
            let _turn = turn.lock().await;
            if let Err(e) = lake.go_on(&dataset, &Sender::Watcher).await {
                tracing::warn!(%dataset, error = ?e, "files that waited could not go on; the next look tries again");
            }
        });
        match ended {
            Some(arrival) => Ok(arrival.report),
            None => self.ingest(who, &report.id).await,
        }
    }

    async fn land_refused(&self, who: &Principal, report: &IngestReport, what: Decision) -> Result<IngestReport> {
        if !may_land(report) || what.verdict == Verdict::Refuse {
            let message = format!(
                "`{}` was not refused for its rows, columns or a roll back; there is nothing to decide",
                report.file
            );
            return Err(LakeError::invalid(message));
        }
        if !what.columns.is_empty() {
            return Err(LakeError::invalid("columns are named for a file that waits; send the file again"));
        }
        let file = self.file_as_seen(report).await?;
        let newest = self.rooms().tables.snapshot(&file.dataset).await?;
        if let Some(newest) = newest
            && self.rooms().tables.changed_at(&newest).await? > report.started_at
        {
            self.check_appends(&file.dataset).await?;
        }
        let turn = self.rooms().arrivals.turn(&file.dataset);
        let _turn = turn.lock().await;
        let id = new_id();
        let decided = Decided::new(who, report, id.clone(), file.mark.clone(), what);
        self.keep_decision(&file.path, &decided, false).await?;
        let taken = self.take(&file, &Sender::Person(who), Some(&id)).await?;
        taken.ok_or_else(|| LakeError::internal(format!("{} was taken and has no report", report.path)))
    }

    /// The landing file of an arrival, if it is the one that was seen.
    async fn file_as_seen(&self, report: &IngestReport) -> Result<LandingFile> {
        let store = &self.rooms().store;
        let gone = || LakeError::invalid(format!("`{}` is no longer in the landing area; send it again", report.file));
        let object = store.objects().head(&parsed(&report.path)?).await.map_err(|e| match e {
            object_store::Error::NotFound { .. } => gone(),
            e => e.into(),
        })?;
        let file = LandingFile::of(object).ok_or_else(gone)?;
        let bytes = store.read(&file.path).await?.ok_or_else(gone)?;
        if sha256(&bytes) != report.sha256 {
            let message = format!("`{}` has changed since; look at its new arrival", report.file);
            return Err(LakeError::invalid(message));
        }
        Ok(file)
    }

    /// Writes a decision, and returns the one that stands then: with `first`, an earlier one about the same arrival.
    async fn keep_decision(&self, path: &Path, decided: &Decided, first: bool) -> Result<Decided> {
        let (documents, id) = (self.documents(), key(path));
        loop {
            let written = match documents.get::<Decided>(DECISIONS, &id).await? {
                Some(known) if first && known.value.is_about(&decided.ingest) => return Ok(known.value),
                Some(known) => documents.update(DECISIONS, &id, known.version, decided).await,
                None => documents.create(DECISIONS, &id, decided).await,
            };
            match written {
                Ok(()) => return Ok(decided.clone()),
                Err(LakeError::Conflict { .. }) => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// What was decided last of the file at `path`.
    pub(super) async fn decided(&self, path: &Path) -> Result<Option<Decided>> {
        Ok(self.documents().get::<Decided>(DECISIONS, &key(path)).await?.map(|k| k.value))
    }

    /// The decision that the file lands as this arrival, if its bytes are those that [it saw](Decided::saw).
    pub(super) async fn decision(&self, file: &LandingFile, id: &str) -> Result<Option<Decided>> {
        let known = self.decided(&file.path).await?;
        Ok(known.filter(|d| d.lands(&file.mark, id)))
    }
}

/// Only what the file brings anew may be given a column's name, and only a column's that the file lacks.
fn check_columns(difference: &Difference, what: &Decision) -> Result<()> {
    let mut given = BTreeSet::new();
    for (label, column) in &what.columns {
        let labelled = |c: &&model::ColumnDifference| c.label.as_deref().map(str::trim) == Some(label);
        if difference.new_columns().filter(labelled).count() != 1 {
            return Err(LakeError::invalid(format!("`{label}` is no header of exactly one new column of the file")));
        }
        if !difference.missing().any(|c| c.name == *column) {
            return Err(LakeError::invalid(format!("`{column}` is no column of the dataset that the file lacks")));
        }
        if !given.insert(column) {
            return Err(LakeError::invalid(format!("two columns of the file cannot both be `{column}`")));
        }
    }
    if let Some(lacking) = difference.missing().find(|c| c.required && !given.contains(&c.name)) {
        let message = format!("`{}` is required; say which of the file's new columns it is, or refuse", lacking.name);
        return Err(LakeError::invalid(message));
    }
    Ok(())
}

fn parsed(path: &str) -> Result<Path> {
    Path::parse(path).map_err(|e| LakeError::internal(format!("{path} is no place in the store: {e}")))
}

fn may_land(report: &IngestReport) -> bool {
    use RefusedBecause::{Empty, SchemaConflict, TakenBack, TooManyRejects};
    match report.refused_because {
        Some(TooManyRejects | SchemaConflict | TakenBack) => true,
        // It has a header and no rows, and the owner wants the dataset to be empty.
        Some(Empty) => !report.columns.is_empty() && report.rows.read == 0,
        _ => false,
    }
}
