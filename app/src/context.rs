//! What a page knows of its request. The server provides it; pages take it. Holds no engine or session logic itself.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use lake::{Lake, ingest::Inspected};
use model::{AccountDetail, Doubt, PolicyReview, Principal, SessionSummary, TextLine, TokenSummary};

/// Everything that a page needs beside its address. The server provides one as Leptos context for each request.
#[derive(Clone)]
pub struct RequestContext {
    pub lake: Lake,
    /// `None` when nobody is signed in: every page but the sign-in page then redirects there.
    pub principal: Option<Principal>,
    /// Administers the lake: sees all arrivals.
    pub steward: bool,
    /// Looks after accounts of others: a steward, or a partner's administrator.
    pub administrator: bool,
    /// Public id of the browser's session; never the cookie.
    pub session: Option<String>,
    pub accounts: Arc<dyn Accounts>,
    /// What the Content-Security-Policy of this answer allows scripts by. Must be the value of
    /// `leptos::nonce::use_nonce()`, which is set before the server's own context is provided.
    pub nonce: String,
    /// The demo people, when the demo sign-in is on.
    pub demo: Option<Vec<DemoPerson>>,
    /// The identity provider's name for the sign-in button; `None` when there is none.
    pub provider_name: Option<String>,
    /// A new token's secret, shown on an account's page this one time.
    pub flash: Option<String>,
    /// Files that a form sent to be looked at.
    pub looked: Option<Arc<Looked>>,
    /// A policy's text that a form sent, and what became of it.
    pub draft: Option<Arc<Draft>>,
    /// Where the browser reached us, without trailing slash (`https://data.example.com`); for the API snippets.
    pub base_url: String,
}

/// What a form sent to be looked at, and what was seen.
#[derive(Debug, Clone)]
pub struct Looked {
    /// The contract's text as it was sent.
    pub contract: String,
    pub files: Vec<LookedAt>,
}

#[derive(Debug, Clone)]
pub struct LookedAt {
    pub name: String,
    /// Bytes that were seen.
    pub bytes: u64,
    /// Bytes of the whole file.
    pub of: u64,
    /// What was found, or why nothing could be.
    pub found: Result<Inspected, String>,
}

/// A text that is to become the policy, with what was done to it.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    pub text: String,
    /// Hash of the policy that it was made from.
    pub base: String,
    pub note: String,
    /// The earlier version that it is the text of.
    pub restores: Option<u64>,
    pub accept: Vec<Doubt>,
    /// The fields of a grant that was not added.
    pub grant: DraftGrant,
    pub review: Option<PolicyReview>,
    /// What came about.
    pub done: Option<String>,
    /// What did not, and why.
    pub failed: Option<String>,
    /// What others changed in the policy meanwhile.
    pub since: Option<Vec<TextLine>>,
}

/// The fields of a grant as they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DraftGrant {
    pub to: String,
    pub on: String,
    pub rows: String,
    pub columns: String,
    pub except: String,
    pub mask: String,
    pub until: String,
    pub why: String,
}

impl DraftGrant {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One of the built-in people of the demo sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoPerson {
    /// What the form sends as `as`.
    pub name: String,
    /// What this person may do, in a few words.
    pub about: String,
}

/// Somebody who has signed in, as the provider described them last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// For addresses; tells nothing about the person.
    pub id: String,
    pub principal: Principal,
}

/// Sessions and tokens of a person; the server has them.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Signed-in browsers, newest first. `current` is the public id of the asking session.
    async fn sessions(&self, who: &Principal, current: Option<&str>) -> lake::Result<Vec<SessionSummary>>;
    /// Tokens that have not been revoked, newest first.
    async fn tokens(&self, who: &Principal) -> lake::Result<Vec<TokenSummary>>;
    /// The accounts that somebody looks after, people and service accounts, or owns.
    async fn looked_after(&self, who: &Principal) -> lake::Result<model::Accounts>;
    /// The service accounts that somebody looks after or owns.
    async fn owned(&self, who: &Principal) -> lake::Result<Vec<model::Account>>;
    /// One of [`looked_after`](Self::looked_after), with its sessions and tokens.
    async fn one(&self, who: &Principal, id: &str) -> lake::Result<AccountDetail>;
    /// Everyone who has an account, by name. For stewards.
    async fn people(&self, who: &Principal) -> lake::Result<Vec<Known>>;
}

impl fmt::Debug for RequestContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestContext").field("principal", &self.principal).finish_non_exhaustive()
    }
}
