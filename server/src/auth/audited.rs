//! What is done to sessions and tokens, with its place in the audit. Pages and API come here alike.

use std::time::Instant;

use axum::{
    extract::FromRequestParts,
    http::{Extensions, request::Parts},
};
use lake::Result;
use model::{AuditAction, AuditOutcome, NewToken, Origin, Principal, TokenSecret};

use super::{
    refusals::Telling,
    sessions::ProviderTokens,
    tokens::{NotHeld, Used},
};
use crate::{
    middleware::{address::ClientAddress, request::RequestId},
    state::AppState,
};

/// How a request came.
#[must_use]
pub fn origin(extensions: &Extensions, via: String) -> Origin {
    Origin {
        via,
        request: extensions.get::<RequestId>().map(|id| id.0.clone()),
        viewing: None,
        address: ClientAddress::of(extensions).map(|at| at.to_string()),
    }
}

/// How a request of someone who is about to sign in came.
#[derive(Debug, Clone)]
pub struct SigningIn(pub Origin);

impl<S: Sync> FromRequestParts<S> for SigningIn {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(origin(&parts.extensions, "sign-in".to_owned())))
    }
}

/// What a token is to be, for the audit.
pub(super) fn token_in_words(new: &NewToken) -> String {
    let mut scope: Vec<String> = new.scope.actions.iter().cloned().collect();
    scope.extend(new.scope.datasets.iter().cloned());
    scope.extend(new.scope.networks.iter().map(|network| format!("from {network}")));
    format!("{}: {}, days: {}", new.name.trim(), scope.join(" "), new.days)
}

impl AppState {
    /// A session for who has just signed in; gives the cookie's secret.
    ///
    /// # Errors
    /// [`lake::LakeError::Store`], [`lake::LakeError::Unaudited`].
    pub async fn sign_in(&self, who: &Principal, agent: &str, tokens: Option<&ProviderTokens>) -> Result<String> {
        let entry = self.lake.audited(who, AuditAction::SignIn)?;
        let started = self.sessions.start(who, agent, tokens).await;
        self.lake.conclude(who, entry, &started, |_, _| {});
        started
    }

    /// A sign-in that did not come about, of whoever it was.
    ///
    /// # Errors
    /// [`lake::LakeError::Unaudited`].
    pub fn sign_in_refused(&self, origin: &Origin, why: &str) -> Result<()> {
        self.refused(origin, None, AuditAction::SignIn, None, why)
    }

    /// A token that does not hold was sent.
    ///
    /// # Errors
    /// [`lake::LakeError::Unaudited`].
    pub fn token_refused(&self, origin: &Origin, asked: &str, why: &NotHeld) -> Result<()> {
        let action = AuditAction::Request;
        match why {
            NotHeld::Unknown => {
                self.refused(origin, None, action, Some(asked), "the token is unknown, expired or revoked")
            }
            NotHeld::Outside(owner) => {
                self.refused(origin, Some(owner), action, Some(asked), "the address is outside the token's networks")
            }
        }
    }

    /// Told so often a minute and no more, since anyone can bring it about.
    fn refused(
        &self,
        origin: &Origin,
        owner: Option<&Principal>,
        action: AuditAction,
        asked: Option<&str>,
        why: &str,
    ) -> Result<()> {
        let address = origin.address.as_ref().and_then(|a| a.parse().ok());
        let more = match self.refusals.count(address, Instant::now()) {
            Telling::Untold => return Ok(()),
            Telling::Told => "",
            Telling::Last => "; more refusals follow within a minute, and are not told",
        };
        let mut entry = match owner {
            Some(owner) => self.lake.audited(&Principal { origin: origin.clone(), ..owner.clone() }, action)?,
            None => self.lake.audited_by("", &origin.via, action)?,
        };
        entry.fill(|event| {
            (event.request, event.address) = (origin.request.clone(), origin.address.clone());
            event.text = asked.map(str::to_owned);
        });
        entry.end(AuditOutcome::Denied, Some(format!("{why}{more}")));
        Ok(())
    }

    /// A request that was refused before the lake was asked.
    ///
    /// # Errors
    /// [`lake::LakeError::Unaudited`].
    pub fn denied(&self, who: &Principal, asked: &str, why: &str) -> Result<()> {
        let mut entry = self.lake.audited(who, AuditAction::Request)?.text(asked);
        entry.fill(|event| event.message = Some(why.to_owned()));
        entry.end(AuditOutcome::Denied, Some(why.to_owned()));
        Ok(())
    }

    /// Ends the session of a cookie. `who` when the session still held.
    ///
    /// # Errors
    /// As [`sign_in`](Self::sign_in).
    pub async fn sign_out(&self, who: Option<&Principal>, secret: &str) -> Result<Option<ProviderTokens>> {
        let Some(who) = who else { return self.sessions.end(secret).await };
        let entry = self.lake.audited(who, AuditAction::SignOut)?;
        let ended = self.sessions.end(secret).await;
        self.lake.conclude(who, entry, &ended, |_, _| {});
        ended
    }

    /// Ends one of the person's own sessions.
    ///
    /// # Errors
    /// [`lake::LakeError::NotFound`]; as [`sign_in`](Self::sign_in).
    pub async fn revoke_session(&self, who: &Principal, id: &str) -> Result<()> {
        let entry = self.lake.audited(who, AuditAction::RevokeSession)?.text(id);
        let revoked = self.sessions.revoke(who, id).await;
        self.lake.conclude(who, entry, &revoked, |_, ()| {});
        revoked
    }

    /// Makes a token; `with` is the token that asks, when it is one.
    ///
    /// # Errors
    /// As [`Tokens::create`](super::tokens::Tokens::create); [`lake::LakeError::Unaudited`].
    pub async fn make_token(&self, who: &Principal, with: Option<&Used>, new: NewToken) -> Result<TokenSecret> {
        let words = token_in_words(&new);
        let entry = self.lake.audited(who, AuditAction::MakeToken)?.text(&words);
        let made = self.tokens.create(who, with, new).await;
        self.lake.conclude(who, entry, &made, |event, made| event.text = Some(format!("{} {words}", made.token.id)));
        made
    }

    /// Revokes one of the person's own tokens.
    ///
    /// # Errors
    /// [`lake::LakeError::NotFound`]; as [`sign_in`](Self::sign_in).
    pub async fn revoke_token(&self, who: &Principal, id: &str) -> Result<()> {
        let entry = self.lake.audited(who, AuditAction::RevokeToken)?.text(id);
        let revoked = self.tokens.revoke(who, id).await;
        self.lake.conclude(who, entry, &revoked, |_, ()| {});
        revoked
    }
}
