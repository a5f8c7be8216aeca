//! `/api/v1/access`, `/api/v1/discoverable` and their pages: from asking to the end of what was given.

use http::StatusCode;
use serde_json::{Value, json};

use crate::server::{Answer, Browser, Server};

async fn world() -> Server {
    let server = Server::filled().await;
    let folder = server.folder().join("contracts/hr");
    std::fs::create_dir_all(&folder).unwrap();
    let contract = "title = \"Salaries\"\ndescription = \"Who earns what\"\nowner = \"hr@example.com\"\ntags = [\"sealed\"]\n\
                    discoverable = [\"group:partners\"]\n";
    std::fs::write(folder.join("pay.toml"), contract).unwrap();
    server
}

async fn send(server: &Server, who: &Browser, path: &str, body: &Value) -> Answer {
    who.clone().json(server, "POST", path, &body.to_string()).await
}

#[tokio::test]
async fn a_partner_asks_and_a_steward_gives_and_ends() {
    let server = world().await;
    let mut partner = server.signed_in("partner-ua").await;
    let steward = server.signed_in("steward").await;
    let found = partner.get(&server, "/api/v1/discoverable?q=salaries").await;
    assert_eq!(found.status, StatusCode::OK, "{}", found.text);
    let want =
        json!([{ "name": "hr.pay", "title": "Salaries", "description": "Who earns what", "owner": "hr@example.com" }]);
    assert_eq!(found.json(), want);

    let ask = json!({ "purpose": "Audit of the year", "days": 30 });
    let asked = send(&server, &partner, "/api/v1/datasets/hr/pay/access", &ask).await;
    assert_eq!(asked.status, StatusCode::CREATED, "{}", asked.text);
    let id = asked.json()["id"].as_str().unwrap().to_owned();
    let absent = send(&server, &partner, "/api/v1/datasets/hr/nay/access", &ask).await;
    assert_eq!(absent.status, StatusCode::NOT_FOUND);

    let give = json!({ "until": chrono::Utc::now() + chrono::TimeDelta::days(6), "rows": "amount > 1000", "except": ["person"] });
    let path = format!("/api/v1/access/{id}");
    let denied = send(&server, &partner, &format!("{path}/preview"), &give).await;
    assert_eq!(denied.status, StatusCode::NOT_FOUND);
    let preview = send(&server, &steward, &format!("{path}/preview"), &give).await;
    assert_eq!(preview.json()["rows"], json!({ "visible": 1, "total": 1 }), "{}", preview.text);
    let wrong = json!({ "until": give["until"], "rows": "amount >" });
    let wrong = send(&server, &steward, &format!("{path}/preview"), &wrong).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST, "{}", wrong.text);
    assert_eq!(wrong.json()["line"], 1, "{}", wrong.text);
    let granted =
        send(&server, &steward, &format!("{path}/answer"), &json!({ "verdict": "grant", "give": give })).await;
    assert_eq!(granted.json()["state"], "granted", "{}", granted.text);

    let query = json!({ "sql": "select * from hr.pay" });
    let seen = send(&server, &partner, "/api/v1/query", &query).await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.text);
    assert!(seen.text.contains("4711") && !seen.text.contains("canary-person"), "{}", seen.text);
    for page in ["/", "/datasets/hr/pay", "/datasets/hr/pay?tab=access"] {
        let page = partner.get(&server, page).await.text;
        assert!(page.contains("Ask again") && page.contains("in 6 days"), "{page}");
    }
    let end = json!({ "verdict": "end", "reason": "the audit is over" });
    assert_eq!(send(&server, &steward, &format!("{path}/answer"), &end).await.json()["state"], "ended");
    let gone = send(&server, &partner, "/api/v1/query", &query).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND, "{}", gone.text);
    let mine = partner.get(&server, "/api/v1/access").await.json();
    assert_eq!(mine["mine"][0]["answered"]["reason"], "the audit is over");
}

#[tokio::test]
async fn a_08_the_page_of_what_may_be_discovered_tells_nothing_else_of_it() {
    let server = world().await;
    let mut partner = server.signed_in("partner-ua").await;
    let page = partner.get(&server, "/datasets/hr/pay?tab=columns").await;
    assert_eq!(page.status, StatusCode::OK);
    for told in ["Salaries", "Who earns what", "hr@example.com", "You cannot see its data"] {
        assert!(page.text.contains(told), "{told}: {}", page.text);
    }
    for hidden in ["amount", "canary", "sealed", "1 row", "column</", "changed "] {
        assert!(!page.text.contains(hidden), "{hidden}: {}", page.text);
    }
    let catalog = partner.get(&server, "/datasets").await.text;
    assert!(catalog.contains("Salaries") && catalog.contains("may ask for access"), "{catalog}");
    for route in ["", "/rows", "/profile", "/versions"] {
        let there = partner.get(&server, &format!("/api/v1/datasets/hr/pay{route}")).await;
        let absent = partner.get(&server, &format!("/api/v1/datasets/hr/nay{route}")).await;
        assert_eq!((there.status, there.problem().replace("pay", "nay")), (absent.status, absent.problem()), "{route}");
    }
    // The analyst sees it, and finds it as what it is.
    let analyst = server.signed_in("analyst").await.get(&server, "/datasets/hr/pay?tab=columns").await.text;
    assert!(analyst.contains("amount"), "control");
    let owner = server.signed_in("owner-ops").await.get(&server, "/api/v1/discoverable").await;
    assert_eq!(owner.json(), json!([]));
}

#[tokio::test]
async fn the_forms_lead_from_asking_to_the_list() {
    let server = world().await;
    let mut partner = server.signed_in("partner-ua").await;
    let asked = partner.post(&server, "/datasets/hr/pay/access", "purpose=Why+%3Cb%3Enot&days=7&wish=").await;
    assert_eq!((asked.status, asked.header("location")), (StatusCode::SEE_OTHER, "/access"));
    let mut steward = server.signed_in("steward").await;
    assert!(steward.get(&server, "/").await.text.contains("1 access request"));
    let list = steward.get(&server, "/access").await.text;
    assert!(list.contains("partner-ua") && list.contains("Why &lt;b&gt;not"), "{list}");
    let path = list.split("href=\"/access/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let until = (chrono::Utc::now() + chrono::TimeDelta::days(3)).format("%Y-%m-%d");
    let tried = steward.get(&server, &format!("/access/{path}?until={until}&rows=amount+%3E+5000")).await.text;
    assert!(tried.contains("of 1 rows, now") && tried.contains("Give this access"), "{tried}");
    let wrong = steward.get(&server, &format!("/access/{path}?until={until}&rows=amnt+%3E+5000")).await;
    assert_eq!(wrong.status, StatusCode::OK);
    assert!(wrong.text.contains("(line 1, column 1)") && !wrong.text.contains("Give this access"), "{}", wrong.text);
    let refused = steward.post(&server, &format!("/access/{path}/answer"), "verdict=refuse&reason=Not+yours").await;
    assert_eq!(refused.status, StatusCode::SEE_OTHER, "{}", refused.text);
    let mine = partner.get(&server, "/access").await.text;
    assert!(mine.contains("refused") && mine.contains("Not yours"), "{mine}");
    let others = server.signed_in("partner-dl").await.get(&server, &format!("/access/{path}")).await;
    assert_eq!(others.status, StatusCode::NOT_FOUND);
}
