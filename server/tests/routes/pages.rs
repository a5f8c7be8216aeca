//! Pages: who is signed out is led to the sign-in page and back.

use axum::body::Body;
use http::{StatusCode, header};

use crate::server::{Browser, Server};

const PAGES: [&str; 7] =
    ["/", "/datasets", "/datasets/ops/flights?tab=data", "/sql?sql=select+1", "/arrivals", "/account", "/accounts"];

#[tokio::test]
async fn signed_out_pages_lead_to_sign_in_and_remember_where() {
    let server = Server::empty().await;
    for path in PAGES {
        let answer = Browser::default().get(&server, path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        let to = answer.header("location");
        if path == "/" {
            assert_eq!(to, "/sign-in");
        } else {
            let back = url::form_urlencoded::parse(to.split_once('?').unwrap().1.as_bytes()).next().unwrap();
            assert_eq!((back.0.as_ref(), back.1.as_ref()), ("return_to", path));
        }
    }
}

#[tokio::test]
async fn unknown_addresses_are_404_for_who_is_signed_in_and_unknown_to_others() {
    let server = Server::empty().await;
    let answer = server.signed_in("analyst").await.get(&server, "/no/such/page").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.header("content-type").starts_with("text/html"));
    let answer = Browser::default().get(&server, "/no/such/page").await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::SEE_OTHER, "/sign-in?return_to=%2Fno%2Fsuch%2Fpage")
    );
}

#[tokio::test]
async fn a_form_that_the_api_refuses_is_answered_by_a_page_with_the_way_back() {
    let server = Server::empty().await;
    let mut browser = server.signed_in("owner-ops").await;
    for (accept, page) in [("text/html,application/xhtml+xml", true), ("application/json", false)] {
        let request = browser
            .request("POST", "/api/v1/ingests/00000000/decision")
            .header("sec-fetch-site", "same-origin")
            .header(header::ACCEPT, accept)
            .header(header::REFERER, "http://127.0.0.1:3000//arrivals/\"><b>?a=1")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from("verdict=land"))
            .unwrap();
        let answer = browser.send(&server, request).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text);
        assert!(!answer.header("x-request-id").is_empty() && !answer.text.contains("<b>"), "{}", answer.text);
        if page {
            assert!(answer.header("content-type").starts_with("text/html"), "{}", answer.text);
            assert!(answer.header("content-security-policy").contains("nonce-"), "{:?}", answer.headers);
            assert!(answer.text.contains("href=\"/arrivals/") && answer.text.contains("Go back"), "{}", answer.text);
        } else {
            assert_eq!(answer.problem(), "not_found");
        }
    }
}

#[tokio::test]
async fn pages_render_for_everyone_who_is_signed_in() {
    let server = Server::filled().await;
    for name in crate::server::PEOPLE {
        let mut browser = server.signed_in(name).await;
        for path in PAGES {
            let answer = browser.get(&server, path).await;
            assert_eq!(answer.status, StatusCode::OK, "{name} {path}: {}", answer.text);
            assert!(!answer.text.contains("canary") || !name.starts_with("partner"), "{name} {path}");
        }
    }
}

#[tokio::test]
async fn a_08_a_hidden_dataset_has_the_page_of_an_absent_one() {
    let server = Server::filled().await;
    let mut partner = server.signed_in("partner-ua").await;
    let hidden = partner.get(&server, "/datasets/hr/pay").await;
    let absent = partner.get(&server, "/datasets/hr/nay").await;
    assert_eq!((hidden.status, absent.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
    assert!(!hidden.text.contains("canary"));
}

#[tokio::test]
async fn a_file_that_belongs_to_no_dataset_is_shown_to_stewards() {
    let server = Server::filled().await;
    std::fs::write(server.folder().join("landing/ops/lost.csv"), "a\n1\n").unwrap();
    let steward = server.signed_in("steward").await.get(&server, "/arrivals").await;
    assert!(steward.text.contains("landing/ops/lost.csv") && steward.text.contains("one folder down"));
    let owner = server.signed_in("owner-ops").await.get(&server, "/arrivals").await;
    assert!(!owner.text.contains("lost.csv"));
}

#[tokio::test]
async fn a_chart_is_a_file_for_whoever_may_see_its_answer() {
    let server = Server::filled().await;
    let mut partner = server.signed_in("partner-ua").await;
    let asked = "/sql?view=chart&sql=select+distance,+flight+from+ops.flights+order+by+distance";
    let page = partner.get(&server, asked).await.text;
    let link = page.split("href=\"/sql/chart?").nth(1).and_then(|rest| rest.split('"').next());
    let link = format!("/sql/chart?{}", link.unwrap_or_else(|| panic!("{page}")).replace("&amp;", "&"));
    let file = partner.get(&server, &link).await;
    assert_eq!((file.status, file.header("content-type")), (StatusCode::OK, "image/svg+xml"), "{}", file.text);
    assert!(file.header("content-disposition").starts_with("attachment; filename=\"penstock-"));
    assert!(file.text.starts_with("<svg") && file.text.contains("flight by distance"), "{}", file.text);
    let other = server.signed_in("partner-dl").await.get(&server, &link).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND, "{}", other.text);
    let nobody = Browser::default().get(&server, &link).await;
    assert_eq!(nobody.status, StatusCode::SEE_OTHER, "{}", nobody.text);
    let unnamed = partner.get(&server, "/sql/chart").await;
    assert!(unnamed.status.is_client_error(), "{}", unnamed.text);
}

#[tokio::test]
async fn w_22_a_query_in_the_address_stays_text() {
    let server = Server::empty().await;
    let mut browser = server.signed_in("analyst").await;
    let sql = "select 1 -- </textarea></title><meta http-equiv=\"refresh\"><h1>&amp;";
    let path =
        format!("/sql?{}", url::form_urlencoded::Serializer::new(String::new()).append_pair("sql", sql).finish());
    let answer = browser.get(&server, &path).await;
    assert_eq!(answer.status, StatusCode::OK);
    for markup in ["-- </textarea>", "<meta http-equiv=\"refresh\"", "<h1>&amp;"] {
        assert!(!answer.text.contains(markup), "{markup}");
    }
    assert!(answer.text.contains("-- &lt;/textarea>") && answer.text.contains("&lt;h1>&amp;amp;"));
}
