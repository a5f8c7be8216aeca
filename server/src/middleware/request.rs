//! One id, one log line and one measurement a request; the id goes into the answer and into problems.

use std::time::Instant;

use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use tracing::Instrument as _;

use super::is_api;
use crate::{
    problem::{Unfinished, prefers_html},
    state::AppState,
};

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of the request that is being answered.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// The route that answered, as its template: bounded, and without names of people or data.
#[derive(Debug, Clone)]
struct Template(String);

/// Remembers which route matched. A layer of routes, since only there is it known.
pub async fn remember_route(request: Request, next: Next) -> Response {
    let template = request.extensions().get::<MatchedPath>().map(|m| Template(m.as_str().to_owned()));
    let mut answer = next.run(request).await;
    if let Some(template) = template {
        answer.extensions_mut().insert(template);
    }
    answer
}

/// The outermost layer. Ids are made here, never taken from the client, so that a log line cannot be forged.
pub async fn observe(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let id = uuid::Uuid::now_v7().simple().to_string();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    request.extensions_mut().insert(RequestId(id.clone()));
    let began = Instant::now();
    let span = tracing::info_span!("request", %id, %method, %path);
    let person = (is_api(&path) && prefers_html(request.headers())).then(|| Person { back: back(request.headers()) });
    let answer = next.run(request).instrument(span.clone()).await;
    let took = began.elapsed();
    let status = answer.status();
    let _in = span.entered();
    let asset = path.starts_with("/pkg/");
    if status.is_server_error() {
        tracing::warn!(status = status.as_u16(), ms = took.as_millis() as u64, "answered");
    } else if asset {
        tracing::debug!(status = status.as_u16(), ms = took.as_millis() as u64, "answered");
    } else {
        tracing::info!(status = status.as_u16(), ms = took.as_millis() as u64, "answered");
    }
    let template = answer.extensions().get::<Template>().map_or("none", |t| t.0.as_str()).to_owned();
    state.metrics.request(&method, &template, status, took);
    finish(answer, &id, person)
}

/// Somebody who sent a form to the API, and reads its answer.
struct Person {
    back: Option<String>,
}

/// The page that the request came from, as an address on this server.
fn back(headers: &HeaderMap) -> Option<String> {
    let from = url::Url::parse(headers.get(header::REFERER)?.to_str().ok()?).ok()?;
    let query = from.query().map(|q| format!("?{q}")).unwrap_or_default();
    // Two slashes would name another server.
    Some(format!("/{}{query}", from.path().trim_start_matches('/')))
}

fn finish(mut answer: Response, id: &str, person: Option<Person>) -> Response {
    if let Ok(value) = HeaderValue::try_from(id) {
        answer.headers_mut().insert(HEADER, value);
    }
    match answer.extensions_mut().remove::<Unfinished>() {
        Some(problem) if person.is_some() => {
            let mut page = problem.page(person.and_then(|p| p.back)).into_response();
            let mut headers = std::mem::take(answer.headers_mut());
            headers.remove(header::CONTENT_LENGTH);
            headers.remove(header::CONTENT_ENCODING);
            headers.extend(std::mem::take(page.headers_mut()));
            *page.headers_mut() = headers;
            page
        }
        // Small, and so never compressed on its way here.
        Some(problem) if !answer.headers().contains_key(header::CONTENT_ENCODING) => {
            let (mut parts, _) = answer.into_parts();
            parts.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(problem.body(id)))
        }
        _ => answer,
    }
}
