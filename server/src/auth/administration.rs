//! What is done to the accounts of others: service accounts made, disabled and removed, sessions and tokens ended.
//! Stewards look after all accounts; a partner's administrators after the partner's people and service accounts. Whoever
//! looks after an account never gives it more than they have. Pages and API come here alike, and all of it is audited.

use std::collections::BTreeSet;

use futures::{StreamExt as _, TryStreamExt as _};
use lake::{LakeError, Result};
use model::{
    Account, AccountDetail, Accounts, AuditAction, NewServiceAccount, NewToken, Principal, Service, TokenSecret,
    principal::SERVICE,
};

use super::account;
use crate::state::AppState;

/// Index of service accounts: one document a name, written once and never removed.
const INDEX: &str = "service";

/// Whose accounts somebody looks after.
enum Reach {
    All,
    /// Of the partners with these groups; perhaps none.
    Partners(Vec<String>),
}

impl AppState {
    async fn reach(&self, who: &Principal) -> Result<Reach> {
        if self.lake.is_steward(who).await? {
            return Ok(Reach::All);
        }
        let partners = self.lake.administers(who).await?;
        Ok(Reach::Partners(partners.into_iter().map(|p| p.group).collect()))
    }

    /// Whether somebody looks after accounts of others.
    ///
    /// # Errors
    /// [`LakeError::Store`] when the policy cannot be read.
    pub async fn is_administrator(&self, who: &Principal) -> Result<bool> {
        Ok(!matches!(self.reach(who).await?, Reach::Partners(partners) if partners.is_empty()))
    }

    async fn looks_after(&self, reach: &Reach, account: &account::Account) -> Result<bool> {
        let Reach::Partners(partners) = reach else { return Ok(true) };
        match &account.service {
            Some(service) => Ok(service.partner.as_ref().is_some_and(|p| partners.contains(p))),
            // A steward in a partner's group is no partner's to administer.
            None => Ok(partners.iter().any(|p| account.principal.in_group(p))
                && !self.lake.is_steward(&account.principal).await?),
        }
    }

