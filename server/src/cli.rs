//! The command line: what can be asked of `penstock`, and what each command shares.

use std::{collections::BTreeSet, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand, ValueEnum};
use lake::{Lake, LakeConfig, LakeError};
use model::DatasetName;

use crate::config::{Config, Environment};

pub mod access;
pub mod arrivals;
pub mod contract;
pub mod datasets;
pub mod decide;
pub mod demo;
pub mod explain;
pub mod ingest;
pub mod inspect;
pub mod person;
pub mod policy;
pub mod publish;
pub mod quarantine;
pub mod query;
pub mod rollback;
mod table;
pub mod upkeep;

/// A governed data portal over one bucket: drop files in, get a catalog, SQL, exports and an API, each person seeing
/// exactly what the policy grants.
///
/// Try it:  penstock demo   makes a lake with example data;  penstock serve   opens it on http://127.0.0.1:3000.
#[derive(Debug, Parser)]
#[command(name = "penstock", version, after_help = AFTER, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

const AFTER: &str = "\
Examples:
  penstock demo                                       make ./demo-lake with example data
  penstock serve                                      serve it on http://127.0.0.1:3000
  penstock query \"select count(*) from ops.flights\" --as analyst
  penstock inspect orders.csv                         say what would become of a file
  penstock rollback ops.flights --to 3 --as owner-ops go back to an older version
  penstock --lake s3://bucket/prefix ingest           take what was dropped in landing/

Settings are read from penstock.toml and PENSTOCK_… variables; none is required.";

/// Which lake, and with which settings.
#[derive(Debug, Clone, Default, Args)]
pub struct Global {
    /// The lake: a folder, or s3://bucket/prefix. Default: the settings', else demo-lake
    #[arg(long, global = true, value_name = "DIR|URL", env = "PENSTOCK_LAKE")]
    pub lake: Option<String>,
    /// The settings file. Default: penstock.toml, when there is one
    #[arg(long, global = true, value_name = "FILE", env = "PENSTOCK_CONFIG")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve pages and API, and ingest what is dropped in landing/
    Serve(ServeArgs),
    /// Ingest what is new in landing/, or a file or folder from here
    Ingest(ingest::IngestArgs),
    /// List what arrived in the datasets that a person owns
    Arrivals(arrivals::ArrivalsArgs),
    /// Look at a file that waits for its owner, land it or refuse it
    Decide(decide::DecideArgs),
    /// Show the rows of an arrival that did not land, and why
    Quarantine(quarantine::QuarantineArgs),
    /// Send corrected rows of an arrival back; only they land
    Correct(quarantine::CorrectArgs),
    /// Say what would become of a file, without landing it
    Inspect(inspect::InspectArgs),
    /// Check a contract, or draft one from a file
    Contract {
        #[command(subcommand)]
        command: contract::ContractCommand,
    },
    /// Run one SELECT as a person, and print what that person may see
    Query(query::QueryArgs),
    /// List the datasets that a person may see
    Datasets(datasets::DatasetsArgs),
    /// List the versions of a dataset: when, by whom, which file, how many rows
    Versions(rollback::VersionsArgs),
    /// Go back to an older version of a dataset; nothing is deleted
    Rollback(rollback::RollbackArgs),
    /// Make few large data files of many small ones; the server does it every hour
    Upkeep(upkeep::UpkeepArgs),
    /// See who asks for access, and answer
    Access {
        #[command(subcommand)]
        command: access::AccessCommand,
    },
    /// Look at the policy, publish another one
    Policy {
        #[command(subcommand)]
        command: policy::PolicyCommand,
    },
    /// Print the API's OpenAPI document
    Openapi,
    /// Make a demo lake from the examples and ingest everything
    Demo(demo::DemoArgs),
}

/// How long a command waits for its audit to be written.
pub const AUDIT_PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    /// Address and port. Default: 127.0.0.1:3000
    #[arg(long, value_name = "ADDRESS")]
    pub bind: Option<SocketAddr>,
    /// Do not ingest what is dropped in landing/
    #[arg(long)]
    pub no_watch: bool,
}

/// Forms in which the command line prints rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns for people
    Table,
    Csv,
    Json,
    /// Arrow IPC stream
    Arrow,
}

/// Ends a command that went on past datasets that failed: each is named with its reason.
///
/// # Errors
/// When there is one.
fn fail_for(failed: &[(DatasetName, LakeError)], what: &str) -> anyhow::Result<()> {
    for (dataset, error) in failed {
        // Who runs commands may read what the log says.
        match error {
            LakeError::Internal { detail, .. } => eprintln!("{dataset}: {detail}"),
            LakeError::Store { source } => eprintln!("{dataset}: {error} ({source})"),
            other => eprintln!("{dataset}: {other}"),
        }
    }
    let datasets: BTreeSet<&DatasetName> = failed.iter().map(|(dataset, _)| dataset).collect();
    let noun = if datasets.len() == 1 { "dataset" } else { "datasets" };
    anyhow::ensure!(failed.is_empty(), "{} {noun} {what}", datasets.len());
    Ok(())
}

/// The settings of this run: command line over environment over file.
///
/// # Errors
/// When they cannot be read.
pub fn settings(global: &Global) -> anyhow::Result<Config> {
    let mut config = Config::read(global.config.as_deref(), &Environment::of_process())?;
    if global.lake.is_some() {
        config.lake.location.clone_from(&global.lake);
    }
    Ok(config)
}

/// Runs a command on the IO runtime. Queries run on the engine's own threads.
///
/// # Errors
/// The command's, or when no threads can be started.
pub fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    runtime.block_on(work)
}

/// Opens the lake of the settings.
///
/// # Errors
/// When it is not there or its policy cannot be read.
pub async fn open(config: &Config) -> anyhow::Result<Lake> {
    let engine = engine(config)?;
    Lake::open(engine).await.with_context(|| format!("the lake {} cannot be opened", config.lake.shown()))
}

/// What the engine needs to open a lake that is there.
fn engine(config: &Config) -> anyhow::Result<LakeConfig> {
    if let Some(folder) = config.lake.folder()
        && !folder.is_dir()
    {
        anyhow::bail!(
            "there is no lake in {}; name one with --lake, or make one with example data: penstock demo",
            folder.display()
        );
    }
    config.lake.engine(&config.limits)
}

/// Opens the lake of the settings for `work`, and writes its audit out before the command ends.
///
/// # Errors
/// As [`open`]; the work's; when the audit cannot be written.
pub async fn with_lake<T>(config: &Config, work: impl AsyncFnOnce(&Lake) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let lake = open(config).await?;
    let done = work(&lake).await;
    match (lake.flush_audit(AUDIT_PATIENCE).await, done) {
        (Ok(()), done) => done,
        (Err(e), Ok(_)) => Err(anyhow::Error::from(e).context("what this command did is not in the audit")),
        (Err(_), Err(e)) => Err(e.context("nor could the audit be written")),
    }
}

/// `penstock openapi`
///
/// # Errors
/// When standard output is closed.
pub fn openapi() -> anyhow::Result<()> {
    print!("{}", crate::openapi::text(&crate::openapi::document())?);
    Ok(())
}
