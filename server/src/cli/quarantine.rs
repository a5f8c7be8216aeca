//! `penstock quarantine` and `penstock correct`: the rows of an arrival that did not land, and the same corrected.

use std::{io::Write, path::PathBuf};

use anyhow::Context as _;
use clap::Args;
use futures::StreamExt as _;
use model::QuarantinedRow;

use super::{ingest, person::Person, table};
use crate::config::Config;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  penstock quarantine 0198c0de-… --as owner-ops                     say why each row waits
  penstock quarantine 0198c0de-… --as owner-ops --rows rows.csv     write them as they stood, to be corrected
  penstock correct 0198c0de-… rows.csv --as owner-ops               send them back")]
pub struct QuarantineArgs {
    /// The arrival's id
    pub arrival: String,
    /// Write the rows as they stood in the file, below its header, to FILE; - for standard output
    #[arg(long, value_name = "FILE")]
    pub rows: Option<PathBuf>,
    #[command(flatten)]
    pub person: Person,
}

#[derive(Debug, Args)]
pub struct CorrectArgs {
    /// The arrival's id
    pub arrival: String,
    /// The corrected rows
    pub file: PathBuf,
    #[command(flatten)]
    pub person: Person,
}

/// # Errors
/// When there is no such arrival for the person, or the file cannot be written.
pub async fn run(config: Config, args: QuarantineArgs) -> anyhow::Result<()> {
    let who = args.person.principal()?;
    let Some(to) = args.rows else {
        let rows = super::with_lake(&config, async |lake| Ok(lake.quarantine(&who, &args.arrival).await?)).await?;
        return Ok(print(&mut std::io::stdout().lock(), &rows)?);
    };
    let (_, text) =
        super::with_lake(&config, async |lake| Ok(lake.rows_to_correct(&who, &args.arrival).await?)).await?;
    if to.as_os_str() == "-" {
        std::io::stdout().lock().write_all(text.as_bytes())?;
        return Ok(());
    }
    tokio::fs::write(&to, text).await.with_context(|| format!("{} cannot be written", to.display()))
}

/// # Errors
/// When the file cannot be read, brings more rows than wait, or does not land.
pub async fn correct(config: Config, args: CorrectArgs) -> anyhow::Result<()> {
    let who = args.person.principal()?;
    let bytes = tokio::fs::read(&args.file).await.with_context(|| format!("{} cannot be read", args.file.display()))?;
    let body = futures::stream::iter([Ok(bytes.into())]).boxed();
    let report = super::with_lake(&config, async |lake| Ok(lake.correct(&who, &args.arrival, body).await?)).await?;
    ingest::print(std::slice::from_ref(&report))?;
    anyhow::ensure!(report.state != model::IngestState::Refused, "the corrected rows were refused");
    Ok(())
}

fn print(out: &mut impl Write, rows: &[QuarantinedRow]) -> std::io::Result<()> {
    if rows.is_empty() {
        return writeln!(out, "Nothing waits: every row could be read.");
    }
    let heads = ["line", "column", "value", "reason"].map(str::to_owned);
    let cell = |text: &Option<String>| text.as_deref().map(table::plain).unwrap_or_default();
    let line =
        |r: &QuarantinedRow| vec![r.line.to_string(), cell(&r.column), cell(&r.value), table::sentence(&r.reason)];
    let lines: Vec<Vec<String>> = rows.iter().map(line).collect();
    table::lines(out, &heads, &[true, false, false, false], &lines)
}
