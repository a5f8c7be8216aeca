//! What was published as the policy, and what holds now; for stewards.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::review::Doubt;

/// The policy as it stands in the lake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyText {
    /// `policy.toml`; empty when there is none.
    pub text: String,
    /// SHA-256 of the text, in lower-case hex.
    pub sha256: String,
    /// The version that it is; absent when nothing was published so far, and when the text was changed otherwise.
    pub version: Option<u64>,
    /// The newest version that took effect.
    pub newest: Option<u64>,
    /// A version that was to take effect and has not: its publication is under way, or broke off.
    pub unfinished: Option<u64>,
}

impl PolicyText {
    /// Bytes of a text that is published, at most.
    pub const MOST_BYTES: usize = 256 << 10;

    /// Whether somebody changed `policy.toml` without publishing it here.
    #[must_use]
    pub fn is_changed_by_hand(&self) -> bool {
        self.version.is_none() && self.newest.is_some()
    }
}

/// One version of the policy, without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyVersion {
    /// Counted from 1.
    pub version: u64,
    pub published_at: DateTime<Utc>,
    /// Who published it; absent for a text that was found in `policy.toml`.
    pub by: Option<String>,
    pub note: String,
    /// SHA-256 of the text, in lower-case hex.
    pub sha256: String,
    /// SHA-256 of the text that it took the place of.
    pub replaced: String,
    /// The earlier version that was published again.
    pub restores: Option<u64>,
    pub state: PolicyVersionState,
}

/// What became of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PolicyVersionState {
    /// Its publication is under way, or broke off before it could be confirmed.
    Begun,
    /// It took effect.
    Published,
    /// It never took effect: `policy.toml` was changed in the moment of its publication.
    GivenUp,
}

/// One version with its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyVersionDetail {
    #[serde(flatten)]
    pub version: PolicyVersion,
    pub text: String,
    /// Against the version before that took effect.
    pub difference: Vec<TextLine>,
}

/// Some versions, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyVersions {
    pub items: Vec<PolicyVersion>,
    /// The version before which there are more.
    pub before: Option<u64>,
}

/// A line of the difference between two texts. Lines that both have are there where something near them differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TextLine {
    /// Its number in the text before, from 1; absent when it is new.
    pub before: Option<u64>,
    /// Its number in the text after, from 1; absent when it is gone.
    pub after: Option<u64>,
    pub text: String,
}

/// A text that is to become the policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PublishPolicy {
    /// `policy.toml`, at most 256 KiB.
    pub text: String,
    /// Why, for people; at most 1000 bytes.
    #[serde(default)]
    pub note: String,
    /// The earlier version that this is the text of.
    #[serde(default)]
    pub restores: Option<u64>,
    /// Doubts of the review that are no reason to leave it.
    #[serde(default)]
    pub accept: Vec<Doubt>,
}

impl PublishPolicy {
    /// Bytes of a note.
    pub const NOTE_BYTES: usize = 1000;
}