    /// Service accounts that `who` looks after or owns, and with `people` the people too; by name.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn accounts(&self, who: &Principal, people: bool) -> Result<Accounts> {
        const AT_ONCE: usize = 16;
        let reach = self.reach(who).await?;
        let documents = self.lake.documents();
        let ids: Vec<String> = if people {
            account::known(documents).await?.into_iter().map(|known| known.id).collect()
        } else {
            documents.ids(INDEX).await?
        };
        let read = async |id: String| Ok::<_, LakeError>(account::get(documents, &id).await?.map(|a| (id, a)));
        let read: Vec<_> = futures::stream::iter(ids).map(read).buffered(AT_ONCE).try_collect().await?;
        let mut all = Vec::new();
        for (id, account) in read.into_iter().flatten() {
            if owns(who, &account) || self.looks_after(&reach, &account).await? {
                all.push(Account { id, who: account.principal, service: account.service });
            }
        }
        all.sort_by(|a, b| (&a.who.name, &a.id).cmp(&(&b.who.name, &b.id)));
        Ok(match reach {
            Reach::All => Accounts { all, steward: true, partners: Vec::new() },
            Reach::Partners(partners) => Accounts { all, steward: false, partners },
        })
    }

    /// One account with its sessions and tokens.
    ///
    /// # Errors
    /// [`LakeError::NotFound`] when there is none, or `who` neither looks after it nor owns it.
    pub async fn account(&self, who: &Principal, id: &str) -> Result<AccountDetail> {
        let found = account::get(self.lake.documents(), id).await?.ok_or_else(|| absent(id))?;
        let may_change = self.looks_after(&self.reach(who).await?, &found).await?;
        if !may_change && !owns(who, &found) {
            return Err(absent(id));
        }
        let sessions = self.sessions.list(&found.principal, None).await?;
        let tokens = self.tokens.list(&found.principal).await?;
        let account = Account { id: id.to_owned(), who: found.principal, service: found.service };
        Ok(AccountDetail { account, sessions, tokens, may_change })
    }

    /// The account, for somebody who looks after it.
    async fn looked_after(&self, who: &Principal, id: &str) -> Result<account::Account> {
        let found = account::get(self.lake.documents(), id).await?.ok_or_else(|| absent(id))?;
        if self.looks_after(&self.reach(who).await?, &found).await? { Ok(found) } else { Err(absent(id)) }
    }

    /// Makes a service account.
    ///
    /// # Errors
    /// [`LakeError::Forbidden`] for who administers nothing, and for what an administrator does not have;
    /// [`LakeError::Invalid`] for a name or text out of bounds, and for a name that was taken before.
    pub async fn make_service_account(&self, who: &Principal, new: NewServiceAccount) -> Result<Account> {
        let entry = self.lake.audited(who, AuditAction::MakeAccount)?.text(new.name.clone());
        let made = self.make(who, new).await;
        self.lake.conclude(who, entry, &made, |event, made| event.text = Some(in_words(&made.who)));
        made
    }

    async fn make(&self, who: &Principal, new: NewServiceAccount) -> Result<Account> {
        let (partner, groups) = match self.reach(who).await? {
            Reach::All => {
                let known = self.lake.partners().await?;
                if let Some(group) = new.partner.as_ref().filter(|g| !known.iter().any(|p| p.group == **g)) {
                    return Err(LakeError::invalid(format!("the policy has no partner whose group is `{group}`")));
                }
                (new.partner.clone(), new.groups.clone())
            }
            Reach::Partners(partners) => {
                let partner = of_partner(&partners, new.partner.as_deref())?.to_owned();
                let groups = if new.groups.is_empty() { BTreeSet::from([partner.clone()]) } else { new.groups.clone() };
                (Some(partner), groups)
            }
        };
        check(&new)?;
        let name = match &partner {
            Some(group) => format!("{group}/{}", new.name),
            None => new.name.clone(),
        };
        let principal = Principal::service(&name, groups, new.claims);
        self.may_hand_out(who, partner.as_deref(), &principal).await?;
        let maker = || who.email.clone().unwrap_or_else(|| who.subject.clone());
        let service = Service {
            description: new.description.trim().to_owned(),
            partner,
            owners: if new.owners.is_empty() { vec![maker()] } else { new.owners },
            made_by: who.name.clone(),
            made_at: chrono::Utc::now(),
            disabled: false,
        };
        let id = account::id_of(&principal);
        let documents = self.lake.documents();
        // The index is what knows names that were given, also those of accounts that were removed.
        match documents.create(INDEX, &id, &name).await {
            Err(LakeError::Conflict { .. }) => {
                return Err(LakeError::invalid(format!(
                    "there is, or was, a service account `{name}`; a name is given once, so that no grant to it passes on"
                )));
            }
            done => done?,
        }
        let account = account::Account::service(principal.clone(), service.clone());
        documents.create(account::KIND, &id, &account).await?;
        Ok(Account { id, who: principal, service: Some(service) })
    }

    /// Whether `who` has all that this service account acts with, so that they may make it, and tokens of it.
    async fn may_hand_out(&self, who: &Principal, partner: Option<&str>, service: &Principal) -> Result<()> {
        let Reach::Partners(partners) = self.reach(who).await? else { return Ok(()) };
        let forbidden = |message: String| Err(LakeError::Forbidden { message });
        let Some(partner) = partner.filter(|p| partners.iter().any(|own| own == p)) else {
            return forbidden("service accounts are made by stewards, and by administrators of a partner".to_owned());
        };
        if service.groups != Some(BTreeSet::from([partner.to_owned()])) {
            return forbidden(format!("you administer {partner}, so the account can be in that group and no other"));
        }
        // Whole or not at all: under `not`, fewer values of a claim show more.
        let values = |all: &[String]| all.iter().cloned().collect::<BTreeSet<_>>();
        let own = |name: &str| who.claim(name).map(values);
        match service.claims.iter().find(|(name, given)| own(name) != Some(values(given))) {
            Some((name, _)) => {
                forbidden(format!("the claim `{name}` can be given only as you have it yourself, with all its values"))
            }
            None => Ok(()),
        }
    }

    /// Disables a service account or lets it work again; its tokens follow everywhere within seconds.
    ///
    /// # Errors
    /// [`LakeError::NotFound`] when there is none that `who` looks after.
    pub async fn change_account(&self, who: &Principal, id: &str, disabled: bool) -> Result<()> {
        let words = if disabled { "disabled" } else { "works again" };
        let mut entry = self.lake.audited(who, AuditAction::ChangeAccount)?.text(id);
        let done = async {
            let found = self.looked_after_service(who, id).await?;
            entry.fill(|event| event.text = Some(format!("{}: {words}", found.name)));
            account::change(self.lake.documents(), &found, |a| {
                if let Some(service) = &mut a.service {
                    service.disabled = disabled;
                }
            })
            .await?;
            self.tokens.forget();
            Ok(())
        };
        let done = done.await;
        self.lake.conclude(who, entry, &done, |_, ()| {});
        done
    }

    /// Removes a service account with its tokens, for good.
    ///
    /// # Errors
    /// As [`change_account`](Self::change_account).
    pub async fn remove_account(&self, who: &Principal, id: &str) -> Result<()> {
        let mut entry = self.lake.audited(who, AuditAction::RemoveAccount)?.text(id);
        let done = async {
            let found = self.looked_after_service(who, id).await?;
            entry.fill(|event| event.text = Some(found.name.clone()));
            self.lake.documents().remove(account::KIND, id).await?;
            self.tokens.forget();
            Ok(())
        };
        let done = done.await;
        self.lake.conclude(who, entry, &done, |_, ()| {});
        done
    }

    async fn looked_after_service(&self, who: &Principal, id: &str) -> Result<Principal> {
        let found = self.looked_after(who, id).await?;
        if found.service.is_some() { Ok(found.principal) } else { Err(absent(id)) }
    }

    /// Makes a token of a service account.
    ///
    /// # Errors
    /// As [`change_account`](Self::change_account); [`LakeError::Forbidden`] when the account has what `who` has not.
    pub async fn make_account_token(&self, who: &Principal, id: &str, new: NewToken) -> Result<TokenSecret> {
        let words = super::audited::token_in_words(&new);
        let mut entry = self.lake.audited(who, AuditAction::MakeToken)?.text(format!("of {id}: {words}"));
        let made = async {
            let found = self.looked_after(who, id).await?;
            let Some(service) = &found.service else { return Err(absent(id)) };
            entry.fill(|event| event.text = Some(format!("of {}: {words}", found.principal.name)));
            self.may_hand_out(who, service.partner.as_deref(), &found.principal).await?;
            self.tokens.create(&found.principal, None, new).await
        };
        let made = made.await;
        self.lake.conclude(who, entry, &made, |event, made| {
            event.text = Some(format!("{} {}", made.token.id, event.text.take().unwrap_or_default()));
        });
        made
    }

    /// Revokes a token of an account that `who` looks after.
    ///
    /// # Errors
    /// As [`change_account`](Self::change_account).
    pub async fn revoke_account_token(&self, who: &Principal, id: &str, token: &str) -> Result<()> {
        let mut entry = self.lake.audited(who, AuditAction::RevokeToken)?.text(format!("{token} of {id}"));
        let done = async {
            let found = self.looked_after(who, id).await?.principal;
            entry.fill(|event| event.text = Some(format!("{token} of {}", found.name)));
            self.tokens.revoke(&found, token).await
        };
        let done = done.await;
        self.lake.conclude(who, entry, &done, |_, ()| {});
        done
    }

    /// Ends a session of somebody whom `who` looks after.
    ///
    /// # Errors
    /// As [`change_account`](Self::change_account).
    pub async fn end_account_session(&self, who: &Principal, id: &str, session: &str) -> Result<()> {
        let mut entry = self.lake.audited(who, AuditAction::RevokeSession)?.text(format!("{session} of {id}"));
        let done = async {
            let found = self.looked_after(who, id).await?.principal;
            entry.fill(|event| event.text = Some(format!("{session} of {}", found.name)));
            self.sessions.revoke(&found, session).await
        };
        let done = done.await;
        self.lake.conclude(who, entry, &done, |_, ()| {});
        done
    }
}

