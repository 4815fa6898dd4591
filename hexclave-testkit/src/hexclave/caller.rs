//! Who calls: access type, project, keys and user, in the order in which Hexclave checks them.

use axum::http::HeaderMap;
use hexclave_core::{AccessToken, ErrorKind, RestrictedReason, User, UserKind};
use serde_json::json;

use super::{
    answer::ApiError,
    server::{App, SENTINEL_CLIENT_SECRET},
};

/// A request's credentials, checked.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) access: Access,
    pub(crate) user: Option<User>,
    allows_restricted: bool,
    allows_anonymous: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Access {
    Client,
    Server,
}

/// A header under either brand; the new one wins.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    ["x-hexclave-", "x-stack-"]
        .iter()
        .find_map(|brand| headers.get(format!("{brand}{name}")))
        .and_then(|value| value.to_str().ok())
}

impl Caller {
    /// # Errors
    /// Those of Hexclave's `smart-request.tsx` (`parseAuth`).
    pub(crate) async fn of(app: &App, headers: &HeaderMap) -> Result<Self, ApiError> {
        let header = |name| header(headers, name);
        let has_key = [
            "publishable-client-key",
            "secret-server-key",
            "super-secret-admin-key",
        ]
        .iter()
        .any(|name| header(name).is_some());
        let access = match header("access-type") {
            None if has_key => {
                return Err(ApiError::known(
                    400,
                    "PROJECT_KEY_WITHOUT_ACCESS_TYPE",
                    "A project key was sent without the header x-hexclave-access-type.",
                ));
            }
            None => {
                return Err(ApiError::known(
                    400,
                    "ACCESS_TYPE_REQUIRED",
                    "The header x-hexclave-access-type is required: client or server.",
                ));
            }
            Some("client") => Access::Client,
            Some("server") => Access::Server,
            Some("admin") => {
                return Err(ApiError::known(
                    401,
                    "INSUFFICIENT_ACCESS_TYPE",
                    "The local Hexclave has no admin access.",
                ));
            }
            Some(_) => {
                return Err(ApiError::known(
                    400,
                    "INVALID_ACCESS_TYPE",
                    "The header x-hexclave-access-type must be client or server.",
                ));
            }
        };
        let Some(project) = header("project-id") else {
            return Err(ApiError::known(
                400,
                "ACCESS_TYPE_WITHOUT_PROJECT_ID",
                "The header x-hexclave-project-id is required.",
            ));
        };
        let user = match header("access-token") {
            Some(token) => Some(user(app, project, token).await?),
            None => None,
        };
        if project != app.config().project_id().as_str() {
            return Err(
                ApiError::known(400, "CURRENT_PROJECT_NOT_FOUND", "There is no such project here.")
                    .with("project_id", json!(project)),
            );
        }
        check_keys(
            app,
            access,
            header("publishable-client-key"),
            header("secret-server-key"),
        )?;
        let allows_anonymous = header("allow-anonymous-user") == Some("true");
        Ok(Self {
            access,
            // A deleted user's live token counts as no user.
            user: user.filter(|user| app.directory().user(user.id()).is_some()),
            allows_restricted: allows_anonymous || header("allow-restricted-user") == Some("true"),
            allows_anonymous,
        })
        .and_then(Self::with_accepted_user)
    }

    fn with_accepted_user(self) -> Result<Self, ApiError> {
        match self.user.as_ref().map(User::kind) {
            Some(UserKind::Anonymous) if !self.allows_anonymous => Err(ApiError::known(
                401,
                "ANONYMOUS_AUTHENTICATION_NOT_ALLOWED",
                "Anonymous users are let in with the header x-hexclave-allow-anonymous-user only.",
            )),
            Some(UserKind::Restricted) if !self.allows_restricted => Err(ApiError::known(
                403,
                "RESTRICTED_USER_NOT_ALLOWED",
                "Restricted users are let in with the header x-hexclave-allow-restricted-user only.",
            )
            .with(
                "restricted_reason",
                json!({ "type": self.user.as_ref().and_then(User::restricted_reason).map(RestrictedReason::as_str) }),
            )),
            _ => Ok(self),
        }
    }
}

async fn user(app: &App, project: &str, token: &str) -> Result<User, ApiError> {
    let verified = app.verifier().verify(&AccessToken::from(token)).await;
    verified.map_err(|error| match error.kind() {
        ErrorKind::TokenExpired => {
            ApiError::known(401, "ACCESS_TOKEN_EXPIRED", "The access token has expired.")
                .with("expired_at_millis", json!(null))
                .with("project_id", json!(project))
                .with("user_id", json!(null))
                .with("refresh_token_id", json!(null))
        }
        ErrorKind::AudienceMismatch => ApiError::known(
            401,
            "INVALID_PROJECT_FOR_ACCESS_TOKEN",
            "The access token is for another project.",
        )
        .with("expected_project_id", json!(project))
        .with("actual_project_id", json!(null)),
        _ => ApiError::known(401, "UNPARSABLE_ACCESS_TOKEN", "The access token is not valid."),
    })
}

fn check_keys(
    app: &App,
    access: Access,
    publishable: Option<&str>,
    secret: Option<&str>,
) -> Result<(), ApiError> {
    let project_id = || json!(app.config().project_id().as_str());
    match access {
        Access::Client => match publishable {
            Some(key) if !app.is_publishable_key(key) && key != SENTINEL_CLIENT_SECRET => {
                Err(ApiError::known(
                    401,
                    "INVALID_PUBLISHABLE_CLIENT_KEY",
                    "The publishable client key is not that of the project.",
                )
                .with("project_id", project_id()))
            }
            _ => Ok(()),
        },
        Access::Server => match secret {
            None => Err(ApiError::known(
                401,
                "SERVER_AUTHENTICATION_REQUIRED",
                "The header x-hexclave-secret-server-key is required for server access.",
            )),
            Some(key) if !app.is_secret_key(key) => Err(ApiError::known(
                401,
                "INVALID_SECRET_SERVER_KEY",
                "The secret server key is not that of the project.",
            )
            .with("project_id", project_id())),
            Some(_) => Ok(()),
        },
    }
}
