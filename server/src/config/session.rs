//! How long a sign-in lasts.

use chrono::TimeDelta;
use serde::Deserialize;

/// Lifetimes of browser sessions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionSettings {
    /// Minutes without a request after which a session ends; `PENSTOCK_SESSION_IDLE_MINUTES`.
    pub idle_minutes: u32,
    /// Hours after which a session ends in any case; `PENSTOCK_SESSION_HOURS`.
    pub absolute_hours: u32,
    /// Seconds that a session or token, once read, is trusted; so long may a revocation take.
    /// `PENSTOCK_SESSION_CACHE_SECONDS`, at most 5.
    pub cache_seconds: u32,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self { idle_minutes: 8 * 60, absolute_hours: 12, cache_seconds: 3 }
    }
}

impl SessionSettings {
    #[must_use]
    pub fn idle(&self) -> TimeDelta {
        TimeDelta::minutes(self.idle_minutes.max(1).into())
    }

    #[must_use]
    pub fn absolute(&self) -> TimeDelta {
        TimeDelta::hours(self.absolute_hours.max(1).into())
    }

    #[must_use]
    pub fn cache(&self) -> std::time::Duration {
        std::time::Duration::from_secs(self.cache_seconds.min(5).into())
    }
}
