//! The one route table, grouped by audience. Mounting a route of the API documents it.

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    middleware::from_fn,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    api, auth,
    middleware::{self, is_api, request::remember_route},
    openapi, pace,
    problem::{ApiProblem, Page},
    site,
    state::AppState,
    telemetry,
};

/// Bytes of a body, unless the route says otherwise: SQL texts and forms are small.
const BODY_BYTES: usize = 256 << 10;

/// All routes with the layers around them.
pub fn router(state: &AppState) -> Router {
    let (api, document) = api();
    let routes = Router::new()
        .merge(api)
        .merge(documentation(document))
        .merge(operations())
        .merge(forms())
        .merge(site::pages(state))
        .merge(site::assets(state))
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn(remember_route))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(from_fn(pace::body))
        .fallback_service(site::not_found(state));
    middleware::wrap(routes, state)
}

/// The API for programs and for the islands of pages, with its document.
pub fn api() -> (Router<AppState>, OpenApi) {
    OpenApiRouter::with_openapi(openapi::base())
        // Anyone signed in, about themselves.
        .routes(routes!(api::me::me))
        .routes(routes!(api::tokens::list, api::tokens::create))
        .routes(routes!(api::tokens::revoke))
        // Readers of data: everything through the governed session.
        .routes(routes!(api::datasets::list))
        .routes(routes!(api::datasets::get))
        .routes(routes!(api::rows::rows))
        .routes(routes!(api::profile::profile))
        .routes(routes!(api::versions::list))
        .routes(routes!(api::access::discoverable))
        .routes(routes!(api::access::ask))
        .routes(routes!(api::access::list))
        .routes(routes!(api::access::get))
        .routes(routes!(api::access::preview))
        .routes(routes!(api::access::answer))
        .routes(routes!(api::query::run))
        .routes(routes!(api::queries::status, api::queries::cancel))
        .routes(routes!(api::results::page))
        .routes(routes!(api::results::download))
        // Senders and owners of data.
        .routes(routes!(api::ingests::list))
        .routes(routes!(api::ingests::get))
        .routes(routes!(api::ingests::quarantine))
        .routes(routes!(api::ingests::rows_to_correct))
        .routes(routes!(api::decision::decide))
        .routes(routes!(api::versions::roll_back))
        .merge(
            OpenApiRouter::new()
                .routes(routes!(api::inspect::inspect))
                .routes(routes!(api::inspect::contract))
                .layer(DefaultBodyLimit::max(api::inspect::MOST)),
        )
        .merge(
            OpenApiRouter::new()
                .routes(routes!(api::uploads::upload))
                .routes(routes!(api::resumable::begin))
                .routes(routes!(api::resumable::state, api::resumable::go_on, api::resumable::end))
                .routes(routes!(api::ingests::correct))
                .layer(DefaultBodyLimit::disable()),
        )
        // Those who look after accounts of others.
        .routes(routes!(api::accounts::list, api::accounts::create))
        .routes(routes!(api::accounts::get, api::accounts::change, api::accounts::remove))
        .routes(routes!(api::accounts::create_token))
        .routes(routes!(api::accounts::revoke_token))
        .routes(routes!(api::accounts::end_session))
        // Stewards.
        .routes(routes!(api::explain::explain))
        .routes(routes!(api::view_as::begin, api::view_as::stop))
        .routes(routes!(api::policy::versions))
        .routes(routes!(api::policy::version))
        .merge(
            OpenApiRouter::new()
                .routes(routes!(api::policy::get, api::policy::publish))
                .routes(routes!(api::policy::review))
                .layer(DefaultBodyLimit::max(api::policy::MOST)),
        )
        // A store that tells of new objects.
        .routes(routes!(api::events::storage))
        .split_for_parts()
}

/// For people who write programs.
fn documentation(document: OpenApi) -> Router<AppState> {
    let page = openapi::docs::page(&document);
    Router::new()
        .route("/api/openapi.json", get(move || openapi::json(document)))
        .route("/api/docs", get(move || openapi::docs::show(page)))
}

/// For whoever runs the server.
fn operations() -> Router<AppState> {
    Router::new()
        .route("/healthz", get(telemetry::health::healthz))
        .route("/readyz", get(telemetry::health::readyz))
        .route("/metrics", get(telemetry::metrics::show))
}

/// What pages send, and the way through the provider.
fn forms() -> Router<AppState> {
    Router::new()
        .route("/auth/login", get(auth::flow::login))
        .route(auth::oidc::CALLBACK, get(auth::flow::callback))
        .route("/auth/demo", post(auth::forms::demo_sign_in))
        .route("/auth/sign-out", post(auth::forms::sign_out))
        .route("/view-as", post(auth::view_as::begin))
        .route("/view-as/stop", post(auth::view_as::stop))
        .route("/sql/chart", get(site::chart::file))
        .route("/queries/{id}/cancel", post(auth::forms::cancel_query))
        .route("/datasets/{unit}/{name}/rollback", post(site::rollback::form))
        .route("/datasets/{unit}/{name}/access", post(site::access::ask))
        .route("/access/{id}/answer", post(site::access::answer))
        .route("/account/sessions/{id}/revoke", post(auth::forms::revoke_session))
        .route("/account/tokens", post(auth::forms::create_token))
        .route("/account/tokens/{id}/revoke", post(auth::forms::revoke_token))
        .merge(site::accounts::forms())
}

async fn wrong_method(request: Request) -> Response {
    if is_api(request.uri().path()) { ApiProblem::method().into_response() } else { Page::method().into_response() }
}
