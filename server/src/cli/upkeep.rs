//! `penstock upkeep`: what the server does in the background, now.

use clap::Args;
use lake::store::Removed;
use model::DatasetName;

use crate::config::Config;

#[derive(Debug, Args)]
pub struct UpkeepArgs {
    /// The dataset, as unit.dataset; every one without it
    pub dataset: Option<DatasetName>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// One line for each dataset of which many small data files became few large ones, and for each of which files were
/// removed that no version needs; and one for old results.
///
/// # Errors
/// When the lake cannot be read or written, or there is no such dataset.
pub async fn run(config: Config, args: UpkeepArgs) -> anyhow::Result<()> {
    let lake = super::open(&config).await?;
    let (dataset, look) = (args.dataset.as_ref(), args.dry_run);
    let mut told = 0;
    let mut tell = |line: String| {
        told += 1;
        println!("{line}");
    };
    // Each is done whatever became of the others.
    let compacted = lake.keep_up(dataset, look).await;
    for (dataset, compacted) in compacted.as_ref().into_iter().flatten() {
        tell(match look {
            true => format!("{dataset}: {} small files would be compacted", compacted.files),
            false => format!("{dataset}: {compacted}"),
        });
    }
    let verb = if look { "would be removed" } else { "removed" };
    let cleaned = lake.clean_up(dataset, look).await;
    for (dataset, removed) in cleaned.as_ref().into_iter().flatten() {
        tell(format!("{dataset}: files that no kept version needs: {}, {verb}", counted(*removed)));
    }
    let results = match dataset {
        None => lake.clean_up_results(look).await,
        Some(_) => Ok(Removed::default()),
    };
    if let Ok(removed) = &results
        && removed.files > 0
    {
        tell(format!("stored results past their time: {}, {verb}", counted(*removed)));
    }
    compacted?;
    cleaned?;
    results?;
    if told == 0 {
        println!("Nothing to do.");
    }
    Ok(())
}

fn counted(removed: Removed) -> String {
    format!("{} ({:.1} MB)", removed.files, removed.bytes as f64 / 1e6)
}
