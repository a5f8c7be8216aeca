//! `/api/v1/datasets` and its rows.

use http::StatusCode;
use serde_json::json;

use crate::server::Server;

#[tokio::test]
async fn the_catalog_holds_what_each_person_may_see() {
    let server = Server::filled().await;
    let check = async |person: &str, path: &str, expected: &[&str]| {
        let token = server.token(person).await;
        let answer = server.api(&token, "GET", path, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let names: Vec<String> =
            answer.json()["items"].as_array().unwrap().iter().map(|d| d["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(names, expected, "{person} {path}");
    };
    check("analyst", "/api/v1/datasets", &["hr.pay", "ops.flights", "ref.airlines"]).await;
    check("partner-ua", "/api/v1/datasets", &["ops.flights", "ref.airlines"]).await;
    check("partner-ua", "/api/v1/datasets?unit=ref", &["ref.airlines"]).await;
    check("partner-ua", "/api/v1/datasets?q=pay", &[]).await;
    check("partner-ua", "/api/v1/datasets?unit=hr", &[]).await;
}

#[tokio::test]
async fn lists_go_by_opaque_cursors() {
    let server = Server::filled().await;
    let token = server.token("analyst").await;
    let first = server.api(&token, "GET", "/api/v1/datasets?limit=2", None).await.json();
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let cursor = first["next_cursor"].as_str().unwrap();
    let last = server.api(&token, "GET", &format!("/api/v1/datasets?limit=2&cursor={cursor}"), None).await.json();
    assert_eq!(last["items"][0]["name"], "ref.airlines");
    assert!(last.get("next_cursor").is_none());
}

#[tokio::test]
async fn rows_are_the_persons_own_and_page_by_cursor() {
    let server = Server::filled().await;
    let path = "/api/v1/datasets/ops/flights/rows?columns=carrier,flight&sort=-flight";
    let staff = server.token("analyst").await;
    let all = server.api(&staff, "GET", path, None).await;
    assert_eq!(all.json()["rows"], json!([["AA", 4], ["DL", 3], ["UA", 2], ["UA", 1]]), "{}", all.text);
    assert!(!all.header("x-penstock-cache").is_empty());
    let partner = server.token("partner-ua").await;
    let own = server.api(&partner, "GET", path, None).await;
    assert_eq!(own.json()["rows"], json!([["UA", 2], ["UA", 1]]), "{}", own.text);
    let first = server.api(&staff, "GET", &format!("{path}&limit=3"), None).await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = server.api(&staff, "GET", &format!("{path}&limit=3&cursor={cursor}"), None).await.json();
    assert_eq!(rest["rows"], json!([["UA", 1]]));
    assert!(rest.get("next_cursor").is_none());
    let other = server.api(&staff, "GET", &format!("{path}&filter=flight%3E1&cursor={cursor}"), None).await;
    assert_eq!(other.status, StatusCode::BAD_REQUEST, "a cursor of another list");
}

#[tokio::test]
async fn wrong_parameters_are_problems() {
    let server = Server::filled().await;
    let token = server.token("analyst").await;
    for path in [
        "/api/v1/datasets?x=1",
        "/api/v1/datasets?limit=0",
        "/api/v1/datasets?limit=-1",
        "/api/v1/datasets?limit=x",
        "/api/v1/datasets?cursor=x",
        "/api/v1/datasets?q=a&q=b",
        "/api/v1/datasets/ops/flights/rows?limit=10001",
        "/api/v1/datasets/ops/flights/rows?limit=99999999999999999999",
        "/api/v1/datasets/ops/flights/rows?cursor=x",
        "/api/v1/datasets/ops/flights/rows?columns=none",
        "/api/v1/datasets/ops/flights/rows?sort=none",
        "/api/v1/datasets/ops/flights/rows?filter=none%3D1",
        "/api/v1/datasets/ops/flights/rows?filter=1%3D1)%20or%20(select",
    ] {
        let answer = server.api(&token, "GET", path, None).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}: {}", answer.text);
        answer.problem();
    }
    for path in ["/api/v1/datasets/OPS/flights", "/api/v1/datasets/ops/fl%20ights", "/api/v1/datasets/system/x"] {
        assert_eq!(server.api(&token, "GET", path, None).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn the_profile_is_of_the_persons_own_rows() {
    let server = Server::filled().await;
    let path = "/api/v1/datasets/ops/flights/profile";
    let staff = server.token("analyst").await;
    let whole = server.api(&staff, "GET", path, None).await;
    assert_eq!(whole.status, StatusCode::OK, "{}", whole.text);
    assert_eq!(whole.json()["rows"], 4);
    let carrier = &whole.json()["columns"][0];
    assert_eq!(carrier["top"][0], json!({"value": "UA", "count": 2}), "{}", whole.text);
    assert!(whole.json()["columns"][3]["histogram"].as_array().unwrap().len() > 1, "{}", whole.text);
    let partner = server.token("partner-ua").await;
    let own = server.api(&partner, "GET", path, None).await;
    assert_eq!(own.json()["rows"], 2);
    assert_eq!(own.json()["columns"][3]["max"], 200, "{}", own.text);
    for hidden in ["DL", "AA", "N1", "N3", "400"] {
        assert!(!own.text.contains(&format!("\"{hidden}\"")) && !own.text.contains(":400"), "{hidden}: {}", own.text);
    }
    assert_eq!(
        server.api(&partner, "GET", "/api/v1/datasets/hr/pay/profile", None).await.status,
        StatusCode::NOT_FOUND
    );
}
