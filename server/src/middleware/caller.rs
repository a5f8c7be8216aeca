//! Who asks, found once: by token, else by the session's cookie.

use axum::{
    extract::{Request, State},
    http::header,
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
    match find(&state, &request, api).await {
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

async fn find(state: &AppState, request: &Request, api: bool) -> Result<Option<Caller>, Refused> {
    // Tokens are for the API: a page rendered for one could be sent to people by a link.
    if api && let Some(given) = request.headers().get(header::AUTHORIZATION) {
        let given = given.to_str().map_err(|_| Refused::Token)?;
        let (scheme, token) = given.split_once(' ').unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Refused::Token);
        }
        let (principal, used) = state.tokens.find(token.trim()).await?.ok_or(Refused::Token)?;
        return Ok(Some(Caller { principal, via: Via::Token(used) }));
    }
    let jar = CookieJar::from_headers(request.headers());
    let Some(secret) = cookie::value(&jar, Name::Session, state.https) else { return Ok(None) };
    let found = state.sessions.find(&secret).await?;
    Ok(found.map(|s| Caller { principal: s.principal.clone(), via: Via::Session(s.id.clone()) }))
}
