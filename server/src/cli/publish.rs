//! `penstock policy publish`, `history` and `rollback`: the policy's versions from the command line.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use lake::{Lake, LakeError};
use model::{Doubt, PolicyText, PolicyVersion, PolicyVersionState, Principal, PublishPolicy};

use super::{person::Person, table};
use crate::config::Config;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  penstock policy publish new-policy.toml --as steward --note \"Delta sees its own flights\"
  penstock policy publish new-policy.toml --as steward --accept tests")]
pub struct PublishArgs {
    /// The policy, as TOML; see also: penstock policy check FILE
    pub file: PathBuf,
    #[command(flatten)]
    pub how: How,
}

#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// The version whose text is published again
    pub version: u64,
    #[command(flatten)]
    pub how: How,
}

#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// Only versions before this one
    #[arg(long, value_name = "VERSION")]
    pub before: Option<u64>,
    #[command(flatten)]
    pub person: Person,
}

#[derive(Debug, Args)]
pub struct How {
    /// Why, for people
    #[arg(long, default_value = "")]
    pub note: String,
    /// Publish although the policy has `errors`, its `tests` do not hold, or you lose your own right (`own-right`)
    #[arg(long, value_name = "DOUBT", value_parser = doubt)]
    pub accept: Vec<Doubt>,
    /// Hash of the policy that is replaced. Default: the newest version's; one that was changed by hand must be named
    #[arg(long, value_name = "SHA256")]
    pub base: Option<String>,
    #[command(flatten)]
    pub person: Person,
}

fn doubt(word: &str) -> Result<Doubt, String> {
    let known = Doubt::ALL.into_iter().find(|d| d.word() == word.replace('-', "_"));
    known.ok_or_else(|| format!("`{word}` is none of errors, tests, own-right"))
}

/// # Errors
/// When the file cannot be read, the person is no steward, or the policy is another one by now.
pub async fn publish(config: Config, args: PublishArgs) -> anyhow::Result<()> {
    let shown = args.file.display();
    let text = std::fs::read_to_string(&args.file).with_context(|| format!("{shown} cannot be read"))?;
    let publish = async |_: &Lake, _: &Principal| {
        Ok(PublishPolicy { text, note: args.how.note.clone(), restores: None, accept: args.how.accept.clone() })
    };
    put(config, &args.how, publish).await
}

/// # Errors
/// When there is no such version, the person is no steward, or the policy is another one by now.
pub async fn rollback(config: Config, args: RollbackArgs) -> anyhow::Result<()> {
    let publish = async |lake: &Lake, who: &Principal| {
        let text = lake.policy_version(who, args.version).await?.text;
        let accept = args.how.accept.clone();
        Ok(PublishPolicy { text, note: args.how.note.clone(), restores: Some(args.version), accept })
    };
    put(config, &args.how, publish).await
}

async fn put(
    config: Config,
    how: &How,
    publish: impl AsyncFnOnce(&Lake, &Principal) -> Result<PublishPolicy, LakeError>,
) -> anyhow::Result<()> {
    let who = how.person.principal()?;
    let made = super::with_lake(&config, async |lake| {
        let now = lake.policy_text(&who).await?;
        let base = match &how.base {
            Some(base) => base.clone(),
            None => seen(&now)?,
        };
        let publish = publish(lake, &who).await?;
        Ok(lake.publish_policy(&who, &base, publish).await?)
    });
    let made = made.await?;
    println!("version {} is the policy now, on every replica within seconds", made.version);
    Ok(())
}

/// The hash of the policy that holds, when it is one that stewards can be taken to know.
fn seen(now: &PolicyText) -> anyhow::Result<String> {
    anyhow::ensure!(
        !now.is_changed_by_hand(),
        "policy.toml was changed since version {} was published, and not by publishing; look at it, and name it with \
         --base {}",
        now.newest.unwrap_or_default(),
        now.sha256
    );
    Ok(now.sha256.clone())
}

/// One line a version, newest first.
///
/// # Errors
/// When the lake cannot be read, or the person is no steward.
pub async fn history(config: Config, args: HistoryArgs) -> anyhow::Result<()> {
    let who = args.person.principal()?;
    let (now, found) = super::with_lake(&config, async |lake| {
        Ok((lake.policy_text(&who).await?, lake.policy_versions(&who, args.before).await?))
    })
    .await?;
    if now.is_changed_by_hand() {
        println!("policy.toml was changed since the newest version; its hash is {}\n", now.sha256);
    }
    let heads = ["version", "when", "by", "note", "hash", "remark"].map(str::to_owned);
    let line = |v: &PolicyVersion| {
        let remark = match (now.version == Some(v.version), v.state, v.restores) {
            (true, ..) => "holds".to_owned(),
            (_, PolicyVersionState::Begun, _) => "did not come about".to_owned(),
            (_, PolicyVersionState::GivenUp, _) => "given up".to_owned(),
            (_, PolicyVersionState::Published, Some(n)) => format!("as {n} was"),
            (_, PolicyVersionState::Published, None) => String::new(),
        };
        vec![
            v.version.to_string(),
            v.published_at.format("%Y-%m-%d %H:%M:%SZ").to_string(),
            table::plain(v.by.as_deref().unwrap_or("(found in policy.toml)")),
            table::plain(&v.note),
            v.sha256.chars().take(12).collect(),
            remark,
        ]
    };
    let lines: Vec<Vec<String>> = found.items.iter().map(line).collect();
    let right = [true, false, false, false, false, false];
    table::lines(&mut std::io::stdout().lock(), &heads, &right, &lines)?;
    if let Some(before) = found.before {
        println!("\nmore: --before {before}");
    }
    Ok(())
}
