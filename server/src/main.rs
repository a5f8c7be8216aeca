//! The binary `penstock`: parses the command line and dispatches.

use std::process::ExitCode;

use clap::Parser as _;
use server::{
    cli::{self, Cli, Command},
    serve, telemetry,
};

fn main() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    let done = cli::settings(&global).and_then(|config| {
        telemetry::init(&config.log, &command)?;
        cli::block_on(async {
            match command {
                Command::Serve(args) => serve::serve(config.with(&args)).await,
                Command::Ingest(args) => cli::ingest::run(config, args).await,
                Command::Arrivals(args) => cli::arrivals::run(config, args).await,
                Command::Decide(args) => cli::decide::run(config, args).await,
                Command::Quarantine(args) => cli::quarantine::run(config, args).await,
                Command::Correct(args) => cli::quarantine::correct(config, args).await,
                Command::Inspect(args) => cli::inspect::run(config, args).await,
                Command::Contract { command } => cli::contract::run(command),
                Command::Query(args) => cli::query::run(config, args).await,
                Command::Datasets(args) => cli::datasets::run(config, args).await,
                Command::Versions(args) => cli::rollback::versions(config, args).await,
                Command::Rollback(args) => cli::rollback::run(config, args).await,
                Command::Upkeep(args) => cli::upkeep::run(config, args).await,
                Command::Access { command } => cli::access::run(config, command).await,
                Command::Policy { command } => cli::policy::run(config, command).await,
                Command::Openapi => cli::openapi(),
                Command::Demo(args) => cli::demo::run(config, args).await,
            }
        })
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("penstock: {e:#}");
            ExitCode::FAILURE
        }
    }
}
