//! `/api/v1/me`: who asks.

use axum::{Json, extract::State};
use model::Principal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Problems;
use crate::{
    auth::{SignedIn, Via},
    problem::ApiProblem,
    state::AppState,
};

/// The caller as the server knows it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Me {
    #[serde(flatten)]
    pub principal: Principal,
    /// Administers the lake.
    pub steward: bool,
    /// `session` or `token`.
    pub via: String,
    /// The steward who views as this person, when one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewed_by: Option<String>,
}

/// Who I am: groups, claims, and whether I administer the lake.
#[utoipa::path(get, path = "/api/v1/me", tag = "me", operation_id = "me",
    responses((status = 200, body = Me, description = "Who I am"), Problems))]
pub async fn me(State(state): State<AppState>, SignedIn(caller): SignedIn) -> Result<Json<Me>, ApiProblem> {
    let steward = state.lake.is_steward(&caller.principal).await?;
    let via = match caller.via {
        Via::Session(_) => "session",
        Via::Token(_) => "token",
    };
    let viewed_by = caller.principal.origin.viewing.as_ref().map(|steward| steward.name.clone());
    Ok(Json(Me { principal: caller.principal, steward, via: via.to_owned(), viewed_by }))
}
