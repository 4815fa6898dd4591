use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use hexclave_core::User;
use quick_cache::sync;
use zeroize::Zeroizing;

use super::{Minter, SupabaseToken};
use crate::{Error, SupabaseClaims};

const DEFAULT_MARGIN: Duration = Duration::from_secs(60);

/// A [`Minter`] that gives out a token again while it is good, for callers that ask for one per query, as supabase-js does.
///
/// A token is kept for everything that it says: a user whose e-mail, team, role or any other claim has changed gets a new
/// one. The number of tokens is bounded, the least used ones go first, and a token is wiped when it goes.
///
/// With HS256 minting is so cheap that this saves nothing; it pays with ES256 and RS256, and where the same token shall
/// be sent for a while, as for connections or caches that depend on it.
///
/// ```
/// use hexclave_supabase::{Minter, SigningKey, TokenCache};
///
/// # fn serve(key: SigningKey, user: &hexclave_core::User) -> Result<(), hexclave_supabase::Error> {
/// let tokens = TokenCache::new(Minter::new(key), 10_000); // once per program
/// let token = tokens.mint(user)?;
/// # Ok(())
/// # }
/// ```
pub struct TokenCache {
    minter: Minter,
    margin: Duration,
    entries: sync::Cache<Key, Arc<SupabaseToken>>,
}

/// Everything that the token depends on, apart from the time.
#[derive(Clone, PartialEq, Eq)]
struct Key {
    claims: Zeroizing<String>,
    limit: Option<u64>,
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.claims.as_str(), self.limit).hash(state);
    }
}

impl TokenCache {
    /// Keeps at most `capacity` tokens, each of which takes 1 to 10 KiB, depending on the claims.
    #[must_use]
    pub fn new(minter: Minter, capacity: usize) -> Self {
        Self {
            minter,
            margin: DEFAULT_MARGIN,
            entries: sync::Cache::new(capacity),
        }
    }

    /// How long a token must still be good to be given out again; a minute unless set. What lives shorter is minted each
    /// time.
    #[must_use]
    pub fn margin(mut self, margin: Duration) -> Self {
        self.margin = margin;
        self
    }

    /// As [`Minter::mint`].
    ///
    /// # Errors
    /// Those of [`Minter::mint`]. Errors are not kept.
    pub fn mint(&self, user: &User) -> Result<Arc<SupabaseToken>, Error> {
        self.sign(&self.minter.claims(user)?)
    }

    /// As [`Minter::sign`].
    ///
    /// # Errors
    /// Those of [`Minter::sign`]. Errors are not kept.
    pub fn sign(&self, claims: &SupabaseClaims) -> Result<Arc<SupabaseToken>, Error> {
        let key = Key {
            claims: Zeroizing::new(claims.to_json()),
            limit: self.minter.limit(claims),
        };
        let is_good = |token: &Arc<SupabaseToken>| token.is_good(self.minter.now(), self.margin.as_secs());
        if let Some(token) = self.entries.get(&key).filter(is_good) {
            return Ok(token);
        }
        let token = Arc::new(self.minter.sign_json(claims, key.claims.to_string())?);
        if is_good(&token) {
            self.entries.insert(key, Arc::clone(&token));
        }
        Ok(token)
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache")
            .field("minter", &self.minter)
            .field("margin", &self.margin)
            .field("tokens", &self.entries.len())
            .finish()
    }
}
