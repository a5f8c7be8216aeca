//! Plain pages for what goes wrong outside the web app: a form, a sign-in, a panic. No script; one style with a nonce.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use lake::LakeError;
use model::Problem;

use super::{ApiProblem, Denied};

/// A page that says what went wrong and where to go on.
#[derive(Debug)]
pub struct Page {
    status: StatusCode,
    title: String,
    text: String,
    /// Where the person came from, on this server.
    back: Option<String>,
    /// Nothing below has audited it.
    denied: bool,
}

impl Page {
    fn new(status: StatusCode, title: &str, text: impl Into<String>) -> Self {
        Self { status, title: title.to_owned(), text: text.into(), back: None, denied: false }
    }

    /// A problem of the API, for a person.
    pub(super) fn of(problem: Problem, back: Option<String>) -> Self {
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut letters = problem.detail.chars();
        let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
        let hint = problem.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        Self { back, ..Self::new(status, &problem.title, format!("{first}{}{hint}", letters.as_str())) }
    }

    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Page not found", "There is nothing at this address.")
    }

    #[must_use]
    pub fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "That did not work", text)
    }

    /// For what is refused before the lake is asked.
    #[must_use]
    pub fn denied(text: impl Into<String>) -> Self {
        Self { denied: true, ..Self::new(StatusCode::FORBIDDEN, "That did not work", text) }
    }

    #[must_use]
    pub fn cross_site() -> Self {
        let text = "This form was sent from another site. Open the page here and send it again.";
        Self::new(StatusCode::FORBIDDEN, "That did not work", text)
    }

    #[must_use]
    pub fn misdirected() -> Self {
        let text = "The demo answers on this machine only: open http://localhost or http://127.0.0.1 with its port.";
        Self::new(StatusCode::MISDIRECTED_REQUEST, "Not the name of this server", text)
    }

    #[must_use]
    pub fn busy() -> Self {
        let text = "Several of your files are being read already. Wait a moment and send this one again.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many at once", text)
    }

    #[must_use]
    pub fn method() -> Self {
        let text = "This address does not take that kind of request.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "That did not work", text)
    }

    #[must_use]
    pub fn panicked(request_id: &str) -> Self {
        let text = format!("Something went wrong on our side. If it happens again, tell us this number: {request_id}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong", text)
    }
}

impl From<LakeError> for Page {
    fn from(e: LakeError) -> Self {
        let problem = ApiProblem::from(e);
        let title = match problem.status() {
            StatusCode::NOT_FOUND => "Not found",
            s if s.is_server_error() => "Something went wrong",
            _ => "That did not work",
        };
        Self::new(problem.status(), title, problem.problem.detail)
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let nonce = nonce();
        let (title, text) = (escape(&self.title), escape(&self.text));
        let back = self.back.map(|to| format!("<p><a href=\"{}\">Go back</a></p>", escape(&to))).unwrap_or_default();
        let body = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} · Penstock</title>\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <style nonce=\"{nonce}\">:root{{color-scheme:light dark}}\
             body{{font:1rem/1.6 system-ui,sans-serif;max-width:34rem;margin:18vh auto 0;padding:0 1.5rem}}\
             h1{{font-size:1.5rem;line-height:1.3}}</style></head>\
             <body><main><h1>{title}</h1><p>{text}</p>{back}<p><a href=\"/\">Go to the start page</a></p></main></body></html>"
        );
        let mut answer = super::html(self.status, body);
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, crate::middleware::headers::policy(&nonce));
        if self.denied {
            answer.extensions_mut().insert(Denied(self.text));
        }
        answer
    }
}

/// A page that goes on to another server by itself.
#[must_use]
pub fn leave_for(to: &str) -> Response {
    let to = escape(to);
    let body = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Signing out · Penstock</title>\
         <meta http-equiv=\"refresh\" content=\"0;url={to}\"></head>\
         <body><p>You are signed out here. <a href=\"{to}\">Sign out of your account as well</a></p></body></html>"
    );
    let mut answer = super::html(StatusCode::OK, body);
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, crate::middleware::headers::policy(&nonce()));
    // The provider must not learn from which page someone comes.
    answer.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    answer
}

/// `303 See Other`. `to` is an address of ours or of the provider.
#[must_use]
pub fn see_other(to: &str) -> Response {
    let to = HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}

/// Text that HTML shows as it is.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

fn nonce() -> String {
    STANDARD.encode(rand::random::<[u8; 16]>())
}
