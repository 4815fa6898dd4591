use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value, json};

use crate::{TeamId, resource::OAuthProvider};

/// Changes to a user. What is not set stays as it is; what is set to `None` is cleared.
///
/// Users themselves may change their display name, picture, client metadata, selected team, second factor, ways to
/// sign in and primary e-mail address; the rest needs server access.
///
/// ```
/// use hexclave_core::api::UserPatch;
/// use serde_json::json;
///
/// let patch = UserPatch::default()
///     .display_name(Some("Zoë"))
///     .profile_image_url(None)
///     .server_metadata(json!({ "plan": "pro" }));
/// ```
///
/// Metadata is replaced as a whole: read it, change it, and write it back. Hexclave has no conditional update, so of
/// two who do this at once one loses.
#[derive(Clone, Default)]
#[must_use]
pub struct UserPatch {
    members: Map<String, Value>,
    /// What must not stay in memory.
    secrets: Vec<(&'static str, SecretString)>,
}

impl UserPatch {
    /// The display name, at most 256 characters.
    pub fn display_name(self, name: Option<&str>) -> Self {
        self.set("display_name", json!(name))
    }

    /// Where the user's picture is.
    pub fn profile_image_url(self, url: Option<&str>) -> Self {
        self.set("profile_image_url", json!(url))
    }

    /// What the user's clients may read and write, in place of what is there. Null clears it.
    pub fn client_metadata(self, metadata: Value) -> Self {
        self.set("client_metadata", metadata)
    }

    /// What the user's clients may read, in place of what is there. Null clears it.
    pub fn client_read_only_metadata(self, metadata: Value) -> Self {
        self.set("client_read_only_metadata", metadata)
    }

    /// What only servers may read, in place of what is there. Null clears it.
    pub fn server_metadata(self, metadata: Value) -> Self {
        self.set("server_metadata", metadata)
    }

    /// The primary e-mail address.
    pub fn primary_email(self, email: Option<&str>) -> Self {
        self.set("primary_email", json!(email))
    }

    /// Whether the primary e-mail address counts as verified.
    pub fn primary_email_verified(self, verified: bool) -> Self {
        self.set("primary_email_verified", json!(verified))
    }

    /// Whether the user can sign in with the primary e-mail address.
    pub fn primary_email_auth_enabled(self, enabled: bool) -> Self {
        self.set("primary_email_auth_enabled", json!(enabled))
    }

    /// The password, 8 to 70 characters; `None` takes it away. It ends all of the user's sessions.
    pub fn password(mut self, password: Option<&str>) -> Self {
        match password {
            Some(password) => {
                self.members.remove("password");
                self.secret("password", password)
            }
            None => self.set("password", Value::Null),
        }
    }

    /// The password as another system has hashed it (bcrypt), to bring users along.
    pub fn password_hash(mut self, hash: &str) -> Self {
        self.members.remove("password_hash");
        self.secret("password_hash", hash)
    }

    /// Whether the user can sign in with a code or link sent by e-mail.
    pub fn otp_auth_enabled(self, enabled: bool) -> Self {
        self.set("otp_auth_enabled", json!(enabled))
    }

    /// Whether the user can sign in with a passkey.
    pub fn passkey_auth_enabled(self, enabled: bool) -> Self {
        self.set("passkey_auth_enabled", json!(enabled))
    }

    /// The second factor's secret, in base64; `None` takes the second factor away.
    pub fn totp_secret_base64(mut self, secret: Option<&str>) -> Self {
        match secret {
            Some(secret) => {
                self.members.remove("totp_secret_base64");
                self.secret("totp_secret_base64", secret)
            }
            None => self.set("totp_secret_base64", Value::Null),
        }
    }

    /// The team to work in.
    pub fn selected_team_id(self, team: Option<TeamId>) -> Self {
        self.set("selected_team_id", json!(team))
    }

    /// Makes a guest a signed-up user. There is no way back.
    pub fn not_anonymous(self) -> Self {
        self.set("is_anonymous", json!(false))
    }

    /// Holds the user back: why, in words for the user, and details for other administrators.
    pub fn restrict(self, reason: Option<&str>, private_details: Option<&str>) -> Self {
        self.restriction(true, reason, private_details)
    }

    /// Holds the user back no longer.
    pub fn lift_restriction(self) -> Self {
        self.restriction(false, None, None)
    }

