//! `penstock policy`: whether the policy can be read, and what it gives to whom.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use lake::{Lake, policy::Checked};
use model::{AccessNote, DatasetFilter};

use super::{explain, publish, table};
use crate::{auth::demo, config::Config};

#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Check a policy against the lake's datasets, and run its own tests; without FILE, the policy that the lake has,
    /// and what it gives to the demo people
    Check {
        /// A policy that is not in the lake yet, as TOML
        file: Option<PathBuf>,
    },
    /// Say what a person sees, and because of which grants
    Explain(explain::ExplainArgs),
    /// Make a file the policy, as a new version
    Publish(publish::PublishArgs),
    /// List the versions of the policy: when, by whom, why
    History(publish::HistoryArgs),
    /// Publish an earlier version again
    Rollback(publish::RollbackArgs),
}

/// # Errors
/// When the policy has an error or a test of it fails, after all of them are printed.
pub async fn run(config: Config, command: PolicyCommand) -> anyhow::Result<()> {
    let file = match command {
        PolicyCommand::Check { file } => file,
        PolicyCommand::Explain(args) => return explain::run(config, args).await,
        PolicyCommand::Publish(args) => return publish::publish(config, args).await,
        PolicyCommand::History(args) => return publish::history(config, args).await,
        PolicyCommand::Rollback(args) => return publish::rollback(config, args).await,
    };
    let shown = file.as_ref().map_or_else(|| "policy.toml".to_owned(), |f| f.display().to_string());
    let candidate = match &file {
        Some(file) => Some(std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?),
        None => None,
    };
    let checked = Lake::check_policy(&super::engine(&config)?, candidate).await?;
    report(&mut std::io::stdout().lock(), &shown, &checked)?;
    if !checked.is_well() {
        bail!("{shown} is not well; nothing was changed");
    }
    if file.is_none() { people(config).await } else { Ok(()) }
}

/// Errors, then warnings, then tests, each with its place.
fn report(out: &mut impl std::io::Write, file: &str, checked: &Checked) -> std::io::Result<()> {
    for (kind, error) in [("error", true), ("warning", false)] {
        for found in checked.findings.iter().filter(|f| f.error == error) {
            writeln!(out, "{file}:{}:{}: {kind}: {}", found.line, found.column, found.message)?;
        }
    }
    for test in &checked.tests {
        match &test.failed {
            None => writeln!(out, "{file}:{}: holds: {}", test.line, test.what)?,
            Some(why) => writeln!(out, "{file}:{}: does not hold: {}\n  {why}", test.line, test.what)?,
        }
    }
    let count = |error| checked.findings.iter().filter(|f| f.error == error).count();
    let held = checked.tests.iter().filter(|t| t.failed.is_none()).count();
    let of = checked.tests.len();
    writeln!(out, "errors: {}, warnings: {}, tests that hold: {held} of {of}", count(true), count(false))
}

async fn people(config: Config) -> anyhow::Result<()> {
    let lake = super::open(&config).await?;
    println!("\nWhat the policy of {} gives to the demo people:\n", config.lake.shown());
    let heads = ["person", "dataset", "limits"].map(str::to_owned);
    let mut rows = Vec::new();
    for person in demo::PEOPLE {
        let Some(who) = demo::person(person.name) else { continue };
        let found = lake.datasets(&who, DatasetFilter::default()).await?;
        if found.is_empty() {
            rows.push(vec![person.name.to_owned(), "(nothing)".to_owned(), String::new()]);
        }
        for dataset in found {
            let limits = table::plain(&limits(&dataset.access));
            rows.push(vec![person.name.to_owned(), dataset.name.to_string(), limits]);
        }
    }
    table::lines(&mut std::io::stdout().lock(), &heads, &[], &rows)?;
    Ok(())
}

/// What narrows a person's view of a dataset, in a few words.
pub(super) fn limits(access: &AccessNote) -> String {
    let mut parts: Vec<String> = access.rows.iter().map(|filter| format!("rows: {filter}")).collect();
    parts.extend(access.masks.iter().map(|(column, mask)| format!("{column}: {mask}")));
    if access.columns_hidden {
        parts.push("some columns hidden".to_owned());
    }
    if let Some(until) = access.until {
        parts.push(format!("until {}", until.format("%Y-%m-%d")));
    }
    if access.may_own {
        parts.push("owns".to_owned());
    } else if access.may_upload {
        parts.push("may upload".to_owned());
    }
    parts.join("; ")
}
