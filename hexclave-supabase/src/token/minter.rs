use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hexclave_core::{AcceptedKinds, Clock, SystemClock, User};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::{Algorithm, ClaimsPolicy, Error, ErrorKind, SigningKey, SupabaseClaims};

const DEFAULT_LIFETIME: Duration = Duration::from_secs(3600);
const SHORTEST_LIFETIME: Duration = Duration::from_secs(1);
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 3600);
const MOST_BACKDATED: Duration = Duration::from_secs(300);

/// Mints Supabase tokens for proven users.
///
/// ```
/// use hexclave_supabase::{JwtSecret, Minter};
///
/// # fn serve(user: &hexclave_core::User) -> Result<(), hexclave_supabase::Error> {
/// let secret = JwtSecret::new("super-secret-jwt-token-with-at-least-32-characters-long")?;
/// let minter = Minter::new(secret); // once per program
///
/// let token = minter.mint(user)?; // for supabase-js: `accessToken: async () => …`
/// println!("good until {:?}", token.expires_at());
/// # Ok(())
/// # }
/// ```
///
/// With HS256 it costs little more than the HMAC, about a microsecond, for key and header are made ready once. The
/// signature alone takes tens of microseconds with ES256 and around a millisecond with RS256: see
/// [`TokenCache`](crate::TokenCache).
#[derive(Clone)]
pub struct Minter {
    key: SigningKey,
    policy: ClaimsPolicy,
    lifetime: Duration,
    outlives_source: bool,
    backdated: Duration,
    clock: Arc<dyn Clock>,
}

impl Minter {
    /// The longest payload that is signed, in bytes. The token is a third longer and travels in a header, for which
    /// proxies and servers have room for 8 KiB, more or less.
    pub const MAX_PAYLOAD: usize = 4096;

    /// A minter with the defaults: tokens live for an hour, only normal users get one, and it says of them what a
    /// [`ClaimsPolicy`] without more says.
    #[must_use]
    pub fn new(key: impl Into<SigningKey>) -> Self {
        Self {
            key: key.into(),
            policy: ClaimsPolicy::default(),
            lifetime: DEFAULT_LIFETIME,
            outlives_source: true,
            backdated: Duration::ZERO,
            clock: Arc::new(SystemClock),
        }
    }

    /// How long a token lives, in whole seconds (a fraction is dropped).
    ///
    /// A token cannot be taken back: the user keeps access for this long after signing out.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when it is shorter than a second or longer than 24 hours.
    pub fn lifetime(mut self, lifetime: Duration) -> Result<Self, Error> {
        if !(SHORTEST_LIFETIME..=LONGEST_LIFETIME).contains(&lifetime) {
            return Err(Error::new(
                ErrorKind::InvalidConfig,
                format!(
                    "a token cannot live for {} seconds: at least {}, at most {}",
                    lifetime.as_secs_f64(),
                    SHORTEST_LIFETIME.as_secs(),
                    LONGEST_LIFETIME.as_secs()
                ),
            ));
        }
        self.lifetime = lifetime;
        Ok(self)
    }

    /// No token outlives the access token that its user was proven with (10 minutes, unless the deployment says
    /// otherwise), so that Supabase notices a sign-out or a new restriction as soon as Hexclave's own servers do.
    #[must_use]
    pub fn until_source_expires(mut self) -> Self {
        self.outlives_source = false;
        self
    }

    /// Sets `iat` this much into the past, in whole seconds, for services whose clock is behind: PostgREST refuses a
    /// token from more than 30 seconds in the future. `exp` is not moved.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when it is more than 5 minutes.
    pub fn backdate(mut self, by: Duration) -> Result<Self, Error> {
        if by > MOST_BACKDATED {
            return Err(Error::new(
                ErrorKind::InvalidConfig,
                format!(
                    "`iat` cannot be {} seconds in the past: at most {}",
                    by.as_secs(),
                    MOST_BACKDATED.as_secs()
                ),
            ));
        }
        self.backdated = by;
        Ok(self)
    }

