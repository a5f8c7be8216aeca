//! The task that makes rows of events, a commit for as many as wait.

use std::{sync::Arc, time::Duration};

use model::{AuditEvent, DatasetName};

use super::{Buffer, buffer::Ended, schema};
use crate::table::Tables;

/// Events of one commit.
const MOST: usize = 5_000;
/// Between a commit that failed and the next try: at first, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// Writes events out for as long as the process runs. A commit that fails is tried again with the same rows until it is
/// there; meanwhile the others hold their places.
pub(crate) async fn write(buffer: Arc<Buffer>, tables: Arc<Tables>) {
    let table = DatasetName::audit();
    let writer = uuid::Uuid::now_v7().to_string();
    for number in 1.. {
        let ended: Vec<Ended> = buffer.next(MOST).await;
        let events: Vec<&AuditEvent> = ended.iter().map(|e| &e.event).collect();
        let mut pause = PAUSE.0;
        loop {
            let written = match schema::batch(&events) {
                Ok(rows) => tables.append(&table, &rows, &writer, number).await,
                Err(e) => Err(e),
            };
            match written {
                Ok(()) => break,
                Err(e) => {
                    tracing::error!(events = events.len(), error = ?e, "the audit could not be written; it is tried again")
                }
            }
            tokio::time::sleep(pause).await;
            pause = PAUSE.1.min(pause * 2);
        }
    }
}
