//! `penstock contract`: whether a contract can be read, and a first one drafted from a file.

use std::path::PathBuf;

use anyhow::bail;
use clap::Subcommand;
use lake::{
    Limits,
    contract::{Source, draft},
    ingest::read_file,
};

use super::inspect;

#[derive(Debug, Subcommand)]
pub enum ContractCommand {
    /// Read contracts and say what is wrong, with the line and the cure
    Check {
        /// Contracts, as TOML
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Write a commented contract from what a file shows
    Draft {
        /// The file; - for standard input
        file: PathBuf,
    },
}

/// # Errors
/// When a file cannot be read, a contract is wrong, or a file shows no columns.
pub fn run(command: ContractCommand) -> anyhow::Result<()> {
    match command {
        ContractCommand::Check { files } => {
            let mut wrong = 0;
            for file in &files {
                match inspect::contract(file) {
                    Ok(_) => println!("{}: good", file.display()),
                    Err(e) => {
                        wrong += 1;
                        eprintln!("{e:#}");
                    }
                }
            }
            if wrong > 0 {
                bail!("{wrong} of {} contracts cannot be used", files.len());
            }
        }
        ContractCommand::Draft { file } => {
            let (name, bytes) = inspect::read(&file)?;
            let reading = read_file(&bytes, &name, None, None, &Limits::default());
            if let Err(refusal) = &reading.outcome
                && reading.columns.is_empty()
            {
                bail!("{} shows no columns: {}", file.display(), refusal.message);
            }
            print!("{}", draft(&reading, &name, &Source::default()));
        }
    }
    Ok(())
}
