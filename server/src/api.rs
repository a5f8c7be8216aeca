//! REST v1: one file a noun, mirroring the URL tree. A handler is extract, one call of the engine, respond.

pub mod access;
pub mod accounts;
pub mod cursor;
pub mod datasets;
pub mod decision;
pub mod download;
pub mod events;
pub mod explain;
pub mod extract;
pub mod ingests;
pub mod inspect;
pub mod me;
pub mod policy;
pub mod profile;
pub mod queries;
pub mod query;
pub mod results;
pub mod resumable;
pub mod rows;
pub mod tokens;
pub mod uploads;
pub mod versions;
pub mod view_as;

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use model::{CacheOutcome, Problem};
use serde::Serialize;
use utoipa::IntoResponses;

/// Where an answer came from.
pub const CACHE: HeaderName = HeaderName::from_static("x-penstock-cache");

/// The header's value.
#[must_use]
pub fn cache_header(outcome: CacheOutcome) -> HeaderValue {
    HeaderValue::try_from(outcome.to_string()).unwrap_or(HeaderValue::from_static("miss"))
}

/// What was made, with its address. That is plain, since ids are ours.
fn created(at: &str, made: impl Serialize) -> Response {
    let at = HeaderValue::try_from(at).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::CREATED, [(header::LOCATION, at)], Json(made)).into_response()
}

/// What every route of the API may answer beside its own.
#[derive(Debug, IntoResponses)]
pub enum Problems {
    /// The request is not valid; `detail` says what to change.
    #[response(status = 400, content_type = "application/problem+json")]
    Invalid(Problem),
    /// Not signed in, or the token does not hold.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(Problem),
    /// Visible, yet not allowed; or sent from another site.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
    /// Absent, or hidden from you: the same answer for both.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(Problem),
    /// Changed by someone else meanwhile, or the query was cancelled.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(Problem),
    /// A limit of time, memory, size or rows was met.
    #[response(status = 422, content_type = "application/problem+json")]
    Limit(Problem),
    /// Too many queries run and wait; `Retry-After` says when to try again.
    #[response(status = 429, content_type = "application/problem+json")]
    Busy(Problem),
    /// A fault of ours.
    #[response(status = 500, content_type = "application/problem+json")]
    Internal(Problem),
    /// The store cannot be reached; `Retry-After` says when to try again.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}
