//! What browsers and caches are told with every answer.

use axum::body::Body;
use http::StatusCode;

use crate::server::{Browser, Server};

#[tokio::test]
async fn w_19_w_20_every_answer_is_private_and_locked_down() {
    let server = Server::empty().await;
    let mut browser = server.signed_in("analyst").await;
    let paths = [
        "/",
        "/sign-in",
        "/account",
        "/api/v1/me",
        "/api/v1/none",
        "/none",
        "/healthz",
        "/api/docs",
        "/api/openapi.json",
        "/api/v1/datasets?x=1",
        "/a;b",
    ];
    for path in paths {
        let answer = browser.get(&server, path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cache-control"), "private, no-store", "{path}");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("x-request-id").len(), 32, "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{path}: {policy}");
        let html = answer.header("content-type").starts_with("text/html");
        assert_eq!(policy.contains("nonce-"), html, "{path}: {policy}");
    }
}

#[tokio::test]
async fn w_19_pages_have_a_fresh_nonce_and_no_script_without_it() {
    let server = Server::empty().await;
    let mut browser = Browser::default();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let answer = browser.get(&server, "/sign-in").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let policy = answer.header("content-security-policy").to_owned();
        let nonce = policy.split("nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
        assert!(policy.contains("'wasm-unsafe-eval'"));
        for tag in answer.text.split("<script").skip(1) {
            assert!(tag.split('>').next().unwrap().contains(&nonce), "<script{}", &tag[..tag.len().min(80)]);
        }
        for tag in answer.text.split("<style").skip(1) {
            assert!(tag.split('>').next().unwrap().contains(&nonce), "<style{}", &tag[..tag.len().min(80)]);
        }
        seen.push(nonce);
    }
    assert_ne!(seen[0], seen[1]);
}

#[tokio::test]
async fn w_02_w_19_https_has_transport_security_and_host_cookies() {
    let provider = crate::provider::Provider::start().await;
    let server = Server::with(&[
        ("PENSTOCK_PUBLIC_URL", "https://data.example.com"),
        ("PENSTOCK_ISSUER", &provider.issuer),
        ("PENSTOCK_CLIENT_ID", "penstock"),
    ])
    .await;
    let answer = Browser::default().get(&server, "/auth/login").await;
    assert!(answer.header("strict-transport-security").starts_with("max-age="));
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-penstock-sign-in="), "{cookie}");
    for part in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/", "Max-Age=600"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"));
}

#[tokio::test]
async fn w_21_paths_with_two_readings_answer_nothing_of_mine() {
    let server = Server::empty().await;
    let mut browser = server.signed_in("analyst").await;
    for path in [
        "/account;.css",
        "/account%3b.css",
        "/account%2f.css",
        "/account%2Fx.js",
        "//account",
        "/account//",
        "/./account",
        "/x/../account",
        "/account%00.css",
        "/account%5c.css",
        "/api/v1/me;.js",
        "/api/v1/me%2fx.css",
        "/api/v1//me",
        "/api/v1/me.css",
        "/account.css",
        "/account/x.css",
    ] {
        let answer = browser.get(&server, path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.header("cache-control"), "private, no-store", "{path}");
        assert!(!answer.text.contains("\"subject\""), "{path}");
    }
}

#[tokio::test]
async fn w_18_a_foreign_host_name_is_not_served_the_demo() {
    let server = Server::empty().await;
    let check = async |host: &str, expected: StatusCode| {
        let request = http::Request::get("/healthz").header("host", host).body(Body::empty()).unwrap();
        assert_eq!(server.send(request).await.status, expected, "{host}");
    };
    check("127.0.0.1:3000", StatusCode::OK).await;
    check("localhost:3000", StatusCode::OK).await;
    check("[::1]:3000", StatusCode::OK).await;
    check("evil.example:3000", StatusCode::MISDIRECTED_REQUEST).await;
    check("127.0.0.1.evil.example", StatusCode::MISDIRECTED_REQUEST).await;
}
