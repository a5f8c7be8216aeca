//! `/api/v1/policy`: the policy, what it would change, and its versions; for stewards.

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, HeaderName, header},
};
use lake::LakeError;
use model::{PolicyReview, PolicyText, PolicyVersion, PolicyVersionDetail, PolicyVersions, Principal, PublishPolicy};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Problems,
    extract::{Json, Query},
};
use crate::{
    auth::{SignedIn, account},
    problem::ApiProblem,
    state::AppState,
};

/// Bytes of a body: a text of 256 KiB, each byte of which may need several in JSON or in a form.
pub const MOST: usize = 1 << 20;

/// A text to be looked at.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// `policy.toml`, at most 256 KiB.
    pub text: String,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Before {
    /// `before` of the page before.
    before: Option<u64>,
}

/// The policy as it stands in the lake, and which version that is. Its hash is the `ETag`.
#[utoipa::path(get, path = "/api/v1/policy", tag = "policy", operation_id = "get_policy",
    responses(
        (status = 200, body = PolicyText, description = "The text", headers(("ETag" = String, description = "Its hash"))),
        Problems))]
pub async fn get(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
) -> Result<([(HeaderName, String); 1], axum::Json<PolicyText>), ApiProblem> {
    let told = state.lake.policy_text(&caller.principal).await?;
    Ok(([(header::ETAG, format!("\"{}\"", told.sha256))], axum::Json(told)))
}

/// Publish a text as the policy, in the place of the one that `If-Match` names: as a new version, on every replica within
/// seconds. Doubts that the review finds must be named in `accept`.
#[utoipa::path(put, path = "/api/v1/policy", tag = "policy", operation_id = "publish_policy",
    params(("If-Match" = String, Header, description = "`ETag` of the policy that the text was made from")),
    request_body = PublishPolicy,
    responses(
        (status = 200, body = PolicyVersion, description = "The new version"),
        (status = 412, body = model::Problem, content_type = "application/problem+json",
         description = "The policy is another one by now"),
        (status = 413, body = model::Problem, content_type = "application/problem+json", description = "Too large"),
        (status = 415, body = model::Problem, content_type = "application/problem+json", description = "Not JSON"),
        (status = 428, body = model::Problem, content_type = "application/problem+json", description = "No `If-Match`"),
        Problems))]
pub async fn publish(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Json(publish): Json<PublishPolicy>,
) -> Result<axum::Json<PolicyVersion>, ApiProblem> {
    let tag = headers.get(header::IF_MATCH).and_then(|v| v.to_str().ok());
    let base = tag.map(|tag| tag.trim().trim_matches('"')).ok_or_else(ApiProblem::unconditional)?;
    match state.lake.publish_policy(&caller.principal, base, publish).await {
        Err(e @ LakeError::Conflict { .. }) => Err(ApiProblem::precondition(e.to_string())),
        made => Ok(axum::Json(made?)),
    }
}

/// What would change if a text were the policy: what is wrong with it, its own tests, and who gains and who loses of each
/// dataset, with the rows counted. Nothing is published.
#[utoipa::path(post, path = "/api/v1/policy/review", tag = "policy", operation_id = "review_policy",
    request_body = Candidate,
    responses(
        (status = 200, body = PolicyReview, description = "What would change"),
        (status = 413, body = model::Problem, content_type = "application/problem+json", description = "Too large"),
        (status = 415, body = model::Problem, content_type = "application/problem+json", description = "Not JSON"),
        Problems))]
pub async fn review(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Json(candidate): Json<Candidate>,
) -> Result<axum::Json<PolicyReview>, ApiProblem> {
    Ok(axum::Json(reviewed(&state, &caller.principal, &candidate.text).await?))
}

/// Versions of the policy, newest first, fifty at a time.
#[utoipa::path(get, path = "/api/v1/policy/versions", tag = "policy", operation_id = "list_policy_versions",
    params(Before),
    responses((status = 200, body = PolicyVersions, description = "Who published what, and why"), Problems))]
pub async fn versions(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Query(query): Query<Before>,
) -> Result<axum::Json<PolicyVersions>, ApiProblem> {
    Ok(axum::Json(state.lake.policy_versions(&caller.principal, query.before).await?))
}

/// One version of the policy with its text, and the lines that differ from the one before.
#[utoipa::path(get, path = "/api/v1/policy/versions/{version}", tag = "policy", operation_id = "get_policy_version",
    params(("version" = u64, Path, description = "Its number")),
    responses((status = 200, body = PolicyVersionDetail, description = "The version"), Problems))]
pub async fn version(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    number: Result<Path<u64>, PathRejection>,
) -> Result<axum::Json<PolicyVersionDetail>, ApiProblem> {
    let Path(number) = number?;
    Ok(axum::Json(state.lake.policy_version(&caller.principal, number).await?))
}

/// The review over everyone who has signed in.
///
/// # Errors
/// The lake's.
pub async fn reviewed(state: &AppState, who: &Principal, text: &str) -> lake::Result<PolicyReview> {
    let people = match state.lake.is_steward(who).await? {
        true => account::known(state.lake.documents()).await?,
        // Refused below, and told to the audit there.
        false => Vec::new(),
    };
    let people: Vec<Principal> = people.into_iter().map(|known| known.principal).collect();
    state.lake.review_policy(who, text, &people).await
}
