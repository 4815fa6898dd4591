use std::{
    fmt,
    pin::Pin,
    sync::{Mutex, PoisonError},
};

use crate::{AccessToken, Error, RefreshToken, api::SessionTokens};

/// What a [`TokenStore`]'s methods return.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// Where the tokens of one session are kept: in memory, in a file, or wherever an application keeps its secrets.
///
/// Other programs may use the same store, so a session that has ended must not take away another one that somebody
/// has signed in to meanwhile. That is why [`update`](Self::update) and [`remove`](Self::remove) are about a session
/// and do nothing when the store holds another one.
///
/// Errors are made with [`Error::token_store`].
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// The tokens that are kept, if there are any.
    fn load(&self) -> StoreFuture<'_, Option<StoredTokens>>;

    /// Keeps these tokens in place of what is there.
    fn save(&self, tokens: &StoredTokens) -> StoreFuture<'_, ()>;

    /// Keeps a new access token, if the refresh token beside it is the one that is kept.
    fn update(&self, tokens: &StoredTokens) -> StoreFuture<'_, ()>;

    /// Forgets the session with this refresh token, if it is the one that is kept.
    fn remove(&self, token: &RefreshToken) -> StoreFuture<'_, ()>;
}

/// The tokens of a session as they are kept. `Debug` shows nothing of them.
#[derive(Clone)]
#[non_exhaustive]
pub struct StoredTokens {
    /// Gets new access tokens for as long as the session lasts.
    pub refresh_token: RefreshToken,
    /// The last access token, which may have expired.
    pub access_token: Option<AccessToken>,
}

impl StoredTokens {
    /// A refresh token without an access token.
    #[must_use]
    pub fn new(refresh_token: RefreshToken) -> Self {
        Self {
            refresh_token,
            access_token: None,
        }
    }

    /// The same refresh token with this access token.
    #[must_use]
    pub fn with_access_token(mut self, token: AccessToken) -> Self {
        self.access_token = Some(token);
        self
    }

    /// Whether both are of one session.
    pub(super) fn is_of(&self, token: &RefreshToken) -> bool {
        self.refresh_token.expose() == token.expose()
    }
}

impl From<SessionTokens> for StoredTokens {
    fn from(tokens: SessionTokens) -> Self {
        Self::new(tokens.refresh_token).with_access_token(tokens.access_token)
    }
}

impl From<RefreshToken> for StoredTokens {
    fn from(token: RefreshToken) -> Self {
        Self::new(token)
    }
}

impl fmt::Debug for StoredTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredTokens").finish_non_exhaustive()
    }
}

/// Keeps a session's tokens in memory, for as long as the program runs.
#[derive(Debug, Default)]
pub struct MemoryStore {
    kept: Mutex<Option<StoredTokens>>,
}

impl MemoryStore {
    fn change(&self, change: impl FnOnce(&mut Option<StoredTokens>)) -> StoreFuture<'_, ()> {
        // Nothing that is done under the lock can leave it half-done.
        change(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        Box::pin(std::future::ready(Ok(())))
    }
}

impl TokenStore for MemoryStore {
    fn load(&self) -> StoreFuture<'_, Option<StoredTokens>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Box::pin(std::future::ready(Ok(kept.clone())))
    }

    fn save(&self, tokens: &StoredTokens) -> StoreFuture<'_, ()> {
        self.change(|kept| *kept = Some(tokens.clone()))
    }

    fn update(&self, tokens: &StoredTokens) -> StoreFuture<'_, ()> {
        self.change(|kept| {
            if let Some(kept) = kept.as_mut().filter(|kept| kept.is_of(&tokens.refresh_token)) {
                *kept = tokens.clone();
            }
        })
    }

    fn remove(&self, token: &RefreshToken) -> StoreFuture<'_, ()> {
        self.change(|kept| {
            kept.take_if(|kept| kept.is_of(token));
        })
    }
}
