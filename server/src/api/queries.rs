//! `/api/v1/queries/{id}`: how a query stands, and its end.

use std::time::{Duration, Instant};

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use model::{QueryState, QueryStatus};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    CACHE, Problems, cache_header,
    extract::{Id, Query},
    query::MAX_WAIT_MS,
};
use crate::{auth::SignedIn, problem::ApiProblem, state::AppState};

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wait {
    /// How long to wait for the end, in milliseconds; more than 30,000 counts as 30,000.
    #[param(minimum = 0)]
    wait_ms: Option<u64>,
}

/// How a query of mine stands. A failed query answers with its problem.
#[utoipa::path(get, path = "/api/v1/queries/{id}", tag = "queries", operation_id = "get_query",
    params(("id" = String, Path, description = "From the query's answer"), Wait),
    responses((status = 200, body = QueryStatus, description = "How it stands",
               headers(("X-Penstock-Cache" = String, description = "Where the answer comes from"))), Problems))]
pub async fn status(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    id: Id,
    Query(query): Query<Wait>,
) -> Result<impl IntoResponse, ApiProblem> {
    let who = caller.require("read")?;
    let id = id.of("query")?;
    let until = Instant::now() + Duration::from_millis(query.wait_ms.unwrap_or(0).min(MAX_WAIT_MS));
    let mut pause = Duration::from_millis(20);
    loop {
        let status = state.lake.query_status(who, &id).await?;
        let running = matches!(status.state, QueryState::Queued | QueryState::Running);
        let left = until.saturating_duration_since(Instant::now());
        if !running || left.is_zero() {
            return Ok(([(CACHE, cache_header(status.cache))], Json(status)));
        }
        tokio::time::sleep(pause.min(left)).await;
        pause = (pause * 2).min(Duration::from_millis(500));
    }
}

/// Stop a query of mine. One that is done already stays done.
#[utoipa::path(delete, path = "/api/v1/queries/{id}", tag = "queries", operation_id = "cancel_query",
    params(("id" = String, Path, description = "From the query's answer")),
    responses((status = 204, description = "Stopped, or done already"), Problems))]
pub async fn cancel(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    id: Id,
) -> Result<StatusCode, ApiProblem> {
    let who = caller.require("read")?;
    state.lake.cancel_query(who, &id.of("query")?).await?;
    Ok(StatusCode::NO_CONTENT)
}
