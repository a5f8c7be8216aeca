//! `/api/v1/datasets/{unit}/{name}/versions` and `/rollback`: what a dataset was, and going back to it.

use axum::{Json, extract::State, http::StatusCode};
use model::{DatasetVersion, RollBack};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Problems,
    cursor::{self, Items},
    extract::{self, DatasetPath, Query},
};
use crate::{auth::SignedIn, problem::ApiProblem, state::AppState};

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct List {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Versions wanted; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// The versions of a dataset, newest first: when and how each was made; for owners and stewards by whom and of which
/// file, and for those who see all rows how many rows it added. Any of them can be asked in SQL:
/// `select … from ops.flights version as of 3`, or `timestamp as of '2026-11-25T10:00:00Z'`.
#[utoipa::path(get, path = "/api/v1/datasets/{unit}/{name}/versions", tag = "datasets", operation_id = "list_versions",
    params(("unit" = String, Path, description = "Business unit", example = "ops"),
           ("name" = String, Path, description = "Name within the unit", example = "flights"), List),
    responses((status = 200, body = Items<DatasetVersion>, description = "A page of the history"), Problems))]
pub async fn list(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    DatasetPath(name): DatasetPath,
    Query(query): Query<List>,
) -> Result<Json<Items<DatasetVersion>>, ApiProblem> {
    let all = state.lake.versions(caller.require("read")?, &name).await?;
    // As many digits for each, so that texts are in the order of numbers.
    let key = |v: &DatasetVersion| format!("{:020}", v.version);
    Ok(Json(cursor::page(all, key, true, query.cursor.as_deref(), query.limit)?))
}

/// Go back to an older version: its rows and columns become the newest, as a version of its own, and nothing is
/// deleted. Content that is taken back so lands again only by a decision. For owners of the dataset and stewards.
#[utoipa::path(post, path = "/api/v1/datasets/{unit}/{name}/rollback", tag = "datasets", operation_id = "roll_back",
    params(("unit" = String, Path, description = "Business unit", example = "ops"),
           ("name" = String, Path, description = "Name within the unit", example = "flights")),
    request_body = RollBack,
    responses((status = 201, body = DatasetVersion, description = "The new version"), Problems))]
pub async fn roll_back(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    DatasetPath(name): DatasetPath,
    extract::Json(to): extract::Json<RollBack>,
) -> Result<(StatusCode, Json<DatasetVersion>), ApiProblem> {
    let made = state.lake.roll_back(caller.require("own")?, &name, to).await?;
    Ok((StatusCode::CREATED, Json(made)))
}
