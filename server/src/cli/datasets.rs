//! `penstock datasets`: the catalog as a person sees it.

use clap::Args;
use model::DatasetFilter;

use super::{person::Person, table};
use crate::config::Config;

#[derive(Debug, Args)]
pub struct DatasetsArgs {
    /// Words that must all occur in name, title, description, tags or column names
    pub words: Vec<String>,
    #[command(flatten)]
    pub person: Person,
}

/// # Errors
/// When the lake cannot be read.
pub async fn run(config: Config, args: DatasetsArgs) -> anyhow::Result<()> {
    let who = args.person.principal()?;
    let lake = super::open(&config).await?;
    let q = Some(args.words.join(" ")).filter(|q| !q.is_empty());
    let found = lake.datasets(&who, DatasetFilter { q, unit: None }).await?;
    let heads = ["dataset", "rows", "columns", "version", "title", "limits"].map(str::to_owned);
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|d| {
            let rows = d.rows.map(|n| n.to_string()).unwrap_or_default();
            vec![
                d.name.to_string(),
                rows,
                d.columns.to_string(),
                d.version.to_string(),
                table::plain(&d.title),
                table::plain(&super::policy::limits(&d.access)),
            ]
        })
        .collect();
    table::lines(&mut std::io::stdout().lock(), &heads, &[false, true, true, true], &rows)?;
    Ok(())
}
