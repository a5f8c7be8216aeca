//! What somebody sees, and why: each grant on a dataset with what keeps it from applying. For stewards alone.

use arrow::datatypes::Schema;
use chrono::{DateTime, Utc};
use model::{
    AccessNote, Action, AuditAction, ColumnExplanation, DatasetExplanation, DatasetName, Explanation, GrantExplanation,
    Principal, QueryRequest, VisibleRows,
};

use super::{Policies, TableAccess, document::Written, grantee::in_scope, masks_fit, names_fit, predicate::Unusable};
use crate::{Lake, LakeError, Result, query::MAX_WAIT, table::Snapshot};

impl Lake {
    /// What `who` sees of every dataset, or of one, by the policy of now, and why. For one dataset the rows are counted,
    /// by a query that is asked as `who`.
    ///
    /// # Errors
    /// [`LakeError::Forbidden`] unless `asks` is a steward, [`LakeError::NotFound`] when there is no such dataset,
    /// [`LakeError::Store`] when policy or tables cannot be read.
    pub async fn explain(
        &self,
        asks: &Principal,
        who: &Principal,
        dataset: Option<&DatasetName>,
    ) -> Result<Explanation> {
        let mut entry = self.audited(asks, AuditAction::Explain)?.text(described(who));
        entry.fill(|event| event.datasets = dataset.map(ToString::to_string));
        let told = match self.is_steward(asks).await {
            Ok(true) => self.explanation(who, dataset).await,
            Ok(false) => Err(LakeError::Forbidden { message: "what others see is told to stewards".to_owned() }),
            Err(e) => Err(e),
        };
        self.conclude(asks, entry, &told, |_, _| {});
        told
    }

    /// The same for the command line, whose user has the bucket anyway.
    ///
    /// # Errors
    /// As [`Lake::explain`].
    pub async fn explanation(&self, who: &Principal, dataset: Option<&DatasetName>) -> Result<Explanation> {
        let rooms = self.rooms();
        let mut datasets = Vec::new();
        for name in rooms.tables.list().await?.iter().filter(|name| !name.is_reserved()) {
            if dataset.is_some_and(|wanted| wanted != name) {
                continue;
            }
            let Some(snapshot) = rooms.tables.snapshot(name).await? else { continue };
            let mut told = self.explain_one(who, &snapshot).await?;
            if dataset.is_some() {
                let visible = if told.access.is_some() { self.count_as(who, name).await? } else { 0 };
                told.rows = Some(VisibleRows { visible, total: snapshot.rows });
            }
            datasets.push(told);
        }
        if let Some(wanted) = dataset.filter(|_| datasets.is_empty()) {
            return Err(LakeError::no_dataset(wanted));
        }
        let policy = rooms.policies.current().await?.version.clone();
        Ok(Explanation { who: who.clone(), steward: self.is_steward(who).await?, policy, datasets })
    }

    /// Every grant on a dataset, for whomever it is: those of the policy in its order, then those on request. `because`
    /// says why one gives nobody anything now.
    ///
    /// # Errors
    /// As [`Lake::explain`].
    pub async fn grants_on(&self, asks: &Principal, dataset: &DatasetName) -> Result<Vec<GrantExplanation>> {
        let entry = self.audited(asks, AuditAction::Explain)?.on(dataset).text(format!("who sees {dataset}"));
        let told = match self.is_steward(asks).await {
            Ok(true) => self.all_grants_on(dataset).await,
            Ok(false) => Err(LakeError::Forbidden { message: "what others see is told to stewards".to_owned() }),
            Err(e) => Err(e),
        };
        self.conclude(asks, entry, &told, |_, _| {});
        told
    }

    async fn all_grants_on(&self, dataset: &DatasetName) -> Result<Vec<GrantExplanation>> {
        let (rooms, now) = (self.rooms(), Utc::now());
        // No grant opens what Penstock keeps itself.
        let snapshot = match rooms.tables.snapshot(dataset).await? {
            Some(snapshot) if !dataset.is_reserved() => snapshot,
            _ => return Err(LakeError::no_dataset(dataset)),
        };
        let policy = rooms.policies.current().await?;
        let tags = rooms.policies.tags(&policy, dataset).await;
        let schema: &Schema = &snapshot.schema;
        let told = |grant: &Written| {
            let unfit = || masks_fit(grant, schema).and_then(|()| names_fit(grant, dataset, schema)).err();
            let unread = || grant.rows.as_ref().and_then(|rows| rows.as_ref().err().cloned());
            explained(grant, out_of_time(grant, now).or_else(unfit).or_else(unread))
        };
        let covers = |grant: &&Written| grant.on.iter().any(|p| p.covers(dataset, &tags));
        Ok(policy.document.grants.iter().filter(covers).map(told).collect())
    }

