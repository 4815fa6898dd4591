use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tracing::Instrument;

use crate::{
    AcceptedKinds, AccessToken, Clock, Error, ErrorKind, ProjectConfig, ProjectKeys, SystemClock, User,
    UserKind,
    claims::{Branch, RawClaims, UserClaims, optional, required},
    error::quoted,
    jws::Jws,
    keys::{DEFAULT_STALE_IF_ERROR, Fetcher, KeyHealth, KeySource, SignerOf, default_client},
    telemetry,
    token_cache::{Proof, TokenCache},
};

const DEFAULT_LEEWAY: Duration = Duration::from_secs(5);
const DEFAULT_CACHED_TOKENS: usize = 10_000;
/// Whose keys these are, in metrics.
const KEY_ISSUER: &str = "hexclave";
const MOST_CACHED_TOKENS: usize = 1_000_000;
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
/// use hexclave_core::{Credentials, ProjectConfig, Verifier};
///
/// # async fn handler(headers: http::HeaderMap) -> Result<(), hexclave_core::Error> {
/// let verifier = Verifier::new(ProjectConfig::from_env()?)?; // once per program
///
/// let credentials = Credentials::from_headers(&headers, verifier.config())?;
/// if let Some(token) = credentials.access_token() {
///     let user = verifier.verify(token).await?;
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
    keys: KeySource<ProjectKeys>,
    cache: Option<TokenCache>,
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
            initial_keys: None,
            stale_if_error: DEFAULT_STALE_IF_ERROR,
            cached_tokens: DEFAULT_CACHED_TOKENS,
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
        let now = inner.clock.now();
        if let Some(user) = inner.verified_before(token, now) {
            telemetry::accepted();
            return Ok(user);
        }
        let span = tracing::debug_span!("hexclave.verify");
        let result = inner.verify(token, now).instrument(span).await;
        match &result {
            Ok(_) => telemetry::accepted(),
            Err(error) => telemetry::not_accepted(error),
        }
        result
    }

    /// Refuses a user whom another verifier has let in and this one would not.
    #[cfg(feature = "axum")]
    pub(crate) fn readmit(&self, user: &User) -> Result<(), Error> {
        if user.project_id() != self.config().project_id() {
            return Err(Error::new(
                ErrorKind::ProjectMismatch,
                "the user is one of another project",
            ));
        }
        if !self.accepted_kinds().contains(user.kind()) {
            let reason = user.restricted_reason();
            return Err(Error::kind_not_accepted(
                user.kind(),
                reason,
                self.accepted_kinds(),
            ));
        }
        Ok(())
    }

    /// The user of a remembered token. Where there is no async runtime, that is all that can be told at once.
    #[cfg(feature = "blocking")]
    pub(crate) fn verified_before(&self, token: &AccessToken) -> Option<User> {
        let user = self.inner.verified_before(token, self.inner.clock.now())?;
        telemetry::accepted();
        Some(user)
    }

    /// Fetches the keys now, unless fresh ones are at hand, so that the first token need not wait for them.
    ///
    /// # Errors
    /// [`ErrorKind::KeysUnavailable`] when they cannot be had. The verifier is usable all the same and will try
    /// again.
    pub async fn warm_up(&self) -> Result<(), Error> {
        self.inner.keys.warm_up().await
    }

    /// How the verifier stands with its keys.
    #[must_use]
    pub fn key_health(&self) -> KeyHealth {
        self.inner.keys.health()
    }

    /// The keys at hand, to keep them for the [next start](VerifierBuilder::initial_keys).
    #[must_use]
    pub fn project_keys(&self) -> Option<ProjectKeys> {
        self.inner.keys.keys()
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
    initial_keys: Option<ProjectKeys>,
    stale_if_error: Duration,
    cached_tokens: usize,
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

    /// Start with these keys, of an earlier run, instead of none: the first token need not wait for a fetch, and a
    /// program that starts while the key server is down can still verify. They are fetched anew at the first use.
    pub fn initial_keys(mut self, keys: ProjectKeys) -> Self {
        self.initial_keys = Some(keys);
        self
    }

    /// For how long known keys are used beyond their freshness while the key server does not answer: 24 hours unless
    /// set, a year at most. With zero no token is accepted in an outage once the keys are no longer fresh.
    pub fn stale_if_error(mut self, limit: Duration) -> Self {
        self.stale_if_error = limit;
        self
    }

    /// How many verified tokens to remember, so that the same token is not verified in each request: 10,000 unless
    /// set, which takes up to about 20 MB. With 0 every token is verified anew; more than a million
    /// count as a million.
    ///
    /// A remembered token is good for exactly as long as it would be otherwise.
    pub fn cached_tokens(mut self, count: usize) -> Self {
        self.cached_tokens = count.min(MOST_CACHED_TOKENS);
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
        let keys = match self.keys {
            Some(keys) => KeySource::given(keys, KEY_ISSUER, Arc::clone(&self.clock)),
            None => {
                let client = match self.client {
                    Some(client) => client,
                    None => default_client(self.config.api_url().is_loopback())?,
                };
                let fetcher = Fetcher::new(&self.config, self.accepted, client);
                let clock = Arc::clone(&self.clock);
                KeySource::fetched(fetcher, KEY_ISSUER, self.initial_keys, self.stale_if_error, clock)
            }
        };
        let cache = match self.cached_tokens {
            0 => None,
            count => Some(TokenCache::new(count)?),
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
                cache,
            }),
        })
    }
}

