//! Paths that proxies, caches and file systems read in different ways are refused before any route sees them.
//!
//! A cache that takes `/account;.css` or `/account%2fx.css` for an asset would keep one person's page for all.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::problem::{ApiProblem, Page};

pub async fn harden(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if is_plain(path) {
        return next.run(request).await;
    }
    if super::is_api(path) { ApiProblem::no_route().into_response() } else { Page::not_found().into_response() }
}

/// Whether everyone reads the path in the same way.
fn is_plain(path: &str) -> bool {
    if !path.starts_with('/') || path.contains("//") || path.contains([';', '\\']) {
        return false;
    }
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            continue;
        }
        let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
        let (Some(high), Some(low)) = (digit(bytes.next()), digit(bytes.next())) else { return false };
        let meant = u8::try_from(high * 16 + low).unwrap_or(0);
        // Controls, and what has a meaning of its own in paths.
        if meant < 0x20 || meant == 0x7f || b"/\\.;%?#".contains(&meant) {
            return false;
        }
    }
    !path.split('/').any(|part| part == "." || part == "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w_21_paths_with_two_readings_are_refused() {
        for good in
            ["/", "/datasets/ops/flights", "/pkg/penstock.abc.wasm", "/api/v1/datasets/a/b", "/x%20y", "/%C3%A9"]
        {
            assert!(is_plain(good), "{good}");
        }
        for bad in [
            "",
            "x",
            "//",
            "/a//b",
            "/account;.css",
            "/account%3b.css",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a\\b",
            "/../x",
            "/a/./b",
            "/a/%2e%2e/b",
            "/a%00",
            "/a%0d%0ab",
            "/a%25b",
            "/a%2",
            "/a%zz",
            "/a%3fx",
        ] {
            assert!(!is_plain(bad), "{bad}");
        }
    }
}
