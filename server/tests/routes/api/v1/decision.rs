//! `/api/v1/ingests/{id}/decision`

use std::fs;

use http::StatusCode;
use serde_json::Value;

use crate::server::{Browser, Server};

const WIDER: &str = "carrier,flight,tailnum,distance,Gate\nB6,5,N5,500,A1\n";
const LATER: &str = "carrier,flight,tailnum,distance\nB6,6,N6,600\n";

const LAND: &str = r#"{"verdict":"land"}"#;

/// A file that waits and one behind it, both for `ops.flights`; their ids.
async fn two_that_wait(server: &Server) -> [String; 2] {
    fs::create_dir_all(server.folder().join("contracts/ops")).unwrap();
    fs::write(server.folder().join("contracts/ops/flights.toml"), "growth = false\n").unwrap();
    // Contracts are kept for some seconds: this one is there before the first file.
    server.lake.ingest_landing().await.unwrap();
    let landing = server.folder().join("landing/ops/flights");
    fs::write(landing.join("wider.csv"), WIDER).unwrap();
    fs::write(landing.join("x-later.csv"), LATER).unwrap();
    let reports = server.lake.ingest_landing().await.unwrap();
    let ids: Vec<String> = reports.into_iter().map(|r| r.id).collect();
    ids.try_into().unwrap()
}

async fn state(server: &Server, token: &str, id: &str) -> Value {
    server.api(token, "GET", &format!("/api/v1/ingests/{id}"), None).await.json()
}

async fn ended(server: &Server, token: &str, id: &str) -> Value {
    for _ in 0..100 {
        let report = state(server, token, id).await;
        if report["state"] != "waiting" && report["state"] != "working" {
            return report;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{id} never ended");
}

#[tokio::test]
async fn an_owner_sees_the_difference_and_lands_the_file_and_the_next_goes_on() {
    let server = Server::empty().await;
    let owner = server.token("owner-ops").await;
    let [wider, later] = two_that_wait(&server).await;
    let report = state(&server, &owner, &wider).await;
    assert_eq!(report["state"], "waiting", "{report}");
    assert_eq!(report["difference"]["columns"][4]["change"], "new", "{report}");
    assert_eq!(state(&server, &owner, &later).await["ahead"]["file"], "wider.csv");
    let path = format!("/api/v1/ingests/{wider}/decision");
    let no_column = r#"{"verdict":"land","columns":{"Gate":"nothing"}}"#;
    for wrong in ["", "{}", r#"{"verdict":"perhaps"}"#, r#"{"verdict":"land","now":true}"#, no_column] {
        let answer = server.api(&owner, "POST", &path, Some(wrong)).await;
        assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::BAD_REQUEST, "invalid_request"), "{wrong}");
    }
    let early = server.api(&owner, "POST", &format!("/api/v1/ingests/{later}/decision"), Some(LAND)).await;
    assert_eq!(early.status, StatusCode::BAD_REQUEST, "{}", early.text);
    let answer = server.api(&owner, "POST", &path, Some(LAND)).await;
    assert_eq!((answer.status, &answer.json()["state"]), (StatusCode::OK, &Value::from("landed")), "{}", answer.text);
    assert_eq!(ended(&server, &owner, &later).await["state"], "landed");
}

#[tokio::test]
async fn who_does_not_own_the_dataset_neither_sees_nor_decides() {
    let server = Server::empty().await;
    let [wider, _] = two_that_wait(&server).await;
    let path = format!("/api/v1/ingests/{wider}/decision");
    for name in ["analyst", "partner-ua"] {
        let token = server.token(name).await;
        let answer = server.api(&token, "POST", &path, Some(LAND)).await;
        assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::NOT_FOUND, "not_found"), "{name}");
        let page = server.signed_in(name).await.get(&server, &format!("/arrivals/{wider}")).await;
        assert!(page.status == StatusCode::NOT_FOUND && !page.text.contains("Gate"), "{name}");
    }
    assert_eq!(server.api("", "POST", &path, None).await.status, StatusCode::UNAUTHORIZED);
    let mut steward: Browser = server.signed_in("steward").await;
    let seen = steward.get(&server, &format!("/api/v1/ingests/{wider}")).await.json();
    assert_eq!((&seen["state"], &seen["difference"]["would_land"]), (&"waiting".into(), &1.into()), "{seen}");
    let refused = steward.json(&server, "POST", &path, r#"{"verdict":"refuse"}"#).await;
    assert_eq!(refused.json()["refused_because"], "declined", "{}", refused.text);
}

#[tokio::test]
async fn the_page_shows_both_schemas_and_its_form_refuses_with_a_note() {
    let server = Server::empty().await;
    let [wider, later] = two_that_wait(&server).await;
    let mut owner: Browser = server.signed_in("owner-ops").await;
    let page = owner.get(&server, &format!("/arrivals/{wider}")).await;
    for shown in
        ["waits for a decision", "How the file differs", "new column", "Land this file", "Refuse this file", "A1"]
    {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    let behind = owner.get(&server, &format!("/arrivals/{later}")).await;
    assert!(behind.text.contains("waits in line") && behind.text.contains("wider.csv"), "{}", behind.text);
    assert!(!behind.text.contains("Land this file"));
    let request = owner
        .request("POST", &format!("/api/v1/ingests/{wider}/decision"))
        .header("sec-fetch-site", "same-origin")
        .header("accept", "text/html,application/xhtml+xml")
        .header("content-type", "application/x-www-form-urlencoded");
    let answer = owner.send(&server, request.body("verdict=refuse&note=wrong+month".into()).unwrap()).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, &*format!("/arrivals/{wider}")));
    let page = owner.get(&server, &format!("/arrivals/{wider}")).await;
    assert!(page.text.contains("wrong month") && page.text.contains("not taken"), "{}", page.text);
    let token = server.token("owner-ops").await;
    assert_eq!(ended(&server, &token, &later).await["state"], "landed");
}
