//! `/api/v1/datasets/{unit}/{name}/versions` and `/rollback`, and the form of the page.

use http::StatusCode;
use serde_json::json;

use crate::server::{Browser, Server};

const VERSIONS: &str = "/api/v1/datasets/ops/flights/versions";
const ROLLBACK: &str = "/api/v1/datasets/ops/flights/rollback";

/// The small lake with a second version of `ops.flights`: five rows.
async fn two_versions() -> Server {
    let server = Server::filled().await;
    let b = server.folder().join("landing/ops/flights/b.csv");
    std::fs::write(b, "carrier,flight,tailnum,distance\nUA,5,N5,500\n").unwrap();
    assert_eq!(server.lake.ingest_landing().await.unwrap().len(), 1);
    server
}

#[tokio::test]
async fn the_history_goes_by_cursor_and_holds_what_each_person_may_know() {
    let server = two_versions().await;
    let owner = server.token("owner-ops").await;
    let first = server.api(&owner, "GET", &format!("{VERSIONS}?limit=1"), None).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text);
    let newest = &first.json()["items"][0];
    assert_eq!(
        (&newest["version"], &newest["file"], &newest["by"], &newest["rows_added"]),
        (&json!(1), &json!("b.csv"), &json!("command line"), &json!(1)),
        "{}",
        first.text
    );
    let cursor = first.json()["next_cursor"].as_str().unwrap().to_owned();
    let last = server.api(&owner, "GET", &format!("{VERSIONS}?limit=1&cursor={cursor}"), None).await.json();
    assert_eq!((&last["items"][0]["version"], last.get("next_cursor")), (&json!(0), None));
    let analyst = server.token("analyst").await;
    let seen = server.api(&analyst, "GET", VERSIONS, None).await.json();
    assert_eq!((&seen["items"][0]["file"], &seen["items"][0]["rows_added"]), (&json!(null), &json!(1)));
    let partner = server.token("partner-ua").await;
    let seen = server.api(&partner, "GET", VERSIONS, None).await;
    assert_eq!(seen.json()["items"][0]["rows_added"], json!(null));
    assert!(!seen.text.contains("b.csv") && !seen.text.contains("command line"), "{}", seen.text);
    let old = r#"{"sql":"select count(*) from ops.flights version as of 0"}"#;
    let answer = server.api(&partner, "POST", "/api/v1/query", Some(old)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

#[tokio::test]
async fn an_owner_rolls_back_and_others_do_not() {
    let server = two_versions().await;
    let to = Some(r#"{"to":0,"newest":1}"#);
    for (person, status) in
        [("analyst", StatusCode::FORBIDDEN), ("partner-ua", StatusCode::FORBIDDEN), ("steward", StatusCode::FORBIDDEN)]
    {
        // No token is a steward's.
        let token = server.token(person).await;
        let answer = server.api(&token, "POST", ROLLBACK, to).await;
        assert_eq!(answer.status, status, "{person}: {}", answer.text);
        answer.problem();
    }
    let owner = server.token("owner-ops").await;
    let hidden = server.api(&server.token("partner-ua").await, "POST", "/api/v1/datasets/hr/pay/rollback", to).await;
    assert_eq!(hidden.status, StatusCode::NOT_FOUND, "{}", hidden.text);
    for (body, part) in [
        (r#"{"to":9}"#, "versions 0 to 1"),
        (r#"{"to":1}"#, "is the newest"),
        (r#"{"to":-1}"#, ""),
        (r#"{}"#, ""),
        (r#"{"to":0,"x":1}"#, ""),
    ] {
        let answer = server.api(&owner, "POST", ROLLBACK, Some(body)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}: {}", answer.text);
        assert!(answer.text.contains(part), "{}", answer.text);
    }
    let stale = server.api(&owner, "POST", ROLLBACK, Some(r#"{"to":0,"newest":0}"#)).await;
    assert_eq!((stale.status, stale.problem().as_str()), (StatusCode::CONFLICT, "conflict"));
    let made = server.api(&owner, "POST", ROLLBACK, to).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!((&made.json()["version"], &made.json()["restores"]), (&json!(2), &json!(0)));
    let rows = server.api(&owner, "GET", "/api/v1/datasets/ops/flights/rows", None).await.json();
    assert_eq!(rows["rows_total"], 4, "{rows}");
}

#[tokio::test]
async fn the_page_lists_versions_and_its_form_rolls_back() {
    let server = two_versions().await;
    let page = "/datasets/ops/flights?tab=versions";
    let form = "/datasets/ops/flights/rollback";
    let mut analyst = server.signed_in("analyst").await;
    let seen = analyst.get(&server, page).await;
    assert!(seen.text.contains("version+as+of+0"), "{}", seen.text);
    assert!(!seen.text.contains(form) && !seen.text.contains("b.csv"), "{}", seen.text);
    assert_eq!(analyst.post(&server, form, "to=0").await.status, StatusCode::FORBIDDEN);
    let mut owner = server.signed_in("owner-ops").await;
    let seen = owner.get(&server, page).await;
    for part in [form, "b.csv", "command line", "Roll back to version 0"] {
        assert!(seen.text.contains(part), "{part}: {}", seen.text);
    }
    assert_eq!(owner.post(&server, form, "to=x").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(owner.post(&server, form, "to=0&newest=0").await.status, StatusCode::CONFLICT);
    let from_elsewhere = owner.request("POST", form).header("sec-fetch-site", "cross-site");
    let from_elsewhere = from_elsewhere.header("content-type", "application/x-www-form-urlencoded");
    let answer = server.send(from_elsewhere.body("to=0&newest=1".into()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let done = owner.post(&server, form, "to=0&newest=1").await;
    assert_eq!((done.status, done.header("location")), (StatusCode::SEE_OTHER, page), "{}", done.text);
    let seen = owner.get(&server, page).await;
    assert!(seen.text.contains("rollback to version 0") && seen.text.contains("taken back by version 2"));
    // A steward's session may too.
    let mut steward = server.signed_in("steward").await;
    let done = steward.post(&server, form, "to=1&newest=2").await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let nobody = Browser::default().post(&server, form, "to=0").await;
    assert!(nobody.header("location").starts_with("/sign-in"), "{}", nobody.text);
    let absent = owner.post(&server, "/datasets/ops/none/rollback", "to=0").await;
    assert_eq!(absent.status, StatusCode::NOT_FOUND);
}
