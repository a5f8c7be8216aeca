//! OpenID Connect: discovery, the code flow with PKCE, and the checks of the ID token.
//!
//! Knows no cookies and no pages; `flow` has these. Cognito's peculiarities are in `cognito`.

use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use lake::{Lake, LakeError};
use model::Principal;
use openidconnect::{
    AdditionalClaims, AuthType, AuthUrl, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    IdToken, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    SignatureVerificationError, TokenResponse as _, TokenUrl,
    core::{
        CoreAuthenticationFlow, CoreClient, CoreGenderClaim, CoreIdTokenVerifier, CoreJsonWebKeySet,
        CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
    },
    reqwest,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;
use tokio::sync::Mutex;
use url::Url;

use super::{
    claims, cognito,
    keys::{Keys, Need},
    seal::Sealer,
    sessions::ProviderTokens,
};
use crate::config::{Config, Provider, SignInSettings, is_loopback};

/// Where the provider sends people back to; registered there exactly so.
pub const CALLBACK: &str = "/auth/callback";
const SKEW: TimeDelta = TimeDelta::seconds(60);
/// An ID token is fresh from the token endpoint; an old one is a replay.
const MAX_AGE: TimeDelta = TimeDelta::minutes(10);
const REQUEST_TIME: std::time::Duration = std::time::Duration::from_secs(10);

/// The configured provider.
pub struct Oidc {
    settings: SignInSettings,
    issuer: Url,
    /// As configured: issuers are compared as text.
    issuer_text: String,
    client_id: String,
    redirect_uri: String,
    post_logout_uri: String,
    http: reqwest::Client,
    discovered: Mutex<Option<Arc<Discovered>>>,
    keys: Keys,
    /// Seals the sign-in cookie; the same on every replica.
    pub sealer: Sealer,
}

/// What the discovery document says, as far as it is used.
#[derive(Debug, Clone, Deserialize)]
pub struct Discovered {
    issuer: String,
    jwks_uri: Url,
    #[serde(default)]
    authorization_endpoint: Option<Url>,
    #[serde(default)]
    token_endpoint: Option<Url>,
    #[serde(default)]
    end_session_endpoint: Option<Url>,
    #[serde(default)]
    revocation_endpoint: Option<Url>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// What must come back from the provider for a sign-in to be the one that began here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pending {
    pub state: String,
    pub nonce: String,
    pub verifier: String,
    pub return_to: String,
    pub expires_at: DateTime<Utc>,
}

/// All claims, as they stand in the token.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct AllClaims(pub Map<String, Value>);

impl AdditionalClaims for AllClaims {}

type AnyIdToken = IdToken<AllClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

impl Oidc {
    /// The provider of the settings, or `None`. Asks nothing of it yet: a provider that is down does not keep the
    /// server from starting.
    ///
    /// # Errors
    /// When the lake cannot keep the key of the sign-in cookie.
    pub async fn new(config: &Config, lake: &Lake, origin: &str) -> anyhow::Result<Option<Self>> {
        let settings = config.sign_in.clone();
        let (Some(issuer_text), Some(client_id)) = (settings.issuer.clone(), settings.client_id.clone()) else {
            return Ok(None);
        };
        let issuer = Url::parse(&issuer_text).with_context(|| format!("the issuer {issuer_text}"))?;
        let http = reqwest::Client::builder()
            // Following a redirect of the provider would let it point us at any address.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(REQUEST_TIME)
            .build()?;
        let secret = match &config.lake.secret {
            Some(secret) => secret.clone().into_bytes(),
            None => key_in_lake(lake).await?,
        };
        Ok(Some(Self {
            issuer_text,
            issuer,
            client_id,
            redirect_uri: format!("{origin}{CALLBACK}"),
            post_logout_uri: format!("{origin}/sign-in"),
            http,
            discovered: Mutex::default(),
            keys: Keys::default(),
            sealer: Sealer::of(&secret, "sign-in cookie"),
            settings,
        }))
    }

    /// Begins a sign-in: where to send the browser, and what must come back.
    ///
    /// # Errors
    /// When the provider's addresses cannot be learnt.
    pub async fn begin(&self, return_to: &str) -> anyhow::Result<(Url, Pending)> {
        let found = self.discover().await?;
        let client = CoreClient::new(
            ClientId::new(self.client_id.clone()),
            IssuerUrl::new(self.issuer_text.clone())?,
            CoreJsonWebKeySet::new(vec![]),
        )
        .set_auth_uri(AuthUrl::from_url(self.authorization_endpoint(&found)?))
        .set_redirect_uri(RedirectUrl::new(self.redirect_uri.clone())?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .set_pkce_challenge(challenge);
        let default = || vec!["email".to_owned(), "profile".to_owned()];
        for scope in self.settings.scopes.clone().unwrap_or_else(default) {
            if scope != "openid" {
                request = request.add_scope(Scope::new(scope));
            }
        }
        let (url, state, nonce) = request.url();
        let pending = Pending {
            state: state.secret().clone(),
            nonce: nonce.secret().clone(),
            verifier: verifier.secret().clone(),
            return_to: return_to.to_owned(),
            expires_at: Utc::now() + MAX_AGE,
        };
        Ok((url, pending))
    }

    /// Turns a code into a person.
    ///
    /// # Errors
    /// When the provider refuses the code or its ID token does not pass every check. The message is for the log.
    pub async fn finish(&self, code: String, pending: &Pending) -> anyhow::Result<(Principal, ProviderTokens)> {
        let found = self.discover().await?;
        let token_endpoint = self.token_endpoint(&found)?;
        let mut client = CoreClient::new(
            ClientId::new(self.client_id.clone()),
            IssuerUrl::new(self.issuer_text.clone())?,
            CoreJsonWebKeySet::new(vec![]),
        )
        .set_token_uri(TokenUrl::from_url(token_endpoint))
        .set_redirect_uri(RedirectUrl::new(self.redirect_uri.clone())?)
        .set_auth_type(self.auth_type(&found));
        if let Some(secret) = &self.settings.client_secret {
            client = client.set_client_secret(ClientSecret::new(secret.clone()));
        }
        let tokens = client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(PkceCodeVerifier::new(pending.verifier.clone()))
            .request_async(&self.http)
            .await
            .context("the token endpoint refused the code")?;
        let id_token = tokens.id_token().context("the token endpoint sent no ID token")?.to_string();
        let principal = self.verify(&id_token, &pending.nonce).await?;
        let refresh_token = tokens.refresh_token().map(|t| t.secret().clone());
        Ok((principal, ProviderTokens { id_token, refresh_token }))
    }

    /// Where signing out goes on, if the provider has such a place.
    pub async fn end_session(&self, tokens: Option<&ProviderTokens>) -> Option<Url> {
        let found = self.discover().await.ok()?;
        if self.settings.kind() == Provider::Cognito {
            let pages = self.authorization_endpoint(&found).ok()?;
            let configured = self.settings.end_session_endpoint.as_ref();
            return Some(cognito::logout(&pages, configured, &self.client_id, &self.post_logout_uri));
        }
        let mut url = self.settings.end_session_endpoint.clone().or_else(|| found.end_session_endpoint.clone())?;
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("client_id", &self.client_id);
            query.append_pair("post_logout_redirect_uri", &self.post_logout_uri);
            if let Some(tokens) = tokens {
                query.append_pair("id_token_hint", &tokens.id_token);
            }
        }
        Some(url)
    }

    /// Revokes the refresh token at the provider. A failure is logged: the session here has ended in any case.
    pub async fn revoke(&self, tokens: &ProviderTokens) {
        let Some(refresh) = &tokens.refresh_token else { return };
        if let Err(e) = self.try_revoke(refresh).await {
            tracing::warn!(error = format!("{e:#}"), "the refresh token could not be revoked at the provider");
        }
    }

    async fn try_revoke(&self, refresh: &str) -> anyhow::Result<()> {
        let found = self.discover().await?;
        let own = self.settings.revocation_endpoint.clone().or_else(|| found.revocation_endpoint.clone());
        let at = match own {
            None if self.settings.kind() == Provider::Cognito => cognito::revocation(&self.token_endpoint(&found)?),
            own => own,
        };
        let Some(at) = at else { return Ok(()) };
        // By hand (RFC 7009): the library takes https addresses only, and providers on this machine have none.
        let mut form = vec![("token", refresh), ("token_type_hint", "refresh_token")];
        let mut request = self.http.post(at);
        match (&self.settings.client_secret, self.auth_type(&found)) {
            (Some(secret), AuthType::BasicAuth) => request = request.basic_auth(&self.client_id, Some(secret)),
            (Some(secret), _) => form.extend([("client_id", self.client_id.as_str()), ("client_secret", secret)]),
            (None, _) => form.push(("client_id", &self.client_id)),
        }
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        request.send().await?.error_for_status().context("revocation")?;
        Ok(())
    }

    async fn verify(&self, raw: &str, nonce: &str) -> anyhow::Result<Principal> {
        let found = self.discover().await?;
        let keys = self.keys.get(&self.http, &found.jwks_uri, Need::Any).await?;
        let checked = match self.check(raw, nonce, &keys, Utc::now()) {
            Err(Refused::UnknownKey) => {
                let keys = self.keys.get(&self.http, &found.jwks_uri, Need::Newer).await?;
                self.check(raw, nonce, &keys, Utc::now())
            }
            checked => checked,
        };
        Ok(checked?)
    }

    /// All checks of an ID token: signature and algorithm, issuer, audience, times, nonce, and what it is for.
    fn check(
        &self,
        raw: &str,
        nonce: &str,
        keys: &CoreJsonWebKeySet,
        now: DateTime<Utc>,
    ) -> Result<Principal, Refused> {
        let token: AnyIdToken = raw.parse().map_err(|e| Refused::Unreadable(format!("{e}")))?;
        let issuer = IssuerUrl::new(self.issuer_text.clone()).map_err(|e| Refused::Unreadable(e.to_string()))?;
        // A public client's verifier never takes the client secret for a key.
        let verifier =
            CoreIdTokenVerifier::new_public_client(ClientId::new(self.client_id.clone()), issuer, keys.clone())
                .set_allowed_algs([
                    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
                    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
                ])
                .set_time_fn(move || now - SKEW)
                .set_issue_time_verifier_fn(move |at| {
                    if at > now + SKEW {
                        return Err(format!("issued in the future, at {at}"));
                    }
                    if at < now - MAX_AGE - SKEW {
                        return Err(format!("issued long ago, at {at}"));
                    }
                    Ok(())
                });
        let may_lack_nonce = self.settings.allow_missing_nonce && is_loopback(&self.issuer);
        let nonce_check = |given: Option<&Nonce>| match given {
            Some(given) if bool::from(given.secret().as_bytes().ct_eq(nonce.as_bytes())) => Ok(()),
            Some(_) => Err("another nonce".to_owned()),
            None if may_lack_nonce => Ok(()),
            None => Err("no nonce".to_owned()),
        };
        let claims = token.claims(&verifier, nonce_check)?;
        let all = &claims.additional_claims().0;
        let cognito = self.settings.kind() == Provider::Cognito;
        if cognito && !cognito::is_id_token(all) {
            return Err(Refused::NotAnIdToken);
        }
        let default = if cognito { cognito::GROUPS } else { "groups" };
        let groups = self.settings.groups_claim.as_deref().unwrap_or(default);
        let mut whole = all.clone();
        // The standard claims are read by the library and so are not among the additional ones.
        if let Ok(Value::Object(standard)) = serde_json::to_value(claims) {
            for (name, value) in standard {
                whole.entry(name).or_insert(value);
            }
        }
        if let Some(party) = whole.get("azp").and_then(Value::as_str)
            && party != self.client_id
        {
            return Err(Refused::OtherParty(party.to_owned()));
        }
        Ok(claims::principal(&self.issuer_text, claims.subject().as_str(), &whole, groups))
    }

    async fn discover(&self) -> anyhow::Result<Arc<Discovered>> {
        let mut kept = self.discovered.lock().await;
        if let Some(found) = &*kept {
            return Ok(Arc::clone(found));
        }
        let at = format!("{}/.well-known/openid-configuration", self.issuer_text.trim_end_matches('/'));
        let answer = self.http.get(&at).send().await.and_then(reqwest::Response::error_for_status);
        let bytes = answer.with_context(|| format!("the discovery document {at}"))?.bytes().await?;
        let found: Discovered =
            serde_json::from_slice(&bytes).with_context(|| format!("the discovery document {at}"))?;
        ensure!(
            found.issuer == self.issuer_text,
            "the discovery document names the issuer {}, and {} is configured",
            found.issuer,
            self.issuer_text
        );
        if found.jwks_uri.scheme() != "https" && !is_loopback(&found.jwks_uri) {
            bail!("the keys at {} are not served by https", found.jwks_uri);
        }
        let found = Arc::new(found);
        *kept = Some(Arc::clone(&found));
        Ok(found)
    }

    fn authorization_endpoint(&self, found: &Discovered) -> anyhow::Result<Url> {
        let own = self.settings.authorization_endpoint.clone();
        own.or_else(|| found.authorization_endpoint.clone())
            .context("the discovery document names no authorization endpoint; set authorization_endpoint in [sign_in]")
    }

    fn token_endpoint(&self, found: &Discovered) -> anyhow::Result<Url> {
        let own = self.settings.token_endpoint.clone();
        own.or_else(|| found.token_endpoint.clone())
            .context("the discovery document names no token endpoint; set token_endpoint in [sign_in]")
    }

    /// The secret goes into the header, which is the default, unless the provider takes it in the body only.
    fn auth_type(&self, found: &Discovered) -> AuthType {
        match &found.token_endpoint_auth_methods_supported {
            Some(all) if !all.iter().any(|m| m == "client_secret_basic") => AuthType::RequestBody,
            _ => AuthType::BasicAuth,
        }
    }
}

/// Why an ID token was refused. For the log; outside there is one answer for all of them.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the ID token names a key that the provider does not publish")]
    UnknownKey,
    #[error("the ID token cannot be read: {0}")]
    Unreadable(String),
    #[error("the ID token was refused")]
    Claims(#[source] ClaimsVerificationError),
    #[error("an access token was sent in the place of an ID token")]
    NotAnIdToken,
    #[error("the ID token was made for {0}")]
    OtherParty(String),
}

impl From<ClaimsVerificationError> for Refused {
    fn from(e: ClaimsVerificationError) -> Self {
        match e {
            ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey | SignatureVerificationError::AmbiguousKeyId(_),
            ) => Self::UnknownKey,
            e => Self::Claims(e),
        }
    }
}

/// The key of the sign-in cookie, kept in the lake so that any replica can finish what another began.
async fn key_in_lake(lake: &Lake) -> anyhow::Result<Vec<u8>> {
    let fresh = super::account::hex(&rand::random::<[u8; 32]>());
    match lake.documents().create("secret", "sign-in", &fresh).await {
        Ok(()) | Err(LakeError::Conflict { .. }) => {}
        Err(e) => return Err(e.into()),
    }
    let kept = lake.documents().get::<String>("secret", "sign-in").await?;
    Ok(kept.context("the key of the sign-in cookie is gone from the lake")?.value.into_bytes())
}

impl std::fmt::Debug for Oidc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Oidc").field("issuer", &self.issuer_text).finish_non_exhaustive()
    }
}
