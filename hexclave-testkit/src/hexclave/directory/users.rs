use hexclave_core::{RestrictedReason, SessionId, TeamId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    super::{HexclaveError, Subject, api_error::ApiError},
    Directory, ShownUser, UserChanges, View,
    password::Password,
};

#[derive(Deserialize, Serialize)]
pub(crate) struct UserRecord {
    pub(super) id: UserId,
    pub(super) display_name: Option<String>,
    pub(super) profile_image_url: Option<String>,
    /// In lower case.
    pub(super) email: Option<String>,
    pub(super) email_verified: bool,
    /// Whether the address serves to sign in; no two users may have the same one then.
    pub(super) email_auth_enabled: bool,
    pub(super) password: Option<Password>,
    pub(super) otp_auth_enabled: bool,
    pub(super) totp_secret: Option<Vec<u8>>,
    pub(super) client_metadata: Value,
    pub(super) client_read_only_metadata: Value,
    pub(super) server_metadata: Value,
    pub(super) is_anonymous: bool,
    pub(super) restriction: Option<Restriction>,
    pub(super) country_code: Option<String>,
    pub(super) risk_scores: RiskScores,
    pub(super) oauth_providers: Vec<OauthProvider>,
    pub(super) selected_team_id: Option<TeamId>,
    pub(super) signed_up_at_millis: u64,
    pub(super) last_active_at_millis: u64,
}

/// Why an administrator has restricted a user.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Restriction {
    pub(super) reason: Option<String>,
    pub(super) private_details: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RiskScores {
    pub(crate) sign_up: SignUpRisk,
}

/// From 0 to 100.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignUpRisk {
    pub(crate) bot: u8,
    pub(crate) free_trial_abuse: u8,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OauthProvider {
    id: String,
    account_id: String,
    #[serde(default)]
    email: Option<String>,
}

/// Who has signed up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignedUp {
    pub(crate) id: UserId,
    pub(crate) was_anonymous: bool,
}

/// Which users a list has.
#[derive(Debug, Default)]
pub(crate) struct UserFilter {
    pub(crate) include_restricted: bool,
    pub(crate) include_anonymous: bool,
    pub(crate) only_anonymous: bool,
    pub(crate) team: Option<TeamId>,
    /// A user's id, or a part of the display name or address.
    pub(crate) text: Option<String>,
}

/// Which part of a list, and in which order.
#[derive(Debug, Default)]
pub(crate) struct UserPage {
    pub(crate) by_last_active: bool,
    pub(crate) descending: bool,
    pub(crate) limit: Option<usize>,
    /// The first user of the page.
    pub(crate) cursor: Option<UserId>,
}

impl Directory {
    pub(crate) fn user(&self, id: UserId) -> Option<&UserRecord> {
        self.users.get(&id)
    }

    /// A page of users, and the first of the next page.
    pub(crate) fn list_users(
        &self,
        filter: &UserFilter,
        page: &UserPage,
    ) -> (Vec<ShownUser>, Option<UserId>) {
        let mut users: Vec<_> = self
            .users
            .values()
            .filter(|user| self.is_listed(user, filter))
            .collect();
        users.sort_by_key(|user| {
            let at = match page.by_last_active {
                true => user.last_active_at_millis,
                false => user.signed_up_at_millis,
            };
            (at, user.id)
        });
        if page.descending {
            users.reverse();
        }
        let start = match page.cursor {
            // A cursor that is not in the list begins nowhere.
            Some(cursor) => users
                .iter()
                .position(|user| user.id == cursor)
                .unwrap_or(users.len()),
            None => 0,
        };
        let mut rest = users.into_iter().skip(start);
        let limit = page.limit.unwrap_or(usize::MAX);
        let items = rest
            .by_ref()
            .take(limit)
            .map(|user| self.shown(user, View::Server))
            .collect();
        (items, rest.next().map(|user| user.id))
    }

    fn is_listed(&self, user: &UserRecord, filter: &UserFilter) -> bool {
        let kind_is_listed = match self.restricted_reason(user) {
            Some(RestrictedReason::Anonymous) => filter.include_anonymous,
            Some(_) => (filter.include_restricted || filter.include_anonymous) && !filter.only_anonymous,
            None => !filter.only_anonymous,
        };
        let in_team = filter.team.is_none_or(|team| self.is_member(team, user.id));
        let found = filter.text.as_ref().is_none_or(|text| {
            let text = text.to_lowercase();
            let has = |value: &Option<String>| {
                value
                    .as_ref()
                    .is_some_and(|value| value.to_lowercase().contains(&text))
            };
            user.id.to_string() == text || has(&user.display_name) || has(&user.email)
        });
        kind_is_listed && in_team && found
    }

    /// Adds a user without anything, whom `changes` then give what they have.
    pub(crate) fn create_user(&mut self, changes: &UserChanges, now_millis: u64) -> Result<UserId, ApiError> {
        self.create_user_as(None, changes, now_millis)
    }

    /// The same with an id that is not random.
    pub(crate) fn create_user_as(
        &mut self,
        id: Option<UserId>,
        changes: &UserChanges,
        now_millis: u64,
    ) -> Result<UserId, ApiError> {
        if id.is_some_and(|id| self.users.contains_key(&id)) {
            return Err(ApiError::text(400, "Another user has this id."));
        }
        let id = self.add_user(id, now_millis);
        let changed = self.apply(id, changes, now_millis);
        if let Err(error) = changed {
            self.users.remove(&id);
            return Err(error);
        }
        Ok(id)
    }

