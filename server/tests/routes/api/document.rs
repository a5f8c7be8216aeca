//! `/api/openapi.json`, `/api/docs`, and what is true of every route of the document.

use http::StatusCode;

use crate::server::{Browser, Server};

/// The document as it was agreed. `UPDATE_SNAPSHOTS=1` writes it anew.
#[tokio::test]
async fn the_document_is_the_agreed_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openapi.json");
    let text = server::openapi::text(&server::openapi::document()).unwrap();
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let agreed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(text == agreed, "the API changed; if it is meant, run again with UPDATE_SNAPSHOTS=1 and commit {path}");
}

#[tokio::test]
async fn document_and_reference_are_served_to_everyone() {
    let server = Server::empty().await;
    let json = Browser::default().get(&server, "/api/openapi.json").await;
    assert_eq!(json.json()["openapi"], "3.1.0");
    let docs = Browser::default().get(&server, "/api/docs").await;
    assert_eq!(docs.status, StatusCode::OK);
    for path in json.json()["paths"].as_object().unwrap().keys() {
        assert!(docs.text.contains(path), "{path}");
    }
    assert!(!docs.text.contains("<script") && !docs.text.contains("src="), "nothing from elsewhere");
}

#[tokio::test]
async fn wrong_methods_and_addresses_are_problems() {
    let server = Server::empty().await;
    let token = server.token("analyst").await;
    let wrong = server.api(&token, "PUT", "/api/v1/me", None).await;
    assert_eq!((wrong.status, wrong.problem().as_str()), (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"));
    assert!(wrong.header("allow").contains("GET"), "{:?}", wrong.headers);
    for path in ["/api/v1/none", "/api/", "/api/v1/datasets/a/b/c/d", "/api/v2/me"] {
        let absent = server.api(&token, "GET", path, None).await;
        assert_eq!((absent.status, absent.problem().as_str()), (StatusCode::NOT_FOUND, "not_found"), "{path}");
    }
}
