//! What every request may need, built once by `serve` (and by tests) and passed down. No globals.

use std::{ops::Deref, sync::Arc};

use axum::extract::FromRef;
use lake::Lake;
use leptos::config::LeptosOptions;

use crate::{
    auth::{oidc::Oidc, refusals::Refusals, sessions::Sessions, tokens::Tokens},
    config::Config,
    intake::Intake,
    site::Site,
    telemetry::Metrics,
};

/// Shared by all requests; cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState(Arc<Parts>);

#[derive(Debug)]
pub struct Parts {
    pub config: Config,
    pub lake: Lake,
    pub sessions: Sessions,
    pub tokens: Tokens,
    pub refusals: Refusals,
    /// `None` when no provider is configured.
    pub oidc: Option<Oidc>,
    pub site: Site,
    pub metrics: Metrics,
    pub intake: Intake,
    /// The origin under which browsers know the server, without trailing slash.
    pub origin: String,
    /// Browsers reach the server over https.
    pub https: bool,
}

impl AppState {
    /// Wires the parts together over an open lake.
    ///
    /// # Errors
    /// When the provider's settings are wrong or the sign-in key cannot be kept in the lake.
    pub async fn new(config: Config, lake: Lake, site: Site) -> anyhow::Result<Self> {
        let origin = config.origin();
        let oidc = Oidc::new(&config, &lake, &origin).await?;
        let sessions = Sessions::new(lake.documents().clone(), config.session.clone());
        let tokens = Tokens::new(lake.documents().clone(), config.session.cache());
        let https = origin.starts_with("https:");
        let (metrics, intake, refusals) = (Metrics::new(&lake), Intake::default(), Refusals::default());
        Ok(Self(Arc::new(Parts {
            config,
            lake,
            sessions,
            tokens,
            refusals,
            oidc,
            site,
            metrics,
            intake,
            origin,
            https,
        })))
    }
}

impl Deref for AppState {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.site.options.clone()
    }
}
