//! From the policy document to what one principal may see of one dataset.
//!
//! Deny by default: no policy, no groups claim, a missing claim, a predicate or mask that does not fit, a store that
//! does not answer; each of these gives less, never more.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::{DateTime, Utc};
use datafusion::{
    common::DFSchema,
    logical_expr::{Expr, ExprSchemable as _},
};
use model::{AccessNote, Action, AuditAction, AuditOutcome, DatasetName, Principal};
use sha2::{Digest, Sha256};

use crate::{
    LakeError, Result,
    audit::{self, Buffer},
    contract::Contracts,
    document::Documents,
    govern::{Reader, always_answers},
    store::{Store, path, soon},
    table::Snapshot,
};

mod builtin;
mod check;
mod compose;
mod cure;
mod document;
mod edit;
mod expected;
mod explain;
mod filters;
pub(crate) mod given;
mod grantee;
mod lines;
mod lookup;
mod mask;
mod partner;
mod predicate;
mod published;
mod review;
mod source;

pub(crate) use predicate::{condition, may_be_condition};

pub use check::{Checked, Tested};
pub use edit::{GrantText, add_grant, end_grant, written};
pub(crate) use grantee::{Grantee, in_scope};

use compose::{Part, Said};
use document::{Document, Written};
use lookup::LookUps;
use predicate::Unusable;
use source::Source;

/// The policy of a lake, kept at most `freshness` old.
pub struct Policies {
    store: Store,
    /// For what owners gave on request.
    documents: Documents,
    freshness: Duration,
    secret: Arc<[u8]>,
    /// For the tags of datasets.
    contracts: Contracts,
    /// For values in other datasets. Without it there are none.
    look_ups: Option<LookUps>,
    kept: tokio::sync::Mutex<Option<Kept>>,
    /// Of the newest policy that was read.
    version: std::sync::Mutex<String>,
    changes: Option<Arc<Buffer>>,
    /// Hash of the last text that could not be read.
    unreadable: std::sync::Mutex<String>,
}

/// The newest policy that was read, and when the store last confirmed it.
struct Kept {
    tag: Option<String>,
    /// The newest version of what was given on request.
    given: Option<u64>,
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
    /// The row filter as stewards read it, who see the policy anyway; `None` for all rows.
    pub rows_in_truth: Option<String>,
    /// Hash over columns, filter and masks: equal means that the two see the same.
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

    /// The type of a visible column's values as they show.
    pub(crate) fn shown_type(&self, field: &Field, schema: &Schema) -> DataType {
        let Some(mask) = self.masks.get(field.name()) else { return field.data_type().clone() };
        let masked = DFSchema::try_from(schema.clone()).and_then(|schema| mask.get_type(&schema));
        masked.unwrap_or(DataType::Utf8)
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
        let policies = Self::with(store, freshness, secret, None);
        policies.load().await?;
        Ok(policies)
    }

    /// Always this policy, whatever the store holds.
    ///
    /// # Errors
    /// [`LakeError::Config`] when it cannot be read.
    pub(crate) fn fixed(store: Store, secret: Vec<u8>, text: &[u8]) -> Result<Self> {
        Ok(Self::always(store, secret, CompiledPolicy::parse(text)?))
    }

    fn always(store: Store, secret: Vec<u8>, policy: CompiledPolicy) -> Self {
        let kept = Kept { tag: None, given: None, policy: Arc::new(policy), checked: Instant::now() };
        Self::with(store, Duration::MAX, secret, Some(kept))
    }

    fn with(store: Store, freshness: Duration, secret: Vec<u8>, kept: Option<Kept>) -> Self {
        let version = kept.as_ref().map(|k| k.policy.version.clone()).unwrap_or_default();
        Self {
            contracts: Contracts::new(store.clone(), freshness),
            documents: Documents::new(store.clone()),
            store,
            freshness,
            secret: secret.into(),
            look_ups: None,
            kept: tokio::sync::Mutex::new(kept),
            version: std::sync::Mutex::new(version),
            changes: None,
            unreadable: std::sync::Mutex::default(),
        }
    }

    /// The same in a lake, where other datasets can be read and contracts are known.
    pub(crate) fn knowing(self, contracts: Contracts, reader: Reader) -> Self {
        Self { contracts, look_ups: Some(LookUps::new(reader)), ..self }
    }

