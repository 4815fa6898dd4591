use std::{sync::Arc, time::Duration};

use hexclave_core::{KeyHealth, RemoteJwks};

use super::{
    SupabaseVerifier, VerifiedToken,
    jws::Jws,
    verifier::{check_signature, read_document, unknown_key},
};
use crate::{Error, ErrorKind, VerifyingKey};

/// Verifies Supabase tokens of users with the keys that a Supabase project publishes, which it fetches and keeps.
/// Cheap to clone, and meant to be kept.
///
/// For projects that sign with keys of their own (ES256, RS256): the tokens of Supabase Auth, and those of a
/// [`Minter`](crate::Minter) whose key was imported into the project.
///
/// ```no_run
/// use hexclave_supabase::ProjectVerifier;
///
/// # async fn serve(token: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let verifier = ProjectVerifier::new("https://abcdefghijklmnopqrst.supabase.co")?; // once per program
///
/// let token = verifier.verify(token).await?;
/// println!("{} may come in as {}", token.user_id(), token.role());
/// # Ok(())
/// # }
/// ```
///
/// What is checked is what [`SupabaseVerifier`](SupabaseVerifier#what-is-checked) checks. The rules by which keys are
/// fetched and kept are [those for Hexclave's](hexclave_core#keys): one fetch at a time, a fetch for an unknown key at most
/// every 30 seconds, known keys in use for 24 hours while the project cannot be reached. What can be refused without a key
/// causes no fetch. A shared secret in a document that anybody can read is no key.
#[derive(Clone, Debug)]
pub struct ProjectVerifier {
    rules: SupabaseVerifier,
    published: RemoteJwks<Arc<[VerifyingKey]>>,
}

/// Builds a [`ProjectVerifier`].
#[derive(Debug)]
#[must_use]
pub struct ProjectVerifierBuilder {
    rules: SupabaseVerifier,
    jwks_url: String,
    stale_if_error: Option<Duration>,
    client: Option<reqwest::Client>,
}

impl ProjectVerifier {
    /// A verifier for the project at this URL, with the defaults of [`SupabaseVerifier`].
    ///
    /// # Errors
    /// As [`ProjectVerifierBuilder::build`].
    pub fn new(project_url: &str) -> Result<Self, Error> {
        Self::builder(project_url).build()
    }

    /// Sets up a verifier in detail, for the project at this URL, such as `https://{ref}.supabase.co`. The keys are
    /// those at `auth/v1/.well-known/jwks.json` below it.
    pub fn builder(project_url: &str) -> ProjectVerifierBuilder {
        ProjectVerifierBuilder {
            rules: SupabaseVerifier::without_keys(),
            jwks_url: format!(
                "{}/auth/v1/.well-known/jwks.json",
                project_url.trim_end_matches('/')
            ),
            stale_if_error: None,
            client: None,
        }
    }

    /// Verifies a token.
    ///
    /// # Errors
    /// [`Error::is_refusal`] when the token is bad, [`Error::is_retryable`] when the keys could not be had. No text
    /// repeats the token.
    pub async fn verify(&self, token: &str) -> Result<VerifiedToken, Error> {
        let jws = Jws::parse(token)?;
        let verified = self.rules.check_claims(&jws)?;
        match (self.rules.check_signature(&jws), &jws.key_id) {
            (Err(error), Some(id)) if error.kind() == ErrorKind::UnknownKey => {
                check_signature(&jws, &self.keys(id).await?)?;
            }
            (checked, _) => checked?,
        }
        Ok(verified)
    }

    /// Fetches the keys now, unless fresh ones are at hand, so that the first token need not wait for them.
    ///
    /// # Errors
    /// [`ErrorKind::KeysUnavailable`] when they cannot be had. They will be tried again.
    pub async fn warm_up(&self) -> Result<(), Error> {
        self.published.warm_up().await.map_err(not_checked)
    }

    /// How the verifier stands with the project's keys, for a readiness probe.
    #[must_use]
    pub fn key_health(&self) -> KeyHealth {
        self.published.health()
    }

    /// The published keys of this name: one, where the project is in its right mind.
    async fn keys(&self, id: &str) -> Result<Vec<VerifyingKey>, Error> {
        let named = |keys: &Arc<[VerifyingKey]>| {
            let named: Vec<_> = keys.iter().filter(|key| key.id() == Some(id)).cloned().collect();
            (!named.is_empty()).then_some(named)
        };
        self.published.find(id, named).await.map_err(|error| {
            if error.kind() == hexclave_core::ErrorKind::UnknownKey {
                unknown_key(Some(id))
            } else {
                not_checked(error)
            }
        })
    }
}

impl ProjectVerifierBuilder {
    /// What is checked, and by which clock; [`SupabaseVerifier`]'s defaults unless set. Keys that it has count beside the
    /// published ones: the legacy secret, for instance.
    ///
    /// ```
    /// use hexclave_supabase::{JwtSecret, ProjectVerifier, SupabaseVerifier};
    ///
    /// # fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let verifier = ProjectVerifier::builder("https://abcdefghijklmnopqrst.supabase.co")
    ///     .rules(SupabaseVerifier::new(JwtSecret::from_env()?))
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn rules(mut self, rules: SupabaseVerifier) -> Self {
        self.rules = rules;
        self
    }

    /// Where the keys are published, if not where Supabase Auth publishes them.
    pub fn jwks_url(mut self, url: &str) -> Self {
        url.clone_into(&mut self.jwks_url);
        self
    }

    /// For how long known keys are used beyond their freshness while the project cannot be reached: 24 hours unless set,
    /// a year at most; zero to accept nothing then.
    pub fn stale_if_error(mut self, limit: Duration) -> Self {
        self.stale_if_error = Some(limit);
        self
    }

    /// Fetch keys with this client. It should not follow redirects. Requests are given 5 seconds whatever the client's
    /// own limits are.
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.client = Some(client);
        self
    }

    /// The finished verifier. It has fetched nothing yet.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when the URL is none, carries a password, or is plain http to another machine, and
    /// when the HTTP client cannot be set up.
    pub fn build(self) -> Result<ProjectVerifier, Error> {
        let mut published = RemoteJwks::builder(&self.jwks_url, published_keys)
            .issuer("supabase")
            .clock(self.rules.clock_used());
        if let Some(limit) = self.stale_if_error {
            published = published.stale_if_error(limit);
        }
        if let Some(client) = self.client {
            published = published.http_client(client);
        }
        let published = published
            .build()
            .map_err(|error| Error::new(ErrorKind::InvalidConfig, error.to_string()))?;
        Ok(ProjectVerifier {
            rules: self.rules,
            published,
        })
    }
}

/// A shared secret that everybody can read proves nothing.
fn published_keys(json: &[u8]) -> Result<Arc<[VerifyingKey]>, Error> {
    let keys = read_document(json)?;
    Ok(keys.into_iter().filter(VerifyingKey::is_public).collect())
}

fn not_checked(error: hexclave_core::Error) -> Error {
    Error::new(
        ErrorKind::KeysUnavailable,
        "the Supabase project's keys could not be had",
    )
    .with_source(error)
}
