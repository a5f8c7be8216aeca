//! `GET /auth/login` and `GET /auth/callback`: the way through a provider, and every way in which it must not lead in.

use std::{collections::HashMap, sync::atomic::Ordering};

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    provider::Provider,
    server::{Answer, Browser, Server},
};

async fn server(provider: &Provider, more: &[(&str, &str)]) -> Server {
    let own = [("PENSTOCK_ISSUER", provider.issuer.as_str()), ("PENSTOCK_CLIENT_ID", "penstock")];
    Server::with(&[&own, more].concat()).await
}

/// Begins a sign-in. Returns what the provider is told.
async fn begin(server: &Server, browser: &mut Browser, path: &str) -> HashMap<String, String> {
    let answer = browser.get(server, path).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let url = url::Url::parse(answer.header("location")).unwrap();
    url.query_pairs().into_owned().collect()
}

async fn finish(server: &Server, browser: &mut Browser, asked: &HashMap<String, String>) -> Answer {
    browser.get(server, &format!("/auth/callback?code=c1&state={}", asked["state"])).await
}

/// Why it failed, as the sign-in page is told.
fn failed(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    answer.header("location").strip_prefix("/sign-in?error=").unwrap_or("signed in").to_owned()
}

/// One whole sign-in with an ID token that `send` makes from right claims.
async fn sign_in(provider: &Provider, more: &[(&str, &str)], send: impl Fn(&Provider, Value)) -> (Answer, Answer) {
    let server = server(provider, more).await;
    let mut browser = Browser::default();
    let asked = begin(&server, &mut browser, "/auth/login").await;
    send(provider, provider.claims(&asked["nonce"]));
    let answer = finish(&server, &mut browser, &asked).await;
    let me = browser.get(&server, "/api/v1/me").await;
    (answer, me)
}

#[tokio::test]
async fn w_01_a_sign_in_begins_with_pkce_state_and_nonce_and_the_exact_redirect() {
    let provider = Provider::start().await;
    let server = server(&provider, &[]).await;
    let mut browser = Browser::default();
    let asked = begin(&server, &mut browser, "/auth/login?return_to=/datasets").await;
    assert_eq!(asked["response_type"], "code");
    assert_eq!(asked["code_challenge_method"], "S256");
    assert_eq!(asked["redirect_uri"], "http://127.0.0.1:3000/auth/callback");
    assert_eq!(asked["scope"], "openid email profile");
    let again = begin(&server, &mut Browser::default(), "/auth/login").await;
    for fresh in ["state", "nonce", "code_challenge"] {
        assert!(asked[fresh].len() >= 20 && asked[fresh] != again[fresh], "{fresh}");
    }
    provider.will_send(&provider.claims(&asked["nonce"]));
    let answer = finish(&server, &mut browser, &asked).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/datasets"), "{}", answer.text);
    let form = provider.kept.form.lock().unwrap().clone();
    assert!(form["code_verifier"].len() >= 43);
    assert_eq!(form["redirect_uri"], asked["redirect_uri"]);
    let me = browser.get(&server, "/api/v1/me").await.json();
    assert_eq!(me["subject"], "subject-1");
    assert_eq!(me["groups"], json!(["partners"]));
    assert_eq!(me["claims"]["carrier"], json!(["UA"]));
    assert!(!browser.cookies.contains_key("penstock-sign-in"), "spent");
}

