//! Getting a project's JWKS documents over HTTP.

use std::time::Duration;

use http::HeaderMap;

use super::{
    KeySet, ProjectKeys,
    document::{Document, unavailable},
    source::{Fetch, Fetched, Fetching},
};
use crate::{AcceptedKinds, Error, ProjectConfig, UserKind};

/// Fetches the documents that a policy needs.
#[derive(Debug)]
pub(crate) struct Fetcher {
    client: reqwest::Client,
    request_headers: HeaderMap,
    normal: String,
    /// The wider documents are fetched for wider policies only.
    with_restricted: Option<String>,
    with_anonymous: Option<String>,
}

impl Fetcher {
    pub(crate) fn new(config: &ProjectConfig, accepted: AcceptedKinds, client: reqwest::Client) -> Self {
        let url = |kind| config.api_url().jwks_url(config.project_id(), kind);
        let anonymous = accepted.contains(UserKind::Anonymous);
        let restricted = accepted.contains(UserKind::Restricted) || anonymous;
        Self {
            client,
            request_headers: config.extra_request_headers().clone(),
            normal: url(UserKind::Normal),
            with_restricted: restricted.then(|| url(UserKind::Restricted)),
            with_anonymous: anonymous.then(|| url(UserKind::Anonymous)),
        }
    }

    /// Gets all documents at once.
    async fn fetch(&self, past_caches: bool) -> Result<Fetched<ProjectKeys>, Error> {
        if let Some(fetched) = self.documents(past_caches).await? {
            return Ok(fetched);
        }
        self.documents(true).await?.ok_or_else(|| {
            unavailable("the key server's documents contradict each other about which keys the project has")
        })
    }

    async fn documents(&self, past_caches: bool) -> Result<Option<Fetched<ProjectKeys>>, Error> {
        let (normal, with_restricted, with_anonymous) = tokio::try_join!(
            self.document(&self.normal, past_caches),
            self.wider_document(self.with_restricted.as_deref(), past_caches),
            self.wider_document(self.with_anonymous.as_deref(), past_caches),
        )?;
        let (normal, mut max_age) = normal;
        let mut keys_of = |document: Option<(KeySet, Duration)>| {
            document.map(|(keys, age)| {
                max_age = max_age.min(age);
                keys
            })
        };
        let (with_restricted, with_anonymous) = (keys_of(with_restricted), keys_of(with_anonymous));
        let keys = ProjectKeys::from_documents(normal, with_restricted, with_anonymous);
        Ok(keys.map(|keys| Fetched { keys, max_age }))
    }

    async fn wider_document(
        &self,
        url: Option<&str>,
        past_caches: bool,
    ) -> Result<Option<(KeySet, Duration)>, Error> {
        match url {
            Some(url) => self.document(url, past_caches).await.map(Some),
            None => Ok(None),
        }
    }

    async fn document(&self, url: &str, past_caches: bool) -> Result<(KeySet, Duration), Error> {
        let headers = self.request_headers.clone();
        let document = Document::get(&self.client, url, headers, past_caches).await?;
        Ok((KeySet::from_json(&document.body)?, document.max_age))
    }
}

impl Fetch<ProjectKeys> for Fetcher {
    fn fetch(&self, past_caches: bool) -> Fetching<'_, ProjectKeys> {
        Box::pin(self.fetch(past_caches))
    }
}
