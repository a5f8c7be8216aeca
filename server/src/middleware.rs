//! What every request passes, from outside to inside; the order is the point and stands in [`wrap`].

use axum::{Router, middleware::from_fn_with_state};
use tower_http::{
    CompressionLevel,
    compression::{
        CompressionLayer, Predicate as _,
        predicate::{NotForContentType, SizeAbove},
    },
};

use crate::state::AppState;

pub mod address;
pub mod caller;
pub mod headers;
pub mod origin;
pub mod panic;
pub mod path;
pub mod request;

/// Puts the layers around all routes.
pub fn wrap(router: Router<AppState>, state: &AppState) -> Router {
    // Assets come compressed from the folder; columnar downloads are compressed inside.
    let worth_it = SizeAbove::new(1_024)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::const_new("application/vnd.apache"))
        .and(NotForContentType::const_new("text/event-stream"));
    router
        .layer(from_fn_with_state(state.clone(), caller::resolve))
        .layer(from_fn_with_state(state.clone(), origin::check))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(worth_it))
        .layer(axum::middleware::from_fn(path::harden))
        .layer(axum::middleware::from_fn(panic::catch))
        .layer(from_fn_with_state(state.clone(), headers::secure))
        .layer(from_fn_with_state(state.clone(), request::observe))
        .with_state(state.clone())
}

/// Whether an address belongs to the API, whose errors are problem details.
#[must_use]
pub fn is_api(path: &str) -> bool {
    path.starts_with("/api/") || path == "/api" || ["/healthz", "/readyz", "/metrics"].contains(&path)
}
