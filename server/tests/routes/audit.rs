//! `/audit`, and what sign-ins, tokens and refused requests leave in it.

use http::StatusCode;
use serde_json::json;

use crate::server::{Browser, Server};

/// Rows of the audit that this person sees, after everything is written.
async fn rows(server: &Server, browser: &mut Browser, wanted: &str) -> Vec<Vec<serde_json::Value>> {
    server.lake.flush_audit(std::time::Duration::from_secs(20)).await.unwrap();
    let sql = format!("select {wanted} order by event");
    let answer =
        browser.json(server, "POST", "/api/v1/query", &json!({ "sql": sql, "wait_ms": 30_000 }).to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    serde_json::from_value(answer.json()["page"]["rows"].clone()).unwrap()
}

#[tokio::test]
async fn sessions_and_tokens_leave_their_rows() {
    let server = Server::empty().await;
    let mut steward = server.signed_in("steward").await;
    let mut analyst = server.signed_in("analyst").await;
    let body = r#"{"name":"etl","days":30,"scope":{"actions":["upload"],"datasets":["ops.*"]}}"#;
    let made = analyst.json(&server, "POST", "/api/v1/tokens", body).await.json();
    let (secret, id) = (made["secret"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap().to_owned());
    assert_eq!(server.api(&secret, "GET", "/api/v1/datasets", None).await.status, StatusCode::FORBIDDEN);
    analyst.json(&server, "DELETE", &format!("/api/v1/tokens/{id}"), "").await;
    analyst.json(&server, "DELETE", "/api/v1/tokens/nothing", "").await;
    assert_eq!(server.api(&secret, "GET", "/api/v1/me", None).await.status, StatusCode::UNAUTHORIZED);
    analyst.post(&server, "/auth/sign-out", "").await;
    let found = rows(
        &server,
        &mut steward,
        "action, outcome, via, text, reason, request from system.audit where name <> 'steward'",
    )
    .await;
    let told: Vec<(&str, &str)> = found.iter().map(|r| (r[0].as_str().unwrap(), r[1].as_str().unwrap())).collect();
    assert_eq!(
        told,
        [
            ("sign-in", "ok"),
            ("make-token", "ok"),
            ("request", "denied"),
            ("revoke-token", "ok"),
            ("revoke-token", "denied"),
            ("request", "denied"),
            ("sign-out", "ok"),
        ]
    );
    assert!(found[1][3].as_str().unwrap().contains("etl: upload ops.*, days: 30"), "{found:?}");
    assert_eq!(
        (found[2][2].as_str().unwrap(), found[2][3].as_str().unwrap()),
        (&*format!("token {id}"), "GET /api/v1/datasets")
    );
    assert!(found[2][4].as_str().unwrap().contains("does not allow `read`"), "{found:?}");
    assert_eq!(found[5][2].as_str().unwrap(), format!("token {id}"));
    assert!(found.iter().all(|r| r[5].as_str().is_some_and(|request| request.len() == 32)), "{found:?}");
}

#[tokio::test]
async fn no_cookie_token_or_header_is_ever_in_a_row() {
    let server = Server::filled().await;
    let mut steward = server.signed_in("steward").await;
    let mut analyst = server.signed_in("analyst").await;
    let token = server.token("analyst").await;
    let secret = token[36..].to_owned();
    let sql = json!({ "sql": format!("select '{token}'") }).to_string();
    server.api(&token, "POST", "/api/v1/query", Some(&sql)).await;
    server.api(&format!("{token}x"), "GET", &format!("/api/v1/datasets?q={token}"), None).await;
    analyst.get(&server, &format!("/audit?text={token}")).await;
    analyst.post(&server, "/auth/sign-out", "").await;
    let found = rows(&server, &mut steward, "* from system.audit").await;
    assert!(found.len() > 6);
    let text = serde_json::to_string(&found).unwrap();
    let cookies = steward.cookies.values().chain(analyst.cookies.values());
    for hidden in cookies.map(String::as_str).chain([secret.as_str(), "Bearer", "Mozilla"]) {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
}

#[tokio::test]
async fn the_page_shows_a_person_their_own_and_a_steward_all() {
    let server = Server::filled().await;
    let mut partner = server.signed_in("partner-ua").await;
    let sql = "select '<b>marked</b>' from hr.pay";
    let body = json!({ "sql": sql }).to_string();
    assert_eq!(partner.json(&server, "POST", "/api/v1/query", &body).await.status, StatusCode::NOT_FOUND);
    let mut steward = server.signed_in("steward").await;
    server.lake.flush_audit(std::time::Duration::from_secs(20)).await.unwrap();
    let page = partner.get(&server, "/audit").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains("My activity") && page.text.contains("no such dataset: hr.pay"));
    assert!(!page.text.contains("not granted"), "a partner is told no more than before: {}", page.text);
    assert!(page.text.contains("&lt;b&gt;marked&lt;/b&gt;") && !page.text.contains("<b>marked</b>"));
    assert!(!page.text.contains("steward</bdi>") && !page.text.contains("name=\"person\""));
    let page = steward.get(&server, "/audit").await;
    assert!(page.text.contains("partner-ua") && page.text.contains("name=\"person\""), "{}", page.text);
    let page = steward.get(&server, "/audit?person=partner-ua&outcome=denied&action=query&dataset=hr.pay").await;
    assert_eq!(page.text.matches("class=\"audit__action\"").count(), 1, "{}", page.text);
    assert!(page.text.contains("value=\"partner-ua\""));
    assert!(page.text.contains("hr.pay is hidden: not granted"), "{}", page.text);
    let page = steward.get(&server, "/audit?mine=1&action=query").await;
    assert!(page.text.contains("Nothing like that has happened"), "{}", page.text);
    let page = steward.get(&server, "/audit?from=yesterday").await;
    assert!(page.text.contains("is not a day: write it as 2026-11-30"), "{}", page.text);
    // A filter that names another person finds nothing of theirs.
    let page = partner.get(&server, "/audit?person=steward").await;
    assert_eq!(page.text.matches("class=\"audit__action\"").count(), 0, "{}", page.text);
}

#[tokio::test]
async fn the_audit_is_a_dataset_of_the_api_that_takes_no_files() {
    let server = Server::filled().await;
    let mut analyst = server.signed_in("analyst").await;
    server.lake.flush_audit(std::time::Duration::from_secs(20)).await.unwrap();
    let rows = analyst.get(&server, "/api/v1/datasets/system/audit/rows?columns=name").await;
    assert_eq!(rows.status, StatusCode::OK, "{}", rows.text);
    assert!(rows.text.contains("analyst") && !rows.text.contains("command line"), "{}", rows.text);
    let listed = analyst.get(&server, "/api/v1/datasets?unit=system").await;
    assert_eq!(listed.json()["items"], json!([]));
    let mut steward = server.signed_in("steward").await;
    for path in ["/api/v1/uploads/system/audit?name=a.csv", "/api/v1/datasets/system/audit/rollback"] {
        let body = if path.ends_with("rollback") { r#"{"to":0}"# } else { "a\n1\n" };
        let answer = steward.json(&server, "POST", path, body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}: {}", answer.text);
    }
    let begun = analyst.request("POST", "/api/v1/uploads").header("sec-fetch-site", "same-origin");
    let begun = begun.header("origin", crate::server::ORIGIN).header("upload-length", "3");
    // system.audit, a.csv
    let begun = begun.header("upload-metadata", "dataset c3lzdGVtLmF1ZGl0,filename YS5jc3Y=");
    let answer = server.send(begun.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text);
}

#[tokio::test]
async fn a_full_audit_answers_503_and_does_nothing() {
    let server = Server::filled().await;
    let mut analyst = server.signed_in("analyst").await;
    server.lake.flush_audit(std::time::Duration::from_secs(20)).await.unwrap();
    let who = model::Principal {
        ..serde_json::from_value(json!({"issuer": "demo", "subject": "x", "name": "x", "groups": []})).unwrap()
    };
    let held: Vec<_> =
        (0..lake::audit::PLACES).map(|_| server.lake.audited(&who, model::AuditAction::Query).unwrap()).collect();
    let answer = analyst.json(&server, "POST", "/api/v1/query", r#"{"sql":"select 1"}"#).await;
    assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "audit_unavailable"));
    assert!(!answer.header("retry-after").is_empty());
    let page = analyst.get(&server, "/audit").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}", page.text);
    let body = "as=partner-ua";
    assert_eq!(Browser::default().post(&server, "/auth/demo", body).await.status, StatusCode::SERVICE_UNAVAILABLE);
    drop(held);
    server.lake.flush_audit(std::time::Duration::from_secs(60)).await.unwrap();
    let answer = analyst.json(&server, "POST", "/api/v1/query", r#"{"sql":"select 1"}"#).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}
