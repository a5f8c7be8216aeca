//! What a text would change if it were the policy: who gains and who loses. For stewards alone.
//!
//! Both policies are asked in the same way, by the access that they make and by governed counts; what is shown is what
//! people would see, never a reading of the two texts.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::Utc;
use model::{
    AccessChange, AccessNote, Action, AuditAction, DatasetName, PolicyEffect, PolicyFinding, PolicyReview,
    PolicyTestResult, Principal, RowsChange, ShownChange, StewardChange, Turn, principal::SERVICE,
};

use super::{
    CompiledPolicy, TableAccess, explain,
    grantee::Grantee,
    lines::difference,
    published::{hash, sized},
};
use crate::{Lake, LakeError, Result, table::Snapshot};

/// People who have signed in that are looked at.
const MOST_PEOPLE: usize = 500;
/// Groups, claims and users of grants that are looked at.
const MOST_NAMED: usize = 200;
/// Changes that are told.
const MOST_CHANGES: usize = 500;
/// Queries that count.
const MOST_COUNTS: usize = 200;
/// How long the whole comparison may take.
const TIME: Duration = Duration::from_secs(20);

/// Somebody whose access is compared.
struct Whose {
    words: String,
    who: Principal,
}

/// What one of the two policies gives somebody of a dataset.
struct Given {
    access: Option<TableAccess>,
    may: Vec<Action>,
}

impl Lake {
    /// What would change if this text were the policy, for `people` and for whomever a grant names. Changes nothing.
    ///
    /// # Errors
    /// [`LakeError::Forbidden`] unless `asks` is a steward, [`LakeError::Invalid`] for a text that is too long,
    /// [`LakeError::Store`] when the lake cannot be read. What is wrong with the text is no error but a finding.
    pub async fn review_policy(&self, asks: &Principal, text: &str, people: &[Principal]) -> Result<PolicyReview> {
        let entry = self.audited(asks, AuditAction::Policy)?.text(format!("reviewed {}", hash(text.as_bytes())));
        let told = self.reviewed(asks, text, people).await;
        self.conclude(asks, entry, &told, |_, _| {});
        told
    }

    async fn reviewed(&self, asks: &Principal, text: &str, people: &[Principal]) -> Result<PolicyReview> {
        self.rooms().policies.look_again().await;
        self.stewards_alone(asks).await?;
        sized(text)?;
        let now = self.policy_now().await?;
        let checked = self.checked(text).await?;
        let candidate = match self.beside(text.as_bytes()).await {
            Ok(candidate) => Some(candidate),
            Err(LakeError::Config { .. }) => None,
            Err(e) => return Err(e),
        };
        let right = match &candidate {
            Some(candidate) => candidate.is_steward(asks).await?,
            None => true,
        };
        let effect = match &candidate {
            Some(candidate) => Some(self.effect(candidate, people).await?),
            None => None,
        };
        let doubts = checked.doubts(right);
        let findings = checked.findings.into_iter();
        let tests = checked.tests.into_iter();
        Ok(PolicyReview {
            sha256: hash(text.as_bytes()),
            base: now.sha256,
            findings: findings
                .map(|f| PolicyFinding { line: f.line, column: f.column, error: f.error, message: f.message })
                .collect(),
            tests: tests.map(|t| PolicyTestResult { line: t.line, what: t.what, failed: t.failed }).collect(),
            difference: difference(&now.text, text),
            effect,
            doubts,
        })
    }

