//! The router in process, and what a browser keeps between two requests.

use std::collections::BTreeMap;

use axum::{Router, body::Body};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use lake::Lake;
use serde_json::Value;
use server::{
    config::{Config, Environment},
    router::router,
    site::Site,
    state::AppState,
};
use tower::ServiceExt as _;

pub const ORIGIN: &str = "http://127.0.0.1:3000";
/// Everybody whom tests sign in, strangers included.
pub const PEOPLE: [&str; 5] = ["steward", "analyst", "owner-ops", "partner-ua", "partner-dl"];

pub struct Server {
    pub router: Router,
    pub lake: Lake,
    folder: tempfile::TempDir,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

/// A browser: keeps cookies, sends what browsers send.
#[derive(Debug, Clone, Default)]
pub struct Browser {
    pub cookies: BTreeMap<String, String>,
}

impl Server {
    /// The demo over an empty lake with a policy.
    pub async fn empty() -> Self {
        Self::with(&[]).await
    }

    /// The demo over the small lake, ingested.
    pub async fn filled() -> Self {
        let server = Self::with(&[]).await;
        let reports = server.lake.ingest_landing().await.unwrap();
        assert_eq!(reports.len(), 3, "{reports:?}");
        server
    }

    /// Where the lake lies.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// With settings as `PENSTOCK_…` variables.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        crate::lake_of_two_units::write(folder.path());
        let none = folder.path().join("none.toml");
        std::fs::write(&none, "").unwrap();
        let environment: Environment = settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let mut config = Config::read(Some(&none), &environment).unwrap();
        config.lake.location = Some(folder.path().to_string_lossy().into_owned());
        config.check().unwrap();
        let lake = Lake::open(config.lake.engine(&config.limits).unwrap()).await.unwrap();
        let site = Site::find(&config).unwrap();
        let state = AppState::new(config, lake.clone(), site).await.unwrap();
        Self { router: router(&state), lake, folder }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// A browser in which this demo person is signed in.
    pub async fn signed_in(&self, name: &str) -> Browser {
        let mut browser = Browser::default();
        let answer = browser.post(self, "/auth/demo", &format!("as={name}")).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        browser
    }

    /// A token of this demo person that may do everything.
    pub async fn token(&self, name: &str) -> String {
        let mut browser = self.signed_in(name).await;
        let body = r#"{"name":"test","days":1,"scope":{"actions":["read","upload","own"]}}"#;
        let answer = browser.json(self, "POST", "/api/v1/tokens", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        answer.json()["secret"].as_str().unwrap().to_owned()
    }

    /// With a token, as a program asks.
    pub async fn api(&self, token: &str, method: &str, path: &str, body: Option<&str>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, "127.0.0.1:3000");
        if !token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        self.send(request.body(Body::from(body.unwrap_or_default().to_owned())).unwrap()).await
    }
}

impl Browser {
    pub async fn get(&mut self, server: &Server, path: &str) -> Answer {
        self.send(server, self.request("GET", path).body(Body::empty()).unwrap()).await
    }

    /// A form of our own pages.
    pub async fn post(&mut self, server: &Server, path: &str, form: &str) -> Answer {
        let request = self.request("POST", path).header("sec-fetch-site", "same-origin").header(header::ORIGIN, ORIGIN);
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(server, request.body(Body::from(form.to_owned())).unwrap()).await
    }

    /// What an island sends.
    pub async fn json(&mut self, server: &Server, method: &str, path: &str, body: &str) -> Answer {
        let request = self.request(method, path).header("sec-fetch-site", "same-origin").header(header::ORIGIN, ORIGIN);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.send(server, request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, "127.0.0.1:3000");
        request = request.header(header::USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0");
        if !self.cookies.is_empty() {
            let all: Vec<String> = self.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
            request = request.header(header::COOKIE, all.join("; "));
        }
        request
    }

    pub async fn send(&mut self, server: &Server, request: Request<Body>) -> Answer {
        let answer = server.send(request).await;
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (pair, rest) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    /// The problem's code, after checking that it is a whole problem.
    pub fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let body = self.json();
        assert_eq!(body["status"], self.status.as_u16(), "{}", self.text);
        assert_eq!(body["request_id"], self.header("x-request-id"), "{}", self.text);
        body["code"].as_str().unwrap().to_owned()
    }
}
