//! Who asks: the identity that every method of the engine takes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Network;

/// An authenticated person or service, as its provider described it at sign-in.
///
/// Identity is issuer and subject; name and e-mail are for display.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Principal {
    pub issuer: String,
    pub subject: String,
    /// Short name for people: the user name, or the e-mail's local part.
    pub name: String,
    #[serde(default)]
    pub email: Option<String>,
    /// `None` when the provider sent no groups claim at all, which denies: it is not the empty set.
    pub groups: Option<BTreeSet<String>>,
    /// Other claims that row filters may use, each with its values.
    #[serde(default)]
    pub claims: BTreeMap<String, Vec<String>>,
    /// Set when a personal token narrows what its holder may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<TokenScope>,
    /// How this request of the principal came. Nothing is decided by it, and it is kept nowhere but in the audit.
    #[serde(skip)]
    pub origin: Origin,
}

/// How a request came, for the audit. Travels with the principal, so that work which goes on in tasks of its own still
/// knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// `session ID`, `token ID`, `command line`; empty when it is not known.
    pub via: String,
    /// Id of the request.
    pub request: Option<String>,
    /// The address that the request came from: the connection's, or what a trusted proxy says.
    pub address: Option<String>,
    /// The steward who asks, where the principal is somebody as whom they look at the portal.
    pub viewing: Option<Viewing>,
}

/// A steward who looks at the portal as somebody else. What they do is audited as theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewing {
    /// [`Principal::key`] of the steward.
    pub key: String,
    pub name: String,
    pub email: Option<String>,
    /// The issuer of the identity as whom they look, whose own the principal's is not.
    pub issuer: String,
    /// When it ends by itself.
    pub until: DateTime<Utc>,
}

fn key_of(issuer: &str, subject: &str) -> String {
    format!("{}:{issuer}{subject}", issuer.len())
}

/// What a token may do, never more than its owner may.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenScope {
    /// Actions allowed: `read`, `upload`, `own`; `notify` announces files and shows nothing.
    pub actions: BTreeSet<String>,
    /// Dataset patterns (`*`, `ops.*`, `ops.flights`); empty means all that the owner may.
    #[serde(default)]
    pub datasets: Vec<String>,
    /// Networks that it may be used from (`10.0.0.0/8`, `2001:db8::/32`, one address); empty means anywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub networks: Vec<Network>,
}

/// The issuer of service accounts; no provider can have it, since it is not an address.
pub const SERVICE: &str = "service";

impl Principal {
    /// A service account of this name. Its subject is what grants call it, and nobody's whom a provider describes.
    #[must_use]
    pub fn service(name: &str, groups: BTreeSet<String>, claims: BTreeMap<String, Vec<String>>) -> Self {
        let subject = format!("{SERVICE}:{name}");
        Self {
            issuer: SERVICE.to_owned(),
            name: subject.clone(),
            subject,
            email: None,
            groups: Some(groups),
            claims,
            scope: None,
            origin: Origin::default(),
        }
    }

    /// Whether a program acts under its own name, and no person.
    #[must_use]
    pub fn is_service(&self) -> bool {
        self.issuer_for_policy() == SERVICE
    }

    /// Whose grants count: its own, in a view those of whom it shows.
    fn issuer_for_policy(&self) -> &str {
        self.origin.viewing.as_ref().map_or(&self.issuer, |viewing| &viewing.issuer)
    }

    /// Whether this key, as [`Principal::key`] makes it, is of the identity that grants are given to; in a view that of
    /// whom it shows.
    #[must_use]
    pub fn receives_as(&self, key: &str) -> bool {
        key_of(self.issuer_for_policy(), &self.subject) == key
    }

    /// The stable key of this identity: issuer and subject, length-prefixed so that no two can collide.
    #[must_use]
    pub fn key(&self) -> String {
        key_of(&self.issuer, &self.subject)
    }

    #[must_use]
    pub fn in_group(&self, group: &str) -> bool {
        self.groups.as_ref().is_some_and(|g| g.contains(group))
    }

    /// By what people know this person, of those that `user:NAME` in a policy matches: the e-mail, else the subject.
    #[must_use]
    pub fn known_as(&self) -> &str {
        self.email.as_deref().unwrap_or(&self.subject)
    }

    /// The values of `name`, or `None` when the provider did not send it.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&[String]> {
        self.claims.get(name).map(Vec::as_slice)
    }
}
