//! Accounts as those see them who look after them: people who have signed in, and service accounts.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Principal, SessionSummary, TokenSummary};

/// A request for a service account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewServiceAccount {
    /// 1 to 40 of `a-z`, `0-9` and `-`, beginning with a letter. The account of a partner is called `GROUP/NAME`.
    pub name: String,
    /// What it is for, up to 300 characters.
    #[serde(default)]
    pub description: String,
    /// Group of the partner whose it is; needed of whoever administers several partners.
    #[serde(default)]
    pub partner: Option<String>,
    /// The groups that it is in.
    #[serde(default)]
    pub groups: BTreeSet<String>,
    /// Claims that it acts with, each with its values.
    #[serde(default)]
    pub claims: BTreeMap<String, Vec<String>>,
    /// Subjects or e-mails of those who see it and its tokens beside its administrators; empty means its maker.
    #[serde(default)]
    pub owners: Vec<String>,
}

/// What makes an account that of a program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Service {
    #[serde(default)]
    pub description: String,
    /// Group of the partner whose it is.
    #[serde(default)]
    pub partner: Option<String>,
    /// Subjects or e-mails.
    #[serde(default)]
    pub owners: Vec<String>,
    /// Name of whoever made it.
    pub made_by: String,
    pub made_at: DateTime<Utc>,
    /// While it is, none of its tokens holds.
    #[serde(default)]
    pub disabled: bool,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Account {
    /// For addresses; tells nothing about the account.
    pub id: String,
    /// As the provider described a person at the last sign-in; what a service account acts as.
    pub who: Principal,
    /// Absent for a person.
    pub service: Option<Service>,
}

/// One account with what acts for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountDetail {
    #[serde(flatten)]
    pub account: Account,
    pub sessions: Vec<SessionSummary>,
    pub tokens: Vec<TokenSummary>,
    /// Whether the asker may end these, and change the account.
    pub may_change: bool,
}

/// The accounts that somebody looks after or owns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Accounts {
    pub all: Vec<Account>,
    /// Every account is looked after: the asker is a steward.
    pub steward: bool,
    /// Groups of the partners whose accounts are looked after.
    pub partners: Vec<String>,
}

/// Whether a service account works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AccountChange {
    pub disabled: bool,
}
