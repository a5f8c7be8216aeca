//! `/api/v1/datasets`: the catalog as the caller sees it.

use axum::{Json, extract::State};
use model::{Dataset, DatasetDetail, DatasetFilter};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Problems,
    cursor::{self, Items},
    extract::{DatasetPath, Query},
};
use crate::{auth::SignedIn, problem::ApiProblem, state::AppState};

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct List {
    /// Words that must all occur in name, title, description, tags or column names.
    q: Option<String>,
    /// Only this business unit.
    unit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Datasets wanted; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// Datasets that I may see, by name.
#[utoipa::path(get, path = "/api/v1/datasets", tag = "datasets", operation_id = "list_datasets", params(List),
    responses((status = 200, body = Items<Dataset>, description = "A page of the catalog"), Problems))]
pub async fn list(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Query(query): Query<List>,
) -> Result<Json<Items<Dataset>>, ApiProblem> {
    let who = caller.require("read")?;
    let all = state.lake.datasets(who, DatasetFilter { q: query.q, unit: query.unit }).await?;
    Ok(Json(cursor::page(all, |d| d.name.to_string(), false, query.cursor.as_deref(), query.limit)?))
}

/// One dataset: columns and versions. What its columns hold stands in its profile.
#[utoipa::path(get, path = "/api/v1/datasets/{unit}/{name}", tag = "datasets", operation_id = "get_dataset",
    params(("unit" = String, Path, description = "Business unit", example = "ops"),
           ("name" = String, Path, description = "Name within the unit", example = "flights")),
    responses((status = 200, body = DatasetDetail, description = "The dataset"), Problems))]
pub async fn get(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    DatasetPath(name): DatasetPath,
) -> Result<Json<DatasetDetail>, ApiProblem> {
    Ok(Json(state.lake.dataset(caller.require("read")?, &name).await?))
}
