//! Whom a grant is for and which datasets it covers.

use std::fmt;

use model::{DatasetName, Principal, UnitName, principal::SERVICE};

/// Who receives a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Grantee {
    /// Everyone who is signed in and whose provider sent groups.
    Everyone,
    Group(String),
    /// Subject or e-mail of a person.
    User(String),
    /// A service account.
    Service(String),
    /// Everyone of whom the provider says so: a claim's name and one of its values.
    Claim(String, String),
    /// One identity, by its key of issuer and subject. Not written by anyone: what is given on request is given so.
    Key(String),
}

/// Which datasets a grant is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pattern {
    All,
    Unit(UnitName),
    One(DatasetName),
    /// Datasets of a unit whose names begin so.
    Begin(UnitName, String),
    /// Datasets whose contract has this tag.
    Tag(String),
}

impl Grantee {
    pub fn parse(s: &str) -> Result<Self, String> {
        let named = |name: &str| (!name.trim().is_empty()).then(|| name.to_owned());
        let known = match s.split_once(':') {
            None if s == "*" => Some(Self::Everyone),
            Some(("group", name)) => named(name).map(Self::Group),
            Some(("user", name)) => named(name).map(Self::User),
            Some((SERVICE, name)) => named(name).map(Self::Service),
            Some(("claim", claim)) => {
                let parts = claim.split_once('=').and_then(|(name, value)| named(name).zip(named(value)));
                let (name, value) = parts.ok_or_else(|| {
                    format!("`{s}` names nobody: write `claim:NAME=VALUE`, for example `claim:carrier=UA`")
                })?;
                Some(Self::Claim(name, value))
            }
            _ => None,
        };
        known.ok_or_else(|| {
            format!("`{s}` names nobody: write `group:{s}`, `user:{s}`, `claim:NAME=VALUE`, `service:{s}` or `*`")
        })
    }

    pub fn is(&self, who: &Principal) -> bool {
        match self {
            Self::Everyone => true,
            Self::Group(group) => who.in_group(group),
            // Whoever makes a service account names it.
            Self::User(name) => {
                let email = || who.email.as_ref().is_some_and(|e| e.eq_ignore_ascii_case(name));
                !who.is_service() && (who.subject == *name || email())
            }
            Self::Service(_) => who.is_service() && who.subject == self.to_string(),
            Self::Key(key) => who.receives_as(key),
            Self::Claim(name, value) => who.claim(name).is_some_and(|values| values.contains(value)),
        }
    }
}

impl fmt::Display for Grantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.write_str("*"),
            Self::Group(group) => write!(f, "group:{group}"),
            Self::User(name) => write!(f, "user:{name}"),
            Self::Service(name) => write!(f, "{SERVICE}:{name}"),
            Self::Key(_) => f.write_str("one identity"),
            Self::Claim(name, value) => write!(f, "claim:{name}={value}"),
        }
    }
}

impl Pattern {
    pub fn parse(s: &str) -> Result<Self, String> {
        if s == "*" {
            return Ok(Self::All);
        }
        if let Some(tag) = s.strip_prefix("tag:") {
            return match tag.trim() {
                "" => Err("`tag:` names no tag: write for example `tag:aviation`".to_owned()),
                tag => Ok(Self::Tag(tag.to_owned())),
            };
        }
        let wrong = |e: model::InvalidName| e.to_string();
        let Some(begin) = s.strip_suffix('*') else { return s.parse().map(Self::One).map_err(wrong) };
        if begin.contains('*') {
            return Err(format!("`{s}`: a star stands only at the end: write `unit.*` or `unit.begin*`"));
        }
        match begin.split_once('.') {
            Some((unit, "")) => UnitName::new(unit).map(Self::Unit).map_err(wrong),
            // A name's begin is itself a name.
            Some((unit, begin)) => {
                DatasetName::new(unit, begin).map(|d| Self::Begin(d.unit().clone(), begin.to_owned())).map_err(wrong)
            }
            None => Err(format!("`{s}`: a star stands only for datasets of one unit: write `unit.begin*` or `*`")),
        }
    }

