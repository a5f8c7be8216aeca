//! The demo people: built in, for loopback and the command line only.

use std::collections::{BTreeMap, BTreeSet};

use app::context::DemoPerson;
use model::Principal;

/// The issuer of their identities; no provider can have it, since it is not an address.
pub const ISSUER: &str = "demo";

/// One of them.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    pub name: &'static str,
    pub about: &'static str,
    pub groups: &'static [&'static str],
    pub carrier: Option<&'static str>,
}

pub const PEOPLE: [Person; 5] = [
    Person {
        name: "steward",
        about: "Looks after the lake: every dataset, every arrival",
        groups: &["staff", "stewards"],
        carrier: None,
    },
    Person { name: "analyst", about: "On the staff: reads every dataset", groups: &["staff"], carrier: None },
    Person {
        name: "owner-ops",
        about: "Owns the ops unit: sends files, sees arrivals and quarantine",
        groups: &["staff", "owners-ops"],
        carrier: None,
    },
    Person {
        name: "partner-ua",
        about: "External partner: sees United's flights only",
        groups: &["partners"],
        carrier: Some("UA"),
    },
    Person {
        name: "partner-dl",
        about: "External partner: sees Delta's flights only",
        groups: &["partners"],
        carrier: Some("DL"),
    },
];

/// The person of this name.
#[must_use]
pub fn person(name: &str) -> Option<Principal> {
    PEOPLE.iter().find(|p| p.name == name).map(Person::principal)
}

/// All of them, as the sign-in page shows them.
#[must_use]
pub fn people() -> Vec<DemoPerson> {
    PEOPLE.iter().map(|p| DemoPerson { name: p.name.to_owned(), about: p.about.to_owned() }).collect()
}

impl Person {
    fn principal(&self) -> Principal {
        let carrier = self.carrier.map(|c| ("carrier".to_owned(), vec![c.to_owned()]));
        Principal {
            issuer: ISSUER.to_owned(),
            subject: self.name.to_owned(),
            name: self.name.to_owned(),
            email: None,
            groups: Some(self.groups.iter().map(|g| (*g).to_owned()).collect::<BTreeSet<_>>()),
            claims: carrier.into_iter().collect::<BTreeMap<_, _>>(),
            scope: None,
            origin: Default::default(),
        }
    }
}
