//! `/api/v1/ingests`: arrivals and what did not land.

use axum::{Json, extract::State};
use model::{IngestFilter, IngestReport, QuarantinedRow};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Problems,
    cursor::{self, Items},
    extract::{Id, Query},
};
use crate::{auth::SignedIn, problem::ApiProblem, state::AppState};

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct List {
    /// Only this business unit.
    unit: Option<String>,
    /// Only this dataset of the unit.
    dataset: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Arrivals wanted; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// Arrivals that I may see: of datasets that I own, my own uploads, all for stewards. Newest first.
#[utoipa::path(get, path = "/api/v1/ingests", tag = "ingests", operation_id = "list_ingests", params(List),
    responses((status = 200, body = Items<IngestReport>, description = "A page of arrivals"), Problems))]
pub async fn list(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Query(query): Query<List>,
) -> Result<Json<Items<IngestReport>>, ApiProblem> {
    let filter = IngestFilter { unit: query.unit, dataset: query.dataset };
    let mut all = state.lake.ingests(&caller.principal, filter).await?;
    // Ids sort by time.
    all.sort_by(|a, b| b.id.cmp(&a.id));
    Ok(Json(cursor::page(all, |r| r.id.clone(), true, query.cursor.as_deref(), query.limit)?))
}

/// One arrival: what was found in the file, what landed, why each column has its type.
#[utoipa::path(get, path = "/api/v1/ingests/{id}", tag = "ingests", operation_id = "get_ingest",
    params(("id" = String, Path, description = "The arrival's id")),
    responses((status = 200, body = IngestReport, description = "The arrival"), Problems))]
pub async fn get(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    id: Id,
) -> Result<Json<IngestReport>, ApiProblem> {
    Ok(Json(state.lake.ingest(&caller.principal, &id.of("arrival")?).await?))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Rest {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Rows wanted; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// Rows of one arrival that did not land, each with line, raw text and reason. For owners of the dataset.
#[utoipa::path(get, path = "/api/v1/ingests/{id}/quarantine", tag = "ingests", operation_id = "get_quarantine",
    params(("id" = String, Path, description = "The arrival's id"), Rest),
    responses((status = 200, body = Items<QuarantinedRow>, description = "A page of rows"), Problems))]
pub async fn quarantine(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    id: Id,
    Query(query): Query<Rest>,
) -> Result<Json<Items<QuarantinedRow>>, ApiProblem> {
    let rows = state.lake.quarantine(&caller.principal, &id.of("arrival")?).await?;
    // Several reasons may stand on one line: the place in the list is what orders it.
    let numbered: Vec<(usize, QuarantinedRow)> = rows.into_iter().enumerate().collect();
    let page = cursor::page(numbered, |(n, _)| format!("{n:012}"), false, query.cursor.as_deref(), query.limit)?;
    Ok(Json(Items { items: page.items.into_iter().map(|(_, row)| row).collect(), next_cursor: page.next_cursor }))
}
