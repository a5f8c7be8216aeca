//! The provider's signing keys: fetched when needed, once more for an unknown key, and kept when the provider fails.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use openidconnect::{core::CoreJsonWebKeySet, reqwest};
use tokio::sync::Mutex;
use url::Url;

/// No more than one request in this time, whatever tokens arrive.
const COOL_DOWN: Duration = Duration::from_secs(30);
/// Keys that the provider withdrew are forgotten after this time.
const MAX_AGE: Duration = Duration::from_secs(3_600);

#[derive(Debug, Default)]
pub struct Keys {
    kept: Mutex<Option<Kept>>,
}

#[derive(Debug, Clone)]
struct Kept {
    set: Arc<CoreJsonWebKeySet>,
    asked_at: Instant,
}

/// Why keys are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// To verify a token.
    Any,
    /// The token names a key that the set at hand does not have.
    Newer,
}

impl Keys {
    /// The key set.
    ///
    /// # Errors
    /// When the provider cannot be asked and no set is at hand.
    pub async fn get(
        &self,
        http: &reqwest::Client,
        address: &Url,
        need: Need,
    ) -> anyhow::Result<Arc<CoreJsonWebKeySet>> {
        let mut kept = self.kept.lock().await;
        if let Some(now) = &*kept {
            let wait = if need == Need::Newer { COOL_DOWN } else { MAX_AGE };
            if now.asked_at.elapsed() < wait {
                return Ok(Arc::clone(&now.set));
            }
        }
        match fetch(http, address).await {
            Ok(set) => {
                let set = Arc::new(set);
                *kept = Some(Kept { set: Arc::clone(&set), asked_at: Instant::now() });
                Ok(set)
            }
            Err(e) => match &mut *kept {
                Some(old) => {
                    tracing::warn!(error = %e, "the provider's keys could not be fetched; the old ones stay");
                    old.asked_at = Instant::now();
                    Ok(Arc::clone(&old.set))
                }
                None => Err(e),
            },
        }
    }
}

async fn fetch(http: &reqwest::Client, address: &Url) -> anyhow::Result<CoreJsonWebKeySet> {
    let answer = http.get(address.clone()).send().await?.error_for_status()?;
    let bytes = answer.bytes().await?;
    serde_json::from_slice(&bytes).with_context(|| format!("the keys at {address}"))
}
