//! The project's users and their sessions, in memory.

use std::{collections::HashMap, num::NonZeroU32};

use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256};
use hexclave_core::{RestrictedReason, SessionId, UserId};
use serde_json::{Value, json};

use super::{HexclaveError, Subject, random_key, signing_key::random_bytes};

#[derive(Debug, Default)]
pub(crate) struct Directory {
    users: HashMap<UserId, UserRecord>,
    /// By refresh token.
    sessions: HashMap<String, Session>,
    requires_verified_email: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) user_id: UserId,
}

#[derive(Debug)]
pub(crate) struct UserRecord {
    id: UserId,
    email: Option<String>,
    email_verified: bool,
    password: Option<Password>,
    is_anonymous: bool,
    signed_up_at_millis: u64,
    last_active_at_millis: u64,
}

/// A salted hash. The number of rounds suits a server whose users end with it.
#[derive(Debug)]
struct Password {
    salt: [u8; 16],
    hash: [u8; 32],
}

impl Password {
    const ROUNDS: NonZeroU32 = NonZeroU32::MIN.saturating_add(9_999);

    fn new(text: &str) -> Result<Self, HexclaveError> {
        let salt = random_bytes()?;
        let mut hash = [0; 32];
        pbkdf2::derive(
            PBKDF2_HMAC_SHA256,
            Self::ROUNDS,
            &salt,
            text.as_bytes(),
            &mut hash,
        );
        Ok(Self { salt, hash })
    }

    fn is(&self, text: &str) -> bool {
        pbkdf2::verify(
            PBKDF2_HMAC_SHA256,
            Self::ROUNDS,
            &self.salt,
            text.as_bytes(),
            &self.hash,
        )
        .is_ok()
    }
}

impl Directory {
    pub(crate) fn new(requires_verified_email: bool) -> Self {
        Self {
            requires_verified_email,
            ..Self::default()
        }
    }

    pub(crate) fn user(&self, id: UserId) -> Option<&UserRecord> {
        self.users.get(&id)
    }

    pub(crate) fn user_of_email(&self, email: &str) -> Option<&UserRecord> {
        self.users.values().find(|user| user.has_email(email))
    }

    pub(crate) fn user_of_password(&self, email: &str, password: &str) -> Option<&UserRecord> {
        self.user_of_email(email)
            .filter(|user| user.password.as_ref().is_some_and(|known| known.is(password)))
    }

    /// Adds a user with a password, or gives one to the anonymous user `upgrade`, whose sessions end.
    pub(crate) fn sign_up(
        &mut self,
        upgrade: Option<UserId>,
        email: &str,
        password: &str,
        now_millis: u64,
    ) -> Result<UserId, HexclaveError> {
        let password = Password::new(password)?;
        let id = match upgrade.filter(|id| self.users.get(id).is_some_and(|user| user.is_anonymous)) {
            Some(id) => {
                self.sessions.retain(|_, session| session.user_id != id);
                id
            }
            None => self.add_anonymous(now_millis),
        };
        if let Some(user) = self.users.get_mut(&id) {
            user.email = Some(email.to_owned());
            user.password = Some(password);
            user.is_anonymous = false;
        }
        Ok(id)
    }

    pub(crate) fn add_anonymous(&mut self, now_millis: u64) -> UserId {
        let id = UserId::from(uuid::Uuid::new_v4());
        self.users.insert(
            id,
            UserRecord {
                id,
                email: None,
                email_verified: false,
                password: None,
                is_anonymous: true,
                signed_up_at_millis: now_millis,
                last_active_at_millis: now_millis,
            },
        );
        id
    }

    pub(crate) fn verify_email(&mut self, id: UserId) -> Result<(), HexclaveError> {
        let user = self.users.get_mut(&id).filter(|user| user.email.is_some());
        let user = user.ok_or_else(|| HexclaveError::new(format!("user {id} has no e-mail address")))?;
        user.email_verified = true;
        Ok(())
    }

    /// Opens a session and returns its refresh token.
    pub(crate) fn open_session(&mut self, user_id: UserId) -> Result<String, HexclaveError> {
        let refresh_token = random_key()?;
        let id = SessionId::from(uuid::Uuid::new_v4());
        self.sessions
            .insert(refresh_token.clone(), Session { id, user_id });
        Ok(refresh_token)
    }

    pub(crate) fn session(&self, refresh_token: &str) -> Option<Session> {
        self.sessions.get(refresh_token).copied()
    }

    /// What a token for this session says; the user counts as active from now on.
    pub(crate) fn subject(&mut self, session: Session, now_millis: u64) -> Option<Subject> {
        let restricted_reason = self.restricted_reason(self.users.get(&session.user_id)?);
        let user = self.users.get_mut(&session.user_id)?;
        user.last_active_at_millis = now_millis;
        Some(Subject {
            id: user.id,
            session_id: session.id,
            email: user.email.clone(),
            email_verified: user.email_verified,
            signed_up_at: user.signed_up_at_millis / 1000,
            restricted_reason,
            ..Subject::anonymous()
        })
    }

    /// The order is Hexclave's (`users/crud.tsx`, `computeRestrictedStatus`).
    fn restricted_reason(&self, user: &UserRecord) -> Option<RestrictedReason> {
        if user.is_anonymous {
            Some(RestrictedReason::Anonymous)
        } else if self.requires_verified_email && !user.email_verified {
            Some(RestrictedReason::EmailNotVerified)
        } else {
            None
        }
    }

    /// The user as the API shows it: to clients, or with what only servers see.
    pub(crate) fn user_json(&self, user: &UserRecord, for_server: bool) -> Value {
        let restricted_reason = self.restricted_reason(user);
        let mut shown = json!({
            "id": user.id.to_string(),
            "primary_email": user.email,
            "primary_email_verified": user.email_verified,
            "display_name": null,
            "profile_image_url": null,
            "selected_team_id": null,
            "selected_team": null,
            "signed_up_at_millis": user.signed_up_at_millis,
            "has_password": user.password.is_some(),
            "otp_auth_enabled": false,
            "passkey_auth_enabled": false,
            "auth_with_email": user.password.is_some(),
            "requires_totp_mfa": false,
            "client_metadata": null,
            "client_read_only_metadata": null,
            "is_anonymous": user.is_anonymous,
            "is_restricted": restricted_reason.is_some(),
            "restricted_reason": restricted_reason.map(|reason| json!({ "type": reason.as_str() })),
            "restricted_by_admin": false,
            "restricted_by_admin_reason": null,
            "oauth_providers": [],
        });
        if let (true, Value::Object(members)) = (for_server, &mut shown) {
            members.extend([
                (
                    "primary_email_auth_enabled".to_owned(),
                    json!(user.password.is_some()),
                ),
                (
                    "last_active_at_millis".to_owned(),
                    json!(user.last_active_at_millis),
                ),
                ("server_metadata".to_owned(), Value::Null),
                ("restricted_by_admin_private_details".to_owned(), Value::Null),
                ("country_code".to_owned(), Value::Null),
                (
                    "risk_scores".to_owned(),
                    json!({ "sign_up": { "bot": 0, "free_trial_abuse": 0 } }),
                ),
            ]);
        }
        shown
    }
}

impl UserRecord {
    pub(crate) fn id(&self) -> UserId {
        self.id
    }

    fn has_email(&self, email: &str) -> bool {
        self.email
            .as_ref()
            .is_some_and(|own| own.to_lowercase() == email.to_lowercase())
    }
}