    pub(crate) fn add_anonymous(&mut self, now_millis: u64) -> UserId {
        let id = self.add_user(None, now_millis);
        if let Some(user) = self.users.get_mut(&id) {
            user.is_anonymous = true;
        }
        id
    }

    fn add_user(&mut self, id: Option<UserId>, now_millis: u64) -> UserId {
        let id = id.unwrap_or_else(|| uuid::Uuid::new_v4().into());
        let user = UserRecord {
            id,
            display_name: None,
            profile_image_url: None,
            email: None,
            email_verified: false,
            email_auth_enabled: false,
            password: None,
            otp_auth_enabled: false,
            totp_secret: None,
            client_metadata: Value::Null,
            client_read_only_metadata: Value::Null,
            server_metadata: Value::Null,
            is_anonymous: false,
            restriction: None,
            country_code: None,
            risk_scores: RiskScores::default(),
            oauth_providers: Vec::new(),
            selected_team_id: None,
            signed_up_at_millis: now_millis,
            last_active_at_millis: now_millis,
        };
        self.users.insert(id, user);
        id
    }

    /// Adds a user with a password, or gives one to the anonymous user `upgrade`, whose sessions end.
    ///
    /// # Errors
    /// When the address is taken or the password is not good enough.
    pub(crate) fn sign_up(
        &mut self,
        upgrade: Option<UserId>,
        email: &str,
        password: &str,
        now_millis: u64,
    ) -> Result<SignedUp, ApiError> {
        let email = normal_email(email)?;
        let password = Password::new(password)?;
        if self.user_of_email(&email).is_some() {
            return Err(ApiError::email_exists(&email));
        }
        let upgrade = upgrade.filter(|id| self.user(*id).is_some_and(|user| user.is_anonymous));
        let id = upgrade.unwrap_or_else(|| self.add_user(None, now_millis));
        if let Some(user) = self.users.get_mut(&id) {
            user.email = Some(email);
            user.email_auth_enabled = true;
            user.password = Some(password);
            user.is_anonymous = false;
            user.signed_up_at_millis = now_millis;
        }
        if upgrade.is_some() {
            self.end_sessions_of(id);
        }
        Ok(SignedUp {
            id,
            was_anonymous: upgrade.is_some(),
        })
    }

    /// The user who signs in with this address.
    pub(super) fn user_of_email(&self, email: &str) -> Option<&UserRecord> {
        let email = email.trim().to_lowercase();
        self.users
            .values()
            .find(|user| user.email_auth_enabled && user.email.as_deref() == Some(email.as_str()))
    }

    pub(crate) fn user_of_password(&self, email: &str, password: &str) -> Option<UserId> {
        self.user_of_email(email)
            .filter(|user| user.password.as_ref().is_some_and(|known| known.is(password)))
            .map(|user| user.id)
    }

    /// Removes a user with everything of theirs; returns the teams that the user was a member of.
    pub(crate) fn delete_user(&mut self, id: UserId) -> Result<Vec<TeamId>, ApiError> {
        self.users.remove(&id).ok_or_else(ApiError::user_not_found)?;
        self.end_sessions_of(id);
        self.grants.remove(&id);
        Ok(self.remove_from_all_teams(id))
    }

    pub(crate) fn verify_email(&mut self, id: UserId) -> Result<(), HexclaveError> {
        let user = self.users.get_mut(&id).filter(|user| user.email.is_some());
        let user = user.ok_or_else(|| HexclaveError::new(format!("user {id} has no e-mail address here")))?;
        user.email_verified = true;
        Ok(())
    }

    /// What a token says about a user who is active now.
    pub(super) fn active_subject(
        &mut self,
        user_id: UserId,
        session_id: SessionId,
        now_millis: u64,
    ) -> Option<Subject> {
        let restricted_reason = self.restricted_reason(self.users.get(&user_id)?);
        let user = self.users.get_mut(&user_id)?;
        user.last_active_at_millis = now_millis;
        Some(Subject {
            id: user.id,
            session_id,
            name: user.display_name.clone(),
            email: user.email.clone(),
            email_verified: user.email_verified,
            selected_team_id: user.selected_team_id,
            signed_up_at: user.signed_up_at_millis / 1000,
            restricted_reason,
            requires_totp_mfa: user.totp_secret.is_some(),
        })
    }

    /// # Errors
    /// When the user is restricted, which guests are too.
    pub(crate) fn require_unrestricted(&self, id: UserId) -> Result<(), ApiError> {
        let user = self.user(id).ok_or_else(ApiError::user_not_found)?;
        match self.restricted_reason(user) {
            Some(reason) => Err(ApiError::restricted(Some(&reason))),
            None => Ok(()),
        }
    }

    /// The order is Hexclave's (`users/crud.tsx`, `computeRestrictedStatus`).
    pub(super) fn restricted_reason(&self, user: &UserRecord) -> Option<RestrictedReason> {
        if user.is_anonymous {
            Some(RestrictedReason::Anonymous)
        } else if self.settings.requires_verified_email && !user.email_verified {
            Some(RestrictedReason::EmailNotVerified)
        } else if user.restriction.is_some() {
            Some(RestrictedReason::RestrictedByAdministrator)
        } else {
            None
        }
    }
}

/// An address in the form in which it is kept.
pub(super) fn normal_email(text: &str) -> Result<String, ApiError> {
    let text = text.trim();
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    let is_address = text
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'));
    if plain && is_address && text.len() <= 256 {
        return Ok(text.to_lowercase());
    }
    Err(ApiError::schema("The e-mail address is not one"))
}
