//! Tokens that were verified before, so that the same token is not verified again in each request.

use std::{
    borrow::Borrow,
    hash::{Hash, Hasher},
    sync::atomic::{AtomicU64, Ordering},
};

use quick_cache::{OptionsBuilder, Weighter, sync};
use zeroize::Zeroizing;

use crate::{AccessToken, Error, ProjectKeys, PublicKey, User, UserKind, keys::Kept};

/// An entry weighs at least this much, in bytes, so that the room for so many entries is never used for more.
const LEAST_WEIGHT: usize = 2048;

/// Verified tokens and their users.
///
/// An entry is good for as long as its token is, and only while the key that signed it is in the set at hand.
/// Only successes are kept: a flood of bad tokens finds nothing here and pushes nothing out. Keys are whole
/// tokens, looked up by a randomly seeded hash and then compared in full, so two tokens are never taken for one
/// another; that is several times faster than hashing them with SHA-256. A token is wiped when it leaves.
pub(crate) struct TokenCache {
    entries: sync::Cache<TokenText, User, ByLength>,
}

/// What proved a token, and for which time. It is a part of the [`User`], so that looking a token up counts one reference
/// and not two: several threads with one token wait for each other there.
pub(crate) struct Proof {
    key: PublicKey,
    /// The last set of keys that was seen to hold the key.
    generation: AtomicU64,
    /// In seconds since 1970, as the next.
    valid_from: u64,
    expires_at: u64,
}

impl TokenCache {
    /// A cache for about this many tokens of usual length (under 1 KiB each), fewer of longer ones.
    pub(crate) fn new(capacity: usize) -> Result<Self, Error> {
        let weight = u64::try_from(capacity.saturating_mul(LEAST_WEIGHT)).unwrap_or(u64::MAX);
        let options = OptionsBuilder::new()
            .estimated_items_capacity(capacity)
            .weight_capacity(weight)
            .build()
            .map_err(|error| {
                Error::config(format!("a cache of {capacity} tokens cannot be made")).with_source(error)
            })?;
        Ok(Self {
            entries: sync::Cache::with_options(options, ByLength, Default::default(), Default::default()),
        })
    }

    /// The user of a token that was verified before and would be again. Times are in seconds since 1970.
    pub(crate) fn get(
        &self,
        token: &AccessToken,
        kept: &Kept<ProjectKeys>,
        now: u64,
        leeway: u64,
    ) -> Option<User> {
        let text = token.expose();
        if text.len() > AccessToken::MAX_LEN {
            return None;
        }
        let user = self.entries.get(text)?;
        if user.proof().holds(now, leeway) && user.proof().is_by(kept, user.kind()) {
            return Some(user);
        }
        self.entries.remove(text);
        None
    }

    /// Keeps what a verification has proven.
    pub(crate) fn insert(&self, token: &AccessToken, user: &User) {
        self.entries.insert(TokenText::of(token), user.clone());
    }
}

impl std::fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenCache({} tokens)", self.entries.len())
    }
}

impl Proof {
    /// The key was found in `kept`.
    pub(crate) fn new(
        key: PublicKey,
        kept: &Kept<ProjectKeys>,
        (valid_from, expires_at): (u64, u64),
    ) -> Self {
        Self {
            key,
            generation: AtomicU64::new(kept.generation()),
            valid_from,
            expires_at,
        }
    }

    /// When the token expires.
    pub(crate) fn expires_at(&self) -> u64 {
        self.expires_at
    }

    fn holds(&self, now: u64, leeway: u64) -> bool {
        now < self.expires_at.saturating_add(leeway) && self.valid_from <= now.saturating_add(leeway)
    }

    fn is_by(&self, kept: &Kept<ProjectKeys>, kind: UserKind) -> bool {
        if self.generation.load(Ordering::Relaxed) == kept.generation() {
            return true;
        }
        let same = kept.keys().of(kind).get(self.key.id()) == Some(&self.key);
        if same {
            self.generation.store(kept.generation(), Ordering::Relaxed);
        }
        same
    }
}

impl Clone for Proof {
    fn clone(&self) -> Self {
        Self {
            key: self.key.clone(),
            generation: AtomicU64::new(self.generation.load(Ordering::Relaxed)),
            ..*self
        }
    }
}

/// A token as a key of the cache, wiped on drop.
struct TokenText(Zeroizing<Box<str>>);

impl TokenText {
    fn of(token: &AccessToken) -> Self {
        Self(Zeroizing::new(token.expose().into()))
    }
}

// The three below must agree with those of `str`, by which tokens are looked up.
impl Borrow<str> for TokenText {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Hash for TokenText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        str::hash(&self.0, state);
    }
}

impl PartialEq for TokenText {
    fn eq(&self, other: &Self) -> bool {
        **self.0 == **other.0
    }
}

impl Eq for TokenText {}

#[derive(Clone, Debug)]
struct ByLength;

impl Weighter<TokenText, User> for ByLength {
    fn weight(&self, token: &TokenText, user: &User) -> u64 {
        let bytes = token.0.len() + user.payload().len();
        u64::try_from(bytes.max(LEAST_WEIGHT)).unwrap_or(u64::MAX)
    }
}
