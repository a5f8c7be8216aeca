//! Access on request: somebody asks, an owner or a steward gives or refuses, and what was given holds by itself.
//!
//! What holds is what `policy::given` has; a request that says it was granted and is not there has ended. So whatever
//! breaks between the two documents leaves less access, never more.

use std::collections::BTreeSet;

use chrono::{TimeDelta, Utc};
use model::{
    AccessAnswer, AccessPreview, AccessRequest, AccessRequests, AccessState, AccessVerdict, Action, Answered, Ask,
    Asker, AuditAction, DatasetName, Giving, Principal, VisibleRows,
};

use crate::{
    Lake, LakeError, Result,
    policy::{
        given::{self, Given},
        in_scope,
    },
};

mod requests;

pub(crate) use requests::Requests;
use requests::{MOST_OPEN, no_request, person};

/// Requests of others that are over and still listed.
const LISTED_OVER: usize = 100;

impl Lake {
    /// Asks for access to a dataset that `who` may know of.
    ///
    /// # Errors
    /// [`LakeError::NotFound`], the same for absent and hidden; [`LakeError::Invalid`] for a request without a purpose,
    /// for too long, or beside one that waits; [`LakeError::Limit`] when too many wait.
    pub async fn ask_access(&self, who: &Principal, dataset: &DatasetName, ask: Ask) -> Result<AccessRequest> {
        let text = format!("for {} days, for: {}", ask.days, ask.purpose);
        let entry = self.audited(who, AuditAction::AskAccess)?.on(dataset).text(text);
        let asked = self.asked(who, dataset, ask).await;
        self.conclude(who, entry, &asked, |_, _| {});
        asked
    }

    async fn asked(&self, who: &Principal, dataset: &DatasetName, ask: Ask) -> Result<AccessRequest> {
        let known = !dataset.is_reserved()
            && (self.visible(who, dataset).await?.is_some() || self.discovered(who, dataset).await?.is_some());
        if !known {
            return Err(LakeError::no_dataset(dataset));
        }
        let ask = Ask { purpose: said("purpose", &ask.purpose)?, wish: short("wish", &ask.wish)?, ..ask };
        if ask.days == 0 || ask.days > Ask::MOST_DAYS {
            return Err(LakeError::invalid(format!("`days` is 1 to {}", Ask::MOST_DAYS)));
        }
        let asker = Asker {
            key: who.key(),
            name: who.name.clone(),
            email: who.email.clone(),
            groups: who.groups.iter().flatten().cloned().collect(),
        };
        let id = person(&asker.key);
        self.rooms()
            .requests
            .change(&id, |all| {
                let waiting = || all.requests.iter().filter(|r| r.state == AccessState::Waiting);
                if waiting().any(|r| r.dataset == *dataset) {
                    let message = format!("your request for {dataset} waits already; take it back to ask anew");
                    return Err(LakeError::invalid(message));
                }
                if waiting().count() >= MOST_OPEN {
                    let message = format!("{MOST_OPEN} of your requests wait already; take one back first");
                    return Err(LakeError::Limit { message });
                }
                all.number += 1;
                let request = AccessRequest {
                    id: format!("{id}-{}", all.number),
                    dataset: dataset.clone(),
                    asker: asker.clone(),
                    ask: ask.clone(),
                    asked_at: Utc::now(),
                    state: AccessState::Waiting,
                    answered: None,
                    given: None,
                };
                all.requests.push(request.clone());
                Ok(request)
            })
            .await
    }

    /// The requests of `who`, and those that `who` answers as an owner or a steward.
    ///
    /// # Errors
    /// [`LakeError::Store`] when they or the policy cannot be read.
    pub async fn access_requests(&self, who: &Principal) -> Result<AccessRequests> {
        let holds = self.holding().await?;
        let mut mine: Vec<AccessRequest> = self.rooms().requests.of(who).await?.requests;
        mine.retain(|r| is_own(who, r));
        for request in &mut mine {
            request.state = state(request, &holds);
            self.for_asker(request).await?;
        }
        mine.reverse();
        let mut to_answer = Vec::new();
        for request in self.rooms().requests.all().await?.iter().flat_map(|asked| &asked.requests) {
            if self.answers(who, request).await? {
                to_answer.push(AccessRequest { state: state(request, &holds), ..request.clone() });
            }
        }
        let rank = |r: &AccessRequest| match r.state {
            AccessState::Waiting => (0, r.asked_at.timestamp_micros()),
            AccessState::Granted => (1, r.given.as_ref().map_or(0, |g| g.until.timestamp_micros())),
            _ => (2, -r.asked_at.timestamp_micros()),
        };
        to_answer.sort_by_key(rank);
        let over = to_answer.iter().filter(|r| rank(r).0 == 2).count();
        to_answer.truncate(to_answer.len() - over.saturating_sub(LISTED_OVER));
        Ok(AccessRequests { mine, to_answer })
    }

