//! `penstock ingest`: files into tables, with one line for each file.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use model::{DatasetName, IngestReport, IngestState};

use super::table;
use crate::config::Config;

#[derive(Debug, Args)]
pub struct IngestArgs {
    /// A file, or a folder with <unit>/<dataset>/<file> below it; what is new in landing/ when absent
    pub path: Option<PathBuf>,
    /// The dataset that a file belongs to, as unit.dataset
    #[arg(long, value_name = "UNIT.DATASET")]
    pub dataset: Option<DatasetName>,
}

/// # Errors
/// When the lake cannot be written, or when a file was refused.
pub async fn run(config: Config, args: IngestArgs) -> anyhow::Result<()> {
    let taken = super::with_lake(&config, async |lake| {
        Ok(match &args.path {
            Some(path) => (lake.ingest_path(path, args.dataset.as_ref()).await?, Vec::new(), Vec::new()),
            None => {
                let (reports, failed) = lake.take_landing().await?;
                (reports, failed, lake.all_astray().await?)
            }
        })
    });
    let (reports, failed, astray) = taken.await?;
    if failed.is_empty() || !reports.is_empty() {
        print(&reports)?;
    }
    for file in astray {
        eprintln!("{} belongs to no dataset: {}", table::sentence(&file.path), table::sentence(&file.reason));
    }
    let waiting = reports.iter().filter(|r| r.state == IngestState::Waiting).count();
    if waiting > 0 {
        println!("\n{waiting} of {} files wait for an owner: penstock arrivals --waiting --as OWNER", reports.len());
    }
    let refused = reports.iter().filter(|r| r.state == IngestState::Refused).count();
    let of_refused = format!("{refused} of {} files were refused", reports.len());
    if refused > 0 && !failed.is_empty() {
        eprintln!("{of_refused}");
    }
    super::fail_for(&failed, "could not be taken; the next run tries again")?;
    if refused > 0 {
        bail!(of_refused);
    }
    Ok(())
}

/// One line a file.
pub(super) fn print(reports: &[IngestReport]) -> anyhow::Result<()> {
    if reports.is_empty() {
        println!("Nothing new.");
        return Ok(());
    }
    let heads = ["dataset", "file", "state", "landed", "quarantined", "message"].map(str::to_owned);
    let rows: Vec<Vec<String>> = reports
        .iter()
        .map(|r| {
            vec![
                r.dataset.to_string(),
                table::plain(&r.file),
                state(r.state).to_owned(),
                r.rows.landed.to_string(),
                r.rows.quarantined.to_string(),
                told(r),
            ]
        })
        .collect();
    table::lines(&mut std::io::stdout().lock(), &heads, &[false, false, false, true, true], &rows)?;
    Ok(())
}

/// What became of a file, in words. It is the last column and whole: nothing stands behind it.
pub(super) fn told(report: &IngestReport) -> String {
    let said = std::iter::once(&report.message).chain(&report.warnings).filter(|s| !s.is_empty());
    said.map(|s| table::sentence(s)).collect::<Vec<_>>().join(" ")
}

pub(super) fn state(state: IngestState) -> &'static str {
    match state {
        IngestState::Working => "working",
        IngestState::Waiting => "waiting",
        IngestState::Landed => "landed",
        IngestState::Duplicate => "duplicate",
        IngestState::Refused => "refused",
    }
}
