//! What a dataset remembers of a file's content, and what becomes of a file that it knows.

use model::{IngestReport, IngestState, RefusedBecause, RowCounts};

use super::LandingFile;
use crate::{
    Lake, Result,
    ingest::{arrival::Arrival, read::Refusal},
    table::{Landed, WriteMode},
};

/// What a dataset knows of a file's content.
pub(super) enum Remembered {
    /// It lands, after the roll back that took it out when there was one.
    New(Option<u64>),
    /// It is there, at this newest version.
    Landed(u64),
    TakenBack(Refusal),
    /// Newer files took the place of its rows, and it was not sent again: it is the file that it was.
    LayThere,
}

impl Lake {
    /// What the dataset knows of content with this hash that comes to land in this mode.
    pub(super) async fn remembered(
        &self,
        file: &LandingFile,
        content: &str,
        mode: WriteMode,
        decided: bool,
    ) -> Result<Remembered> {
        let (tables, arrivals, dataset) = (&self.rooms().tables, &self.rooms().arrivals, &file.dataset);
        Ok(match tables.landed_as(dataset, content, mode).await? {
            Some(Landed::Replaced) if arrivals.lay_there(&file.path, content).await? => Remembered::LayThere,
            None | Some(Landed::Replaced) => Remembered::New(None),
            Some(Landed::TakenBack { by, .. }) if decided => Remembered::New(Some(by)),
            Some(Landed::TakenBack { version, by }) => Remembered::TakenBack(taken_back(version, by)),
            Some(Landed::Stands) => Remembered::Landed(tables.landed(dataset, content).await?.unwrap_or_default()),
        })
    }

    /// The content is in the table at `version`: by an earlier arrival, or by this very one, which was killed before its
    /// end was written or is being taken by another process too.
    pub(super) async fn landed_before(&self, mut arrival: Arrival, version: u64) -> Result<Arrival> {
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

    pub(super) async fn lay_there(&self, mut arrival: Arrival) -> Result<Arrival> {
        arrival.report.message =
            "The same file has landed before from this place, and newer ones took the place of its \
                                  rows; nothing was changed. To make its rows the newest again, send it from the page."
                .into();
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
}

/// The same content once more, after a roll back: rows that someone took back must not come again by chance.
fn taken_back(landed: u64, by: u64) -> Refusal {
    let message = format!(
        "The same content landed as version {landed} and was taken back by the roll back in version {by}; nothing was \
         added. Send a corrected file, let this one land by an owner's decision, or roll back to version {landed}."
    );
    Refusal::new(RefusedBecause::TakenBack, message)
}
