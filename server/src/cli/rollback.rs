//! `penstock versions` and `penstock rollback`: what a dataset was, and going back to it.

use clap::Args;
use model::{DatasetName, DatasetVersion, RollBack};

use super::{person::Person, table};
use crate::config::Config;

#[derive(Debug, Args)]
pub struct VersionsArgs {
    /// The dataset, as unit.dataset
    pub dataset: DatasetName,
    #[command(flatten)]
    pub person: Person,
}

#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// The dataset, as unit.dataset
    pub dataset: DatasetName,
    /// The version whose rows and columns become the newest ones
    #[arg(long, value_name = "VERSION")]
    pub to: u64,
    #[command(flatten)]
    pub person: Person,
}

/// One line a version, newest first.
///
/// # Errors
/// When the lake cannot be read, or the person may not see the dataset.
pub async fn versions(config: Config, args: VersionsArgs) -> anyhow::Result<()> {
    let who = args.person.principal()?;
    let found = super::with_lake(&config, async |lake| Ok(lake.versions(&who, &args.dataset).await?)).await?;
    let heads = ["version", "when", "what", "by", "rows added", "file", "remark"].map(str::to_owned);
    let line = |v: DatasetVersion| {
        vec![
            v.version.to_string(),
            v.committed_at.format("%Y-%m-%d %H:%M:%SZ").to_string(),
            table::plain(&v.operation),
            table::plain(&v.by.unwrap_or_default()),
            v.rows_added.map(|n| n.to_string()).unwrap_or_default(),
            table::plain(&v.file.unwrap_or_default()),
            match (v.restores, v.taken_back, v.compacted) {
                (_, Some(by), _) => format!("taken back by {by}"),
                (Some(to), None, _) => format!("as {to} was"),
                (None, None, Some(compacted)) => format!("upkeep: {compacted}"),
                (None, None, None) => String::new(),
            },
        ]
    };
    let lines: Vec<Vec<String>> = found.into_iter().map(line).collect();
    let right = [true, false, false, false, true, false, false];
    table::lines(&mut std::io::stdout().lock(), &heads, &right, &lines)?;
    Ok(())
}

/// # Errors
/// When the person may not roll the dataset back, or there is no such version.
pub async fn run(config: Config, args: RollbackArgs) -> anyhow::Result<()> {
    let who = args.person.principal()?;
    let to = RollBack { to: args.to, newest: None };
    let made = super::with_lake(&config, async |lake| Ok(lake.roll_back(&who, &args.dataset, to).await?)).await?;
    println!("{} is as it was at version {}; that is version {} now.", args.dataset, args.to, made.version);
    Ok(())
}
