//! `/api/v1/uploads`: files that come in pieces and go on where they broke off, by tus 1.0.0 with its extensions for
//! creation, termination and expiration.
//!
//! Source: <https://tus.io/protocols/resumable-upload>

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use model::{DatasetName, Upload};

use super::{
    Problems,
    extract::Id,
    uploads::{fed, file_name},
};
use crate::{auth::SignedIn, problem::ApiProblem, state::AppState};

const VERSION: &str = "1.0.0";
const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const METADATA: &str = "upload-metadata";
/// What a piece is sent as.
const PIECE: &str = "application/offset+octet-stream";

/// Begin an upload of a large file that can be gone on with after it broke off (tus 1.0.0): its bytes are then sent to
/// the address in `Location`. Any tus client does that.
#[utoipa::path(post, path = "/api/v1/uploads", tag = "ingests", operation_id = "begin_upload",
    params(("Upload-Length" = u64, Header, description = "Bytes of the whole file"),
           ("Upload-Metadata" = String, Header, description = "`dataset` and `filename`, each followed by a space and its value in Base64, with a comma between them",
            example = "dataset b3BzLmZsaWdodHM=,filename MjAxMy0wMS5jc3Y="),
           ("Tus-Resumable" = Option<String>, Header, description = "`1.0.0`")),
    responses(
        (status = 201, body = Upload, description = "Begun",
         headers(("Location" = String, description = "Where its bytes go"),
                 ("Upload-Expires" = String, description = "When what has come is forgotten"))),
        (status = 412, body = model::Problem, content_type = "application/problem+json", description = "Another version of tus"),
        Problems))]
pub async fn begin(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
) -> Result<Response, ApiProblem> {
    let who = caller.require("upload")?;
    check_version(&headers)?;
    let bytes = number(&headers, &LENGTH)?;
    let (dataset, file) = metadata(&headers)?;
    let upload = state.lake.begin_upload(who, &dataset, &file_name(&file)?, bytes).await?;
    let at = HeaderValue::try_from(format!("/api/v1/uploads/{}", upload.id));
    let at = at.unwrap_or(HeaderValue::from_static("/api/v1/uploads"));
    Ok((StatusCode::CREATED, told(&upload), [(header::LOCATION, at)], Json(upload)).into_response())
}

/// How far an upload of mine is: `Upload-Offset` is where the next piece begins. HEAD asks the same without the body.
#[utoipa::path(get, path = "/api/v1/uploads/{id}", tag = "ingests", operation_id = "upload_state",
    params(("id" = String, Path, description = "The upload's id")),
    responses(
        (status = 200, body = Upload, description = "The upload; `ingest` is its arrival once it is whole",
         headers(("Upload-Offset" = u64, description = "Bytes that have come"),
                 ("Upload-Length" = u64, description = "Bytes of the whole file"))),
        Problems))]
pub async fn state(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    id: Id,
    headers: HeaderMap,
) -> Result<Response, ApiProblem> {
    let who = caller.require("upload")?;
    check_version(&headers)?;
    let upload = state.lake.upload_state(who, &id.of("upload")?).await?;
    Ok((told(&upload), Json(upload)).into_response())
}

/// Send the next bytes of an upload of mine, as many as one likes. The last ones make the file arrive. What came before
/// a connection broke off is kept.
#[utoipa::path(patch, path = "/api/v1/uploads/{id}", tag = "ingests", operation_id = "go_on_with_upload",
    params(("id" = String, Path, description = "The upload's id"),
           ("Upload-Offset" = u64, Header, description = "Where the bytes begin: as many as have come so far")),
    request_body(content((Vec<u8> = "application/offset+octet-stream"))),
    responses(
        (status = 204, description = "Taken; when it was the last, the upload's `ingest` says what arrived",
         headers(("Upload-Offset" = u64, description = "Bytes that have come"))),
        (status = 415, body = model::Problem, content_type = "application/problem+json", description = "Not a piece"),
        Problems))]
pub async fn go_on(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    id: Id,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, ApiProblem> {
    let who = caller.require("upload")?;
    check_version(&headers)?;
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind != PIECE) {
        return Err(ApiProblem::media_type(format!("send pieces as {PIECE}")));
    }
    let (id, at) = (id.of("upload")?, number(&headers, &OFFSET)?);
    // Whoever has no such upload takes no place.
    state.lake.upload_state(who, &id).await?;
    let _pass = state.intake.enter(who).await?;
    let body = request.into_body().into_data_stream();
    let upload = fed(body, |body| state.lake.go_on_with_upload(who, &id, at, body)).await?;
    Ok((StatusCode::NO_CONTENT, told(&upload)).into_response())
}

/// End an upload of mine; what has come of it is forgotten.
#[utoipa::path(delete, path = "/api/v1/uploads/{id}", tag = "ingests", operation_id = "end_upload",
    params(("id" = String, Path, description = "The upload's id")),
    responses((status = 204, description = "Ended"), Problems))]
pub async fn end(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    id: Id,
    headers: HeaderMap,
) -> Result<Response, ApiProblem> {
    let who = caller.require("upload")?;
    check_version(&headers)?;
    state.lake.end_upload(who, &id.of("upload")?).await?;
    Ok((StatusCode::NO_CONTENT, [(RESUMABLE, HeaderValue::from_static(VERSION))]).into_response())
}

/// A client that names no version gets this one.
fn check_version(headers: &HeaderMap) -> Result<(), ApiProblem> {
    match headers.get(RESUMABLE) {
        Some(other) if other != VERSION => Err(ApiProblem::version(format!("uploads speak tus {VERSION}"))),
        _ => Ok(()),
    }
}

fn told(upload: &Upload) -> HeaderMap {
    let expires = upload.expires_at.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let mut headers = HeaderMap::new();
    headers.insert(RESUMABLE, HeaderValue::from_static(VERSION));
    headers.insert(OFFSET, upload.offset.into());
    headers.insert(LENGTH, upload.bytes.into());
    if let Ok(expires) = HeaderValue::try_from(expires) {
        headers.insert(EXPIRES, expires);
    }
    headers
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Result<u64, ApiProblem> {
    let given = headers.get(name).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    given.ok_or_else(|| ApiProblem::invalid(format!("`{name}` must be a whole number of bytes")))
}

/// The dataset and the file's name.
fn metadata(headers: &HeaderMap) -> Result<(DatasetName, String), ApiProblem> {
    let given = headers.get(METADATA).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let value = |wanted: &str| {
        let value = given.split(',').filter_map(|pair| pair.trim().split_once(' ')).find(|(key, _)| *key == wanted);
        let bytes = BASE64_STANDARD.decode(value?.1.trim()).ok()?;
        String::from_utf8(bytes).ok()
    };
    let lacking = |key| ApiProblem::invalid(format!("`{METADATA}` must have `{key}`, its value in Base64"));
    let dataset = value("dataset").ok_or_else(|| lacking("dataset"))?;
    let dataset = dataset.parse().map_err(|_| lake::LakeError::no_dataset(dataset))?;
    Ok((dataset, value("filename").ok_or_else(|| lacking("filename"))?))
}
