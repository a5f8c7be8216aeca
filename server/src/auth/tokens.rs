//! Tokens of people and service accounts: `pk_<id>_<secret>`, of which only a hash of the secret is stored.
//!
//! A token acts as its owner was described at the last sign-in, narrowed by its scope, from the networks of its scope. A token made with a token is
//! no wider, lives no longer, and ends with it.

use std::{
    collections::BTreeSet,
    fmt,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use lake::{LakeError, Result, document::Documents};
use model::{Network, NewToken, Principal, TokenSecret, TokenSummary, principal::TokenScope};
use moka::future::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::{
    account::{self, hex},
    sessions::shared,
};

const KIND: &str = "token";
/// What every secret begins with, so that scanners find leaked ones.
pub const PREFIX: &str = "pk_";
/// Stewardship is no action: no token has it.
/// `notify` announces files of the landing area and shows nothing.
const ACTIONS: [&str; 4] = ["read", "upload", "own", "notify"];
const MAX_TOKENS: usize = 50;
const MAX_PARENTS: usize = 3;
/// A token's last use is written down this coarsely: one write a while, not one a request.
const USED_EVERY: TimeDelta = TimeDelta::minutes(10);
const CACHED: u64 = 50_000;

pub struct Tokens {
    documents: Documents,
    cache: Cache<String, Option<Arc<Holder>>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stored {
    name: String,
    /// Document id of the owner's account.
    account: String,
    /// SHA-256 of the secret part, lower-case hex.
    sha256: String,
    scope: TokenScope,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    #[serde(default)]
    last_used_at: Option<DateTime<Utc>>,
    #[serde(default)]
    last_used_from: Option<String>,
    /// The token that made this one.
    #[serde(default)]
    parent: Option<String>,
}

/// A token with its owner, as one request needs them.
#[derive(Debug)]
struct Holder {
    token: Stored,
    owner: Principal,
    /// No token of the chain holds longer.
    until: DateTime<Utc>,
    /// Whether this reading of it has written down a use.
    noted: AtomicBool,
}

/// Why a token does not hold; outside all of these are one.
#[derive(Debug, Clone)]
pub enum NotHeld {
    Unknown,
    /// Its secret is right, and it came from elsewhere than its networks.
    Outside(Box<Principal>),
}

/// Which token was used, for what it may make in turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    pub id: String,
    pub scope: TokenScope,
    pub expires_at: DateTime<Utc>,
}

impl Tokens {
    #[must_use]
    pub fn new(documents: Documents, cached: std::time::Duration) -> Self {
        Self { documents, cache: Cache::builder().max_capacity(CACHED).time_to_live(cached).build() }
    }

    /// The person that a token acts for when it comes from this address, or why it does not hold.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn find(
        &self,
        secret: &str,
        from: Option<IpAddr>,
    ) -> Result<std::result::Result<(Principal, Used), NotHeld>> {
        let Some((id, secret)) = split(secret) else { return Ok(Err(NotHeld::Unknown)) };
        let found = self.cache.try_get_with(id.to_owned(), self.load(id)).await.map_err(shared)?;
        // Hash and compare in any case: the time taken does not tell whether the id exists.
        let given = hex(&Sha256::digest(secret));
        let none = "0".repeat(given.len());
        let kept = found.as_ref().map_or(none.as_str(), |h| h.token.sha256.as_str());
        let same: bool = given.as_bytes().ct_eq(kept.as_bytes()).into();
        let Some(holder) = found.filter(|h| same && h.until > Utc::now()) else { return Ok(Err(NotHeld::Unknown)) };
        let networks = &holder.token.scope.networks;
        if !networks.is_empty() && !from.is_some_and(|at| networks.iter().any(|n| n.holds(at))) {
            return Ok(Err(NotHeld::Outside(Box::new(holder.owner.clone()))));
        }
        self.note_use(id, &holder, from).await;
        let mut principal = holder.owner.clone();
        principal.scope = Some(holder.token.scope.clone());
        let used = Used { id: id.to_owned(), scope: holder.token.scope.clone(), expires_at: holder.until };
        Ok(Ok((principal, used)))
    }

    /// Makes a token for `who`; `with` is the token that asks, when it is one.
    ///
    /// # Errors
    /// [`LakeError::Invalid`] for a name, duration or scope out of bounds, [`LakeError::Forbidden`] when a token asks
    /// for more than it has itself.
    pub async fn create(&self, who: &Principal, with: Option<&Used>, new: NewToken) -> Result<TokenSecret> {
        let scope = check(&new)?;
        let created_at = Utc::now();
        let expires_at = created_at + TimeDelta::days(new.days.into());
        if let Some(with) = with
            && !(within(&scope, &with.scope) && expires_at <= with.expires_at)
        {
            let message = "a token can only make tokens that are no wider and live no longer than itself".to_owned();
            return Err(LakeError::Forbidden { message });
        }
        let account_id = account::id_of(who);
        let held = account::get(&self.documents, &account_id).await?.map_or(0, |a| a.tokens.len());
        if held >= MAX_TOKENS {
            return Err(LakeError::invalid(format!("there are {held} tokens; revoke some before you make more")));
        }
        let id = uuid::Uuid::now_v7().simple().to_string();
        let secret = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let token = Stored {
            name: new.name.trim().to_owned(),
            account: account_id,
            sha256: hex(&Sha256::digest(&secret)),
            scope,
            created_at,
            expires_at,
            last_used_at: None,
            last_used_from: None,
            parent: with.map(|w| w.id.clone()),
        };
        self.documents.create(KIND, &id, &token).await?;
        account::change(&self.documents, who, |account| {
            account.tokens.retain(|t| *t != id);
            account.tokens.push(id.clone());
        })
        .await?;
        Ok(TokenSecret { secret: format!("{PREFIX}{id}_{secret}"), token: token.summary(id) })
    }

    /// Revokes one of the person's own tokens.
    ///
    /// # Errors
    /// [`LakeError::NotFound`] when the person has no such token.
    pub async fn revoke(&self, who: &Principal, id: &str) -> Result<()> {
        let account = account::get(&self.documents, &account::id_of(who)).await?;
        if !account.is_some_and(|a| a.tokens.iter().any(|t| t == id)) {
            return Err(LakeError::NotFound { what: "token", name: id.to_owned() });
        }
        self.documents.remove(KIND, id).await?;
        // Tokens made with it end too.
        self.cache.invalidate_all();
        account::change(&self.documents, who, |account| account.tokens.retain(|t| t != id)).await
    }

    /// The person's tokens, newest first, expired ones included.
    pub async fn list(&self, who: &Principal) -> Result<Vec<TokenSummary>> {
        let Some(account) = account::get(&self.documents, &account::id_of(who)).await? else { return Ok(Vec::new()) };
        let mut all = Vec::new();
        for id in account.tokens.into_iter().rev() {
            if let Some(found) = self.documents.get::<Stored>(KIND, &id).await? {
                all.push(found.value.summary(id));
            }
        }
        Ok(all)
    }

    /// Looks every token up again: an account that they act for has changed.
    pub fn forget(&self) {
        self.cache.invalidate_all();
    }

    async fn load(&self, id: &str) -> Result<Option<Arc<Holder>>> {
        let Some(found) = self.documents.get::<Stored>(KIND, id).await? else { return Ok(None) };
        let token = found.value;
        let mut until = token.expires_at;
        let mut parent = token.parent.clone();
        for _ in 0..MAX_PARENTS {
            let Some(id) = parent else { break };
            let Some(above) = self.documents.get::<Stored>(KIND, &id).await? else { return Ok(None) };
            until = until.min(above.value.expires_at);
            parent = above.value.parent;
        }
        if parent.is_some() {
            return Ok(None);
        }
        let Some(account) = account::get(&self.documents, &token.account).await? else { return Ok(None) };
        if account.is_disabled() {
            return Ok(None);
        }
        Ok(Some(Arc::new(Holder { token, owner: account.principal, until, noted: AtomicBool::new(false) })))
    }

    /// Writes down when and from where a token was used, once a while. Who revokes it meanwhile has the last word.
    async fn note_use(&self, id: &str, holder: &Holder, from: Option<IpAddr>) {
        let now = Utc::now();
        let lately = holder.token.last_used_at.is_some_and(|at| now < at + USED_EVERY);
        if lately || holder.noted.swap(true, Ordering::Relaxed) {
            return;
        }
        let written = async {
            let Some(found) = self.documents.get::<Stored>(KIND, id).await? else { return Ok(()) };
            let last_used_from = from.map(|at| at.to_canonical().to_string());
            let token = Stored { last_used_at: Some(now), last_used_from, ..found.value };
            self.documents.update(KIND, id, found.version, &token).await
        };
        match written.await {
            Ok(()) | Err(LakeError::Conflict { .. }) => {}
            Err(e) => tracing::warn!(error = %e, "a token's last use could not be written down"),
        }
    }
}

