//! Extractors, and answers, for axum.

use axum_core::{
    body::Body,
    extract::{FromRef, FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::request::Parts;

use super::{Denial, gate::Gate};
use crate::{Error, Kinds, User, Verified, Verifier};

impl<S> FromRequestParts<S> for User
where
    Verifier: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Denial;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Denial> {
        user(parts, state)
            .await?
            .ok_or_else(|| Error::token_missing().into())
    }
}

impl<S> OptionalFromRequestParts<S> for User
where
    Verifier: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Denial;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Denial> {
        user(parts, state).await
    }
}

impl<S, K> FromRequestParts<S> for Verified<K>
where
    Verifier: FromRef<S>,
    S: Send + Sync,
    K: Kinds,
{
    type Rejection = Denial;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Denial> {
        let user = <User as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        Ok(user.try_into()?)
    }
}

impl<S, K> OptionalFromRequestParts<S> for Verified<K>
where
    Verifier: FromRef<S>,
    S: Send + Sync,
    K: Kinds,
{
    type Rejection = Denial;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Denial> {
        let user = user(parts, state).await?;
        Ok(user.map(Self::try_from).transpose()?)
    }
}

impl IntoResponse for Denial {
    fn into_response(self) -> Response {
        Self::into_response::<Body>(self)
    }
}

/// Whom the layer has found, or where there is none, whom the state's verifier finds.
async fn user<S>(parts: &Parts, state: &S) -> Result<Option<User>, Denial>
where
    Verifier: FromRef<S>,
{
    let verifier = Verifier::from_ref(state);
    match parts.extensions.get::<Option<User>>() {
        None => Gate::new(verifier, false).user(&parts.headers).await,
        Some(None) => Ok(None),
        Some(Some(user)) => {
            // The layer has a verifier of its own, which may let in more.
            verifier.readmit(user)?;
            Ok(Some(user.clone()))
        }
    }
}
