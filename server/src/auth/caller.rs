//! Who makes a request, resolved once by the middleware from cookie or token.

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::request::Parts,
};
use model::Principal;

use super::tokens::Used;
use crate::problem::ApiProblem;

/// The person behind a request.
#[derive(Debug, Clone)]
pub struct Caller {
    pub principal: Principal,
    pub via: Via,
}

/// By what the person is known.
#[derive(Debug, Clone)]
pub enum Via {
    /// Public id of the browser's session.
    Session(String),
    Token(Used),
}

impl Caller {
    /// The public id of the session, when it is one.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        match &self.via {
            Via::Session(id) => Some(id),
            Via::Token(_) => None,
        }
    }

    /// # Errors
    /// 403 when a token that lacks the action asks.
    pub fn require(&self, action: &str) -> Result<&Principal, ApiProblem> {
        match &self.via {
            Via::Token(used) if !used.scope.actions.contains(action) => {
                Err(ApiProblem::denied(format!("this token does not allow `{action}`; make one that does")))
            }
            _ => Ok(&self.principal),
        }
    }
}

/// Extracts the caller, or answers 401.
#[derive(Debug, Clone)]
pub struct SignedIn(pub Caller);

impl<S: Sync> FromRequestParts<S> for SignedIn {
    type Rejection = ApiProblem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiProblem> {
        parts.extensions.get::<Caller>().cloned().map(Self).ok_or_else(ApiProblem::unauthorized)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}
