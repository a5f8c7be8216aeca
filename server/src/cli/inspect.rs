//! `penstock inspect`: what would become of a file, without landing it.

use std::{
    io::{Read as _, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use clap::Args;
use lake::{
    Limits,
    contract::Contract,
    ingest::{Inspect, inspect},
};
use model::{ColumnWarning, DatasetName, Inspection, Lands, Refused};

use super::table;
use crate::config::Config;

/// Rows that people are shown.
const ROWS: u64 = 5;
/// Rejected rows that people are shown.
const REJECTED: usize = 5;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  penstock inspect orders.csv
  penstock inspect orders.csv --json --rows 0 | jq .columns
  penstock inspect orders.csv --contract contracts/sales/orders.toml")]
pub struct InspectArgs {
    /// The file; - for standard input
    pub file: PathBuf,
    /// Print JSON: outcome, columns, counts, evidence, values
    #[arg(long)]
    pub json: bool,
    /// First rows whose values are printed, with the last three. Default: 5, and all of them in JSON
    #[arg(long, value_name = "N")]
    pub rows: Option<u64>,
    /// Read it for this dataset of the lake: with its contract, into its columns
    #[arg(long, value_name = "UNIT.DATASET")]
    pub dataset: Option<DatasetName>,
    /// Read it by this contract instead
    #[arg(long, value_name = "FILE")]
    pub contract: Option<PathBuf>,
    /// Fail when the file would be refused or would wait
    #[arg(long)]
    pub check: bool,
}

/// # Errors
/// When the file, the contract or the lake cannot be read, and with `--check` when the file would not land.
pub async fn run(config: Config, args: InspectArgs) -> anyhow::Result<()> {
    let (name, bytes) = read(&args.file)?;
    let what = Inspect {
        file: name,
        dataset: args.dataset.clone().or_else(|| args.contract.as_deref().and_then(dataset_of)),
        contract: args.contract.as_deref().map(contract).transpose()?,
        rows: args.rows.unwrap_or(if args.json { u64::MAX } else { ROWS }),
    };
    let found = match &args.dataset {
        Some(_) => super::open(&config).await?.inspect_for_operator(what, bytes).await?,
        None => inspect(&bytes, &what, None, &Limits::default()),
    };
    let found = found.inspection;
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &found)?;
        writeln!(out)?;
    } else {
        match &found {
            Inspection::Lands(lands) => show(&mut out, lands)?,
            Inspection::Refused(refused) => show_refused(&mut out, refused)?,
        }
    }
    if args.check
        && let Inspection::Refused(refused) = &found
    {
        let state = if refused.waits { "wait until an owner decides" } else { "be refused" };
        bail!("{} would {state}", args.file.display());
    }
    Ok(())
}

/// A file of this machine with its name, or standard input.
pub(super) fn read(path: &Path) -> anyhow::Result<(String, Bytes)> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).context("standard input cannot be read")?;
        return Ok(("standard input".to_owned(), bytes.into()));
    }
    let bytes = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    Ok((name, bytes.into()))
}

/// # Errors
/// Naming the line and the cure when the contract is wrong.
pub(super) fn contract(path: &Path) -> anyhow::Result<Contract> {
    let bytes = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(Contract::parse(&bytes, &path.display().to_string())?)
}

/// `…/<unit>/<dataset>.toml` says which dataset it is for.
fn dataset_of(contract: &Path) -> Option<DatasetName> {
    let unit = contract.parent()?.file_name()?.to_str()?;
    DatasetName::new(unit, contract.file_stem()?.to_str()?).ok()
}

