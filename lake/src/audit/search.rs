//! Searching the audit: a governed query like any other, so that each sees what the table's grants give.

use chrono::SecondsFormat;
use model::{AuditAction, AuditFilter, AuditPage, Cell, DatasetName, Principal, QueryRequest};

use super::schema::{COLUMNS, REASON, event};
use crate::{Lake, LakeError, Result, query::MAX_WAIT};

/// Events on one page.
const PAGE: usize = 50;
/// Bytes of one filter.
const FILTER_BYTES: usize = 1_000;

impl Lake {
    /// Events that the principal may see (a steward all, anyone else their own), the latest first. Is audited itself, as
    /// one event.
    ///
    /// # Errors
    /// [`LakeError::Invalid`] for a filter that is too long; as [`Lake::query`].
    pub async fn audit(&self, who: &Principal, filter: &AuditFilter) -> Result<AuditPage> {
        let steward = self.is_steward(who).await?;
        let newest = self.rooms().tables.snapshot(&DatasetName::audit()).await?;
        // A column that is younger than the table's newest version is in no row yet.
        let lacks = |name: &str| newest.as_ref().is_some_and(|s| s.schema.field_with_name(name).is_err());
        let (sql, params, words) = text(filter, &who.key(), |name| lacks(name) || (!steward && name == REASON))?;
        let entry = self.audited(who, AuditAction::Audit)?.on(&DatasetName::audit()).text(words);
        let found = self.search(who, sql, params).await;
        self.conclude(who, entry, &found, |event, page| event.rows = Some(page.events.len() as u64));
        found
    }

    async fn search(&self, who: &Principal, sql: String, params: serde_json::Map<String, Cell>) -> Result<AuditPage> {
        // Nothing was ever written.
        if self.rooms().tables.snapshot(&DatasetName::audit()).await?.is_none() {
            return Ok(AuditPage::default());
        }
        let request = QueryRequest { params, ..QueryRequest::new(sql) };
        let status = self.answer(who, request, MAX_WAIT).await?;
        let page = self.page_of(who, &status.id, 0, PAGE as u64 + 1).await?;
        let mut events = page.rows.iter().map(|row| event(row)).collect::<Result<Vec<_>>>()?;
        let more = events.len() > PAGE;
        events.truncate(PAGE);
        let before = events.last().filter(|_| more).map(|last| last.event.clone());
        Ok(AuditPage { events, before })
    }
}

/// The query, its values, and what is wanted in words.
fn text(
    filter: &AuditFilter,
    own: &str,
    hidden: impl Fn(&str) -> bool,
) -> Result<(String, serde_json::Map<String, Cell>, String)> {
    let mut wanted = Vec::new();
    let mut params = serde_json::Map::new();
    let mut words = Vec::new();
    let mut add = |name: &str, value: Option<&str>, condition: &str| {
        let Some(value) = value else { return Ok(()) };
        if value.len() > FILTER_BYTES {
            return Err(LakeError::invalid(format!("`{name}` is longer than {FILTER_BYTES} bytes")));
        }
        wanted.push(condition.to_owned());
        params.insert(name.to_owned(), value.into());
        // Not the way in which one's own are asked for.
        if value != own {
            words.push(format!("{name}={value}"));
        }
        Ok(())
    };
    let mut told = vec!["strpos(lower(text), $text)", "strpos(lower(message), $text)"];
    if !hidden(REASON) {
        told.push("strpos(lower(reason), $text)");
    }
    let lower = |value: &Option<String>| value.as_ref().map(|v| v.to_lowercase());
    add("action", filter.action.map(AuditAction::word), "action = $action")?;
    add("outcome", filter.outcome.map(|o| o.word()), "outcome = $outcome")?;
    add("who", filter.who.as_deref(), "who = $who")?;
    add("before", filter.before.as_deref(), "event < $before")?;
    add("dataset", lower(&filter.dataset).as_deref(), "strpos(lower(datasets), $dataset) > 0")?;
    add(
        "person",
        lower(&filter.person).as_deref(),
        "(strpos(lower(name), $person) > 0 or strpos(lower(email), $person) > 0 or strpos(lower(who), $person) > 0 \
         or strpos(lower(split_part(via, ' as ', 2)), $person) > 0)",
    )?;
    add("text", lower(&filter.text).as_deref(), &format!("({} > 0)", told.join(" > 0 or ")))?;
    for (name, at, sign) in [("from", filter.from, ">="), ("until", filter.until, "<")] {
        if let Some(at) = at {
            // Written by us, so it cannot say anything else; as a literal it can skip files.
            let at = at.to_rfc3339_opts(SecondsFormat::Micros, true);
            words.push(format!("{name}={at}"));
            wanted.push(format!("\"at\" {sign} '{at}'"));
        }
    }
    let column = |name: &str| match name {
        name if hidden(name) => format!("cast(null as varchar) as \"{name}\""),
        name => format!("\"{name}\""),
    };
    let columns = COLUMNS.map(column).join(", ");
    let wanted = if wanted.is_empty() { String::new() } else { format!(" where {}", wanted.join(" and ")) };
    let sql = format!("select {columns} from system.audit{wanted} order by event desc limit {}", PAGE + 1);
    Ok((sql, params, words.join(" ")))
}
