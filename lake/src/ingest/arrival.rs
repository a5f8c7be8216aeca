//! Reports of arrivals: kept as documents, shown to those who may see them.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    sync::Arc,
};

use dashmap::DashMap;
use model::{Action, DatasetName, IngestFilter, IngestReport, IngestState, Principal, QuarantinedRow};
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, Semaphore};

use super::{count::Counts, hint::Hints, patience::Patience};
use crate::{Lake, LakeError, Result, document::Documents, store::path};

/// Reports that one listing shows at most.
const LISTED: usize = 500;
/// Files that are read at once: reading is work for a processor, and each holds its file in memory.
const READ_AT_ONCE: usize = 2;

const REPORTS: &str = "ingest";
const SEEN: &str = "landing";

/// What the lake knows of arrivals in this process.
#[derive(Debug)]
pub(crate) struct Arrivals {
    documents: Documents,
    /// Reports that no longer change.
    kept: moka::sync::Cache<String, Arc<Arrival>>,
    /// Landing files that are done with, by path, as they were then.
    done: DashMap<Path, String>,
    /// Files of one dataset are taken one after the other.
    turns: DashMap<DatasetName, Arc<Mutex<()>>>,
    pub(super) readers: Arc<Semaphore>,
    /// Files that are only looked at have their own turn: anyone may look, and nobody's file waits for it.
    pub(super) lookers: Arc<Semaphore>,
    pub(super) hints: Hints,
    pub(super) patience: Patience,
    counts: Counts,
}

/// A report as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Arrival {
    #[serde(flatten)]
    pub report: IngestReport,
    /// Key of the principal who sent the file.
    #[serde(default)]
    pub sender: Option<String>,
    /// What the file was last held against: a file that waits is looked at anew when this has changed.
    #[serde(default)]
    pub terms: Option<String>,
}

/// What a landing file was when it was last taken. Written before anything else, so that whoever goes on after a crash
/// goes on with the same arrival.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub path: String,
    /// Changes whenever the file does.
    pub mark: String,
    pub ingest: String,
    pub done: bool,
    /// Someone sent the file just now; else it was found.
    #[serde(default)]
    pub sent: bool,
    /// The arrival of what lay there before.
    #[serde(default)]
    pub before: Option<String>,
}

impl Arrival {
    /// The arrival as it is when its file is taken up once more.
    pub(super) fn taken_up(&self) -> Self {
        let mut arrival = self.clone();
        arrival.report.state = IngestState::Working;
        arrival.report.message.clear();
        arrival
    }
}

impl Arrivals {
    pub fn new(documents: Documents) -> Self {
        Self {
            documents,
            kept: moka::sync::Cache::new(2_000),
            done: DashMap::new(),
            turns: DashMap::new(),
            readers: Arc::new(Semaphore::new(READ_AT_ONCE)),
            lookers: Arc::new(Semaphore::new(2)),
            hints: Hints::default(),
            patience: Patience::default(),
            counts: Counts::default(),
        }
    }

    /// The lock that puts files of one dataset in order.
    pub(crate) fn turn(&self, dataset: &DatasetName) -> Arc<Mutex<()>> {
        self.turns.entry(dataset.clone()).or_default().clone()
    }

