//! `POST /auth/demo`

use axum::body::Body;
use http::{StatusCode, header};

use crate::server::{Browser, ORIGIN, Server};

#[tokio::test]
async fn a_demo_person_signs_in_and_is_known() {
    let server = Server::empty().await;
    for name in crate::server::PEOPLE {
        let mut browser = server.signed_in(name).await;
        let me = browser.get(&server, "/api/v1/me").await;
        assert_eq!(me.status, StatusCode::OK, "{}", me.text);
        assert_eq!(me.json()["name"], name);
        assert_eq!(me.json()["steward"], name == "steward");
        assert_eq!(me.json()["via"], "session");
    }
}

#[tokio::test]
async fn w_10_the_cookie_is_opaque_and_for_http_on_loopback_only_without_secure() {
    let server = Server::empty().await;
    let answer = Browser::default().post(&server, "/auth/demo", "as=analyst").await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("penstock=") && cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
    assert!(!cookie.contains("Secure") && !cookie.contains("analyst"), "{cookie}");
    let value = cookie["penstock=".len()..].split(';').next().unwrap();
    assert_eq!(value.len(), 43, "256 bits");
}

#[tokio::test]
async fn w_15_signing_in_leads_back_to_paths_of_ours_only() {
    let server = Server::empty().await;
    let check = async |to: &str, expected: &str| {
        let form: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("as", "analyst")
            .append_pair("return_to", to)
            .finish();
        let answer = Browser::default().post(&server, "/auth/demo", &form).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, expected), "{to}");
    };
    check("/datasets?q=a", "/datasets?q=a").await;
    for bad in
        ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "", "x", "/a\r\nX: y"]
    {
        check(bad, "/").await;
    }
}

#[tokio::test]
async fn an_unknown_person_and_a_broken_form_are_refused_kindly() {
    let server = Server::empty().await;
    for form in ["as=nobody", "as=", "", "x=y"] {
        let answer = Browser::default().post(&server, "/auth/demo", form).await;
        assert!(answer.status.is_client_error(), "{form}: {}", answer.status);
        assert!(answer.headers.get(header::SET_COOKIE).is_none());
    }
}

#[tokio::test]
async fn w_16_another_site_cannot_sign_anyone_in() {
    let server = Server::empty().await;
    let check = async |site: Option<&str>, origin: Option<&str>, expected: StatusCode| {
        let mut request = Browser::default().request("POST", "/auth/demo");
        if let Some(site) = site {
            request = request.header("sec-fetch-site", site);
        }
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = server.send(request.body(Body::from("as=analyst")).unwrap()).await;
        assert_eq!(answer.status, expected, "{site:?} {origin:?}");
    };
    check(Some("same-origin"), Some(ORIGIN), StatusCode::SEE_OTHER).await;
    check(None, Some(ORIGIN), StatusCode::SEE_OTHER).await;
    check(Some("cross-site"), Some(ORIGIN), StatusCode::FORBIDDEN).await;
    check(Some("same-site"), Some(ORIGIN), StatusCode::FORBIDDEN).await;
    check(Some("none"), None, StatusCode::FORBIDDEN).await;
    check(None, Some("https://evil.example"), StatusCode::FORBIDDEN).await;
    check(None, Some("http://127.0.0.1:9999"), StatusCode::FORBIDDEN).await;
    check(None, Some("null"), StatusCode::FORBIDDEN).await;
    check(None, None, StatusCode::FORBIDDEN).await;
}

#[tokio::test]
async fn w_11_signing_in_again_gives_a_new_id_and_ends_the_old_session() {
    let server = Server::empty().await;
    let mut browser = server.signed_in("analyst").await;
    let old = browser.clone();
    browser.post(&server, "/auth/demo", "as=steward").await;
    assert_ne!(old.cookies, browser.cookies);
    assert_eq!(old.clone().get(&server, "/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.get(&server, "/api/v1/me").await.json()["name"], "steward");
}

#[tokio::test]
async fn w_27_with_a_provider_there_is_no_demo() {
    let provider = crate::provider::Provider::start().await;
    let server = Server::with(&[("PENSTOCK_ISSUER", &provider.issuer), ("PENSTOCK_CLIENT_ID", "penstock")]).await;
    let answer = Browser::default().post(&server, "/auth/demo", "as=steward").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}
