//! What a text would change if it became the policy; for stewards.

use serde::{Deserialize, Serialize};

use super::version::TextLine;
use crate::{AccessNote, Action, DatasetName};

/// All that is to be known of a text before it is published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyReview {
    /// SHA-256 of the text, in lower-case hex.
    pub sha256: String,
    /// SHA-256 of the policy that it was compared with.
    pub base: String,
    /// In the order of the text.
    pub findings: Vec<PolicyFinding>,
    pub tests: Vec<PolicyTestResult>,
    /// The lines that differ from the policy that holds.
    pub difference: Vec<TextLine>,
    /// Who gains and who loses; absent when the text cannot be read, and then it cannot be published.
    pub effect: Option<PolicyEffect>,
    /// What publishing it needs to be told to accept.
    pub doubts: Vec<Doubt>,
}

/// Something wrong, or worth a look, in a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyFinding {
    /// 1-based.
    pub line: u64,
    /// 1-based.
    pub column: u64,
    /// Otherwise a warning.
    pub error: bool,
    /// What is wrong and the cure.
    pub message: String,
}

/// How one of the policy's own tests went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyTestResult {
    /// 1-based line of `[[test]]`.
    pub line: u64,
    /// As whom, and what is asked.
    pub what: String,
    /// Expected against got, when they differ.
    pub failed: Option<String>,
}

/// Why a policy should not be published without a second thought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// The check found errors: some grants give nothing.
    Errors,
    /// Tests of the policy do not hold.
    Tests,
    /// Who publishes it would be no steward any more.
    OwnRight,
}

impl Doubt {
    pub const ALL: [Self; 3] = [Self::Errors, Self::Tests, Self::OwnRight];

    /// As the API names it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::Tests => "tests",
            Self::OwnRight => "own_right",
        }
    }

    /// What it means, as a sentence.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Errors => "The policy has errors, and what they are about gives nothing.",
            Self::Tests => "Tests of the policy do not hold.",
            Self::OwnRight => "You would be no steward any more, and could not publish again.",
        }
    }
}

/// Who gains and who loses.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyEffect {
    pub changes: Vec<AccessChange>,
    /// Who becomes a steward, and who is one no more.
    pub stewards: Vec<StewardChange>,
    /// People, and groups, claims and users of grants, that were looked at.
    pub people: u64,
    /// Datasets that were looked at for each.
    pub datasets: u64,
    /// What was not looked at or not counted, as sentences.
    pub left_out: Vec<String>,
}

/// What changes for somebody on one dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccessChange {
    /// A person who has signed in, or whom a grant names: `anyone in group partners`.
    pub who: String,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub dataset: DatasetName,
    pub turn: Turn,
    /// What may be done before; nothing when empty.
    pub may_before: Vec<Action>,
    pub may_after: Vec<Action>,
    /// Absent when nothing is seen.
    pub before: Option<AccessNote>,
    /// Absent when nothing would be seen.
    pub after: Option<AccessNote>,
    /// Absent when nothing of what is seen changes, and when they were not counted.
    pub rows: Option<RowsChange>,
    /// Columns that show otherwise, in table order.
    pub columns: Vec<ShownChange>,
}

/// Rows that are seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RowsChange {
    pub before: u64,
    pub after: u64,
    /// All there are.
    pub total: u64,
}

/// How one column shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShownChange {
    pub name: String,
    /// `seen`, `hidden`, or the mask in words.
    pub before: String,
    pub after: String,
}

/// Which way access turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Turn {
    /// From nothing to something.
    Gains,
    /// From something to nothing.
    Loses,
    More,
    Less,
    /// Neither: other rows, another mask, another right.
    Other,
}

/// Somebody who becomes a steward, or is one no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StewardChange {
    pub who: String,
    pub becomes: bool,
}
