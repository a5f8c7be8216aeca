//! `/api/v1/inspect`: what would become of a file, before anything lands.

use axum::{
    Json,
    extract::{FromRequest as _, Multipart, Request, State},
    http::{HeaderMap, header},
    response::IntoResponse,
};
use bytes::Bytes;
use lake::{
    LakeError,
    contract::Contract,
    ingest::{Inspect, Inspected},
};
use model::{DatasetName, Inspection, Principal};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{Problems, extract::Query, uploads::file_name};
use crate::{auth::SignedIn, problem::ApiProblem, state::AppState};

/// Bytes of a body; larger files are looked at on the command line.
pub const MOST: usize = 64 << 20;
/// First rows whose values are told.
const ROWS: u64 = 20;
const MOST_ROWS: u64 = 1_000;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct For {
    /// The file's name, when the body is the file itself.
    #[param(example = "orders.csv")]
    name: Option<String>,
    /// The dataset that the file is meant for, as `unit.dataset`: its contract and its columns then hold.
    #[param(value_type = Option<String>)]
    dataset: Option<DatasetName>,
    /// First rows whose values are told; 20 when absent. The last three come with them.
    #[param(minimum = 0, maximum = 1000)]
    rows: Option<u64>,
}

/// A form with a file and the contract to read it by.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "documents the form")]
struct InspectForm {
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// A contract as TOML, in place of the dataset's own.
    contract: Option<String>,
}

/// Say what would become of a file: its format, columns, types and why, the first rows, what would not land.
#[utoipa::path(post, path = "/api/v1/inspect", tag = "ingests", operation_id = "inspect", params(For),
    request_body(content((Vec<u8> = "application/octet-stream"), (InspectForm = "multipart/form-data"))),
    responses(
        (status = 200, body = Inspection, description = "What would become of it"),
        (status = 413, body = model::Problem, content_type = "application/problem+json", description = "Too large"),
        Problems))]
pub async fn inspect(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Query(wanted): Query<For>,
    headers: HeaderMap,
    request: Request,
) -> Result<impl IntoResponse, ApiProblem> {
    let found = look(&state, caller.require("upload")?, wanted, &headers, request).await?;
    Ok(Json(found.inspection))
}

/// Draft a contract from a file: TOML with comments that say what was seen and what is left to decide.
#[utoipa::path(post, path = "/api/v1/inspect/contract", tag = "ingests", operation_id = "draft_contract", params(For),
    request_body(content((Vec<u8> = "application/octet-stream"), (InspectForm = "multipart/form-data"))),
    responses(
        (status = 200, body = String, content_type = "application/toml", description = "The contract"),
        (status = 413, body = model::Problem, content_type = "application/problem+json", description = "Too large"),
        Problems))]
pub async fn contract(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Query(wanted): Query<For>,
    headers: HeaderMap,
    request: Request,
) -> Result<impl IntoResponse, ApiProblem> {
    let found = look(&state, caller.require("upload")?, wanted, &headers, request).await?;
    Ok(([(header::CONTENT_TYPE, "application/toml")], found.draft))
}

async fn look(
    state: &AppState,
    who: &Principal,
    wanted: For,
    headers: &HeaderMap,
    request: Request,
) -> Result<Inspected, ApiProblem> {
    let rows = wanted.rows.unwrap_or(ROWS);
    if rows > MOST_ROWS {
        return Err(ApiProblem::invalid(format!("rows = {rows} must be at most {MOST_ROWS}")));
    }
    let _pass = state.intake.enter(who).await?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let (mut name, mut bytes, mut contract) = (wanted.name, None, None);
    if kind.to_ascii_lowercase().starts_with("multipart/form-data") {
        let wrong = |e: axum::extract::multipart::MultipartError| match e.status() {
            axum::http::StatusCode::PAYLOAD_TOO_LARGE => too_large(),
            _ => ApiProblem::invalid(e.body_text()),
        };
        let mut form = Multipart::from_request(request, state).await.map_err(|e| ApiProblem::invalid(e.body_text()))?;
        while let Some(field) = form.next_field().await.map_err(wrong)? {
            match field.name() {
                Some("file") => {
                    name = name.or_else(|| field.file_name().map(str::to_owned));
                    bytes = Some(field.bytes().await.map_err(wrong)?);
                }
                Some("contract") => contract = Some(field.text().await.map_err(wrong)?),
                _ => {}
            }
        }
    } else {
        bytes = Some(Bytes::from_request(request, state).await?);
    }
    let bytes = bytes.ok_or_else(|| ApiProblem::invalid("the form has no file; its part must be called `file`"))?;
    let name = name.ok_or_else(|| ApiProblem::invalid("name the file with name= in the address"))?;
    let what = Inspect {
        file: file_name(&name)?,
        dataset: wanted.dataset,
        contract: contract.as_deref().filter(|t| !t.trim().is_empty()).map(parse).transpose()?,
        rows,
    };
    Ok(state.lake.inspect(who, what, bytes).await?)
}

/// A contract that came with the request: what is wrong with it is the sender's to mend.
pub fn parse(text: &str) -> Result<Contract, ApiProblem> {
    Contract::parse(text.as_bytes(), "contract").map_err(|e| match e {
        LakeError::Config { message } => ApiProblem::invalid(message),
        e => e.into(),
    })
}

fn too_large() -> ApiProblem {
    ApiProblem::too_large(format!("files up to {} MB are looked at here; use `penstock inspect`", MOST >> 20))
}
