use http::HeaderMap;

use super::Denial;
use crate::{CredentialSources, Error, User, Verifier};

/// Who may pass: what every layer asks.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    verifier: Verifier,
    sources: CredentialSources,
    required: bool,
}

impl Gate {
    pub(super) fn new(verifier: Verifier, required: bool) -> Self {
        Self {
            verifier,
            sources: CredentialSources::default(),
            required,
        }
    }

    pub(super) fn with_sources(mut self, sources: CredentialSources) -> Self {
        self.sources = sources;
        self
    }

    pub(super) fn sources(&self) -> CredentialSources {
        self.sources
    }

    /// The user of a request; nobody only where a user is optional.
    pub(super) async fn user(&self, headers: &HeaderMap) -> Result<Option<User>, Denial> {
        self.verified(headers).await.map_err(|error| {
            tracing::debug!(code = error.code(), "a request is not let in");
            Denial::from(error).with_sources(self.sources)
        })
    }

    async fn verified(&self, headers: &HeaderMap) -> Result<Option<User>, Error> {
        let credentials = self.sources.read(headers, self.verifier.config())?;
        match credentials.access_token() {
            None if self.required => Err(Error::token_missing()),
            None => Ok(None),
            Some(token) => self.verifier.verify(token).await.map(Some),
        }
    }
}
