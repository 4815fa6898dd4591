use std::{sync::Arc, time::Duration};

use crate::{
    AcceptedKinds, AccessToken, Clock, Error, ErrorKind, ProjectConfig, ProjectKeys, SystemClock, User,
    UserKind,
    claims::{RawClaims, UserClaims, optional, required},
    error::quoted,
    jws::Jws,
    keys::{FetchedKeys, KeySource, default_client},
};

const DEFAULT_LEEWAY: Duration = Duration::from_secs(5);
const LONGEST_LEEWAY: Duration = Duration::from_secs(60);
/// A token that claims to live longer was not issued by Hexclave.
const LONGEST_LIFE_SECONDS: u64 = 10 * 365 * 24 * 3600;

/// Verifies the access tokens of one Hexclave project. Cheap to clone, and meant to be kept: it holds the keys.
///
/// A token passes when all of this holds (protocol facts: Hexclave's backend, RFC 7515, RFC 7519, RFC 8725):
///
/// - at most 16 KiB, strict base64url, JSON objects without repeated names, no `crit`;
/// - `alg` is `ES256` and the header names a key that signs for the token's kind of user;
/// - `iss` and `aud` are those of one and the same kind of user of this project, on the configured host or
///   its [alias](crate::ApiUrl::alias);
/// - the flags (`is_anonymous`, `is_restricted`, `restricted_reason`) describe that same kind;
/// - `project_id` is the project, `branch_id` is `main`, `sub` is a UUID;
/// - `exp` lies in the future, `iat` and `nbf` do not, give or take the leeway (5 seconds by default);
/// - the application lets this kind of user in (normal users only by default);
/// - the signature is right.
///
/// ```no_run
/// use hexclave_core::{AccessToken, ProjectConfig, Verifier};
///
/// # async fn handler(headers: http::HeaderMap) -> Result<(), hexclave_core::Error> {
/// let verifier = Verifier::new(ProjectConfig::from_env()?)?; // once per program
///
/// if let Some(token) = AccessToken::from_headers(&headers)? {
///     let user = verifier.verify(&token).await?;
///     println!("{} is signed in", user.id());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Verifier {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: ProjectConfig,
    accepted: AcceptedKinds,
    profiles: [Profile; 3],
    leeway: u64,
    clock: Arc<dyn Clock>,
    keys: KeySource,
}

/// What belongs together: the tokens of one kind of user have this audience and one of these issuers.
#[derive(Debug)]
struct Profile {
    kind: UserKind,
    audience: String,
    issuers: Vec<String>,
}

impl Verifier {
    /// A verifier with the defaults: normal users only, 5 seconds of leeway, keys fetched when first needed.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when the HTTP client cannot be set up.
    pub fn new(config: ProjectConfig) -> Result<Self, Error> {
        Self::builder(config).build()
    }

    /// Sets up a verifier in detail.
    pub fn builder(config: ProjectConfig) -> VerifierBuilder {
        VerifierBuilder {
            config,
            accepted: AcceptedKinds::default(),
            leeway: DEFAULT_LEEWAY,
            clock: Arc::new(SystemClock),
            keys: None,
            client: None,
        }
    }

    /// Proves who a token's user is.
    ///
    /// Needs the network only when the keys are not at hand, and never asks the API about the user: a signed-out
    /// session's token passes until it expires.
    ///
    /// # Errors
    /// [`Error::is_refusal`] when the token is bad (the [`kind`](Error::kind) says which rule it breaks),
    /// [`Error::is_retryable`] when the keys could not be had.
    pub async fn verify(&self, token: &AccessToken) -> Result<User, Error> {
        let inner = &*self.inner;
        let jws = Jws::parse(token.expose())?;
        let checked = inner.check_claims(&jws)?;
        let key = inner
            .keys
            .find(checked.claims.kind, &jws.key_id, &*inner.clock)
            .await?;
        if !key.verifies(jws.signed.as_bytes(), jws.signature) {
            return Err(Error::new(
                ErrorKind::InvalidSignature,
                "the token's signature is wrong: it was altered, or signed by somebody else",
            ));
        }
        let payload = String::from_utf8(jws.payload)
            .map_err(|_| Error::new(ErrorKind::TokenMalformed, "the token's payload is not UTF-8"))?;
        Ok(User::proven(
            inner.config.project_id().clone(),
            checked.claims,
            checked.issuer,
            (checked.issued_at, checked.expires_at),
            payload,
        ))
    }

