use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hexclave_core::{AcceptedKinds, Clock, SystemClock, User};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::{Error, ErrorKind, JwtSecret, SupabaseClaims};

const DEFAULT_LIFETIME: Duration = Duration::from_secs(3600);
const SHORTEST_LIFETIME: Duration = Duration::from_secs(1);
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// Mints Supabase tokens for proven users: `{"sub", "role": "authenticated", "iat", "exp"}`, signed with HS256.
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
#[derive(Clone)]
pub struct Minter {
    key: EncodingKey,
    lifetime: Duration,
    accepted: AcceptedKinds,
    clock: Arc<dyn Clock>,
}

/// The payload in the member order of the token that Hexclave's setup guide mints.
#[derive(Serialize)]
struct TokenClaims {
    #[serde(flatten)]
    claims: SupabaseClaims,
    iat: u64,
    exp: u64,
}

impl Minter {
    /// A minter with the defaults: tokens live for an hour, and only normal users get one.
    #[must_use]
    pub fn new(secret: JwtSecret) -> Self {
        hexclave_core::install_default_crypto_provider();
        Self {
            key: secret.encoding_key(),
            lifetime: DEFAULT_LIFETIME,
            accepted: AcceptedKinds::default(),
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

    /// Which kinds of users get a token; without this, normal ones only.
    #[must_use]
    pub fn accept(mut self, kinds: AcceptedKinds) -> Self {
        self.accepted = kinds;
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
    /// [`ErrorKind::KindNotAccepted`] when the user is of a kind that gets no token.
    pub fn mint(&self, user: &User) -> Result<SupabaseToken, Error> {
        let iat = self.clock.unix_seconds();
        let exp = iat.saturating_add(self.lifetime.as_secs());
        let claims = TokenClaims {
            claims: SupabaseClaims::of(user, self.accepted)?,
            iat,
            exp,
        };
        // Neither `typ` nor `kid`: PostgREST refuses a `kid` that it does not know, and the legacy secret has none.
        let mut header = Header::new(Algorithm::HS256);
        header.typ = None;
        let token = jsonwebtoken::encode(&header, &claims, &self.key).map_err(|error| {
            Error::new(ErrorKind::Signing, "the Supabase token could not be signed").with_source(error)
        })?;
        Ok(SupabaseToken {
            token: token.into(),
            expires_at: UNIX_EPOCH
                .checked_add(Duration::from_secs(exp))
                .unwrap_or(UNIX_EPOCH),
        })
    }
}

impl fmt::Debug for Minter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Minter")
            .field("lifetime", &self.lifetime)
            .field("accepted", &self.accepted)
            .finish_non_exhaustive()
    }
}

/// A minted token. `Debug` does not show it and it is wiped from memory on drop.
#[derive(Clone)]
pub struct SupabaseToken {
    token: SecretString,
    expires_at: SystemTime,
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
        self.expires_at
    }
}

impl fmt::Debug for SupabaseToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SupabaseToken")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
