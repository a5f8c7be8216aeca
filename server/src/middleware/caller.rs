//! Who asks, found once: by token, else by the session's cookie.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use axum_extra::extract::CookieJar;
use lake::LakeError;

use super::is_api;
use crate::{
    auth::{
        Caller, Via,
        cookie::{self, Name},
    },
    problem::{ApiProblem, Page},
    state::AppState,
};

pub async fn resolve(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let api = is_api(path);
    // Assets are everyone's; looking a session up for each would cost a page its speed.
    if path.starts_with("/pkg/") {
        return next.run(request).await;
    }
    // Owned: a body cannot be shared between threads, and so neither can the request while we wait.
    let credentials = Credentials::of(&state, request.headers(), api);
    match find(&state, credentials).await {
        Ok(Some(caller)) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(None) => next.run(request).await,
        Err(Refused::Token) => ApiProblem::invalid_token().into_response(),
        Err(Refused::Store(e)) if api => ApiProblem::from(e).into_response(),
        Err(Refused::Store(e)) => Page::from(e).into_response(),
    }
}

enum Refused {
    Token,
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

async fn find(state: &AppState, credentials: Credentials) -> Result<Option<Caller>, Refused> {
    match credentials {
        Credentials::None => Ok(None),
        Credentials::Unreadable => Err(Refused::Token),
        Credentials::Token(token) => {
            let (principal, used) = state.tokens.find(&token).await?.ok_or(Refused::Token)?;
            Ok(Some(Caller { principal, via: Via::Token(used) }))
        }
        Credentials::Cookie(secret) => {
            let found = state.sessions.find(&secret).await?;
            Ok(found.map(|s| Caller { principal: s.principal.clone(), via: Via::Session(s.id.clone()) }))
        }
    }
}