    /// Who gets a token from [`mint`](Self::mint), and what it says.
    #[must_use]
    pub fn policy(mut self, policy: ClaimsPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Which kinds of users get a token from [`mint`](Self::mint): short for a [policy](Self::policy) that
    /// [accepts](ClaimsPolicy::accept) them.
    #[must_use]
    pub fn accept(mut self, kinds: AcceptedKinds) -> Self {
        self.policy = self.policy.accept(kinds);
        self
    }

    /// Where the time comes from.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Mints a token with which Supabase lets `user` in.
    ///
    /// It goes into `Authorization: Bearer`; it is not an API key.
    ///
    /// # Errors
    /// [`ErrorKind::KindNotAccepted`] when the user is of a kind that gets no token, and those of [`sign`](Self::sign).
    pub fn mint(&self, user: &User) -> Result<SupabaseToken, Error> {
        self.sign(&self.policy.claims(user)?)
    }

    /// Mints a token that says what the claims say: for claims that take more than the [policy](Self::policy), such as
    /// teams, or another role.
    ///
    /// # Errors
    /// [`ErrorKind::ClaimsTooLarge`] when they are longer than [`MAX_PAYLOAD`](Self::MAX_PAYLOAD);
    /// [`ErrorKind::SourceExpired`] when the user's access token has expired and no token may
    /// [outlive it](Self::until_source_expires); [`ErrorKind::ClaimNotAllowed`] for claims that were not made from a user:
    /// nobody's need no token, and those of a verified token would get a longer life.
    pub fn sign(&self, claims: &SupabaseClaims) -> Result<SupabaseToken, Error> {
        self.sign_json(claims, claims.to_json())
    }

    /// How tokens are signed.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    pub(super) fn claims(&self, user: &User) -> Result<SupabaseClaims, Error> {
        self.policy.claims(user)
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.unix_seconds()
    }

    /// The time that no token for these claims may outlive, in seconds since 1970.
    pub(super) fn limit(&self, claims: &SupabaseClaims) -> Option<u64> {
        let source = claims.source().filter(|_| !self.outlives_source)?;
        let end = source.expires_at().duration_since(UNIX_EPOCH).unwrap_or_default();
        Some(end.as_secs())
    }

    /// `json` is that of the claims.
    pub(super) fn sign_json(&self, claims: &SupabaseClaims, json: String) -> Result<SupabaseToken, Error> {
        if claims.source().is_none() {
            return Err(Error::new(
                ErrorKind::ClaimNotAllowed,
                "tokens are minted for claims that were made from a user only",
            ));
        }
        let now = self.now();
        let mut exp = now.saturating_add(self.lifetime.as_secs());
        if let Some(limit) = self.limit(claims) {
            if limit <= now {
                return Err(Error::new(
                    ErrorKind::SourceExpired,
                    "the user's access token has expired: a Supabase token takes a fresh one",
                ));
            }
            exp = exp.min(limit);
        }
        let iat = now.saturating_sub(self.backdated.as_secs());

        let mut payload = Zeroizing::new(json);
        // The object goes on: it is never empty, and ends with a brace.
        payload.pop();
        payload.push_str(&format!(r#","iat":{iat},"exp":{exp}}}"#));
        if payload.len() > Self::MAX_PAYLOAD {
            return Err(Error::new(
                ErrorKind::ClaimsTooLarge,
                format!(
                    "the claims have {} bytes, at most {} fit into a header everywhere: leave out the larger ones, and \
                     look them up in the database instead",
                    payload.len(),
                    Self::MAX_PAYLOAD
                ),
            ));
        }
        Ok(SupabaseToken {
            token: self.key.sign(&payload)?.into(),
            expires_at: exp,
        })
    }
}

impl fmt::Debug for Minter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Minter")
            .field("key", &self.key)
            .field("policy", &self.policy)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

/// A minted token. `Debug` does not show it and it is wiped from memory on drop.
#[derive(Clone)]
pub struct SupabaseToken {
    token: SecretString,
    expires_at: u64,
}

impl SupabaseToken {
    /// The token itself. Give it to its user only, and do not log it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.token.expose_secret()
    }

    /// When Supabase stops accepting it, in whole seconds.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        UNIX_EPOCH
            .checked_add(Duration::from_secs(self.expires_at))
            .unwrap_or(UNIX_EPOCH)
    }

    /// Whether it is still good `margin` seconds from `now`, both in seconds.
    pub(super) fn is_good(&self, now: u64, margin: u64) -> bool {
        now.saturating_add(margin) < self.expires_at
    }
}

impl fmt::Debug for SupabaseToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SupabaseToken")
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}
