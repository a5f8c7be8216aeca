//! `/api/v1/uploads/{unit}/{dataset}`: files from people and programs.

use std::io;

use axum::{
    Json,
    extract::{
        FromRequest as _, Multipart, Request, State,
        multipart::{Field, MultipartError},
    },
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream::BoxStream};
use model::{DatasetName, IngestReport, Principal};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use utoipa::{IntoParams, ToSchema};

use super::{
    Problems,
    extract::{DatasetPath, Query},
};
use crate::{
    auth::SignedIn,
    problem::{ApiProblem, prefers_html, see_other},
    state::AppState,
};

/// Files that one form may carry.
const MAX_FILES: usize = 100;
/// Bytes that are read past after a file was refused.
const READ_PAST: usize = 8 << 20;
const FILE_NAME: &str = "x-file-name";

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Name {
    /// The file's name, when the body is the file itself.
    #[param(example = "2013-01.csv")]
    name: Option<String>,
}

/// What became of each file, in the order of sending.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Uploaded {
    pub ingests: Vec<IngestReport>,
}

/// A form with files.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "documents the form")]
pub(super) struct FileForm {
    #[schema(value_type = Vec<String>, format = Binary)]
    file: Vec<Vec<u8>>,
}

/// Send files into a dataset: a form with `file` parts, or one file as the body with its name as `X-File-Name` or `name`.
#[utoipa::path(post, path = "/api/v1/uploads/{unit}/{dataset}", tag = "ingests", operation_id = "upload",
    params(("unit" = String, Path, description = "Business unit", example = "ops"),
           ("dataset" = String, Path, description = "Name within the unit", example = "flights"), Name,
           ("X-File-Name" = Option<String>, Header, description = "The file's name, when the body is the file itself")),
    request_body(content((FileForm = "multipart/form-data"), (Vec<u8> = "application/octet-stream"))),
    responses(
        (status = 201, body = Uploaded, description = "Arrived; each report says what landed",
         headers(("Location" = String, description = "The first arrival"))),
        (status = 303, description = "For browsers: on to the arrival's page"),
        (status = 413, body = model::Problem, content_type = "application/problem+json", description = "Too large"),
        (status = 415, body = model::Problem, content_type = "application/problem+json", description = "Not a file"),
        Problems))]
pub async fn upload(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    DatasetPath(dataset): DatasetPath,
    Query(query): Query<Name>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, ApiProblem> {
    let who = caller.require("upload")?;
    let listed = format!("/arrivals?unit={}&dataset={}", dataset.unit(), dataset.name());
    receive(&state, who, &To::Dataset(dataset), query.name, &headers, request, &listed).await
}

/// What files are for.
pub(super) enum To {
    Dataset(DatasetName),
    /// Rows in quarantine of the arrival with this id.
    Corrections(String),
}

impl To {
    /// Whether the person may send there at all: whoever may not takes no place.
    async fn check(&self, state: &AppState, who: &Principal) -> Result<(), ApiProblem> {
        match self {
            Self::Dataset(dataset) => state.lake.check_may_upload(who, dataset).await?,
            Self::Corrections(id) => drop(state.lake.ingest(who, id).await?),
        }
        Ok(())
    }

    async fn give(
        &self,
        state: &AppState,
        who: &Principal,
        name: &str,
        body: BoxStream<'static, io::Result<Bytes>>,
    ) -> Result<IngestReport, ApiProblem> {
        Ok(match self {
            Self::Dataset(dataset) => state.lake.upload(who, dataset, &file_name(name)?, body).await?,
            Self::Corrections(id) => state.lake.correct(who, id, body).await?,
        })
    }
}

/// Takes the files of a request. `listed` is where a browser finds them when there are several.
pub(super) async fn receive(
    state: &AppState,
    who: &Principal,
    to: &To,
    name: Option<String>,
    headers: &HeaderMap,
    request: Request,
    listed: &str,
) -> Result<Response, ApiProblem> {
    if let Err(e) = to.check(state, who).await {
        read_past(request.into_body().into_data_stream()).await;
        return Err(e);
    }
    let _pass = state.intake.enter(who).await?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let reports = if kind.to_ascii_lowercase().starts_with("multipart/form-data") {
        from_form(state, who, to, request).await?
    } else if kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return Err(ApiProblem::media_type(
            "this Content-Type is a form's; send files as multipart/form-data, or one file as the body with another \
             Content-Type, such as application/octet-stream (curl: -H 'Content-Type: application/octet-stream')",
        ));
    } else {
        let given = headers.get(FILE_NAME).and_then(|v| v.to_str().ok()).map(str::to_owned).or(name);
        let name = match (given, to) {
            (Some(name), _) => name,
            (None, To::Corrections(_)) => "corrected rows".to_owned(),
            (None, To::Dataset(_)) => {
                let cure = "name the file: as the header X-File-Name, or as name= in the address";
                return Err(ApiProblem::invalid(cure));
            }
        };
        let report = fed(request.into_body().into_data_stream(), |body| to.give(state, who, &name, body)).await;
        vec![report?]
    };
    let Some(first) = reports.first() else {
        return Err(ApiProblem::invalid("the form has no file; its part must be called `file`"));
    };
    if prefers_html(headers) {
        let to = match reports.as_slice() {
            [one] => format!("/arrivals/{}", one.id),
            _ => listed.to_owned(),
        };
        return Ok(see_other(&to));
    }
    let at = HeaderValue::try_from(format!("/api/v1/ingests/{}", first.id));
    let at = at.unwrap_or(HeaderValue::from_static("/api/v1/ingests"));
    Ok((StatusCode::CREATED, [(header::LOCATION, at)], Json(Uploaded { ingests: reports })).into_response())
}

