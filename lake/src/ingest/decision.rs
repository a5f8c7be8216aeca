//! An owner's decision on one file that was refused: it lands all the same, as far as its rows fit.

use std::sync::Arc;

use model::{IngestReport, Principal, RefusedBecause};
use object_store::{ObjectStoreExt, path::Path};
use serde::{Deserialize, Serialize};

use super::{
    arrival::key,
    landing::{LandingFile, Sender, sha256},
};
use crate::{Lake, LakeError, Result, contract::Contract};

const DECISIONS: &str = "decisions";

/// What was decided of a landing file, as it was then.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Decision {
    mark: String,
    /// Name of the person.
    pub by: String,
    /// What the file was refused for.
    #[serde(default)]
    because: Option<RefusedBecause>,
}

impl Decision {
    /// The contract as it holds for the file: any share of its rows may wait, and its new columns are added. A file
    /// that was taken back was within its contract, and lands again within it.
    pub fn on(&self, contract: Option<Arc<Contract>>) -> Option<Arc<Contract>> {
        if self.because == Some(RefusedBecause::TakenBack) {
            return contract;
        }
        let contract = contract.as_deref();
        Some(Arc::new(Contract {
            max_rejected: 1.0,
            growth: true,
            ..contract.cloned().unwrap_or_else(Contract::absent)
        }))
    }
}

impl Lake {
    /// Lands a file that was refused for the number of its rejected rows or for new columns: rows that fit land, the
    /// others wait in quarantine, new columns are added. Or one that landed and was taken back by a roll back: it lands
    /// once more. Holds for this file alone. Needs what [`Lake::quarantine`]
    /// needs.
    ///
    /// # Errors
    /// As [`Lake::quarantine`]; [`LakeError::Invalid`] when the file was not refused for these reasons, or is gone.
    pub async fn land_anyway(&self, who: &Principal, id: &str) -> Result<IngestReport> {
        self.quarantine(who, id).await?;
        let report = self.ingest(who, id).await?;
        if !may_land_anyway(&report) {
            let message = format!(
                "`{}` was not refused for its rows, columns or a roll back; there is nothing to decide",
                report.file
            );
            return Err(LakeError::invalid(message));
        }
        let gone = || LakeError::invalid(format!("`{}` is no longer in the landing area; send it again", report.file));
        let object =
            self.rooms().store.objects().head(&Path::from(report.path.as_str())).await.map_err(|e| match e {
                object_store::Error::NotFound { .. } => gone(),
                e => e.into(),
            })?;
        let file = LandingFile::of(object).ok_or_else(gone)?;
        // The decision is on what was seen.
        let bytes = self.rooms().store.read(&file.path).await?.ok_or_else(gone)?;
        if sha256(&bytes) != report.sha256 {
            let message = format!("`{}` has changed since; look at its new arrival", report.file);
            return Err(LakeError::invalid(message));
        }
        let history = self.rooms().tables.history(&file.dataset, 1).await?;
        if history.first().is_some_and(|newest| newest.committed_at > report.started_at) {
            self.check_appends(&file.dataset).await?;
        }
        let turn = self.rooms().arrivals.turn(&file.dataset);
        let _turn = turn.lock().await;
        let decision = Decision { mark: file.mark.clone(), by: who.name.clone(), because: report.refused_because };
        self.keep_decision(&file, &decision).await?;
        let taken = self.take(&file, &Sender::Person(who), true).await?;
        taken.ok_or_else(|| LakeError::internal(format!("{} was taken and has no report", report.path)))
    }

    async fn keep_decision(&self, file: &LandingFile, decision: &Decision) -> Result<()> {
        let (documents, id) = (self.documents(), key(&file.path));
        loop {
            let written = match documents.get::<Decision>(DECISIONS, &id).await? {
                Some(known) => documents.update(DECISIONS, &id, known.version, decision).await,
                None => documents.create(DECISIONS, &id, decision).await,
            };
            match written {
                Err(LakeError::Conflict { .. }) => {}
                done => return done,
            }
        }
    }

    /// What was decided of the file as it is now.
    pub(super) async fn decision(&self, file: &LandingFile) -> Result<Option<Decision>> {
        let known = self.documents().get::<Decision>(DECISIONS, &key(&file.path)).await?;
        Ok(known.map(|k| k.value).filter(|d| d.mark == file.mark))
    }
}

fn may_land_anyway(report: &IngestReport) -> bool {
    use RefusedBecause::{SchemaConflict, TakenBack, TooManyRejects};
    matches!(report.refused_because, Some(TooManyRejects | SchemaConflict | TakenBack))
}
