use hexclave_core::{
    AccessToken, CredentialSource, CredentialSources, Error, KeyState, ProjectConfig, ProjectKeys, User,
    Verifier as CoreVerifier,
};
use napi::{
    Env,
    bindgen_prelude::{Either, External},
};
use napi_derive::napi;

use crate::{
    failure::{Failure, Outcome, outcome},
    headers,
    later::{Later, NowOrLater, later, now_or_later},
    project::{self, KeyDocuments, ProjectOptions, Variables, kind_names, seconds},
};

/// How tokens are verified.
#[napi(object)]
pub struct VerifierOptions {
    pub accepted_kinds: Option<Vec<String>>,
    pub leeway_seconds: Option<f64>,
    pub stale_if_error_seconds: Option<f64>,
    pub cached_tokens: Option<f64>,
    pub cookies: Option<bool>,
    pub keys: Option<KeyDocuments>,
    pub initial_keys: Option<KeyDocuments>,
}

/// What verifies tokens, and where in a request it looks for them.
pub struct Verifier {
    core: CoreVerifier,
    sources: CredentialSources,
}

/// How a verifier is set up.
#[napi(object)]
pub struct VerifierDescription {
    pub project_id: String,
    pub api_url: String,
    pub accepted_kinds: Vec<String>,
    /// The request headers that it wants to see.
    pub header_names: Vec<String>,
}

/// How a verifier stands with its keys.
#[napi(object)]
pub struct KeyHealth {
    pub state: String,
    pub age_seconds: Option<f64>,
    pub last_error: Option<Failure>,
}

#[napi]
pub fn create_verifier(
    project: ProjectOptions,
    options: VerifierOptions,
    variables: Variables<'_>,
) -> Outcome<External<Verifier>> {
    let config = project.config(&variables);
    outcome(
        config
            .and_then(|config| options.verifier(config))
            .map(External::new),
    )
}

impl VerifierOptions {
    fn verifier(self, config: ProjectConfig) -> Result<Verifier, Failure> {
        let mut builder =
            CoreVerifier::builder(config).accept(project::accepted_kinds(self.accepted_kinds.as_deref())?);
        if let Some(leeway) = self.leeway_seconds {
            builder = builder.leeway(seconds("leewaySeconds", leeway)?);
        }
        if let Some(limit) = self.stale_if_error_seconds {
            builder = builder.stale_if_error(seconds("staleIfErrorSeconds", limit)?);
        }
        if let Some(count) = self.cached_tokens {
            builder = builder.cached_tokens(project::count("cachedTokens", count)?);
        }
        if let Some(keys) = self.keys {
            builder = builder.keys(keys.read("keys")?);
        }
        if let Some(keys) = self.initial_keys {
            builder = builder.initial_keys(keys.read("initialKeys")?);
        }
        let sources = CredentialSources::default();
        Ok(Verifier {
            core: builder.build()?,
            sources: if self.cookies.unwrap_or_default() {
                sources.and(CredentialSource::Cookie)
            } else {
                sources
            },
        })
    }
}

impl Verifier {
    pub(crate) fn core(&self) -> &CoreVerifier {
        &self.core
    }
}

/// The keys of the verifier's project, fetched if need be.
pub(crate) async fn keys_of(verifier: &CoreVerifier) -> Result<ProjectKeys, Error> {
    verifier.warm_up().await?;
    Ok(verifier.project_keys().unwrap_or_default())
}

#[napi]
pub fn describe_verifier(verifier: &External<Verifier>) -> VerifierDescription {
    let config = verifier.core.config();
    VerifierDescription {
        project_id: config.project_id().to_string(),
        api_url: config.api_url().as_str().to_owned(),
        accepted_kinds: kind_names(verifier.core.accepted_kinds()),
        header_names: verifier
            .sources
            .header_names()
            .map(|name| name.to_string())
            .collect(),
    }
}

#[napi]
pub fn verify_access_token<'env>(
    env: &'env Env,
    verifier: &External<Verifier>,
    token: String,
) -> napi::Result<NowOrLater<'env, External<User>>> {
    let token = AccessToken::from(token);
    let again = || verified(verifier.core.clone(), token.clone());
    now_or_later(env, verifier.core.verify(&token), again, External::new)
}

/// `null` where nobody is signed in.
#[napi]
pub fn user_from_headers<'env>(
    env: &'env Env,
    verifier: &External<Verifier>,
    names_and_values: Vec<String>,
) -> napi::Result<NowOrLater<'env, Option<External<User>>>> {
    let headers = headers::read(&names_and_values);
    let credentials = match verifier.sources.read(&headers, verifier.core.config()) {
        Ok(credentials) => credentials,
        Err(error) => return Ok(Either::A(Either::B(error.into()))),
    };
    let Some(token) = credentials.access_token() else {
        return Ok(Either::A(Either::A(None)));
    };
    let again = || verified(verifier.core.clone(), token.clone());
    now_or_later(env, verifier.core.verify(token), again, |user| {
        Some(External::new(user))
    })
}

async fn verified(verifier: CoreVerifier, token: AccessToken) -> Result<User, Error> {
    verifier.verify(&token).await
}

#[napi]
pub fn warm_up<'env>(env: &'env Env, verifier: &External<Verifier>) -> napi::Result<Later<'env, ()>> {
    let verifier = verifier.core.clone();
    later(env, async move { verifier.warm_up().await }, |()| ())
}

#[napi]
pub fn key_health(verifier: &External<Verifier>) -> KeyHealth {
    let health = verifier.core.key_health();
    KeyHealth {
        state: match health.state {
            KeyState::Missing => "missing",
            KeyState::Fresh => "fresh",
            KeyState::Stale => "stale",
            _ => "expired",
        }
        .to_owned(),
        age_seconds: health.age.map(|age| age.as_secs_f64()),
        last_error: health.last_error.as_ref().map(|error: &Error| error.into()),
    }
}

#[napi]
pub fn project_keys(verifier: &External<Verifier>) -> Option<KeyDocuments> {
    verifier.core.project_keys().as_ref().map(KeyDocuments::of)
}
