//! Whether a dataset's existence may be known to people who see nothing of it: the contract's `discoverable`.

use model::Principal;
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::policy::Grantee;

/// Who may know that a dataset exists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discoverable(Vec<Grantee>);

impl Discoverable {
    /// Whether `who` is among them. Of whom the groups are not known nothing is known, here as in the policy.
    #[must_use]
    pub fn reaches(&self, who: &Principal) -> bool {
        who.groups.is_some() && self.0.iter().any(|g| g.is(who))
    }

    /// Whether anyone is.
    #[must_use]
    pub fn is_any(&self) -> bool {
        !self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Discoverable {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let rule = "write discoverable = true for everyone who is signed in, or a list such as [\"group:staff\"]";
        match toml::Value::deserialize(d)? {
            toml::Value::Boolean(false) => Ok(Self::default()),
            toml::Value::Boolean(true) => Ok(Self(vec![Grantee::Everyone])),
            toml::Value::Array(list) => {
                let one = |v: &toml::Value| {
                    Grantee::parse(v.as_str().ok_or_else(|| D::Error::custom(rule))?).map_err(D::Error::custom)
                };
                Ok(Self(list.iter().map(one).collect::<Result<_, _>>()?))
            }
            _ => Err(D::Error::custom(rule)),
        }
    }
}
