//! Notices new landing files: one cheap listing a look, and a file is taken when two looks saw it the same. Between two
//! looks it follows [hints](super::hint). A dataset whose files could not be taken is left alone for a while.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::{Duration, Instant},
};

use model::DatasetName;
use object_store::path::Path;

use super::landing::{LandingArea, LandingFile, Sender};
use crate::Lake;

/// Between the first two looks, so that what lay there at the start is taken soon.
pub(super) const FIRST: Duration = Duration::from_millis(500);
/// Between two looks.
const EACH: Duration = Duration::from_secs(2);

impl Lake {
    /// Never ends by itself. May be dropped at any point: what was begun is gone on with at the next start.
    pub(super) async fn watch_landing(&self) {
        let mut before: HashMap<Path, String> = HashMap::new();
        let mut told = HashSet::new();
        let mut pause = FIRST;
        loop {
            match self.landing_area().await {
                Ok(LandingArea { files, astray }) => {
                    for file in astray.into_iter().filter(|f| told.insert(f.path.clone())) {
                        tracing::warn!(
                            path = file.path,
                            cure = file.reason,
                            "nobody takes what lies there in the landing area"
                        );
                    }
                    let arrivals = &self.rooms().arrivals;
                    let new: Vec<LandingFile> =
                        files.into_iter().filter(|f| !arrivals.is_done(&f.path, &f.mark)).collect();
                    let now = new.iter().map(|f| (f.path.clone(), f.mark.clone())).collect();
                    let still = |f: &LandingFile| before.get(&f.path) == Some(&f.mark);
                    let whole: Vec<LandingFile> = new.into_iter().filter(still).collect();
                    before = now;
                    if !whole.is_empty() {
                        self.take_watched(whole).await;
                    }
                }
                Err(e) => tracing::warn!(error = ?e, "the landing area could not be listed; trying again"),
            }
            let next = tokio::time::Instant::now() + pause;
            // However many hints come, the next look is not put off.
            while tokio::time::Instant::now() < next
                && tokio::time::timeout_at(next, self.rooms().arrivals.hints.rung()).await.is_ok()
            {
                self.follow_hints().await;
            }
            pause = EACH;
        }
    }

    /// Takes files that nobody waits for: what fails is in the log, and is tried again by a later look.
    pub(super) async fn take_watched(&self, mut files: Vec<LandingFile>) {
        let patience = &self.rooms().arrivals.patience;
        let now = Instant::now();
        files.retain(|file| patience.is_over(&file.dataset, now));
        let tried: BTreeSet<DatasetName> = files.iter().map(|file| file.dataset.clone()).collect();
        let failed = self.take_all(files, &Sender::Watcher).await.1;
        for dataset in tried.iter().filter(|tried| !failed.iter().any(|(dataset, _)| dataset == *tried)) {
            patience.end(dataset);
        }
        for (dataset, e) in failed {
            let wait = patience.grow(&dataset, Instant::now());
            tracing::warn!(%dataset, error = ?e, ?wait, "landing files could not be taken; they are tried again");
        }
    }
}