    /// How many requests wait for an answer of `who`.
    ///
    /// # Errors
    /// As [`Lake::access_requests`].
    pub async fn access_waiting(&self, who: &Principal) -> Result<usize> {
        let mut waiting = 0;
        for request in self.rooms().requests.all().await?.iter().flat_map(|asked| &asked.requests) {
            waiting += usize::from(request.state == AccessState::Waiting && self.answers(who, request).await?);
        }
        Ok(waiting)
    }

    /// One request, for its asker and for who answers it.
    ///
    /// # Errors
    /// [`LakeError::NotFound`], the same for absent and hidden.
    pub async fn access_request(&self, who: &Principal, id: &str) -> Result<AccessRequest> {
        let mut request = self.rooms().requests.get(id).await?;
        if is_own(who, &request) {
            self.for_asker(&mut request).await?;
        } else if !self.answers(who, &request).await? {
            return Err(no_request(id));
        }
        request.state = state(&request, &self.holding().await?);
        Ok(request)
    }

    /// Makes it one for its asker.
    async fn for_asker(&self, request: &mut AccessRequest) -> Result<()> {
        if let Some(give) = &mut request.given {
            let snapshot = self.rooms().tables.snapshot(&request.dataset).await?;
            *give = given::told(give, snapshot.as_ref().map(|s| &*s.schema));
        }
        Ok(())
    }

    /// What a grant would give by itself. For who could grant it; is audited.
    ///
    /// # Errors
    /// [`LakeError::NotFound`], the same for absent and hidden; [`LakeError::Forbidden`] for an owner who does not see
    /// the dataset whole; [`LakeError::InvalidSql`] with its place in `rows`; [`LakeError::Invalid`].
    pub async fn access_preview(&self, who: &Principal, id: &str, give: &Giving) -> Result<AccessPreview> {
        let text = format!("what the grant would give: request {id}, {}", words(give));
        let mut entry = self.audited(who, AuditAction::Explain)?.text(text);
        let told = async {
            let request = self.to_answer(who, id).await?;
            entry.fill(|event| event.datasets = Some(request.dataset.to_string()));
            let (snapshot, gives) = self.gives(who, &request.dataset, give).await?;
            let visible = match gives.filter {
                None => snapshot.rows,
                Some(filter) => self.rooms().policies.count(&snapshot, filter).await?,
            };
            let rows = VisibleRows { visible, total: snapshot.rows };
            Ok(AccessPreview { rows, columns: gives.columns })
        }
        .await;
        self.conclude(who, entry, &told, |_, _| {});
        told
    }

    /// Answers a request: its asker takes it back, an owner of the dataset or a steward does the rest.
    ///
    /// # Errors
    /// As [`Lake::access_preview`]; [`LakeError::Conflict`] when it was answered meanwhile.
    pub async fn answer_access(&self, who: &Principal, id: &str, answer: AccessAnswer) -> Result<AccessRequest> {
        let action = match answer.verdict {
            AccessVerdict::Grant => AuditAction::GrantAccess,
            AccessVerdict::Refuse => AuditAction::RefuseAccess,
            AccessVerdict::End => AuditAction::EndAccess,
            AccessVerdict::Withdraw => AuditAction::WithdrawAccess,
        };
        let mut entry = self.audited(who, action)?.text(format!("request {id}"));
        let done = match answer.verdict {
            AccessVerdict::Grant => self.grant_access(who, id, answer.give).await,
            AccessVerdict::Refuse => self.refuse_access(who, id, &answer.reason).await,
            AccessVerdict::End => self.end_access(who, id, &answer.reason).await,
            AccessVerdict::Withdraw => self.withdraw_access(who, id).await,
        };
        entry.fill(|event| {
            let Ok(request) = &done else { return };
            let given = request.given.as_ref().map(|give| format!(", {}", words(give))).unwrap_or_default();
            let reason = request.answered.as_ref().filter(|a| !a.reason.is_empty());
            let reason = reason.map(|a| format!(", because: {}", a.reason)).unwrap_or_default();
            let Asker { key, name, .. } = &request.asker;
            event.datasets = Some(request.dataset.to_string());
            event.text = Some(format!("request {id} of {name} ({key}), for: {}{given}{reason}", request.ask.purpose));
        });
        self.conclude(who, entry, &done, |_, _| {});
        done
    }

