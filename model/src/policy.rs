//! The policy document: who may do what on which datasets, rows and columns. Deny by default.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub mod review;
pub mod version;

/// The parsed `policy.toml`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Who administers: sees all arrivals, audit and policy. Written as grantees (`group:stewards`).
    #[serde(default)]
    pub stewards: Vec<String>,
    #[serde(default, rename = "grant")]
    pub grants: Vec<Grant>,
    #[serde(default, rename = "partner")]
    pub partners: Vec<Partner>,
}

/// One `[[partner]]`: people from outside who look after their own accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    /// The group that its people are in.
    pub group: String,
    /// As people call it.
    pub name: String,
    /// Who of its people administers: `user:NAME`.
    #[serde(default)]
    pub admins: Vec<String>,
}

/// One `[[grant]]`.
///
/// A row and a column are visible when one single grant gives both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Grantees: `group:NAME`, `user:NAME` (subject or e-mail), `claim:NAME=VALUE`, `service:NAME`, `*` (everyone signed
    /// in).
    pub to: Vec<String>,
    /// Dataset patterns: `*`, `unit.*`, `unit.begin*`, `unit.dataset`, `tag:NAME`.
    pub on: Vec<String>,
    /// What is granted; reading alone when absent.
    #[serde(default = "read_only")]
    pub may: Vec<Action>,
    /// Row filter: a SQL predicate over the dataset's columns, `claim('name')`, `user()`, `groups()` and look-ups into
    /// other datasets; absent means all rows.
    #[serde(default)]
    pub rows: Option<String>,
    /// Columns included; absent means all.
    #[serde(default)]
    pub columns: Option<Vec<String>>,
    /// Columns left out.
    #[serde(default)]
    pub except: Vec<String>,
    /// Column → mask: `null`, `hash`, `redact`, `last4`, `year`, `bucket(…)`, `constant('…')`, `sql(…)`.
    #[serde(default)]
    pub mask: BTreeMap<String, String>,
    /// First instant at which the grant holds. TOML dates mean midnight UTC.
    #[serde(default)]
    pub from: Option<DateTime<Utc>>,
    /// First instant at which it no longer holds.
    #[serde(default)]
    pub until: Option<DateTime<Utc>>,
    /// Why it was given; for people.
    #[serde(default)]
    pub note: String,
}

/// What a grant allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// See the granted rows and columns.
    Read,
    /// Send files into the dataset and see their reports.
    Upload,
    /// Own the dataset: see every arrival, its quarantine (raw rows) and its contract.
    Own,
}

impl Action {
    /// As the policy names it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Upload => "upload",
            Self::Own => "own",
        }
    }
}

fn read_only() -> Vec<Action> {
    vec![Action::Read]
}
