//! `/api/v1/datasets/{unit}/{name}/rows`: rows without SQL, through the same governed path.

use axum::{Json, extract::State, response::IntoResponse};
use model::{Page, QueryStatus, RowsRequest};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::{
    CACHE, Problems, cache_header, cursor,
    extract::{DatasetPath, Query},
};
use crate::{auth::SignedIn, problem::ApiProblem, state::AppState};

const DEFAULT_LIMIT: u64 = 100;
const MAX_LIMIT: u64 = 10_000;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Rows {
    /// Columns wanted, between commas, in this order; all when absent.
    #[param(example = "carrier,flight,dep_delay")]
    columns: Option<String>,
    /// A SQL predicate over the dataset's columns.
    #[param(example = "dep_delay > 60")]
    filter: Option<String>,
    /// Columns to sort by, between commas; a leading `-` sorts downwards.
    #[param(example = "-dep_delay,carrier")]
    sort: Option<String>,
    /// Rows wanted; 100 when absent.
    #[param(minimum = 1, maximum = 10000)]
    limit: Option<u64>,
    /// `next_cursor` of the page before, with the same other parameters.
    cursor: Option<String>,
}

/// A page of rows.
#[derive(Debug, Serialize, ToSchema)]
pub struct RowsAnswer {
    #[serde(flatten)]
    page: Page,
    /// The query behind it: version of the dataset, cache, time.
    query: QueryStatus,
    /// Send as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// What a cursor holds: a place, and what it is a place in.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    offset: u64,
    of: String,
}

/// Rows of a dataset that I may see.
#[utoipa::path(get, path = "/api/v1/datasets/{unit}/{name}/rows", tag = "datasets", operation_id = "get_rows",
    params(("unit" = String, Path, description = "Business unit", example = "ops"),
           ("name" = String, Path, description = "Name within the unit", example = "flights"), Rows),
    responses((status = 200, body = RowsAnswer, description = "A page of rows",
               headers(("X-Penstock-Cache" = String, description = "Where the answer came from"))), Problems))]
pub async fn rows(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    DatasetPath(name): DatasetPath,
    Query(query): Query<Rows>,
) -> Result<impl IntoResponse, ApiProblem> {
    let who = caller.require("read")?;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(ApiProblem::invalid(format!("limit = {limit} must be between 1 and {MAX_LIMIT}")));
    }
    let of = fingerprint(&name.to_string(), &query);
    let offset = match query.cursor.as_deref().map(cursor::decode::<Place>).transpose()? {
        None => 0,
        Some(place) if place.of == of => place.offset,
        Some(_) => return Err(ApiProblem::invalid("this cursor belongs to a request with other parameters")),
    };
    let request = RowsRequest {
        columns: words(query.columns.as_deref()),
        filter: query.filter.filter(|f| !f.trim().is_empty()),
        sort: words(query.sort.as_deref()),
        limit: Some(limit),
        offset,
    };
    let (status, page) = state.lake.rows(who, &name, request).await?;
    state.metrics.query(&status);
    let next = offset.saturating_add(page.rows.len() as u64);
    let more = !page.rows.is_empty() && next < page.rows_total;
    let next_cursor = more.then(|| cursor::encode(&Place { offset: next, of }));
    Ok(([(CACHE, cache_header(status.cache))], Json(RowsAnswer { page, query: status, next_cursor })))
}

fn words(list: Option<&str>) -> Vec<String> {
    list.unwrap_or_default().split(',').map(str::trim).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

/// Names the list that a cursor is a place in; the page size may change on the way.
fn fingerprint(dataset: &str, query: &Rows) -> String {
    let parts = (dataset, &query.columns, &query.filter, &query.sort);
    let hash = Sha256::digest(serde_json::to_vec(&parts).unwrap_or_default());
    crate::auth::account::hex(&hash[..8])
}
