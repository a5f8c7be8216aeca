//! `/api/v1/query`: SQL.

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use model::{Page, QueryRequest, QueryState, QueryStatus};
use serde::Serialize;
use utoipa::ToSchema;

use super::{CACHE, Problems, cache_header, extract::Json};
use crate::{auth::SignedIn, problem::ApiProblem, state::AppState};

/// Rows of a result that come with the first answer.
pub const FIRST_ROWS: u64 = 100;
/// The longest time that a request waits.
pub const MAX_WAIT_MS: u64 = 30_000;

/// A query's state, with the first rows once it is done.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueryAnswer {
    #[serde(flatten)]
    pub status: QueryStatus,
    /// The first 100 rows; absent while the query runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<Page>,
    /// Where the state can be asked for.
    pub status_url: String,
    /// Where more rows can be had.
    pub result_url: String,
}

/// Run one `SELECT`, or find its stored answer.
///
/// Waits `wait_ms` for the answer. When that is too short, the query goes on and 202 says where to ask.
#[utoipa::path(post, path = "/api/v1/query", tag = "queries", operation_id = "run_query", request_body = QueryRequest,
    responses(
        (status = 200, body = QueryAnswer, description = "Done",
         headers(("X-Penstock-Cache" = String, description = "Where the answer came from"))),
        (status = 202, body = QueryAnswer, description = "Still running; ask at Location",
         headers(("Location" = String, description = "Status address"),
                 ("X-Penstock-Cache" = String, description = "Where the answer comes from"))),
        (status = 413, body = model::Problem, content_type = "application/problem+json", description = "Too large"),
        (status = 415, body = model::Problem, content_type = "application/problem+json", description = "Not JSON"),
        Problems))]
pub async fn run(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Json(mut request): Json<QueryRequest>,
) -> Result<Response, ApiProblem> {
    let who = caller.require("read")?;
    request.wait_ms = request.wait_ms.min(MAX_WAIT_MS);
    let status = state.lake.query(who, request).await?;
    state.metrics.query(&status);
    let page = match status.state {
        QueryState::Done => Some(state.lake.result_page(who, &status.id, 0, FIRST_ROWS).await?),
        _ => None,
    };
    Ok(answer(status, page))
}

/// 200 with rows, or 202 with where to ask.
#[must_use]
pub fn answer(status: QueryStatus, page: Option<Page>) -> Response {
    let status_url = format!("/api/v1/queries/{}", status.id);
    let result_url = format!("/api/v1/results/{}", status.id);
    let cache = cache_header(status.cache);
    let running = matches!(status.state, QueryState::Queued | QueryState::Running);
    let location = HeaderValue::try_from(&status_url);
    let body = axum::Json(QueryAnswer { status, page, status_url, result_url });
    let mut answer =
        (if running { StatusCode::ACCEPTED } else { StatusCode::OK }, [(CACHE, cache)], body).into_response();
    if running && let Ok(location) = location {
        answer.headers_mut().insert(header::LOCATION, location);
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answer
}
