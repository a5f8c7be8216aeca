//! `penstock policy explain`: what a person sees, and which grants are behind it.

use std::io::Write;

use clap::Args;
use model::{DatasetExplanation, DatasetName, Explanation};

use super::{person::Person, table};
use crate::config::Config;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  penstock policy explain --as partner-ua                    every dataset, as that person sees it
  penstock policy explain ops.flights --as partner-ua        how many rows, which columns, and because of which grants
  penstock policy explain ops.flights --as ana --group partners --claim carrier=UA")]
pub struct ExplainArgs {
    /// One dataset, as unit.dataset
    pub dataset: Option<DatasetName>,
    #[command(flatten)]
    pub person: Person,
}

/// # Errors
/// When the lake or its policy cannot be read, or there is no such dataset.
pub async fn run(config: Config, args: ExplainArgs) -> anyhow::Result<()> {
    let who = args.person.principal()?;
    let lake = super::open(&config).await?;
    // Nobody's rights are used: whoever can run this has the bucket.
    let told = lake.explanation(&who, args.dataset.as_ref()).await?;
    let out = &mut std::io::stdout().lock();
    match (args.dataset.is_some(), told.datasets.first()) {
        (true, Some(one)) => one_dataset(out, one)?,
        _ => all(out, &told)?,
    }
    Ok(())
}

fn all(out: &mut impl Write, told: &Explanation) -> std::io::Result<()> {
    let heads = ["dataset", "limits"].map(str::to_owned);
    let line = |d: &DatasetExplanation| {
        let limits = match &d.access {
            None => "nothing: it does not exist for this person".to_owned(),
            Some(access) => Some(super::policy::limits(access)).filter(|l| !l.is_empty()).unwrap_or("all".to_owned()),
        };
        vec![d.dataset.to_string(), table::sentence(&limits)]
    };
    table::lines(out, &heads, &[], &told.datasets.iter().map(line).collect::<Vec<_>>())
}

fn one_dataset(out: &mut impl Write, d: &DatasetExplanation) -> std::io::Result<()> {
    let limits = d.access.as_ref().map_or_else(|| "nothing".to_owned(), super::policy::limits);
    let limits = if limits.is_empty() { "all" } else { &limits };
    writeln!(out, "{}: {}", d.dataset, table::sentence(limits))?;
    if let Some(rows) = d.rows {
        writeln!(out, "{} of {} rows", rows.visible, rows.total)?;
    }
    writeln!(out)?;
    let heads = ["column", "shows as"].map(str::to_owned);
    let columns: Vec<Vec<String>> =
        d.columns.iter().map(|c| vec![table::plain(&c.name), table::plain(&c.shows)]).collect();
    table::lines(out, &heads, &[], &columns)?;
    writeln!(out)?;
    if d.grants.is_empty() {
        return writeln!(out, "No grant of the policy is on this dataset.");
    }
    let heads = ["line", "to", "note", "applies"].map(str::to_owned);
    let grants: Vec<Vec<String>> = d
        .grants
        .iter()
        .map(|g| {
            let applies = g.because.as_deref().map_or_else(|| "yes".to_owned(), |why| format!("no: {why}"));
            vec![
                if g.line == 0 { "on request".to_owned() } else { g.line.to_string() },
                table::plain(&g.to.join(", ")),
                table::plain(&g.note),
                table::sentence(&applies),
            ]
        })
        .collect();
    table::lines(out, &heads, &[true, false, false, false], &grants)
}
