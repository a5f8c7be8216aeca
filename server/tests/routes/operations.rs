//! `/healthz`, `/readyz`, `/metrics`.

use http::StatusCode;

use crate::server::{Browser, Server};

#[tokio::test]
async fn health_and_measurements_are_there_without_sign_in_and_name_nobody() {
    let server = Server::filled().await;
    let mut browser = server.signed_in("partner-ua").await;
    browser.get(&server, "/api/v1/datasets/hr/canary").await;
    browser.get(&server, "/canary").await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        let answer = Browser::default().get(&server, path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(!answer.text.contains("canary") && !answer.text.contains("partner"), "{}", answer.text);
    }
    let metrics = Browser::default().get(&server, "/metrics").await.text;
    assert!(metrics.contains("/api/v1/datasets/{unit}/{name}"), "{metrics}");
    assert!(metrics.contains("penstock_http_request_duration_seconds"), "{metrics}");
    assert!(
        metrics.contains("penstock_ingests_total{state=\"landed\"} 3"),
        "files count however they arrive: {metrics}"
    );
}
