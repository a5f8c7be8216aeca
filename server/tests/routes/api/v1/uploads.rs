//! `/api/v1/uploads/{unit}/{dataset}`

use http::{Request, StatusCode};

use crate::server::{Answer, Browser, Server};

const ROWS: &str = "carrier,flight,tailnum,distance\nB6,5,N5,500\n";

fn form(files: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, content) in files {
        text += &format!(
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/csv\r\n\r\n{content}\r\n"
        );
    }
    text + "--b--\r\n"
}

async fn send(server: &Server, token: &str, path: &str, kind: &str, body: String) -> Answer {
    let request = Request::post(path).header("authorization", format!("Bearer {token}")).header("content-type", kind);
    server.send(request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn a_file_arrives_as_body_or_form_and_can_be_queried_at_once() {
    let server = Server::filled().await;
    let token = server.token("owner-ops").await;
    let path = "/api/v1/uploads/ops/flights";
    let raw = send(&server, &token, &format!("{path}?name=b.csv"), "application/octet-stream", ROWS.to_owned()).await;
    assert_eq!(raw.status, StatusCode::CREATED, "{}", raw.text);
    assert_eq!(raw.json()["ingests"][0]["rows"]["landed"], 1, "{}", raw.text);
    let at = raw.header("location").to_owned();
    assert_eq!(server.api(&token, "GET", &at, None).await.json()["state"], "landed");
    assert_eq!(
        server.api(&token, "GET", &format!("{at}/quarantine"), None).await.json()["items"],
        serde_json::json!([])
    );
    let both = form(&[("c.csv", &ROWS.replace("5", "6")), ("d.csv", &ROWS.replace("5", "7"))]);
    let sent = send(&server, &token, path, "multipart/form-data; boundary=b", both).await;
    assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text);
    assert_eq!(sent.json()["ingests"].as_array().unwrap().len(), 2, "{}", sent.text);
    let sql = r#"{"sql":"select count(*) from ops.flights where carrier = 'B6'"}"#;
    let counted = server.api(&token, "POST", "/api/v1/query", Some(sql)).await;
    assert_eq!(counted.json()["page"]["rows"], serde_json::json!([[3]]), "{}", counted.text);
    let again = send(&server, &token, &format!("{path}?name=b.csv"), "text/csv", ROWS.to_owned()).await;
    assert_eq!(again.json()["ingests"][0]["state"], "duplicate", "{}", again.text);
}

#[tokio::test]
async fn a_form_with_a_contract_of_its_own_is_refused_before_a_file_lands() {
    let server = Server::filled().await;
    let token = server.token("owner-ops").await;
    let with = |contract: &str| {
        let part = format!("--b\r\nContent-Disposition: form-data; name=\"contract\"\r\n\r\n{contract}\r\n");
        part + &form(&[("b.csv", ROWS)])
    };
    let kind = "multipart/form-data; boundary=b";
    let refused = send(&server, &token, "/api/v1/uploads/ops/flights", kind, with("mode = 'replace'")).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
    assert!(refused.text.contains("own contract"), "{}", refused.text);
    let taken = send(&server, &token, "/api/v1/uploads/ops/flights", kind, with(" \r\n")).await;
    assert_eq!(taken.json()["ingests"][0]["state"], "landed", "{}", taken.text);
}

#[tokio::test]
async fn a_browser_goes_on_to_the_arrivals_page() {
    let server = Server::filled().await;
    let mut browser: Browser = server.signed_in("owner-ops").await;
    let request = browser
        .request("POST", "/api/v1/uploads/ops/flights")
        .header("sec-fetch-site", "same-origin")
        .header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
        .header("content-type", "multipart/form-data; boundary=b");
    let answer = browser.send(&server, request.body(form(&[("b.csv", ROWS)]).into()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let to = answer.header("location").to_owned();
    assert!(to.starts_with("/arrivals/"), "{to}");
    assert_eq!(browser.get(&server, &to).await.status, StatusCode::OK);
}

#[tokio::test]
async fn uploads_that_cannot_be_are_refused() {
    let server = Server::filled().await;
    let owner = server.token("owner-ops").await;
    let path = "/api/v1/uploads/ops/flights";
    let check = async |token: &str, path: &str, kind: &str, body: String, expected: StatusCode| {
        let answer = send(&server, token, path, kind, body.clone()).await;
        assert_eq!(answer.status, expected, "{path} {kind} {body}: {}", answer.text);
        answer.problem();
    };
    let octets = "application/octet-stream";
    check(&owner, path, octets, ROWS.into(), StatusCode::BAD_REQUEST).await;
    check(&owner, &format!("{path}?name=.x"), octets, ROWS.into(), StatusCode::BAD_REQUEST).await;
    check(&owner, path, "multipart/form-data", "x".into(), StatusCode::BAD_REQUEST).await;
    check(&owner, path, "multipart/form-data; boundary=b", "x".into(), StatusCode::BAD_REQUEST).await;
    check(&owner, path, "multipart/form-data; boundary=b", form(&[]), StatusCode::BAD_REQUEST).await;
    check(&owner, path, "application/x-www-form-urlencoded", "file=x".into(), StatusCode::UNSUPPORTED_MEDIA_TYPE).await;
    let reader = server.token("analyst").await;
    check(&reader, &format!("{path}?name=b.csv"), octets, ROWS.into(), StatusCode::FORBIDDEN).await;
    let partner = server.token("partner-ua").await;
    check(&partner, "/api/v1/uploads/hr/pay?name=b.csv", octets, ROWS.into(), StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn w_22_a_contract_that_is_tried_stands_on_its_page_as_text() {
    let server = Server::filled().await;
    let mut browser: Browser = server.signed_in("partner-ua").await;
    let contract = "</textarea><script>alert(1)</script>&lt;";
    let body = format!(
        "--b\r\ncontent-disposition: form-data; name=\"contract\"\r\n\r\n{contract}\r\n--b\r\ncontent-disposition: \
         form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\nid\n1\n\r\n--b--\r\n"
    );
    let request = browser
        .request("POST", "/send")
        .header("sec-fetch-site", "same-origin")
        .header("accept", "text/html")
        .header("content-type", "multipart/form-data; boundary=b");
    let page = browser.send(&server, request.body(body.into()).unwrap()).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(!page.text.contains("<script>alert"), "{}", page.text);
    assert!(page.text.contains("&lt;/textarea>&lt;script>alert(1)"), "{}", page.text);
}
