//! How many files this process took, by what became of them: watched, uploaded and sent by command alike.

use std::sync::atomic::{AtomicU64, Ordering};

use model::IngestState;

use crate::Lake;

#[derive(Debug, Default)]
pub(super) struct Counts {
    landed: AtomicU64,
    duplicate: AtomicU64,
    refused: AtomicU64,
}

impl Counts {
    /// Counts one arrival that came to its end.
    pub fn add(&self, state: IngestState) {
        if let Some(count) = self.of(state) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn of(&self, state: IngestState) -> Option<&AtomicU64> {
        match state {
            IngestState::Landed => Some(&self.landed),
            IngestState::Duplicate => Some(&self.duplicate),
            IngestState::Refused => Some(&self.refused),
            IngestState::Working | IngestState::Waiting => None,
        }
    }
}

impl Lake {
    /// Arrivals that this process took to their end since it began, by state.
    #[must_use]
    pub fn arrivals_taken(&self) -> [(IngestState, u64); 3] {
        [IngestState::Landed, IngestState::Duplicate, IngestState::Refused].map(|state| {
            let counts = self.rooms().arrivals.counts();
            (state, counts.of(state).map_or(0, |count| count.load(Ordering::Relaxed)))
        })
    }
}
