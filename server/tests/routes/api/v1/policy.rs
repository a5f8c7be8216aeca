//! `/api/v1/policy` and its versions: read, reviewed, published against what it replaces, by stewards alone.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    lake_of_two_units::POLICY,
    server::{Answer, Browser, ORIGIN, Server},
};

/// Partners see no flight of theirs any more, and everyone the airlines.
const OTHER: &str = "stewards = [\"group:stewards\"]\n[[grant]]\nto = [\"*\"]\non = [\"ref.airlines\"]\n";

async fn put(server: &Server, browser: &mut Browser, tag: Option<&str>, body: &Value) -> Answer {
    let request = browser.request("PUT", "/api/v1/policy").header("sec-fetch-site", "same-origin");
    let mut request = request.header("origin", ORIGIN).header("content-type", "application/json");
    if let Some(tag) = tag {
        request = request.header("if-match", tag);
    }
    browser.send(server, request.body(body.to_string().into()).unwrap()).await
}

#[tokio::test]
async fn a_policy_is_read_reviewed_published_and_published_again() {
    let server = Server::filled().await;
    let mut partner = server.signed_in("partner-ua").await;
    let mut steward = server.signed_in("steward").await;
    let now = steward.get(&server, "/api/v1/policy").await;
    assert_eq!((now.status, now.json()["text"].as_str()), (StatusCode::OK, Some(POLICY)));
    assert_eq!((&now.json()["version"], &now.json()["newest"]), (&Value::Null, &Value::Null));
    let tag = now.header("etag").to_owned();
    assert_eq!(tag, format!("\"{}\"", now.json()["sha256"].as_str().unwrap()));

    let review = steward.json(&server, "POST", "/api/v1/policy/review", &json!({ "text": OTHER }).to_string()).await;
    assert_eq!(review.status, StatusCode::OK, "{}", review.text);
    let changes = review.json()["effect"]["changes"].clone();
    let of = |who: &str| {
        let found = changes.as_array().unwrap().iter();
        found
            .filter(|c| c["who"].as_str().unwrap().starts_with(who))
            .map(|c| (c["dataset"].clone(), c["turn"].clone(), c["rows"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of("partner-ua"),
        [(json!("ops.flights"), json!("loses"), json!({ "before": 2, "after": 0, "total": 4 }))]
    );
    assert!(
        of("anyone who is signed in").iter().any(|c| (&c.0, &c.1) == (&json!("ref.airlines"), &json!("gains"))),
        "{changes}"
    );

    let publish = json!({ "text": OTHER, "note": "less" });
    assert_eq!(put(&server, &mut steward, None, &publish).await.status, StatusCode::PRECONDITION_REQUIRED);
    let stale = put(&server, &mut steward, Some("\"0\""), &publish).await;
    assert_eq!((stale.status, stale.problem().as_str()), (StatusCode::PRECONDITION_FAILED, "precondition_failed"));
    let unread = put(&server, &mut steward, Some(&tag), &json!({ "text": "stewards = 1" })).await;
    assert_eq!(unread.status, StatusCode::BAD_REQUEST);
    assert!(unread.text.contains("policy.toml:1:12"), "{}", unread.text);
    let made = put(&server, &mut steward, Some(&tag), &publish).await;
    assert_eq!((made.status, &made.json()["version"]), (StatusCode::OK, &json!(2)), "{}", made.text);
    assert_eq!(std::fs::read_to_string(server.folder().join("policy.toml")).unwrap(), OTHER);
    let gone = partner.json(&server, "POST", "/api/v1/query", r#"{"sql":"select * from ops.flights"}"#).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);

    let list = steward.get(&server, "/api/v1/policy/versions").await.json();
    let told: Vec<(&Value, &Value)> =
        list["items"].as_array().unwrap().iter().map(|v| (&v["version"], &v["note"])).collect();
    assert_eq!(told, [(&json!(2), &json!("less")), (&json!(1), &json!(""))]);
    let first = steward.get(&server, "/api/v1/policy/versions/1").await.json();
    assert_eq!((first["text"].as_str(), &first["by"]), (Some(POLICY), &Value::Null));
    for absent in ["0", "3", "x", "-1"] {
        let answer = steward.get(&server, &format!("/api/v1/policy/versions/{absent}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{absent}");
    }
    let tag = steward.get(&server, "/api/v1/policy").await.header("etag").to_owned();
    let back = put(&server, &mut steward, Some(&tag), &json!({ "text": POLICY, "restores": 1 })).await;
    assert_eq!((&back.json()["version"], &back.json()["restores"]), (&json!(3), &json!(1)), "{}", back.text);
    let seen = partner.json(&server, "POST", "/api/v1/query", r#"{"sql":"select * from ops.flights"}"#).await;
    assert_eq!(seen.json()["rows_total"], 2, "{}", seen.text);
}

#[tokio::test]
async fn a_text_may_have_256_kib_however_it_is_written_in_json() {
    let server = Server::filled().await;
    let mut steward = server.signed_in("steward").await;
    let mut review = async |text: String| {
        steward.json(&server, "POST", "/api/v1/policy/review", &json!({ "text": text }).to_string()).await.status
    };
    let padded = |bytes: usize| format!("{POLICY}#{}", "\"".repeat(bytes - POLICY.len() - 1));
    assert_eq!(review(padded(256 << 10)).await, StatusCode::OK);
    assert_eq!(review(padded((256 << 10) + 1)).await, StatusCode::BAD_REQUEST);
    assert_eq!(review("#".repeat(2 << 20)).await, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_08_the_policys_routes_and_pages_are_for_stewards_alone() {
    let server = Server::filled().await;
    let tag = server.signed_in("steward").await.get(&server, "/api/v1/policy").await.header("etag").to_owned();
    for name in ["analyst", "owner-ops", "partner-ua", "partner-dl"] {
        let mut browser = server.signed_in(name).await;
        let mut said = std::collections::BTreeSet::new();
        for path in ["/api/v1/policy", "/api/v1/policy/versions", "/api/v1/policy/versions/1"] {
            let answer = browser.get(&server, path).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name} {path}");
            said.insert(answer.json()["detail"].to_string());
        }
        for text in [OTHER, "stewards = 1"] {
            let body = json!({ "text": text }).to_string();
            let answer = browser.json(&server, "POST", "/api/v1/policy/review", &body).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}");
            said.insert(answer.json()["detail"].to_string());
            for tag in ["\"0\"", tag.as_str()] {
                let answer = put(&server, &mut browser, Some(tag), &json!({ "text": text })).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}");
                said.insert(answer.json()["detail"].to_string());
            }
        }
        assert_eq!(said.len(), 1, "{name}: one answer whatever there is: {said:?}");
        for path in ["/policy/edit", "/policy/edit?version=1", "/policy/history", "/policy/history?version=1"] {
            let page = browser.get(&server, path).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{name} {path}");
            assert!(!page.text.contains("group:owners-ops"), "{name} {path}");
        }
        for does in ["review", "publish", "add", "end"] {
            let form = form(&[("do", does), ("text", OTHER), ("base", tag.trim_matches('"'))]);
            let page = browser.post(&server, "/policy/edit", &form).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{name} {does}");
        }
    }
    // No token is a steward's.
    let token = server.token("steward").await;
    assert_eq!(server.api(&token, "GET", "/api/v1/policy", None).await.status, StatusCode::FORBIDDEN);
    assert_eq!(std::fs::read_to_string(server.folder().join("policy.toml")).unwrap(), POLICY);
}

fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

#[tokio::test]
async fn the_pages_edit_review_and_publish_and_say_who_was_faster() {
    let server = Server::filled().await;
    server.signed_in("partner-ua").await;
    let mut steward = server.signed_in("steward").await;
    let base = steward.get(&server, "/api/v1/policy").await.json()["sha256"].as_str().unwrap().to_owned();
    let page = steward.get(&server, "/policy/edit").await;
    assert!(page.text.contains("rows = \"carrier = claim('carrier')\"") && page.text.contains(&base), "{}", page.text);

    // Browsers send each end of a line as two characters.
    let text = POLICY.replace('\n', "\r\n");
    let fields = [("do", "add"), ("text", &text), ("base", &base), ("to", "group:partners"), ("on", "hr.pay")];
    let added = steward.post(&server, "/policy/edit", &form(&fields)).await;
    assert!(added.text.contains("A grant was added to the text, on line 19"), "{}", added.text);
    let fields = [("do", "add"), ("text", &text), ("base", &base), ("to", "partners</textarea>"), ("on", "hr.pay")];
    let wrong = steward.post(&server, "/policy/edit", &form(&fields)).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!wrong.text.contains("partners</textarea>"), "shown as text: {}", wrong.text);

    let fields = [("do", "review"), ("text", OTHER), ("base", base.as_str())];
    let review = steward.post(&server, "/policy/edit", &form(&fields)).await;
    assert_eq!(review.status, StatusCode::OK);
    for shown in ["Who gains and who loses", "partner-ua", "2 → 0", "loses", "Publish this policy"] {
        assert!(review.text.replace("<!>", "").contains(shown), "{shown}: {}", review.text);
    }
    let fields = [("do", "publish"), ("text", OTHER), ("base", base.as_str()), ("note", "less")];
    let published = steward.post(&server, "/policy/edit", &form(&fields)).await;
    assert_eq!(
        (published.status, published.header("location")),
        (StatusCode::SEE_OTHER, "/policy/history?published=2")
    );
    let history = steward.get(&server, "/policy/history?published=2").await.text;
    assert!(history.contains("is the policy now") && history.contains("found in policy.toml"), "{history}");

    // Whoever began before is told what was changed, and publishes nothing.
    let late = form(&[("do", "publish"), ("text", POLICY), ("base", base.as_str())]);
    let told = steward.post(&server, "/policy/edit", &late).await;
    assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        told.text.contains("published version 2 since you began") && told.text.contains("What changed since you began")
    );
    assert_eq!(std::fs::read_to_string(server.folder().join("policy.toml")).unwrap(), OTHER);
    let late = form(&[("do", "review"), ("text", POLICY), ("base", base.as_str())]);
    assert!(steward.post(&server, "/policy/edit", &late).await.text.contains("published version 2 since you began"));
    std::fs::write(server.folder().join("policy.toml"), format!("{OTHER}# by hand\n")).unwrap();
    let page = steward.get(&server, "/policy/edit").await.text.replace("<!>", "");
    assert!(page.contains("and not here") && page.contains("What was changed"), "{page}");
    let back = steward.get(&server, "/policy/edit?version=1").await.text;
    assert!(back.contains("This is the text of version 1") && back.contains("group:owners-ops"));
}
