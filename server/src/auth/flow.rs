//! Sign-in and sign-out through the provider: what the browser is sent, and what it brings back.
//!
//! State, nonce and verifier travel in a sealed cookie of ten minutes, bound to this browser and used once.

use std::time::Duration;

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use axum_extra::extract::CookieJar;
use chrono::{TimeDelta, Utc};
use lake::LakeError;
use model::{Origin, Principal};
use moka::sync::Cache;
use serde::Deserialize;
use std::sync::LazyLock;
use subtle::ConstantTimeEq as _;

use super::{
    audited::SigningIn,
    cookie::{self, Name},
    oidc::{Oidc, Pending},
    return_to,
};
use crate::{
    problem::{Page, see_other},
    state::AppState,
};

const LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// States that came back already on this replica; codes are used once at the provider in any case.
static SPENT: LazyLock<Cache<String, ()>> =
    LazyLock::new(|| Cache::builder().max_capacity(100_000).time_to_live(Duration::from_secs(601)).build());

#[derive(Debug, Default, Deserialize)]
pub struct Login {
    #[serde(default)]
    return_to: Option<String>,
}

/// `GET /auth/login`: on to the provider.
pub async fn login(
    State(state): State<AppState>,
    query: Result<Query<Login>, QueryRejection>,
) -> Result<Response, Failed> {
    let Query(query) = query.unwrap_or_default();
    let to = return_to::safe(query.return_to.as_deref());
    let Some(oidc) = &state.oidc else { return Ok(see_other(&return_to::sign_in(to))) };
    let (url, pending) = oidc.begin(to).await.map_err(unavailable)?;
    let sealed = seal(oidc, &pending)?;
    let mut answer = see_other(url.as_str());
    answer.headers_mut().append(header::SET_COOKIE, cookie::set(Name::SignIn, state.https, &sealed, LIFETIME));
    Ok(answer)
}

/// What the provider's redirect carries. More is allowed, and ignored.
#[derive(Debug, Default, Deserialize)]
pub struct Callback {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    error_description: Option<String>,
    #[serde(default)]
    iss: Option<String>,
}

/// `GET /auth/callback`: back from the provider.
pub async fn callback(
    State(state): State<AppState>,
    jar: CookieJar,
    headers: HeaderMap,
    SigningIn(origin): SigningIn,
    query: Result<Query<Callback>, QueryRejection>,
) -> Result<Response, Failed> {
    let Query(query) = query.unwrap_or_default();
    let Some(oidc) = &state.oidc else { return Err(Page::not_found().into()) };
    let answer = finish(&state, oidc, &jar, &headers, &origin, query).await;
    // Spent, whatever became of it.
    let gone = cookie::remove(Name::SignIn, state.https);
    match answer {
        Ok(mut answer) => {
            answer.headers_mut().append(header::SET_COOKIE, gone);
            Ok(answer)
        }
        Err(failed) => {
            let mut answer = failed.into_response();
            answer.headers_mut().append(header::SET_COOKIE, gone);
            Ok(answer)
        }
    }
}

async fn finish(
    state: &AppState,
    oidc: &Oidc,
    jar: &CookieJar,
    headers: &HeaderMap,
    origin: &Origin,
    query: Callback,
) -> Result<Response, Failed> {
    let pending = cookie::value(jar, Name::SignIn, state.https)
        .and_then(|sealed| oidc.sealer.open(&sealed))
        .and_then(|bytes| serde_json::from_slice::<Pending>(&bytes).ok())
        .filter(|p| p.expires_at > Utc::now());
    let Some(pending) = pending else { return Err(began_elsewhere()) };
    let given = query.state.unwrap_or_default();
    let same: bool = given.as_bytes().ct_eq(pending.state.as_bytes()).into();
    if !same {
        return Err(began_elsewhere());
    }
    if !SPENT.entry(given).or_insert(()).is_fresh() {
        return Err(began_elsewhere());
    }
    // RFC 9207: a provider that says who it is must be the one that was asked.
    if query.iss.is_some() && query.iss != state.config.sign_in.issuer {
        return Err(refused(state, origin, "the answer came from another provider"));
    }
    if let Some(error) = query.error {
        let why = query.error_description.unwrap_or_default();
        tracing::warn!(%error, %why, "the provider did not sign someone in");
        state.sign_in_refused(origin, &format!("the provider said no: {error} {why}"))?;
        return Err(Failed::Because("denied"));
    }
    let Some(code) = query.code else { return Err(refused(state, origin, "the answer has no code")) };
    let (principal, tokens) =
        oidc.finish(code, &pending).await.map_err(|e| refused(state, origin, &format!("{e:#}")))?;
    let principal = Principal { origin: origin.clone(), ..principal };
    let agent = headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    Ok(super::forms::start_session(state, jar, &principal, agent, Some(&tokens), &pending.return_to).await?)
}

/// Ends what the provider knows of a session. Returns where the browser should go on to.
pub async fn sign_out(oidc: &Oidc, tokens: Option<&super::sessions::ProviderTokens>) -> Option<String> {
    if let Some(tokens) = tokens {
        oidc.revoke(tokens).await;
    }
    oidc.end_session(tokens).await.map(String::from)
}

fn seal(oidc: &Oidc, pending: &Pending) -> Result<String, Failed> {
    let bytes = serde_json::to_vec(pending).map_err(LakeError::from)?;
    Ok(oidc.sealer.seal(&bytes)?)
}

/// A sign-in that did not come about.
#[derive(Debug)]
pub enum Failed {
    /// Back to the sign-in page, which has words for this code.
    Because(&'static str),
    Page(Page),
}

impl From<Page> for Failed {
    fn from(page: Page) -> Self {
        Self::Page(page)
    }
}

impl From<LakeError> for Failed {
    fn from(e: LakeError) -> Self {
        Self::Page(e.into())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        match self {
            Self::Because(code) => see_other(&format!("/sign-in?error={code}")),
            Self::Page(page) => page.into_response(),
        }
    }
}

fn unavailable(e: anyhow::Error) -> Failed {
    tracing::error!(error = format!("{e:#}"), "sign-in cannot begin");
    Failed::Because("unavailable")
}

fn refused(state: &AppState, origin: &Origin, why: &str) -> Failed {
    tracing::warn!(%why, "a sign-in was refused");
    match state.sign_in_refused(origin, why) {
        Ok(()) => Failed::Because("refused"),
        Err(e) => e.into(),
    }
}

/// In another browser or window, finished before, or longer than ten minutes ago.
fn began_elsewhere() -> Failed {
    Failed::Because("expired")
}