    /// The same, with an audit of the changes that are seen.
    #[must_use]
    pub(crate) fn audited(self, audit: Arc<Buffer>) -> Self {
        Self { changes: Some(audit), ..self }
    }

    /// The version of the newest policy that was read: the hash of `policy.toml`, and after a `+` the number of the
    /// newest version of what was given on request, where there is any.
    pub(crate) fn known_version(&self) -> String {
        self.version.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The policy as it stands, checked within the freshness time.
    ///
    /// # Errors
    /// [`LakeError::Store`] when the store does not answer after that time: an old policy is never used instead.
    /// [`LakeError::PolicyUnreadable`] when the document became unreadable.
    pub async fn current(&self) -> Result<Arc<CompiledPolicy>> {
        self.load().await.map_err(|e| match e {
            LakeError::Config { .. } => LakeError::PolicyUnreadable,
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
        let place = path::policy();
        let (tag, given) = futures::try_join!(self.store.tag(&place), given::newest(&self.documents))?;
        if let Some(k) = kept.as_mut().filter(|k| k.tag == tag && k.given == given) {
            k.checked = checked;
            return Ok(Arc::clone(&k.policy));
        }
        let text = self.store.read(&path::policy()).await?;
        let text = text.as_deref().unwrap_or_default();
        let mut policy = CompiledPolicy::parse(text).inspect_err(|e| self.say_unreadable(text, e))?;
        policy.document.grants.extend(given::read(&self.documents).await?);
        let policy = Arc::new(policy);
        let version = given.map_or_else(|| policy.version.clone(), |given| format!("{}+{given}", policy.version));
        if let (Some(audit), true) = (&self.changes, kept.as_ref().is_some_and(|k| k.policy.version != policy.version))
        {
            let mut event = audit::event(AuditAction::Policy);
            event.via = "server".to_owned();
            event.policy = Some(version.clone());
            event.text = Some(format!("grants: {}, before: {}", policy.policy.grants.len(), self.known_version()));
            audit.enter(event)?.end(AuditOutcome::Ok, None);
        }
        self.version.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&version);
        tracing::info!(version = policy.version, grants = policy.policy.grants.len(), "policy read");
        *kept = Some(Kept { tag, given, policy: Arc::clone(&policy), checked });
        Ok(policy)
    }

    /// Tells log and audit, once for each text.
    fn say_unreadable(&self, text: &[u8], error: &LakeError) {
        let version = format!("{:x}", Sha256::digest(text));
        let mut told = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        if *told == version {
            return;
        }
        told.clone_from(&version);
        tracing::error!(%error, "the policy became unreadable; everything is denied");
        if let Some(audit) = &self.changes {
            let mut event = audit::event(AuditAction::Policy);
            event.via = "server".to_owned();
            event.policy = Some(version);
            match audit.enter(event) {
                Ok(entry) => entry.end(AuditOutcome::Failed, Some(error.to_string())),
                Err(e) => tracing::error!(error = %e, "nor could that be audited"),
            }
        }
    }

    /// The number of rows of a dataset that a filter leaves, for who may give them away.
    pub(crate) async fn count(&self, snapshot: &Arc<Snapshot>, filter: Expr) -> Result<u64> {
        let look_ups = self.look_ups.as_ref().ok_or_else(|| LakeError::internal("there are no datasets here"))?;
        look_ups.count(snapshot, filter).await
    }

    /// Has the next who asks look at the store: this process has just changed what is there.
    pub(crate) async fn look_again(&self) {
        if let Some(kept) = self.kept.lock().await.as_mut() {
            kept.checked = kept.checked.checked_sub(self.freshness).unwrap_or(kept.checked);
        }
    }

    /// The dataset's tags, where this policy asks for any. Of a contract that cannot be read nothing is known, so that it
    /// gives none: an older one might have tags that were taken away since.
    async fn tags(&self, policy: &CompiledPolicy, dataset: &DatasetName) -> Vec<String> {
        if !policy.document.asks_for_tags() {
            return Vec::new();
        }
        match self.contracts.get(dataset).await {
            Ok(contract) => contract.map(|c| c.tags.clone()).unwrap_or_default(),
            Err(e) => {
                tracing::warn!(%dataset, error = ?e, "its contract cannot be read: grants on tags do not apply to it");
                Vec::new()
            }
        }
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
        let composed = self.composed(who, dataset, (then, newest), now).await?;
        Ok(composed.unwrap_or_else(|why| {
            tracing::error!(%dataset, who = who.key(), why, "the policy gives nothing of this dataset");
            None
        }))
    }

    /// As [`Policies::access_then`], or why the grants that apply cannot be put together: then they give nothing.
    async fn composed(
        &self,
        who: &Principal,
        dataset: &DatasetName,
        (then, newest): (&Schema, &Schema),
        now: DateTime<Utc>,
    ) -> Result<Result<Option<TableAccess>, String>> {
        let policy = self.current().await?;
        let tags = self.tags(&policy, dataset).await;
        let on = (dataset, tags.as_slice());
        let mut parts = match dataset.is_reserved() {
            true => builtin::parts(who, policy.is_steward(who), dataset, then),
            false => Vec::new(),
        };
        // What is built in has no end.
        let mut until = parts.is_empty().then_some(DateTime::<Utc>::MIN_UTC);
        let (mut ends, mut purposes) = (None, Vec::new());
        for grant in policy.granting(who, on, Action::Read, now) {
            match self.part(&policy, grant, (dataset, then, newest), (who, now)).await {
                Ok(part) => {
                    until = until.zip(grant.grant.until).map(|(a, b)| a.max(b));
                    if let Some(purpose) = &grant.purpose {
                        ends = ends.into_iter().chain(grant.grant.until).min();
                        purposes.push(purpose.clone());
                    }
                    parts.push(part);
                }
                Err(Unusable::Claim(why)) => {
                    tracing::debug!(%dataset, line = grant.line, who = who.key(), why, "grant does not apply");
                }
                Err(Unusable::Wrong(why) | Unusable::LookUp(why)) => {
                    tracing::warn!(%dataset, line = grant.line, why, "grant cannot be used for this dataset");
                }
            }
        }
        let mut access = match compose::compose(&parts, then, &self.secret) {
            Ok(Some(access)) => access,
            nothing => return Ok(nothing),
        };
        access.note.until = until;
        access.note.ends = ends;
        access.note.purposes = purposes;
        access.note.may_upload = policy.gives(who, on, Action::Upload, now);
        access.note.may_own = policy.gives(who, on, Action::Own, now);
        Ok(Ok(Some(access)))
    }

    /// What one grant gives of a table.
    async fn part(
        &self,
        policy: &CompiledPolicy,
        grant: &Written,
        (dataset, then, newest): (&DatasetName, &Schema, &Schema),
        (who, now): (&Principal, DateTime<Utc>),
    ) -> Result<Part, Unusable> {
        masks_fit(grant, then).map_err(Unusable::Wrong)?;
        names_fit(grant, dataset, newest).map_err(Unusable::Wrong)?;
        let (mut filter, mut said) = (None, None);
        if let Some(rows) = &grant.rows {
            let predicate = rows.as_ref().map_err(|why| Unusable::Wrong(why.clone()))?;
            let (mut values, mut known) = (Vec::new(), true);
            for look_up in &predicate.look_ups {
                let look_ups = self.look_ups.as_ref();
                let look_ups =
                    look_ups.ok_or_else(|| Unusable::LookUp("there are no other datasets here".to_owned()))?;
                values.push(look_ups.values(look_up, who).await?);
                let tags = self.tags(policy, &look_up.dataset).await;
                let mut grants = policy.granting(who, (&look_up.dataset, &tags), Action::Read, now);
                known = known && grants.any(Written::is_without_limit);
            }
            let bound = predicate.bind(then, who, &values)?;
            if grant.is_on_request() && !always_answers(&bound.filter, then) {
                return Err(Unusable::Wrong(format!("its condition is not one that may be given: {}", given::SIMPLE)));
            }
            filter = Some(bound.filter);
            said = Some(Said { words: bound.said, told: known });
        }
        let listed =
            |c: &String| grant.grant.columns.as_ref().is_none_or(|l| l.contains(c)) && !grant.grant.except.contains(c);
        let governed = |c: &String| grant.is_without_limit() || newest.field_with_name(c).is_ok();
        let visible = then.fields().iter().map(|f| f.name()).filter(|c| listed(c) && governed(c));
        let columns = visible.map(|c| (c.clone(), grant.mask.get(c).cloned())).collect();
        Ok(Part { filter, said, columns })
    }

    /// Whether some grant gives `who` this action on the dataset now. Never true for an absent policy.
    pub async fn may(
        &self,
        who: &Principal,
        dataset: &DatasetName,
        action: Action,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let policy = self.current().await?;
        let tags = self.tags(&policy, dataset).await;
        Ok(policy.gives(who, (dataset, &tags), action, now))
    }

    /// Whether `who` administers the lake. Tokens never do.
    pub async fn is_steward(&self, who: &Principal) -> Result<bool> {
        Ok(self.current().await?.is_steward(who))
    }

    /// Why `who` may not read the dataset, when no grant can apply; in truth, for the audit.
    pub(crate) async fn why_not(&self, who: &Principal, dataset: &DatasetName) -> Result<Option<&'static str>> {
        Ok(if who.groups.is_none() {
            Some("the provider sent no groups claim")
        } else if !in_scope(who, dataset, "read") {
            Some("it is outside the token's scope")
        } else if !self.may(who, dataset, Action::Read, Utc::now()).await? {
            Some("not granted")
        } else {
            None
        })
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

    /// The grants that hold for `who` on a dataset with these tags.
    fn granting<'a>(
        &'a self,
        who: &'a Principal,
        (dataset, tags): (&'a DatasetName, &'a [String]),
        action: Action,
        now: DateTime<Utc>,
    ) -> impl Iterator<Item = &'a Written> {
        let named = match action {
            Action::Read => "read",
            Action::Upload => "upload",
            Action::Own => "own",
        };
        let may = has_groups(who) && in_scope(who, dataset, named) && !dataset.is_reserved();
        self.document.grants.iter().filter(move |g| {
            may && g.grant.may.contains(&action)
                && g.on.iter().any(|p| p.covers(dataset, tags))
                && g.grant.from.is_none_or(|from| from <= now)
                && g.grant.until.is_none_or(|until| now < until)
                && g.to.iter().any(|t| t.is(who))
        })
    }