impl Stored {
    fn summary(&self, id: String) -> TokenSummary {
        TokenSummary {
            id,
            name: self.name.clone(),
            scope: self.scope.clone(),
            created_at: self.created_at,
            expires_at: self.expires_at,
            last_used_at: self.last_used_at,
            last_used_from: self.last_used_from.clone(),
        }
    }
}

/// The public id of a text that is made like a token.
#[must_use]
pub fn id_of(token: &str) -> Option<&str> {
    split(token).map(|(id, _)| id)
}

/// Id and secret of a token. The id has 32 hexadecimal digits, so that it names a document and nothing else.
fn split(token: &str) -> Option<(&str, &str)> {
    let (id, secret) = token.strip_prefix(PREFIX)?.split_once('_')?;
    let hex = id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (hex && secret.len() == 43).then_some((id, secret))
}

fn check(new: &NewToken) -> Result<TokenScope> {
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(LakeError::invalid("a token's name has 1 to 100 characters, none of them control characters"));
    }
    if !(1..=365).contains(&new.days) {
        return Err(LakeError::invalid(format!("a token lives 1 to 365 days, not {}", new.days)));
    }
    if new.scope.actions.is_empty() {
        return Err(LakeError::invalid("a token needs at least one action: read, upload, own, notify"));
    }
    if let Some(other) = new.scope.actions.iter().find(|a| !ACTIONS.contains(&a.as_str())) {
        return Err(LakeError::invalid(format!("`{other}` is not an action of tokens; use read, upload, own, notify")));
    }
    let datasets: BTreeSet<String> = new.scope.datasets.iter().map(|d| d.trim().to_owned()).collect();
    if datasets.len() > 100 {
        return Err(LakeError::invalid("a token names at most 100 dataset patterns"));
    }
    if let Some(other) = datasets.iter().find(|d| !is_pattern(d)) {
        return Err(LakeError::invalid(format!(
            "`{other}` is not a dataset pattern; write *, unit.* or unit.dataset, for example ops.flights"
        )));
    }
    let networks: BTreeSet<Network> = new.scope.networks.iter().copied().collect();
    if networks.len() > 50 {
        return Err(LakeError::invalid("a token names at most 50 networks"));
    }
    Ok(TokenScope {
        actions: new.scope.actions.clone(),
        datasets: datasets.into_iter().collect(),
        networks: networks.into_iter().collect(),
    })
}

