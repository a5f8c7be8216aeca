//! `/api/v1/uploads`: uploads that go on where they broke off.

use std::fmt::Write as _;

use axum::body::Body;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{Request, StatusCode};

use crate::server::{Answer, Server};

const UPLOADS: &str = "/api/v1/uploads";
const PIECE: &str = "application/offset+octet-stream";

async fn tus(server: &Server, token: &str, method: &str, at: &str, headers: &[(&str, &str)], body: Body) -> Answer {
    let mut request = Request::builder().method(method).uri(at).header("tus-resumable", "1.0.0");
    request = request.header("authorization", format!("Bearer {token}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    server.send(request.body(body).unwrap()).await
}

async fn begin(server: &Server, token: &str, dataset: &str, file: &str, bytes: usize) -> Answer {
    let [dataset, file] = [dataset, file].map(|text| BASE64_STANDARD.encode(text));
    let metadata = format!("filename {file},dataset {dataset}");
    let headers = [("upload-length", &*bytes.to_string()), ("upload-metadata", &metadata)];
    tus(server, token, "POST", UPLOADS, &headers, Body::empty()).await
}

async fn piece(server: &Server, token: &str, at: &str, offset: usize, body: Body) -> Answer {
    let headers = [("upload-offset", &*offset.to_string()), ("content-type", PIECE)];
    tus(server, token, "PATCH", at, &headers, body).await
}

async fn offset(server: &Server, token: &str, at: &str) -> String {
    let answer = tus(server, token, "HEAD", at, &[], Body::empty()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "private, no-store");
    answer.header("upload-offset").to_owned()
}

/// More than a piece, and more than is held in memory.
fn rows(n: u32) -> String {
    let mut text = String::from("carrier,flight,tailnum,distance\n");
    for flight in 0..n {
        writeln!(text, "B6,{flight},N{flight},500").unwrap();
    }
    text
}

#[tokio::test]
async fn a_file_goes_on_where_it_broke_off_and_lands_once() {
    let server = Server::filled().await;
    let token = server.token("owner-ops").await;
    let text = rows(600_000);
    assert!(text.len() > 10 << 20);
    let begun = begin(&server, &token, "ops.flights", "large.csv", text.len()).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.text);
    assert_eq!((begun.header("tus-resumable"), begun.header("upload-offset")), ("1.0.0", "0"));
    assert!(begun.header("upload-expires").ends_with(" GMT"), "{}", begun.header("upload-expires"));
    let at = begun.header("location").to_owned();

    // The connection breaks off in the middle of a piece.
    let broken = 9 << 20;
    let parts = [
        Ok(Bytes::copy_from_slice(&text.as_bytes()[..broken])),
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ];
    piece(&server, &token, &at, 0, Body::from_stream(futures::stream::iter(parts))).await;
    assert_eq!(offset(&server, &token, &at).await, broken.to_string());

    // What is no next piece is refused, and changes nothing.
    for wrong in [0, broken - 1, broken + 1] {
        let answer = piece(&server, &token, &at, wrong, Body::from("x")).await;
        assert_eq!((answer.status, &*answer.problem()), (StatusCode::CONFLICT, "conflict"), "{}", answer.text);
    }
    let more = piece(&server, &token, &at, broken, Body::from(text[broken..].to_owned() + "x")).await;
    assert_eq!(more.status, StatusCode::BAD_REQUEST, "{}", more.text);
    let so_far: usize = offset(&server, &token, &at).await.parse().unwrap();

    let last = piece(&server, &token, &at, so_far, Body::from(text[so_far..].to_owned())).await;
    assert_eq!(last.status, StatusCode::NO_CONTENT, "{}", last.text);
    assert_eq!(last.header("upload-offset"), text.len().to_string());
    let upload = tus(&server, &token, "GET", &at, &[], Body::empty()).await.json();
    let arrival = format!("/api/v1/ingests/{}", upload["ingest"].as_str().unwrap());
    let report = server.api(&token, "GET", &arrival, None).await.json();
    assert_eq!((&report["state"], &report["rows"]["landed"]), (&"landed".into(), &600_000.into()), "{report}");
    assert_eq!((&report["file"], &report["by"]), (&"large.csv".into(), &"owner-ops".into()));
    // Asked again it says the same, and nothing of the pieces is left.
    let again = piece(&server, &token, &at, text.len(), Body::empty()).await;
    assert_eq!(again.status, StatusCode::NO_CONTENT, "{}", again.text);
    assert_eq!(tus(&server, &token, "GET", &at, &[], Body::empty()).await.json(), upload);
    assert_eq!(files_below(&server.folder().join("uploads")), 0);
    let sql = r#"{"sql":"select count(*) from ops.flights where carrier = 'B6'"}"#;
    let counted = server.api(&token, "POST", "/api/v1/query", Some(sql)).await;
    assert_eq!(counted.json()["page"]["rows"], serde_json::json!([[600_000]]), "{}", counted.text);
}

fn files_below(folder: &std::path::Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.map(|e| e.unwrap().path()).map(|p| if p.is_dir() { files_below(&p) } else { 1 }).sum()
}

#[tokio::test]
async fn an_upload_is_its_senders_alone() {
    let server = Server::filled().await;
    let owner = server.token("owner-ops").await;
    let begun = begin(&server, &owner, "ops.flights", "a.csv", 100).await;
    let at = begun.header("location").to_owned();
    for person in ["analyst", "partner-ua", "steward"] {
        let token = server.token(person).await;
        for answer in [
            tus(&server, &token, "GET", &at, &[], Body::empty()).await,
            piece(&server, &token, &at, 0, Body::from("carrier\n")).await,
            tus(&server, &token, "DELETE", &at, &[], Body::empty()).await,
            tus(&server, &token, "GET", &format!("{UPLOADS}/no-such"), &[], Body::empty()).await,
        ] {
            assert_eq!((answer.status, &*answer.problem()), (StatusCode::NOT_FOUND, "not_found"), "{person}");
        }
    }
    assert_eq!(offset(&server, &owner, &at).await, "0");
    // Absent, hidden and merely readable datasets, as for a file that is sent at once.
    for (person, dataset, status) in [
        ("analyst", "ops.flights", StatusCode::FORBIDDEN),
        ("partner-ua", "hr.pay", StatusCode::NOT_FOUND),
        ("partner-ua", "no.such", StatusCode::NOT_FOUND),
        ("partner-ua", "nonsense", StatusCode::NOT_FOUND),
    ] {
        let token = server.token(person).await;
        assert_eq!(begin(&server, &token, dataset, "a.csv", 1).await.status, status, "{person} {dataset}");
    }
    let ended = tus(&server, &owner, "DELETE", &at, &[], Body::empty()).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT, "{}", ended.text);
    assert_eq!(tus(&server, &owner, "GET", &at, &[], Body::empty()).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn uploads_that_cannot_be_are_refused_at_their_begin() {
    let server = Server::filled().await;
    let token = server.token("owner-ops").await;
    let good =
        format!("dataset {},filename {}", BASE64_STANDARD.encode("ops.flights"), BASE64_STANDARD.encode("a.csv"));
    for (length, metadata, version, status) in [
        ("x", &*good, "1.0.0", StatusCode::BAD_REQUEST),
        ("-1", &good, "1.0.0", StatusCode::BAD_REQUEST),
        ("10", "", "1.0.0", StatusCode::BAD_REQUEST),
        ("10", "dataset !,filename YQ==", "1.0.0", StatusCode::BAD_REQUEST),
        ("10", "filename YQ==", "1.0.0", StatusCode::BAD_REQUEST),
        ("10", &good, "0.2.2", StatusCode::PRECONDITION_FAILED),
        ("99999999999999", &good, "1.0.0", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let request = Request::post(UPLOADS).header("authorization", format!("Bearer {token}"));
        let request = request.header("upload-length", length).header("upload-metadata", metadata);
        let answer = server.send(request.header("tus-resumable", version).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, status, "{length} {metadata} {version}: {}", answer.text);
        answer.problem();
    }
    let at = begin(&server, &token, "ops.flights", "a.csv", 10).await.header("location").to_owned();
    let no_piece = tus(&server, &token, "PATCH", &at, &[("upload-offset", "0")], Body::from("x")).await;
    assert_eq!(no_piece.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{}", no_piece.text);
    // One is open.
    for n in 1..20 {
        assert_eq!(begin(&server, &token, "ops.flights", "a.csv", 10).await.status, StatusCode::CREATED, "{n}");
    }
    let one_more = begin(&server, &token, "ops.flights", "a.csv", 10).await;
    assert_eq!(one_more.problem(), "limit_exceeded", "{}", one_more.text);
    assert!(one_more.text.contains("unfinished uploads"), "{}", one_more.text);
}
