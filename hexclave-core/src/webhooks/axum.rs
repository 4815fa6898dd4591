//! A delivery as an extractor for axum.

use axum_core::{
    body::Body,
    extract::{FromRef, FromRequest, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::{Delivery, Verifier, status, verifier::too_large};
use crate::{Error, ErrorKind};

impl<S> FromRequest<S> for Delivery
where
    S: Send + Sync,
    Verifier: FromRef<S>,
{
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Rejection> {
        let verifier = Verifier::from_ref(state);
        let (head, body) = request.into_parts();
        let body = read(body, verifier.longest_body()).await.map_err(Rejection)?;
        verifier.verify(&head.headers, &body).await.map_err(Rejection)
    }
}

async fn read(body: Body, max: usize) -> Result<Vec<u8>, Error> {
    match Limited::new(body, max).collect().await {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(max)),
        Err(error) => Err(Error::new(
            ErrorKind::WebhookMalformed,
            "the delivery's body broke off while it was read",
        )
        .with_source(error)),
    }
}

/// Why a request is not a delivery, as an answer: the status that [`Verifier::verify`] names, and the reason as plain
/// text, which Svix shows beside the attempt.
#[derive(Debug)]
pub struct Rejection(Error);

impl Rejection {
    /// The reason.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.0
    }
}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        rejection.0
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.0.to_string()));
        *response.status_mut() = status(&self.0);
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, text);
        response
    }
}
