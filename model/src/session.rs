//! Browser sessions as their owner sees them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One signed-in browser. The secret cookie value is never part of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionSummary {
    /// Public handle for revoking; not the cookie.
    pub id: String,
    pub created_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// Browser and system in words.
    pub agent: String,
    /// The session that asks.
    pub current: bool,
}
