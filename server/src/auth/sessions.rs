//! Browser sessions: documents in the lake, keyed by the hash of an opaque 256-bit id that only the cookie holds.
//!
//! Each replica trusts what it read for a few seconds, so that a revocation takes no longer anywhere.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use lake::{LakeError, Result, document::Documents};
use model::{Principal, SessionSummary};
use moka::future::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    account::{self, SessionRef, hex},
    seal::Sealer,
    view_as::Viewed,
};
use crate::config::SessionSettings;

const KIND: &str = "session";
/// A session's last use is written down this coarsely: one write a while, not one a request.
const SEEN_EVERY: TimeDelta = TimeDelta::minutes(5);
const CACHED: u64 = 50_000;

pub struct Sessions {
    documents: Documents,
    settings: SessionSettings,
    /// Document id → session, or `None` for an id that names none.
    cache: Cache<String, Option<Arc<Session>>>,
}

/// A session as it is stored. The cookie's value is not in it, and provider tokens are sealed with that value.
#[derive(Clone, Serialize, Deserialize)]
pub struct Session {
    /// Public handle, for lists and revoking.
    pub id: String,
    pub principal: Principal,
    pub created_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub agent: String,
    /// The provider's tokens, readable with the cookie alone.
    #[serde(default)]
    pub sealed_tokens: Option<String>,
    /// As whom a steward looks at the portal in this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewed: Option<Viewed>,
}

/// What the provider gave, kept for signing out there.
#[derive(Clone, Serialize, Deserialize)]
pub struct ProviderTokens {
    pub id_token: String,
    #[serde(default)]
    pub refresh_token: Option<String>,
}

impl Sessions {
    #[must_use]
    pub fn new(documents: Documents, settings: SessionSettings) -> Self {
        let cache = Cache::builder().max_capacity(CACHED).time_to_live(settings.cache()).build();
        Self { documents, settings, cache }
    }

    /// Starts a session. Returns the cookie's secret value.
    pub async fn start(&self, who: &Principal, agent: &str, tokens: Option<&ProviderTokens>) -> Result<String> {
        let secret = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let document = document_id(&secret);
        let now = Utc::now();
        let sealed_tokens = match tokens {
            Some(tokens) => Some(Sealer::of(secret.as_bytes(), "provider tokens").seal(&serde_json::to_vec(tokens)?)?),
            None => None,
        };
        let session = Session {
            id: uuid::Uuid::now_v7().simple().to_string(),
            principal: who.clone(),
            created_at: now,
            last_seen_at: now,
            expires_at: now + self.settings.absolute(),
            agent: agent_in_words(agent),
            sealed_tokens,
            viewed: None,
        };
        self.documents.create(KIND, &document, &session).await?;
        let entry = SessionRef { id: session.id.clone(), document: document.clone(), expires_at: session.expires_at };
        account::change(&self.documents, who, |account| {
            account.principal = who.clone();
            account.sessions.retain(|s| s.id != entry.id);
            account.sessions.push(entry.clone());
        })
        .await?;
        self.cache.insert(document, Some(Arc::new(session))).await;
        Ok(secret)
    }

    /// The session that a cookie value names, or `None` when there is none that holds.
    pub async fn find(&self, secret: &str) -> Result<Option<Arc<Session>>> {
        if secret.len() != 43 {
            return Ok(None);
        }
        let document = document_id(secret);
        let found = self.cache.try_get_with(document.clone(), self.load(&document)).await.map_err(shared)?;
        let now = Utc::now();
        Ok(found.filter(|s| s.expires_at > now && s.last_seen_at + self.settings.idle() > now))
    }

    /// Ends the session of a cookie. Returns what the provider gave for it.
    pub async fn end(&self, secret: &str) -> Result<Option<ProviderTokens>> {
        let document = document_id(secret);
        let Some(found) = self.documents.get::<Session>(KIND, &document).await? else { return Ok(None) };
        self.remove(&found.value.principal, &found.value.id, &document).await?;
        let opened = found
            .value
            .sealed_tokens
            .and_then(|sealed| Sealer::of(secret.as_bytes(), "provider tokens").open(&sealed))
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(opened)
    }

