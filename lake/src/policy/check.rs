//! What is wrong, or worth a look, in a policy: over the datasets that there are, and by its own tests.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use arrow::datatypes::{DataType, Schema};
use chrono::{DateTime, Utc};
use model::{Cell, QueryRequest, QueryState};

use super::{
    Finding, Known,
    document::{self, Document, Written},
    expected::{Expect, Test, meets},
    grantee::Pattern,
    lookup::LookUp,
    source::Place,
};
use crate::{Lake, LakeConfig, LakeError, Result, audit::Trace, nearest::closest, query::MAX_WAIT, store::path};

/// All that a check of a policy found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// In the order of the text.
    pub findings: Vec<Finding>,
    /// The policy's own tests; none is run when the policy cannot be read.
    pub tests: Vec<Tested>,
}

/// How one test of a policy went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// 1-based line of `[[test]]`.
    pub line: u64,
    /// As whom, and what is asked.
    pub what: String,
    /// Expected against got, when they differ.
    pub failed: Option<String>,
}

impl Checked {
    /// Whether the policy can be used and does what its tests say.
    #[must_use]
    pub fn is_well(&self) -> bool {
        !self.findings.iter().any(|f| f.error) && self.tests.iter().all(|t| t.failed.is_none())
    }
}

/// A policy that shows everything to everyone: by it a test tells what is denied from what cannot be asked.
const EVERYTHING: &[u8] = b"[[grant]]\nto = [\"*\"]\non = [\"*\"]\n";
/// Rows of an answer that are shown when they are not the expected ones.
const SHOWN: usize = 5;
/// Rows that a test can expect.
const MOST_ROWS: u64 = 10_000;

impl Lake {
    /// Checks a candidate for a lake's policy, or the policy that it has: against its datasets, and by the policy's own
    /// tests, each a governed query under that policy.
    ///
    /// # Errors
    /// [`LakeError::Store`] when the lake cannot be read. What is wrong with the policy is no error but a finding.
    pub async fn check_policy(config: &LakeConfig, candidate: Option<Vec<u8>>) -> Result<Checked> {
        let everything = Self::trying(config.clone(), EVERYTHING).await?;
        let rooms = everything.rooms();
        let text = match candidate {
            Some(text) => text,
            None => rooms.store.read(&path::policy()).await?.map(|b| b.to_vec()).unwrap_or_default(),
        };
        let text = match String::from_utf8(text) {
            Ok(text) => text,
            Err(e) => {
                let message = format!("it is not UTF-8 at byte {}; save it as UTF-8", e.utf8_error().valid_up_to());
                return Ok(Checked { findings: vec![Finding::at((1, 1), true, message)], tests: Vec::new() });
            }
        };
        everything.check(&text).await
    }

    /// The same for a text, with this lake's own threads and limits.
    pub(super) async fn checked(&self, text: &str) -> Result<Checked> {
        self.beside(EVERYTHING).await?.check(text).await
    }

    /// In a lake where everybody sees everything.
    async fn check(&self, text: &str) -> Result<Checked> {
        let rooms = self.rooms();
        let (mut datasets, mut untagged) = (Vec::new(), Vec::new());
        for name in rooms.tables.list().await?.iter().filter(|name| !name.is_reserved()) {
            if let Some(snapshot) = rooms.tables.snapshot(name).await? {
                // One that cannot be read gives no tags, here as there.
                let contract = rooms.contracts.get(name).await.unwrap_or_else(|e| {
                    untagged.push(format!("grants on tags do not cover {name}, whose contract cannot be read: {e}"));
                    None
                });
                let tags = contract.map(|c| c.tags.clone()).unwrap_or_default();
                datasets.push(Known { name: name.clone(), schema: Arc::clone(&snapshot.schema), tags });
            }
        }
        let document = match document::parse(text) {
            Ok(document) => document,
            Err(findings) => return Ok(Checked { findings, tests: Vec::new() }),
        };
        // Each predicate is planned for each dataset that it covers.
        let looked = async move { (over(&document, &datasets, Utc::now()), document) };
        let (mut findings, document) = rooms.engine.at_desk(looked).await?;
        if document.asks_for_tags() {
            findings.splice(0..0, untagged.into_iter().map(|message| Finding::at((1, 1), false, message)));
        }
        let mut checked = Checked { findings, tests: Vec::new() };
        if !document.tests.is_empty() {
            let lake = self.beside(text.as_bytes()).await?;
            for test in &document.tests {
                let failed = test.run(&lake, self).await?.err();
                let what = format!("{}: {}", test.who.name, test.sql);
                checked.tests.push(Tested { line: test.place.0, what, failed });
            }
        }
        Ok(checked)
    }
}

