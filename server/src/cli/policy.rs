//! `penstock policy`: whether the policy can be read, and what it gives to whom.

use clap::Subcommand;
use model::{AccessNote, DatasetFilter};

use super::table;
use crate::{auth::demo, config::Config};

#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Read the lake's policy and say what it gives to the demo people
    Check,
}

/// # Errors
/// When the policy cannot be read; the message names line and cure.
pub async fn run(config: Config, command: PolicyCommand) -> anyhow::Result<()> {
    let PolicyCommand::Check = command;
    let lake = super::open(&config).await?;
    println!("The policy of {} can be read.\n", config.lake.shown());
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