    async fn withdraw_access(&self, who: &Principal, id: &str) -> Result<AccessRequest> {
        if !is_own(who, &self.rooms().requests.get(id).await?) {
            return Err(no_request(id));
        }
        self.rooms().requests.answer(id, AccessState::Waiting, |r| r.state = AccessState::Withdrawn).await
    }

    async fn refuse_access(&self, who: &Principal, id: &str, reason: &str) -> Result<AccessRequest> {
        self.to_answer(who, id).await?;
        let answered = answered(who, said("reason", reason)?);
        let refused = |r: &mut AccessRequest| {
            r.state = AccessState::Refused;
            r.answered = Some(answered.clone());
        };
        self.rooms().requests.answer(id, AccessState::Waiting, refused).await
    }

    async fn grant_access(&self, who: &Principal, id: &str, give: Option<Giving>) -> Result<AccessRequest> {
        let request = self.to_answer(who, id).await?;
        let give = give.ok_or_else(|| LakeError::invalid("`give` says what is granted, at least `until`"))?;
        self.gives(who, &request.dataset, &give).await?;
        let answered = answered(who, String::new());
        let granted = |r: &mut AccessRequest| {
            r.state = AccessState::Granted;
            r.answered = Some(answered.clone());
            r.given = Some(give.clone());
        };
        // The request first: of two who answer at once one is told so, and only the other gives anything.
        let request = self.rooms().requests.answer(id, AccessState::Waiting, granted).await?;
        let given = Given {
            request: request.id.clone(),
            to: request.asker.key.clone(),
            name: request.asker.name.clone(),
            dataset: request.dataset.clone(),
            give,
            purpose: request.ask.purpose.clone(),
            by: answered.by,
            at: answered.at,
        };
        let written = given::change(&self.rooms().documents, |all| all.push(given.clone())).await;
        self.rooms().policies.look_again().await;
        if let Err(e) = written {
            // It may be written all the same; so it is taken away before the request waits again.
            self.take_away(id).await?;
            let waits = |r: &mut AccessRequest| {
                r.state = AccessState::Waiting;
                (r.answered, r.given) = (None, None);
            };
            self.rooms().requests.answer(id, AccessState::Granted, waits).await?;
            return Err(e);
        }
        // Whoever ended it between the two writes found nothing to take away.
        if self.rooms().requests.get(id).await?.state != AccessState::Granted {
            self.take_away(id).await?;
            return Err(LakeError::Conflict { what: "the request" });
        }
        Ok(request)
    }

    async fn end_access(&self, who: &Principal, id: &str, reason: &str) -> Result<AccessRequest> {
        self.to_answer(who, id).await?;
        let answered = answered(who, said("reason", reason)?);
        // First what holds; and once more, for one who is just giving it, and then sees that it has ended.
        self.take_away(id).await?;
        let ended = |r: &mut AccessRequest| {
            r.state = AccessState::Ended;
            r.answered = Some(answered.clone());
        };
        let request = self.rooms().requests.answer(id, AccessState::Granted, ended).await?;
        self.take_away(id).await?;
        Ok(request)
    }

    async fn take_away(&self, id: &str) -> Result<()> {
        given::change(&self.rooms().documents, |all| all.retain(|g| g.request != id)).await?;
        self.rooms().policies.look_again().await;
        Ok(())
    }

    /// The request, for who answers it.
    async fn to_answer(&self, who: &Principal, id: &str) -> Result<AccessRequest> {
        let request = self.rooms().requests.get(id).await?;
        if self.answers(who, &request).await? { Ok(request) } else { Err(no_request(id)) }
    }