impl Test {
    /// Whether it holds in `lake`; if not, what was expected and what came.
    async fn run(&self, lake: &Lake, everything: &Lake) -> Result<std::result::Result<(), String>> {
        if self.expect == Expect::Denied && planned(lake, self).await?.is_err() {
            // What nobody can ask is not denied.
            return Ok(match planned(everything, self).await? {
                Ok(()) => Ok(()),
                Err(e) => Err(format!("expected \"denied\", but nobody can ask that: {e}")),
            });
        }
        let (total, rows) = match answer(lake, self).await {
            Ok(answer) => answer,
            Err(e @ LakeError::Store { .. }) => return Err(e),
            Err(e) if self.expect == Expect::Denied => return Ok(Err(format!("expected \"denied\", got: {e}"))),
            Err(e) => return Ok(Err(format!("expected an answer, got: {e}"))),
        };
        let got = || {
            let more = if total > SHOWN as u64 { format!(" and {} more", total - SHOWN as u64) } else { String::new() };
            let shown = &rows[..rows.len().min(SHOWN)];
            format!("got {}{more}", serde_json::to_string(shown).unwrap_or_default())
        };
        Ok(match &self.expect {
            Expect::Denied => Err(format!("expected \"denied\", {}", got())),
            Expect::Count(wanted) if *wanted == total => Ok(()),
            Expect::Count(wanted) => Err(format!("expected {wanted} rows, got {total}")),
            Expect::Rows(wanted) if total == wanted.len() as u64 && meets(&rows, wanted, &self.sql) => Ok(()),
            Expect::Rows(wanted) => {
                let rows: Vec<String> = wanted.iter().map(|r| toml::Value::Array(r.clone()).to_string()).collect();
                Err(format!("expected [{}], {}", rows.join(", "), got()))
            }
        })
    }
}

/// Whether the test's query can be asked: its datasets and columns are there for that person.
async fn planned(lake: &Lake, test: &Test) -> Result<std::result::Result<(), LakeError>> {
    let (asked, who, sql) = (lake.clone(), test.who.clone(), test.sql.clone());
    let plan = async move { asked.plan(&who, &sql, &serde_json::Map::new(), &Trace::default()).await.map(drop) };
    match lake.rooms().engine.at_desk(plan).await? {
        Err(e) if !matches!(e, LakeError::NotFound { .. } | LakeError::InvalidSql { .. }) => Err(e),
        planned => Ok(planned),
    }
}

/// The number of rows of the answer, and the first of them.
async fn answer(lake: &Lake, test: &Test) -> Result<(u64, Vec<Vec<Cell>>)> {
    let mut status = lake.answer(&test.who, QueryRequest::new(&test.sql), MAX_WAIT).await?;
    while matches!(status.state, QueryState::Queued | QueryState::Running) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        status = lake.query_status(&test.who, &status.id).await?;
    }
    let mut rows = Vec::new();
    while (rows.len() as u64) < status.rows_total.min(MOST_ROWS) {
        let page = lake.page_of(&test.who, &status.id, rows.len() as u64, MOST_ROWS).await?;
        if page.rows.is_empty() {
            break;
        }
        rows.extend(page.rows);
    }
    Ok((status.rows_total, rows))
}

/// What is wrong with a text over these datasets.
pub(super) fn text(text: &str, datasets: &[Known]) -> Vec<Finding> {
    match document::parse(text) {
        Ok(document) => over(&document, datasets, Utc::now()),
        Err(found) => found,
    }
}

fn over(document: &Document, datasets: &[Known], now: DateTime<Utc>) -> Vec<Finding> {
    let mut found = Vec::new();
    if document.stewards.is_empty() {
        let message = "nobody is a steward: add `stewards = [\"group:NAME\"]`";
        found.push(Finding::at((1, 1), false, message.to_owned()));
    }
    for grant in &document.grants {
        grant.check(datasets, now, &mut |place, error, message| found.push(Finding::at(place, error, message)));
    }
    found.sort_by_key(|f| (f.line, f.column));
    found.dedup();
    found
}

type Say<'a> = &'a mut dyn FnMut(Place, bool, String);

