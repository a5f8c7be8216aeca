//! Files of one dataset that wait, in order: the first for an owner's decision, the others for the first.
//!
//! The order is one small document a dataset, so that every process and every restart finds the same one, and a look at
//! it costs the same however many files wait. A file stands in it until its report is final; whoever finds a final one
//! in front takes it out, so it does not matter where a process was killed.

use std::sync::Arc;

use model::{Ahead, AuditAction, DatasetName, IngestReport, IngestState, Principal, RefusedBecause, Waiting};
use object_store::{ObjectStoreExt, path::Path};
use serde::{Deserialize, Serialize};

use super::{
    arrival::Arrival,
    landing::{LandingFile, Sender, new_arrival},
    read::Refusal,
};
use crate::{Lake, LakeError, Result};

const QUEUE: &str = "queue";

/// A file that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Queued {
    path: String,
    /// The file as it was when it came into the queue.
    mark: String,
    /// Its arrival.
    pub ingest: String,
}

impl Queued {
    fn of(file: &LandingFile, ingest: &str) -> Self {
        Self { path: file.path.to_string(), mark: file.mark.clone(), ingest: ingest.to_owned() }
    }

    pub(super) fn is(&self, file: &LandingFile) -> bool {
        self.path == file.path.as_ref() && self.mark == file.mark
    }
}

/// What became of a queue that was looked at.
#[derive(Debug, Default)]
pub(super) struct Moved {
    /// Files that were taken up, in order.
    pub reports: Vec<IngestReport>,
    /// Files that wait still.
    pub waiting: Vec<Queued>,
}

impl Lake {
    /// Takes one file through if nothing before it waits; else it waits too. The caller holds the dataset's turn.
    pub(super) async fn in_turn(
        &self,
        file: &LandingFile,
        sender: &Sender<'_>,
        id: String,
        known: Option<Arc<Arrival>>,
    ) -> Result<Arrival> {
        let waiting = self.queue(&file.dataset).await?;
        if waiting.is_empty() || self.goes_ahead(file, &id, &waiting).await? {
            return self.take_up(file, sender, id, known).await;
        }
        self.replace_queued(file, &id, &waiting).await?;
        let waiting = self.go_on(&file.dataset, sender).await?.waiting;
        let known = self.rooms().arrivals.get(&id).await?;
        if let Some(ended) = known.as_ref().filter(|k| k.report.state.is_final()) {
            return Ok(ended.as_ref().clone());
        }
        match (waiting.first(), known) {
            (None, known) => self.take_up(file, sender, id, known).await,
            (Some(first), known) if first.ingest != id => self.wait_behind(file, sender, id, known).await,
            (Some(_), Some(known)) => Ok(known.as_ref().clone()),
            (Some(_), None) => Err(LakeError::internal(format!("{id} waits and has no report"))),
        }
    }

    /// Takes files from the front of the queue through, until one stands. The caller holds the dataset's turn.
    pub(super) async fn go_on(&self, dataset: &DatasetName, sender: &Sender<'_>) -> Result<Moved> {
        let mut reports = Vec::new();
        loop {
            let waiting = self.queue(dataset).await?;
            let Some(first) = waiting.first() else { return Ok(Moved { reports, waiting }) };
            let Some(arrival) = self.step(dataset, first, sender).await? else { return Ok(Moved { reports, waiting }) };
            let ended = arrival.report.state.is_final();
            reports.push(arrival.report);
            if !ended {
                return Ok(Moved { reports, waiting: self.queue(dataset).await? });
            }
        }
    }

    /// Takes the first file of a queue as far as it goes; `None` when it has to wait on.
    pub(super) async fn step(
        &self,
        dataset: &DatasetName,
        first: &Queued,
        sender: &Sender<'_>,
    ) -> Result<Option<Arrival>> {
        let arrivals = &self.rooms().arrivals;
        let entry = self.audited_by(sender.name(), "landing", AuditAction::Arrival)?;
        let known = arrivals.get(&first.ingest).await?;
        let path = Path::parse(&first.path).map_err(|e| LakeError::internal(format!("queue of {dataset}: {e}")))?;
        let arrival = match known {
            Some(known) if known.report.state.is_final() => known.as_ref().clone(),
            known => match self.step_with(first, &path, known, sender).await {
                Ok(Some(arrival)) => arrival,
                Ok(None) => {
                    entry.forget();
                    return Ok(None);
                }
                Err(e) => {
                    entry.on(dataset).fail(&e);
                    return Err(e);
                }
            },
        };
        if arrival.report.state.is_final() {
            arrivals.end(&path, &first.mark).await?;
            self.leave(dataset, &first.ingest).await?;
        }
        entry.arrived(&arrival.report);
        let IngestReport { id, file, state, rows, message, .. } = &arrival.report;
        tracing::info!(%dataset, %file, ?state, landed = rows.landed, %id, %message, "an arrival that waited");
        Ok(Some(arrival))
    }

