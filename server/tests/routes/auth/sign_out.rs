//! `POST /auth/sign-out`

use http::StatusCode;

use crate::server::{Browser, Server};

#[tokio::test]
async fn w_14_signing_out_ends_the_session_for_the_cookie_too() {
    let server = Server::empty().await;
    let mut browser = server.signed_in("analyst").await;
    let stolen = browser.clone();
    let answer = browser.post(&server, "/auth/sign-out", "").await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/sign-in"));
    assert!(browser.cookies.is_empty());
    assert_eq!(stolen.clone().get(&server, "/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn w_16_w_17_a_link_or_another_site_cannot_sign_anyone_out() {
    let server = Server::empty().await;
    let mut browser = server.signed_in("analyst").await;
    assert_eq!(browser.get(&server, "/auth/sign-out").await.status, StatusCode::METHOD_NOT_ALLOWED);
    let request = browser.request("POST", "/auth/sign-out").header("sec-fetch-site", "cross-site");
    let answer = server.send(request.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.get(&server, "/api/v1/me").await.status, StatusCode::OK);
}

#[tokio::test]
async fn signing_out_twice_or_without_a_session_is_fine() {
    let server = Server::empty().await;
    assert_eq!(Browser::default().post(&server, "/auth/sign-out", "").await.status, StatusCode::SEE_OTHER);
}