impl Written {
    fn check(&self, datasets: &[Known], now: DateTime<Utc>, say: Say<'_>) {
        let begin = (self.line, 1);
        if let Some(until) = self.grant.until.filter(|until| *until <= now) {
            let place = self.places.until.unwrap_or(begin);
            say(
                place,
                false,
                format!("the grant ended on {}: it gives nothing any more; take it out", until.format("%Y-%m-%d")),
            );
        }
        for (i, (pattern, written)) in self.on.iter().zip(&self.grant.on).enumerate() {
            if !datasets.iter().any(|d| pattern.covers(&d.name, &d.tags)) {
                let place = self.places.on.get(i).copied().unwrap_or(begin);
                let tag = if matches!(pattern, Pattern::Tag(_)) { ": no contract has that tag" } else { "" };
                let meant = pattern.meant(datasets).map(|hint| format!("; {hint}")).unwrap_or_default();
                say(place, false, format!("`{written}` covers no dataset yet{tag}{meant}"));
            }
        }
        let covered: Vec<&Known> =
            datasets.iter().filter(|d| self.on.iter().any(|p| p.covers(&d.name, &d.tags))).collect();
        self.check_columns(&covered, say);
        for known in covered {
            self.check_rows(known, self.is_by_name(&known.name), datasets, say);
        }
        for look_up in self.rows.iter().flatten().flat_map(|r| &r.look_ups) {
            if let Err(why) = looked_up(look_up, datasets) {
                say(self.places.rows.unwrap_or(begin), true, format!("{why}; the grant gives nothing"));
            }
        }
    }

    fn check_rows(&self, known: &Known, error: bool, datasets: &[Known], say: Say<'_>) {
        let types = |look_ups: &[LookUp]| -> Vec<Option<DataType>> {
            look_ups.iter().map(|l| looked_up(l, datasets).ok()).collect()
        };
        let checked = match &self.rows {
            None => Ok(()),
            Some(Ok(predicate)) => predicate.check(&known.schema, &types(&predicate.look_ups)),
            Some(Err(why)) => Err(why.clone()),
        };
        if let Err(why) = checked {
            let place = self.places.rows.unwrap_or((self.line, 1));
            say(place, error, format!("on {}: {why}; the grant does not apply to it", known.name));
        }
    }

    /// Masks that do not fit, and columns that there are not.
    fn check_columns(&self, covered: &[&Known], say: Say<'_>) {
        let has = |schema: &Schema, column: &str| schema.field_with_name(column).is_ok();
        let place = |column: &str| self.places.named.get(column).copied().unwrap_or((self.line, 1));
        for (column, mask) in &self.mask {
            for known in covered {
                let Ok(field) = known.schema.field_with_name(column) else { continue };
                if let Err(why) = mask.over(column, field.data_type(), &Arc::from([])) {
                    say(place(column), true, format!("on {}: {why}; the grant does not apply to it", known.name));
                }
            }
        }
        for column in self.places.named.keys() {
            for known in covered.iter().filter(|d| self.is_by_name(&d.name) && !has(&d.schema, column)) {
                let message = format!("{} has no column `{column}`; the grant does not apply to it", known.name);
                say(place(column), true, message);
            }
            let beside = covered.iter().any(|d| !self.is_by_name(&d.name));
            if beside && !covered.iter().any(|d| has(&d.schema, column)) {
                // What should be covered would show.
                let covers = self.mask.contains_key(column) || self.grant.except.contains(column);
                let what = if self.mask.contains_key(column) { "the mask on " } else { "" };
                say(place(column), covers, format!("{what}`{column}` meets no column of that name: is it misspelt?"));
            }
        }
    }
}

impl Pattern {
    /// What there is of nearly the same name.
    fn meant(&self, datasets: &[Known]) -> Option<String> {
        match self {
            Self::One(one) => {
                let names: Vec<String> = datasets.iter().map(|d| d.name.to_string()).collect();
                closest(&one.to_string(), names.iter().map(String::as_str))
            }
            Self::Tag(tag) => {
                let tags: BTreeSet<String> =
                    datasets.iter().flat_map(|d| &d.tags).map(|tag| format!("tag:{tag}")).collect();
                closest(&format!("tag:{tag}"), tags.iter().map(String::as_str))
            }
            Self::All | Self::Unit(_) | Self::Begin(..) => None,
        }
    }
}

/// The type that a look-up gives.
fn looked_up(look_up: &LookUp, datasets: &[Known]) -> std::result::Result<DataType, String> {
    let LookUp { dataset, column, .. } = look_up;
    let known = datasets.iter().find(|d| d.name == *dataset);
    let known = known.ok_or_else(|| format!("values are looked up in {dataset}, which is no dataset yet"))?;
    let field = known.schema.field_with_name(column);
    let field = field.map_err(|_| format!("values are looked up in {dataset}, which has no column `{column}`"))?;
    look_up.check(&known.schema)?;
    Ok(field.data_type().clone())
}