#[tokio::test]
async fn w_04_an_id_token_that_fails_a_check_signs_nobody_in() {
    type Case = (&'static str, fn(&Provider, Value));
    fn changed(mut claims: Value, name: &str, value: Value) -> Value {
        claims[name] = value;
        claims
    }
    fn now(plus: i64) -> Value {
        json!(chrono::Utc::now().timestamp() + plus)
    }
    let cases: [Case; 15] = [
        ("another nonce", |p, c| p.will_send(&changed(c, "nonce", json!("other")))),
        ("no nonce", |p, mut c| {
            c.as_object_mut().unwrap().remove("nonce");
            p.will_send(&c);
        }),
        ("another audience", |p, c| p.will_send(&changed(c, "aud", json!("other")))),
        ("a second audience", |p, c| p.will_send(&changed(c, "aud", json!(["penstock", "other"])))),
        ("another issuer", |p, c| p.will_send(&changed(c, "iss", json!("https://evil.example")))),
        ("expired", |p, c| p.will_send(&changed(c, "exp", now(-61)))),
        ("issued in the future", |p, c| p.will_send(&changed(c, "iat", now(120)))),
        ("issued long ago", |p, c| p.will_send(&changed(c, "iat", now(-3_600)))),
        ("another authorized party", |p, c| p.will_send(&changed(c, "azp", json!("other")))),
        ("unsigned", |p, c| p.will_send_unsigned(&c)),
        ("HS256 with the client id", |p, c| p.will_send_hs256(b"penstock", &c)),
        ("HS256 with nothing", |p, c| p.will_send_hs256(b"", &c)),
        ("an unknown key", |p, c| p.will_send_with_kid("nobody", &c)),
        ("changed after signing", |p, c| p.will_send_changed(&c, &changed(c.clone(), "sub", json!("admin")))),
        ("no subject", |p, mut c| {
            c.as_object_mut().unwrap().remove("sub");
            p.will_send(&c);
        }),
    ];
    for (name, send) in cases {
        let provider = Provider::start().await;
        let (answer, me) = sign_in(&provider, &[], send).await;
        assert_eq!(failed(&answer), "refused", "{name}: {}", answer.text);
        assert_eq!(me.status, StatusCode::UNAUTHORIZED, "{name}");
    }
}

#[tokio::test]
async fn w_05_clocks_may_differ_by_a_minute() {
    let provider = Provider::start().await;
    let (answer, _) = sign_in(&provider, &[], |p, mut c| {
        c["exp"] = json!(chrono::Utc::now().timestamp() - 30);
        c["iat"] = json!(chrono::Utc::now().timestamp() + 30);
        p.will_send(&c);
    })
    .await;
    assert_eq!(answer.header("location"), "/", "{}", answer.text);
}

#[tokio::test]
async fn w_06_cognito_takes_id_tokens_only_and_reads_its_own_groups() {
    let cognito = [("PENSTOCK_PROVIDER", "cognito")];
    let send = |used_for: Option<&'static str>| {
        move |p: &Provider, mut c: Value| {
            c["cognito:groups"] = json!(["staff"]);
            if let Some(used_for) = used_for {
                c["token_use"] = json!(used_for);
            }
            p.will_send(&c);
        }
    };
    for used_for in [None, Some("access")] {
        let provider = Provider::start().await;
        let (answer, _) = sign_in(&provider, &cognito, send(used_for)).await;
        assert_eq!(failed(&answer), "refused", "{used_for:?}");
    }
    let provider = Provider::start().await;
    let (answer, me) = sign_in(&provider, &cognito, send(Some("id"))).await;
    assert_eq!(answer.header("location"), "/", "{}", answer.text);
    assert_eq!(me.json()["groups"], json!(["staff"]));
}

#[tokio::test]
async fn w_04_a_missing_nonce_is_tolerated_by_a_setting_alone_and_another_nonce_never() {
    let tolerant = [("PENSTOCK_ALLOW_MISSING_NONCE", "true")];
    let provider = Provider::start().await;
    let (answer, _) = sign_in(&provider, &tolerant, |p, mut c| {
        c.as_object_mut().unwrap().remove("nonce");
        p.will_send(&c);
    })
    .await;
    assert_eq!(answer.header("location"), "/", "{}", answer.text);
    let (answer, _) = sign_in(&provider, &tolerant, |p, mut c| {
        c["nonce"] = json!("other");
        p.will_send(&c);
    })
    .await;
    assert_eq!(failed(&answer), "refused");
}