    /// From now on the session of a cookie looks at the portal as somebody else, or as its own person again.
    ///
    /// # Errors
    /// [`LakeError::NotFound`] when there is no such session any more, [`LakeError::Conflict`] when it changes all the
    /// time.
    pub async fn view_as(&self, secret: &str, viewed: Option<&Viewed>) -> Result<()> {
        const TRIES: usize = 5;
        let document = document_id(secret);
        for _ in 0..TRIES {
            let Some(mut found) = self.documents.get::<Session>(KIND, &document).await? else {
                return Err(LakeError::NotFound { what: "session", name: "it has ended".to_owned() });
            };
            found.value.viewed = viewed.cloned();
            match self.documents.update(KIND, &document, found.version, &found.value).await {
                Err(LakeError::Conflict { .. }) => {}
                done => {
                    done?;
                    self.cache.insert(document, Some(Arc::new(found.value))).await;
                    return Ok(());
                }
            }
        }
        Err(LakeError::Conflict { what: "the session" })
    }

    /// Ends one of the person's own sessions by its public id.
    ///
    /// # Errors
    /// [`LakeError::NotFound`] when the person has no such session.
    pub async fn revoke(&self, who: &Principal, id: &str) -> Result<()> {
        let account = account::get(&self.documents, &account::id_of(who)).await?;
        let entry = account.and_then(|a| a.sessions.into_iter().find(|s| s.id == id));
        let Some(entry) = entry else { return Err(LakeError::NotFound { what: "session", name: id.to_owned() }) };
        self.remove(who, id, &entry.document).await
    }

    /// The person's sessions that hold, newest first.
    pub async fn list(&self, who: &Principal, current: Option<&str>) -> Result<Vec<SessionSummary>> {
        let Some(account) = account::get(&self.documents, &account::id_of(who)).await? else { return Ok(Vec::new()) };
        let now = Utc::now();
        let mut all = Vec::new();
        for entry in account.sessions.iter().rev().filter(|s| s.expires_at > now) {
            let Some(found) = self.documents.get::<Session>(KIND, &entry.document).await? else { continue };
            let session = found.value;
            if session.last_seen_at + self.settings.idle() <= now {
                continue;
            }
            all.push(SessionSummary {
                current: current == Some(session.id.as_str()),
                id: session.id,
                created_at: session.created_at,
                last_seen_at: session.last_seen_at,
                expires_at: session.expires_at,
                agent: session.agent,
            });
        }
        Ok(all)
    }

    async fn remove(&self, who: &Principal, id: &str, document: &str) -> Result<()> {
        self.documents.remove(KIND, document).await?;
        self.cache.insert(document.to_owned(), None).await;
        account::change(&self.documents, who, |account| account.sessions.retain(|s| s.id != id)).await
    }

    async fn load(&self, document: &str) -> Result<Option<Arc<Session>>> {
        let Some(found) = self.documents.get::<Session>(KIND, document).await? else { return Ok(None) };
        let now = Utc::now();
        let mut session = found.value;
        if session.expires_at <= now || session.last_seen_at + self.settings.idle() <= now {
            return Ok(None);
        }
        if session.last_seen_at + SEEN_EVERY <= now {
            session.last_seen_at = now;
            // Another replica may have written the same, or the owner ended the session: then theirs stands.
            match self.documents.update(KIND, document, found.version, &session).await {
                Ok(()) => {}
                Err(LakeError::Conflict { .. }) => {
                    return Ok(self.documents.get::<Session>(KIND, document).await?.map(|f| Arc::new(f.value)));
                }
                Err(e) => tracing::warn!(error = %e, "a session's last use could not be written down"),
            }
        }
        Ok(Some(Arc::new(session)))
    }
}

fn document_id(secret: &str) -> String {
    hex(&Sha256::digest(secret))
}

/// An error that several waiters of one load share.
pub(super) fn shared(e: Arc<LakeError>) -> LakeError {
    match Arc::try_unwrap(e) {
        Ok(e) => e,
        Err(e) => LakeError::Store { source: e.to_string().into() },
    }
}

