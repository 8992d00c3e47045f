//! What a request says besides its path.

use asynx::{Expected, Version};
use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::HeaderMap;
use axum::http::header::{HeaderName, IF_MATCH};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::{self, Problem};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A JSON body; what is wrong with it is told as a problem.
pub struct Body<T>(pub T);

/// Names in the path, and what follows the `?`; likewise.
pub struct Named<T>(pub T);
pub struct Asked<T>(pub T);

/// On what condition a command is carried out.
pub struct Conditions {
    /// `Idempotency-Key`: the same request again gets the same answer, and nothing is done twice.
    pub key: Option<String>,
    /// `If-Match`: only if the order has not changed since the client saw it.
    pub expected: Expected,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Json(body) = Json::from_request(request, state).await?;
        Ok(Self(body))
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let named = Path::from_request_parts(parts, state).await;
        let Path(named) = named.map_err(|rejection| problem::MALFORMED.because(rejection.body_text()))?;
        Ok(Self(named))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let asked = Query::from_request_parts(parts, state).await;
        let Query(asked) = asked.map_err(|rejection| problem::MALFORMED.because(rejection.body_text()))?;
        Ok(Self(asked))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Conditions {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let key = text(&parts.headers, &IDEMPOTENCY_KEY)?;
        let expected = match text(&parts.headers, &IF_MATCH)?.as_deref() {
            None => Expected::Any,
            Some("*") => Expected::Exists,
            Some(tag) => {
                let version = tag.trim_matches('"').parse().ok().and_then(Version::new);
                let wrong = || problem::MALFORMED.because(format!("If-Match must be an ETag of the order, not {tag}"));
                Expected::Exactly(version.ok_or_else(wrong)?)
            }
        };
        // By its draft the key is in quotes; many clients leave them out.
        let key = key.map(|key| key.trim_matches('"').to_owned());
        Ok(Self { key, expected })
    }
}

/// A header, if it is there.
pub fn text(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Problem> {
    match headers.get(name).map(|value| value.to_str()) {
        None => Ok(None),
        Some(Ok(value)) => Ok(Some(value.trim().to_owned())),
        Some(Err(_)) => Err(problem::MALFORMED.because(format!("the header {name} has characters that are not ASCII"))),
    }
}
