use base64::{Engine, engine::general_purpose::STANDARD};
use hexclave_core::UserId;
use serde::Deserialize;
use serde_json::Value;

use super::{
    super::{
        api_error::ApiError,
        optional::{given, set},
    },
    Directory,
    password::Password,
    users::{OauthProvider, Restriction, RiskScores, normal_email},
};

/// What a request sets of a user. What is absent stays; `null` takes away.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct UserChanges {
    #[serde(deserialize_with = "given")]
    pub(crate) display_name: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub(crate) profile_image_url: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub(crate) client_metadata: Option<Value>,
    #[serde(deserialize_with = "given")]
    pub(crate) client_read_only_metadata: Option<Value>,
    #[serde(deserialize_with = "given")]
    pub(crate) server_metadata: Option<Value>,
    #[serde(deserialize_with = "given")]
    pub(crate) primary_email: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub(crate) primary_email_verified: Option<bool>,
    #[serde(deserialize_with = "given")]
    pub(crate) primary_email_auth_enabled: Option<bool>,
    #[serde(deserialize_with = "given")]
    pub(crate) password: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub(crate) password_hash: Option<String>,
    #[serde(deserialize_with = "given")]
    pub(crate) otp_auth_enabled: Option<bool>,
    #[serde(deserialize_with = "given")]
    pub(crate) passkey_auth_enabled: Option<bool>,
    #[serde(deserialize_with = "given")]
    pub(crate) totp_secret_base64: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub(crate) selected_team_id: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub(crate) is_anonymous: Option<bool>,
    #[serde(deserialize_with = "given")]
    pub(crate) restricted_by_admin: Option<bool>,
    #[serde(deserialize_with = "given")]
    pub(crate) restricted_by_admin_reason: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub(crate) restricted_by_admin_private_details: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub(crate) country_code: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub(crate) risk_scores: Option<RiskScores>,
    #[serde(deserialize_with = "given")]
    pub(crate) oauth_providers: Option<Vec<OauthProvider>>,
}

impl UserChanges {
    /// What clients may set of their own user.
    pub(crate) const OF_CLIENTS: [&'static str; 8] = [
        "display_name",
        "profile_image_url",
        "client_metadata",
        "selected_team_id",
        "totp_secret_base64",
        "otp_auth_enabled",
        "passkey_auth_enabled",
        "primary_email",
    ];

    pub(crate) fn has_oauth_providers(&self) -> bool {
        self.oauth_providers.is_some()
    }

    /// The rules that Hexclave's schema has for these members.
    pub(crate) fn checked(self) -> Result<Self, ApiError> {
        let refuse = |message: &str| Err(ApiError::schema(message));
        let text = |member: &Option<Option<String>>| member.clone().flatten();
        if text(&self.display_name).is_some_and(|name| name.chars().count() > 256) {
            return refuse("display_name must be at most 256 characters");
        }
        if text(&self.profile_image_url).is_some_and(|url| url::Url::parse(&url).is_err()) {
            return refuse("profile_image_url is not a valid URL");
        }
        let explains =
            text(&self.restricted_by_admin_reason).or(text(&self.restricted_by_admin_private_details));
        if explains.is_some() && self.restricted_by_admin != Some(true) {
            return refuse(
                "When restricted_by_admin is not true, its reason and private details must be null",
            );
        }
        if text(&self.country_code).is_some_and(|code| !is_country_code(&code)) {
            return refuse("country_code must be a country code of two letters");
        }
        if self
            .risk_scores
            .is_some_and(|risk| risk.sign_up.bot.max(risk.sign_up.free_trial_abuse) > 100)
        {
            return refuse("risk_scores must be from 0 to 100");
        }
        if text(&self.totp_secret_base64).is_some_and(|secret| STANDARD.decode(secret).is_err()) {
            return refuse("totp_secret_base64 is not valid base64");
        }
        Ok(self)
    }
}

impl Directory {
    /// Changes a user; when it fails, nothing has changed.
    pub(crate) fn update_user(
        &mut self,
        id: UserId,
        changes: &UserChanges,
        now_millis: u64,
    ) -> Result<(), ApiError> {
        if changes.is_anonymous == Some(true) {
            return Err(ApiError::schema("is_anonymous must be false"));
        }
        self.apply(id, changes, now_millis)
    }