/// "Firefox on Linux" rather than a page of product tokens.
fn agent_in_words(agent: &str) -> String {
    let first = |known: &[(&str, &'static str)]| known.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, w)| *w);
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "Unknown browser".to_owned(),
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for ProviderTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProviderTokens")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use lake::{StoreConfig, document::Versioned, store::Store};

    use super::*;
    use crate::auth::demo;

    #[tokio::test]
    async fn w_12_a_session_ends_when_it_is_idle_and_when_it_is_old() {
        let documents = Documents::new(Store::open(&StoreConfig::Memory).unwrap());
        let settings = SessionSettings::default;
        let who = demo::person("analyst").unwrap();
        let now = Utc::now();
        type Change = fn(&mut Session, DateTime<Utc>, &SessionSettings);
        let cases: [(&str, Change, bool); 5] = [
            ("fresh", |_, _, _| {}, true),
            ("used a while ago", |s, now, set| s.last_seen_at = now - set.idle() + TimeDelta::minutes(1), true),
            ("idle", |s, now, set| s.last_seen_at = now - set.idle(), false),
            ("about to be old", |s, now, _| s.expires_at = now + TimeDelta::minutes(1), true),
            ("old, however lately used", |s, now, _| s.expires_at = now, false),
        ];
        for (name, change, holds) in cases {
            // Another replica each time: what one has in its memory decides nothing.
            let sessions = || Sessions::new(documents.clone(), settings());
            let secret = sessions().start(&who, "", None).await.unwrap();
            let id = document_id(&secret);
            let mut found: Versioned<Session> = documents.get(KIND, &id).await.unwrap().unwrap();
            assert_eq!(found.value.expires_at - found.value.created_at, settings().absolute());
            change(&mut found.value, now, &settings());
            documents.update(KIND, &id, found.version, &found.value).await.unwrap();
            assert_eq!(sessions().find(&secret).await.unwrap().is_some(), holds, "{name}");
        }
        for unknown in ["", "x", &"A".repeat(43), &"A".repeat(4_000), "../../../../policy.toml/../../../../../abcd"] {
            assert!(Sessions::new(documents.clone(), settings()).find(unknown).await.unwrap().is_none(), "{unknown}");
        }
    }

    #[tokio::test]
    async fn w_09_w_10_what_is_stored_opens_nothing_without_the_cookie() {
        let store = Store::open(&StoreConfig::Memory).unwrap();
        let documents = Documents::new(store.clone());
        let sessions = Sessions::new(documents.clone(), SessionSettings::default());
        let tokens = ProviderTokens { id_token: "canary-id".into(), refresh_token: Some("canary-refresh".into()) };
        let who = demo::person("analyst").unwrap();
        let secret = sessions.start(&who, "", Some(&tokens)).await.unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(&secret).unwrap().len(), 32, "256 bits");
        let found: Versioned<serde_json::Value> = documents.get(KIND, &document_id(&secret)).await.unwrap().unwrap();
        let text = found.value.to_string();
        assert!(!text.contains(&secret) && !text.contains("canary"), "{text}");
        assert!(!document_id(&secret).contains(&secret));
        let given = sessions.end(&secret).await.unwrap().unwrap();
        assert_eq!(given.refresh_token.as_deref(), Some("canary-refresh"), "control: the cookie opens it");
    }

    /// One identity is its issuer and subject; a name or an address is none.
    #[test]
    fn w_08_an_identity_is_its_issuer_and_subject() {
        let who = |issuer: &str, subject: &str| Principal {
            issuer: issuer.into(),
            subject: subject.into(),
            ..demo::person("analyst").unwrap()
        };
        let one = account::id_of(&who("https://a.example", "1"));
        assert_eq!(one, account::id_of(&Principal { name: "other".into(), ..who("https://a.example", "1") }));
        for other in [who("https://b.example", "1"), who("https://a.example", "2"), who("https://a.example1", "")] {
            assert_ne!(one, account::id_of(&other), "{other:?}");
        }
    }
}
