//! `/api/v1/ingests`: arrivals and what did not land.

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use model::{IngestFilter, IngestReport, IngestState, QuarantinedRow};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Problems,
    cursor::{self, Items},
    extract::{Id, Query},
    uploads::{FileForm, To, Uploaded, receive},
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
    /// Only files of which this became.
    state: Option<IngestState>,
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
    let filter = IngestFilter { unit: query.unit, dataset: query.dataset, state: query.state };
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

/// Rows of one arrival that did not land, as they stood in the file, under its header: to be corrected and sent back.
#[utoipa::path(get, path = "/api/v1/ingests/{id}/quarantine/rows", tag = "ingests", operation_id = "get_rows_to_correct",
    params(("id" = String, Path, description = "The arrival's id")),
    responses((status = 200, body = String, content_type = "text/plain", description = "The rows"), Problems))]
pub async fn rows_to_correct(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    id: Id,
) -> Result<impl IntoResponse, ApiProblem> {
    let (name, text) = state.lake.rows_to_correct(&caller.principal, &id.of("arrival")?).await?;
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    // Plain text, not CSV: a spreadsheet that opened it by itself would run what looks like formulas.
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{plain}\"")),
    ];
    Ok((headers, text))
}

/// Send corrected rows of an arrival: they land, and nothing else does. For owners of the dataset.
#[utoipa::path(post, path = "/api/v1/ingests/{id}/corrections", tag = "ingests", operation_id = "correct",
    params(("id" = String, Path, description = "The arrival's id")),
    request_body(content((FileForm = "multipart/form-data"), (Vec<u8> = "application/octet-stream"))),
    responses(
        (status = 201, body = Uploaded, description = "Arrived; the report says what landed",
         headers(("Location" = String, description = "The arrival of the corrected rows"))),
        (status = 303, description = "For browsers: on to that arrival's page"),
        (status = 413, body = model::Problem, content_type = "application/problem+json", description = "Too large"),
        Problems))]
pub async fn correct(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    id: Id,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, ApiProblem> {
    let who = caller.require("upload")?;
    let to = To::Corrections(id.of("arrival")?);
    receive(&state, who, &to, None, &headers, request, "/arrivals").await
}