    async fn effect(&self, after: &Self, people: &[Principal]) -> Result<PolicyEffect> {
        let end = Instant::now() + TIME;
        let mut effect = PolicyEffect::default();
        let policies = [self.rooms().policies.current().await?, after.rooms().policies.current().await?];
        let whose = compared(&policies, people, &mut effect.left_out);
        for Whose { words, who } in &whose {
            let [was, becomes] = [policies[0].is_steward(who), policies[1].is_steward(who)];
            if was != becomes {
                effect.stewards.push(StewardChange { who: words.clone(), becomes });
            }
        }
        let mut snapshots = Vec::new();
        for name in self.rooms().tables.list().await?.iter().filter(|name| !name.is_reserved()) {
            snapshots.extend(self.rooms().tables.snapshot(name).await?);
        }
        effect.people = whose.len() as u64;
        effect.datasets = snapshots.len() as u64;
        let mut counts = Counts { made: HashMap::new(), uncounted: 0 };
        'people: for (looked_at, whose) in whose.iter().enumerate() {
            for snapshot in &snapshots {
                if Instant::now() > end || effect.changes.len() == MOST_CHANGES {
                    let left = whose_left(looked_at, effect.people);
                    effect.left_out.push(format!("There is more than a review shows: {left}."));
                    break 'people;
                }
                let given = [self.given(whose, snapshot).await?, after.given(whose, snapshot).await?];
                effect.changes.extend(change([self, after], given, whose, snapshot, &mut counts, end).await?);
            }
        }
        if counts.uncounted > 0 {
            let most = format!("The rows of {} of them were not counted: a review counts", counts.uncounted);
            effect.left_out.push(format!("{most} at most {MOST_COUNTS} times and {} seconds.", TIME.as_secs()));
        }
        Ok(effect)
    }

    async fn given(&self, whose: &Whose, snapshot: &Snapshot) -> Result<Given> {
        let (policies, now) = (&self.rooms().policies, Utc::now());
        let access = policies.access(&whose.who, &snapshot.dataset, &snapshot.schema, now).await?;
        let mut may = Vec::new();
        for action in [Action::Read, Action::Upload, Action::Own] {
            let gives = match action {
                Action::Read => access.is_some(),
                Action::Upload | Action::Own => policies.may(&whose.who, &snapshot.dataset, action, now).await?,
            };
            may.extend(gives.then_some(action));
        }
        Ok(Given { access, may })
    }
}

fn whose_left(looked_at: usize, people: u64) -> String {
    format!("it went through {looked_at} of {people} people and names")
}

/// The change for somebody on one dataset, when there is one.
async fn change(
    lakes: [&Lake; 2],
    given: [Given; 2],
    whose: &Whose,
    snapshot: &Snapshot,
    counts: &mut Counts,
    end: Instant,
) -> Result<Option<AccessChange>> {
    let [before, after] = &given;
    let print = |g: &Given| g.access.as_ref().map(|a| a.fingerprint);
    let until = |g: &Given| g.access.as_ref().map(|a| a.note.until);
    let sees_other = print(before) != print(after);
    if !sees_other && before.may == after.may && until(before) == until(after) {
        return Ok(None);
    }
    let mut rows = None;
    if sees_other {
        let before = counts.rows(lakes[0], whose, &snapshot.dataset, before, end).await?;
        let after = counts.rows(lakes[1], whose, &snapshot.dataset, after, end).await?;
        let both = before.zip(after);
        counts.uncounted += u64::from(both.is_none());
        rows = both.map(|(before, after)| RowsChange { before, after, total: snapshot.rows });
    }
    let columns = |g: &Given| explain::columns(g.access.as_ref(), &snapshot.schema);
    let pairs = columns(before).into_iter().zip(columns(after)).filter(|(b, a)| b.shows != a.shows);
    let columns: Vec<ShownChange> =
        pairs.map(|(b, a)| ShownChange { name: b.name, before: b.shows, after: a.shows }).collect();
    let turn = turn(before, after, &columns);
    let [before, after] = given;
    Ok(Some(AccessChange {
        who: whose.words.clone(),
        dataset: snapshot.dataset.clone(),
        turn,
        may_before: before.may,
        may_after: after.may,
        before: before.access.map(|a| a.note),
        after: after.access.map(|a| a.note),
        rows,
        columns,
    }))
}

/// Which way it goes. Where two row filters differ nobody knows which of them gives more: the counts say how many.
fn turn(before: &Given, after: &Given, columns: &[ShownChange]) -> Turn {
    match (before.may.is_empty(), after.may.is_empty()) {
        (true, false) => return Turn::Gains,
        (false, true) => return Turn::Loses,
        _ => {}
    }
    let (mut more, mut less, mut other) = (false, false, false);
    for action in [Action::Read, Action::Upload, Action::Own] {
        more |= !before.may.contains(&action) && after.may.contains(&action);
        less |= before.may.contains(&action) && !after.may.contains(&action);
    }
    if let (Some(before), Some(after)) = (&before.access, &after.access) {
        match (&before.filter, &after.filter) {
            (Some(_), None) => more = true,
            (None, Some(_)) => less = true,
            (before, after) => other |= before != after,
        }
        let ends = |note: &AccessNote| note.until.map_or(i64::MAX, |at| at.timestamp_millis());
        more |= ends(&before.note) < ends(&after.note);
        less |= ends(&before.note) > ends(&after.note);
        for column in columns {
            match (column.before.as_str(), column.after.as_str()) {
                ("hidden", _) | (_, "seen") => more = true,
                (_, "hidden") | ("seen", _) => less = true,
                _ => other = true,
            }
        }
    }
    match (more, less, other) {
        (true, false, false) => Turn::More,
        (false, true, false) => Turn::Less,
        _ => Turn::Other,
    }
}

