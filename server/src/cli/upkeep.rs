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
    let mut told = Vec::new();
    for (dataset, compacted) in lake.keep_up(dataset, look).await? {
        told.push(match look {
            true => format!("{dataset}: {} small files would be compacted", compacted.files),
            false => format!("{dataset}: {compacted}"),
        });
    }
    let verb = if look { "would be removed" } else { "removed" };
    for (dataset, removed) in lake.clean_up(dataset, look).await? {
        told.push(format!("{dataset}: files that no kept version needs: {}, {verb}", counted(removed)));
    }
    if dataset.is_none() {
        let removed = lake.clean_up_results(look).await?;
        if removed.files > 0 {
            told.push(format!("stored results past their time: {}, {verb}", counted(removed)));
        }
    }
    if told.is_empty() {
        told.push("Nothing to do.".into());
    }
    for line in told {
        println!("{line}");
    }
    Ok(())
}

fn counted(removed: Removed) -> String {
    format!("{} ({:.1} MB)", removed.files, removed.bytes as f64 / 1e6)
}
