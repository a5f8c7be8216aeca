//! `/api/v1/accounts`: people and service accounts, for those who look after them.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use model::{Account, AccountChange, AccountDetail, NewServiceAccount, NewToken, TokenSecret};

use super::{
    Problems, created,
    cursor::Items,
    extract::{Id, Json},
};
use crate::{auth::SignedIn, problem::ApiProblem, state::AppState};

/// People who have signed in and service accounts, as far as I look after them or own them. Stewards look after all, a
/// partner's administrators after the partner's.
#[utoipa::path(get, path = "/api/v1/accounts", tag = "accounts", operation_id = "list_accounts",
    responses((status = 200, body = Items<Account>, description = "Accounts, by name"), Problems))]
pub async fn list(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
) -> Result<axum::Json<Items<Account>>, ApiProblem> {
    let items = state.accounts(&caller.principal, true).await?.all;
    Ok(axum::Json(Items { items, next_cursor: None }))
}

/// Make a service account. Only stewards, and administrators of a partner within what they have themselves.
#[utoipa::path(post, path = "/api/v1/accounts", tag = "accounts", operation_id = "create_account",
    request_body = NewServiceAccount,
    responses(
        (status = 201, body = Account, description = "Made", headers(("Location" = String, description = "Where it is"))),
        (status = 413, body = model::Problem, content_type = "application/problem+json", description = "Too large"),
        (status = 415, body = model::Problem, content_type = "application/problem+json", description = "Not JSON"),
        Problems))]
pub async fn create(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Json(new): Json<NewServiceAccount>,
) -> Result<Response, ApiProblem> {
    let made = state.make_service_account(&caller.principal, new).await?;
    Ok(created(&format!("/api/v1/accounts/{}", made.id), made))
}

/// One account with its sessions and tokens.
#[utoipa::path(get, path = "/api/v1/accounts/{id}", tag = "accounts", operation_id = "account",
    params(("id" = String, Path, description = "The account's id")),
    responses((status = 200, body = AccountDetail, description = "The account"), Problems))]
pub async fn get(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    id: Id,
) -> Result<axum::Json<AccountDetail>, ApiProblem> {
    Ok(axum::Json(state.account(&caller.principal, &id.of("account")?).await?))
}

/// Disable a service account, or let it work again; effective everywhere within five seconds.
#[utoipa::path(patch, path = "/api/v1/accounts/{id}", tag = "accounts", operation_id = "change_account",
    params(("id" = String, Path, description = "The account's id")), request_body = AccountChange,
    responses(
        (status = 204, description = "Changed"),
        (status = 413, body = model::Problem, content_type = "application/problem+json", description = "Too large"),
        (status = 415, body = model::Problem, content_type = "application/problem+json", description = "Not JSON"),
        Problems))]
pub async fn change(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    id: Id,
    Json(change): Json<AccountChange>,
) -> Result<StatusCode, ApiProblem> {
    state.change_account(&caller.principal, &id.of("account")?, change.disabled).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a service account with its tokens, for good; its name is not given again.
#[utoipa::path(delete, path = "/api/v1/accounts/{id}", tag = "accounts", operation_id = "remove_account",
    params(("id" = String, Path, description = "The account's id")),
    responses((status = 204, description = "Removed"), Problems))]
pub async fn remove(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    id: Id,
) -> Result<StatusCode, ApiProblem> {
    state.remove_account(&caller.principal, &id.of("account")?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a token of a service account. The secret is in this answer and nowhere else afterwards.
#[utoipa::path(post, path = "/api/v1/accounts/{id}/tokens", tag = "accounts", operation_id = "create_account_token",
    params(("id" = String, Path, description = "The account's id")), request_body = NewToken,
    responses(
        (status = 201, body = TokenSecret, description = "Made", headers(("Location" = String, description = "Where to revoke it"))),
        (status = 413, body = model::Problem, content_type = "application/problem+json", description = "Too large"),
        (status = 415, body = model::Problem, content_type = "application/problem+json", description = "Not JSON"),
        Problems))]
pub async fn create_token(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    id: Id,
    Json(new): Json<NewToken>,
) -> Result<Response, ApiProblem> {
    let id = id.of("account")?;
    let made = state.make_account_token(&caller.principal, &id, new).await?;
    Ok(created(&format!("/api/v1/accounts/{id}/tokens/{}", made.token.id), made))
}

/// Revoke a token of an account that I look after.
#[utoipa::path(delete, path = "/api/v1/accounts/{id}/tokens/{token}", tag = "accounts",
    operation_id = "revoke_account_token",
    params(("id" = String, Path, description = "The account's id"), ("token" = String, Path, description = "The token's id")),
    responses((status = 204, description = "Revoked"), Problems))]
pub async fn revoke_token(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Path((id, token)): Path<(String, String)>,
) -> Result<StatusCode, ApiProblem> {
    let (id, token) = (Id::plain(id, "account")?, Id::plain(token, "token")?);
    state.revoke_account_token(&caller.principal, &id, &token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End a session of somebody whom I look after.
#[utoipa::path(delete, path = "/api/v1/accounts/{id}/sessions/{session}", tag = "accounts",
    operation_id = "end_account_session",
    params(("id" = String, Path, description = "The account's id"), ("session" = String, Path, description = "The session's id")),
    responses((status = 204, description = "Ended"), Problems))]
pub async fn end_session(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Path((id, session)): Path<(String, String)>,
) -> Result<StatusCode, ApiProblem> {
    let (id, session) = (Id::plain(id, "account")?, Id::plain(session, "session")?);
    state.end_account_session(&caller.principal, &id, &session).await?;
    Ok(StatusCode::NO_CONTENT)
}
