//! `/api/v1/policy/explain`: what somebody sees, and why, for stewards.

use axum::extract::State;
use model::{DatasetName, Explanation, Principal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Problems, extract::Json};
use crate::{auth::SignedIn, problem::ApiProblem, state::AppState};

/// Whose view is asked for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Explain {
    /// Somebody as the provider describes them, or as you imagine them: groups and claims decide.
    pub who: Principal,
    /// One dataset alone, with the number of its rows that are seen.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "ops.flights")]
    pub dataset: Option<DatasetName>,
}

/// What somebody sees of every dataset by the policy of now: rows, columns, masks, and each grant with why it does not
/// apply. For stewards.
#[utoipa::path(post, path = "/api/v1/policy/explain", tag = "policy", operation_id = "explain_policy",
    request_body = Explain,
    responses(
        (status = 200, body = Explanation, description = "What is seen, and why"),
        (status = 413, body = model::Problem, content_type = "application/problem+json", description = "Too large"),
        (status = 415, body = model::Problem, content_type = "application/problem+json", description = "Not JSON"),
        Problems))]
pub async fn explain(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Json(asked): Json<Explain>,
) -> Result<axum::Json<Explanation>, ApiProblem> {
    Ok(axum::Json(state.lake.explain(&caller.principal, &asked.who, asked.dataset.as_ref()).await?))
}
