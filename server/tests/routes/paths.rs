//! The one policy on every path: whatever a partner asks, in whatever form it comes, holds nothing that is hidden. The
//! paths are taken from the route table, so that a new one is asked too.

use http::StatusCode;

use crate::server::{Answer, Browser, PEOPLE, Server};

/// What stands in hidden rows, columns and datasets, or under a mask, and nowhere else.
const HIDDEN: [&str; 8] = ["canary", "4711", "hr.pay", "\"pay\"", "N1", "N2", "N3", "N4"];

/// Addresses of all pages, with a dataset and an id in their places.
fn pages(unit: &str, name: &str) -> Vec<String> {
    let listed = app::route_list();
    assert!(listed.len() >= 9);
    let filled = |path: &str| {
        path.replace("{unit}", unit)
            .replace("{name}", name)
            .replace("{id}", "00000000")
            .replace("{token}", "0")
            .replace("{session}", "0")
    };
    listed.iter().map(|page| filled(page.path())).collect()
}

/// `GET` routes of the API, the same.
fn reads(unit: &str, name: &str) -> Vec<String> {
    let document = serde_json::to_value(server::openapi::document()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter().filter(|(_, item)| item.get("get").is_some());
    let filled = |path: &String| {
        path.replace("{unit}", unit)
            .replace("{name}", name)
            .replace("{id}", "00000000")
            .replace("{token}", "0")
            .replace("{session}", "0")
    };
    paths.map(|(path, _)| filled(path)).collect()
}

fn leak(answer: &Answer) -> Option<String> {
    let headers =
        answer.headers.iter().map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
    let all = headers.collect::<String>() + &answer.text;
    // What is random, such as a nonce or an id, could hold a short word by chance.
    let words: Vec<&str> = all.split(|c: char| !(c.is_alphanumeric() || "\".-_".contains(c))).collect();
    let by_chance = |h: &str| h.len() <= 3 || h.bytes().all(|b| b.is_ascii_digit());
    let stands = |h: &&&str| if by_chance(h) { words.contains(*h) } else { all.contains(**h) };
    HIDDEN.iter().find(stands).map(|h| (*h).to_owned())
}

#[tokio::test]
async fn a_03_a_09_no_answer_to_a_partner_holds_what_is_hidden() {
    let server = Server::filled().await;
    // Somebody who sees everything has asked before, so that every cache holds it.
    let mut staff = server.signed_in("analyst").await;
    let mut partner = server.signed_in("partner-ua").await;
    let token = server.token("partner-ua").await;
    let mut shown = 0;
    let mut asked: Vec<String> = [pages("ops", "flights"), reads("ops", "flights"), pages("hr", "pay")].concat();
    asked.extend(
        ["data", "columns", "versions", "arrivals", "api", "access"].map(|t| format!("/datasets/ops/flights?tab={t}")),
    );
    for sql in [
        "select * from ops.flights order by 1, 2",
        "select min(tailnum), max(tailnum), count(*) from ops.flights",
        "select * from hr.pay",
        "select * from hr.pa",
        "select amount from ops.flights",
        "select cast(tailnum as int) from ops.flights",
        "explain select * from ops.flights",
        "show tables",
    ] {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("sql", sql).finish();
        asked.push(format!("/sql?{query}"));
    }
    for search in ["pay", "canary", "N1", "4711", "hr"] {
        asked.extend([format!("/datasets?q={search}"), format!("/api/v1/datasets?q={search}")]);
    }
    for more in ["filter=distance%20%3E%20250", "filter=tailnum%20%3D%20%27N1%27", "sort=-tailnum", "columns=tailnum"] {
        asked.push(format!("/api/v1/datasets/ops/flights/rows?{more}"));
    }
    asked
        .extend(["/metrics", "/healthz", "/readyz", "/api/openapi.json", "/api/docs", "/api/v1/me"].map(str::to_owned));
    for path in &asked {
        let all = staff.get(&server, path).await;
        shown += usize::from(leak(&all).is_some());
        for answer in [partner.get(&server, path).await, server.api(&token, "GET", path, None).await] {
            assert!(!answer.status.is_server_error(), "{path}: {}", answer.text);
            // What one wrote oneself is no secret.
            let own = |word: &String| path.contains(word.trim_matches('"')) || path.contains(&word.replace('.', "/"));
            if let Some(word) = leak(&answer).filter(|word| !own(word)) {
                panic!("{path} holds `{word}`: {:?}\n{}", answer.headers, answer.text);
            }
        }
    }
    assert!(shown > 15, "control: staff see it on {shown} of {} paths", asked.len());
}

#[tokio::test]
async fn a_09_every_form_of_a_result_holds_the_partners_own_rows_alone() {
    let server = Server::filled().await;
    let sql = r#"{"sql":"select * from ops.flights"}"#;
    let (staff, partner) = (server.token("analyst").await, server.token("partner-ua").await);
    let mut ids = Vec::new();
    for token in [&staff, &partner] {
        let made = server.api(token, "POST", "/api/v1/query", Some(sql)).await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.text);
        ids.push(made.json()["id"].as_str().unwrap().to_owned());
    }
    let mut forms = 0;
    for format in ["csv", "tsv", "json", "ndjson", "arrow", "parquet", "xlsx"] {
        let get = async |token: &str, id: &str| {
            server.api(token, "GET", &format!("/api/v1/results/{id}/download?format={format}"), None).await
        };
        let whole = get(&staff, &ids[0]).await;
        if whole.status == StatusCode::BAD_REQUEST {
            continue;
        }
        assert_eq!(whole.status, StatusCode::OK, "{format}: {}", whole.text);
        forms += 1;
        let own = get(&partner, &ids[1]).await;
        assert_eq!(own.status, StatusCode::OK, "{format}: {}", own.text);
        for hidden in ["N1", "N2", "N3", "N4", "DL", "AA"] {
            // In Parquet the values may be packed; there the test of the formats reads them back.
            let alone = |text: &str| text.split(|c: char| !c.is_ascii_alphanumeric()).any(|w| w == hidden);
            assert!(!alone(&own.text), "{format} holds {hidden}");
        }
        assert_eq!(get(&partner, &ids[0]).await.status, StatusCode::NOT_FOUND, "{format}: another's result");
    }
    assert!(forms >= 4, "{forms}");
}

