//! A signed-in user's tokens, kept fresh, and kept from one run of a program to the next.
//!
//! ```no_run
//! use hexclave_core::{
//!     ProjectConfig,
//!     api::{Client, SignIn},
//!     session::Session,
//! };
//!
//! # async fn run() -> Result<(), hexclave_core::Error> {
//! let client = Client::public(ProjectConfig::from_env()?)?;
//! let SignIn::Complete(user) = client.sign_in_with_password("zoe@example.com", "…").await? else {
//!     return Ok(()); // a second factor is wanted
//! };
//! let session = Session::new(&client, user.tokens);
//!
//! // For a backend of one's own, in its `x-stack-access-token` header:
//! let token = session.fresh_access_token().await?;
//! // For the Hexclave API:
//! println!("{:?}", session.as_user().await?.me().await?);
//!
//! session.sign_out().await?;
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "file-store")]
mod file_store;
mod lifetime;
mod refresher;
mod store;

use std::{fmt, sync::Arc};

#[cfg(feature = "file-store")]
#[cfg_attr(docsrs, doc(cfg(feature = "file-store")))]
pub use file_store::FileStore;
use lifetime::Need;
use refresher::Refresher;
pub use store::{MemoryStore, StoreFuture, StoredTokens, TokenStore};

use crate::{
    AccessToken, Error, ErrorKind, RefreshToken,
    api::{Access, AsUser, Client, SessionTokens},
};

/// A signed-in user's session: its refresh token, and access tokens that are had when they are needed. Cheap to
/// clone; all clones are one session.
///
/// However many callers need a new access token at once, it is asked for once, and the asking goes on when a caller
/// goes away.
///
/// A session ends when Hexclave says so, or by [signing out](Self::sign_out). From then on each call answers
/// [`ErrorKind::SessionEnded`] at once, for ever: the user has to sign in anew. Trouble on the way to Hexclave ends
/// nothing.
pub struct Session<A> {
    client: Client<A>,
    refresher: Arc<Refresher>,
}

/// Whether more access tokens can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)]
pub enum SessionState {
    /// As far as is known.
    Live,
    /// Never again.
    Ended,
}

impl<A: Access> Session<A> {
    /// The session of a user who has just signed in, kept in memory only.
    pub fn new(client: &Client<A>, tokens: SessionTokens) -> Self {
        Self::of(client, tokens.into(), None)
    }

    /// A session whose refresh token is at hand, kept in memory only. Whether it is still live shows when the first
    /// access token is needed.
    pub fn from_refresh_token(client: &Client<A>, token: RefreshToken) -> Self {
        Self::of(client, StoredTokens::new(token), None)
    }

    /// The session of a user who has just signed in, kept in a store in place of what is there.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn store(
        client: &Client<A>,
        tokens: impl Into<StoredTokens>,
        store: Arc<dyn TokenStore>,
    ) -> Result<Self, Error> {
        let tokens = tokens.into();
        store.save(&tokens).await?;
        Ok(Self::of(client, tokens, Some(store)))
    }

    /// The session that was kept in a store, if there is one.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn load(client: &Client<A>, store: Arc<dyn TokenStore>) -> Result<Option<Self>, Error> {
        let tokens = store.load().await?;
        Ok(tokens.map(|tokens| Self::of(client, tokens, Some(store))))
    }

    fn of(client: &Client<A>, tokens: StoredTokens, store: Option<Arc<dyn TokenStore>>) -> Self {
        Self {
            client: client.clone(),
            refresher: Arc::new(Refresher::new(Arc::clone(client.shared()), tokens, store)),
        }
    }

    /// An access token that others may look at for a while: more than 20 seconds before its end and less than 75
    /// seconds old, as Hexclave's SDKs hand it out; so what it says of the user is not much older than a minute.
    ///
    /// # Errors
    /// [`ErrorKind::SessionEnded`]; otherwise those of [asking the API](Client#trouble), which end nothing.
    pub async fn fresh_access_token(&self) -> Result<AccessToken, Error> {
        self.refresher.access_token(Need::Fresh).await
    }

    /// An access token for a request that is made at once: more than 20 seconds before its end, however old. In
    /// trouble it lasts longer than [`fresh_access_token`](Self::fresh_access_token).
    ///
    /// # Errors
    /// As [`fresh_access_token`](Self::fresh_access_token).
    pub async fn access_token(&self) -> Result<AccessToken, Error> {
        self.refresher.access_token(Need::Usable).await
    }

    /// An access token that is asked for after this call, when what the one at hand says of the user is known to be
    /// outdated or somebody has refused it.
    ///
    /// # Errors
    /// As [`fresh_access_token`](Self::fresh_access_token).
    pub async fn force_refresh(&self) -> Result<AccessToken, Error> {
        self.refresher.force().await
    }

    /// Asks the API as this session's user.
    ///
    /// # Errors
    /// As [`access_token`](Self::access_token).
    pub async fn as_user(&self) -> Result<AsUser<A>, Error> {
        Ok(self.client.as_user(&self.access_token().await?))
    }

    /// Ends the session, at Hexclave and in the store. Access tokens that were handed out stay valid until they
    /// expire. A session that has ended already is no error.
    ///
    /// # Errors
    /// When Hexclave could not be told, the session lives on and can be signed out of later. When the store fails,
    /// the session has ended nevertheless.
    pub async fn sign_out(&self) -> Result<(), Error> {
        match self.tell_of_sign_out().await {
            Err(error) if error.kind() != ErrorKind::SessionEnded => Err(error),
            _ => self.refresher.end().await,
        }
    }

    async fn tell_of_sign_out(&self) -> Result<(), Error> {
        match self.as_user().await?.sign_out().await {
            // The access token is no good; whether the session is, shows when a new one is asked for.
            Err(error) if error.is_refusal() => {
                let token = self.force_refresh().await?;
                self.client.as_user(&token).sign_out().await
            }
            result => result,
        }
    }

    /// Whether more access tokens can be had, as far as is known.
    #[must_use]
    pub fn state(&self) -> SessionState {
        self.refresher.session_state()
    }

    /// The session's refresh token. Whoever holds it is the user: give it to nobody but the Hexclave API.
    #[must_use]
    pub fn refresh_token(&self) -> &RefreshToken {
        self.refresher.refresh_token()
    }

    /// The client that asks for access tokens.
    #[must_use]
    pub fn client(&self) -> &Client<A> {
        &self.client
    }
}

impl<A> Clone for Session<A> {
    fn clone(&self) -> Self {
        Self {
            client: self.client.clone(),
            refresher: Arc::clone(&self.refresher),
        }
    }
}

impl<A: Access> fmt::Debug for Session<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("state", &self.state())
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}