#[tokio::test]
async fn w_02_a_callback_counts_once_in_the_browser_that_began_it() {
    let provider = Provider::start().await;
    let server = server(&provider, &[]).await;
    let mut browser = Browser::default();
    let asked = begin(&server, &mut browser, "/auth/login").await;
    provider.will_send(&provider.claims(&asked["nonce"]));

    let elsewhere = finish(&server, &mut Browser::default(), &asked).await;
    assert_eq!(failed(&elsewhere), "expired", "another browser");

    let replay = browser.clone();
    for bad in ["state=other&code=c1", "code=c1", ""] {
        let answer = browser.clone().get(&server, &format!("/auth/callback?{bad}")).await;
        assert_eq!(failed(&answer), "expired", "{bad}");
    }
    assert_eq!(finish(&server, &mut browser, &asked).await.header("location"), "/");
    assert_eq!(failed(&finish(&server, &mut replay.clone(), &asked).await), "expired", "a second time");

    let mut forged = Browser::default();
    forged.cookies.insert("penstock-sign-in".to_owned(), "AAAA".to_owned());
    assert_eq!(failed(&finish(&server, &mut forged, &asked).await), "expired", "a forged cookie");
}

#[tokio::test]
async fn w_04_what_the_provider_refuses_is_told_and_not_echoed() {
    let provider = Provider::start().await;
    let server = server(&provider, &[]).await;
    let mut browser = Browser::default();
    let asked = begin(&server, &mut browser, "/auth/login").await;
    let path = format!("/auth/callback?error=access_denied&error_description=<b>canary</b>&state={}", asked["state"]);
    let answer = browser.get(&server, &path.replace('<', "%3C").replace('>', "%3E")).await;
    assert_eq!(failed(&answer), "denied");
    let asked = begin(&server, &mut browser, "/auth/login").await;
    provider.will_send(&provider.claims(&asked["nonce"]));
    let mixed = format!("/auth/callback?code=c&state={}&iss=https://evil.example", asked["state"]);
    assert_eq!(failed(&browser.get(&server, &mixed).await), "refused", "mix-up of providers");
}

#[tokio::test]
async fn w_07_new_keys_are_fetched_once_and_old_ones_stay_when_the_provider_fails() {
    let provider = Provider::start().await;
    let server = server(&provider, &[]).await;
    let sign_in = async || {
        let mut browser = Browser::default();
        let asked = begin(&server, &mut browser, "/auth/login").await;
        provider.will_send(&provider.claims(&asked["nonce"]));
        finish(&server, &mut browser, &asked).await.header("location").to_owned()
    };
    assert_eq!(sign_in().await, "/");
    assert_eq!(sign_in().await, "/");
    assert_eq!(provider.kept.asked_for_keys.load(Ordering::SeqCst), 1, "kept");
    for _ in 0..5 {
        let mut browser = Browser::default();
        let asked = begin(&server, &mut browser, "/auth/login").await;
        provider.will_send_with_kid("nobody", &provider.claims(&asked["nonce"]));
        assert_eq!(failed(&finish(&server, &mut browser, &asked).await), "refused");
    }
    assert!(provider.kept.asked_for_keys.load(Ordering::SeqCst) <= 2, "cool-down");
    provider.kept.keys_fail.store(true, Ordering::SeqCst);
    assert_eq!(sign_in().await, "/", "the old set stays");
}

#[tokio::test]
async fn w_03_discovery_must_name_the_configured_issuer() {
    let provider = Provider::start().await;
    *provider.kept.other_issuer.lock().unwrap() = Some("https://evil.example".to_owned());
    let server = server(&provider, &[]).await;
    let answer = Browser::default().get(&server, "/auth/login").await;
    assert_eq!(failed(&answer), "unavailable");
}

#[tokio::test]
async fn w_14_signing_out_revokes_the_refresh_token_and_goes_on_to_the_provider() {
    let provider = Provider::start().await;
    let server = server(&provider, &[]).await;
    let mut browser = Browser::default();
    let asked = begin(&server, &mut browser, "/auth/login").await;
    provider.will_send(&provider.claims(&asked["nonce"]));
    finish(&server, &mut browser, &asked).await;
    let answer = browser.post(&server, "/auth/sign-out", "").await;
    assert_eq!(*provider.kept.revoked.lock().unwrap(), ["refresh-1"]);
    assert_eq!(answer.status, StatusCode::OK);
    let to = format!("{}/end?client_id=penstock&amp;post_logout_redirect_uri=", provider.issuer);
    assert!(answer.text.contains(&to), "{}", answer.text);
    assert_eq!(browser.get(&server, "/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
}
