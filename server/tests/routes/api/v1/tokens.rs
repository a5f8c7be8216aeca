//! `/api/v1/tokens`

use http::StatusCode;
use serde_json::json;

use crate::server::Server;

#[tokio::test]
async fn a_token_is_made_listed_without_its_secret_and_revoked() {
    let server = Server::empty().await;
    let mut browser = server.signed_in("analyst").await;
    let body = r#"{"name":"etl","days":30,"scope":{"actions":["read"],"datasets":["ops.*"]}}"#;
    let made = browser.json(&server, "POST", "/api/v1/tokens", body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let (secret, id) =
        (made.json()["secret"].as_str().unwrap().to_owned(), made.json()["id"].as_str().unwrap().to_owned());
    assert!(secret.starts_with(&format!("pk_{id}_")));
    let listed = browser.get(&server, "/api/v1/tokens").await;
    assert_eq!(listed.json()["items"][0]["name"], "etl");
    assert!(!listed.text.contains(&secret[36..]));
    let me = server.api(&secret, "GET", "/api/v1/me", None).await.json();
    assert_eq!((me["name"].as_str(), me["via"].as_str()), (Some("analyst"), Some("token")));
    let at = made.header("location").to_owned();
    let other = server.token("steward").await;
    assert_eq!(server.api(&other, "DELETE", &at, None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.json(&server, "DELETE", &at, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.api(&secret, "GET", "/api/v1/me", None).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.json(&server, "DELETE", &at, "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn wrong_secrets_do_not_hold() {
    let server = Server::empty().await;
    let token = server.token("analyst").await;
    let (head, tail) = token.split_at(token.len() - 1);
    let other = if tail == "A" { "B" } else { "A" };
    for bad in [format!("{head}{other}"), head.to_owned(), format!("{token}x"), "x".to_owned(), token[3..].to_owned()] {
        let answer = server.api(&bad, "GET", "/api/v1/me", None).await;
        assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::UNAUTHORIZED, "unauthorized"), "{bad}");
    }
}

#[tokio::test]
async fn requests_out_of_bounds_are_refused() {
    let server = Server::empty().await;
    let mut browser = server.signed_in("analyst").await;
    let scope = json!({"actions": ["read"]});
    for body in [
        json!({"name": "", "days": 1, "scope": scope}),
        json!({"name": " ", "days": 1, "scope": scope}),
        json!({"name": "x".repeat(101), "days": 1, "scope": scope}),
        json!({"name": "a\u{0}b", "days": 1, "scope": scope}),
        json!({"name": "a", "days": 0, "scope": scope}),
        json!({"name": "a", "days": 366, "scope": scope}),
        json!({"name": "a", "days": 1, "scope": {"actions": []}}),
        json!({"name": "a", "days": 1, "scope": {"actions": ["steward"]}}),
        json!({"name": "a", "days": 1, "scope": {"actions": ["read"], "datasets": ["../x"]}}),
        json!({"name": "a", "days": 1, "scope": {"actions": ["read"], "networks": ["10.0.0.1/8"]}}),
        json!({"name": "a", "days": 1, "scope": {"actions": ["read"], "networks": ["example.org"]}}),
        json!({"name": "a", "days": 1}),
    ] {
        let answer = browser.json(&server, "POST", "/api/v1/tokens", &body.to_string()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_token_makes_no_wider_token_and_takes_its_own_with_it() {
    let server = Server::empty().await;
    let mut browser = server.signed_in("analyst").await;
    let body = json!({"name": "a", "days": 10, "scope": {"actions": ["read"], "datasets": ["ops.*"]}}).to_string();
    let made = browser.json(&server, "POST", "/api/v1/tokens", &body).await;
    let (token, at) = (made.json()["secret"].as_str().unwrap().to_owned(), made.header("location").to_owned());
    let ask = async |days: u32, actions: &[&str], datasets: &[&str]| {
        let body = json!({"name": "b", "days": days, "scope": {"actions": actions, "datasets": datasets}}).to_string();
        server.api(&token, "POST", "/api/v1/tokens", Some(&body)).await
    };
    for (days, actions, datasets) in [
        (11, &["read"][..], &["ops.*"][..]),
        (5, &["read", "upload"], &["ops.*"]),
        (5, &["read"], &[]),
        (5, &["read"], &["*"]),
    ] {
        assert_eq!(ask(days, actions, datasets).await.status, StatusCode::FORBIDDEN, "{days} {actions:?} {datasets:?}");
    }
    let child = ask(5, &["read"], &["ops.flights"]).await;
    assert_eq!(child.status, StatusCode::CREATED, "{}", child.text);
    let child = child.json()["secret"].as_str().unwrap().to_owned();
    assert_eq!(server.api(&child, "GET", "/api/v1/me", None).await.status, StatusCode::OK);
    assert_eq!(browser.json(&server, "DELETE", &at, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.api(&child, "GET", "/api/v1/me", None).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_does_only_what_its_scope_says() {
    let server = Server::filled().await;
    let mut browser = server.signed_in("owner-ops").await;
    let make = async |browser: &mut crate::server::Browser, actions: &[&str], datasets: &[&str]| {
        let body = json!({"name": "a", "days": 1, "scope": {"actions": actions, "datasets": datasets}}).to_string();
        let made = browser.json(&server, "POST", "/api/v1/tokens", &body).await;
        made.json()["secret"].as_str().unwrap().to_owned()
    };
    let send = make(&mut browser, &["upload"], &["ops.*"]).await;
    let read = make(&mut browser, &["read"], &["ref.*"]).await;
    assert_eq!(server.api(&send, "GET", "/api/v1/datasets", None).await.status, StatusCode::FORBIDDEN);
    let sql = r#"{"sql":"select * from ops.flights"}"#;
    assert_eq!(server.api(&send, "POST", "/api/v1/query", Some(sql)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(server.api(&read, "POST", "/api/v1/query", Some(sql)).await.status, StatusCode::NOT_FOUND);
    let upload = "/api/v1/uploads/ops/flights?name=b.csv";
    assert_eq!(server.api(&read, "POST", upload, Some("a\n")).await.status, StatusCode::FORBIDDEN);
    let listed = server.api(&read, "GET", "/api/v1/datasets", None).await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
}

/// A request with a token over a connection from this address.
async fn from(server: &Server, token: &str, at: &str, headers: &[(&str, &str)]) -> crate::server::Answer {
    let mut request = http::Request::builder().uri("/api/v1/me").header("host", "127.0.0.1:3000");
    request = request.header("authorization", format!("Bearer {token}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(axum::body::Body::empty()).unwrap();
    let at = std::net::SocketAddr::new(at.parse().unwrap(), 4711);
    request.extensions_mut().insert(axum::extract::ConnectInfo(at));
    server.send(request).await
}

async fn token_from(server: &Server, networks: &[&str]) -> String {
    let body = json!({"name": "t", "days": 1, "scope": {"actions": ["read"], "networks": networks}}).to_string();
    let made = server.signed_in("partner-ua").await.json(server, "POST", "/api/v1/tokens", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    made.json()["secret"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_08_outside_its_networks_a_token_is_one_that_does_not_exist() {
    let server = Server::empty().await;
    let token = token_from(&server, &["192.0.2.0/24", "2001:db8::/32"]).await;
    let none = format!("pk_{}_{}", "0".repeat(32), "A".repeat(43));
    for (at, holds) in [
        ("192.0.2.7", true),
        ("::ffff:192.0.2.7", true),
        ("2001:db8::1", true),
        ("192.0.3.7", false),
        ("2001:db9::1", false),
        ("127.0.0.1", false),
    ] {
        let answer = from(&server, &token, at, &[]).await;
        assert_eq!(answer.status == StatusCode::OK, holds, "{at}: {}", answer.text);
        let forged = [("x-forwarded-for", "192.0.2.7"), ("forwarded", "for=192.0.2.7")];
        assert_eq!(from(&server, &token, at, &forged).await.status == StatusCode::OK, holds, "headers: {at}");
        if !holds {
            let absent = from(&server, &none, at, &[]).await;
            let plain = |a: &crate::server::Answer| {
                let mut body = a.json();
                body.as_object_mut().unwrap().remove("request_id");
                (a.status, body, a.header("www-authenticate").to_owned())
            };
            assert_eq!(plain(&answer), plain(&absent), "{at}");
        }
    }
    // Where nothing is known of the connection, nothing is known of the network.
    assert_eq!(server.api(&token, "GET", "/api/v1/me", None).await.status, StatusCode::UNAUTHORIZED);
    server.lake.flush_audit(std::time::Duration::from_secs(20)).await.unwrap();
    let sql = "select distinct name, address, reason from system.audit where action = 'request' and address = '192.0.3.7' order by 1";
    let body = json!({ "sql": sql, "wait_ms": 30_000 }).to_string();
    let told = server.signed_in("steward").await.json(&server, "POST", "/api/v1/query", &body).await;
    let unknown = json!(["", "192.0.3.7", "the token is unknown, expired or revoked"]);
    let outside = json!(["partner-ua", "192.0.3.7", "the address is outside the token's networks"]);
    assert_eq!(told.json()["page"]["rows"], json!([unknown, outside]), "{}", told.text);
}

#[tokio::test]
async fn behind_a_trusted_proxy_its_word_counts_for_tokens_and_the_audit() {
    let server = Server::with(&[("PENSTOCK_TRUSTED_PROXIES", "10.0.0.0/8")]).await;
    let token = token_from(&server, &["192.0.2.0/24"]).await;
    let ask = async |at: &str, client: &str| from(&server, &token, at, &[("x-forwarded-for", client)]).await.status;
    assert_eq!(ask("10.0.0.1", "192.0.2.7").await, StatusCode::OK);
    assert_eq!(ask("10.0.0.1", "192.0.2.7, 198.51.100.1").await, StatusCode::UNAUTHORIZED);
    assert_eq!(ask("10.0.0.1", "198.51.100.1, 192.0.2.7, 10.1.1.1").await, StatusCode::OK);
    assert_eq!(ask("198.51.100.1", "192.0.2.7").await, StatusCode::UNAUTHORIZED);
    let listed = server.signed_in("partner-ua").await.get(&server, "/api/v1/tokens").await.json();
    assert_eq!(listed["items"][0]["last_used_from"], "192.0.2.7", "{listed}");
}

#[tokio::test]
async fn a_tokens_use_is_written_down_when_its_secret_is_right() {
    let server = Server::empty().await;
    let token = token_from(&server, &["192.0.2.0/24"]).await;
    let last = token.chars().last().map(|c| if c == 'A' { "B" } else { "A" }).unwrap();
    let guessed = format!("{}{last}", &token[..token.len() - 1]);
    assert_eq!(from(&server, &guessed, "192.0.2.1", &[]).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(from(&server, &token, "198.51.100.1", &[]).await.status, StatusCode::UNAUTHORIZED);
    let used = async || {
        let listed = server.signed_in("partner-ua").await.get(&server, "/api/v1/tokens").await.json();
        (listed["items"][0]["last_used_at"].clone(), listed["items"][0]["last_used_from"].clone())
    };
    assert_eq!(used().await, (json!(null), json!(null)));
    assert_eq!(from(&server, &token, "192.0.2.1", &[]).await.status, StatusCode::OK);
    let first = used().await;
    assert_eq!(first.1, "192.0.2.1");
    // Once a while, not once a request.
    assert_eq!(from(&server, &token, "192.0.2.2", &[]).await.status, StatusCode::OK);
    assert_eq!(used().await, first);
}

#[tokio::test]
async fn refused_tokens_fill_no_audit() {
    let server = Server::empty().await;
    let token = token_from(&server, &[]).await;
    for _ in 0..60 {
        assert_eq!(from(&server, "pk_x", "192.0.2.1", &[]).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(from(&server, &token, "192.0.2.1", &[]).await.status, StatusCode::OK, "what holds goes on");
    from(&server, "pk_x", "192.0.2.2", &[]).await;
    server.lake.flush_audit(std::time::Duration::from_secs(20)).await.unwrap();
    let sql = "select address, count(*), count(*) filter (where reason like '%more refusals%') from system.audit where action = 'request' group by 1 order by 1";
    let body = json!({ "sql": sql, "wait_ms": 30_000 }).to_string();
    let told = server.signed_in("steward").await.json(&server, "POST", "/api/v1/query", &body).await;
    assert_eq!(told.json()["page"]["rows"], json!([["192.0.2.1", 20, 1], ["192.0.2.2", 1, 0]]), "{}", told.text);
}
