//! The one file that maps errors to HTTP: problem details (RFC 9457) for the API, plain pages for forms.

use std::time::Duration;

use axum::{
    Json,
    extract::rejection::{BytesRejection, FormRejection, JsonRejection, PathRejection, QueryRejection},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use lake::LakeError;
use model::Problem;

mod page;

pub use page::{Page, escape, leave_for, see_other};

pub const MEDIA_TYPE: &str = "application/problem+json";

/// An error of the API. The middleware adds the request's id.
#[derive(Debug)]
pub struct ApiProblem {
    problem: Box<Problem>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Nothing below has audited it.
    denied: bool,
}

/// Why a request was refused, on its way out to where it is audited.
#[derive(Debug, Clone)]
pub struct Denied(pub String);

/// Codes that are not the engine's, each with status and title.
mod code {
    pub const UNAUTHORIZED: &str = "unauthorized";
    pub const CROSS_SITE: &str = "cross_site";
    pub const METHOD: &str = "method_not_allowed";
    pub const MEDIA_TYPE: &str = "unsupported_media_type";
    pub const NOT_ACCEPTABLE: &str = "not_acceptable";
    pub const TOO_LARGE: &str = "too_large";
    pub const MISDIRECTED: &str = "misdirected";
    pub const NOT_READY: &str = "not_ready";
    pub const VERSION: &str = "unsupported_version";
    pub const PRECONDITION: &str = "precondition_failed";
    pub const UNCONDITIONAL: &str = "precondition_required";
}

/// Status and title of a code, the same for every problem that has it.
fn known(code: &str) -> (StatusCode, &'static str) {
    match code {
        "not_found" => (StatusCode::NOT_FOUND, "Not found"),
        "forbidden" => (StatusCode::FORBIDDEN, "Not allowed"),
        "invalid_request" => (StatusCode::BAD_REQUEST, "The request is not valid"),
        "invalid_sql" => (StatusCode::BAD_REQUEST, "The query is not valid"),
        "limit_exceeded" => (StatusCode::UNPROCESSABLE_ENTITY, "A limit was met"),
        "busy" => (StatusCode::TOO_MANY_REQUESTS, "Too many queries"),
        "cancelled" => (StatusCode::CONFLICT, "The query was cancelled"),
        "conflict" => (StatusCode::CONFLICT, "Changed meanwhile"),
        "table_not_written" => (StatusCode::CONFLICT, "The table is not written by Penstock"),
        "configuration" => (StatusCode::UNPROCESSABLE_ENTITY, "A contract or the policy is wrong"),
        "policy_unreadable" => (StatusCode::SERVICE_UNAVAILABLE, "The policy cannot be read"),
        "audit_unavailable" => (StatusCode::SERVICE_UNAVAILABLE, "The audit cannot be written"),
        "store_unavailable" => (StatusCode::SERVICE_UNAVAILABLE, "The store cannot be reached"),
        code::UNAUTHORIZED => (StatusCode::UNAUTHORIZED, "Not signed in"),
        code::CROSS_SITE => (StatusCode::FORBIDDEN, "Sent from another site"),
        code::METHOD => (StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
        code::MEDIA_TYPE => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type"),
        code::NOT_ACCEPTABLE => (StatusCode::NOT_ACCEPTABLE, "No such form"),
        code::TOO_LARGE => (StatusCode::PAYLOAD_TOO_LARGE, "Too large"),
        code::MISDIRECTED => (StatusCode::MISDIRECTED_REQUEST, "Not the name of this server"),
        code::VERSION => (StatusCode::PRECONDITION_FAILED, "Version not supported"),
        code::PRECONDITION => (StatusCode::PRECONDITION_FAILED, "Changed meanwhile"),
        code::UNCONDITIONAL => (StatusCode::PRECONDITION_REQUIRED, "Say what is replaced"),
        code::NOT_READY => (StatusCode::SERVICE_UNAVAILABLE, "Not ready"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong"),
    }
}

impl ApiProblem {
    fn new(code: &str, detail: impl Into<String>) -> Self {
        let (status, title) = known(code);
        let problem = Problem {
            kind: format!("https://penstock.dev/problems/{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            code: code.to_owned(),
            line: None,
            column: None,
            hint: None,
            request_id: None,
        };
        Self { problem: Box::new(problem), headers: Vec::new(), denied: false }
    }

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    #[must_use]
    pub fn unauthorized() -> Self {
        let how = "sign in, or send a personal token as Authorization: Bearer pk_…";
        Self::new(code::UNAUTHORIZED, how)
            .with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"penstock\""))
    }

    /// A token that is unknown, expired or revoked: one answer for all.
    #[must_use]
    pub fn invalid_token() -> Self {
        let value = HeaderValue::from_static("Bearer realm=\"penstock\", error=\"invalid_token\"");
        Self::new(code::UNAUTHORIZED, "this token does not hold (any more)").with(header::WWW_AUTHENTICATE, value)
    }

    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new("forbidden", detail)
    }

    /// As [`forbidden`](Self::forbidden), for what is refused before the lake is asked.
    #[must_use]
    pub fn denied(detail: impl Into<String>) -> Self {
        Self { denied: true, ..Self::forbidden(detail) }
    }

    #[must_use]
    pub fn cross_site() -> Self {
        Self::new(code::CROSS_SITE, "changes are taken from pages of this server only; API clients send a token")
    }

    #[must_use]
    pub fn misdirected() -> Self {
        Self::new(code::MISDIRECTED, "use the address that this server is known by; the demo answers on localhost only")
    }

    #[must_use]
    pub fn no_route() -> Self {
        Self::new("not_found", "the API has no such address; /api/docs lists them")
    }

    #[must_use]
    pub fn method() -> Self {
        Self::new(code::METHOD, "this address does not take this method; /api/docs lists what it takes")
    }

    #[must_use]
    pub fn media_type(detail: impl Into<String>) -> Self {
        Self::new(code::MEDIA_TYPE, detail)
    }

    #[must_use]
    pub fn not_acceptable(detail: impl Into<String>) -> Self {
        Self::new(code::NOT_ACCEPTABLE, detail)
    }

    #[must_use]
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(code::TOO_LARGE, detail)
    }

    #[must_use]
    pub fn version(detail: impl Into<String>) -> Self {
        Self::new(code::VERSION, detail)
    }

    /// What `If-Match` names is not there any more.
    #[must_use]
    pub fn precondition(detail: impl Into<String>) -> Self {
        Self::new(code::PRECONDITION, detail)
    }

    #[must_use]
    pub fn unconditional() -> Self {
        Self::new(code::UNCONDITIONAL, "send If-Match with the ETag of what you began with, so that nothing is lost")
    }

    #[must_use]
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new("invalid_request", detail)
    }

    /// Too many files are under way.
    #[must_use]
    pub fn full(retry_after: Duration) -> Self {
        let seconds = retry_after.as_secs().max(1);
        Self::new("busy", format!("too many files are being read; try again in {seconds} s"))
            .with(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    #[must_use]
    pub fn not_ready() -> Self {
        Self::new(code::NOT_READY, "the server is starting or cannot reach its store")
            .with(header::RETRY_AFTER, HeaderValue::from_static("5"))
    }

    #[must_use]
    pub fn panicked() -> Self {
        Self::new("internal", "something went wrong on our side; the log has the details under this request's id")
    }

    /// What went wrong, for a person.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.problem.detail
    }

    #[must_use]
    pub fn status(&self) -> StatusCode {
        known(&self.problem.code).0
    }
}

