//! `/healthz`: the process lives. `/readyz`: it can serve, so its store answers.

use std::time::Duration;

use axum::extract::State;

use crate::{problem::ApiProblem, state::AppState};

pub async fn healthz() -> &'static str {
    "ok\n"
}

/// Reads one small document that need not exist: one request to the store, within a bound.
pub async fn readyz(State(state): State<AppState>) -> Result<&'static str, ApiProblem> {
    let asked = state.lake.documents().get::<serde_json::Value>("health", "ready");
    match tokio::time::timeout(Duration::from_secs(4), asked).await {
        Ok(Ok(_)) => Ok("ready\n"),
        Ok(Err(e)) => {
            tracing::warn!(error = %e, "not ready");
            Err(ApiProblem::not_ready())
        }
        Err(_) => {
            tracing::warn!("not ready: the store takes too long");
            Err(ApiProblem::not_ready())
        }
    }
}
