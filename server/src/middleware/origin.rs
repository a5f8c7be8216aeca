//! Changes come from our own pages or from API clients, never from another site on behalf of a signed-in browser.
//!
//! Also holds the demo to loopback names: a site whose name was rebound to 127.0.0.1 is not one of them.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, Uri, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use axum_extra::extract::CookieJar;

use super::is_api;
use crate::{
    auth::cookie::{self, Name},
    config::is_loopback,
    problem::{ApiProblem, Page},
    state::AppState,
};

pub async fn check(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let api = is_api(request.uri().path());
    if state.config.demo() && !names_loopback(request.headers(), request.uri()) {
        return if api { ApiProblem::misdirected().into_response() } else { Page::misdirected().into_response() };
    }
    let safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    if safe || is_ours(&state, request.headers(), request.uri(), api) {
        return next.run(request).await;
    }
    if api { ApiProblem::cross_site().into_response() } else { Page::cross_site().into_response() }
}

/// Whether a change may be meant by the person in front of the browser.
fn is_ours(state: &AppState, headers: &HeaderMap, uri: &Uri, api: bool) -> bool {
    // Browsers never add this header by themselves, and a cross-site script may not.
    if api && headers.contains_key(header::AUTHORIZATION) {
        return true;
    }
    let text = |name: &str| headers.get(name).map(|v| v.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    match text("origin") {
        Some(origin) => origin == state.origin || (state.config.loopback_only() && is_same(origin, headers, uri)),
        // No browser: without a cookie there is nobody's right to misuse.
        None => {
            let jar = CookieJar::from_headers(headers);
            api && cookie::value(&jar, Name::Session, state.https).is_none()
        }
    }
}

/// On loopback the server has several names: localhost, 127.0.0.1, [::1].
fn is_same(origin: &str, headers: &HeaderMap, uri: &Uri) -> bool {
    let Some(host) = host(headers, uri) else { return false };
    origin == format!("http://{host}") && url::Url::parse(origin).is_ok_and(|u| is_loopback(&u))
}

fn names_loopback(headers: &HeaderMap, uri: &Uri) -> bool {
    // HTTP/1.0 and in-process clients send no name; browsers always do.
    let Some(host) = host(headers, uri) else { return true };
    url::Url::parse(&format!("http://{host}")).is_ok_and(|u| is_loopback(&u))
}

fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    match headers.get(header::HOST) {
        Some(host) => Some(host.to_str().unwrap_or("?")),
        None => uri.authority().map(http::uri::Authority::as_str),
    }
}
