//! Tokens of people and service accounts for the API. Only a hash is stored; the secret is shown once.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::principal::TokenScope;

/// A request for a token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewToken {
    /// What it is for, 1 to 100 characters.
    pub name: String,
    /// Days until it expires, 1 to 365.
    pub days: u32,
    pub scope: TokenScope,
}

/// A token as its owner sees it later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenSummary {
    pub id: String,
    pub name: String,
    pub scope: TokenScope,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// At most some minutes behind.
    pub last_used_at: Option<DateTime<Utc>>,
    /// The address that it was last used from.
    #[serde(default)]
    pub last_used_from: Option<String>,
}

/// The answer to creating one: the only time the secret is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenSecret {
    #[serde(flatten)]
    pub token: TokenSummary,
    /// Send as `Authorization: Bearer …`.
    pub secret: String,
}