fn is_pattern(text: &str) -> bool {
    text == "*"
        || text.strip_suffix(".*").is_some_and(|unit| model::UnitName::new(unit).is_ok())
        || text.parse::<model::DatasetName>().is_ok()
}

/// Whether `inner` allows nothing that `outer` does not.
fn within(inner: &TokenScope, outer: &TokenScope) -> bool {
    let covered = |pattern: &String| {
        outer.datasets.iter().any(|over| {
            over == "*" || over == pattern || over.strip_suffix('*').is_some_and(|unit| pattern.starts_with(unit))
        })
    };
    let datasets = outer.datasets.is_empty() || (!inner.datasets.is_empty() && inner.datasets.iter().all(covered));
    let from = |network: &Network| outer.networks.iter().any(|over| over.covers(network));
    let networks = outer.networks.is_empty() || (!inner.networks.is_empty() && inner.networks.iter().all(from));
    datasets && networks && inner.actions.is_subset(&outer.actions)
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(actions: &[&str], datasets: &[&str]) -> TokenScope {
        let words = |all: &[&str]| all.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        TokenScope { actions: words(actions).into_iter().collect(), datasets: words(datasets), networks: Vec::new() }
    }

    fn from(networks: &[&str]) -> TokenScope {
        let networks = networks.iter().map(|n| n.parse().expect(n)).collect();
        TokenScope { networks, ..scope(&["read"], &[]) }
    }

    #[test]
    fn a_scope_within_another_allows_nothing_more() {
        let all = scope(&["read", "upload"], &[]);
        let ops = scope(&["read"], &["ops.*"]);
        let flights = scope(&["read"], &["ops.flights"]);
        for (inner, outer, expected) in [
            (&ops, &all, true),
            (&all, &ops, false),
            (&flights, &ops, true),
            (&ops, &flights, false),
            (&scope(&["upload"], &["ops.flights"]), &ops, false),
            (&scope(&["read"], &["*"]), &ops, false),
            (&scope(&["read"], &["opsx.a"]), &ops, false),
            (&scope(&["read"], &[]), &scope(&["read"], &["*"]), false),
            (&flights, &scope(&["read"], &["*"]), true),
            (&from(&["10.1.0.0/16", "2001:db8::1"]), &from(&["10.0.0.0/8", "2001:db8::/32"]), true),
            (&from(&["10.1.0.0/16", "192.0.2.1"]), &from(&["10.0.0.0/8"]), false),
            (&from(&[]), &from(&["10.0.0.0/8"]), false),
            (&from(&["10.0.0.0/8"]), &from(&[]), true),
        ] {
            assert_eq!(within(inner, outer), expected, "{inner:?} within {outer:?}");
        }
    }

    #[test]
    fn only_well_formed_tokens_are_looked_up() {
        let id = "0".repeat(32);
        let secret = "a".repeat(43);
        assert!(split(&format!("pk_{id}_{secret}")).is_some());
        for bad in ["", "pk_", "pk__", &format!("{id}_{secret}"), &format!("pk_../x_{secret}"), &format!("pk_{id}_a")] {
            assert!(split(bad).is_none(), "{bad}");
        }
    }
}
