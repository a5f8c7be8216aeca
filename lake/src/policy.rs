//! From the policy document to what one principal may see of one dataset.
//!
//! Deny by default: no policy, no groups claim, a missing claim, a predicate or mask that does not fit, a store that
//! does not answer; each of these gives less, never more.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

use arrow::datatypes::{Schema, SchemaRef};
use chrono::{DateTime, Utc};
use datafusion::logical_expr::Expr;
use model::{AccessNote, Action, DatasetName, Principal};
use sha2::{Digest, Sha256};

use crate::{
    Lake, LakeError, Result,
    store::{Store, path, soon},
};

mod compose;
mod document;
mod grantee;
mod mask;
mod predicate;

pub(crate) use predicate::{condition, may_be_condition};

use compose::Part;
use document::{Document, Written};
use grantee::Pattern;

pub(crate) use grantee::in_scope;
use predicate::Unusable;

/// The policy of a lake, kept at most `freshness` old.
pub struct Policies {
    store: Store,
    freshness: Duration,
    secret: Arc<[u8]>,
    kept: tokio::sync::Mutex<Option<Kept>>,
}

/// The newest policy that was read, and when the store last confirmed it.
struct Kept {
    tag: Option<String>,
    policy: Arc<CompiledPolicy>,
    checked: Instant,
}

/// A policy document that parsed, ready to be asked.
#[derive(Debug)]
pub struct CompiledPolicy {
    pub policy: model::Policy,
    /// Hash of the document.
    pub version: String,
    document: Document,
}

/// What one principal sees of one dataset: composed from all grants that hold now.
#[derive(Debug, Clone)]
pub struct TableAccess {
    /// Visible columns in table order.
    pub columns: Vec<String>,
    /// Row filter over the table's columns, claims filled in; `None` for all rows.
    pub filter: Option<Expr>,
    /// Column → expression over the table's columns that replaces it.
    pub masks: BTreeMap<String, Expr>,
    pub note: AccessNote,
    /// Hash over all of the above but the note: equal means that the two see the same.
    pub fingerprint: [u8; 32],
}

/// Something wrong, or worth a look, in the policy document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `policy.toml`
    pub file: &'static str,
    /// 1-based.
    pub line: u64,
    /// 1-based.
    pub column: u64,
    /// What is wrong and the cure.
    pub message: String,
    /// Whether the policy, or this grant of it, cannot be used; otherwise a warning.
    pub error: bool,
}

impl TableAccess {
    /// Whether figures over all rows, such as their number, may be shown.
    pub(crate) fn shows_all_rows(&self) -> bool {
        self.filter.is_none()
    }

    /// Whether figures over all values of the column may be shown: every row is visible, and the column as it is.
    pub(crate) fn shows_whole(&self, column: &str) -> bool {
        self.shows_all_rows() && self.columns.iter().any(|c| c == column) && !self.masks.contains_key(column)
    }
}

impl Policies {
    /// # Errors
    /// [`LakeError::Config`] when there is a policy and it cannot be read. No policy at all denies everything.
    pub async fn open(store: Store, freshness: Duration, secret: Vec<u8>) -> Result<Self> {
        let policies = Self { store, freshness, secret: secret.into(), kept: tokio::sync::Mutex::new(None) };
        policies.load().await?;
        Ok(policies)
    }

    /// The policy as it stands, checked within the freshness time.
    ///
    /// # Errors
    /// [`LakeError::Store`] when the store does not answer after that time: an old policy is never used instead.
    /// [`LakeError::Internal`] when the document became unreadable: what it says is not for everyone.
    pub async fn current(&self) -> Result<Arc<CompiledPolicy>> {
        self.load().await.map_err(|e| match e {
            LakeError::Config { message } => {
                tracing::error!(message, "the policy became unreadable; everything is denied");
                LakeError::internal(message)
            }
            e => e,
        })
    }

    async fn load(&self) -> Result<Arc<CompiledPolicy>> {
        // With the wait for one's turn, or everyone would wait for all before them.
        soon(self.checked()).await
    }

    async fn checked(&self) -> Result<Arc<CompiledPolicy>> {
        let mut kept = self.kept.lock().await;
        if let Some(k) = kept.as_ref().filter(|k| k.checked.elapsed() < self.freshness) {
            return Ok(Arc::clone(&k.policy));
        }
        // The time before the request, so that what changes meanwhile is seen by the next check.
        let checked = Instant::now();
        let tag = self.store.tag(&path::policy()).await?;
        if let Some(k) = kept.as_mut().filter(|k| k.tag == tag) {
            k.checked = checked;
            return Ok(Arc::clone(&k.policy));
        }
        let text = self.store.read(&path::policy()).await?;
        let policy = Arc::new(CompiledPolicy::parse(text.as_deref().unwrap_or_default())?);
        tracing::info!(version = policy.version, grants = policy.policy.grants.len(), "policy read");
        *kept = Some(Kept { tag, policy: Arc::clone(&policy), checked });
        Ok(policy)
    }

