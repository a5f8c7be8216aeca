//! View as: a steward's session is answered as somebody else's, is marked, changes nothing and ends.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    api::v1::access::{body, filled, routes},
    server::{Answer, Browser, Server},
};

const SAID: &str = "nothing can be changed meanwhile";

/// A partner as the demo describes one.
fn partner(server_me: &Value) -> Value {
    let kept = ["issuer", "subject", "name", "email", "groups", "claims"];
    server_me
        .as_object()
        .unwrap()
        .iter()
        .filter(|(k, _)| kept.contains(&k.as_str()))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

async fn view(server: &Server, browser: &mut Browser, who: &Value) -> Answer {
    browser.json(server, "POST", "/api/v1/policy/view-as", &json!({ "who": who }).to_string()).await
}

/// A steward who views as `partner-ua`, and that partner's own browser.
async fn viewing(server: &Server) -> (Browser, Browser) {
    let mut partner_ua = server.signed_in("partner-ua").await;
    let mut steward = server.signed_in("steward").await;
    let who = partner(&partner_ua.get(server, "/api/v1/me").await.json());
    let begun = view(server, &mut steward, &who).await;
    assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
    (steward, partner_ua)
}

async fn query(server: &Server, browser: &mut Browser, sql: &str) -> Answer {
    let asked = json!({ "sql": sql, "wait_ms": 30_000 }).to_string();
    browser.json(server, "POST", "/api/v1/query", &asked).await
}

/// Without what differs from one request to the next.
fn plain(answer: &Answer) -> Value {
    fn strip(value: &mut Value) {
        if let Some(fields) = value.as_object_mut() {
            fields.retain(|name, _| !["request_id", "elapsed_ms", "cache"].contains(&name.as_str()));
            fields.values_mut().for_each(strip);
        }
    }
    let mut body: Value = serde_json::from_str(&answer.text).unwrap_or_else(|_| json!(answer.text));
    strip(&mut body);
    body
}

/// What a page says between its bar and its end, without how long its answer took.
fn main_of(answer: &Answer) -> String {
    let main = answer.text.split("<main").nth(1).unwrap_or_else(|| panic!("{}", answer.text));
    let main = main.split("</main>").next().unwrap();
    let untimed = main.split(" ms<").map(|part| part.trim_end_matches(|c: char| c.is_ascii_digit()));
    untimed.collect::<Vec<_>>().join(" ms<")
}

#[tokio::test]
async fn a_13_a_view_is_answered_as_the_person_on_every_route() {
    let server = Server::filled().await;
    let mut before = server.signed_in("steward").await;
    let (mut steward, mut partner) = viewing(&server).await;
    let mut compared = 0;
    for (method, path) in routes().into_iter().filter(|(method, _)| method == "GET") {
        // Who asks, and what is somebody's own.
        if ["/api/v1/me", "/api/v1/tokens"].contains(&path.as_str()) {
            continue;
        }
        for (unit, name) in [("ops", "flights"), ("hr", "pay"), ("ref", "airlines"), ("ops", "nothing")] {
            let at = filled(&path, unit, name);
            let (theirs, seen) = (partner.get(&server, &at).await, steward.get(&server, &at).await);
            assert_eq!((seen.status, plain(&seen)), (theirs.status, plain(&theirs)), "{method} {at}");
            assert!(!seen.text.contains("canary"), "{at}");
            compared += 1;
        }
    }
    assert!(compared > 40, "{compared}");
    for sql in ["select * from ops.flights", "select count(*) from ops.flights", "select * from hr.pay", "select 1/0"] {
        let (theirs, seen) = (query(&server, &mut partner, sql).await, query(&server, &mut steward, sql).await);
        // The same id: one answer, shared as between people who see the same.
        assert_eq!((seen.status, plain(&seen)), (theirs.status, plain(&theirs)), "{sql}");
    }
    let all = query(&server, &mut before, "select count(*) from ops.flights").await.json();
    assert_eq!(all["page"]["rows"], json!([[4]]), "control: in another session the steward sees all rows");

    let id =
        query(&server, &mut steward, "select flight from ops.flights").await.json()["id"].as_str().unwrap().to_owned();
    for rest in ["", "/download?format=csv"] {
        let at = format!("/api/v1/results/{id}{rest}");
        let (theirs, seen) = (partner.get(&server, &at).await, steward.get(&server, &at).await);
        assert_eq!((seen.status, &seen.text), (StatusCode::OK, &theirs.text), "{at}");
    }
    for at in [
        "/datasets",
        "/datasets/ops/flights",
        "/datasets/ops/flights?tab=access",
        "/datasets/hr/pay",
        "/policy",
        "/arrivals",
    ] {
        let (theirs, seen) = (partner.get(&server, at).await, steward.get(&server, at).await);
        assert_eq!(seen.status, theirs.status, "{at}");
        assert_eq!(main_of(&seen), main_of(&theirs), "{at}");
        assert!(seen.text.contains("class=\"view-banner\"") && seen.text.contains("partner-ua"), "{at}");
        assert!(!theirs.text.contains("view-banner\""), "{at}");
    }
    let me = steward.get(&server, "/api/v1/me").await.json();
    assert_eq!(
        (&me["name"], &me["viewed_by"], &me["steward"]),
        (&json!("partner-ua"), &json!("steward"), &json!(false))
    );
}

#[tokio::test]
async fn a_13_nobody_but_a_steward_in_a_session_views_as_others() {
    let server = Server::filled().await;
    let who = json!({ "issuer": "x", "subject": "x", "name": "x", "groups": ["staff", "stewards"] });
    for name in ["analyst", "owner-ops", "partner-ua"] {
        let mut browser = server.signed_in(name).await;
        assert_eq!(view(&server, &mut browser, &who).await.status, StatusCode::FORBIDDEN, "{name}");
        let form = browser.post(&server, "/view-as", "user=x&groups=staff,stewards").await;
        assert_eq!(form.status, StatusCode::FORBIDDEN, "{name}: {}", form.text);
        let me = browser.get(&server, "/api/v1/me").await.json();
        assert_eq!((me["name"].as_str(), &me["steward"]), (Some(name), &json!(false)));
        assert_eq!(me.get("viewed_by"), None);
    }
    let token = server.token("steward").await;
    let asked = json!({ "who": who }).to_string();
    let answer = server.api(&token, "POST", "/api/v1/policy/view-as", Some(&asked)).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text);
    assert!(answer.text.contains("a token acts as its owner alone"), "{}", answer.text);

    // A token beside a session that views is still its owner's.
    let (steward, _) = viewing(&server).await;
    let request = steward.request("GET", "/api/v1/me").header("authorization", format!("Bearer {token}"));
    let me = server.send(request.body(axum::body::Body::empty()).unwrap()).await.json();
    assert_eq!((&me["name"], me.get("viewed_by")), (&json!("steward"), None));
    for wrong in [
        json!({ "issuer": "x", "subject": "", "name": "x", "groups": [] }),
        json!({ "issuer": "x", "subject": "x", "name": "x".repeat(201), "groups": [] }),
    ] {
        let mut steward = server.signed_in("steward").await;
        assert_eq!(view(&server, &mut steward, &wrong).await.status, StatusCode::BAD_REQUEST);
    }
}

