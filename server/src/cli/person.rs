//! `--as`: whom a command acts for. Whoever can run it has the bucket anyway; the policy shows what others see.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use clap::Args;
use model::{Origin, Principal};

use crate::auth::demo;

#[derive(Debug, Clone, Args)]
pub struct Person {
    /// Whom to act for: a demo person (steward, analyst, owner-ops, partner-ua, partner-dl), or a subject with
    /// --issuer or --group
    #[arg(long = "as", value_name = "USER")]
    pub user: String,
    /// The person's provider, for somebody who is no demo person
    #[arg(long, value_name = "URL")]
    pub issuer: Option<String>,
    /// A group of that person; may be repeated
    #[arg(long = "group", value_name = "GROUP")]
    pub groups: Vec<String>,
    /// A claim of that person; may be repeated
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    pub claims: Vec<String>,
}

impl Person {
    /// The principal.
    ///
    /// # Errors
    /// For a name that is no demo person's when nothing else describes the person.
    pub fn principal(&self) -> anyhow::Result<Principal> {
        let origin = Origin { via: "command line".to_owned(), ..Origin::default() };
        Ok(Principal { origin, ..self.described()? })
    }

    fn described(&self) -> anyhow::Result<Principal> {
        let described = self.issuer.is_some() || !self.groups.is_empty() || !self.claims.is_empty();
        if !described {
            return demo::person(&self.user).with_context(|| {
                let names: Vec<&str> = demo::PEOPLE.iter().map(|p| p.name).collect();
                format!(
                    "`{}` is no demo person ({}); for somebody else give --group, --claim or --issuer as well",
                    self.user,
                    names.join(", ")
                )
            });
        }
        let mut claims: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for claim in &self.claims {
            let Some((name, value)) = claim.split_once('=') else { bail!("--claim {claim}: write NAME=VALUE") };
            claims.entry(name.to_owned()).or_default().push(value.to_owned());
        }
        Ok(Principal {
            issuer: self.issuer.clone().unwrap_or_else(|| "command-line".to_owned()),
            subject: self.user.clone(),
            name: self.user.clone(),
            email: self.user.contains('@').then(|| self.user.clone()),
            groups: Some(self.groups.iter().cloned().collect()),
            claims,
            scope: None,
            origin: Default::default(),
        })
    }
}
