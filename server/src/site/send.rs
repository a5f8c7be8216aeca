//! `POST /send`: files of a form that are looked at and not kept. Answers with the page, filled.

use std::sync::Arc;

use app::context::{Looked, LookedAt};
use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRequest as _, Multipart, Query, Request, State, multipart::MultipartError},
    http::{Method, StatusCode},
    middleware::{from_fn, from_fn_with_state},
    response::Response,
    routing::post,
};
use bytes::Bytes;
use lake::{contract::Contract, ingest::Inspect};
use model::DatasetName;
use serde::Deserialize;

use crate::{api::inspect, auth::Caller, problem::Page, state::AppState};

/// Files that one form may bring.
const MOST_FILES: usize = 20;
/// First rows that the page shows.
const ROWS: u64 = 20;

#[derive(Debug, Deserialize)]
struct To {
    #[serde(default)]
    dataset: String,
}

/// The route, with what every page has around it.
pub(super) fn form(state: &AppState) -> Router<AppState> {
    let options = state.site.options.clone();
    let render = leptos_axum::render_app_async_with_context(super::context(state), move || app::shell(options.clone()));
    let answer = move |State(state): State<AppState>, Query(to): Query<To>, request: Request| {
        let render = render.clone();
        async move {
            let mut page = Request::new(axum::body::Body::empty());
            *page.uri_mut() = request.uri().clone();
            *page.headers_mut() = request.headers().clone();
            *page.extensions_mut() = request.extensions().clone();
            *page.method_mut() = Method::GET;
            let looked = look(&state, &to, request).await?;
            page.extensions_mut().insert(Arc::new(looked));
            Ok::<Response, Page>(render(page).await)
        }
    };
    Router::new()
        .route("/send", post(answer))
        .layer(DefaultBodyLimit::max(inspect::MOST))
        .layer(from_fn_with_state(state.clone(), super::know_steward))
        .layer(from_fn(super::require_sign_in))
}

async fn look(state: &AppState, to: &To, request: Request) -> Result<Looked, Page> {
    let Some(caller) = request.extensions().get::<Caller>().cloned() else { return Err(Page::not_found()) };
    let who = caller.principal;
    let _pass = match state.intake.enter(&who).await {
        Ok(pass) => pass,
        Err(_) => return Err(Page::busy()),
    };
    let wrong = |e: MultipartError| match e.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Page::bad_request(format!(
            "The files are larger than {} MB, too large to look at here. Send them, and the report says the same.",
            inspect::MOST >> 20
        )),
        _ => Page::bad_request(format!("The form could not be read: {}.", e.body_text())),
    };
    let mut form =
        Multipart::from_request(request, state).await.map_err(|_| Page::bad_request("Choose a file to look at."))?;
    let mut contract = String::new();
    let mut files: Vec<(String, Bytes, u64)> = Vec::new();
    while let Some(field) = form.next_field().await.map_err(wrong)? {
        match field.name() {
            Some("file") => {
                let Some(name) = field.file_name().map(str::to_owned).filter(|n| !n.is_empty()) else { continue };
                if files.len() == MOST_FILES {
                    return Err(Page::bad_request(format!("At most {MOST_FILES} files are looked at together.")));
                }
                let bytes = field.bytes().await.map_err(wrong)?;
                files.push((name, bytes.clone(), bytes.len() as u64));
            }
            Some("contract") => contract = field.text().await.map_err(wrong)?,
            // The size of the whole file, of which the browser sent the first part.
            Some("size") => {
                let size = field.text().await.map_err(wrong)?.parse::<u64>().unwrap_or(0);
                if let Some((_, bytes, of)) = files.last_mut()
                    && size > *of
                {
                    *of = size;
                    cut_at_a_line(bytes);
                }
            }
            _ => {}
        }
    }
    let dataset = (!to.dataset.trim().is_empty()).then(|| to.dataset.trim().parse::<DatasetName>());
    let rules: Result<Option<Contract>, String> = match contract.trim() {
        "" => Ok(None),
        text => inspect::parse(text).map(Some).map_err(|e| e.detail().to_owned()),
    };
    let mut looked = Looked { contract, files: Vec::new() };
    for (name, bytes, of) in files {
        let size = bytes.len() as u64;
        let found = match (&dataset, &rules) {
            (_, Err(message)) => Err(message.clone()),
            (Some(Err(_)), _) => Err("say for which dataset first".to_owned()),
            (dataset, Ok(rules)) => {
                let dataset = dataset.as_ref().and_then(|d| d.as_ref().ok()).cloned();
                let what = Inspect { file: name.clone(), dataset, contract: rules.clone(), rows: ROWS };
                match state.lake.inspect(&who, what, bytes).await {
                    Ok(found) => Ok(found),
                    Err(e) => Err(crate::problem::ApiProblem::from(e).detail().to_owned()),
                }
            }
        };
        looked.files.push(LookedAt { name, bytes: size, of, found });
    }
    Ok(looked)
}

/// A part of a text file ends within a line, which would count as a wrong one.
fn cut_at_a_line(bytes: &mut Bytes) {
    if let Some(end) = bytes.iter().rposition(|b| *b == b'\n') {
        bytes.truncate(end + 1);
    }
}