#[tokio::test]
async fn a_08_every_page_of_a_hidden_dataset_is_that_of_an_absent_one() {
    let server = Server::filled().await;
    // Nothing but the name and the page's nonce may differ.
    let plain = |answer: &Answer, name: &str| {
        let nonce = answer.header("content-security-policy").split("nonce-").nth(1).unwrap_or("'");
        answer.text.replace(nonce.split('\'').next().unwrap(), "NONCE").replace(name, "NAME")
    };
    for person in PEOPLE.into_iter().filter(|p| p.starts_with("partner")) {
        let mut browser = server.signed_in(person).await;
        let (hidden, absent) = (pages("hr", "pay"), pages("hr", "nay"));
        for (hidden, absent) in hidden.iter().zip(&absent).filter(|(h, a)| h != a) {
            for tab in ["", "?tab=data", "?tab=versions", "?tab=api"] {
                let has = browser.get(&server, &format!("{hidden}{tab}")).await;
                let wants = browser.get(&server, &format!("{absent}{tab}")).await;
                assert_eq!(has.status, StatusCode::NOT_FOUND, "{person} {hidden}{tab}");
                assert_eq!(has.status, wants.status);
                assert_eq!(plain(&has, "pay"), plain(&wants, "nay"), "{person} {hidden}{tab}");
            }
        }
        for (path, form) in [("rollback", "to=0")] {
            let mut post = async |name: &str| {
                let answer = browser.post(&server, &format!("/datasets/hr/{name}/{path}"), form).await;
                (answer.status, answer.header("location").replace(name, "NAME"), plain(&answer, name))
            };
            assert_eq!(post("pay").await, post("nay").await, "{person} {path}");
        }
    }
}

#[tokio::test]
async fn w_17_no_address_changes_anything_by_being_read() {
    let server = Server::filled().await;
    let mut steward = server.signed_in("steward").await;
    let folder = server.folder().to_owned();
    // Queries that pages run are kept and remembered; everything else stays as it is.
    let state = || {
        let mut all = Vec::new();
        let mut folders = vec![folder.clone()];
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(next).unwrap().flatten() {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                } else {
                    all.push((entry.path(), entry.metadata().unwrap().len()));
                }
            }
        }
        let own = |p: &std::path::Path| {
            let path = p.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
            !path.starts_with("results/") && !path.starts_with("portal/recent/")
        };
        all.retain(|(path, _)| own(path));
        all.sort();
        all
    };
    let before = state();
    let arrivals = steward.get(&server, "/api/v1/ingests").await.json();
    let id = arrivals["items"][0]["id"].as_str().unwrap().to_owned();
    let mut asked = [pages("ops", "flights"), reads("ops", "flights")].concat();
    for change in [
        "/auth/sign-out",
        "/auth/demo?as=analyst",
        "/account/tokens?name=a&days=1&actions=read",
        "/account/sessions/00000000/revoke",
        "/datasets/ops/flights/rollback?to=0",
        "/queries/00000000/cancel",
        "/sql?sql=drop+table+ops.flights",
    ] {
        asked.push(change.to_owned());
    }
    for path in asked {
        let answer = steward.get(&server, &path.replace("00000000", &id)).await;
        assert!(!answer.status.is_server_error(), "{path}: {}", answer.text);
    }
    assert_eq!(steward.get(&server, "/api/v1/me").await.json()["subject"], "steward", "still signed in as before");
    assert_eq!(state(), before);
}

