//! One document a person: as the provider described it at the last sign-in, with the ids of its sessions and tokens; and
//! one a service account.
//!
//! Tokens act as this person, so that a group lost at the provider is lost for tokens with the next sign-in.

use app::context::Known;
use chrono::{DateTime, Utc};
use futures::{StreamExt as _, TryStreamExt as _};
use lake::{LakeError, Result, document::Documents};
use model::{Principal, Service};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub(super) const KIND: &str = "account";

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    pub principal: Principal,
    #[serde(default)]
    pub sessions: Vec<SessionRef>,
    /// Ids of tokens, newest last.
    #[serde(default)]
    pub tokens: Vec<String>,
    /// What makes it a service account; absent for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
}

impl Account {
    /// Of a service account, without tokens.
    #[must_use]
    pub fn service(principal: Principal, service: Service) -> Self {
        Self { principal, sessions: Vec::new(), tokens: Vec::new(), service: Some(service) }
    }

    /// Whether nothing may act for it.
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        self.service.as_ref().is_some_and(|s| s.disabled)
    }
}

/// Where one of the person's sessions is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SessionRef {
    /// Public handle.
    pub id: String,
    /// Document id: the hash of the secret cookie.
    pub document: String,
    pub expires_at: DateTime<Utc>,
}

/// The document id of a person's account.
#[must_use]
pub fn id_of(who: &Principal) -> String {
    hex(&Sha256::digest(who.key()))
}

/// The account with this id.
pub async fn get(documents: &Documents, id: &str) -> Result<Option<Account>> {
    Ok(documents.get::<Account>(KIND, id).await?.map(|found| found.value))
}

/// Everyone who has an account, by name; the first thousand of them.
pub async fn known(documents: &Documents) -> Result<Vec<Known>> {
    const MOST: usize = 1_000;
    const AT_ONCE: usize = 16;
    let ids = documents.ids(KIND).await?.into_iter().take(MOST);
    let read = async |id: String| Ok::<_, LakeError>(get(documents, &id).await?.map(|a| (id, a.principal)));
    let found: Vec<_> = futures::stream::iter(ids).map(read).buffered(AT_ONCE).try_collect().await?;
    let mut people: Vec<Known> = found.into_iter().flatten().map(|(id, principal)| Known { id, principal }).collect();
    people.sort_by(|a, b| (&a.principal.name, &a.id).cmp(&(&b.principal.name, &b.id)));
    Ok(people)
}

/// Changes a person's account, making it when absent; others' changes meanwhile are kept.
pub async fn change(documents: &Documents, who: &Principal, change: impl Fn(&mut Account)) -> Result<()> {
    const TRIES: usize = 20;
    let id = id_of(who);
    for _ in 0..TRIES {
        let found = documents.get::<Account>(KIND, &id).await?;
        let (version, mut account) = match found {
            Some(found) => (Some(found.version), found.value),
            None => (None, Account { principal: who.clone(), sessions: Vec::new(), tokens: Vec::new(), service: None }),
        };
        change(&mut account);
        let now = Utc::now();
        account.sessions.retain(|s| s.expires_at > now);
        let done = match version {
            Some(version) => documents.update(KIND, &id, version, &account).await,
            None => documents.create(KIND, &id, &account).await,
        };
        match done {
            Err(LakeError::Conflict { .. }) => {}
            done => return done,
        }
    }
    Err(LakeError::Conflict { what: "the account" })
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}
