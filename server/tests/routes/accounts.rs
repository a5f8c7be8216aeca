//! `/api/v1/accounts` and `/accounts`: service accounts, and the sessions and tokens of others.

use http::StatusCode;
use serde_json::{Value, json};

use crate::server::{Answer, Browser, Server};

/// Partners administered by themselves, the staff by one of theirs; and a grant to one service account.
const MORE: &str = r#"
[[partner]]
group = "partners"
name = "The Partners"
admins = ["user:partner-ua"]
[[partner]]
group = "staff"
name = "The Staff"
admins = ["user:analyst"]
[[grant]]
to = ["service:payroll"]
on = ["hr.pay"]
"#;

async fn server(more: &str) -> Server {
    let server = Server::with(&[("PENSTOCK_FRESHNESS_MS", "1")]).await;
    server.lake.ingest_landing().await.unwrap();
    let policy = format!("{}{more}", crate::lake_of_two_units::POLICY);
    std::fs::write(server.folder().join("policy.toml"), policy).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    server
}

async fn make(server: &Server, browser: &mut Browser, body: &Value) -> Answer {
    browser.json(server, "POST", "/api/v1/accounts", &body.to_string()).await
}

async fn token(server: &Server, browser: &mut Browser, id: &str) -> Answer {
    let body = r#"{"name":"t","days":1,"scope":{"actions":["read","upload","own"]}}"#;
    browser.json(server, "POST", &format!("/api/v1/accounts/{id}/tokens"), body).await
}

fn text(answer: &Answer, name: &str) -> String {
    answer.json()[name].as_str().unwrap_or_else(|| panic!("{name}: {}", answer.text)).to_owned()
}

