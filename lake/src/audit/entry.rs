//! One event under way, and what a query was seen to touch.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use chrono::Utc;
use datafusion::{
    common::tree_node::TreeNodeRecursion,
    logical_expr::{Expr, LogicalPlan, TableScan},
};
use model::{AuditAction, AuditEvent, AuditOutcome, DatasetName, IngestReport, IngestState};
use tokio::sync::OwnedSemaphorePermit;

use super::{Buffer, reason::told, secret::without_tokens};
use crate::LakeError;

/// An event that has begun, with its place in the buffer. One that is dropped tells that it was given up.
#[derive(Debug)]
pub struct Entry {
    event: AuditEvent,
    began: Instant,
    place: Option<OwnedSemaphorePermit>,
    buffer: Arc<Buffer>,
}

/// An event that begins now, of which nothing else is known.
pub(crate) fn event(action: AuditAction) -> AuditEvent {
    AuditEvent {
        at: Utc::now(),
        event: uuid::Uuid::now_v7().to_string(),
        action,
        outcome: AuditOutcome::Failed,
        message: None,
        reason: None,
        who: None,
        name: String::new(),
        email: None,
        via: String::new(),
        datasets: None,
        columns: None,
        text: None,
        policy: None,
        rows: None,
        bytes: None,
        cached: None,
        milliseconds: None,
        request: None,
        address: None,
        purpose: None,
    }
}

impl Entry {
    pub(super) fn new(event: AuditEvent, place: OwnedSemaphorePermit, buffer: Arc<Buffer>) -> Self {
        Self { event, began: Instant::now(), place: Some(place), buffer }
    }

    /// The same, about a dataset.
    #[must_use]
    pub fn on(mut self, dataset: &DatasetName) -> Self {
        self.event.datasets = Some(dataset.to_string());
        self
    }

    /// The same, with what was asked or sent.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.event.text = Some(text.into());
        self
    }

    /// Says more.
    pub fn fill(&mut self, with: impl FnOnce(&mut AuditEvent)) {
        with(&mut self.event);
    }

    pub(super) fn event(&self) -> &AuditEvent {
        &self.event
    }

    /// What is done from now on is no part of the event.
    pub fn stop_clock(&mut self) {
        let took = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.event.milliseconds.get_or_insert(took);
    }

    /// Ends it with the error that it ended with, and no more to find out about it.
    pub fn fail(mut self, error: &LakeError) {
        self.event.message = Some(error.to_string());
        self.end(AuditOutcome::Failed, Some(told(error)));
    }

    /// Ends it as the arrival of a file ended: one that is refused has failed.
    pub(crate) fn arrived(mut self, report: &IngestReport) {
        self.tell_arrival(report);
        match report.state {
            IngestState::Refused => {
                self.event.message = Some(report.message.clone());
                self.end(AuditOutcome::Failed, Some(report.message.clone()));
            }
            _ => self.end(AuditOutcome::Ok, None),
        }
    }

    /// Says of which arrival it is, and what of it landed.
    pub(crate) fn tell_arrival(&mut self, report: &IngestReport) {
        self.event.datasets = Some(report.dataset.to_string());
        self.event.rows = Some(report.rows.landed);
        self.event.bytes = Some(report.bytes);
        let text = self.event.text.get_or_insert_with(|| report.file.clone());
        text.push_str(&format!(" (arrival {}, {})", report.id, state(report.state)));
    }

    /// Takes it back: nothing was done.
    pub(crate) fn forget(mut self) {
        self.place = None;
    }

    /// Ends it.
    pub fn end(mut self, outcome: AuditOutcome, reason: Option<String>) {
        self.finish(outcome, reason);
    }

    fn finish(&mut self, outcome: AuditOutcome, reason: Option<String>) {
        let Some(place) = self.place.take() else { return };
        self.stop_clock();
        let mut event = self.event.clone();
        event.outcome = outcome;
        event.reason = reason;
        let AuditEvent { text, message, reason, columns, datasets, purpose, .. } = &mut event;
        let texts = [text, message, reason, columns, datasets, purpose];
        for text in texts.into_iter().flatten() {
            *text = cut(without_tokens(text));
        }
        event.name = cut(std::mem::take(&mut event.name));
        self.buffer.add(event, place);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let given_up = Some("given up before its end".to_owned());
        self.event.message.clone_from(&given_up);
        self.finish(AuditOutcome::Failed, given_up);
    }
}

fn state(state: IngestState) -> &'static str {
    match state {
        IngestState::Working => "working",
        IngestState::Waiting => "waiting",
        IngestState::Landed => "landed",
        IngestState::Duplicate => "landed before",
        IngestState::Refused => "refused",
    }
}

/// At most so much of a text as an event holds.
fn cut(mut text: String) -> String {
    const MARK: &str = " …";
    if text.len() > AuditEvent::TEXT_BYTES {
        text.truncate(text.floor_char_boundary(AuditEvent::TEXT_BYTES - MARK.len()));
        text.push_str(MARK);
    }
    text
}

/// What was touched while a query was planned: told also when the plan comes to nothing. Clones are one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trace(Arc<Mutex<Touched>>);

#[derive(Debug, Default)]
struct Touched {
    datasets: BTreeSet<DatasetName>,
    columns: BTreeSet<String>,
    purposes: BTreeSet<String>,
}

impl Trace {
    /// A dataset that the query may read, or that it asked for in vain.
    pub fn dataset(&self, name: &DatasetName) {
        self.touched().datasets.insert(name.clone());
    }

    /// What access was asked for by which something of a dataset is seen.
    pub fn purposes(&self, purposes: &[String]) {
        self.touched().purposes.extend(purposes.iter().cloned());
    }

    /// The columns that a plan reads.
    pub fn plan(&self, plan: &LogicalPlan) {
        let mut columns = BTreeSet::new();
        let seen = plan.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node {
                columns.extend(read(scan));
            }
            Ok(TreeNodeRecursion::Continue)
        });
        if let Err(e) = seen {
            tracing::warn!(error = %e, "the columns of a query could not be told");
        }
        self.touched().columns.extend(columns);
    }

    pub fn tell(&self, event: &mut AuditEvent) {
        let touched = self.touched();
        let joined = |all: Vec<String>, by: &str| (!all.is_empty()).then(|| all.join(by));
        let list = |all| joined(all, ", ");
        event.datasets = list(touched.datasets.iter().map(ToString::to_string).collect());
        event.columns = list(touched.columns.iter().cloned().collect());
        event.purpose = joined(touched.purposes.iter().cloned().collect(), "; ");
    }

    fn touched(&self) -> std::sync::MutexGuard<'_, Touched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Columns that a scan gives, and those that its filters look at.
fn read(scan: &TableScan) -> BTreeSet<String> {
    let unit = scan.table_name.schema().unwrap_or_default();
    // A version's name holds the dataset's before a sign that no dataset's has.
    let name = scan.table_name.table().split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next();
    let filtered = scan.filters.iter().flat_map(Expr::column_refs).map(|c| c.name.clone());
    let given = scan.projected_schema.fields().iter().map(|f| f.name().clone());
    given.chain(filtered).map(|column| format!("{unit}.{}.{column}", name.unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_letters() {
        assert_eq!(cut("short".into()), "short");
        let long = cut("é".repeat(AuditEvent::TEXT_BYTES));
        assert!(long.len() <= AuditEvent::TEXT_BYTES && long.ends_with("é …"), "{}", long.len());
    }
}