    pub(super) fn apply(
        &mut self,
        id: UserId,
        changes: &UserChanges,
        now_millis: u64,
    ) -> Result<(), ApiError> {
        let email = match &changes.primary_email {
            Some(Some(email)) => Some(Some(normal_email(email)?)),
            Some(None) => Some(None),
            None => None,
        };
        let address = self.address_after(id, changes, email.as_ref())?;
        let password = match &changes.password {
            Some(Some(text)) => Some(Some(Password::new(text)?)),
            Some(None) => Some(None),
            None => None,
        };
        if changes.password_hash.is_some() {
            return Err(ApiError::text(
                400,
                "The local Hexclave takes no password_hash; set a password.",
            ));
        }
        if changes.passkey_auth_enabled == Some(true) {
            return Err(ApiError::text(
                400,
                "Passkeys cannot be turned on by hand: a user has them who has registered one.",
            ));
        }
        if matches!(password, Some(Some(_))) && address.email.is_none() {
            return Err(ApiError::text(400, "A password needs a primary_email."));
        }
        let selected_team_id = match &changes.selected_team_id {
            Some(Some(team)) => {
                let team = team
                    .parse()
                    .map_err(|_| ApiError::schema("selected_team_id must be a UUID"))?;
                self.require_membership(team, id)?;
                Some(Some(team))
            }
            Some(None) => Some(None),
            None => None,
        };

        let new_password = password.is_some();
        let user = self.users.get_mut(&id).ok_or_else(ApiError::user_not_found)?;
        (user.email, user.email_verified, user.email_auth_enabled) =
            (address.email, address.verified, address.auth_enabled);
        if let Some(password) = password {
            user.password = password;
        }
        if let Some(team) = selected_team_id {
            user.selected_team_id = team;
        }
        set(&mut user.display_name, changes.display_name.clone().map(filled));
        set(&mut user.profile_image_url, changes.profile_image_url.clone());
        set(&mut user.client_metadata, changes.client_metadata.clone());
        set(
            &mut user.client_read_only_metadata,
            changes.client_read_only_metadata.clone(),
        );
        set(&mut user.server_metadata, changes.server_metadata.clone());
        set(&mut user.otp_auth_enabled, changes.otp_auth_enabled);
        set(&mut user.country_code, changes.country_code.clone());
        set(&mut user.risk_scores, changes.risk_scores);
        set(&mut user.oauth_providers, changes.oauth_providers.clone());
        if let Some(secret) = &changes.totp_secret_base64 {
            user.totp_secret = secret.as_ref().and_then(|secret| STANDARD.decode(secret).ok());
        }
        if let Some(is_anonymous) = changes.is_anonymous {
            if user.is_anonymous && !is_anonymous {
                user.signed_up_at_millis = now_millis;
            }
            user.is_anonymous = is_anonymous;
        }
        restrict(&mut user.restriction, changes);
        if new_password {
            self.end_sessions_of(id);
        }
        Ok(())
    }

    /// The user's address after the change, if it may become that.
    fn address_after(
        &self,
        id: UserId,
        changes: &UserChanges,
        email: Option<&Option<String>>,
    ) -> Result<Address, ApiError> {
        let user = self.user(id).ok_or_else(ApiError::user_not_found)?;
        let is_new = email.is_some_and(|email| *email != user.email);
        let after = match email {
            Some(None) => Address::default(),
            _ => Address {
                email: email.cloned().unwrap_or_else(|| user.email.clone()),
                verified: changes
                    .primary_email_verified
                    .unwrap_or(user.email_verified && !is_new),
                auth_enabled: changes
                    .primary_email_auth_enabled
                    .unwrap_or(user.email_auth_enabled),
            },
        };
        let Some(address) = &after.email else {
            return match (after.verified, after.auth_enabled) {
                (true, _) => Err(ApiError::text(
                    400,
                    "primary_email_verified cannot be true without a primary_email",
                )),
                (_, true) => Err(ApiError::text(
                    400,
                    "primary_email_auth_enabled cannot be true without a primary_email",
                )),
                _ => Ok(after),
            };
        };
        let taken = || self.user_of_email(address).is_some_and(|other| other.id != id);
        if after.auth_enabled && taken() {
            return Err(ApiError::email_exists(address));
        }
        Ok(after)
    }
}

#[derive(Default)]
struct Address {
    email: Option<String>,
    verified: bool,
    auth_enabled: bool,
}

fn restrict(restriction: &mut Option<Restriction>, changes: &UserChanges) {
    match changes.restricted_by_admin {
        Some(true) => {
            let restriction = restriction.get_or_insert_default();
            set(
                &mut restriction.reason,
                changes.restricted_by_admin_reason.clone().map(filled),
            );
            set(
                &mut restriction.private_details,
                changes.restricted_by_admin_private_details.clone().map(filled),
            );
        }
        Some(false) => *restriction = None,
        None => {
            // Here both can only be null.
            if let Some(restriction) = restriction {
                set(
                    &mut restriction.reason,
                    changes.restricted_by_admin_reason.clone(),
                );
                set(
                    &mut restriction.private_details,
                    changes.restricted_by_admin_private_details.clone(),
                );
            }
        }
    }
}

/// An empty text is none.
fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn is_country_code(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}
