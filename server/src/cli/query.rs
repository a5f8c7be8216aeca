//! `penstock query`: one SELECT, without a server, through the same governed session.

use std::io::Write as _;

use anyhow::bail;
use clap::Args;
use futures::StreamExt as _;
use lake::{Lake, LakeError};
use model::{ExportFormat, Formulas, Principal, QueryRequest, QueryState};

use super::{Format, person::Person, table};
use crate::config::Config;

/// Rows that are asked for at once.
const WINDOW: u64 = 10_000;

#[derive(Debug, Args)]
pub struct QueryArgs {
    /// One SELECT
    pub sql: String,
    #[command(flatten)]
    pub person: Person,
    /// In which form rows are printed
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    /// Rows that a table shows at most
    #[arg(long, default_value_t = 1_000)]
    pub limit: u64,
}

/// # Errors
/// When the query is refused or fails; the message is the one that the person would see.
pub async fn run(config: Config, args: QueryArgs) -> anyhow::Result<()> {
    let who = args.person.principal()?;
    super::with_lake(&config, async |lake| ask(lake, &who, args).await).await
}

async fn ask(lake: &Lake, who: &Principal, args: QueryArgs) -> anyhow::Result<()> {
    let mut request = QueryRequest::new(args.sql);
    request.wait_ms = 30_000;
    let mut status = lake.query(who, request).await.map_err(explain)?;
    while matches!(status.state, QueryState::Queued | QueryState::Running) {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        status = lake.query_status(who, &status.id).await.map_err(explain)?;
    }
    if status.state != QueryState::Done {
        bail!("the query did not end well");
    }
    let mut out = std::io::stdout().lock();
    let format = match args.format {
        Format::Table => {
            let mut rows = Vec::new();
            let columns = loop {
                let offset = rows.len() as u64;
                let limit = WINDOW.min(args.limit.saturating_sub(offset)).max(1);
                let page = lake.result_page(who, &status.id, offset, limit).await.map_err(explain)?;
                let last = page.rows.is_empty();
                rows.extend(page.rows);
                if last || rows.len() as u64 >= args.limit.min(page.rows_total) {
                    break page.columns;
                }
            };
            rows.truncate(usize::try_from(args.limit).unwrap_or(usize::MAX));
            table::write(&mut out, &columns, &rows)?;
            let cut = status.rows_total.saturating_sub(rows.len() as u64);
            if cut > 0 {
                writeln!(out, "… and {cut} more; --limit or another --format shows them")?;
            }
            return Ok(());
        }
        Format::Csv => ExportFormat::Csv,
        Format::Json => ExportFormat::Json,
        Format::Arrow => ExportFormat::Arrow,
    };
    let mut body = lake.download(who, &status.id, format, Formulas::Kept).await?.body;
    while let Some(part) = body.next().await {
        out.write_all(&part?)?;
    }
    if args.format == Format::Json {
        writeln!(out)?;
    }
    out.flush()?;
    Ok(())
}

/// The engine's words, with place and hint where it knows them.
fn explain(e: LakeError) -> anyhow::Error {
    match &e {
        LakeError::InvalidSql { message, line, column, hint } => {
            let place = match (line, column) {
                (Some(line), Some(column)) => format!(" (line {line}, column {column})"),
                _ => String::new(),
            };
            let hint = hint.as_ref().map(|h| format!("\n  {h}")).unwrap_or_default();
            anyhow::anyhow!("{message}{place}{hint}")
        }
        LakeError::Internal { detail, .. } => anyhow::anyhow!("{e}: {detail}"),
        LakeError::Store { source } => anyhow::anyhow!("{e}: {source}"),
        _ => e.into(),
    }
}