/// Every form of the pages, as the source mounts it.
fn forms() -> Vec<String> {
    let mut all = Vec::new();
    for source in [include_str!("../../src/router.rs"), include_str!("../../src/site/send.rs")] {
        for rest in source.split(".route(\"").skip(1) {
            let (path, handler) = rest.split_once("\", ").unwrap();
            if handler.starts_with("post(") {
                all.push(path.to_owned());
            }
        }
    }
    assert!(all.len() >= 10, "{all:?}");
    all
}

#[tokio::test]
async fn a_13_nothing_can_be_changed_in_a_view() {
    const MAY: [&str; 7] = [
        "POST /api/v1/query",
        "POST /api/v1/policy/explain",
        "DELETE /api/v1/queries/{id}",
        "DELETE /api/v1/policy/view-as",
        "POST /queries/{id}/cancel",
        "POST /view-as/stop",
        "POST /auth/sign-out",
    ];
    let server = Server::filled().await;
    let (mut steward, _) = viewing(&server).await;
    // Somebody who could do it all.
    let owner =
        json!({ "issuer": "x", "subject": "owner-ops", "name": "owner-ops", "groups": ["owners-ops", "stewards"] });
    steward.json(&server, "DELETE", "/api/v1/policy/view-as", "").await;
    assert_eq!(view(&server, &mut steward, &owner).await.status, StatusCode::OK);
    let (mut allowed, mut refused) = (Vec::new(), 0);
    let api = routes().into_iter().filter(|(method, _)| method != "GET");
    for (method, path) in api.chain(forms().into_iter().map(|path| ("POST".to_owned(), path))) {
        let route = format!("{method} {path}");
        if MAY.contains(&route.as_str()) {
            allowed.push(route);
            continue;
        }
        let at = format!("{}?name=b.csv", filled(&path, "ops", "flights"));
        let sent = body(&method, &path, "ops", "flights").unwrap_or_default();
        let answer = steward.json(&server, &method, &at, &sent).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{route}: {}", answer.text);
        assert!(answer.text.contains(SAID), "{route}: {}", answer.text);
        refused += 1;
    }
    allowed.sort_unstable();
    let mut all = MAY.map(str::to_owned);
    all.sort_unstable();
    assert_eq!(allowed, all, "each that may be sent is one there is");
    assert!(refused >= 15, "{refused}");
    for path in ["/auth/login", "/auth/callback?code=x&state=y", "/api/v1/tokens"] {
        let answer = steward.get(&server, path).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert!(answer.text.contains(SAID), "{path}: {}", answer.text);
    }
    let twice = view(&server, &mut steward, &owner).await;
    assert!(twice.status == StatusCode::FORBIDDEN && twice.text.contains(SAID), "{}", twice.text);
    // Nothing came of it, and the same is possible afterwards.
    assert_eq!(server.lake.ingest_landing().await.unwrap().len(), 0);
    assert_eq!(steward.post(&server, "/view-as/stop", "").await.status, StatusCode::SEE_OTHER);
    let made = steward.post(&server, "/account/tokens", "name=laptop&days=7&actions=read").await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "control: {}", made.text);
}

