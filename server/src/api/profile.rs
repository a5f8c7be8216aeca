//! `/api/v1/datasets/{unit}/{name}/profile`: what each column holds.

use axum::{Json, extract::State};
use model::DatasetProfile;

use super::{Problems, extract::DatasetPath};
use crate::{auth::SignedIn, problem::ApiProblem, state::AppState};

/// What each column of a dataset holds, over the rows that I may see: nulls, distinct values, bounds; and where I see
/// every row and the column as it is, mean, frequent values and a histogram too.
#[utoipa::path(get, path = "/api/v1/datasets/{unit}/{name}/profile", tag = "datasets", operation_id = "get_profile",
    params(("unit" = String, Path, description = "Business unit", example = "ops"),
           ("name" = String, Path, description = "Name within the unit", example = "flights")),
    responses((status = 200, body = DatasetProfile, description = "One entry a column"), Problems))]
pub async fn profile(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    DatasetPath(name): DatasetPath,
) -> Result<Json<DatasetProfile>, ApiProblem> {
    Ok(Json(state.lake.profile(caller.require("read")?, &name).await?))
}