    async fn step_with(
        &self,
        first: &Queued,
        path: &Path,
        known: Option<Arc<Arrival>>,
        sender: &Sender<'_>,
    ) -> Result<Option<Arrival>> {
        // An owner decides about it, if not yet then later.
        let differs =
            known.as_ref().filter(|k| k.report.state == IngestState::Waiting && k.report.difference.is_some());
        let decided = match differs {
            Some(known) => self.decided(path).await?.filter(|d| d.is_about(&known.report.id)),
            None => None,
        };
        if let (Some(known), Some(refusal)) = (differs, decided.as_ref().and_then(|d| d.refusal())) {
            let mut arrival = known.as_ref().clone();
            arrival.report.decided_by = decided.map(|d| d.by);
            return Ok(Some(self.refused(arrival, refusal).await?));
        }
        let file = match self.rooms().store.objects().head(path).await {
            Ok(object) => LandingFile::of(object),
            Err(object_store::Error::NotFound { .. }) => None,
            Err(e) => return Err(e.into()),
        };
        let Some(file) = file else {
            let Some(known) = known else { return Ok(Some(self.vanished(first, path, sender).await?)) };
            let message = "The file was removed while it waited; nothing of it landed.";
            let refusal = Refusal::new(RefusedBecause::Withdrawn, message);
            return Ok(Some(self.refused(known.as_ref().clone(), refusal).await?));
        };
        // Another file under its name is taken once it is whole, and stands in this place then.
        if file.mark != first.mark {
            self.rooms().arrivals.forget(path);
            return Ok(None);
        }
        if let Some(known) = differs.filter(|_| decided.is_none())
            && !self.has_other_terms(known).await?
        {
            return Ok(None);
        }
        Ok(Some(self.take_up(&file, sender, first.ingest.clone(), known).await?))
    }

    /// Ends an arrival that has no report yet and whose file is gone.
    async fn vanished(&self, first: &Queued, path: &Path, sender: &Sender<'_>) -> Result<Arrival> {
        let file = LandingFile::of(object_store::ObjectMeta {
            location: path.clone(),
            last_modified: chrono::Utc::now(),
            size: 0,
            e_tag: None,
            version: None,
        });
        let file = file.ok_or_else(|| LakeError::internal(format!("{path} cannot wait in a queue")))?;
        let refusal = Refusal::new(RefusedBecause::Withdrawn, "The file was removed before it could be read.");
        self.refused(new_arrival(&file, first.ingest.clone(), sender), refusal).await
    }

    async fn take_up(
        &self,
        file: &LandingFile,
        sender: &Sender<'_>,
        id: String,
        known: Option<Arc<Arrival>>,
    ) -> Result<Arrival> {
        let arrival = self.work(file, sender, id, known).await?;
        self.rooms().arrivals.counts().add(arrival.report.state);
        Ok(arrival)
    }

    async fn refused(&self, arrival: Arrival, refusal: Refusal) -> Result<Arrival> {
        let arrival = self.refuse(arrival, refusal).await?;
        self.rooms().arrivals.counts().add(arrival.report.state);
        Ok(arrival)
    }

    /// Corrections belong to rows that have landed, and a refused file that an owner lands after all came before
    /// whatever waits: neither is a later file.
    async fn goes_ahead(&self, file: &LandingFile, id: &str, waiting: &[Queued]) -> Result<bool> {
        if waiting.iter().any(|queued| queued.path == file.path.as_ref()) {
            return Ok(false);
        }
        Ok(self.decision(file, id).await?.is_some() || self.corrected_by(&file.path).await?.is_some())
    }

