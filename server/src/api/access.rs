//! `/api/v1/access` and `/api/v1/discoverable`: datasets that one may know of, and asking for access to them.

use axum::{extract::State, http::StatusCode};
use model::{
    AccessAnswer, AccessPreview, AccessRequest, AccessRequests, AccessVerdict, Ask, DatasetFilter, Discovered, Giving,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Problems,
    extract::{DatasetPath, Id, Json, Query},
};
use crate::{auth::SignedIn, problem::ApiProblem, state::AppState};

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Find {
    /// Words that must all occur in name, title, description or owner.
    q: Option<String>,
    /// Only this business unit.
    unit: Option<String>,
}

/// Datasets of which I see nothing and may ask for access, by name. Nothing else is told of them.
#[utoipa::path(get, path = "/api/v1/discoverable", tag = "access", operation_id = "list_discoverable", params(Find),
    responses((status = 200, body = Vec<Discovered>, description = "What may be asked for"), Problems))]
pub async fn discoverable(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Query(find): Query<Find>,
) -> Result<axum::Json<Vec<Discovered>>, ApiProblem> {
    let filter = DatasetFilter { q: find.q, unit: find.unit };
    Ok(axum::Json(state.lake.discoverable(caller.require("read")?, &filter).await?))
}

/// Ask for access to a dataset, also for more of one that I see in part. One request for a dataset waits at a time.
#[utoipa::path(post, path = "/api/v1/datasets/{unit}/{name}/access", tag = "access", operation_id = "ask_access",
    params(("unit" = String, Path, description = "Business unit"), ("name" = String, Path, description = "Name within the unit")),
    request_body = Ask,
    responses((status = 201, body = AccessRequest, description = "The request, which waits now"),
        (status = 413, body = model::Problem, content_type = "application/problem+json", description = "Too large"),
        (status = 415, body = model::Problem, content_type = "application/problem+json", description = "Not JSON"),
        Problems))]
pub async fn ask(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    DatasetPath(name): DatasetPath,
    Json(ask): Json<Ask>,
) -> Result<(StatusCode, axum::Json<AccessRequest>), ApiProblem> {
    let asked = state.lake.ask_access(caller.require("read")?, &name, ask).await?;
    Ok((StatusCode::CREATED, axum::Json(asked)))
}

/// My requests, and those that I answer as an owner or a steward.
#[utoipa::path(get, path = "/api/v1/access", tag = "access", operation_id = "list_access",
    responses((status = 200, body = AccessRequests, description = "Requests with what became of them"), Problems))]
pub async fn list(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
) -> Result<axum::Json<AccessRequests>, ApiProblem> {
    Ok(axum::Json(state.lake.access_requests(caller.require("read")?).await?))
}

/// One request, for its asker and for who answers it.
#[utoipa::path(get, path = "/api/v1/access/{id}", tag = "access", operation_id = "get_access",
    params(("id" = String, Path, description = "The request's id")),
    responses((status = 200, body = AccessRequest, description = "The request"), Problems))]
pub async fn get(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    id: Id,
) -> Result<axum::Json<AccessRequest>, ApiProblem> {
    Ok(axum::Json(state.lake.access_request(caller.require("read")?, &id.of("request")?).await?))
}

/// What a grant would give by itself: how many rows of how many, and how each column shows. For who could give it.
#[utoipa::path(post, path = "/api/v1/access/{id}/preview", tag = "access", operation_id = "preview_access",
    params(("id" = String, Path, description = "The request's id")), request_body = Giving,
    responses((status = 200, body = AccessPreview, description = "What it would give"),
        (status = 413, body = model::Problem, content_type = "application/problem+json", description = "Too large"),
        (status = 415, body = model::Problem, content_type = "application/problem+json", description = "Not JSON"),
        Problems))]
pub async fn preview(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    id: Id,
    Json(give): Json<Giving>,
) -> Result<axum::Json<AccessPreview>, ApiProblem> {
    Ok(axum::Json(state.lake.access_preview(caller.require("own")?, &id.of("request")?, &give).await?))
}

/// Grant, refuse or end, as an owner of the dataset or a steward; or take my own request back.
#[utoipa::path(post, path = "/api/v1/access/{id}/answer", tag = "access", operation_id = "answer_access",
    params(("id" = String, Path, description = "The request's id")), request_body = AccessAnswer,
    responses((status = 200, body = AccessRequest, description = "What became of it"),
        (status = 413, body = model::Problem, content_type = "application/problem+json", description = "Too large"),
        (status = 415, body = model::Problem, content_type = "application/problem+json", description = "Not JSON"),
        Problems))]
pub async fn answer(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    id: Id,
    Json(answer): Json<AccessAnswer>,
) -> Result<axum::Json<AccessRequest>, ApiProblem> {
    let needs = if answer.verdict == AccessVerdict::Withdraw { "read" } else { "own" };
    Ok(axum::Json(state.lake.answer_access(caller.require(needs)?, &id.of("request")?, answer).await?))
}