impl From<LakeError> for ApiProblem {
    fn from(e: LakeError) -> Self {
        match &e {
            LakeError::Internal { detail, source } => {
                tracing::error!(%detail, source = source.as_ref().map(|s| s.to_string()), "internal error");
            }
            LakeError::Store { source } => tracing::error!(%source, "the store failed"),
            LakeError::Config { message } => tracing::error!(%message, "configuration"),
            _ => {}
        }
        let mut made = Self::new(e.code(), e.to_string());
        match e {
            LakeError::InvalidSql { line, column, hint, .. } => {
                made.problem.line = line;
                made.problem.column = column;
                made.problem.hint = hint;
                made
            }
            LakeError::Busy { retry_after } => {
                made.with(header::RETRY_AFTER, HeaderValue::from(retry_after.as_secs().max(1)))
            }
            LakeError::Store { .. } | LakeError::Unaudited => {
                made.with(header::RETRY_AFTER, HeaderValue::from_static("5"))
            }
            _ => made,
        }
    }
}

impl From<QueryRejection> for ApiProblem {
    fn from(e: QueryRejection) -> Self {
        Self::invalid(e.body_text())
    }
}

impl From<PathRejection> for ApiProblem {
    fn from(_: PathRejection) -> Self {
        Self::no_route()
    }
}

impl From<JsonRejection> for ApiProblem {
    fn from(e: JsonRejection) -> Self {
        match e {
            JsonRejection::MissingJsonContentType(_) => {
                Self::media_type("send the body as JSON, with Content-Type: application/json")
            }
            JsonRejection::BytesRejection(e) => e.into(),
            e => Self::invalid(e.body_text()),
        }
    }
}

impl From<BytesRejection> for ApiProblem {
    fn from(e: BytesRejection) -> Self {
        if e.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Self::too_large("the body is larger than this address takes")
        } else {
            Self::invalid("the body could not be read")
        }
    }
}

impl From<FormRejection> for ApiProblem {
    fn from(e: FormRejection) -> Self {
        Self::invalid(e.body_text())
    }
}

impl IntoResponse for ApiProblem {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut answer = (status, Json(&*self.problem)).into_response();
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        answer.headers_mut().extend(self.headers);
        if self.denied {
            answer.extensions_mut().insert(Denied(self.problem.detail.clone()));
        }
        answer.extensions_mut().insert(Unfinished(self.problem));
        answer
    }
}

/// A problem on its way out, to which the request's id is added.
#[derive(Debug, Clone)]
pub struct Unfinished(pub Box<Problem>);

impl Unfinished {
    /// The body with the request's id.
    #[must_use]
    pub fn body(mut self, request_id: &str) -> Vec<u8> {
        self.0.request_id = Some(request_id.to_owned());
        serde_json::to_vec(&self.0).unwrap_or_default()
    }

    /// The same for a person who sent a form; `back` is where it stood.
    #[must_use]
    pub fn page(self, back: Option<String>) -> Page {
        Page::of(*self.0, back)
    }
}

/// Whether the answer is for a browser that shows it as a page.
#[must_use]
pub fn prefers_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    accept.split(',').next().is_some_and(|first| first.trim().starts_with("text/html"))
}

/// A page as HTML with its status.
pub(crate) fn html(status: StatusCode, text: String) -> Response {
    (status, Html(text)).into_response()
}