struct CheckedClaims {
    claims: UserClaims,
    issuer: String,
    times: Times,
}

/// In seconds since 1970.
struct Times {
    issued_at: u64,
    /// The later of `iat` and `nbf`.
    valid_from: u64,
    expires_at: u64,
}

impl Inner {
    fn verified_before(&self, token: &AccessToken, now: SystemTime) -> Option<User> {
        let cache = self.cache.as_ref()?;
        let kept = self.keys.at_hand(now)?;
        let user = cache.get(token, kept.as_ref()?, unix_seconds(now), self.leeway);
        telemetry::cache_asked(user.is_some());
        user
    }

    async fn verify(&self, token: &AccessToken, now: SystemTime) -> Result<User, Error> {
        let jws = Jws::parse(token.expose())?;
        let checked = self.check_claims(&jws, unix_seconds(now))?;
        let (key, kept) = {
            let wanted = SignerOf(checked.claims.kind, &jws.key_id);
            self.keys.find(&wanted, now).await?
        };
        if !key.verifies(jws.signed.as_bytes(), &jws.signature) {
            return Err(Error::new(
                ErrorKind::InvalidSignature,
                "the token's signature is wrong: it was altered, or signed by somebody else",
            ));
        }
        let Times {
            issued_at,
            valid_from,
            expires_at,
        } = checked.times;
        let user = User::proven(
            self.config.project_id().clone(),
            checked.claims,
            checked.issuer,
            issued_at,
            jws.payload,
            Proof::new(key, &kept, (valid_from, expires_at)),
        );
        if let Some(cache) = &self.cache {
            cache.insert(token, &user);
        }
        Ok(user)
    }

    /// Everything that the payload says about itself, before any key is looked for: a token that cannot pass
    /// must not cause a fetch.
    fn check_claims(&self, jws: &Jws<'_>, now: u64) -> Result<CheckedClaims, Error> {
        let mut raw = RawClaims::parse(&jws.payload)?;
        let audience = required(std::mem::take(&mut raw.aud), "aud", "one string")?;
        let issuer = required(std::mem::take(&mut raw.iss), "iss", "one string")?;
        let profile = self.profile(&audience)?;
        self.check_issuer(profile, &issuer)?;
        let times = self.check_times(&mut raw, now)?;

        let project = required(std::mem::take(&mut raw.project_id), "project_id", "a string")?;
        if project != self.config.project_id().as_str() {
            return Err(Error::new(
                ErrorKind::ProjectMismatch,
                "the token's `project_id` is not the project of its audience",
            ));
        }
        if required(std::mem::take(&mut raw.branch_id), "branch_id", "a string")? == Branch::Other {
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
            let reason = claims.restricted_reason.as_ref();
            return Err(Error::kind_not_accepted(claims.kind, reason, self.accepted));
        }
        Ok(CheckedClaims {
            claims,
            issuer,
            times,
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
    fn check_times(&self, raw: &mut RawClaims, now: u64) -> Result<Times, Error> {
        const SECONDS: &str = "whole seconds since 1970";
        let expires_at = required(std::mem::take(&mut raw.exp), "exp", SECONDS)?;
        let issued_at = required(std::mem::take(&mut raw.iat), "iat", SECONDS)?;
        let not_before = optional(std::mem::take(&mut raw.nbf), "nbf", SECONDS)?;

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
        Ok(Times {
            issued_at,
            valid_from: issued_at.max(not_before.unwrap_or(0)),
            expires_at,
        })
    }
}

fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
