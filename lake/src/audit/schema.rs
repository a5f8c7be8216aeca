//! Events as rows of the table, and rows as events.

use std::sync::{Arc, LazyLock};

use arrow::{
    array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
    datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit},
};
use chrono::{DateTime, Utc};
use model::{AuditEvent, Cell};

use crate::{LakeError, Result};

/// The table's columns, in order. New ones may be added at the end; old ones stay as they are.
pub(super) const COLUMNS: [&str; 21] = [
    "at",
    "event",
    "action",
    "outcome",
    "message",
    REASON,
    "who",
    "name",
    "email",
    "via",
    "datasets",
    "columns",
    "text",
    "policy",
    "rows",
    "bytes",
    "cached",
    "milliseconds",
    "request",
    "address",
    "purpose",
];

/// The column that says whose a row is.
pub(crate) const WHO: &str = "who";
/// The column that tells what is hidden from what is absent.
pub(crate) const REASON: &str = "reason";

pub(super) static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let of = |name: &&str| match *name {
        "at" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        "rows" | "bytes" | "milliseconds" => DataType::Int64,
        "cached" => DataType::Boolean,
        _ => DataType::Utf8,
    };
    Arc::new(Schema::new(COLUMNS.iter().map(|name| Field::new(*name, of(name), true)).collect::<Vec<_>>()))
});

/// # Errors
/// [`LakeError::Internal`] when the columns are not those of the schema.
pub(super) fn batch(events: &[&AuditEvent]) -> Result<RecordBatch> {
    let text = |of: &dyn Fn(&AuditEvent) -> Option<&str>| -> ArrayRef {
        Arc::new(events.iter().map(|e| of(e)).collect::<StringArray>())
    };
    let number = |of: &dyn Fn(&AuditEvent) -> Option<u64>| -> ArrayRef {
        let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        Arc::new(events.iter().map(|e| of(e).map(whole)).collect::<Int64Array>())
    };
    let at = TimestampMicrosecondArray::from_iter_values(events.iter().map(|e| e.at.timestamp_micros()));
    let columns: [ArrayRef; COLUMNS.len()] = [
        Arc::new(at.with_timezone("UTC")),
        text(&|e| Some(&e.event)),
        text(&|e| Some(e.action.word())),
        text(&|e| Some(e.outcome.word())),
        text(&|e| e.message.as_deref()),
        text(&|e| e.reason.as_deref()),
        text(&|e| e.who.as_deref()),
        text(&|e| Some(&e.name)),
        text(&|e| e.email.as_deref()),
        text(&|e| Some(&e.via)),
        text(&|e| e.datasets.as_deref()),
        text(&|e| e.columns.as_deref()),
        text(&|e| e.text.as_deref()),
        text(&|e| e.policy.as_deref()),
        number(&|e| e.rows),
        number(&|e| e.bytes),
        Arc::new(events.iter().map(|e| e.cached).collect::<BooleanArray>()),
        number(&|e| e.milliseconds),
        text(&|e| e.request.as_deref()),
        text(&|e| e.address.as_deref()),
        text(&|e| e.purpose.as_deref()),
    ];
    RecordBatch::try_new(Arc::clone(&SCHEMA), columns.into())
        .map_err(|e| LakeError::internal(format!("events make no rows: {e}")))
}

/// A row with all columns, in order.
///
/// # Errors
/// [`LakeError::Internal`] for a row that another program wrote otherwise.
pub(super) fn event(row: &[Cell]) -> Result<AuditEvent> {
    let wrong = |column: &str| LakeError::internal(format!("system.audit has a row whose `{column}` is none"));
    let cell = |column: &str| COLUMNS.iter().position(|c| *c == column).and_then(|at| row.get(at));
    let text = |column: &str| cell(column).and_then(Cell::as_str).map(str::to_owned);
    let must = |column: &str| text(column).ok_or_else(|| wrong(column));
    let number = |column: &str| cell(column).and_then(Cell::as_u64);
    Ok(AuditEvent {
        at: must("at")?.parse::<DateTime<Utc>>().map_err(|_| wrong("at"))?,
        event: must("event")?,
        action: must("action")?.parse().map_err(|_| wrong("action"))?,
        outcome: must("outcome")?.parse().map_err(|_| wrong("outcome"))?,
        message: text("message"),
        reason: text(REASON),
        who: text(WHO),
        name: text("name").unwrap_or_default(),
        email: text("email"),
        via: text("via").unwrap_or_default(),
        datasets: text("datasets"),
        columns: text("columns"),
        text: text("text"),
        policy: text("policy"),
        rows: number("rows"),
        bytes: number("bytes"),
        cached: cell("cached").and_then(Cell::as_bool),
        milliseconds: number("milliseconds"),
        request: text("request"),
        address: text("address"),
        purpose: text("purpose"),
    })
}