    /// What `who` may see of a table with `schema`, or `None` when nothing.
    pub async fn access(
        &self,
        who: &Principal,
        dataset: &DatasetName,
        schema: &Schema,
        now: DateTime<Utc>,
    ) -> Result<Option<TableAccess>> {
        self.access_then(who, dataset, schema, schema, now).await
    }

    /// What `who` may see by today's policy of a version that had the schema `then`; `newest` is the table's now.
    ///
    /// The policy is written for the columns of now. A column that the table no longer has is named by no grant that
    /// would hide or mask it, so only a grant without any limit shows it.
    pub async fn access_then(
        &self,
        who: &Principal,
        dataset: &DatasetName,
        then: &Schema,
        newest: &Schema,
        now: DateTime<Utc>,
    ) -> Result<Option<TableAccess>> {
        let policy = self.current().await?;
        let mut parts = Vec::new();
        let mut until = Some(DateTime::<Utc>::MIN_UTC);
        for grant in policy.granting(who, dataset, Action::Read, now) {
            match part(grant, dataset, (then, newest), who) {
                Ok(part) => {
                    until = until.zip(grant.grant.until).map(|(a, b)| a.max(b));
                    parts.push(part);
                }
                Err(Unusable::Claim(why)) => {
                    tracing::info!(%dataset, line = grant.line, who = who.key(), why, "grant does not apply");
                }
                Err(Unusable::Wrong(why)) => {
                    tracing::warn!(%dataset, line = grant.line, why, "grant cannot be used for this dataset");
                }
            }
        }
        let composed = compose::compose(&parts, then, &self.secret).map_err(|why| {
            tracing::error!(%dataset, why, "policy cannot be used for this dataset");
            LakeError::internal(format!("policy on {dataset}: {why}"))
        })?;
        let Some(mut access) = composed else { return Ok(None) };
        access.note.until = until;
        access.note.may_upload = policy.gives(who, dataset, Action::Upload, now);
        access.note.may_own = policy.gives(who, dataset, Action::Own, now);
        Ok(Some(access))
    }

    /// Whether some grant gives `who` this action on the dataset now. Never true for an absent policy.
    pub async fn may(
        &self,
        who: &Principal,
        dataset: &DatasetName,
        action: Action,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        Ok(self.current().await?.gives(who, dataset, action, now))
    }

    /// Whether `who` administers the lake. Tokens never do.
    pub async fn is_steward(&self, who: &Principal) -> Result<bool> {
        let policy = self.current().await?;
        let known = who.scope.is_none() && has_groups(who);
        Ok(known && policy.document.stewards.iter().any(|s| s.is(who)))
    }
}

impl CompiledPolicy {
    /// # Errors
    /// [`LakeError::Config`] with the first finding.
    fn parse(text: &[u8]) -> Result<Self> {
        let config = |message: String| LakeError::Config { message };
        let version = format!("{:x}", Sha256::digest(text));
        let text = std::str::from_utf8(text)
            .map_err(|e| config(format!("policy.toml is not UTF-8 at byte {}; save it as UTF-8", e.valid_up_to())))?;
        let document = document::parse(text).map_err(|found| {
            let more = if found.len() > 1 { format!(" (and {} more)", found.len() - 1) } else { String::new() };
            config(found.first().map_or_else(String::new, |f| format!("{f}{more}")))
        })?;
        Ok(Self { policy: document.policy.clone(), version, document })
    }

    fn granting<'a>(
        &'a self,
        who: &'a Principal,
        dataset: &'a DatasetName,
        action: Action,
        now: DateTime<Utc>,
    ) -> impl Iterator<Item = &'a Written> {
        let named = match action {
            Action::Read => "read",
            Action::Upload => "upload",
            Action::Own => "own",
        };
        let may = has_groups(who) && in_scope(who, dataset, named);
        self.document.grants.iter().filter(move |g| {
            may && g.grant.may.contains(&action)
                && g.on.iter().any(|p| p.covers(dataset))
                && g.grant.from.is_none_or(|from| from <= now)
                && g.grant.until.is_none_or(|until| now < until)
                && g.to.iter().any(|t| t.is(who))
        })
    }

    fn gives(&self, who: &Principal, dataset: &DatasetName, action: Action, now: DateTime<Utc>) -> bool {
        self.granting(who, dataset, action, now).next().is_some()
    }
}

/// A missing groups claim is not an empty one: nobody knows what was meant to be denied.
fn has_groups(who: &Principal) -> bool {
    if who.groups.is_none() {
        tracing::warn!(who = who.key(), "the provider sent no groups claim; everything is denied");
    }
    who.groups.is_some()
}