    async fn explain_one(&self, who: &Principal, snapshot: &Snapshot) -> Result<DatasetExplanation> {
        let (policies, now) = (&self.rooms().policies, Utc::now());
        let schemas = (&*snapshot.schema, &*snapshot.schema);
        let (access, refused) = match policies.composed(who, &snapshot.dataset, schemas, now).await? {
            Ok(access) => (access, None),
            Err(why) => (None, Some(why)),
        };
        let mut grants = policies.grants_on(who, &snapshot.dataset, &snapshot.schema, now).await?;
        for grant in grants.iter_mut().filter(|g| g.may.contains(&Action::Read) && g.because.is_none()) {
            grant.because.clone_from(&refused);
        }
        Ok(DatasetExplanation {
            dataset: snapshot.dataset.clone(),
            columns: columns(access.as_ref(), &snapshot.schema),
            access: access.map(|a| AccessNote { rows: a.rows_in_truth.or(a.note.rows), ..a.note }),
            grants,
            rows: None,
        })
    }

    pub(super) async fn count_as(&self, who: &Principal, name: &DatasetName) -> Result<u64> {
        let sql = format!("select count(*) from \"{}\".\"{}\"", name.unit(), name.name());
        let status = self.answer(who, QueryRequest::new(sql), MAX_WAIT).await?;
        let page = self.page_of(who, &status.id, 0, 1).await?;
        Ok(page.rows.first().and_then(|row| row.first()?.as_u64()).unwrap_or_default())
    }
}

/// Whose view it was, for the audit.
fn described(who: &Principal) -> String {
    let groups = who.groups.iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", ");
    let claims: Vec<String> = who.claims.iter().map(|(name, values)| format!("{name}={}", values.join("|"))).collect();
    let of = |what: &str, list: String| if list.is_empty() { String::new() } else { format!("; {what} {list}") };
    let email = who.email.as_ref().map(|email| format!(" ({email})")).unwrap_or_default();
    format!("what {}{email} sees{}{}", who.name, of("groups", groups), of("claims", claims.join(", ")))
}

/// Each column of the table, and how it shows.
pub(super) fn columns(access: Option<&TableAccess>, schema: &Schema) -> Vec<ColumnExplanation> {
    let shows = |name: &str| -> (String, bool) {
        let Some(access) = access.filter(|a| a.columns.iter().any(|c| c == name)) else {
            return ("hidden".to_owned(), false);
        };
        match access.note.masks.iter().find(|(column, _)| column == name) {
            Some((_, mask)) => (mask.clone(), false),
            None => ("seen".to_owned(), true),
        }
    };
    let column = |name: &String| {
        let (shows, whole) = shows(name);
        ColumnExplanation { name: name.clone(), shows, whole }
    };
    schema.fields().iter().map(|f| column(f.name())).collect()
}

impl Policies {
    /// Every grant on a dataset, in the order of the policy.
    async fn grants_on(
        &self,
        who: &Principal,
        dataset: &DatasetName,
        schema: &Schema,
        now: DateTime<Utc>,
    ) -> Result<Vec<GrantExplanation>> {
        let policy = self.current().await?;
        let tags = self.tags(&policy, dataset).await;
        let mut told = Vec::new();
        for grant in policy.document.grants.iter().filter(|g| g.on.iter().any(|p| p.covers(dataset, &tags))) {
            let mut because = keeps_from(grant, who, dataset, now);
            if because.is_none() && grant.grant.may.contains(&Action::Read) {
                because =
                    self.part(&policy, grant, (dataset, schema, schema), (who, now)).await.err().map(Unusable::words);
            }
            told.push(explained(grant, because));
        }
        Ok(told)
    }
}

/// Why a grant is not for this principal now, whatever it gives.
fn keeps_from(grant: &Written, who: &Principal, dataset: &DatasetName, now: DateTime<Utc>) -> Option<String> {
    if who.groups.is_none() {
        return Some("the sign-in service sent no groups for this person, so no grant applies".to_owned());
    }
    if !grant.to.iter().any(|to| to.is(who)) {
        return Some("it is for others".to_owned());
    }
    if let Some(why) = out_of_time(grant, now) {
        return Some(why);
    }
    let left = grant.grant.may.iter().any(|action| in_scope(who, dataset, action.word()));
    (!left).then(|| "the token's scope leaves it out".to_owned())
}

/// Why a grant holds for nobody now.
fn out_of_time(grant: &Written, now: DateTime<Utc>) -> Option<String> {
    let day = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M UTC").to_string();
    if let Some(from) = grant.grant.from.filter(|from| now < *from) {
        return Some(format!("it holds from {}", day(from)));
    }
    grant.grant.until.filter(|until| *until <= now).map(|until| format!("it ended on {}", day(until)))
}

fn explained(grant: &Written, because: Option<String>) -> GrantExplanation {
    let model::Grant { to, may, rows, columns, except, mask, until, note, .. } = grant.grant.clone();
    GrantExplanation {
        line: grant.line,
        to,
        may,
        rows,
        columns,
        except,
        mask: mask.into_iter().collect(),
        until,
        note,
        because,
    }
}
