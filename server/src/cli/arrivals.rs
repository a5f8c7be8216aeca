//! `penstock arrivals`: what arrived, as a person sees it.

use clap::Args;
use model::{DatasetName, IngestFilter, IngestState};

use super::{ingest::state, person::Person, table};
use crate::config::Config;

#[derive(Debug, Args)]
pub struct ArrivalsArgs {
    /// Only those of this dataset
    pub dataset: Option<DatasetName>,
    /// Only those that wait
    #[arg(long)]
    pub waiting: bool,
    #[command(flatten)]
    pub person: Person,
}

/// # Errors
/// When the lake cannot be read.
pub async fn run(config: Config, args: ArrivalsArgs) -> anyhow::Result<()> {
    let who = args.person.principal()?;
    let lake = super::open(&config).await?;
    let filter = IngestFilter {
        unit: args.dataset.as_ref().map(|d| d.unit().to_string()),
        dataset: args.dataset.as_ref().map(|d| d.name().to_owned()),
        state: args.waiting.then_some(IngestState::Waiting),
    };
    let found = lake.ingests(&who, filter).await?;
    let heads = ["arrival", "dataset", "file", "state", "landed", "quarantined", "message"].map(str::to_owned);
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|r| {
            vec![
                r.id.clone(),
                r.dataset.to_string(),
                table::plain(&r.file),
                state(r.state).to_owned(),
                r.rows.landed.to_string(),
                r.open().to_string(),
                super::ingest::told(r),
            ]
        })
        .collect();
    table::lines(&mut std::io::stdout().lock(), &heads, &[false, false, false, false, true, true], &rows)?;
    Ok(())
}
