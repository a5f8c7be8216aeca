//! `GET /sql/chart`: the chart of an answer as a file, drawn of the rows that its page draws it of.

use axum::{
    extract::{Query, RawQuery, State},
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;

use crate::{
    auth::{Caller, Via, return_to},
    problem::{Page, see_other},
    state::AppState,
};

#[derive(Debug, Deserialize)]
pub(crate) struct Of {
    /// Of the answer.
    #[serde(default)]
    id: String,
}

pub(crate) async fn file(
    State(state): State<AppState>,
    caller: Option<Caller>,
    Query(Of { id }): Query<Of>,
    RawQuery(query): RawQuery,
) -> Result<Response, Page> {
    let query = query.unwrap_or_default();
    // As for pages: tokens have the API.
    let Some(caller) = caller.filter(|c| matches!(c.via, Via::Session(_))) else {
        return Ok(see_other(&return_to::sign_in(&format!("/sql/chart?{query}"))));
    };
    let page = state.lake.result_page(&caller.principal, &id, 0, app::CHART_ROWS).await?;
    let chart = app::chart_file(&page, &query);
    let chart = chart.ok_or_else(|| Page::bad_request("These columns do not give such a chart; choose others."))?;
    let short: String = id.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    let name = HeaderValue::try_from(format!("attachment; filename=\"penstock-{short}.svg\""));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml")),
        (header::CONTENT_DISPOSITION, name.unwrap_or(HeaderValue::from_static("attachment"))),
    ];
    Ok((headers, chart).into_response())
}