    /// The country that the user signed up from, two letters.
    pub fn country_code(self, code: Option<&str>) -> Self {
        self.set("country_code", json!(code))
    }

    /// A member that has no method here, by the name that the API gives it.
    pub fn other(self, name: &str, value: Value) -> Self {
        self.set(name, value)
    }

    fn restriction(self, is: bool, reason: Option<&str>, private_details: Option<&str>) -> Self {
        self.set("restricted_by_admin", json!(is))
            .set("restricted_by_admin_reason", json!(reason))
            .set("restricted_by_admin_private_details", json!(private_details))
    }

    fn set(mut self, name: &str, value: Value) -> Self {
        self.secrets.retain(|(secret, _)| *secret != name);
        self.members.insert(name.to_owned(), value);
        self
    }

    fn secret(mut self, name: &'static str, value: &str) -> Self {
        self.secrets.retain(|(secret, _)| *secret != name);
        self.secrets.push((name, value.into()));
        self
    }
}

impl Serialize for UserPatch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.members.len() + self.secrets.len()))?;
        for (name, value) in &self.members {
            map.serialize_entry(name, value)?;
        }
        for (name, secret) in &self.secrets {
            map.serialize_entry(name, secret.expose_secret())?;
        }
        map.end()
    }
}

impl fmt::Debug for UserPatch {
    /// Shows which members are set, not to what.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secrets = self.secrets.iter().map(|(name, _)| *name);
        let names = self.members.keys().map(String::as_str).chain(secrets);
        f.write_str("UserPatch")?;
        f.debug_set().entries(names).finish()
    }
}

/// A user to be created: what a [`UserPatch`] can set, and what can be set at the beginning only.
///
/// ```
/// use hexclave_core::api::NewUser;
///
/// let user = NewUser::default().with(|user| {
///     user.primary_email(Some("zoe@example.com"))
///         .primary_email_verified(true)
///         .primary_email_auth_enabled(true)
/// });
/// ```
#[derive(Clone, Debug, Default, Serialize)]
#[must_use]
pub struct NewUser {
    #[serde(flatten)]
    members: UserPatch,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_anonymous: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    oauth_providers: Vec<OAuthProvider>,
}

impl NewUser {
    /// Sets what can be changed later, too. A new user has no team to select.
    pub fn with(mut self, set: impl FnOnce(UserPatch) -> UserPatch) -> Self {
        self.members = set(self.members);
        self
    }

    /// Makes the user a guest.
    pub fn anonymous(mut self) -> Self {
        self.is_anonymous = Some(true);
        self
    }

    /// Adds an account elsewhere with which the user can sign in.
    pub fn oauth_provider(mut self, provider: OAuthProvider) -> Self {
        self.oauth_providers.push(provider);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_and_null_are_told_apart() {
        let json = |patch: UserPatch| serde_json::to_value(patch).expect("JSON");
        assert_eq!(json(UserPatch::default()), json!({}));
        let patch = UserPatch::default()
            .display_name(None)
            .client_metadata(json!({ "theme": "dark" }))
            .password(Some("correct horse"))
            .totp_secret_base64(None)
            .lift_restriction()
            .other("new_in_2027", json!(1));
        assert_eq!(
            json(patch),
            json!({
                "display_name": null,
                "client_metadata": { "theme": "dark" },
                "password": "correct horse",
                "totp_secret_base64": null,
                "restricted_by_admin": false,
                "restricted_by_admin_reason": null,
                "restricted_by_admin_private_details": null,
                "new_in_2027": 1,
            })
        );
        for last in [Some("second"), None] {
            let patch = UserPatch::default().password(Some("first")).password(last);
            assert_eq!(json(patch), json!({ "password": last }));
            let patch = UserPatch::default().password(None).password(last);
            assert_eq!(json(patch), json!({ "password": last }));
        }
    }

    #[test]
    fn values_are_not_shown() {
        let patch = UserPatch::default()
            .primary_email(Some("hidden@example.com"))
            .password(Some("hidden too"));
        assert_eq!(format!("{patch:?}"), r#"UserPatch{"primary_email", "password"}"#);
        let user = NewUser::default().with(|_| patch).anonymous();
        assert!(!format!("{user:?}").contains("hidden"));
        assert_eq!(
            serde_json::to_value(user).expect("JSON"),
            json!({ "primary_email": "hidden@example.com", "password": "hidden too", "is_anonymous": true })
        );
    }
}
