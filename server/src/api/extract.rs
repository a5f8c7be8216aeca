//! Extractors of the API: what is wrong in path, query or body becomes a problem.

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::request::Parts,
};
use lake::LakeError;
use model::DatasetName;
use serde::de::DeserializeOwned;

use crate::problem::ApiProblem;

/// The query string; unknown and repeated parameters are refused.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiProblem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiProblem> {
        Ok(Self(axum::extract::Query::try_from_uri(&parts.uri)?.0))
    }
}

/// A JSON body.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiProblem;
    async fn from_request(request: Request, state: &S) -> Result<Self, ApiProblem> {
        Ok(Self(axum::Json::from_request(request, state).await?.0))
    }
}

/// `{unit}/{name}` of a path. What is not a name is answered as a dataset that does not exist.
#[derive(Debug, Clone)]
pub struct DatasetPath(pub DatasetName);

impl<S: Send + Sync> FromRequestParts<S> for DatasetPath {
    type Rejection = ApiProblem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiProblem> {
        let axum::extract::Path((unit, name)) =
            axum::extract::Path::<(String, String)>::from_request_parts(parts, state).await?;
        match DatasetName::to_read(&unit, &name) {
            Ok(dataset) => Ok(Self(dataset)),
            Err(_) => Err(LakeError::no_dataset(format!("{unit}.{name}")).into()),
        }
    }
}

/// `{id}` of a path. Ids are opaque; what cannot be one is answered as one that does not exist.
#[derive(Debug, Clone)]
pub struct Id(String);

impl Id {
    /// The id.
    ///
    /// # Errors
    /// 404 for `what` when it cannot be one.
    pub fn of(self, what: &'static str) -> Result<String, ApiProblem> {
        Self::plain(self.0, what)
    }

    /// The same for one of several ids of a path.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn plain(id: String, what: &'static str) -> Result<String, ApiProblem> {
        let plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || b == b'.');
        if plain && !id.is_empty() && id.len() <= 512 && !id.contains("..") {
            return Ok(id);
        }
        Err(LakeError::NotFound { what, name: id }.into())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiProblem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiProblem> {
        let axum::extract::Path(id) = axum::extract::Path::<String>::from_request_parts(parts, state).await?;
        Ok(Self(id))
    }
}
