//! Who asks, found once: by token, else by the session's cookie.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use axum_extra::extract::CookieJar;
use lake::LakeError;
use model::Origin;

use super::{address, is_api};
use crate::{
    auth::{
        Caller, Via,
        audited::origin,
        cookie::{self, Name},
        tokens::{self, NotHeld},
        view_as,
    },
    problem::{ApiProblem, Denied, Page},
    state::AppState,
};

pub async fn resolve(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let from = address::find(&request, &state.config.server.trusted_proxies);
    request.extensions_mut().insert(from);
    let path = request.uri().path();
    let api = is_api(path);
    // Assets are everyone's; looking a session up for each would cost a page its speed.
    if path.starts_with("/pkg/") {
        return next.run(request).await;
    }
    // Owned: a body cannot be shared between threads, and so neither can the request while we wait.
    let credentials = Credentials::of(&state, request.headers(), api);
    let asked = format!("{} {path}", request.method());
    match find(&state, credentials, from.0).await {
        Ok(Some(mut caller)) => {
            let via = match &caller.via {
                Via::Session(id) => format!("session {id}"),
                Via::Token(used) => format!("token {}", used.id),
            };
            let viewing = caller.principal.origin.viewing.take();
            caller.principal.origin = Origin { viewing, ..origin(request.extensions(), via) };
            let who = caller.principal.clone();
            let mut answer = if who.origin.viewing.is_none() || view_as::allows(request.method(), path) {
                request.extensions_mut().insert(caller);
                next.run(request).await
            } else if api {
                ApiProblem::denied(view_as::refusal(&who)).into_response()
            } else {
                Page::denied(view_as::refusal(&who)).into_response()
            };
            match answer.extensions_mut().remove::<Denied>() {
                Some(Denied(why)) => match state.denied(&who, &asked, &why) {
                    Ok(()) => answer,
                    Err(e) => ApiProblem::from(e).into_response(),
                },
                None => answer,
            }
        }
        Ok(None) => next.run(request).await,
        Err(Refused::Token(id, why)) => {
            let via = id.map_or("token".to_owned(), |id| format!("token {id}"));
            match state.token_refused(&origin(request.extensions(), via), &asked, &why) {
                Ok(()) => ApiProblem::invalid_token().into_response(),
                Err(e) => ApiProblem::from(e).into_response(),
            }
        }
        Err(Refused::Store(e)) if api => ApiProblem::from(e).into_response(),
        Err(Refused::Store(e)) => Page::from(e).into_response(),
    }
}

enum Refused {
    /// With its public id, when it has one.
    Token(Option<String>, NotHeld),
    Store(LakeError),
}

impl From<LakeError> for Refused {
    fn from(e: LakeError) -> Self {
        Self::Store(e)
    }
}

/// What the request brings along to say who asks.
enum Credentials {
    None,
    Unreadable,
    Token(String),
    Cookie(String),
}

impl Credentials {
    fn of(state: &AppState, headers: &HeaderMap, api: bool) -> Self {
        // Tokens are for the API: a page rendered for one could be sent to people by a link.
        if api && let Some(given) = headers.get(header::AUTHORIZATION) {
            let given = given.to_str().ok().and_then(|g| g.split_once(' '));
            return match given {
                Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Self::Token(token.trim().to_owned()),
                _ => Self::Unreadable,
            };
        }
        let jar = CookieJar::from_headers(headers);
        cookie::value(&jar, Name::Session, state.https).map_or(Self::None, Self::Cookie)
    }
}

async fn find(state: &AppState, credentials: Credentials, from: Option<IpAddr>) -> Result<Option<Caller>, Refused> {
    match credentials {
        Credentials::None => Ok(None),
        Credentials::Unreadable => Err(Refused::Token(None, NotHeld::Unknown)),
        Credentials::Token(token) => {
            let refused = |why| Refused::Token(tokens::id_of(&token).map(str::to_owned), why);
            let (principal, used) = state.tokens.find(&token, from).await?.map_err(refused)?;
            Ok(Some(Caller { principal, via: Via::Token(used) }))
        }
        Credentials::Cookie(secret) => {
            let Some(session) = state.sessions.find(&secret).await? else { return Ok(None) };
            let principal = view_as::asks(state, &session, &secret).await?;
            Ok(Some(Caller { principal, via: Via::Session(session.id.clone()) }))
        }
    }
}
