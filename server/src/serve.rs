//! `penstock serve`: config → state → router → listener → graceful shutdown.

use std::{future::IntoFuture as _, net::SocketAddr, time::Duration};

use anyhow::Context as _;
use lake::Lake;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{auth::demo, cli, config::Config, router::router, site::Site, state::AppState};

/// Serves until the process is asked to end.
///
/// # Errors
/// When the settings are unsafe, the lake cannot be opened or the address cannot be had.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    config.check()?;
    make_demo(&config)?;
    let listener = listen(&config).await?;
    let site = Site::find(&config)?;
    let lake = open(&config).await?;
    let state = AppState::new(config, lake.clone(), site).await?;
    let router = router(&state);

    let stop = CancellationToken::new();
    let keeping = tokio::spawn(keep_up(lake.clone(), state.config.lake.upkeep, stop.clone()));
    let watching = tokio::spawn(watch(lake, state.config.lake.watch, stop.clone()));
    greet(&state);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(stop.clone().cancelled_owned());
    let mut server = tokio::spawn(server.into_future());
    tokio::select! {
        ended = &mut server => {
            write_audit(&state.lake).await;
            return Ok(ended??);
        }
        () = asked_to_end() => tracing::info!("ending: no new requests, running ones may finish"),
    }
    stop.cancel();
    let patience = Duration::from_secs(state.config.server.shutdown_seconds);
    let done = async {
        let _ = tokio::join!(watching, keeping);
        server.await
    };
    let done = tokio::time::timeout(patience, done).await;
    write_audit(&state.lake).await;
    match done {
        Ok(ended) => Ok(ended??),
        Err(_) => {
            tracing::warn!("some requests took too long to end and were cut off");
            Ok(())
        }
    }
}

/// Writes out what the audit holds.
async fn write_audit(lake: &Lake) {
    if lake.flush_audit(cli::AUDIT_PATIENCE).await.is_err() {
        tracing::error!(
            events = lake.unwritten_events(),
            "the audit could not be written to its end; these events are lost"
        );
    }
}

async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    let at = config.server.bind;
    TcpListener::bind(at).await.with_context(|| {
        format!("cannot listen on {at}; if something else uses the port, choose another with --bind 127.0.0.1:PORT")
    })
}

/// The first start of the demo: its lake is made from the examples, and the watcher ingests while the server is up.
fn make_demo(config: &Config) -> anyhow::Result<()> {
    let Some(folder) = config.lake.folder().filter(|_| config.demo() && config.lake.location.is_none()) else {
        return Ok(());
    };
    match cli::demo::examples() {
        Some(examples) if !cli::demo::is_made(&folder) => {
            tracing::info!("making {} from {}", folder.display(), examples.display());
            cli::demo::make(&examples, &folder)
        }
        _ => Ok(()),
    }
}

async fn open(config: &Config) -> anyhow::Result<Lake> {
    let engine = config.lake.engine(&config.limits)?;
    Lake::open(engine).await.with_context(|| format!("the lake {} cannot be opened", config.lake.shown()))
}

async fn keep_up(lake: Lake, on: bool, stop: CancellationToken) {
    if on {
        lake.keep_up_until(stop.cancelled_owned()).await;
    }
}

async fn watch(lake: Lake, on: bool, stop: CancellationToken) {
    if on {
        lake.watch(stop.cancelled_owned()).await;
    }
}

/// Says where to go and as whom one can sign in.
fn greet(state: &AppState) {
    println!("Penstock serves {} at {}", state.config.lake.shown(), state.origin);
    if state.config.demo() {
        println!("\n  DEMO SIGN-IN: anyone on this machine may sign in as one of\n");
        for person in demo::PEOPLE {
            println!("    {:<11} {}", person.name, person.about);
        }
        println!();
    } else if let Some(name) = state.config.sign_in.name() {
        println!("Sign-in through {name}");
    }
    if state.config.lake.folder().is_some_and(|folder| !cli::demo::is_made(&folder)) {
        println!("The lake has no policy.toml, so nobody sees anything; examples/policy.toml shows how one looks.");
    }
    if !state.site.is_built() {
        println!(
            "The web app's files are not in {}: pages have no style. Build them: make build",
            state.site.options.site_root
        );
    }
}

async fn asked_to_end() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}