/// Numbers of rows by what is seen: people who see the same are counted once.
struct Counts {
    made: HashMap<(DatasetName, [u8; 32]), Option<u64>>,
    uncounted: u64,
}

impl Counts {
    /// `None` when it cannot be counted any more.
    async fn rows(
        &mut self,
        lake: &Lake,
        whose: &Whose,
        dataset: &DatasetName,
        given: &Given,
        end: Instant,
    ) -> Result<Option<u64>> {
        let Some(access) = &given.access else { return Ok(Some(0)) };
        let key = (dataset.clone(), access.fingerprint);
        if let Some(rows) = self.made.get(&key) {
            return Ok(*rows);
        }
        if self.made.len() == MOST_COUNTS || Instant::now() > end {
            return Ok(None);
        }
        let left = end.saturating_duration_since(Instant::now());
        let rows = match tokio::time::timeout(left, lake.count_as(&whose.who, dataset)).await {
            Err(_) => None,
            Ok(Err(e @ LakeError::Store { .. })) => return Err(e),
            // A filter that fails on some row, or more queries than may wait.
            Ok(counted) => counted.ok(),
        };
        self.made.insert(key, rows);
        Ok(rows)
    }
}

/// Who is looked at: those who have signed in, and whomever a grant of either policy names.
fn compared(policies: &[Arc<CompiledPolicy>; 2], people: &[Principal], left_out: &mut Vec<String>) -> Vec<Whose> {
    if people.len() > MOST_PEOPLE {
        left_out.push(format!("{} people who have signed in were not looked at.", people.len() - MOST_PEOPLE));
    }
    let known = |who: &Principal| {
        let words = match &who.email {
            Some(email) => format!("{} ({email})", who.name),
            None => who.name.clone(),
        };
        Whose { words, who: who.clone() }
    };
    let mut whose: Vec<Whose> = people.iter().take(MOST_PEOPLE).map(known).collect();
    let documents = policies.iter().map(|p| &p.document);
    let named = documents.flat_map(|d| d.grants.iter().flat_map(|g| &g.to).chain(&d.stewards));
    // What is given on request is for people who have signed in.
    let named = named.filter(|grantee| !matches!(grantee, Grantee::Key(_)));
    let mut seen = BTreeSet::new();
    for grantee in named {
        // Of a user who has signed in more is known than the name.
        let is_known = matches!(grantee, Grantee::User(_)) && people.iter().any(|who| grantee.is(who));
        let described = described(grantee);
        if is_known || !seen.insert(described.words.clone()) {
            continue;
        }
        if seen.len() > MOST_NAMED {
            left_out
                .push(format!("Of the groups, claims and users that grants name, only {MOST_NAMED} were looked at."));
            break;
        }
        whose.push(described);
    }
    whose
}

/// Somebody of whom nothing is known but that this grantee fits.
fn described(grantee: &Grantee) -> Whose {
    let mut who = Principal {
        issuer: "described".to_owned(),
        subject: String::new(),
        name: String::new(),
        email: None,
        groups: Some(BTreeSet::new()),
        claims: Default::default(),
        scope: None,
        origin: Default::default(),
    };
    let words = match grantee {
        Grantee::Everyone => "anyone who is signed in".to_owned(),
        Grantee::Group(group) => {
            who.groups = Some([group.clone()].into());
            format!("anyone in the group {group}")
        }
        Grantee::Claim(name, value) => {
            who.claims = [(name.clone(), vec![value.clone()])].into();
            format!("anyone whose {name} is {value}")
        }
        Grantee::User(name) => {
            who.email = name.contains('@').then(|| name.clone());
            who.subject.clone_from(name);
            format!("the user {name}")
        }
        Grantee::Key(_) => "somebody who was given access on request".to_owned(),
        Grantee::Service(name) => {
            SERVICE.clone_into(&mut who.issuer);
            who.subject = grantee.to_string();
            format!("the service account {name}")
        }
    };
    who.subject = if who.subject.is_empty() { words.clone() } else { who.subject };
    who.name.clone_from(&words);
    Whose { words, who }
}
