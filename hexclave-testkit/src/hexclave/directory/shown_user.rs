use hexclave_core::UserId;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    super::api_error::ApiError,
    Directory, ShownTeam, View,
    users::{OauthProvider, RiskScores, UserRecord},
};

/// A user as the API shows it; what is absent for clients is for servers only.
#[derive(Clone, Serialize)]
pub(crate) struct ShownUser {
    id: String,
    primary_email: Option<String>,
    primary_email_verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_email_auth_enabled: Option<bool>,
    display_name: Option<String>,
    profile_image_url: Option<String>,
    selected_team_id: Option<String>,
    selected_team: Option<ShownTeam>,
    signed_up_at_millis: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_active_at_millis: Option<u64>,
    has_password: bool,
    otp_auth_enabled: bool,
    passkey_auth_enabled: bool,
    auth_with_email: bool,
    requires_totp_mfa: bool,
    client_metadata: Value,
    client_read_only_metadata: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_metadata: Option<Value>,
    is_anonymous: bool,
    is_restricted: bool,
    restricted_reason: Option<Value>,
    restricted_by_admin: bool,
    restricted_by_admin_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restricted_by_admin_private_details: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country_code: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    risk_scores: Option<RiskScores>,
    oauth_providers: Vec<OauthProvider>,
}

impl ShownUser {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}

impl Directory {
    pub(crate) fn show_user(&self, id: UserId, view: View) -> Result<ShownUser, ApiError> {
        let user = self.user(id).ok_or_else(ApiError::user_not_found)?;
        Ok(self.shown(user, view))
    }

    pub(super) fn shown(&self, user: &UserRecord, view: View) -> ShownUser {
        let reason = self.restricted_reason(user);
        let for_server = view == View::Server;
        let restriction = user.restriction.clone().unwrap_or_default();
        let has_password = user.password.is_some();
        ShownUser {
            id: user.id.to_string(),
            primary_email: user.email.clone(),
            primary_email_verified: user.email_verified,
            primary_email_auth_enabled: for_server.then_some(user.email_auth_enabled),
            display_name: user.display_name.clone(),
            profile_image_url: user.profile_image_url.clone(),
            selected_team_id: user.selected_team_id.map(|id| id.to_string()),
            selected_team: user.selected_team_id.and_then(|id| self.show_team(id, view).ok()),
            signed_up_at_millis: user.signed_up_at_millis,
            last_active_at_millis: for_server.then_some(user.last_active_at_millis),
            has_password,
            otp_auth_enabled: user.otp_auth_enabled,
            passkey_auth_enabled: false,
            auth_with_email: has_password || user.otp_auth_enabled,
            requires_totp_mfa: user.totp_secret.is_some(),
            client_metadata: user.client_metadata.clone(),
            client_read_only_metadata: user.client_read_only_metadata.clone(),
            server_metadata: for_server.then(|| user.server_metadata.clone()),
            is_anonymous: user.is_anonymous,
            is_restricted: reason.is_some(),
            restricted_reason: reason.map(|reason| json!({ "type": reason.as_str() })),
            restricted_by_admin: user.restriction.is_some(),
            restricted_by_admin_reason: restriction.reason,
            restricted_by_admin_private_details: for_server.then_some(restriction.private_details),
            country_code: for_server.then(|| user.country_code.clone()),
            risk_scores: for_server.then_some(user.risk_scores),
            oauth_providers: user.oauth_providers.clone(),
        }
    }
}
