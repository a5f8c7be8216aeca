//! `/api/v1/query`, `/api/v1/queries`, `/api/v1/results`.

use http::StatusCode;
use serde_json::json;

use crate::server::Server;

const COUNT: &str = r#"{"sql":"select count(*) as n from ops.flights"}"#;

#[tokio::test]
async fn a_query_answers_with_rows_and_says_where_they_came_from() {
    let server = Server::filled().await;
    for (person, expected) in [("analyst", 4), ("partner-ua", 2), ("partner-dl", 1)] {
        let token = server.token(person).await;
        let first = server.api(&token, "POST", "/api/v1/query", Some(COUNT)).await;
        assert_eq!(first.status, StatusCode::OK, "{person}: {}", first.text);
        let body = first.json();
        assert_eq!(body["page"]["rows"], json!([[expected]]), "{person}");
        assert_eq!((body["state"].as_str(), body["rows_total"].as_u64()), (Some("done"), Some(1)));
        assert_eq!(first.header("x-penstock-cache"), "miss", "{person}");
        let again = server.api(&token, "POST", "/api/v1/query", Some(COUNT)).await;
        assert_eq!(again.header("x-penstock-cache"), "hit; tier=memory", "{person}");
    }
}

#[tokio::test]
async fn parameters_are_values_and_never_text() {
    let server = Server::filled().await;
    let token = server.token("analyst").await;
    let body = json!({"sql": "select count(*) from ops.flights where carrier = $c", "params": {"c": "UA' or 'a'='a"}});
    let answer = server.api(&token, "POST", "/api/v1/query", Some(&body.to_string())).await;
    assert_eq!(answer.json()["page"]["rows"], json!([[0]]), "{}", answer.text);
}

#[tokio::test]
async fn windows_status_and_downloads_of_a_result() {
    let server = Server::filled().await;
    let token = server.token("analyst").await;
    let sql = r#"{"sql":"select carrier, flight from ops.flights order by flight"}"#;
    let made = server.api(&token, "POST", "/api/v1/query", Some(sql)).await.json();
    let (status, result) = (made["status_url"].as_str().unwrap(), made["result_url"].as_str().unwrap());
    assert_eq!(server.api(&token, "GET", &format!("{status}?wait_ms=10"), None).await.json()["state"], "done");
    let window = server.api(&token, "GET", &format!("{result}?offset=1&limit=2"), None).await;
    assert_eq!(window.json()["rows"], json!([["UA", 2], ["DL", 3]]), "{}", window.text);
    assert!(!window.header("x-penstock-cache").is_empty());
    let csv = server.api(&token, "GET", &format!("{result}/download"), None).await;
    assert_eq!(csv.text.replace("\r\n", "\n"), "carrier,flight\nUA,1\nUA,2\nDL,3\nAA,4\n");
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert!(csv.header("content-disposition").starts_with("attachment; filename=\"penstock-"));
    for (format, kind) in [
        ("json", "application/json"),
        ("ndjson", "application/x-ndjson"),
        ("arrow", "application/vnd.apache.arrow.stream"),
        ("parquet", "application/vnd.apache.parquet"),
    ] {
        let answer = server.api(&token, "GET", &format!("{result}/download?format={format}"), None).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, kind), "{format}");
        assert!(!answer.text.is_empty(), "{format}");
    }
    let bad = server.api(&token, "GET", &format!("{result}/download?format=xml"), None).await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    assert_eq!(server.api(&token, "DELETE", status, None).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn what_is_wrong_with_a_query_is_a_problem() {
    let server = Server::filled().await;
    let token = server.token("partner-ua").await;
    let check = async |body: &str, status: StatusCode, code: &str| {
        let answer = server.api(&token, "POST", "/api/v1/query", Some(body)).await;
        assert_eq!((answer.status, answer.problem().as_str()), (status, code), "{body}: {}", answer.text);
    };
    check("", StatusCode::BAD_REQUEST, "invalid_request").await;
    check("{", StatusCode::BAD_REQUEST, "invalid_request").await;
    check("[]", StatusCode::BAD_REQUEST, "invalid_request").await;
    check(r#"{"sql":1}"#, StatusCode::BAD_REQUEST, "invalid_request").await;
    check(r#"{"sql":"selec"}"#, StatusCode::BAD_REQUEST, "invalid_sql").await;
    check(r#"{"sql":"drop table ops.flights"}"#, StatusCode::BAD_REQUEST, "invalid_sql").await;
    check(r#"{"sql":"select 1; select 2"}"#, StatusCode::BAD_REQUEST, "invalid_sql").await;
    check(r#"{"sql":"select * from hr.pay"}"#, StatusCode::NOT_FOUND, "not_found").await;
    check(r#"{"sql":"select * from hr.nay"}"#, StatusCode::NOT_FOUND, "not_found").await;
    let large = format!(r#"{{"sql":"select '{}'"}}"#, "x".repeat(300 << 10));
    check(&large, StatusCode::PAYLOAD_TOO_LARGE, "too_large").await;
}

#[tokio::test]
async fn a_body_of_another_type_is_415() {
    let server = Server::empty().await;
    let token = server.token("analyst").await;
    let request = http::Request::post("/api/v1/query").header("authorization", format!("Bearer {token}"));
    let answer = server.send(request.header("content-type", "text/plain").body(COUNT.into()).unwrap()).await;
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
    );
}
