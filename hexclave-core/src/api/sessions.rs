use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Client, ListOf, ServerAccess, request::Request};
use crate::{AccessToken, Error, RefreshToken, SessionId, UserId, resource::UserSession};

impl<A: ServerAccess> Client<A> {
    /// A user's sessions. Those in which an administrator acts as the user are there for [`Admin`](super::Admin)
    /// access only.
    ///
    /// # Errors
    /// See [Trouble](Self#trouble).
    pub async fn sessions(&self, user: UserId) -> Result<Vec<UserSession>, Error> {
        let request = Request::get("auth/sessions").query("user_id", user.to_string());
        Ok(self.ask::<ListOf<_>>(request).await?.items)
    }

    /// Signs a user in without asking for anything, and hands out the session's tokens: whoever gets them is the
    /// user.
    ///
    /// # Errors
    /// See [Trouble](Self#trouble). [`ErrorCode::UserIdDoesNotExist`](super::ErrorCode) when there is no such user.
    pub async fn create_session(&self, session: NewSession) -> Result<SessionTokens, Error> {
        self.ask(Request::post("auth/sessions", &session)?).await
    }

    /// Ends a session of a user. Its access tokens stay valid until they expire.
    ///
    /// # Errors
    /// See [Trouble](Self#trouble).
    pub async fn revoke_session(&self, user: UserId, session: SessionId) -> Result<(), Error> {
        let request = Request::delete(format!("auth/sessions/{session}")).query("user_id", user.to_string());
        self.tell(request).await
    }
}

/// A session to be created.
#[derive(Clone, Debug, Serialize)]
#[must_use]
pub struct NewSession {
    user_id: UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in_millis: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_impersonation: Option<bool>,
}

impl NewSession {
    /// A session of this user, which lasts a year.
    pub fn of(user: UserId) -> Self {
        Self {
            user_id: user,
            expires_in_millis: None,
            is_impersonation: None,
        }
    }

    /// How long it lasts, in whole milliseconds; 367 days at most.
    pub fn lasting(mut self, life: Duration) -> Self {
        self.expires_in_millis = Some(u64::try_from(life.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// It is not the user who acts in it.
    pub fn impersonation(mut self) -> Self {
        self.is_impersonation = Some(true);
        self
    }
}

/// The tokens of a session. `Debug` shows nothing of them.
#[derive(Clone, Deserialize)]
#[serde(from = "Tokens")]
#[non_exhaustive]
pub struct SessionTokens {
    /// Proves who the user is, for 10 minutes.
    pub access_token: AccessToken,
    /// Gets new access tokens for as long as the session lasts.
    pub refresh_token: RefreshToken,
}

impl fmt::Debug for SessionTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionTokens").finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
}

impl From<Tokens> for SessionTokens {
    fn from(tokens: Tokens) -> Self {
        Self {
            access_token: tokens.access_token.into(),
            refresh_token: tokens.refresh_token.into(),
        }
    }
}
