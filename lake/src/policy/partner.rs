//! `[[partner]]`: people from outside, and who among themselves looks after their accounts.

use model::{Partner, Principal};
use serde::Deserialize;
use toml::Spanned;

use super::{Finding, Policies, document::keep, grantee::Grantee, has_groups, source::Source};
use crate::{Lake, Result};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPartner {
    group: Spanned<String>,
    name: Spanned<String>,
    #[serde(default)]
    admins: Vec<Spanned<String>>,
}

/// A partner with its administrators parsed.
#[derive(Debug)]
pub(super) struct Administered {
    pub partner: Partner,
    admins: Vec<Grantee>,
}

impl Administered {
    /// Reads one, or says what is wrong with it; `before` are those that stand before it.
    pub fn read(text: &Source<'_>, raw: RawPartner, before: &[Self], wrong: &mut Vec<Finding>) -> Self {
        let group = |group: &String| match group.trim() {
            "" => Err("a partner needs a group's name, for example \"partners-ua\"".to_owned()),
            _ if before.iter().any(|p| p.partner.group == *group) => {
                Err(format!("two partners have the group `{group}`: make one of them"))
            }
            _ => Ok(()),
        };
        let name = |name: &String| match name.trim().is_empty() || name.chars().count() > 100 {
            true => Err("a partner's name has 1 to 100 characters".to_owned()),
            false => Ok(()),
        };
        let admin = |admin: &String| match Grantee::parse(admin) {
            Ok(user @ Grantee::User(_)) => Ok(user),
            _ => Err(format!("`{admin}` is no single person: write `user:NAME`, with a subject or an e-mail")),
        };
        keep(text, wrong, &raw.group, group);
        keep(text, wrong, &raw.name, name);
        let admins = raw.admins.iter().filter_map(|a| keep(text, wrong, a, admin)).collect();
        let partner = Partner {
            group: raw.group.into_inner(),
            name: raw.name.into_inner(),
            admins: raw.admins.into_iter().map(Spanned::into_inner).collect(),
        };
        Self { partner, admins }
    }

    /// Whether this person looks after the partner's accounts: named, and one of its people. Tokens never do.
    fn is_administered_by(&self, who: &Principal) -> bool {
        let of_its_own = who.scope.is_none() && has_groups(who) && who.in_group(&self.partner.group);
        of_its_own && self.admins.iter().any(|a| a.is(who))
    }
}

impl Policies {
    async fn administered(&self, who: &Principal) -> Result<Vec<Partner>> {
        let policy = self.current().await?;
        let own = policy.document.partners.iter().filter(|p| p.is_administered_by(who));
        Ok(own.map(|p| p.partner.clone()).collect())
    }
}

impl Lake {
    /// The partners whose people and service accounts `who` looks after.
    ///
    /// # Errors
    /// [`LakeError::Store`](crate::LakeError::Store) when the policy cannot be read.
    pub async fn administers(&self, who: &Principal) -> Result<Vec<Partner>> {
        self.rooms().policies.administered(who).await
    }

    /// All partners that the policy names.
    ///
    /// # Errors
    /// As [`administers`](Self::administers).
    pub async fn partners(&self) -> Result<Vec<Partner>> {
        Ok(self.rooms().policies.current().await?.policy.partners.clone())
    }
}
