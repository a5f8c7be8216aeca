//! Whom a grant is for and which datasets it covers.

use model::{DatasetName, Principal, UnitName};

/// Who receives a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Grantee {
    /// Everyone who is signed in and whose provider sent groups.
    Everyone,
    Group(String),
    /// Subject or e-mail.
    User(String),
}

/// Which datasets a grant is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pattern {
    All,
    Unit(UnitName),
    One(DatasetName),
}

impl Grantee {
    pub fn parse(s: &str) -> Result<Self, String> {
        let named = |name: &str| (!name.trim().is_empty()).then(|| name.to_owned());
        let known = match s.split_once(':') {
            None if s == "*" => Some(Self::Everyone),
            Some(("group", name)) => named(name).map(Self::Group),
            Some(("user", name)) => named(name).map(Self::User),
            _ => None,
        };
        known.ok_or_else(|| format!("`{s}` names nobody: write `group:{s}`, `user:{s}` or `*`"))
    }

    pub fn is(&self, who: &Principal) -> bool {
        match self {
            Self::Everyone => true,
            Self::Group(group) => who.in_group(group),
            Self::User(name) => {
                who.subject == *name || who.email.as_ref().is_some_and(|e| e.eq_ignore_ascii_case(name))
            }
        }
    }
}

impl Pattern {
    pub fn parse(s: &str) -> Result<Self, String> {
        if s == "*" {
            return Ok(Self::All);
        }
        if let Some(unit) = s.strip_suffix(".*") {
            return UnitName::new(unit).map(Self::Unit).map_err(|e| e.to_string());
        }
        s.parse().map(Self::One).map_err(|e: model::InvalidName| e.to_string())
    }

    pub fn covers(&self, dataset: &DatasetName) -> bool {
        match self {
            Self::All => true,
            Self::Unit(unit) => unit == dataset.unit(),
            Self::One(one) => one == dataset,
        }
    }
}

/// Whether a token's scope, if there is one, leaves this action on this dataset. A pattern that does not parse covers
/// nothing.
pub(crate) fn in_scope(who: &Principal, dataset: &DatasetName, action: &str) -> bool {
    let Some(scope) = &who.scope else { return true };
    let on = |p: &String| Pattern::parse(p).is_ok_and(|p| p.covers(dataset));
    scope.actions.contains(action) && (scope.datasets.is_empty() || scope.datasets.iter().any(on))
}
