//! The audit: what was done becomes a row of `system.audit`, an ordinary table that is governed like any other.
//!
//! Whatever is audited takes a place in a bounded buffer before it begins ([`Entry`]); without one it is not done. The
//! buffer is written out behind the requests, many events at once. Decides nothing about who may do what.

use std::{sync::Arc, time::Duration};

use model::{AuditAction, AuditEvent, AuditOutcome, DatasetName, Principal};

use crate::{Lake, LakeError, Result};

mod buffer;
mod entry;
mod reason;
mod schema;
mod search;
mod secret;
mod writer;

pub(crate) use buffer::Buffer;
pub use entry::Entry;
pub(crate) use entry::{Trace, event};
pub(crate) use schema::{REASON, WHO};
pub(crate) use writer::write;

/// Events that may wait to be written, those included that have not ended. More are refused, with what they are about.
pub const PLACES: usize = 10_000;

impl Lake {
    /// Takes a place in the audit for what `who` is about to do. Nothing that is audited may be shown or done without.
    ///
    /// # Errors
    /// [`LakeError::Unaudited`] when too much waits to be written.
    pub fn audited(&self, who: &Principal, action: AuditAction) -> Result<Entry> {
        let mut event = event(action);
        event.via.clone_from(&who.origin.via);
        match &who.origin.viewing {
            None => {
                event.who = Some(who.key());
                event.name.clone_from(&who.name);
                event.email.clone_from(&who.email);
            }
            // Whoever is viewed did nothing, and finds nothing of it among their own rows.
            Some(steward) => {
                event.who = Some(steward.key.clone());
                event.name.clone_from(&steward.name);
                event.email.clone_from(&steward.email);
                event.via.push_str(&format!(" as {}", who.known_as()));
            }
        }
        event.request.clone_from(&who.origin.request);
        event.address.clone_from(&who.origin.address);
        self.rooms().audit.enter(event)
    }

    /// As [`audited`](Self::audited), for what nobody asked for who is known: the watcher, the command line, a sign-in
    /// that was refused.
    ///
    /// # Errors
    /// As [`audited`](Self::audited).
    pub fn audited_by(&self, name: &str, via: &str, action: AuditAction) -> Result<Entry> {
        let mut event = event(action);
        event.name = name.to_owned();
        event.via = via.to_owned();
        self.rooms().audit.enter(event)
    }

    /// Ends what `who` did as it ended. Why it was denied is found out behind the answer: how long that takes tells
    /// whether something is hidden or absent.
    pub fn conclude<T>(
        &self,
        who: &Principal,
        mut entry: Entry,
        done: &Result<T>,
        fill: impl FnOnce(&mut AuditEvent, &T),
    ) {
        entry.fill(|event| event.policy = Some(self.rooms().policies.known_version()));
        let error = match done {
            Ok(value) => {
                entry.fill(|event| fill(event, value));
                return entry.end(AuditOutcome::Ok, None);
            }
            Err(error) => error,
        };
        entry.fill(|event| event.message = Some(error.to_string()));
        let outcome = match error {
            LakeError::NotFound { .. } | LakeError::Forbidden { .. } => AuditOutcome::Denied,
            _ => AuditOutcome::Failed,
        };
        match reason::Asked::of(error, &entry) {
            None => entry.end(outcome, Some(reason::told(error))),
            Some(asked) => {
                let (lake, who) = (self.clone(), who.clone());
                entry.stop_clock();
                tokio::spawn(async move {
                    let reason = asked.answer(&lake, &who).await;
                    entry.end(outcome, Some(reason));
                });
            }
        }
    }

    /// Audits what is audited only when it is denied.
    pub(crate) fn denials<T>(
        &self,
        who: &Principal,
        action: AuditAction,
        dataset: Option<&DatasetName>,
        text: Option<&str>,
        done: Result<T>,
    ) -> Result<T> {
        if let Err(LakeError::NotFound { .. } | LakeError::Forbidden { .. }) = &done {
            let mut entry = self.audited(who, action)?;
            entry.fill(|event| {
                event.datasets = dataset.map(ToString::to_string);
                event.text = text.map(str::to_owned);
            });
            self.conclude(who, entry, &done, |_, _| {});
        }
        done
    }

    /// Writes out what waits, and waits for what has not ended, within this time. For the end of a process.
    ///
    /// # Errors
    /// [`LakeError::Unaudited`] when events are left over.
    pub async fn flush_audit(&self, within: Duration) -> Result<()> {
        let flushed = tokio::time::timeout(within, self.rooms().audit.flushed()).await;
        flushed.map_err(|_| LakeError::Unaudited)
    }

    /// Events that wait to be written or have not ended.
    #[must_use]
    pub fn unwritten_events(&self) -> usize {
        self.rooms().audit.held()
    }
}

/// The audit's buffer with the task that writes it out.
pub(crate) fn start(places: usize, tables: &Arc<crate::table::Tables>, desk: &tokio::runtime::Handle) -> Arc<Buffer> {
    let buffer = Arc::new(Buffer::new(places));
    desk.spawn(write(Arc::clone(&buffer), Arc::clone(tables)));
    buffer
}
