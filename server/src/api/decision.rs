//! `/api/v1/ingests/{id}/decision`: what an owner decides about a file.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use model::{Decision, IngestReport, Verdict};
use utoipa::ToSchema;

use super::{Problems, extract::Id};
use crate::{
    auth::SignedIn,
    problem::{ApiProblem, prefers_html, see_other},
    state::AppState,
};

/// A decision as the arrival's page sends it.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "documents the form")]
struct DecisionForm {
    /// `land` or `refuse`.
    verdict: Verdict,
    note: Option<String>,
    /// Headers of the file, each followed by its `column`.
    label: Option<Vec<String>>,
    /// The dataset's column that the `label` before it is; empty for a new column.
    column: Option<Vec<String>>,
}

/// Decide about a file that waits, or land one that was refused for its columns or the number of its rejected rows: rows
/// that fit land, the others wait in quarantine, new columns are added. Holds for this file alone; files behind it then
/// go on by themselves. For owners of the dataset.
#[utoipa::path(post, path = "/api/v1/ingests/{id}/decision", tag = "ingests", operation_id = "decide",
    params(("id" = String, Path, description = "The arrival's id")),
    request_body(content((Decision = "application/json"), (DecisionForm = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, body = IngestReport, description = "What became of the file that waited"),
        (status = 201, body = IngestReport, description = "A refused file was taken again; the report says what landed",
         headers(("Location" = String, description = "The new arrival"))),
        (status = 303, description = "For browsers: on to the arrival's page"),
        (status = 415, body = model::Problem, content_type = "application/problem+json", description = "Not a decision"),
        Problems))]
pub async fn decide(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    id: Id,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiProblem> {
    let who = caller.require("own")?;
    let id = id.of("arrival")?;
    let report = state.lake.decide(who, &id, decision(&headers, &body)?).await?;
    if prefers_html(&headers) {
        return Ok(see_other(&format!("/arrivals/{}", report.id)));
    }
    let status = if report.id == id { StatusCode::OK } else { StatusCode::CREATED };
    let at = [(header::LOCATION, format!("/api/v1/ingests/{}", report.id))];
    Ok((status, at, Json(report)).into_response())
}

fn decision(headers: &HeaderMap, body: &[u8]) -> Result<Decision, ApiProblem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/json" => serde_json::from_slice(body).map_err(|e| ApiProblem::invalid(e.to_string())),
        "application/x-www-form-urlencoded" => form(body),
        _ => Err(ApiProblem::media_type("send the decision as application/json or as a form")),
    }
}

/// The fields of the page's form; each header is followed by its column, which is why it is read by hand.
fn form(body: &[u8]) -> Result<Decision, ApiProblem> {
    let mut decision = Decision::land();
    let mut given = None;
    let mut label = None;
    for (name, value) in url::form_urlencoded::parse(body) {
        let value = value.trim();
        match name.as_ref() {
            "verdict" => {
                given = match value {
                    "land" => Some(Verdict::Land),
                    "refuse" => Some(Verdict::Refuse),
                    _ => None,
                }
            }
            "note" => value.clone_into(&mut decision.note),
            "label" => label = Some(value.to_owned()),
            "column" => {
                if let Some(label) = label.take().filter(|_| !value.is_empty()) {
                    decision.columns.insert(label, value.to_owned());
                }
            }
            _ => {}
        }
    }
    decision.verdict = given.ok_or_else(|| ApiProblem::invalid("`verdict` is `land` or `refuse`"))?;
    Ok(decision)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_in_pairs() {
        let read = form(b"verdict=land&label=Preis&column=price&label=Neu&column=&note=+").unwrap();
        assert_eq!(read, Decision { columns: [("Preis".into(), "price".into())].into(), ..Decision::land() });
        assert_eq!(form(b"verdict=refuse&note=wrong+month").unwrap(), Decision::refuse("wrong month"));
        for wrong in ["", "note=x", "verdict=perhaps"] {
            assert!(form(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