/// The partner that an administrator makes an account for.
fn of_partner<'a>(partners: &'a [String], named: Option<&str>) -> Result<&'a str> {
    let forbidden = |message: String| LakeError::Forbidden { message };
    match (named, partners) {
        (_, []) => {
            let message = "service accounts are made by stewards, and by administrators of a partner";
            Err(forbidden(message.to_owned()))
        }
        (None, [one]) => Ok(one.as_str()),
        (None, _) => Err(LakeError::invalid(format!("say for which partner: {}", partners.join(", ")))),
        (Some(named), _) => match partners.iter().find(|p| *p == named) {
            Some(own) => Ok(own),
            None => Err(forbidden(format!("you do not administer a partner `{named}`"))),
        },
    }
}

fn check(new: &NewServiceAccount) -> Result<()> {
    let name = new.name.as_str();
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !plain || name.len() > 40 || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err(LakeError::invalid(format!(
            "`{name}` is no name of a service account: use 1 to 40 of a-z, 0-9 and -, beginning with a letter"
        )));
    }
    let odd = |text: &String, most: usize| {
        text.trim().is_empty() || text.chars().count() > most || text.chars().any(char::is_control)
    };
    if !new.description.is_empty() && odd(&new.description, 300) {
        return Err(LakeError::invalid("a description has at most 300 characters, none of them control characters"));
    }
    let values = new.claims.values();
    if new.groups.len() > 50 || new.claims.len() > 50 || new.owners.len() > 20 || values.clone().any(|v| v.len() > 100)
    {
        return Err(LakeError::invalid("at most 50 groups, 50 claims with 100 values each, and 20 owners"));
    }
    if values.clone().any(Vec::is_empty) {
        return Err(LakeError::invalid("a claim needs at least one value; leave it out instead"));
    }
    let words = new.groups.iter().chain(new.claims.keys()).chain(values.flatten()).chain(&new.owners);
    match words.into_iter().find(|word| odd(word, 200)) {
        Some(word) => {
            Err(LakeError::invalid(format!("`{word}` is no group, claim or owner: 1 to 200 plain characters")))
        }
        None => Ok(()),
    }
}

/// Owners see a service account and its tokens; they change nothing.
fn owns(who: &Principal, account: &account::Account) -> bool {
    let is =
        |owner: &String| who.subject == *owner || who.email.as_ref().is_some_and(|e| e.eq_ignore_ascii_case(owner));
    let person = who.scope.is_none() && who.issuer != SERVICE;
    person && account.service.as_ref().is_some_and(|s| s.owners.iter().any(is))
}

fn in_words(who: &Principal) -> String {
    let groups = who.groups.iter().flatten().cloned().collect::<Vec<_>>().join(", ");
    let claims = who.claims.iter().map(|(name, values)| format!("; {name} = {}", values.join(", ")));
    format!("{}: groups {groups}{}", who.name, claims.collect::<String>())
}

fn absent(id: &str) -> LakeError {
    LakeError::NotFound { what: "account", name: id.to_owned() }
}
