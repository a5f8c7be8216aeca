//! The OpenAPI document: generated from the handlers, served, and held by a snapshot test.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use utoipa::{
    OpenApi as _,
    openapi::{
        OpenApi,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

pub mod docs;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Penstock",
        description = "A governed data portal over one bucket. Every answer holds what the policy grants the caller, \
                       and nothing else; what is hidden is answered as what is absent.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "me", description = "Who I am"),
        (name = "datasets", description = "What I may see"),
        (name = "queries", description = "SQL"),
        (name = "results", description = "Stored answers, by window and as files"),
        (name = "ingests", description = "Files that arrive, and what became of them"),
        (name = "tokens", description = "Personal tokens"),
        (name = "accounts", description = "People and service accounts, for those who look after them"),
        (name = "policy", description = "Who sees what, and why; for stewards"),
        (name = "access", description = "Datasets that one may know of, and asking for access to them")
    ),
    components(schemas(model::Problem, model::ExportFormat)),
    security(("token" = []), ("session" = []))
)]
struct Base;

/// The document without routes; mounting adds these.
#[must_use]
pub fn base() -> OpenApi {
    let mut document = Base::openapi();
    let components = document.components.get_or_insert_default();
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("pk_<id>_<secret>");
    let token = token.description(Some("A personal token: make one on the account page.")).build();
    components.add_security_scheme("token", SecurityScheme::Http(token));
    let cookie = ApiKeyValue::with_description("penstock", "The browser's session; changes need the same origin.");
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    document
}

/// The whole document.
#[must_use]
pub fn document() -> OpenApi {
    crate::router::api().1
}

/// As text that people can read and compare.
///
/// # Errors
/// Never for a document of ours.
pub fn text(document: &OpenApi) -> anyhow::Result<String> {
    Ok(format!("{}\n", document.to_pretty_json()?))
}

/// `GET /api/openapi.json`
pub async fn json(document: OpenApi) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document.to_json().unwrap_or_default()).into_response()
}
