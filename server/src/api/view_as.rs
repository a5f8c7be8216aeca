//! `/api/v1/policy/view-as`: a steward's session is answered as somebody else's would be.

use axum::{extract::State, http::StatusCode};
use axum_extra::extract::CookieJar;
use chrono::{DateTime, Utc};
use model::Principal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Problems, extract::Json};
use crate::{auth::SignedIn, problem::ApiProblem, state::AppState};

/// As whom to look.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewAs {
    /// Somebody as the provider describes them, or as you imagine them: groups and claims decide.
    pub who: Principal,
}

/// As whom the session looks now.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Viewed {
    pub who: Principal,
    /// When it ends by itself.
    pub until: DateTime<Utc>,
}

/// View as somebody: for half an hour every answer to this browser's session is what they would get, and nothing can be
/// changed. For stewards, in a session; a token acts as its owner alone.
#[utoipa::path(post, path = "/api/v1/policy/view-as", tag = "policy", operation_id = "view_as", request_body = ViewAs,
    responses(
        (status = 200, body = Viewed, description = "From now on"),
        (status = 413, body = model::Problem, content_type = "application/problem+json", description = "Too large"),
        (status = 415, body = model::Problem, content_type = "application/problem+json", description = "Not JSON"),
        Problems))]
pub async fn begin(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    jar: CookieJar,
    Json(asked): Json<ViewAs>,
) -> Result<axum::Json<Viewed>, ApiProblem> {
    let viewed = state.view_as(&caller, &jar, asked.who).await?;
    Ok(axum::Json(Viewed { who: viewed.who, until: viewed.until }))
}

/// Stop viewing as somebody; nothing happens when nobody is viewed.
#[utoipa::path(delete, path = "/api/v1/policy/view-as", tag = "policy", operation_id = "stop_viewing",
    responses((status = 204, description = "The session is its own person's again"), Problems))]
pub async fn stop(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    jar: CookieJar,
) -> Result<StatusCode, ApiProblem> {
    state.stop_viewing(&caller, &jar).await?;
    Ok(StatusCode::NO_CONTENT)
}
