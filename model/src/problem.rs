//! Problem details (RFC 9457): the one form in which the API says no.

use serde::{Deserialize, Serialize};

/// An error as the API sends it, media type `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// `https://penstock.dev/problems/CODE`; an identifier, not necessarily a page.
    #[serde(rename = "type")]
    pub kind: String,
    /// Short, the same for every problem of this code.
    pub title: String,
    pub status: u16,
    /// What is wrong this time and what to do, for a person.
    pub detail: String,
    /// Stable and machine-readable: `not_found`, `invalid_sql`, …
    pub code: String,
    /// 1-based place in the SQL text, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
    /// A proposal such as "did you mean `carrier`?".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Names the request in the server's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}
