//! `/api/v1/results/{id}`: stored results, by window and as a whole.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt as _;
use model::{CacheOutcome, CacheTier, ExportFormat, Formulas, Page, Principal};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    CACHE, Problems, cache_header, download,
    extract::{Id, Query},
};
use crate::{auth::SignedIn, problem::ApiProblem, state::AppState};

const DEFAULT_LIMIT: u64 = 100;
const MAX_LIMIT: u64 = 10_000;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Window {
    /// First row, counted from 0.
    #[param(minimum = 0)]
    offset: Option<u64>,
    /// Rows wanted; 100 when absent.
    #[param(minimum = 1, maximum = 10000)]
    limit: Option<u64>,
}

/// A window of a result of mine.
#[utoipa::path(get, path = "/api/v1/results/{id}", tag = "results", operation_id = "get_result",
    params(("id" = String, Path, description = "From the query's answer"), Window),
    responses((status = 200, body = Page, description = "The window",
               headers(("X-Penstock-Cache" = String, description = "Where the result came from"))), Problems))]
pub async fn page(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    id: Id,
    Query(window): Query<Window>,
) -> Result<impl IntoResponse, ApiProblem> {
    let who = caller.require("read")?;
    let id = id.of("result")?;
    let limit = window.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(ApiProblem::invalid(format!("limit = {limit} must be between 1 and {MAX_LIMIT}")));
    }
    // Asked first: reading the result brings it into memory.
    let from = came_from(&state, who, &id).await;
    let page = state.lake.result_page(who, &id, window.offset.unwrap_or(0), limit).await?;
    Ok(([(CACHE, from)], Json(page)))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Form {
    /// `csv`, `parquet`, `arrow`, `json` or `ndjson`; by `Accept` when absent.
    #[param(value_type = Option<ExportFormat>)]
    format: Option<String>,
    /// In CSV: an apostrophe before texts and headers that a spreadsheet would run as formulas. Off when absent: then
    /// values are as they are.
    #[serde(default)]
    guard: bool,
}

/// A whole result of mine as a file.
#[utoipa::path(get, path = "/api/v1/results/{id}/download", tag = "results", operation_id = "download_result",
    params(("id" = String, Path, description = "From the query's answer"), Form),
    responses(
        (status = 200, description = "The result", headers(
            ("X-Penstock-Cache" = String, description = "Where the result came from"),
            ("X-Penstock-Rows" = u64, description = "Rows of the result")),
         content((String = "text/csv"), (String = "application/vnd.apache.parquet"),
                 (String = "application/vnd.apache.arrow.stream"), (Vec<Object> = "application/json"),
                 (String = "application/x-ndjson"))),
        (status = 406, body = model::Problem, content_type = "application/problem+json",
         description = "No form that the client accepts"),
        Problems))]
pub async fn download(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    id: Id,
    Query(form): Query<Form>,
    headers: HeaderMap,
) -> Result<Response, ApiProblem> {
    let who = caller.require("read")?;
    let id = id.of("result")?;
    let format = download::wanted(form.format.as_deref(), &headers)?;
    let formulas = if form.guard { Formulas::Guarded } else { Formulas::Kept };
    let from = came_from(&state, who, &id).await;
    let found = state.lake.download(who, &id, format, formulas).await?;
    let rows = found.rows;
    // An error on the way breaks the transfer off: half a file never looks whole.
    let mut body = found.body.map(|part| part.inspect_err(|e| tracing::error!(error = %e, "a download broke off")));
    // The first part decides the status: what fails at once is told as a problem.
    let first = body.next().await.transpose()?;
    let body = futures::stream::iter(first.map(Ok)).chain(body);
    let short: String = id.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    let name = format!("attachment; filename=\"penstock-{short}.{}\"", format.extension());
    let mut answer = Body::from_stream(body).into_response();
    let out = answer.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    out.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::try_from(name).unwrap_or(HeaderValue::from_static("attachment")),
    );
    out.insert("x-penstock-rows", HeaderValue::from(rows));
    out.insert(CACHE, from);
    Ok(answer)
}

/// How the query behind a result was answered; a result whose query nobody remembers was read from the store.
async fn came_from(state: &AppState, who: &Principal, id: &str) -> HeaderValue {
    let outcome = match state.lake.query_status(who, id).await {
        Ok(status) => status.cache,
        Err(_) => CacheOutcome::Hit(CacheTier::Store),
    };
    cache_header(outcome)
}