async fn carriers(server: &Server, token: &str) -> Value {
    let sql = r#"{"sql":"select distinct carrier from ops.flights order by 1","wait_ms":30000}"#;
    let answer = server.api(token, "POST", "/api/v1/query", Some(sql)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()["page"]["rows"].clone()
}

/// The id of the account with this subject, as a steward finds it.
async fn id_of(server: &Server, subject: &str) -> String {
    let listed = server.signed_in("steward").await.get(server, "/api/v1/accounts").await.json();
    let found = listed["items"].as_array().unwrap().iter().find(|a| a["who"]["subject"] == subject).cloned();
    found.unwrap_or_else(|| panic!("{subject}: {listed}"))["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_partners_administrator_makes_what_acts_as_the_partner() {
    let server = server(MORE).await;
    let mut admin = server.signed_in("partner-ua").await;
    let made = make(&server, &mut admin, &json!({"name": "loader", "claims": {"carrier": ["UA"]}})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let account = made.json();
    assert_eq!(account["who"]["subject"], "service:partners/loader");
    assert_eq!(account["who"]["groups"], json!(["partners"]));
    assert_eq!(account["service"]["owners"], json!(["partner-ua"]));
    let id = text(&made, "id");
    let secret = text(&token(&server, &mut admin, &id).await, "secret");
    assert_eq!(carriers(&server, &secret).await, json!([["UA"]]));
    let me = server.api(&secret, "GET", "/api/v1/me", None).await.json();
    assert_eq!((me["subject"].as_str(), me["steward"].as_bool()), (Some("service:partners/loader"), Some(false)));

    // It stays when the person leaves.
    admin.post(&server, "/auth/sign-out", "").await;
    assert_eq!(carriers(&server, &secret).await, json!([["UA"]]));
    let mut admin = server.signed_in("partner-ua").await;
    let at = format!("/api/v1/accounts/{id}");
    for (disabled, status) in [(true, StatusCode::UNAUTHORIZED), (false, StatusCode::OK)] {
        let changed = admin.json(&server, "PATCH", &at, &json!({ "disabled": disabled }).to_string()).await;
        assert_eq!(changed.status, StatusCode::NO_CONTENT, "{}", changed.text);
        assert_eq!(server.api(&secret, "GET", "/api/v1/me", None).await.status, status);
    }
    assert_eq!(admin.json(&server, "DELETE", &at, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.api(&secret, "GET", "/api/v1/me", None).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(admin.get(&server, &at).await.status, StatusCode::NOT_FOUND);
    let again = make(&server, &mut admin, &json!({"name": "loader"})).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST, "a name is given once: {}", again.text);
}

#[tokio::test]
async fn a_08_a_partners_administrator_never_exceeds_themselves() {
    let server = server(MORE).await;
    for person in ["steward", "analyst", "owner-ops", "partner-dl"] {
        server.token(person).await;
    }
    let mut admin = server.signed_in("partner-ua").await;
    for body in [
        json!({"name": "a", "groups": ["staff"]}),
        json!({"name": "a", "groups": ["partners", "staff"]}),
        json!({"name": "a", "groups": ["stewards"]}),
        json!({"name": "a", "claims": {"carrier": ["DL"]}}),
        json!({"name": "a", "claims": {"carrier": ["UA", "DL"]}}),
        json!({"name": "a", "claims": {"alliance": ["Star"]}}),
        json!({"name": "a", "partner": "staff"}),
        json!({"name": "a", "partner": "staff", "groups": ["staff"]}),
        json!({"name": "a", "partner": "stewards", "groups": ["stewards"]}),
    ] {
        let answer = make(&server, &mut admin, &body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{body}: {}", answer.text);
    }
    // A name that a grant was given to is not for partners to take.
    let taken = make(&server, &mut admin, &json!({"name": "payroll"})).await;
    let secret = text(&token(&server, &mut admin, &text(&taken, "id")).await, "secret");
    let pay = server.api(&secret, "GET", "/api/v1/datasets/hr/pay", None).await;
    assert_eq!(pay.status, StatusCode::NOT_FOUND, "{}", pay.text);
    // Neither are tokens of its own the way.
    let own = server.token("partner-ua").await;
    let answer = server.api(&own, "POST", "/api/v1/accounts", Some(r#"{"name":"b"}"#)).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text);
    // Accounts with more than the administrator has may be stopped, and give no tokens.
    let mut steward = server.signed_in("steward").await;
    let wide = json!({"name": "wide", "partner": "partners", "groups": ["partners"], "claims": {"carrier": ["DL"]}});
    let wide = text(&make(&server, &mut steward, &wide).await, "id");
    assert_eq!(token(&server, &mut admin, &wide).await.status, StatusCode::FORBIDDEN);
    assert_eq!(admin.get(&server, &format!("/api/v1/accounts/{wide}")).await.status, StatusCode::OK, "control");

    let seen = admin.get(&server, "/api/v1/accounts").await.json();
    let seen: Vec<&str> =
        seen["items"].as_array().unwrap().iter().map(|a| a["who"]["name"].as_str().unwrap()).collect();
    assert_eq!(seen, ["partner-dl", "partner-ua", "service:partners/payroll", "service:partners/wide"]);
    let services = text(&make(&server, &mut steward, &json!({"name": "etl", "groups": ["partners"]})).await, "id");
    for (id, may) in [
        (id_of(&server, "partner-dl").await, true),
        (id_of(&server, "steward").await, false),
        (id_of(&server, "analyst").await, false),
        (id_of(&server, "owner-ops").await, false),
        (services, false),
        ("0".repeat(64), false),
    ] {
        let detail = steward.get(&server, &format!("/api/v1/accounts/{id}")).await;
        let of = |kind: &str| detail.json()[kind][0]["id"].as_str().unwrap_or("x").to_owned();
        let (session, token) = match detail.status {
            StatusCode::OK => (of("sessions"), of("tokens")),
            _ => ("x".to_owned(), "x".to_owned()),
        };
        let expected = if may { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND };
        let page = admin.get(&server, &format!("/accounts/{id}")).await;
        assert_eq!(page.status == StatusCode::OK, may, "{id}: {}", page.text);
        for path in [format!("sessions/{session}"), format!("tokens/{token}")] {
            let answer = admin.json(&server, "DELETE", &format!("/api/v1/accounts/{id}/{path}"), "").await;
            assert_eq!(answer.status, expected, "{id} {path}: {}", answer.text);
            assert!(may || answer.json()["detail"] == format!("no such account: {id}"), "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_08_a_steward_is_nobody_elses_to_administer() {
    let server = server(MORE).await;
    server.token("steward").await;
    let mut admin = server.signed_in("analyst").await;
    let listed = admin.get(&server, "/api/v1/accounts").await.json();
    let names: Vec<&str> =
        listed["items"].as_array().unwrap().iter().map(|a| a["who"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["analyst"], "the steward is of the staff too");
    let id = id_of(&server, "steward").await;
    assert_eq!(admin.get(&server, &format!("/api/v1/accounts/{id}")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_08_who_administers_nothing_is_told_of_no_account() {
    let server = server(MORE).await;
    let id = id_of(&server, "steward").await;
    for person in ["owner-ops", "partner-dl"] {
        let mut browser = server.signed_in(person).await;
        assert_eq!(browser.get(&server, "/api/v1/accounts").await.json()["items"], json!([]), "{person}");
        let page = browser.get(&server, "/accounts").await;
        assert!(page.text.contains("No service accounts") && !page.text.contains("steward</bdi>"), "{}", page.text);
        let made = make(&server, &mut browser, &json!({"name": "a"})).await;
        assert_eq!(made.status, StatusCode::FORBIDDEN, "{}", made.text);
        let absent = browser.get(&server, &format!("/api/v1/accounts/{}", "0".repeat(64))).await;
        let hidden = browser.get(&server, &format!("/api/v1/accounts/{id}")).await;
        assert_eq!((absent.status, hidden.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND), "{person}");
    }
    // Who is named and left the group administers no more.
    let gone = self::server("[[partner]]\ngroup = \"others\"\nname = \"O\"\nadmins = [\"user:partner-ua\"]\n").await;
    let made = make(&gone, &mut gone.signed_in("partner-ua").await, &json!({"name": "a"})).await;
    assert_eq!(made.status, StatusCode::FORBIDDEN, "{}", made.text);
}

#[tokio::test]
async fn a_steward_makes_accounts_that_grants_name_and_that_administer_nothing() {
    let server = server(MORE).await;
    let mut steward = server.signed_in("steward").await;
    let made =
        make(&server, &mut steward, &json!({"name": "payroll", "groups": ["stewards"], "owners": ["owner-ops"]})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let id = text(&made, "id");
    let secret = text(&token(&server, &mut steward, &id).await, "secret");
    let status = async |path: &str| server.api(&secret, "GET", path, None).await.status;
    assert_eq!(status("/api/v1/datasets/hr/pay").await, StatusCode::OK, "the grant to service:payroll");
    assert_eq!(status("/api/v1/datasets/ops/flights").await, StatusCode::NOT_FOUND);
    let answer = server.api(&secret, "POST", "/api/v1/accounts", Some(r#"{"name":"b"}"#)).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "no token is a steward's: {}", answer.text);
    // An owner sees it and changes nothing.
    let mut owner = server.signed_in("owner-ops").await;
    let seen = owner.get(&server, &format!("/api/v1/accounts/{id}")).await;
    assert_eq!(seen.json()["may_change"], false, "{}", seen.text);
    assert!(seen.json()["tokens"][0]["last_used_at"].is_string(), "{}", seen.text);
    assert_eq!(token(&server, &mut owner, &id).await.status, StatusCode::NOT_FOUND);
    assert!(owner.get(&server, "/account").await.text.contains(&format!("/accounts/{id}")));
    // The policy's page looks at it as at anybody.
    let page = steward.get(&server, &format!("/policy?who={id}&dataset=hr.pay")).await;
    assert!(page.text.contains("What service:payroll sees"), "{}", page.text);
    for body in [
        json!({"name": ""}),
        json!({"name": "A"}),
        json!({"name": "a/b"}),
        json!({"name": "a".repeat(41)}),
        json!({"name": "a", "partner": "nobody"}),
        json!({"name": "a", "claims": {"carrier": []}}),
        json!({"name": "a", "groups": [" "]}),
        json!({"name": "a", "description": "x".repeat(301)}),
    ] {
        let answer = make(&server, &mut steward, &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}: {}", answer.text);
    }
}

/// Under `not`, a name or groups that somebody else chose would show more.
#[tokio::test]
async fn a_04_rows_by_name_or_groups_give_a_service_account_nothing() {
    for rows in ["person <> user()", "person not in (groups())"] {
        let grant = format!("[[grant]]\nto = [\"group:partners\"]\non = [\"hr.pay\"]\nrows = \"{rows}\"\n");
        let server = server(&format!("{MORE}{grant}")).await;
        let mut admin = server.signed_in("partner-ua").await;
        let pay = "/api/v1/datasets/hr/pay";
        assert_eq!(admin.get(&server, pay).await.status, StatusCode::OK, "control: {rows}");
        let id = text(&make(&server, &mut admin, &json!({"name": "loader"})).await, "id");
        let secret = text(&token(&server, &mut admin, &id).await, "secret");
        assert_eq!(server.api(&secret, "GET", pay, None).await.status, StatusCode::NOT_FOUND, "{rows}");
        let other = server.api(&secret, "GET", "/api/v1/datasets/ref/airlines", None).await;
        assert_eq!(other.status, StatusCode::OK, "control: {rows}");
    }
}

#[tokio::test]
async fn the_pages_make_disable_and_remove_an_account_and_end_what_others_have() {
    let server = server(MORE).await;
    let mut partner = server.signed_in("partner-ua").await;
    let mut steward = server.signed_in("steward").await;
    let page = steward.get(&server, "/accounts").await;
    assert!(page.text.contains("No service accounts") && page.text.contains("partner-ua"), "{}", page.text);
    let form = "name=etl&description=Nightly&groups=partners&claims=carrier%3DDL%2C+carrier%3DAA&owners=";
    let made = steward.post(&server, "/accounts", form).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text);
    let at = made.header("location").to_owned();
    let made = steward.post(&server, &format!("{at}/tokens"), "name=n&days=7&actions=read&networks=").await;
    assert_eq!((made.status, made.header("location")), (StatusCode::SEE_OTHER, at.as_str()), "{}", made.text);
    let secret = steward.cookies["penstock-flash"].clone();
    let page = steward.get(&server, &at).await;
    assert!(page.text.contains(&secret) && page.text.contains("service:etl"), "{}", page.text);
    assert!(!steward.get(&server, &at).await.text.contains(&secret), "shown once");
    assert_eq!(carriers(&server, &secret).await, json!([["AA"], ["DL"]]));
    steward.post(&server, &format!("{at}/disable"), "").await;
    assert_eq!(server.api(&secret, "GET", "/api/v1/me", None).await.status, StatusCode::UNAUTHORIZED);
    steward.post(&server, &format!("{at}/enable"), "").await;
    assert_eq!(server.api(&secret, "GET", "/api/v1/me", None).await.status, StatusCode::OK);
    let id = secret.split('_').nth(1).unwrap();
    steward.post(&server, &format!("{at}/tokens/{id}/revoke"), "").await;
    assert_eq!(server.api(&secret, "GET", "/api/v1/me", None).await.status, StatusCode::UNAUTHORIZED);
    let gone = steward.post(&server, &format!("{at}/remove"), "").await;
    assert_eq!((gone.status, gone.header("location")), (StatusCode::SEE_OTHER, "/accounts"));
    assert_eq!(steward.get(&server, &at).await.status, StatusCode::NOT_FOUND);

    let of_partner = format!("/accounts/{}", id_of(&server, "partner-ua").await);
    let page = steward.get(&server, &of_partner).await.text;
    let end = page.split("/sessions/").nth(1).and_then(|rest| rest.split_once("/end")).unwrap().0;
    let ended = steward.post(&server, &format!("{of_partner}/sessions/{end}/end"), "").await;
    assert_eq!(ended.status, StatusCode::SEE_OTHER, "{}", ended.text);
    assert_eq!(partner.get(&server, "/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
    let bad = steward.post(&server, "/accounts", "name=b&claims=carrier").await;
    assert!(bad.status == StatusCode::BAD_REQUEST && bad.text.contains("NAME=VALUE"), "{}", bad.text);
    let nobody = Browser::default().post(&server, "/accounts", form).await;
    assert_eq!(nobody.header("location"), "/sign-in?return_to=%2Faccounts");
}

#[tokio::test]
async fn what_is_done_to_accounts_leaves_its_rows() {
    let server = server(MORE).await;
    let mut steward = server.signed_in("steward").await;
    let id = text(&make(&server, &mut steward, &json!({"name": "etl", "groups": ["staff"]})).await, "id");
    token(&server, &mut steward, &id).await;
    let at = format!("/api/v1/accounts/{id}");
    steward.json(&server, "PATCH", &at, r#"{"disabled":true}"#).await;
    steward.json(&server, "DELETE", &at, "").await;
    make(&server, &mut server.signed_in("owner-ops").await, &json!({"name": "x"})).await;
    server.lake.flush_audit(std::time::Duration::from_secs(20)).await.unwrap();
    let sql = "select action, outcome, text from system.audit where action like '%-account' or action = 'make-token' order by event";
    let body = json!({ "sql": sql, "wait_ms": 30_000 }).to_string();
    let rows = steward.json(&server, "POST", "/api/v1/query", &body).await.json()["page"]["rows"].clone();
    let told: Vec<(&str, &str)> =
        rows.as_array().unwrap().iter().map(|r| (r[0].as_str().unwrap(), r[1].as_str().unwrap())).collect();
    let expected = ["make-account", "make-token", "change-account", "remove-account"].map(|action| (action, "ok"));
    assert_eq!(told, [&expected[..], &[("make-account", "denied")]].concat());
    assert_eq!(rows[0][2], "service:etl: groups staff");
    assert!(rows[1][2].as_str().unwrap().contains("of service:etl: t: own read upload, days: 1"), "{rows}");
    assert_eq!(rows[2][2], "service:etl: disabled");
}