/// A cache before the server that keeps by the look of an address and believes no header: the worst that there is.
struct Proxy {
    kept: std::collections::HashMap<String, String>,
}

impl Proxy {
    async fn get(&mut self, server: &Server, browser: &mut Browser, path: &str) -> String {
        let lower = path.split('?').next().unwrap().to_lowercase();
        let asset = [".css", ".js", ".png", ".svg", ".ico", ".wasm"].iter().any(|end| lower.contains(end));
        if let Some(kept) = self.kept.get(path).filter(|_| asset) {
            return kept.clone();
        }
        let answer = browser.get(server, path).await;
        // Without these headers, a cache that believes them would keep it too.
        assert!(
            answer.header("cache-control") == "private, no-store" || !answer.text.contains("partner-"),
            "{path}: {:?}",
            answer.headers
        );
        if asset && answer.status == StatusCode::OK {
            self.kept.insert(path.to_owned(), answer.text.clone());
        }
        answer.text
    }
}

#[tokio::test]
async fn w_20_w_21_through_a_cache_that_believes_addresses_nobody_gets_anothers_page() {
    let server = Server::filled().await;
    let mut people = [server.signed_in("partner-ua").await, server.signed_in("partner-dl").await];
    let mut proxy = Proxy { kept: std::collections::HashMap::new() };
    let endings = [
        "",
        ";.css",
        "%3b.css",
        "%3B.js",
        "/x.css",
        "/x.js",
        "%2fx.css",
        "%2Fx.png",
        ".css",
        ".js",
        "%00.css",
        "%5cx.css",
        "%23.css",
        "%3f.css",
        "/..%2fx.css",
        "//x.css",
        "/.css",
        "?x=.css",
        "?.js",
        "%252fx.css",
        "/%2e%2e/x.js",
        "%0d%0a.css",
    ];
    let mut whole = 0;
    for path in [pages("ops", "flights"), reads("ops", "flights")].concat() {
        for ending in endings {
            let address = format!("{path}{ending}");
            let first = proxy.get(&server, &mut people[0], &address).await;
            let second = proxy.get(&server, &mut people[1], &address).await;
            whole += usize::from(first.contains("partner-ua"));
            assert!(!second.contains("partner-ua"), "{address} is another's");
        }
    }
    assert!(whole > 5, "control: pages name who asks: {whole}");
}

#[tokio::test]
async fn w_18_a_proxys_names_and_referers_lead_nowhere() {
    let provider = crate::provider::Provider::start().await;
    let own = [("PENSTOCK_ISSUER", provider.issuer.as_str()), ("PENSTOCK_CLIENT_ID", "penstock")];
    let server = Server::with(&own).await;
    let evil = |method: &str, path: &str| {
        let mut request = http::Request::builder().method(method).uri(path).header("host", "evil.example");
        for name in ["x-forwarded-host", "x-forwarded-server", "x-original-host", "referer", "x-forwarded-for"] {
            request = request.header(name, "https://evil.example/");
        }
        request.header("forwarded", "host=evil.example;proto=https").header("x-forwarded-proto", "https")
    };
    for path in ["/", "/auth/login", "/sign-in", "/datasets?q=1", "/api/v1/me", "/api/docs", "/api/openapi.json"] {
        let answer = server.send(evil("GET", path).body(axum::body::Body::empty()).unwrap()).await;
        let headers = format!("{:?}", answer.headers);
        assert!(!headers.contains("evil.example") && !answer.text.contains("evil.example"), "{path}: {headers}");
    }
    for path in ["/auth/sign-out", "/account/tokens"] {
        let request = evil("POST", path).header("sec-fetch-site", "same-origin");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = server.send(request.body("name=a&days=1".into()).unwrap()).await;
        assert!(answer.header("location").starts_with('/'), "{path}: {:?}", answer.headers);
        assert!(!answer.header("location").starts_with("//"), "{path}: {:?}", answer.headers);
    }
}