    /// The project whose tokens this verifies.
    #[must_use]
    pub fn config(&self) -> &ProjectConfig {
        &self.inner.config
    }

    /// The kinds of users that are let in.
    #[must_use]
    pub fn accepted_kinds(&self) -> AcceptedKinds {
        self.inner.accepted
    }
}

/// Builds a [`Verifier`].
#[derive(Clone, Debug)]
#[must_use]
pub struct VerifierBuilder {
    config: ProjectConfig,
    accepted: AcceptedKinds,
    leeway: Duration,
    clock: Arc<dyn Clock>,
    keys: Option<ProjectKeys>,
    client: Option<reqwest::Client>,
}

impl VerifierBuilder {
    /// Which kinds of users to let in. Without this: normal ones only.
    pub fn accept(mut self, kinds: AcceptedKinds) -> Self {
        self.accepted = kinds;
        self
    }

    /// How far apart the clocks of Hexclave and of this machine may be: 5 seconds unless set, 60 at most,
    /// whole seconds.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Where the time comes from.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Use these keys and never fetch any.
    pub fn keys(mut self, keys: ProjectKeys) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Fetch keys with this client, for a private certificate authority or a proxy of one's own. It should not
    /// follow redirects. Requests are given 5 seconds whatever the client's own limits are.
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.client = Some(client);
        self
    }

    /// The finished verifier.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when the leeway is over 60 seconds or the HTTP client cannot be set up.
    pub fn build(self) -> Result<Verifier, Error> {
        if self.leeway > LONGEST_LEEWAY {
            return Err(Error::config(format!(
                "a leeway of {} seconds would let expired tokens in for too long: at most {}",
                self.leeway.as_secs(),
                LONGEST_LEEWAY.as_secs()
            )));
        }
        crate::install_default_crypto_provider();
        let keys = match self.keys {
            Some(keys) => KeySource::Given(keys),
            None => {
                let client = match self.client {
                    Some(client) => client,
                    None => default_client(self.config.api_url())?,
                };
                KeySource::Fetched(FetchedKeys::new(&self.config, self.accepted, client))
            }
        };
        let profiles = UserKind::ALL.map(|kind| Profile {
            kind,
            audience: self.config.audience(kind),
            issuers: self
                .config
                .hosts()
                .map(|host| host.issuer(self.config.project_id(), kind))
                .collect(),
        });
        Ok(Verifier {
            inner: Arc::new(Inner {
                config: self.config,
                accepted: self.accepted,
                profiles,
                leeway: self.leeway.as_secs(),
                clock: self.clock,
                keys,
            }),
        })
    }
}

struct CheckedClaims {
    claims: UserClaims,
    issuer: String,
    issued_at: u64,
    expires_at: u64,
}