fn show(out: &mut impl Write, lands: &Lands) -> anyhow::Result<()> {
    let facts = [
        lands.format.clone(),
        lands.compression.clone(),
        lands.encoding.clone(),
        lands.delimiter.as_deref().map(|d| format!("fields end with {}", named(d))),
        lands.header_line.map(|line| format!("header on line {line}")),
        lands.sheet.as_deref().map(|sheet| format!("sheet {}", table::plain(sheet))),
    ];
    writeln!(out, "{}", facts.into_iter().flatten().collect::<Vec<_>>().join(", "))?;
    let rows = lands.rows;
    write!(out, "{} rows would land", rows.landed)?;
    if rows.quarantined > 0 {
        write!(out, ", {} would wait in quarantine", rows.quarantined)?;
    }
    if rows.skipped > 0 {
        write!(out, ", {} lines are skipped", rows.skipped)?;
    }
    writeln!(out, ".\n")?;

    let heads = ["column", "type", "nulls", "why"].map(str::to_owned);
    let columns: Vec<Vec<String>> = lands
        .columns
        .iter()
        .zip(&lands.evidence)
        .map(|(c, why)| {
            vec![table::plain(&c.name), c.column_type.to_string(), c.nulls.to_string(), table::sentence(why)]
        })
        .collect();
    table::lines(out, &heads, &[false, false, true, false], &columns)?;

    for column in lands.columns.iter().filter(|c| c.warning.is_some()) {
        let cure = column.warning.map(cure).unwrap_or_default();
        writeln!(out, "\n! {} stays text: {cure}", table::plain(&column.name))?;
    }
    for warning in &lands.warnings {
        writeln!(out, "\n! {}", table::sentence(warning))?;
    }
    if !lands.values.is_empty() {
        writeln!(out)?;
        let heads: Vec<String> =
            std::iter::once("row".to_owned()).chain(lands.columns.iter().map(|c| table::plain(&c.name))).collect();
        let right: Vec<bool> =
            std::iter::once(true).chain(lands.columns.iter().map(|c| c.column_type.is_number())).collect();
        let rows: Vec<Vec<String>> = lands
            .values
            .iter()
            .map(|(row, values)| {
                let shown = values.iter().map(|v| v.as_deref().map(table::plain).unwrap_or_default());
                std::iter::once((row.0 + 1).to_string()).chain(shown).collect()
            })
            .collect();
        table::lines(out, &heads, &right, &rows)?;
    }
    show_rejected(out, &lands.quarantined, rows.quarantined)
}

fn show_refused(out: &mut impl Write, refused: &Refused) -> anyhow::Result<()> {
    let lead = if refused.waits { "" } else { "Nothing would land. " };
    writeln!(out, "{lead}{}", table::sentence(&refused.message))?;
    if let Some(difference) = &refused.difference {
        super::decide::show_difference(out, difference)?;
    }
    show_rejected(out, &refused.quarantined, refused.quarantined.len() as u64)
}

fn show_rejected(out: &mut impl Write, rows: &[model::QuarantinedRow], all: u64) -> anyhow::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nIn quarantine, {} of {all}:", rows.len().min(REJECTED))?;
    for row in rows.iter().take(REJECTED) {
        let byte = row.byte_offset.map(|b| format!(", byte {b}")).unwrap_or_default();
        writeln!(out, "  line {}{byte}: {}", row.line, table::sentence(&row.reason))?;
        writeln!(out, "    {}", table::plain(&row.raw))?;
    }
    Ok(())
}

fn named(delimiter: &str) -> &str {
    match delimiter {
        "\t" => "a tab",
        other => other,
    }
}

fn cure(warning: ColumnWarning) -> &'static str {
    match warning {
        ColumnWarning::AmbiguousDayMonth => {
            "03/04 can be March or April; say which with `day_first = true` or `false` in the contract's [[source]]"
        }
        ColumnWarning::AmbiguousDecimal => {
            "1,234 can be a thousand or one and a bit; say which with `decimal = \".\"` or `\",\"` in the contract's [[source]]"
        }
        ColumnWarning::MixedZones => {
            "some times name a zone and some do not; give the column `type = \"timestamp_utc\"` and its [[source]] a `time_zone`"
        }
        ColumnWarning::Nanoseconds => "its times are finer than the microseconds that tables keep",
    }
}
