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
    let mut failed = Vec::new();
    let verb = if look { "would be removed" } else { "removed" };
    for dataset in lake.datasets_to_keep_up(dataset).await? {
        match lake.keep_up(&dataset, look).await {
            Ok(None) => {}
            Ok(Some(compacted)) if look => {
                tell(format!("{dataset}: {} small files would be compacted", compacted.files));
            }
            Ok(Some(compacted)) => tell(format!("{dataset}: {compacted}")),
            Err(e) => failed.push((dataset.clone(), e)),
        }
        match lake.clean_up(&dataset, look).await {
            Ok(removed) if removed.files == 0 => {}
            Ok(removed) => tell(format!("{dataset}: files that no kept version needs: {}, {verb}", counted(removed))),
            Err(e) => failed.push((dataset, e)),
        }
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
    // The other failure, when there are two.
    if let (Err(e), false) = (&results, failed.is_empty()) {
        eprintln!("stored results: {e}");
    }
    super::fail_for(&failed, "could not be kept up")?;
    results?;
    if told == 0 {
        println!("Nothing to do.");
    }
    Ok(())
}

fn counted(removed: Removed) -> String {
    format!("{} ({:.1} MB)", removed.files, removed.bytes as f64 / 1e6)
}
