//! `penstock upkeep`: what the server does in the background, now.

use clap::Args;
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

/// One line for each dataset of which many small data files became few large ones.
///
/// # Errors
/// When the lake cannot be read or written, or there is no such dataset.
pub async fn run(config: Config, args: UpkeepArgs) -> anyhow::Result<()> {
    let lake = super::open(&config).await?;
    let done = lake.keep_up(args.dataset.as_ref(), args.dry_run).await?;
    if done.is_empty() {
        println!("Nothing to do.");
    }
    for (dataset, compacted) in done {
        match args.dry_run {
            true => println!("{dataset}: {} small files would be compacted", compacted.files),
            false => println!("{dataset}: {compacted}"),
        }
    }
    Ok(())
}
