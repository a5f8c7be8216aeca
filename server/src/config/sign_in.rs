//! The identity provider.

use std::path::PathBuf;

use anyhow::bail;
use serde::Deserialize;
use url::Url;

use super::is_loopback;

/// An OpenID Connect provider, or none: then the demo people sign in, on loopback alone.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignInSettings {
    /// The provider's issuer address, exactly as its discovery document has it; `PENSTOCK_ISSUER`.
    pub issuer: Option<String>,
    /// This application's id at the provider; `PENSTOCK_CLIENT_ID`.
    pub client_id: Option<String>,
    /// Its secret, when it has one; `PENSTOCK_CLIENT_SECRET`.
    pub client_secret: Option<String>,
    /// A file that holds the secret; `PENSTOCK_CLIENT_SECRET_FILE`.
    pub client_secret_file: Option<PathBuf>,
    /// Scopes to ask for beside `openid`; `PENSTOCK_SCOPES`. Default: `email`, `profile`.
    pub scopes: Option<Vec<String>>,
    /// The name on the sign-in button; `PENSTOCK_PROVIDER_NAME`. Default: the issuer's host.
    pub provider_name: Option<String>,
    /// `cognito` or `oidc`; `PENSTOCK_PROVIDER`. Default: known from the issuer's address.
    pub provider: Option<Provider>,
    /// The claim that lists groups; `PENSTOCK_GROUPS_CLAIM`. Default: `groups`, Cognito `cognito:groups`.
    pub groups_claim: Option<String>,
    /// Where sign-in begins, when discovery does not say; `PENSTOCK_AUTHORIZATION_ENDPOINT`.
    pub authorization_endpoint: Option<Url>,
    /// Where codes become tokens, when discovery does not say; `PENSTOCK_TOKEN_ENDPOINT`.
    pub token_endpoint: Option<Url>,
    /// Where sign-out goes on, when discovery does not say; `PENSTOCK_END_SESSION_ENDPOINT`.
    pub end_session_endpoint: Option<Url>,
    /// Where refresh tokens are revoked, when discovery does not say; `PENSTOCK_REVOCATION_ENDPOINT`.
    pub revocation_endpoint: Option<Url>,
    /// Accept ID tokens without a nonce, from a loopback issuer only; `PENSTOCK_ALLOW_MISSING_NONCE`.
    pub allow_missing_nonce: bool,
    /// Whether the demo people may sign in; `PENSTOCK_DEMO`. Default: on loopback without a provider.
    pub demo: Option<bool>,
}

/// Kinds of providers that differ beyond what discovery tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    Oidc,
    Cognito,
}

impl SignInSettings {
    /// The provider's kind, as configured or known from its address.
    #[must_use]
    pub fn kind(&self) -> Provider {
        let issuer = self.issuer_url();
        let host = issuer.as_ref().and_then(Url::host_str).unwrap_or_default();
        let cognito = host.starts_with("cognito-idp.") && host.contains(".amazonaws.com");
        self.provider.unwrap_or(if cognito { Provider::Cognito } else { Provider::Oidc })
    }

    /// What people call the provider.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        let issuer = self.issuer_url()?;
        Some(self.provider_name.clone().unwrap_or_else(|| issuer.host_str().unwrap_or("your organisation").to_owned()))
    }

    /// The issuer as an address. As a name, it is compared as text: a slash more or less is another issuer.
    #[must_use]
    pub fn issuer_url(&self) -> Option<Url> {
        Url::parse(self.issuer.as_ref()?).ok()
    }

    pub(super) fn read_secret_file(&mut self) -> anyhow::Result<()> {
        if let Some(path) = &self.client_secret_file {
            self.client_secret = Some(super::read_secret(path)?);
        }
        Ok(())
    }

    pub(super) fn check(&self) -> anyhow::Result<()> {
        let Some(text) = &self.issuer else {
            if self.client_id.is_some() {
                bail!(
                    "[sign_in] has a client_id and no issuer; set issuer (PENSTOCK_ISSUER) to the provider's address"
                );
            }
            return Ok(());
        };
        let Some(issuer) = &self.issuer_url() else { bail!("[sign_in] issuer = `{text}` is not an address") };
        if self.client_id.as_ref().is_none_or(String::is_empty) {
            bail!("[sign_in] has an issuer and no client_id; set client_id (PENSTOCK_CLIENT_ID)");
        }
        if self.client_secret.as_ref().is_some_and(|s| s.len() < 8) && !is_loopback(issuer) {
            bail!("[sign_in] client_secret is too short to be one; copy it from the provider again");
        }
        if self.demo == Some(true) {
            bail!("[sign_in] demo = true and an issuer exclude each other; remove one");
        }
        let endpoints =
            [&self.authorization_endpoint, &self.token_endpoint, &self.end_session_endpoint, &self.revocation_endpoint];
        for url in endpoints.into_iter().flatten().chain([issuer]) {
            if url.scheme() != "https" && !is_loopback(url) {
                bail!("[sign_in] {url} must use https");
            }
        }
        if self.allow_missing_nonce && !is_loopback(issuer) {
            bail!("[sign_in] allow_missing_nonce is for a provider on this machine (tests) only; {issuer} is not");
        }
        Ok(())
    }
}

impl std::fmt::Debug for SignInSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignInSettings")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}
