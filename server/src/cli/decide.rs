//! `penstock decide`: an owner's answer to a file that waits.

use std::io::Write;

use anyhow::bail;
use clap::Args;
use lake::Lake;
use model::{ColumnChange, ColumnDifference, Decision, Difference, IngestReport, Principal, Verdict};

use super::{ingest, person::Person, table};
use crate::config::Config;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  penstock arrivals --waiting --as owner-ops
  penstock decide 0198c0de-… --as owner-ops                         show how the file differs
  penstock decide 0198c0de-… --as owner-ops --land --column Preis=price
  penstock decide 0198c0de-… --as owner-ops --refuse --note \"October came twice\"")]
pub struct DecideArgs {
    /// The arrival's id
    pub arrival: String,
    /// Land it: new columns are added, rows that do not fit wait in quarantine
    #[arg(long, conflicts_with = "refuse")]
    pub land: bool,
    /// Land nothing of it
    #[arg(long)]
    pub refuse: bool,
    /// Why it is refused, for whoever sent it
    #[arg(long, value_name = "TEXT", requires = "refuse")]
    pub note: Option<String>,
    /// A header of the file that is a column of the dataset; may be repeated
    #[arg(long = "column", value_name = "HEADER=COLUMN", requires = "land")]
    pub columns: Vec<String>,
    #[command(flatten)]
    pub person: Person,
}

/// # Errors
/// When there is no such arrival for the person, nothing to decide, or the lake cannot be written.
pub async fn run(config: Config, args: DecideArgs) -> anyhow::Result<()> {
    let who = args.person.principal()?;
    let decision = decision(&args)?;
    super::with_lake(&config, async |lake| decide(lake, &who, &args, decision).await).await
}

async fn decide(lake: &Lake, who: &Principal, args: &DecideArgs, decision: Option<Decision>) -> anyhow::Result<()> {
    let Some(decision) = decision else {
        let report = lake.ingest(who, &args.arrival).await?;
        return Ok(show(&mut std::io::stdout().lock(), &report)?);
    };
    let mut reports = vec![lake.decide(who, &args.arrival, decision).await?];
    // Those that waited behind it; this process ends, so they are not left to it.
    let (behind, failed) = lake.take_landing().await?;
    reports.extend(behind);
    ingest::print(&reports)?;
    super::fail_for(&failed, "could not be taken; the next run tries again")
}

/// `None` when nothing was decided.
fn decision(args: &DecideArgs) -> anyhow::Result<Option<Decision>> {
    if !args.land && !args.refuse {
        return Ok(None);
    }
    let mut decision = Decision {
        verdict: if args.refuse { Verdict::Refuse } else { Verdict::Land },
        note: args.note.clone().unwrap_or_default(),
        ..Decision::default()
    };
    for given in &args.columns {
        // A header may hold `=`, a column's name never does.
        let Some((label, column)) = given.rsplit_once('=') else { bail!("--column {given}: write HEADER=COLUMN") };
        decision.columns.insert(label.trim().to_owned(), column.trim().to_owned());
    }
    Ok(Some(decision))
}

fn show(out: &mut impl Write, report: &IngestReport) -> std::io::Result<()> {
    writeln!(out, "{} for {}: {}", table::plain(&report.file), report.dataset, ingest::state(report.state))?;
    if !report.message.is_empty() {
        writeln!(out, "{}", table::sentence(&report.message))?;
    }
    if let Some(ahead) = &report.ahead {
        writeln!(out, "Before it: {}, arrival {}", table::plain(&ahead.file), ahead.ingest)?;
    }
    report.difference.as_ref().map_or(Ok(()), |difference| show_difference(out, difference))
}

/// Both schemas, the first rows, and what a decision would bring.
pub(super) fn show_difference(out: &mut impl Write, difference: &Difference) -> std::io::Result<()> {
    writeln!(out)?;
    let heads = ["column", "in the dataset", "in the file", "header", "what changes"].map(str::to_owned);
    let rows: Vec<Vec<String>> = difference.columns.iter().map(line).collect();
    table::lines(out, &heads, &[], &rows)?;
    show_first(out, difference)?;
    let lacking: Vec<String> =
        difference.missing().filter(|c| c.required).map(|c| format!("`{}`", table::plain(&c.name))).collect();
    if !lacking.is_empty() {
        let example = difference.new_columns().next().and_then(|c| c.label.as_deref()).unwrap_or("HEADER");
        return writeln!(
            out,
            "\nIt cannot land as it is: {} must have values. If a new column of the file is it, say so: --column \
             {:?}, and the same for others.",
            lacking.join(", "),
            format!("{}={}", table::plain(example.trim()), lacking[0].trim_matches('`'))
        );
    }
    writeln!(
        out,
        "\nIf it landed: rows that land {}, rows in quarantine {}, columns that are added {}.",
        difference.would_land,
        difference.would_wait,
        difference.new_columns().count()
    )
}

fn line(c: &ColumnDifference) -> Vec<String> {
    let shown = |t: Option<model::ColumnType>| t.map_or_else(|| "-".to_owned(), |t| t.to_string());
    let change = match c.change {
        ColumnChange::Same => String::new(),
        ColumnChange::New => "new column".to_owned(),
        ColumnChange::Missing if c.required => "missing, and required".to_owned(),
        ColumnChange::Missing => "missing".to_owned(),
        ColumnChange::OtherType => format!("other type; rows that do not fit: {}", c.misfits),
    };
    let label = c.label.as_deref().map(table::plain).unwrap_or_default();
    vec![table::plain(&c.name), shown(c.in_dataset), shown(c.in_file), label, change]
}

fn show_first(out: &mut impl Write, difference: &Difference) -> std::io::Result<()> {
    if difference.first_rows.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let heads: Vec<String> = difference.heads.iter().map(|h| table::plain(h)).collect();
    let cell = |v: &Option<String>| v.as_deref().map(table::plain).unwrap_or_default();
    let rows: Vec<Vec<String>> = difference.first_rows.iter().map(|row| row.iter().map(cell).collect()).collect();
    table::lines(out, &heads, &[], &rows)
}
