use std::{fmt, ops::Deref, time::SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Extra, Team, wire};
use crate::{RestrictedReason, TeamId, UserId, UserKind};

/// A user as clients see themselves (upstream's `current-user.ts`, client shape).
///
/// Members that this version does not know are kept in [`extra`](Self::extra). `Debug` shows the id and the kind;
/// personal data stays out of logs.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClientUser {
    /// The user's id.
    pub id: UserId,
    /// The primary e-mail address. It is not unique within a project.
    #[serde(default)]
    pub primary_email: Option<String>,
    /// Whether the primary e-mail address has been verified.
    #[serde(default)]
    pub primary_email_verified: bool,
    /// The display name; an empty one is none.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Where the user's picture is.
    #[serde(default)]
    pub profile_image_url: Option<String>,
    /// The team that the user works in at the moment.
    #[serde(default)]
    pub selected_team_id: Option<TeamId>,
    /// That team.
    #[serde(default)]
    pub selected_team: Option<Team>,
    /// When the user signed up.
    #[serde(rename = "signed_up_at_millis", with = "wire::millis")]
    pub signed_up_at: SystemTime,
    /// Whether the user can sign in with a password.
    #[serde(default)]
    pub has_password: bool,
    /// Whether the user can sign in with a code or link sent by e-mail.
    #[serde(default)]
    pub otp_auth_enabled: bool,
    /// Whether the user can sign in with a passkey.
    #[serde(default)]
    pub passkey_auth_enabled: bool,
    /// Whether the user can sign in with the e-mail address in any way.
    #[serde(default)]
    pub auth_with_email: bool,
    /// Whether the user has to pass a second factor to sign in.
    #[serde(default)]
    pub requires_totp_mfa: bool,
    /// What the user's clients may read and write.
    #[serde(default)]
    pub client_metadata: Value,
    /// What the user's clients may read, and servers write.
    #[serde(default)]
    pub client_read_only_metadata: Value,
    /// Whether the user is a guest.
    #[serde(default)]
    pub is_anonymous: bool,
    /// Whether the user is held back. Guests are, too. Servers from before 2026 do not say.
    #[serde(default)]
    pub is_restricted: bool,
    /// Why the user is held back.
    #[serde(default, with = "wire::restricted_reason")]
    pub restricted_reason: Option<RestrictedReason>,
    /// Whether an administrator holds the user back.
    #[serde(default)]
    pub restricted_by_admin: bool,
    /// What the administrator tells the user about it.
    #[serde(default)]
    pub restricted_by_admin_reason: Option<String>,
    /// The accounts elsewhere with which the user can sign in.
    #[serde(default)]
    pub oauth_providers: Vec<OAuthProvider>,
    /// Members that have no field here.
    #[serde(flatten)]
    pub extra: Extra,
}

impl ClientUser {
    /// Whether the user is normal, restricted or anonymous.
    #[must_use]
    pub fn kind(&self) -> UserKind {
        match (self.is_anonymous, self.is_restricted) {
            (true, _) => UserKind::Anonymous,
            (false, true) => UserKind::Restricted,
            (false, false) => UserKind::Normal,
        }
    }
}

impl AsRef<Self> for ClientUser {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl fmt::Debug for ClientUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientUser")
            .field("id", &self.id)
            .field("kind", &self.kind())
            .finish_non_exhaustive()
    }
}

/// A user as servers see them, and as webhooks tell of them (upstream's `users.ts`, server shape): all that a
/// [`ClientUser`] has, which it dereferences to, and more.
///
/// `Debug` shows the id and the kind; personal data stays out of logs.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ServerUser {
    /// What the user's own clients see, too. Members that this version does not know are there.
    #[serde(flatten)]
    pub client: ClientUser,
    /// Whether the user can sign in with the primary e-mail address.
    #[serde(default)]
    pub primary_email_auth_enabled: bool,
    /// What only servers may read and write.
    #[serde(default)]
    pub server_metadata: Value,
    /// When the user was last seen.
    #[serde(default, rename = "last_active_at_millis", with = "wire::optional_millis")]
    pub last_active_at: Option<SystemTime>,
    /// What administrators tell each other about holding the user back.
    #[serde(default)]
    pub restricted_by_admin_private_details: Option<String>,
    /// The country that the user signed up from, two letters.
    #[serde(default)]
    pub country_code: Option<String>,
    /// How much the sign-up looked like abuse, as Hexclave tells it: `{"sign_up":{"bot":0,"free_trial_abuse":0}}`
    /// with numbers from 0 to 100. Null on servers that do not say.
    #[serde(default)]
    pub risk_scores: Value,
}

impl Deref for ServerUser {
    type Target = ClientUser;

    fn deref(&self) -> &ClientUser {
        &self.client
    }
}

impl AsRef<ClientUser> for ServerUser {
    fn as_ref(&self) -> &ClientUser {
        &self.client
    }
}

impl fmt::Debug for ServerUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerUser")
            .field("id", &self.id)
            .field("kind", &self.kind())
            .finish_non_exhaustive()
    }
}

/// An account elsewhere with which a user can sign in. `Debug` shows the provider only.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OAuthProvider {
    /// The provider, such as `google`.
    pub id: String,
    /// The account's id there.
    pub account_id: String,
    /// The e-mail address that the provider told.
    #[serde(default)]
    pub email: Option<String>,
    /// Members that have no field here.
    #[serde(flatten)]
    pub extra: Extra,
}

impl OAuthProvider {
    /// An account for a user who is about to be created.
    #[must_use]
    pub fn new(id: impl Into<String>, account_id: impl Into<String>, email: Option<&str>) -> Self {
        Self {
            id: id.into(),
            account_id: account_id.into(),
            email: email.map(str::to_owned),
            extra: Extra::default(),
        }
    }
}

impl fmt::Debug for OAuthProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthProvider")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
