//! `/api/v1/tokens`

use http::StatusCode;
use serde_json::json;

use crate::server::Server;

#[tokio::test]
async fn a_token_is_made_listed_without_its_secret_and_revoked() {
    let server = Server::empty().await;
    let mut browser = server.signed_in("analyst").await;
    let body = r#"{"name":"etl","days":30,"scope":{"actions":["read"],"datasets":["ops.*"]}}"#;
    let made = browser.json(&server, "POST", "/api/v1/tokens", body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let (secret, id) =
        (made.json()["secret"].as_str().unwrap().to_owned(), made.json()["id"].as_str().unwrap().to_owned());
    assert!(secret.starts_with(&format!("pk_{id}_")));
    let listed = browser.get(&server, "/api/v1/tokens").await;
    assert_eq!(listed.json()["items"][0]["name"], "etl");
    assert!(!listed.text.contains(&secret[36..]));
    let me = server.api(&secret, "GET", "/api/v1/me", None).await.json();
    assert_eq!((me["name"].as_str(), me["via"].as_str()), (Some("analyst"), Some("token")));
    let at = made.header("location").to_owned();
    let other = server.token("steward").await;
    assert_eq!(server.api(&other, "DELETE", &at, None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.json(&server, "DELETE", &at, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.api(&secret, "GET", "/api/v1/me", None).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.json(&server, "DELETE", &at, "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn wrong_secrets_do_not_hold() {
    let server = Server::empty().await;
    let token = server.token("analyst").await;
    let (head, tail) = token.split_at(token.len() - 1);
    let other = if tail == "A" { "B" } else { "A" };
    for bad in [format!("{head}{other}"), head.to_owned(), format!("{token}x"), "x".to_owned(), token[3..].to_owned()] {
        let answer = server.api(&bad, "GET", "/api/v1/me", None).await;
        assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::UNAUTHORIZED, "unauthorized"), "{bad}");
    }
}

#[tokio::test]
async fn requests_out_of_bounds_are_refused() {
    let server = Server::empty().await;
    let mut browser = server.signed_in("analyst").await;
    let scope = json!({"actions": ["read"]});
    for body in [
        json!({"name": "", "days": 1, "scope": scope}),
        json!({"name": " ", "days": 1, "scope": scope}),
        json!({"name": "x".repeat(101), "days": 1, "scope": scope}),
        json!({"name": "a\u{0}b", "days": 1, "scope": scope}),
        json!({"name": "a", "days": 0, "scope": scope}),
        json!({"name": "a", "days": 366, "scope": scope}),
        json!({"name": "a", "days": 1, "scope": {"actions": []}}),
        json!({"name": "a", "days": 1, "scope": {"actions": ["steward"]}}),
        json!({"name": "a", "days": 1, "scope": {"actions": ["read"], "datasets": ["../x"]}}),
        json!({"name": "a", "days": 1}),
    ] {
        let answer = browser.json(&server, "POST", "/api/v1/tokens", &body.to_string()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_token_makes_no_wider_token_and_takes_its_own_with_it() {
    let server = Server::empty().await;
    let mut browser = server.signed_in("analyst").await;
    let body = json!({"name": "a", "days": 10, "scope": {"actions": ["read"], "datasets": ["ops.*"]}}).to_string();
    let made = browser.json(&server, "POST", "/api/v1/tokens", &body).await;
    let (token, at) = (made.json()["secret"].as_str().unwrap().to_owned(), made.header("location").to_owned());
    let ask = async |days: u32, actions: &[&str], datasets: &[&str]| {
        let body = json!({"name": "b", "days": days, "scope": {"actions": actions, "datasets": datasets}}).to_string();
        server.api(&token, "POST", "/api/v1/tokens", Some(&body)).await
    };
    for (days, actions, datasets) in [
        (11, &["read"][..], &["ops.*"][..]),
        (5, &["read", "upload"], &["ops.*"]),
        (5, &["read"], &[]),
        (5, &["read"], &["*"]),
    ] {
        assert_eq!(ask(days, actions, datasets).await.status, StatusCode::FORBIDDEN, "{days} {actions:?} {datasets:?}");
    }
    let child = ask(5, &["read"], &["ops.flights"]).await;
    assert_eq!(child.status, StatusCode::CREATED, "{}", child.text);
    let child = child.json()["secret"].as_str().unwrap().to_owned();
    assert_eq!(server.api(&child, "GET", "/api/v1/me", None).await.status, StatusCode::OK);
    assert_eq!(browser.json(&server, "DELETE", &at, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.api(&child, "GET", "/api/v1/me", None).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_does_only_what_its_scope_says() {
    let server = Server::filled().await;
    let mut browser = server.signed_in("owner-ops").await;
    let make = async |browser: &mut crate::server::Browser, actions: &[&str], datasets: &[&str]| {
        let body = json!({"name": "a", "days": 1, "scope": {"actions": actions, "datasets": datasets}}).to_string();
        let made = browser.json(&server, "POST", "/api/v1/tokens", &body).await;
        made.json()["secret"].as_str().unwrap().to_owned()
    };
    let send = make(&mut browser, &["upload"], &["ops.*"]).await;
    let read = make(&mut browser, &["read"], &["ref.*"]).await;
    assert_eq!(server.api(&send, "GET", "/api/v1/datasets", None).await.status, StatusCode::FORBIDDEN);
    let sql = r#"{"sql":"select * from ops.flights"}"#;
    assert_eq!(server.api(&send, "POST", "/api/v1/query", Some(sql)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(server.api(&read, "POST", "/api/v1/query", Some(sql)).await.status, StatusCode::NOT_FOUND);
    let upload = "/api/v1/uploads/ops/flights?name=b.csv";
    assert_eq!(server.api(&read, "POST", upload, Some("a\n")).await.status, StatusCode::FORBIDDEN);
    let listed = server.api(&read, "GET", "/api/v1/datasets", None).await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
}
