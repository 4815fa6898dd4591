//! What all requests share.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use hexclave_core::{CredentialSource, CredentialSources, Credentials, Error, User, Verifier, web::Denial};

use super::{
    issuance::Mint,
    origin::Origins,
    problem::{Code, Problem},
    telemetry::Measurements,
};

/// The service's own knowledge. Cheap to clone; nothing in it belongs to one user.
#[derive(Clone)]
pub(super) struct App(Arc<Inner>);

struct Inner {
    verifier: Verifier,
    sources: CredentialSources,
    origins: Origins,
    mint: Option<Mint>,
    measurements: Measurements,
}

impl App {
    pub(super) fn new(
        verifier: Verifier,
        sources: CredentialSources,
        origins: Origins,
        mint: Option<Mint>,
        measurements: Measurements,
    ) -> Self {
        Self(Arc::new(Inner {
            verifier,
            sources,
            origins,
            mint,
            measurements,
        }))
    }

    pub(super) fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    pub(super) fn origins(&self) -> &Origins {
        &self.0.origins
    }

    pub(super) fn takes_cookies(&self) -> bool {
        self.0.sources.contains(CredentialSource::Cookie)
    }

    /// What hands out Supabase tokens, where there is a key for that.
    pub(super) fn mint(&self) -> Option<&Mint> {
        self.0.mint.as_ref()
    }

    pub(super) fn measurements(&self) -> &Measurements {
        &self.0.measurements
    }

    /// Proves who a request's user is; `None` where nobody is signed in.
    pub(super) async fn user(&self, headers: &HeaderMap) -> Result<Option<User>, Denied> {
        let credentials = self.credentials(headers)?;
        if credentials.is_empty() {
            return Ok(None);
        }
        self.prove(&credentials).await.map(Some)
    }

    /// Proves who a request's user is, where somebody has to be signed in.
    pub(super) async fn required_user(&self, headers: &HeaderMap) -> Result<User, Denied> {
        self.prove(&self.credentials(headers)?).await
    }

    /// Names the headers that were looked at.
    pub(super) fn vary(&self, headers: &mut HeaderMap) {
        vary(headers, self.0.sources);
    }

    fn credentials(&self, headers: &HeaderMap) -> Result<Credentials, Denied> {
        let Inner {
            verifier,
            sources,
            origins,
            ..
        } = &*self.0;
        let read = sources.read(headers, verifier.config());
        let credentials = read.map_err(|error| self.denied(error))?;
        if credentials.source() == Some(CredentialSource::Cookie) && !origins.take_cookies_of(headers) {
            return Err(Denied::Origin(*sources));
        }
        Ok(credentials)
    }

    async fn prove(&self, credentials: &Credentials) -> Result<User, Denied> {
        let token = credentials
            .require_access_token()
            .map_err(|error| self.denied(error))?;
        let user = self.0.verifier.verify(token).await;
        user.map_err(|error| self.denied(error))
    }

    fn denied(&self, error: Error) -> Denied {
        Denied::Credentials(Denial::from(error).with_sources(self.0.sources))
    }
}

/// Why a request is not let in.
pub(super) enum Denied {
    /// Its credentials.
    Credentials(Denial),
    /// Its cookies came from another origin's page.
    Origin(CredentialSources),
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        match self {
            Self::Credentials(denial) => {
                let code = Code(denial.error().code());
                let mut response = denial.into_response::<Body>();
                response.extensions_mut().insert(code);
                response
            }
            Self::Origin(sources) => {
                let mut response = Problem::ORIGIN_NOT_ALLOWED.into_response();
                vary(response.headers_mut(), sources);
                response
            }
        }
    }
}

fn vary(headers: &mut HeaderMap, sources: CredentialSources) {
    for name in sources.header_names() {
        headers.append(header::VARY, HeaderValue::from(name));
    }
}