async fn from_form(
    state: &AppState,
    who: &Principal,
    to: &To,
    request: Request,
) -> Result<Vec<IngestReport>, ApiProblem> {
    let wrong = |e: MultipartError| ApiProblem::invalid(e.body_text());
    let mut form = Multipart::from_request(request, state).await.map_err(|e| ApiProblem::invalid(e.body_text()))?;
    let mut reports = Vec::new();
    while let Some(mut field) = form.next_field().await.map_err(wrong)? {
        if field.name() == Some("contract") && brings_text(&mut field).await.map_err(wrong)? {
            drop(field);
            read_past_form(&mut form).await;
            return Err(ApiProblem::invalid(
                "files are read by the dataset's own contract, and this form brings another: have it saved in the \
                 lake first, and send the files without it",
            ));
        }
        if field.name() != Some("file") {
            continue;
        }
        let Some(name) = field.file_name().map(str::to_owned).filter(|n| !n.is_empty()) else { continue };
        if reports.len() == MAX_FILES {
            return Err(ApiProblem::too_large(format!("one form carries at most {MAX_FILES} files")));
        }
        let report = fed(field, |body| to.give(state, who, &name, body)).await;
        match report {
            Ok(report) => reports.push(report),
            Err(e) => {
                // What is left of the form is read past, for the same reason.
                read_past_form(&mut form).await;
                return Err(e);
            }
        }
    }
    Ok(reports)
}

async fn brings_text(field: &mut Field<'_>) -> Result<bool, MultipartError> {
    while let Some(part) = field.chunk().await? {
        if !part.iter().all(u8::is_ascii_whitespace) {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn read_past_form(form: &mut Multipart) {
    let mut spare = READ_PAST;
    while let Ok(Some(mut field)) = form.next_field().await {
        while let Ok(Some(part)) = field.chunk().await {
            spare = spare.saturating_sub(part.len());
            if spare == 0 {
                return;
            }
        }
    }
}

/// Reads a body that nobody wants, up to a limit, for the sender's sake.
async fn read_past<E>(mut body: impl Stream<Item = Result<Bytes, E>> + Unpin) {
    let mut spare = READ_PAST;
    while let Some(Ok(part)) = body.next().await {
        spare = spare.saturating_sub(part.len());
        if spare == 0 {
            return;
        }
    }
}

/// Gives what arrives to `take` as a stream of its own. When `take` has enough, the rest is read past up to a limit: a
/// client that is still writing would otherwise find the connection closed and never see its answer.
pub(super) async fn fed<T, F>(
    mut from: impl Stream<Item = Result<Bytes, impl Into<axum::BoxError>>> + Unpin,
    take: impl FnOnce(BoxStream<'static, io::Result<Bytes>>) -> F,
) -> T
where
    F: Future<Output = T>,
{
    let (send, receive) = mpsc::channel::<io::Result<Bytes>>(4);
    let body = futures::stream::unfold(receive, |mut r| async { r.recv().await.map(|part| (part, r)) }).fuse().boxed();
    let read = async move {
        // `send` ends with this block, and the stream with it.
        let mut spare = READ_PAST;
        while let Some(part) = from.next().await {
            let (size, broken) = (part.as_ref().map_or(0, Bytes::len), part.is_err());
            if send.send(part.map_err(io::Error::other)).await.is_err() {
                spare = spare.saturating_sub(size);
            }
            if broken || spare == 0 {
                return;
            }
        }
    };
    tokio::join!(take(body), read).0
}

/// The last part of a name, without what file systems and pages could stumble over.
pub fn file_name(given: &str) -> Result<String, ApiProblem> {
    const MAX: usize = 200;
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    let bad = last.is_empty() || last.starts_with('.') || last.len() > MAX || last.chars().any(char::is_control);
    if bad {
        return Err(ApiProblem::invalid(
            "the file's name must have 1 to 200 bytes, not begin with a dot and have no control characters",
        ));
    }
    Ok(last.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_folders_and_dangerous_ones_are_refused() {
        for (given, expected) in [
            ("2013-01.csv", Some("2013-01.csv")),
            ("C:\\files\\a b.xlsx", Some("a b.xlsx")),
            ("../../etc/passwd", Some("passwd")),
            ("Übersicht.csv", Some("Übersicht.csv")),
            ("", None),
            ("..", None),
            (".hidden", None),
            ("a/", None),
            ("a\u{0}b", None),
            (&"x".repeat(201), None),
        ] {
            assert_eq!(file_name(given).ok().as_deref(), expected, "{given}");
        }
    }
}
