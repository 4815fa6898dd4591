use hexclave_core::{SessionId, UserId};
use serde::{Deserialize, Serialize};

use super::{
    super::{Subject, api_error::ApiError, random_key},
    Directory, SessionRow,
};

/// How long a session lives where nobody says otherwise: a year, in milliseconds.
const DEFAULT_LIFETIME_MILLIS: u64 = 365 * 24 * 60 * 60 * 1000;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Session {
    pub(crate) id: SessionId,
    pub(crate) user_id: UserId,
    created_at_millis: u64,
    last_used_at_millis: u64,
    expires_at_millis: u64,
    is_impersonation: bool,
}

/// What sets a session apart from the one that a sign-in opens.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NewSession {
    pub(crate) lifetime_millis: Option<u64>,
    pub(crate) is_impersonation: bool,
}

/// A session as the API shows it.
#[derive(Debug, Serialize)]
pub(crate) struct ShownSession {
    id: String,
    user_id: String,
    created_at: u64,
    last_used_at: u64,
    is_impersonation: bool,
    is_current_session: bool,
}

impl Directory {
    /// Opens a session and returns its refresh token.
    pub(crate) fn open_session(
        &mut self,
        user_id: UserId,
        new: NewSession,
        now_millis: u64,
    ) -> Result<String, ApiError> {
        let refresh_token = random_key()?;
        let lifetime = new.lifetime_millis.unwrap_or(DEFAULT_LIFETIME_MILLIS);
        let session = Session {
            id: uuid::Uuid::new_v4().into(),
            user_id,
            created_at_millis: now_millis,
            last_used_at_millis: now_millis,
            expires_at_millis: now_millis.saturating_add(lifetime),
            is_impersonation: new.is_impersonation,
        };
        self.sessions.insert(refresh_token.clone(), session);
        Ok(refresh_token)
    }

    /// The user of a session that has not ended.
    pub(super) fn session_user(&self, refresh_token: &str, now_millis: u64) -> Option<UserId> {
        self.sessions
            .get(refresh_token)
            .filter(|session| now_millis < session.expires_at_millis)
            .map(|session| session.user_id)
    }

    /// What a new token for this session says. The session is used and the user active from now on.
    ///
    /// # Errors
    /// When the session has ended.
    pub(crate) fn subject(&mut self, refresh_token: &str, now_millis: u64) -> Result<Subject, ApiError> {
        let session = self
            .sessions
            .get_mut(refresh_token)
            .filter(|session| now_millis < session.expires_at_millis)
            .ok_or_else(ApiError::session_ended)?;
        session.last_used_at_millis = now_millis;
        let (id, user_id) = (session.id, session.user_id);
        self.active_subject(user_id, id, now_millis)
            .ok_or_else(ApiError::session_ended)
    }

    /// A user's sessions, the newest first; those of impersonators are for admins only.
    pub(crate) fn sessions_of(&self, user_id: UserId, current: Option<SessionId>) -> Vec<ShownSession> {
        let mut sessions: Vec<_> = self
            .sessions
            .values()
            .filter(|session| session.user_id == user_id && !session.is_impersonation)
            .collect();
        sessions.sort_by_key(|session| (std::cmp::Reverse(session.created_at_millis), session.id));
        sessions
            .into_iter()
            .map(|session| ShownSession {
                id: session.id.to_string(),
                user_id: session.user_id.to_string(),
                created_at: session.created_at_millis,
                last_used_at: session.last_used_at_millis,
                is_impersonation: session.is_impersonation,
                is_current_session: current == Some(session.id),
            })
            .collect()
    }

    /// A user's sessions that have not ended, the last used first.
    pub(super) fn live_sessions(&self, user_id: UserId, now_millis: u64) -> Vec<SessionRow> {
        let mut sessions: Vec<_> = self
            .sessions
            .values()
            .filter(|session| session.user_id == user_id && now_millis < session.expires_at_millis)
            .map(|session| SessionRow {
                id: session.id.to_string(),
                last_used_at_millis: session.last_used_at_millis,
            })
            .collect();
        sessions.sort_by(|one, other| {
            let newest = other.last_used_at_millis.cmp(&one.last_used_at_millis);
            newest.then_with(|| one.id.cmp(&other.id))
        });
        sessions
    }

    /// Whose session it is, also when it has expired.
    pub(crate) fn owner_of_session(&self, id: SessionId) -> Option<UserId> {
        let found = self.sessions.values().find(|session| session.id == id);
        found.map(|session| session.user_id)
    }

    /// Ends a session. Access tokens that it has given out stay valid until they expire.
    pub(crate) fn end_session(&mut self, id: SessionId) {
        self.sessions.retain(|_, session| session.id != id);
    }

    pub(super) fn end_sessions_of(&mut self, user_id: UserId) {
        self.sessions.retain(|_, session| session.user_id != user_id);
    }
}
