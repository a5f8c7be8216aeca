//! The forms of `/accounts`. Each answers with a redirect to the page that it stands on.

use std::collections::{BTreeMap, BTreeSet};

use axum::{
    Router,
    extract::{Path, RawForm, State},
    http::header,
    response::Response,
    routing::post,
};
use model::{NewServiceAccount, Principal};

use crate::{
    auth::{
        Caller, Via,
        cookie::{self, Name},
        forms::{FLASH, listed, token_form},
        return_to,
    },
    problem::{Page, see_other},
    state::AppState,
};

const LIST: &str = "/accounts";

pub(crate) fn forms() -> Router<AppState> {
    Router::new()
        .route(LIST, post(make))
        .route("/accounts/{id}/disable", post(disable))
        .route("/accounts/{id}/enable", post(enable))
        .route("/accounts/{id}/remove", post(remove))
        .route("/accounts/{id}/tokens", post(make_token))
        .route("/accounts/{id}/tokens/{token}/revoke", post(revoke_token))
        .route("/accounts/{id}/sessions/{session}/end", post(end_session))
}

/// `POST /accounts`
async fn make(State(state): State<AppState>, caller: Option<Caller>, RawForm(form): RawForm) -> Result<Response, Page> {
    let Some(who) = person(caller) else { return Ok(see_other(&return_to::sign_in(LIST))) };
    let made = state.make_service_account(&who, new_account(&form)?).await?;
    Ok(see_other(&one(&made.id)))
}

/// `POST /accounts/{id}/disable`
async fn disable(state: State<AppState>, caller: Option<Caller>, id: Path<String>) -> Result<Response, Page> {
    change(state, caller, id, true).await
}

/// `POST /accounts/{id}/enable`
async fn enable(state: State<AppState>, caller: Option<Caller>, id: Path<String>) -> Result<Response, Page> {
    change(state, caller, id, false).await
}

async fn change(
    State(state): State<AppState>,
    caller: Option<Caller>,
    Path(id): Path<String>,
    disabled: bool,
) -> Result<Response, Page> {
    let Some(who) = person(caller) else { return Ok(see_other(&return_to::sign_in(LIST))) };
    state.change_account(&who, &id, disabled).await?;
    Ok(see_other(&one(&id)))
}

/// `POST /accounts/{id}/remove`
async fn remove(
    State(state): State<AppState>,
    caller: Option<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Page> {
    let Some(who) = person(caller) else { return Ok(see_other(&return_to::sign_in(LIST))) };
    state.remove_account(&who, &id).await?;
    Ok(see_other(LIST))
}

/// `POST /accounts/{id}/tokens`
async fn make_token(
    State(state): State<AppState>,
    caller: Option<Caller>,
    Path(id): Path<String>,
    RawForm(form): RawForm,
) -> Result<Response, Page> {
    let Some(who) = person(caller) else { return Ok(see_other(&return_to::sign_in(LIST))) };
    let made = state.make_account_token(&who, &id, token_form(&form)?).await?;
    let mut answer = see_other(&one(&id));
    let flash = cookie::set(Name::Flash, state.https, &made.secret, FLASH);
    answer.headers_mut().append(header::SET_COOKIE, flash);
    Ok(answer)
}

/// `POST /accounts/{id}/tokens/{token}/revoke`
async fn revoke_token(
    State(state): State<AppState>,
    caller: Option<Caller>,
    Path((id, token)): Path<(String, String)>,
) -> Result<Response, Page> {
    let Some(who) = person(caller) else { return Ok(see_other(&return_to::sign_in(LIST))) };
    state.revoke_account_token(&who, &id, &token).await?;
    Ok(see_other(&one(&id)))
}

/// `POST /accounts/{id}/sessions/{session}/end`
async fn end_session(
    State(state): State<AppState>,
    caller: Option<Caller>,
    Path((id, session)): Path<(String, String)>,
) -> Result<Response, Page> {
    let Some(who) = person(caller) else { return Ok(see_other(&return_to::sign_in(LIST))) };
    state.end_account_session(&who, &id, &session).await?;
    Ok(see_other(&one(&id)))
}

fn one(id: &str) -> String {
    format!("{LIST}/{id}")
}

/// Forms are for people in browsers; tokens have the API.
fn person(caller: Option<Caller>) -> Option<Principal> {
    caller.filter(|c| matches!(c.via, Via::Session(_))).map(|c| c.principal)
}

fn new_account(form: &[u8]) -> Result<NewServiceAccount, Page> {
    let mut new = NewServiceAccount::default();
    for (name, value) in url::form_urlencoded::parse(form) {
        match name.as_ref() {
            "name" => new.name = value.trim().to_owned(),
            "description" => new.description = value.trim().to_owned(),
            "partner" if !value.is_empty() => new.partner = Some(value.into_owned()),
            "groups" => new.groups = parts(&value).map(str::to_owned).collect::<BTreeSet<_>>(),
            "claims" => new.claims = claims(&value)?,
            "owners" => new.owners = listed(&value).map(str::to_owned).collect(),
            _ => {}
        }
    }
    Ok(new)
}

/// `carrier=UA, carrier=DL` as each claim with its values.
fn claims(text: &str) -> Result<BTreeMap<String, Vec<String>>, Page> {
    let mut claims: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for part in parts(text) {
        let (name, value) = part.split_once('=').ok_or_else(|| {
            Page::bad_request(format!("`{part}` is no claim: write NAME=VALUE, with commas between."))
        })?;
        claims.entry(name.trim().to_owned()).or_default().push(value.trim().to_owned());
    }
    Ok(claims)
}

/// Groups and claims may hold spaces, so that only commas part them.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}
