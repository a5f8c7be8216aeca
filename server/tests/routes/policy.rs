//! `/api/v1/policy/explain` and `/policy`: what others see, told to stewards alone.

use http::StatusCode;
use serde_json::{Value, json};

use crate::server::Server;

async fn explain(server: &Server, as_whom: &str, who: &Value, dataset: Option<&str>) -> crate::server::Answer {
    let body = json!({ "who": who, "dataset": dataset }).to_string();
    server.signed_in(as_whom).await.json(server, "POST", "/api/v1/policy/explain", &body).await
}

fn partner(claims: &Value) -> Value {
    json!({ "issuer": "described", "subject": "ana", "name": "ana", "groups": ["partners"], "claims": claims })
}

#[tokio::test]
async fn a_steward_is_told_what_a_partner_sees_and_because_of_which_grants() {
    let server = Server::filled().await;
    let who = partner(&json!({ "carrier": ["UA"] }));
    let told = explain(&server, "steward", &who, Some("ops.flights")).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.text);
    let flights = told.json()["datasets"][0].clone();
    assert_eq!(flights["rows"], json!({ "visible": 2, "total": 4 }));
    assert_eq!(flights["access"]["rows"], "carrier = 'UA'");
    let shows: Vec<&str> =
        flights["columns"].as_array().unwrap().iter().map(|c| c["shows"].as_str().unwrap()).collect();
    assert_eq!(shows, ["seen", "seen", "hashed", "seen"]);
    let because: Vec<Option<&str>> =
        flights["grants"].as_array().unwrap().iter().map(|g| g["because"].as_str()).collect();
    assert_eq!(because, [Some("it is for others"), Some("it is for others"), None]);

    let all = explain(&server, "steward", &who, None).await.json();
    let seen: Vec<(&str, bool)> = all["datasets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| (d["dataset"].as_str().unwrap(), d["access"].is_object()))
        .collect();
    assert_eq!(seen, [("hr.pay", false), ("ops.flights", true), ("ref.airlines", true)]);

    let without = explain(&server, "steward", &partner(&json!({})), Some("ops.flights")).await.json();
    assert_eq!(without["datasets"][0]["access"], Value::Null);
    assert_eq!(without["datasets"][0]["rows"], json!({ "visible": 0, "total": 4 }));
    assert_eq!(without["datasets"][0]["grants"][2]["because"], "no claim `carrier`");
    let absent = explain(&server, "steward", &who, Some("ops.nothing")).await;
    assert_eq!(absent.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_steward_is_shown_all_grants_on_a_dataset_each_with_its_line() {
    let server = Server::filled().await;
    let mut steward = server.signed_in("steward").await;
    let page = steward.get(&server, "/policy?dataset=ops.flights").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("Who sees ops.flights") && page.text.contains("group:partners"), "{}", page.text);
    let line = page.text.split("/policy/edit?line=").nth(1).and_then(|rest| rest.split('#').next()).unwrap();
    let edit = steward.get(&server, &format!("/policy/edit?line={line}")).await.text;
    let chosen = edit.split(&format!("<option value=\"{line}\"")).nth(1).and_then(|rest| rest.split('>').next());
    assert!(chosen.is_some_and(|attributes| attributes.contains("selected")), "{edit}");
    assert!(
        steward.get(&server, "/datasets/ops/flights?tab=access").await.text.contains("/policy?dataset=ops.flights")
    );
    assert_eq!(steward.get(&server, "/policy?dataset=ops.nothing").await.status, StatusCode::NOT_FOUND);
    for name in ["analyst", "owner-ops"] {
        let mut other = server.signed_in(name).await;
        let page = other.get(&server, "/policy?dataset=ops.flights").await;
        assert!(page.status == StatusCode::NOT_FOUND && !page.text.contains("group:partners"), "{name}");
        let own = other.get(&server, "/datasets/ops/flights?tab=access").await.text;
        assert!(!own.contains("/policy?dataset"), "{name}");
    }
}

#[tokio::test]
async fn others_are_told_nothing() {
    let server = Server::filled().await;
    for name in ["analyst", "owner-ops", "partner-ua"] {
        let there = explain(&server, name, &partner(&json!({})), Some("hr.pay")).await;
        let absent = explain(&server, name, &partner(&json!({})), Some("hr.nay")).await;
        assert_eq!((there.status, absent.status), (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN), "{name}");
        assert_eq!(there.json()["detail"], absent.json()["detail"], "{name}");
        let page = server.signed_in(name).await.get(&server, "/policy?groups=partners&dataset=hr.pay").await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{name}");
        assert!(!page.text.contains("canary") && !page.text.contains("hr.pay\""), "{name}");
    }
}

#[tokio::test]
async fn the_page_shows_somebody_who_signed_in_and_somebody_who_is_described() {
    let server = Server::filled().await;
    server.signed_in("partner-dl").await;
    let mut steward = server.signed_in("steward").await;
    let page = steward.get(&server, "/policy").await.text;
    let known = page.split("<option value=\"").find(|o| o.contains(">partner-dl")).unwrap();
    let id = known.split('"').next().unwrap();
    let page = steward.get(&server, &format!("/policy?who={id}&dataset=ops.flights")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("What partner-dl sees") && page.text.contains("carrier = 'DL'"), "{}", page.text);
    let described = steward.get(&server, "/policy?groups=partners&claims=carrier%3DAA&dataset=ops.flights").await.text;
    assert!(described.contains("carrier = 'AA'") && described.contains("it is for others"));
    assert!(!described.contains("Not all of that was understood"));
    let slips = steward.get(&server, "/policy?groups=partnres&claims=carrier").await.text;
    assert!(slips.contains("“carrier” is no claim") && slips.contains("“partnres”"), "{slips}");
}
