//! `/api/v1/events/storage`

use std::time::{Duration, Instant};

use http::StatusCode;

use crate::server::{Browser, Server};

const PATH: &str = "/api/v1/events/storage";

fn event(key: &str) -> String {
    serde_json::json!({"Records": [{"eventName": "ObjectCreated:Put", "s3": {"object": {"key": key, "size": 1}}}]})
        .to_string()
}

async fn token(server: &Server, actions: &str) -> String {
    let mut browser = server.signed_in("owner-ops").await;
    let body = format!(r#"{{"name":"store","days":1,"scope":{{"actions":[{actions}],"datasets":["ops.*"]}}}}"#);
    let answer = browser.json(server, "POST", "/api/v1/tokens", &body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.json()["secret"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn only_a_token_for_it_announces_files() {
    let server = Server::filled().await;
    let body = event("landing/ops/flights/b.csv");
    let nobody = server.api("", "POST", PATH, Some(&body)).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{}", nobody.text);
    let reader = token(&server, r#""read","upload","own""#).await;
    let refused = server.api(&reader, "POST", PATH, Some(&body)).await;
    assert_eq!((refused.status, refused.problem().as_str()), (StatusCode::FORBIDDEN, "forbidden"));
    let notifier = token(&server, r#""notify""#).await;
    let noted = server.api(&notifier, "POST", PATH, Some(&body)).await;
    assert_eq!((noted.status, &noted.json()["noted"]), (StatusCode::ACCEPTED, &1.into()), "{}", noted.text);
    let rows = server.api(&notifier, "GET", "/api/v1/datasets/ops/flights/rows", None).await;
    assert_eq!(rows.status, StatusCode::FORBIDDEN, "it shows nothing: {}", rows.text);
    let wrong = server.api(&notifier, "POST", PATH, Some("no event")).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST, "{}", wrong.text);
}

#[tokio::test]
async fn forged_keys_are_not_even_looked_at() {
    let server = Server::filled().await;
    let notifier = token(&server, r#""notify""#).await;
    for key in [
        "policy.toml",
        "tables/ops/flights/_delta_log/00000000000000000000.json",
        "landing/ops/flights",
        "landing/ops",
        "landing/../policy.toml",
        "landing/ops/flights/../../../policy.toml",
        "landing/OPS/flights/a.csv",
        "landing//flights/a.csv",
        "landing/hr/pay/b.csv",
        "",
    ] {
        let answer = server.api(&notifier, "POST", PATH, Some(&event(key))).await;
        assert_eq!((answer.status, &answer.json()["noted"]), (StatusCode::ACCEPTED, &0.into()), "{key}");
    }
    // A place where nothing is answers as one where something is.
    for key in ["landing/ops/flights/a.csv", "landing/ops/flights/none.csv", "landing/ops/none/none.csv"] {
        let answer = server.api(&notifier, "POST", PATH, Some(&event(key))).await;
        assert_eq!((answer.status, &answer.json()["noted"]), (StatusCode::ACCEPTED, &1.into()), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announced_file_lands_before_the_next_look() {
    let server = Server::filled().await;
    let notifier = token(&server, r#""notify""#).await;
    let lake = server.lake.clone();
    let watching = tokio::spawn(async move { lake.watch(std::future::pending()).await });
    // The first two looks are over; the next are at two and four seconds, and the second of them would take the file.
    tokio::time::sleep(Duration::from_millis(800)).await;
    let folder = server.folder().join("landing/ops/flights");
    std::fs::write(folder.join("new one.csv"), "carrier,flight,tailnum,distance\nB6,5,N5,500\n").unwrap();
    let began = Instant::now();
    let body = event("landing/ops/flights/new+one.csv");
    assert_eq!(server.api(&notifier, "POST", PATH, Some(&body)).await.json()["noted"], 1);
    loop {
        let metrics = Browser::default().get(&server, "/metrics").await.text;
        if metrics.contains("penstock_ingests_total{state=\"landed\"} 4") {
            break;
        }
        assert!(began.elapsed() < Duration::from_millis(2900), "not yet: {metrics}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    watching.abort();
}
