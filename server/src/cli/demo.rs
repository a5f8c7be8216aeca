//! `penstock demo`: a lake with example policy, contracts and files, all ingested.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use clap::Args;

use crate::config::Config;

/// What an examples folder holds; the policy is copied last and so marks a whole copy.
const FOLDERS: [&str; 2] = ["contracts", "landing"];
const POLICY: &str = "policy.toml";

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The folder of the new lake. Default: --lake, else demo-lake
    pub folder: Option<PathBuf>,
    /// Where the examples are
    #[arg(long, value_name = "DIR")]
    pub examples: Option<PathBuf>,
}

/// # Errors
/// When there are no examples or the lake cannot be written.
pub async fn run(mut config: Config, args: DemoArgs) -> anyhow::Result<()> {
    if let Some(folder) = &args.folder {
        config.lake.location = Some(folder.to_string_lossy().into_owned());
    }
    let Some(folder) = config.lake.folder() else {
        bail!("the demo makes a local lake; {} is not a folder", config.lake.shown());
    };
    let examples =
        args.examples.or_else(examples).context("there is no examples/ folder here; name it with --examples")?;
    if is_made(&folder) {
        println!("{} is a lake already; taking what is new in its landing/", folder.display());
    } else {
        make(&examples, &folder)?;
        println!("Made {} from {}; ingesting", folder.display(), examples.display());
    }
    let reports = super::with_lake(&config, async |lake| Ok(lake.ingest_landing().await?)).await?;
    super::ingest::print(&reports)?;
    println!("\nNow: penstock --lake {} serve", folder.display());
    Ok(())
}

/// Whether a folder is a lake with a policy.
#[must_use]
pub fn is_made(folder: &Path) -> bool {
    folder.join(POLICY).is_file()
}

/// The examples folder where the program was started.
#[must_use]
pub fn examples() -> Option<PathBuf> {
    let here = PathBuf::from("examples");
    here.join(POLICY).is_file().then_some(here)
}

/// Copies policy, contracts and landing files. What is there already stays.
///
/// # Errors
/// When `examples` lacks a policy or something cannot be written.
pub fn make(examples: &Path, folder: &Path) -> anyhow::Result<()> {
    let policy = examples.join(POLICY);
    ensure!(policy.is_file(), "{} has no {POLICY}", examples.display());
    for name in FOLDERS {
        let from = examples.join(name);
        if from.is_dir() {
            copy(&from, &folder.join(name))?;
        }
    }
    copy_file(&policy, &folder.join(POLICY))
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else if !target.exists() {
            copy_file(&entry.path(), &target)?;
        }
    }
    Ok(())
}

/// Under another name first, so that nobody finds half a file.
fn copy_file(from: &Path, to: &Path) -> anyhow::Result<()> {
    let name = to.file_name().context("a file has a name")?.to_string_lossy();
    let part = to.with_file_name(format!(".{name}.part"));
    fs::copy(from, &part).and_then(|_| fs::rename(&part, to)).with_context(|| format!("cannot write {}", to.display()))
}
