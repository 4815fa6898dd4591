//! The errors of Hexclave's API, each with its status, code and details (`stack-shared/src/known-errors.tsx`).

use std::borrow::Cow;

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hexclave_core::{RestrictedReason, TeamId, UserId};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::HexclaveError;

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const KNOWN_ERROR: [HeaderName; 2] = [
    HeaderName::from_static("x-stack-known-error"),
    HeaderName::from_static("x-hexclave-known-error"),
];

/// An error of the API: a known one with a code, or a text.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    status: u16,
    known: Option<Known>,
    message: String,
}

#[derive(Clone, Debug)]
struct Known {
    code: Cow<'static, str>,
    details: Box<Map<String, Value>>,
}

/// The code of a known error, which an answer carries for the log of requests.
#[derive(Clone, Debug)]
pub(crate) struct KnownCode(pub(crate) Cow<'static, str>);

/// A known error's JSON, its members in the order in which Hexclave writes them.
#[derive(Serialize)]
struct Body<'a> {
    code: &'a str,
    #[serde(skip_serializing_if = "Map::is_empty")]
    details: &'a Map<String, Value>,
    error: &'a str,
}

impl ApiError {
    pub(crate) fn known(status: u16, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            status,
            known: Some(Known {
                code: code.into(),
                details: Box::default(),
            }),
            message: message.into(),
        }
    }

    /// An error without a code: its body is the message.
    pub(crate) fn text(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            known: None,
            message: message.into(),
        }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Serialize) -> Self {
        if let Some(known) = &mut self.known {
            known.details.insert(name.to_owned(), json!(value));
        }
        self
    }

    pub(crate) fn code(&self) -> Option<&str> {
        self.known.as_ref().map(|known| known.code.as_ref())
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn schema(message: impl Into<String>) -> Self {
        let message = message.into();
        Self::known(400, "SCHEMA_ERROR", message.clone()).with("message", message)
    }

    pub(crate) fn body_parsing(message: impl Into<String>) -> Self {
        Self::known(400, "BODY_PARSING_ERROR", message)
    }

    pub(crate) fn no_current_user() -> Self {
        Self::known(
            400,
            "CANNOT_GET_OWN_USER_WITHOUT_USER",
            "Nobody is signed in: the request has no access token.",
        )
    }

    pub(crate) fn user_authentication_required() -> Self {
        Self::known(
            401,
            "USER_AUTHENTICATION_REQUIRED",
            "This endpoint needs the access token of a user.",
        )
    }

    pub(crate) fn restricted(reason: Option<&RestrictedReason>) -> Self {
        Self::known(
            403,
            "RESTRICTED_USER_NOT_ALLOWED",
            "Restricted users are let in with the header x-hexclave-allow-restricted-user only.",
        )
        .with(
            "restricted_reason",
            json!({ "type": reason.map(RestrictedReason::as_str) }),
        )
    }

    pub(crate) fn user_not_found() -> Self {
        Self::known(404, "USER_NOT_FOUND", "There is no such user.")
    }

    pub(crate) fn email_exists(email: &str) -> Self {
        Self::known(
            409,
            "USER_EMAIL_ALREADY_EXISTS",
            "A user with this e-mail address exists already.",
        )
        .with("email", email)
        .with("would_work_if_email_was_verified", false)
    }

    pub(crate) fn session_ended() -> Self {
        Self::known(
            401,
            "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED",
            "The refresh token is not known here, or the session has ended.",
        )
    }

    pub(crate) fn team_not_found(team: TeamId) -> Self {
        Self::known(404, "TEAM_NOT_FOUND", "There is no such team.").with("team_id", team.to_string())
    }

    pub(crate) fn membership_not_found(team: TeamId, user: UserId) -> Self {
        Self::known(
            404,
            "TEAM_MEMBERSHIP_NOT_FOUND",
            "The user is not a member of the team.",
        )
        .with("team_id", team.to_string())
        .with("user_id", user.to_string())
    }

    pub(crate) fn membership_exists() -> Self {
        Self::known(
            409,
            "TEAM_MEMBERSHIP_ALREADY_EXISTS",
            "The user is a member of the team already.",
        )
    }

    /// What a member may not do without a permission.
    pub(crate) fn permission_required(team: TeamId, user: UserId, permission: &str) -> Self {
        Self::team_permission("TEAM_PERMISSION_REQUIRED", team, user, permission)
    }

    /// A permission to be taken back that the member does not have.
    pub(crate) fn team_permission_not_found(team: TeamId, user: UserId, permission: &str) -> Self {
        Self::team_permission("TEAM_PERMISSION_NOT_FOUND", team, user, permission)
    }

    fn team_permission(code: &'static str, team: TeamId, user: UserId, permission: &str) -> Self {
        Self::known(401, code, "The user does not have this permission in the team.")
            .with("team_id", team.to_string())
            .with("user_id", user.to_string())
            .with("permission_id", permission)
    }

    pub(crate) fn permission_not_found(permission: &str) -> Self {
        Self::known(404, "PERMISSION_NOT_FOUND", "The project has no such permission.")
            .with("permission_id", permission)
    }
}

impl From<HexclaveError> for ApiError {
    fn from(error: HexclaveError) -> Self {
        Self::text(500, error.to_string())
    }
}

impl From<ApiError> for HexclaveError {
    fn from(error: ApiError) -> Self {
        Self::new(match error.known {
            Some(Known { code, .. }) => format!("{}: {code}", error.message),
            None => error.message,
        })
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let Some(Known { code, details }) = &self.known else {
            return (status, [(header::CONTENT_TYPE, TEXT)], self.message).into_response();
        };
        let body = Body {
            code,
            details,
            error: &self.message,
        };
        let body = serde_json::to_string_pretty(&body).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, JSON)], body).into_response();
        if let Ok(code) = HeaderValue::from_str(code) {
            for name in KNOWN_ERROR {
                response.headers_mut().insert(name, code.clone());
            }
        }
        response.extensions_mut().insert(KnownCode(code.clone()));
        response
    }
}