/// Changes the session's document behind the server's back.
async fn change_session(server: &Server, browser: &Browser, change: impl FnOnce(&mut Value)) {
    use sha2::Digest as _;
    let id: String = sha2::Sha256::digest(&browser.cookies["penstock"]).iter().map(|b| format!("{b:02x}")).collect();
    let documents = server.lake.documents();
    let mut found = documents.get::<Value>("session", &id).await.unwrap().unwrap();
    change(&mut found.value);
    documents.update("session", &id, found.version, &found.value).await.unwrap();
}

#[tokio::test]
async fn a_13_a_view_ends_with_its_time_its_right_its_session_and_by_hand() {
    let settings = [("PENSTOCK_SESSION_CACHE_SECONDS", "0"), ("PENSTOCK_FRESHNESS_MS", "0")];
    let server = Server::with(&settings).await;
    assert_eq!(server.lake.ingest_landing().await.unwrap().len(), 3);
    async fn name(server: &Server, browser: &mut Browser) -> String {
        browser.get(server, "/api/v1/me").await.json()["name"].as_str().unwrap_or("nobody").to_owned()
    }
    // By hand.
    let (mut steward, _) = viewing(&server).await;
    assert_eq!(name(&server, &mut steward).await, "partner-ua");
    assert_eq!(steward.json(&server, "DELETE", "/api/v1/policy/view-as", "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(name(&server, &mut steward).await, "steward");
    assert!(!steward.get(&server, "/").await.text.contains("class=\"view-banner\""));
    // With its time, and not before.
    let (mut steward, _) = viewing(&server).await;
    let until = |left: i64| {
        move |session: &mut Value| {
            session["viewed"]["until"] = json!(chrono::Utc::now() + chrono::TimeDelta::seconds(left));
        }
    };
    change_session(&server, &steward, |session| {
        let until: chrono::DateTime<chrono::Utc> = session["viewed"]["until"].as_str().unwrap().parse().unwrap();
        let left = (until - chrono::Utc::now()).num_seconds();
        assert!((29 * 60..=30 * 60).contains(&left), "{left}");
    })
    .await;
    change_session(&server, &steward, until(60)).await;
    assert_eq!(name(&server, &mut steward).await, "partner-ua");
    change_session(&server, &steward, until(-1)).await;
    assert_eq!(name(&server, &mut steward).await, "steward");
    // With its session.
    let (mut steward, _) = viewing(&server).await;
    let cookies = steward.cookies.clone();
    assert_eq!(steward.post(&server, "/auth/sign-out", "").await.status, StatusCode::SEE_OTHER);
    assert_eq!(name(&server, &mut Browser { cookies }).await, "nobody");
    // With its right, and it does not come back with that.
    let (mut steward, _) = viewing(&server).await;
    let policy = server.folder().join("policy.toml");
    let written = std::fs::read_to_string(&policy).unwrap();
    std::fs::write(&policy, written.replace("group:stewards", "group:others")).unwrap();
    assert_eq!(name(&server, &mut steward).await, "steward");
    std::fs::write(&policy, &written).unwrap();
    assert_eq!(name(&server, &mut steward).await, "steward");
}

#[tokio::test]
async fn a_13_what_is_done_in_a_view_is_audited_as_the_stewards_and_is_in_nothing_of_the_persons_own() {
    let server = Server::filled().await;
    let (mut steward, mut partner) = viewing(&server).await;
    let mine = "select 'mine' as w, flight from ops.flights";
    assert_eq!(query(&server, &mut partner, mine).await.status, StatusCode::OK);
    let asked = "select 'seen' as w, flight from ops.flights";
    assert_eq!(query(&server, &mut steward, asked).await.status, StatusCode::OK);
    assert_eq!(query(&server, &mut steward, "select * from hr.pay").await.status, StatusCode::NOT_FOUND);
    steward.post(&server, "/send", "").await;
    server.lake.flush_audit(std::time::Duration::from_secs(20)).await.unwrap();
    // In the view neither the partner's rows nor the steward's are seen.
    let none = query(&server, &mut steward, "select count(*) from system.audit").await;
    assert_eq!(none.json()["page"]["rows"], json!([[0]]), "{}", none.text);
    for at in ["/", "/sql", "/audit", "/account"] {
        let page = steward.get(&server, at).await;
        assert_eq!(page.status, StatusCode::OK, "{at}");
        assert!(!page.text.contains("&#x27;mine&#x27;") && !page.text.contains("'mine'"), "{at}: {}", page.text);
        assert!(page.text.contains("not shown in a view"), "{at}: {}", page.text);
    }
    steward.post(&server, "/view-as/stop", "").await;
    server.lake.flush_audit(std::time::Duration::from_secs(20)).await.unwrap();

    let own = query(&server, &mut partner, "select action, via, text from system.audit order by event").await;
    assert!(
        own.text.contains("'mine'") && !own.text.contains("seen") && !own.text.contains(" as partner"),
        "{}",
        own.text
    );
    assert!(!partner.get(&server, "/").await.text.contains("seen"), "the partner's home");
    assert!(!steward.get(&server, "/").await.text.contains("seen"), "the steward's home");

    let sql = "select action, outcome, name, via, text, reason from system.audit where via like '% as partner-ua%' order by event";
    let found = query(&server, &mut steward, sql).await.json();
    let rows: Vec<Vec<String>> = found["page"]["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row.as_array().unwrap().iter().map(|c| c.as_str().unwrap_or_default().to_owned()).collect())
        .collect();
    let told: Vec<(&str, &str)> = rows.iter().map(|r| (r[0].as_str(), r[1].as_str())).collect();
    let expected = [("query", "ok"), ("query", "denied"), ("request", "denied"), ("query", "ok"), ("view-as", "ok")];
    assert_eq!(told, expected, "{rows:?}");
    assert!(rows.iter().all(|r| r[2] == "steward" && r[3].starts_with("session ")), "{rows:?}");
    assert!(rows[1][5].contains("hidden"), "{rows:?}");
    let began = query(
        &server,
        &mut steward,
        "select via, text from system.audit where action = 'view-as' order by event limit 1",
    )
    .await;
    assert!(began.text.contains("begins: partner-ua until") && began.text.contains("carrier = UA"), "{}", began.text);
    let page = steward.get(&server, "/audit?person=partner-ua&action=query&text=seen").await;
    assert_eq!(page.text.matches("class=\"audit__action\"").count(), 1, "{}", page.text);
}

#[tokio::test]
async fn a_steward_views_as_somebody_from_the_policys_page_and_stops() {
    let server = Server::filled().await;
    server.signed_in("partner-dl").await;
    let mut steward = server.signed_in("steward").await;
    let page = steward.get(&server, "/policy").await.text;
    assert!(!page.contains("action=\"/view-as\""), "nobody is chosen");
    let known = page.split("<option value=\"").find(|o| o.contains(">partner-dl")).unwrap();
    let id = known.split('"').next().unwrap();
    let page = steward.get(&server, &format!("/policy?who={id}")).await.text;
    assert!(page.contains("action=\"/view-as\"") && page.contains(&format!("value=\"{id}\"")), "{page}");
    let begun = steward.post(&server, "/view-as", &format!("who={id}")).await;
    assert_eq!((begun.status, begun.header("location")), (StatusCode::SEE_OTHER, "/"), "{}", begun.text);
    let rows = steward.get(&server, "/api/v1/datasets/ops/flights/rows").await;
    assert!(rows.text.contains("DL") && !rows.text.contains("UA"), "{}", rows.text);
    assert_eq!(steward.get(&server, "/sign-in?switch=1").await.status, StatusCode::SEE_OTHER);
    let stopped = steward.post(&server, "/view-as/stop", "").await;
    assert_eq!((stopped.status, stopped.header("location")), (StatusCode::SEE_OTHER, "/policy"));
    // Somebody who is described.
    let begun = steward.post(&server, "/view-as", "user=ana&groups=partners&claims=carrier%3DAA").await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.text);
    let count = query(&server, &mut steward, "select count(*) from ops.flights").await.json();
    assert_eq!(count["page"]["rows"], json!([[1]]));
    steward.post(&server, "/view-as/stop", "").await;
    let nobody = steward.post(&server, "/view-as", "who=nothing").await;
    assert_eq!(nobody.status, StatusCode::BAD_REQUEST, "{}", nobody.text);
}
