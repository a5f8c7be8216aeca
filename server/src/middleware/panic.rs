//! A panic while answering ends that answer with a 500 that names the request, and nothing else.

use std::panic::AssertUnwindSafe;

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use futures::FutureExt as _;

use super::request::RequestId;
use crate::problem::{ApiProblem, Page};

pub async fn catch(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let api = super::is_api(request.uri().path());
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(answer) => answer,
        Err(payload) => {
            let message = payload
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| payload.downcast_ref::<&str>().copied())
                .unwrap_or("a panic without words");
            tracing::error!(%message, "panicked");
            if api { ApiProblem::panicked().into_response() } else { Page::panicked(&id).into_response() }
        }
    }
}