    /// Whether the dataset is meant; `tags` are those of its contract.
    pub fn covers(&self, dataset: &DatasetName, tags: &[String]) -> bool {
        match self {
            Self::All => true,
            Self::Unit(unit) => unit == dataset.unit(),
            Self::One(one) => one == dataset,
            Self::Begin(unit, begin) => unit == dataset.unit() && dataset.name().starts_with(begin),
            Self::Tag(tag) => tags.contains(tag),
        }
    }
}

/// Whether a token's scope, if there is one, leaves this action on this dataset. A pattern that does not parse covers
/// nothing, and neither does a tag: what a token may do must not change with a contract.
pub(crate) fn in_scope(who: &Principal, dataset: &DatasetName, action: &str) -> bool {
    let Some(scope) = &who.scope else { return true };
    let on = |p: &String| Pattern::parse(p).is_ok_and(|p| p.covers(dataset, &[]));
    scope.actions.contains(action) && (scope.datasets.is_empty() || scope.datasets.iter().any(on))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_what_they_say_and_nothing_beside() {
        let tags = ["aviation".to_owned()];
        for (pattern, dataset, wanted) in [
            ("*", "ops.flights", true),
            ("ops.*", "ops.flights", true),
            ("ops.*", "opsx.flights", false),
            ("ops.flights", "ops.flights", true),
            ("ops.flights", "ops.flights_old", false),
            ("ops.fl*", "ops.flights", true),
            ("ops.fl*", "ops.fl", true),
            ("ops.fl*", "ops.airports", false),
            ("ops.fl*", "ref.flights", false),
            ("ops.fl_*", "ops.flights", false),
            ("tag:aviation", "ops.flights", true),
            ("tag:avia", "ops.flights", false),
            ("tag:Aviation", "ops.flights", false),
        ] {
            let parsed = Pattern::parse(pattern).expect(pattern);
            assert_eq!(parsed.covers(&dataset.parse().expect("name"), &tags), wanted, "{pattern} {dataset}");
        }
        assert!(!Pattern::Tag("aviation".into()).covers(&"ops.flights".parse().expect("name"), &[]));
    }

    #[test]
    fn a_11_a_service_account_and_a_person_of_its_name_are_two() {
        let service = |name: &str| Principal::service(name, ["partners".to_owned()].into(), [].into());
        let person = |subject: &str| Principal { issuer: "https://id".into(), subject: subject.into(), ..service("x") };
        for (grantee, who, wanted) in [
            ("service:etl", service("etl"), true),
            ("service:etl", service("etl2"), false),
            ("service:etl", person("etl"), false),
            ("service:etl", person("service:etl"), false),
            ("user:etl", person("etl"), true),
            ("user:etl", service("etl"), false),
            ("user:service:etl", service("etl"), false),
            ("group:partners", service("etl"), true),
            ("group:staff", service("etl"), false),
            ("service:partners/etl", service("partners/etl"), true),
            ("service:etl", service("partners/etl"), false),
        ] {
            let parsed = Grantee::parse(grantee).expect(grantee);
            assert_eq!(parsed.to_string(), grantee);
            assert_eq!(parsed.is(&who), wanted, "{grantee} {}", who.key());
        }
    }

    #[test]
    fn what_is_no_pattern_or_grantee_says_what_to_write() {
        for (pattern, says) in [
            ("ops*", "`unit.begin*`"),
            ("ops.*x*", "only at the end"),
            ("*.flights", "`*` is not a unit name"),
            ("ops.f*s", "`f*s` is not a dataset name"),
            ("ops.Fl*", "lower-case"),
            ("tag:", "tag:aviation"),
            ("", ""),
        ] {
            let why = Pattern::parse(pattern).expect_err(pattern);
            assert!(why.contains(says), "{pattern}: {why}");
        }
        for grantee in ["claim:carrier", "claim:=UA", "claim:carrier=", "claims:carrier=UA", "staff"] {
            let why = Grantee::parse(grantee).expect_err(grantee);
            assert!(why.contains("claim:NAME=VALUE"), "{grantee}: {why}");
        }
    }
}