    fn gives(&self, who: &Principal, on: (&DatasetName, &[String]), action: Action, now: DateTime<Utc>) -> bool {
        if on.0.is_reserved() {
            return builtin::gives(who, on.0, action);
        }
        self.granting(who, on, action, now).next().is_some()
    }

    fn is_steward(&self, who: &Principal) -> bool {
        let known = who.scope.is_none() && has_groups(who);
        known && self.document.stewards.iter().any(|s| s.is(who))
    }
}

/// A missing groups claim is not an empty one: nobody knows what was meant to be denied.
fn has_groups(who: &Principal) -> bool {
    if who.groups.is_none() {
        tracing::warn!(who = who.key(), "the provider sent no groups claim; everything is denied");
    }
    who.groups.is_some()
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
    if !grant.is_by_name(dataset) {
        return Ok(());
    }
    let named = grant.mask.keys().chain(&grant.grant.except).chain(grant.grant.columns.iter().flatten());
    match named.into_iter().find(|c| schema.field_with_name(c).is_err()) {
        Some(unknown) => Err(format!("{dataset} has no column `{unknown}`")),
        None => Ok(()),
    }
}

/// A dataset as the check of a policy sees it.
#[derive(Debug, Clone)]
pub struct Known {
    pub name: DatasetName,
    pub schema: SchemaRef,
    /// As its contract says them.
    pub tags: Vec<String>,
}

/// Everything that is wrong with a policy over these datasets; empty when all is well.
#[must_use]
pub fn check(text: &str, datasets: &[(DatasetName, SchemaRef)]) -> Vec<Finding> {
    let known = |(name, schema): &(DatasetName, SchemaRef)| {
        let (name, schema) = (name.clone(), Arc::clone(schema));
        Known { name, schema, tags: Vec::new() }
    };
    check::text(text, &datasets.iter().map(known).collect::<Vec<_>>())
}

impl Finding {
    const FILE: &'static str = "policy.toml";

    fn error(text: &Source<'_>, span: &Range<usize>, message: &str) -> Self {
        Self::at(text.place(span.start), true, message.to_owned())
    }

    fn at((line, column): (u64, u64), error: bool, message: String) -> Self {
        Self { file: Self::FILE, line, column, message, error }
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