    /// Whether this process knows the file, as it is, to be done with. No IO.
    pub(super) fn is_done(&self, path: &Path, mark: &str) -> bool {
        self.done.get(path).is_some_and(|m| *m == mark)
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(super) fn remember(&self, path: &Path, mark: &str) {
        self.done.insert(path.clone(), mark.to_owned());
    }

    /// The arrival under which the file is to be taken: a begun one, or a new one. `None` when it is done, unless `again`
    /// gives the id of one more.
    pub(super) async fn begin(&self, path: &Path, mark: &str, again: Option<&str>) -> Result<Option<String>> {
        let id = key(path);
        loop {
            let known = self.documents.get::<Seen>(SEEN, &id).await?;
            if let Some(seen) = known.as_ref().map(|k| &k.value)
                && seen.mark == mark
                && !(again.is_some() && seen.done)
            {
                return Ok((!seen.done).then(|| seen.ingest.clone()));
            }
            let ingest = again.map_or_else(new_id, str::to_owned);
            let before = known.as_ref().map(|k| &k.value);
            let before =
                before.and_then(|seen| if seen.done { Some(seen.ingest.clone()) } else { seen.before.clone() });
            let seen = Seen {
                path: path.to_string(),
                mark: mark.to_owned(),
                ingest: ingest.clone(),
                done: false,
                sent: again.is_some(),
                before,
            };
            let written = match known {
                Some(k) => self.documents.update(SEEN, &id, k.version, &seen).await,
                None => self.documents.create(SEEN, &id, &seen).await,
            };
            match written {
                Ok(()) => {
                    // What the file was before may come back, and is not done with then.
                    self.forget(path);
                    return Ok(Some(ingest));
                }
                // Someone else began at the same moment: theirs is the arrival.
                Err(LakeError::Conflict { .. }) => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// Whether a file was found where the same content lay before, and nobody sent it: the lake was moved or restored,
    /// and its files are others to the store.
    pub(super) async fn lay_there(&self, path: &Path, sha256: &str) -> Result<bool> {
        let Some(seen) = self.documents.get::<Seen>(SEEN, &key(path)).await? else { return Ok(false) };
        let Some(before) = seen.value.before.filter(|_| !seen.value.sent) else { return Ok(false) };
        Ok(self.get(&before).await?.is_some_and(|arrival| arrival.report.sha256 == sha256))
    }

    /// Lets a file be looked at again, whatever this process knows of it.
    pub(super) fn forget(&self, path: &Path) {
        self.done.remove(path);
    }

    /// The arrival under which the landing file with this key was last taken.
    pub(super) async fn seen(&self, key: &str) -> Result<Option<String>> {
        Ok(self.documents.get::<Seen>(SEEN, key).await?.map(|seen| seen.value.ingest))
    }

    pub(super) async fn end(&self, path: &Path, mark: &str) -> Result<()> {
        let id = key(path);
        if let Some(known) = self.documents.get::<Seen>(SEEN, &id).await?
            && known.value.mark == mark
            && !known.value.done
        {
            let seen = Seen { done: true, ..known.value };
            match self.documents.update(SEEN, &id, known.version, &seen).await {
                Ok(()) | Err(LakeError::Conflict { .. }) => {}
                Err(e) => return Err(e),
            }
        }
        self.remember(path, mark);
        Ok(())
    }

    /// Writes a report over an unfinished one of the same arrival, and returns the one that stands then: a finished
    /// report is never changed.
    pub(super) async fn write(&self, arrival: &Arrival) -> Result<Arrival> {
        let id = &arrival.report.id;
        loop {
            let written = match self.documents.get::<Arrival>(REPORTS, id).await? {
                Some(known) if known.value.report.state.is_final() => return Ok(known.value),
                Some(known) => self.documents.update(REPORTS, id, known.version, arrival).await,
                None => self.documents.create(REPORTS, id, arrival).await,
            };
            match written {
                Ok(()) => return Ok(arrival.clone()),
                Err(LakeError::Conflict { .. }) => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// One report, or `None` when there is none.
    pub(super) async fn get(&self, id: &str) -> Result<Option<Arc<Arrival>>> {
        // Ids come from outside: only what we make ourselves may become a path.
        if uuid::Uuid::parse_str(id).is_err() {
            return Ok(None);
        }
        if let Some(kept) = self.kept.get(id) {
            return Ok(Some(kept));
        }
        let Some(found) = self.documents.get::<Arrival>(REPORTS, id).await? else { return Ok(None) };
        let arrival = Arc::new(found.value);
        if arrival.report.state.is_final() {
            self.kept.insert(id.to_owned(), arrival.clone());
        }
        Ok(Some(arrival))
    }

    /// Ids of all reports, newest first.
    async fn ids(&self) -> Result<Vec<String>> {
        let mut ids = self.documents.ids(REPORTS).await?;
        ids.reverse();
        Ok(ids)
    }
}

impl Lake {
    pub(super) async fn visible_arrivals(&self, who: &Principal, filter: &IngestFilter) -> Result<Vec<IngestReport>> {
        let steward = self.rooms().policies.is_steward(who).await?;
        let mut owned = HashMap::new();
        let (mut reports, mut owners) = (Vec::new(), Vec::new());
        for id in self.rooms().arrivals.ids().await? {
            let Some(arrival) = self.rooms().arrivals.get(&id).await? else { continue };
            let dataset = &arrival.report.dataset;
            let wanted = filter.unit.as_ref().is_none_or(|u| dataset.unit().as_str() == u)
                && filter.dataset.as_ref().is_none_or(|d| dataset.name() == d)
                && filter.state.is_none_or(|state| arrival.report.state == state);
            if wanted && self.is_visible(who, steward, &arrival, &mut owned).await? {
                owners.push(steward || owned.get(dataset).is_some_and(|owns| *owns));
                reports.push(arrival.report.clone());
                if reports.len() == LISTED {
                    break;
                }
            }
        }
        self.tell_since(&mut reports).await?;
        let listed = |(report, owns)| IngestReport { difference: None, ..veiled(report, owns) };
        Ok(reports.into_iter().zip(owners).map(listed).collect())
    }

    /// What became of the arrivals' rows since: those in quarantine that were corrected, and those that were taken back.
    async fn tell_since(&self, reports: &mut [IngestReport]) -> Result<()> {
        if reports.iter().any(|r| r.rows.quarantined > 0) {
            let corrected = self.corrected().await?;
            for report in reports.iter_mut().filter(|r| corrected.binary_search(&r.id).is_ok()) {
                report.corrections = self.corrections(report).await?;
            }
        }
        let mut taken: HashMap<DatasetName, BTreeMap<u64, u64>> = HashMap::new();
        for report in reports.iter_mut().filter(|r| r.state == IngestState::Landed) {
            let Some(version) = report.version else { continue };
            let taken = match taken.entry(report.dataset.clone()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(self.all_taken_back(&report.dataset).await),
            };
            report.taken_back = taken.get(&version).copied();
        }
        Ok(())
    }

    /// Of a log that cannot be read nothing is told: it must not take all arrivals away.
    async fn all_taken_back(&self, dataset: &DatasetName) -> BTreeMap<u64, u64> {
        let taken = self.rooms().tables.taken_back(dataset).await;
        taken.unwrap_or_else(|e| {
            tracing::warn!(%dataset, error = ?e, "its versions cannot be read: nobody is told which were taken back");
            BTreeMap::new()
        })
    }

    /// Whether there is an arrival of this id; for the audit, which is told what nobody else is.
    pub(crate) async fn knows_arrival(&self, id: &str) -> Result<bool> {
        Ok(self.rooms().arrivals.get(id).await?.is_some())
    }

    pub(super) async fn visible_arrival(&self, who: &Principal, id: &str) -> Result<Arc<Arrival>> {
        let steward = self.rooms().policies.is_steward(who).await?;
        if let Some(arrival) = self.rooms().arrivals.get(id).await?
            && self.is_visible(who, steward, &arrival, &mut HashMap::new()).await?
        {
            return Ok(arrival);
        }
        Err(LakeError::NotFound { what: "arrival", name: id.to_owned() })
    }

    /// A report as the principal may see it when it asks for this one, with what became of it since.
    pub(super) async fn shown(&self, who: &Principal, mut report: IngestReport) -> Result<IngestReport> {
        self.tell_since(std::slice::from_mut(&mut report)).await?;
        if report.state == IngestState::Waiting {
            report.ahead = self.ahead_of(who, &report).await?;
        }
        let owns = self.owns(who, &report.dataset).await?;
        Ok(veiled(report, owns))
    }

    /// Whether the principal owns the dataset, or is a steward.
    ///
    /// # Errors
    /// [`LakeError::Store`] when the policy cannot be read.
    pub async fn owns(&self, who: &Principal, dataset: &DatasetName) -> Result<bool> {
        let policies = &self.rooms().policies;
        Ok(policies.is_steward(who).await? || policies.may(who, dataset, Action::Own, chrono::Utc::now()).await?)
    }

    async fn is_visible(
        &self,
        who: &Principal,
        steward: bool,
        arrival: &Arrival,
        owned: &mut HashMap<DatasetName, bool>,
    ) -> Result<bool> {
        if steward {
            return Ok(true);
        }
        let dataset = &arrival.report.dataset;
        let owns = match owned.get(dataset) {
            Some(owns) => *owns,
            None => {
                let owns = self.rooms().policies.may(who, dataset, Action::Own, chrono::Utc::now()).await?;
                owned.insert(dataset.clone(), owns);
                owns
            }
        };
        if owns || arrival.sender.as_ref() != Some(&who.key()) {
            return Ok(owns);
        }
        // One's own upload stays visible as long as one may still send.
        self.rooms().policies.may(who, dataset, Action::Upload, chrono::Utc::now()).await
    }

    pub(super) async fn quarantined_rows(&self, report: &IngestReport) -> Result<Vec<QuarantinedRow>> {
        // What an earlier look at the file rejected may still lie there.
        if report.rows.quarantined == 0 {
            return Ok(Vec::new());
        }
        let place = path::quarantine(&report.dataset, &report.id);
        let Some(bytes) = self.rooms().store.read(&place).await? else { return Ok(Vec::new()) };
        let rows = serde_json::Deserializer::from_slice(&bytes).into_iter();
        Ok(rows.collect::<std::result::Result<_, _>>()?)
    }
}

/// Whoever may only send files does not learn the dataset's other columns and checks from what became of them.
fn veiled(mut report: IngestReport, owns: bool) -> IngestReport {
    if !owns {
        report.difference = None;
        report.taken_back = None;
        report.warnings.clear();
        if report.state == IngestState::Waiting {
            report.columns.clear();
        }
    }
    report
}

/// An id for an arrival; ids are in the order of time.
pub(super) fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// A document id for a path of any length and alphabet.
pub(super) fn key(path: &Path) -> String {
    super::landing::sha256(path.as_ref().as_bytes())
}
