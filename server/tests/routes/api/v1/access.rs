//! Every route × person × dataset, taken from the route table: who is nobody gets 401, and hidden is absent.

use http::StatusCode;
use serde_json::Value;

use crate::server::{Answer, Browser, PEOPLE, Server};

/// Method and path of every route of the API.
pub fn routes() -> Vec<(String, String)> {
    let document = serde_json::to_value(server::openapi::document()).unwrap();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "patch", "delete"] {
            if item.get(method).is_some() {
                all.push((method.to_uppercase(), path.clone()));
            }
        }
    }
    assert!(all.len() >= 16, "{all:?}");
    all
}

pub fn filled(path: &str, unit: &str, name: &str) -> String {
    path.replace("{unit}", unit)
        .replace("{name}", name)
        .replace("{dataset}", name)
        .replace("{id}", "00000000")
        .replace("{token}", "0")
        .replace("{session}", "0")
}

/// A body that is right for the route, so that nothing but access decides.
pub fn body(method: &str, path: &str, unit: &str, name: &str) -> Option<String> {
    match (method, path) {
        ("POST", "/api/v1/query") => Some(format!(r#"{{"sql":"select * from {unit}.{name}"}}"#)),
        ("POST", "/api/v1/tokens") => Some(r#"{"name":"t","days":1,"scope":{"actions":["read"]}}"#.to_owned()),
        ("POST", path) if path.ends_with("/rollback") => Some(r#"{"to":0}"#.to_owned()),
        ("POST", path) if path.ends_with("/access") => Some(r#"{"purpose":"x","days":1}"#.to_owned()),
        ("POST", _) => Some("a\n1\n".to_owned()),
        _ => None,
    }
}

/// The body without what differs by itself.
fn plain(answer: &Answer, name: &str) -> String {
    let mut body: Value = serde_json::from_str(&answer.text).unwrap_or(Value::String(answer.text.clone()));
    if let Some(body) = body.as_object_mut() {
        body.remove("request_id");
    }
    body.to_string().replace(name, "NAME")
}

#[tokio::test]
async fn a_08_nobody_gets_anything_from_any_route() {
    let server = Server::empty().await;
    for (method, path) in routes() {
        for token in ["", "pk_x", "pk_00000000000000000000000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            let at = format!("{}?name=a.csv", filled(&path, "ops", "flights"));
            let answer = server.api(token, &method, &at, body(&method, &path, "ops", "flights").as_deref()).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path} {token}: {}", answer.text);
            assert_eq!(answer.problem(), "unauthorized");
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
        }
    }
}

#[tokio::test]
async fn a_08_hidden_and_absent_are_answered_alike_on_every_route() {
    let server = Server::filled().await;
    for person in PEOPLE {
        let token = server.token(person).await;
        let sees_all = !person.starts_with("partner");
        for (method, path) in routes() {
            let names_dataset = path.contains("{unit}") || path == "/api/v1/query";
            if !names_dataset {
                continue;
            }
            let query = if path.contains("uploads") { "?name=a.csv" } else { "" };
            let mut seen = Vec::new();
            for name in ["pay", "nay"] {
                let at = format!("{}{query}", filled(&path, "hr", name));
                let answer = server.api(&token, &method, &at, body(&method, &path, "hr", name).as_deref()).await;
                assert!(!answer.status.is_server_error(), "{person} {method} {at}: {}", answer.text);
                if !sees_all {
                    assert!(!answer.text.contains("canary"), "{person} {method} {at}");
                    assert!(!answer.status.is_success(), "{person} {method} {at}");
                }
                seen.push((answer.status, plain(&answer, name)));
            }
            if sees_all && !path.contains("uploads") && !path.contains("rollback") {
                assert!(seen[0].0.is_success(), "control: {person} {method} {path} {seen:?}");
            }
            if !sees_all {
                assert_eq!(seen[0], seen[1], "{person} {method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn a_08_ids_of_others_are_answered_as_ids_that_do_not_exist() {
    let server = Server::filled().await;
    let owner = server.token("analyst").await;
    let made = server.api(&owner, "POST", "/api/v1/query", Some(r#"{"sql":"select * from hr.pay"}"#)).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let token = server.token("partner-ua").await;
    for path in [
        format!("/api/v1/results/{id}"),
        format!("/api/v1/results/{id}/download?format=csv"),
        format!("/api/v1/queries/{id}"),
    ] {
        assert_eq!(server.api(&owner, "GET", &path, None).await.status, StatusCode::OK, "control {path}");
        let answer = server.api(&token, "GET", &path, None).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_08_arrivals_are_seen_by_owners_and_stewards() {
    let server = Server::filled().await;
    let count = |answer: Answer| {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()["items"].as_array().unwrap().len()
    };
    for (person, expected) in [("steward", 3), ("owner-ops", 1), ("analyst", 0), ("partner-ua", 0)] {
        let mut browser = server.signed_in(person).await;
        assert_eq!(count(browser.get(&server, "/api/v1/ingests").await), expected, "{person}");
        // No token is a steward's.
        let expected = if person == "steward" { 0 } else { expected };
        let token = server.token(person).await;
        assert_eq!(count(server.api(&token, "GET", "/api/v1/ingests", None).await), expected, "{person} by token");
    }
}

#[tokio::test]
async fn w_16_changes_with_a_cookie_need_the_same_origin() {
    let server = Server::empty().await;
    let browser = server.signed_in("analyst").await;
    for (method, path) in routes().into_iter().filter(|(m, _)| m != "GET") {
        let at = filled(&path, "ops", "flights");
        for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("x-none", "x")] {
            let request = browser.request(&method, &at).header(name, value).header("content-type", "application/json");
            let text = body(&method, &path, "ops", "flights").unwrap_or_default();
            let answer = server.send(request.body(text.into()).unwrap()).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path} {name}");
            assert_eq!(answer.problem(), "cross_site");
        }
    }
    assert_eq!(Browser::default().json(&server, "POST", "/api/v1/query", "{}").await.status, StatusCode::UNAUTHORIZED);
}
