//! What a dataset remembers of a file's content, and what becomes of a file that it knows.

use model::{IngestReport, IngestState, RefusedBecause, RowCounts};

use super::{How, LandingFile};
use crate::{
    Lake, LakeError, Result,
    ingest::{arrival::Arrival, read::Refusal},
    table::{self, HistoryEntry, Landed, WriteMode},
};

/// What a dataset knows of a file's content.
pub(super) enum Remembered {
    /// It lands, after the version that took it out when there was one.
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
        how: &How,
        decided: bool,
    ) -> Result<Remembered> {
        let (tables, arrivals, dataset) = (&self.rooms().tables, &self.rooms().arrivals, &file.dataset);
        let newest = async || Ok::<_, LakeError>(tables.landed(dataset, content).await?.unwrap_or_default());
        // Corrected rows stand beside others whatever the mode.
        let mode = if how.corrects { WriteMode::Append } else { how.mode };
        Ok(match tables.landed_as(dataset, content, mode).await? {
            // They belong to rows that are gone.
            Some(Landed::Replaced { .. }) if how.corrects => Remembered::Landed(newest().await?),
            Some(Landed::Replaced { .. }) if arrivals.lay_there(&file.path, content).await? => Remembered::LayThere,
            None => Remembered::New(None),
            Some(Landed::Replaced { by }) => Remembered::New(by),
            Some(Landed::TakenBack { by, .. }) if decided => Remembered::New(Some(by)),
            Some(Landed::TakenBack { version, by }) => Remembered::TakenBack(taken_back(version, by)),
            Some(Landed::Stands) => Remembered::Landed(newest().await?),
        })
    }

    /// The content is in the table at `newest`: by an earlier arrival, or by this very one, which was killed before its
    /// end was written or is being taken by another process too.
    pub(super) async fn landed_before(&self, mut arrival: Arrival, content: &str, newest: u64) -> Result<Arrival> {
        let history = self.history_to(&arrival.report, newest).await?;
        if let Some(own) = history.iter().find(|h| h.ingest.as_ref() == Some(&arrival.report.id)) {
            // What the reading found was written before the commit.
            if let Some(known) = self.rooms().arrivals.get(&arrival.report.id).await? {
                arrival = known.as_ref().clone();
            }
            return self.landed(arrival, own.version).await;
        }
        let report = &mut arrival.report;
        let taken = table::taken_back(&history);
        let there = history.iter().find(|h| h.content.as_deref() == Some(content) && !taken.contains_key(&h.version));
        report.warnings.clear();
        report.version = Some(there.map_or(newest, |there| there.version));
        report.message = match there {
            Some(there) => {
                // Names of files are for owners; warnings are, too.
                report.warnings.extend(there.file.iter().map(|file| format!("It landed from `{file}`.")));
                format!("The same content has landed before, as version {}; nothing was added.", there.version)
            }
            None => "The same content has landed before; nothing was added.".into(),
        };
        report.rows = RowCounts::default();
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

    /// The history of the arrival's dataset, with that version at least.
    async fn history_to(&self, report: &IngestReport, at_least: u64) -> Result<Vec<HistoryEntry>> {
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
        Ok(history)
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
