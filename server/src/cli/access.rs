//! `penstock access`: who asks for access, and the answers.

use clap::{Args, Subcommand};
use lake::Lake;
use model::{AccessAnswer, AccessRequest, AccessVerdict, Giving};

use super::{person::Person, table};
use crate::config::Config;

#[derive(Debug, Subcommand)]
pub enum AccessCommand {
    /// List a person's requests, and those that the person answers
    List(ListArgs),
    /// Give what a request asks for, or a part of it; says what that is, and gives it with --yes
    Grant(GrantArgs),
    /// Refuse a request
    Refuse(ReasonArgs),
    /// End access that was given
    End(ReasonArgs),
}

#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    pub person: Person,
}

#[derive(Debug, Args)]
pub struct GrantArgs {
    /// The request's id
    pub request: String,
    /// The day as which begins it ends, in UTC
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub until: String,
    /// A condition on rows, in SQL
    #[arg(long, value_name = "SQL")]
    pub rows: Option<String>,
    /// A column that is left out; may be repeated
    #[arg(long = "except", value_name = "COLUMN")]
    pub except: Vec<String>,
    /// A column with its mask; may be repeated
    #[arg(long = "mask", value_name = "COLUMN=MASK")]
    pub masks: Vec<String>,
    /// Give it
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub person: Person,
}

#[derive(Debug, Args)]
pub struct ReasonArgs {
    /// The request's id
    pub request: String,
    /// Why; the asker reads it
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    #[command(flatten)]
    pub person: Person,
}

/// # Errors
/// When there is no such request for the person, or the lake cannot be read or written.
pub async fn run(config: Config, command: AccessCommand) -> anyhow::Result<()> {
    super::with_lake(&config, async |lake| match command {
        AccessCommand::List(args) => list(lake, &args).await,
        AccessCommand::Grant(args) => grant(lake, &args).await,
        AccessCommand::Refuse(args) => end(lake, &args, AccessVerdict::Refuse).await,
        AccessCommand::End(args) => end(lake, &args, AccessVerdict::End).await,
    })
    .await
}

async fn list(lake: &Lake, args: &ListArgs) -> anyhow::Result<()> {
    let found = lake.access_requests(&args.person.principal()?).await?;
    let heads = ["request", "dataset", "who", "what for", "asked", "state", "until"].map(str::to_owned);
    let line = |r: AccessRequest| {
        vec![
            r.id,
            r.dataset.to_string(),
            table::plain(&r.asker.name),
            table::plain(&r.ask.purpose),
            r.asked_at.format("%Y-%m-%d").to_string(),
            format!("{:?}", r.state).to_lowercase(),
            r.given.map(|g| g.until.format("%Y-%m-%d").to_string()).unwrap_or_default(),
        ]
    };
    let lines: Vec<Vec<String>> = found.to_answer.into_iter().chain(found.mine).map(line).collect();
    Ok(table::lines(&mut std::io::stdout().lock(), &heads, &[], &lines)?)
}

async fn grant(lake: &Lake, args: &GrantArgs) -> anyhow::Result<()> {
    let who = args.person.principal()?;
    let give = Giving::of_form(|name| match name {
        "until" => args.until.clone(),
        "rows" => args.rows.clone().unwrap_or_default(),
        "except" => args.except.join(","),
        "mask" => args.masks.join("\n"),
        _ => String::new(),
    })
    .map_err(anyhow::Error::msg)?;
    let preview = lake.access_preview(&who, &args.request, &give).await?;
    println!("{} of {} rows, now", preview.rows.visible, preview.rows.total);
    let columns: Vec<Vec<String>> =
        preview.columns.into_iter().map(|c| vec![table::plain(&c.name), table::plain(&c.shows)]).collect();
    table::lines(&mut std::io::stdout().lock(), &["column", "shows"].map(str::to_owned), &[], &columns)?;
    if !args.yes {
        println!("Nothing is given yet; --yes gives it.");
        return Ok(());
    }
    let answer = AccessAnswer { verdict: AccessVerdict::Grant, reason: String::new(), give: Some(give) };
    let request = lake.answer_access(&who, &args.request, answer).await?;
    println!("Given to {}.", table::plain(&request.asker.name));
    Ok(())
}

async fn end(lake: &Lake, args: &ReasonArgs, verdict: AccessVerdict) -> anyhow::Result<()> {
    let answer = AccessAnswer { verdict, reason: args.reason.clone(), give: None };
    let request = lake.answer_access(&args.person.principal()?, &args.request, answer).await?;
    println!("{} for {}: {:?}.", request.dataset, table::plain(&request.asker.name), request.state);
    Ok(())
}
