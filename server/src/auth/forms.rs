//! The forms of pages: demo sign-in, sign-out, and what the account page changes. Each answers with a redirect.

use axum::{
    extract::{Form, Path, RawForm, State, rejection::FormRejection},
    http::{HeaderMap, header},
    response::Response,
};
use axum_extra::extract::CookieJar;
use chrono::TimeDelta;
use model::{NewToken, Principal, principal::TokenScope};
use serde::Deserialize;

use super::{
    Caller, Via,
    audited::SigningIn,
    cookie::{self, Name},
    demo, flow, return_to,
    sessions::ProviderTokens,
};
use crate::{
    problem::{Page, leave_for, see_other},
    state::AppState,
};

/// How long a new token's secret waits to be shown.
pub(crate) const FLASH: TimeDelta = TimeDelta::seconds(60);

#[derive(Debug, Deserialize)]
pub struct DemoSignIn {
    r#as: String,
    #[serde(default)]
    return_to: Option<String>,
}

/// `POST /auth/demo`
pub async fn demo_sign_in(
    State(state): State<AppState>,
    jar: CookieJar,
    headers: HeaderMap,
    SigningIn(origin): SigningIn,
    form: Result<Form<DemoSignIn>, FormRejection>,
) -> Result<Response, Page> {
    let Form(form) = form.map_err(|_| Page::bad_request("Choose one of the people on the sign-in page."))?;
    if !state.config.demo() {
        return Err(Page::not_found());
    }
    let Some(principal) = demo::person(&form.r#as) else {
        return Err(Page::bad_request("There is no such demo person. Choose one on the sign-in page."));
    };
    let principal = Principal { origin, ..principal };
    let to = return_to::safe(form.return_to.as_deref());
    let agent = headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    start_session(&state, &jar, &principal, agent, None, to).await
}

/// A new session with a new id; one that the browser had before ends.
pub(super) async fn start_session(
    state: &AppState,
    jar: &CookieJar,
    who: &Principal,
    agent: &str,
    tokens: Option<&ProviderTokens>,
    to: &str,
) -> Result<Response, Page> {
    if let Some(old) = cookie::value(jar, Name::Session, state.https) {
        state.sessions.end(&old).await?;
    }
    let secret = state.sign_in(who, agent, tokens).await?;
    tracing::info!(issuer = %who.issuer, subject = %who.subject, "signed in");
    let mut answer = see_other(return_to::safe(Some(to)));
    let set = cookie::set(Name::Session, state.https, &secret, state.config.session.absolute());
    answer.headers_mut().append(header::SET_COOKIE, set);
    Ok(answer)
}

/// `POST /auth/sign-out`
pub async fn sign_out(State(state): State<AppState>, caller: Option<Caller>, jar: CookieJar) -> Result<Response, Page> {
    let mut onward = None;
    if let Some(secret) = cookie::value(&jar, Name::Session, state.https) {
        let tokens = state.sign_out(caller.as_ref().map(|c| &c.principal), &secret).await?;
        if let Some(oidc) = &state.oidc {
            onward = flow::sign_out(oidc, tokens.as_ref()).await;
        }
    }
    let mut answer = match onward {
        // `form-action 'self'` forbids that a form's redirect leaves this server; a page that goes on by itself may.
        Some(to) => leave_for(&to),
        None => see_other("/sign-in"),
    };
    let headers = answer.headers_mut();
    headers.append(header::SET_COOKIE, cookie::remove(Name::Session, state.https));
    // Nothing that was shown to this person stays in the browser's cache.
    headers.insert("Clear-Site-Data", http::HeaderValue::from_static("\"cache\""));
    Ok(answer)
}

/// `POST /account/sessions/{id}/revoke`
pub async fn revoke_session(
    State(state): State<AppState>,
    caller: Option<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Page> {
    let Some(caller) = by_session(caller) else { return Ok(see_other(&return_to::sign_in("/account"))) };
    state.revoke_session(&caller.principal, &id).await?;
    Ok(see_other("/account"))
}

/// The fields of the token form; `actions` is repeated, which is why it is read by hand.
pub(crate) fn token_form(bytes: &[u8]) -> Result<NewToken, Page> {
    let mut new = NewToken { name: String::new(), days: 0, scope: TokenScope::default() };
    for (name, value) in url::form_urlencoded::parse(bytes) {
        match name.as_ref() {
            "name" => new.name = value.into_owned(),
            "days" => {
                let days = value.trim().parse();
                new.days = days.map_err(|_| Page::bad_request("How long the token lives must be a number of days."))?;
            }
            "actions" => {
                new.scope.actions.insert(value.into_owned());
            }
            "datasets" => new.scope.datasets.extend(listed(&value).map(str::to_owned)),
            "networks" => {
                for network in listed(&value) {
                    new.scope.networks.push(network.parse().map_err(|e| Page::bad_request(format!("{e}.")))?);
                }
            }
            _ => {}
        }
    }
    Ok(new)
}

/// Words between commas or white space; none means all.
pub(crate) fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ' ', '\n', '\r', '\t']).filter(|w| !w.is_empty())
}

/// `POST /account/tokens`
pub async fn create_token(
    State(state): State<AppState>,
    caller: Option<Caller>,
    RawForm(form): RawForm,
) -> Result<Response, Page> {
    let Some(caller) = by_session(caller) else { return Ok(see_other(&return_to::sign_in("/account"))) };
    let new = token_form(&form)?;
    let made = state.make_token(&caller.principal, None, new).await?;
    let mut answer = see_other("/account");
    let flash = cookie::set(Name::Flash, state.https, &made.secret, FLASH);
    answer.headers_mut().append(header::SET_COOKIE, flash);
    Ok(answer)
}

/// `POST /account/tokens/{id}/revoke`
pub async fn revoke_token(
    State(state): State<AppState>,
    caller: Option<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Page> {
    let Some(caller) = by_session(caller) else { return Ok(see_other(&return_to::sign_in("/account"))) };
    state.revoke_token(&caller.principal, &id).await?;
    Ok(see_other("/account"))
}

/// `POST /queries/{id}/cancel`: back to the editor. Not with the text: that would run it again.
pub async fn cancel_query(
    State(state): State<AppState>,
    caller: Option<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Page> {
    let Some(caller) = by_session(caller) else { return Ok(see_other(&return_to::sign_in("/sql"))) };
    state.lake.cancel_query(&caller.principal, &id).await?;
    Ok(see_other("/sql"))
}

/// Forms are for people in browsers; tokens have the API.
fn by_session(caller: Option<Caller>) -> Option<Caller> {
    caller.filter(|c| matches!(c.via, Via::Session(_)))
}
