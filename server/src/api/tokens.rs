//! `/api/v1/tokens`: personal tokens.

use axum::{extract::State, http::StatusCode, response::Response};
use model::{NewToken, TokenSecret, TokenSummary};

use super::{
    Problems, created,
    cursor::Items,
    extract::{Id, Json},
};
use crate::{
    auth::{SignedIn, Via},
    problem::ApiProblem,
    state::AppState,
};

/// My tokens, newest first.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", operation_id = "list_tokens",
    responses((status = 200, body = Items<TokenSummary>, description = "My tokens"), Problems))]
pub async fn list(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
) -> Result<axum::Json<Items<TokenSummary>>, ApiProblem> {
    let items = state.tokens.list(&caller.principal).await?;
    Ok(axum::Json(Items { items, next_cursor: None }))
}

/// Make a token. The secret is in this answer and nowhere else afterwards.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", operation_id = "create_token", request_body = NewToken,
    responses(
        (status = 201, body = TokenSecret, description = "Made", headers(("Location" = String, description = "Where to revoke it"))),
        (status = 413, body = model::Problem, content_type = "application/problem+json", description = "Too large"),
        (status = 415, body = model::Problem, content_type = "application/problem+json", description = "Not JSON"),
        Problems))]
pub async fn create(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Json(new): Json<NewToken>,
) -> Result<Response, ApiProblem> {
    let with = match &caller.via {
        Via::Token(used) => Some(used),
        Via::Session(_) => None,
    };
    let made = state.make_token(&caller.principal, with, new).await?;
    Ok(created(&format!("/api/v1/tokens/{}", made.token.id), made))
}

/// Revoke a token of mine, with all that were made with it.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "tokens", operation_id = "revoke_token",
    params(("id" = String, Path, description = "The token's id")),
    responses((status = 204, description = "Revoked"), Problems))]
pub async fn revoke(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    id: Id,
) -> Result<StatusCode, ApiProblem> {
    state.revoke_token(&caller.principal, &id.of("token")?).await?;
    Ok(StatusCode::NO_CONTENT)
}
