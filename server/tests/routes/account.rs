//! `/account`: sessions and tokens by forms.

use http::StatusCode;

use crate::server::{Browser, Server};

#[tokio::test]
async fn w_13_a_session_is_revoked_by_its_owner_alone() {
    let server = Server::empty().await;
    let mut first = server.signed_in("analyst").await;
    let mut second = server.signed_in("analyst").await;
    let mut other = server.signed_in("steward").await;
    let page = first.get(&server, "/account").await;
    let forms: Vec<&str> = page
        .text
        .split("/account/sessions/")
        .skip(1)
        .filter_map(|rest| rest.split_once("/revoke").map(|(id, _)| id))
        .collect();
    assert!(!forms.is_empty(), "{}", page.text);
    for id in &forms {
        let path = format!("/account/sessions/{id}/revoke");
        assert_eq!(other.post(&server, &path, "").await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(second.get(&server, "/api/v1/me").await.status, StatusCode::OK);
    for id in &forms {
        let answer = first.post(&server, &format!("/account/sessions/{id}/revoke"), "").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(second.get(&server, "/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(other.get(&server, "/api/v1/me").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_token_from_the_form_is_shown_once_and_works() {
    let server = Server::empty().await;
    let mut browser = server.signed_in("partner-ua").await;
    let form = "name=laptop&days=7&actions=read&actions=upload&datasets=ops.flights%2C+ref.*";
    let answer = browser.post(&server, "/account/tokens", form).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/account"), "{}", answer.text);
    let secret = browser.cookies["penstock-flash"].clone();
    let page = browser.get(&server, "/account").await;
    assert!(page.text.contains(&secret), "shown");
    let again = browser.get(&server, "/account").await;
    assert!(!again.text.contains(&secret), "shown once");
    let me = server.api(&secret, "GET", "/api/v1/me", None).await;
    assert_eq!(me.json()["via"], "token", "{}", me.text);
    assert_eq!(me.json()["scope"]["datasets"], serde_json::json!(["ops.flights", "ref.*"]));

    let id = secret.split('_').nth(1).unwrap();
    let path = format!("/account/tokens/{id}/revoke");
    let mut other = server.signed_in("steward").await;
    assert_eq!(other.post(&server, &path, "").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.post(&server, &path, "").await.status, StatusCode::SEE_OTHER);
    assert_eq!(server.api(&secret, "GET", "/api/v1/me", None).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_form_with_what_is_no_network_says_what_to_write() {
    let server = Server::empty().await;
    let mut browser = server.signed_in("analyst").await;
    let form = |networks: &str| format!("name=a&days=7&actions=read&networks={networks}");
    let answer = browser.post(&server, "/account/tokens", &form("10.1.0.0%2F8")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.text.contains("write 10.0.0.0/8"), "{}", answer.text);
    let answer = browser.post(&server, "/account/tokens", &form("10.0.0.0%2F8%2C+2001%3Adb8%3A%3A%2F32")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let page = browser.get(&server, "/account").await;
    assert!(page.text.contains("10.0.0.0/8, 2001:db8::/32"), "{}", page.text);
}

#[tokio::test]
async fn w_16_forms_need_a_person_and_their_own_page() {
    let server = Server::empty().await;
    let browser = server.signed_in("analyst").await;
    for path in ["/account/tokens", "/account/tokens/x/revoke", "/account/sessions/x/revoke"] {
        let answer = Browser::default().post(&server, path, "name=a&days=1&actions=read").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert_eq!(answer.header("location"), "/sign-in?return_to=%2Faccount", "{path}");
        let request = browser.request("POST", path).header("sec-fetch-site", "cross-site");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = server.send(request.body("name=a&days=1&actions=read".into()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
}
