//! Pages that say no: what happened and what to do next. Never more than the engine's own message.

use http::StatusCode;
use lake::LakeError;
use leptos::prelude::*;

use super::{
    frame::Place,
    page::{Content, page, set_status},
};
use crate::components::sentence;

/// For addresses that no page has.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    page(Place::Elsewhere, async |_| {
        Err(LakeError::NotFound { what: "page", name: "this address leads nowhere".into() })
    })
}

/// What a page shows instead of its content; sets the status.
pub fn error_content(error: &LakeError) -> Content {
    let (status, title, advice) = in_words(error);
    set_status(status);
    let body = view! {
        <section class="error-page">
            <p class="error-page__status">{status.as_u16()}</p>
            <h1 class="error-page__title">{title}</h1>
            <p class="error-page__message">{sentence(&error.to_string())}</p>
            <p class="error-page__advice">{advice}</p>
            <p class="error-page__ways">
                <a class="button button--primary" href="/datasets">"See all datasets"</a>
                <a class="button" href="/">"Home"</a>
            </p>
        </section>
    };
    Content::new(title, body)
}

fn in_words(error: &LakeError) -> (StatusCode, &'static str, &'static str) {
    match error {
        LakeError::NotFound { .. } => (
            StatusCode::NOT_FOUND,
            "Nothing here",
            "It may have been renamed or removed, or you may not have access to it. Whoever sent you the link can tell.",
        ),
        LakeError::Forbidden { .. } => (
            StatusCode::FORBIDDEN,
            "Not yours to do",
            "You can see this dataset but not do that with it. Its owner or a steward can give you more.",
        ),
        LakeError::Invalid { .. } | LakeError::InvalidSql { .. } => {
            (StatusCode::BAD_REQUEST, "That does not work", "Go back and change what you asked for.")
        }
        LakeError::Limit { .. } => {
            (StatusCode::UNPROCESSABLE_ENTITY, "Too much at once", "Ask for fewer rows, columns or files.")
        }
        LakeError::Busy { .. } => {
            (StatusCode::TOO_MANY_REQUESTS, "Busy", "Others are being served; load the page again in a moment.")
        }
        LakeError::Cancelled => {
            (StatusCode::CONFLICT, "Cancelled", "The query was stopped; run it again when you like.")
        }
        LakeError::Conflict { .. } => (StatusCode::CONFLICT, "Changed meanwhile", "Load the page again."),
        LakeError::PolicyUnreadable => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Nobody sees anything",
            "No data is lost. Tell whoever changed the policy last, or who runs this portal.",
        ),
        LakeError::Unaudited => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The audit cannot be written",
            "Nothing is done without it. Load the page again in a minute.",
        ),
        LakeError::Store { .. } => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The store does not answer",
            "Nothing is lost. Load the page again in a minute.",
        ),
        _ => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "Our fault",
            "It is not something that you did. Try again; if it stays, tell whoever runs this portal.",
        ),
    }
}