impl Inner {
    /// Everything that the payload says about itself, before any key is looked for: a token that cannot pass
    /// must not cause a fetch.
    fn check_claims(&self, jws: &Jws<'_>) -> Result<CheckedClaims, Error> {
        let mut raw = RawClaims::parse(&jws.payload)?;
        let audience = required(std::mem::take(&mut raw.aud), "aud", "one string")?;
        let issuer = required(std::mem::take(&mut raw.iss), "iss", "one string")?;
        let profile = self.profile(&audience)?;
        self.check_issuer(profile, &issuer)?;
        let (issued_at, expires_at) = self.check_times(&mut raw)?;

        let project = required(std::mem::take(&mut raw.project_id), "project_id", "a string")?;
        if project != self.config.project_id().as_str() {
            return Err(Error::new(
                ErrorKind::ProjectMismatch,
                "the token's `project_id` is not the project of its audience",
            ));
        }
        if required(std::mem::take(&mut raw.branch_id), "branch_id", "a string")? != "main" {
            return Err(Error::new(
                ErrorKind::BranchMismatch,
                "the token's `branch_id` is not `main`",
            ));
        }
        let claims = raw.into_user()?;
        if claims.kind != profile.kind {
            return Err(Error::new(
                ErrorKind::InconsistentClaims,
                format!(
                    "the token's audience is that of {} users, its flags say {}",
                    profile.kind, claims.kind
                ),
            ));
        }
        if !self.accepted.contains(claims.kind) {
            return Err(Error::new(
                ErrorKind::KindNotAccepted(claims.kind),
                format!(
                    "the user is {}{}; this application lets in: {}",
                    claims.kind,
                    match &claims.restricted_reason {
                        Some(reason) if claims.kind == UserKind::Restricted => format!(" ({reason})"),
                        _ => String::new(),
                    },
                    self.accepted
                ),
            ));
        }
        Ok(CheckedClaims {
            claims,
            issuer,
            issued_at,
            expires_at,
        })
    }

    fn profile(&self, audience: &str) -> Result<&Profile, Error> {
        let found = self.profiles.iter().find(|profile| profile.audience == audience);
        found.ok_or_else(|| {
            Error::new(
                ErrorKind::AudienceMismatch,
                format!(
                    "the token is for audience {}, this project is {}",
                    quoted(audience),
                    self.config.project_id()
                ),
            )
        })
    }

    fn check_issuer(&self, profile: &Profile, issuer: &str) -> Result<(), Error> {
        if profile.issuers.iter().any(|known| known == issuer) {
            return Ok(());
        }
        let other_kind = self
            .profiles
            .iter()
            .find(|other| other.issuers.iter().any(|known| known == issuer));
        let message = match other_kind {
            Some(other) => format!(
                "the token's audience is that of {} users, its issuer that of {} users",
                profile.kind, other.kind
            ),
            None => format!(
                "the token was issued by {}, but this project's {} users are issued tokens by {}: is the API URL \
                 the one that your clients use?",
                quoted(issuer),
                profile.kind,
                profile.issuers.join(" or ")
            ),
        };
        Err(Error::new(ErrorKind::IssuerMismatch, message))
    }

    /// Times are compared by adding to the smaller side, saturating, so that no value can overflow.
    fn check_times(&self, raw: &mut RawClaims) -> Result<(u64, u64), Error> {
        const SECONDS: &str = "whole seconds since 1970";
        let expires_at = required(std::mem::take(&mut raw.exp), "exp", SECONDS)?;
        let issued_at = required(std::mem::take(&mut raw.iat), "iat", SECONDS)?;
        let not_before = optional(std::mem::take(&mut raw.nbf), "nbf", SECONDS)?;
        let now = self.clock.unix_seconds();

        if now >= expires_at.saturating_add(self.leeway) {
            return Err(Error::new(
                ErrorKind::TokenExpired,
                format!(
                    "the token expired {} seconds ago (`exp` {expires_at}): get a fresh one",
                    now - expires_at
                ),
            ));
        }
        let latest = now.saturating_add(self.leeway);
        for (name, time) in [("iat", Some(issued_at)), ("nbf", not_before)] {
            if let Some(time) = time.filter(|time| *time > latest) {
                return Err(Error::new(
                    ErrorKind::NotYetValid,
                    format!(
                        "the token is valid in {} seconds only (`{name}` {time}): is this machine's clock right?",
                        time - now
                    ),
                ));
            }
        }
        if expires_at <= issued_at || expires_at - issued_at > LONGEST_LIFE_SECONDS {
            return Err(Error::new(
                ErrorKind::InvalidClaim,
                "the token's claim `exp` has an unusable value: expected a time after `iat`, by ten years at most",
            ));
        }
        Ok((issued_at, expires_at))
    }
}
