//! Headers of every answer: what browsers may do with it, and who may keep it.

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

use crate::state::AppState;

/// Answers that any cache may keep carry this mark; all others are private.
#[derive(Debug, Clone, Copy)]
pub struct Public(pub &'static str);

const COOP: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");

/// The content security policy of a page whose own scripts and styles carry `nonce`.
///
/// `'self'` beside the nonce lets the browser preload and import our modules; nothing inline runs without the nonce.
/// Islands compile Wasm, hence `'wasm-unsafe-eval'`; `eval` stays off.
#[must_use]
pub fn policy(nonce: &str) -> HeaderValue {
    let text = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self' 'nonce-{nonce}'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(text).unwrap_or(CLOSED)
}

/// For all that is not a page: nothing runs, nothing loads, nobody frames it.
const CLOSED: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
);

/// Adds what the answer does not say itself.
pub async fn secure(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    let public = answer.extensions_mut().remove::<Public>();
    let headers = answer.headers_mut();
    let mut default = |name: HeaderName, value: HeaderValue| {
        headers.entry(name).or_insert(value);
    };
    default(header::CONTENT_SECURITY_POLICY, CLOSED);
    default(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    default(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    default(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    default(COOP, HeaderValue::from_static("same-origin"));
    default(CORP, HeaderValue::from_static("same-origin"));
    default(PERMISSIONS, HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"));
    if state.https {
        default(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000; includeSubDomains"));
    }
    match public {
        Some(Public(how)) => {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(how));
        }
        None => {
            // No route decides this for itself: a caching proxy must never keep one person's answer for another.
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
            headers.append(header::VARY, HeaderValue::from_static("Cookie, Authorization"));
        }
    }
    answer
}