    /// Puts a file in the place of an older one of the same name: whoever drops a mended file means it instead.
    async fn replace_queued(&self, file: &LandingFile, id: &str, waiting: &[Queued]) -> Result<()> {
        let Some(old) = waiting.iter().find(|q| q.path == file.path.as_ref() && q.ingest != id) else { return Ok(()) };
        if let Some(known) = self.rooms().arrivals.get(&old.ingest).await?
            && !known.report.state.is_final()
        {
            let message = "A newer file of the same name took its place while it waited; nothing of it landed.";
            self.refused(known.as_ref().clone(), Refusal::new(RefusedBecause::Withdrawn, message)).await?;
        }
        self.change_queue(&file.dataset, |files| {
            if let Some(place) = files.iter_mut().find(|queued| queued.ingest == old.ingest) {
                *place = Queued::of(file, id);
            }
        })
        .await
    }

    async fn wait_behind(
        &self,
        file: &LandingFile,
        sender: &Sender<'_>,
        id: String,
        known: Option<Arc<Arrival>>,
    ) -> Result<Arrival> {
        let mut arrival = known.map_or_else(|| new_arrival(file, id.clone(), sender), |known| known.as_ref().clone());
        if arrival.report.difference.is_none() {
            arrival.report.message = format!(
                "An earlier file waits for a decision of {}. This one goes on by itself after it.",
                self.whom(&file.dataset).await?
            );
        }
        arrival.report.state = IngestState::Waiting;
        // The report first: what stands in the queue can be found by its sender.
        arrival = self.rooms().arrivals.write(&arrival).await?;
        if arrival.report.state.is_final() || self.join(file, &id, true).await? {
            return Ok(arrival);
        }
        // What was ahead went on meanwhile.
        self.take_up(file, sender, id, Some(Arc::new(arrival))).await
    }

    /// Puts a file at the end of the queue, unless it is there. `behind` only if some other file waits; whether the
    /// file stands in the queue then.
    pub(super) async fn join(&self, file: &LandingFile, id: &str, behind: bool) -> Result<bool> {
        self.change_queue(&file.dataset, |files| {
            if files.iter().any(|queued| queued.ingest == id) {
                return true;
            }
            if behind && files.is_empty() {
                return false;
            }
            files.push(Queued::of(file, id));
            true
        })
        .await
    }

    async fn leave(&self, dataset: &DatasetName, id: &str) -> Result<()> {
        self.change_queue(dataset, |files| files.retain(|queued| queued.ingest != id)).await
    }

    /// Files of the dataset that wait, in order.
    pub(super) async fn queue(&self, dataset: &DatasetName) -> Result<Vec<Queued>> {
        let known = self.documents().get::<Vec<Queued>>(QUEUE, &dataset.to_string()).await?;
        Ok(known.map(|k| k.value).unwrap_or_default())
    }

    /// What waits in the datasets that `who` owns; in all for stewards.
    ///
    /// # Errors
    /// [`LakeError::Store`] when the lake cannot be read.
    pub async fn waiting(&self, who: &Principal) -> Result<Vec<Waiting>> {
        let mut found = Vec::new();
        for id in self.documents().ids(QUEUE).await? {
            let Ok(dataset) = id.parse::<DatasetName>() else { continue };
            if !self.owns(who, &dataset).await? {
                continue;
            }
            let files = self.queue(&dataset).await?.len() as u64;
            if files > 0 {
                found.push(Waiting { dataset, files });
            }
        }
        Ok(found)
    }

    /// Changes the queue as it is at that moment, whoever else changes it too.
    async fn change_queue<T>(&self, dataset: &DatasetName, change: impl Fn(&mut Vec<Queued>) -> T) -> Result<T> {
        let (documents, id) = (self.documents(), dataset.to_string());
        loop {
            let known = documents.get::<Vec<Queued>>(QUEUE, &id).await?;
            let before = known.as_ref().map(|k| k.value.clone()).unwrap_or_default();
            let mut files = before.clone();
            let answer = change(&mut files);
            if files == before {
                return Ok(answer);
            }
            let written = match known {
                Some(known) => documents.update(QUEUE, &id, known.version, &files).await,
                None => documents.create(QUEUE, &id, &files).await,
            };
            match written {
                Ok(()) => return Ok(answer),
                Err(LakeError::Conflict { .. }) => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// The file that the arrival waits for, when the principal may see it.
    pub(super) async fn ahead_of(&self, who: &Principal, report: &IngestReport) -> Result<Option<Ahead>> {
        let queue = self.queue(&report.dataset).await?;
        let Some(first) = queue.first().filter(|first| first.ingest != report.id) else { return Ok(None) };
        match self.visible_arrival(who, &first.ingest).await {
            Ok(first) => Ok(Some(Ahead { ingest: first.report.id.clone(), file: first.report.file.clone() })),
            Err(LakeError::NotFound { .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }
}