    /// Whether `who` answers it: owners of its dataset and stewards do, nobody their own.
    async fn answers(&self, who: &Principal, request: &AccessRequest) -> Result<bool> {
        let policies = &self.rooms().policies;
        Ok(request.asker.key != who.key()
            && (policies.may(who, &request.dataset, Action::Own, Utc::now()).await?
                || policies.is_steward(who).await?))
    }

    /// What `who` may give of the dataset: stewards anything, an owner what it sees itself. What one limited view gives
    /// of another cannot be told in general, so an owner sees the dataset whole or gives nothing.
    async fn gives(
        &self,
        who: &Principal,
        dataset: &DatasetName,
        give: &Giving,
    ) -> Result<(std::sync::Arc<crate::table::Snapshot>, given::Gives)> {
        let (rooms, now) = (self.rooms(), Utc::now());
        let snapshot = rooms.tables.snapshot(dataset).await?.ok_or_else(|| LakeError::no_dataset(dataset))?;
        if give.until <= now || give.until > now + TimeDelta::days(Ask::MOST_DAYS.into()) {
            let message = format!("`until` is in the future, at most {} days from now", Ask::MOST_DAYS);
            return Err(LakeError::invalid(message));
        }
        if !rooms.policies.is_steward(who).await? {
            let access = rooms.policies.access(who, dataset, &snapshot.schema, now).await?;
            let whole = access.filter(|a| snapshot.schema.fields().iter().all(|f| a.shows_whole(f.name())));
            let message = match whole {
                None => Some(format!("you do not see all of {dataset} yourself, so a steward gives access to it")),
                Some(a) if a.note.until.is_some_and(|own| own < give.until) => Some(format!(
                    "your own access to {dataset} ends before that; choose an earlier day, or ask a steward"
                )),
                Some(_) => None,
            };
            if let Some(message) = message {
                return Err(LakeError::Forbidden { message });
            }
        }
        let gives = given::check(give, dataset, &snapshot.schema)?;
        Ok((snapshot, gives))
    }

    /// Ids of the requests whose grants are there.
    async fn holding(&self) -> Result<BTreeSet<String>> {
        match given::all(&self.rooms().documents).await {
            // Then nothing of it holds.
            Err(LakeError::Internal { .. }) => Ok(BTreeSet::new()),
            all => Ok(all?.into_iter().map(|g| g.request).collect()),
        }
    }
}

/// Whether `who` asked, and may say so: a token that is for other datasets does not.
fn is_own(who: &Principal, request: &AccessRequest) -> bool {
    request.asker.key == who.key() && in_scope(who, &request.dataset, "read")
}

/// What became of a request, by the grants that are there.
fn state(request: &AccessRequest, holds: &BTreeSet<String>) -> AccessState {
    match (request.state, &request.given) {
        (AccessState::Granted, Some(give)) if give.until <= Utc::now() => AccessState::Expired,
        (AccessState::Granted, _) if !holds.contains(&request.id) => AccessState::Ended,
        (state, _) => state,
    }
}

fn answered(who: &Principal, reason: String) -> Answered {
    Answered { by: who.name.clone(), at: Utc::now(), reason }
}

/// A text that must be there.
fn said(what: &str, text: &str) -> Result<String> {
    let text = short(what, text)?;
    if text.is_empty() { Err(LakeError::invalid(format!("`{what}` is missing: write a sentence"))) } else { Ok(text) }
}

fn short(what: &str, text: &str) -> Result<String> {
    let text = text.trim();
    if text.chars().count() > Ask::TEXT {
        return Err(LakeError::invalid(format!("`{what}` has at most {} letters", Ask::TEXT)));
    }
    Ok(text.to_owned())
}

fn words(give: &Giving) -> String {
    let mut words = format!("until {}", give.until.format("%Y-%m-%d %H:%M UTC"));
    if let Some(rows) = &give.rows {
        words.push_str(&format!(", rows where {rows}"));
    }
    if let Some(columns) = &give.columns {
        words.push_str(&format!(", columns {}", columns.join(", ")));
    }
    if !give.except.is_empty() {
        words.push_str(&format!(", except {}", give.except.join(", ")));
    }
    for (column, mask) in &give.mask {
        words.push_str(&format!(", {column} as {mask}"));
    }
    words
}