/// What one grant gives of a table.
fn part(
    grant: &Written,
    dataset: &DatasetName,
    (then, newest): (&Schema, &Schema),
    who: &Principal,
) -> Result<Part, Unusable> {
    masks_fit(grant, then).map_err(Unusable::Wrong)?;
    names_fit(grant, dataset, newest).map_err(Unusable::Wrong)?;
    let filter = grant.grant.rows.as_deref().map(|sql| predicate::bind(sql, then, who)).transpose()?;
    let listed =
        |c: &String| grant.grant.columns.as_ref().is_none_or(|l| l.contains(c)) && !grant.grant.except.contains(c);
    let without_limit = grant.grant.rows.is_none()
        && grant.grant.columns.is_none()
        && grant.grant.except.is_empty()
        && grant.mask.is_empty();
    let governed = |c: &String| without_limit || newest.field_with_name(c).is_ok();
    let visible = then.fields().iter().map(|f| f.name()).filter(|c| listed(c) && governed(c));
    Ok(Part { filter, columns: visible.map(|c| (c.clone(), grant.mask.get(c).copied())).collect() })
}

fn fits(grant: &Written, dataset: &DatasetName, schema: &Schema) -> Result<(), String> {
    masks_fit(grant, schema)?;
    names_fit(grant, dataset, schema)
}

fn masks_fit(grant: &Written, schema: &Schema) -> Result<(), String> {
    for (column, mask) in &grant.mask {
        if let Ok(field) = schema.field_with_name(column) {
            mask.over(column, field.data_type(), &Arc::from([]))?;
        }
    }
    Ok(())
}

/// A grant that names a dataset must name its columns right: a misspelt mask would show what it should cover.
fn names_fit(grant: &Written, dataset: &DatasetName, schema: &Schema) -> Result<(), String> {
    if !grant.on.iter().any(|p| matches!(p, Pattern::One(one) if one == dataset)) {
        return Ok(());
    }
    let named = grant.mask.keys().chain(&grant.grant.except).chain(grant.grant.columns.iter().flatten());
    match named.into_iter().find(|c| schema.field_with_name(c).is_err()) {
        Some(unknown) => Err(format!("{dataset} has no column `{unknown}`")),
        None => Ok(()),
    }
}

/// Everything that is wrong with a policy over these datasets; empty when all is well.
#[must_use]
pub fn check(text: &str, datasets: &[(DatasetName, SchemaRef)]) -> Vec<Finding> {
    let document = match document::parse(text) {
        Ok(document) => document,
        Err(found) => return found,
    };
    let mut found = Vec::new();
    let mut say = |line: u64, error: bool, message: String| {
        found.push(Finding { file: Finding::FILE, line, column: 1, message, error });
    };
    if document.stewards.is_empty() {
        say(1, false, "nobody is a steward: add `stewards = [\"group:NAME\"]`".to_owned());
    }
    for grant in &document.grants {
        let by_name = |d: &DatasetName| grant.on.iter().any(|p| matches!(p, Pattern::One(one) if one == d));
        let covered: Vec<_> = datasets.iter().filter(|(d, _)| grant.on.iter().any(|p| p.covers(d))).collect();
        for pattern in &grant.on {
            if !datasets.iter().any(|(d, _)| pattern.covers(d)) {
                let on = match pattern {
                    Pattern::All => "*".to_owned(),
                    Pattern::Unit(u) => format!("{u}.*"),
                    Pattern::One(d) => d.to_string(),
                };
                say(grant.line, false, format!("`{on}` covers no dataset yet"));
            }
        }
        for (dataset, schema) in &covered {
            if let Err(why) = fits(grant, dataset, schema) {
                say(grant.line, true, format!("{why}; the grant does not apply to it"));
            }
            if let Some(Err(why)) = grant.grant.rows.as_deref().map(|sql| predicate::check(sql, schema)) {
                let error = by_name(dataset);
                say(grant.rows_line, error, format!("on {dataset}: {why}; the grant does not apply to it"));
            }
        }
        for column in grant.mask.keys() {
            if !covered.is_empty() && !covered.iter().any(|(_, s)| s.field_with_name(column).is_ok()) {
                say(grant.line, true, format!("the mask on `{column}` meets no column of that name: is it misspelt?"));
            }
        }
    }
    found.sort_by_key(|f| (f.line, f.column));
    found.dedup();
    found
}

impl Lake {
    /// Checks the lake's policy against the datasets that there are; empty when all is well.
    pub async fn check_policy(&self) -> Result<Vec<Finding>> {
        let text = self.rooms().store.read(&path::policy()).await?.unwrap_or_default();
        let mut datasets = Vec::new();
        for name in self.rooms().tables.list().await?.iter() {
            if let Some(snapshot) = self.rooms().tables.snapshot(name).await? {
                datasets.push((name.clone(), Arc::clone(&snapshot.schema)));
            }
        }
        Ok(check(&String::from_utf8_lossy(&text), &datasets))
    }
}

impl Finding {
    const FILE: &'static str = "policy.toml";

    fn error(text: &str, span: &Range<usize>, message: &str) -> Self {
        let (line, column) = document::place(text, span.start);
        Self { file: Self::FILE, line, column, message: message.to_owned(), error: true }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

impl std::fmt::Debug for Policies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policies").field("store", &self.store).finish_non_exhaustive()
    }
}
