//! Who calls: access type, project, keys and user, in the order in which Hexclave checks them.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hexclave_core::{AccessToken, ErrorKind, SessionId, User, UserId, UserKind};
use serde::Deserialize;

use super::{
    super::{
        api_error::ApiError,
        app::{App, SENTINEL_CLIENT_SECRET},
        request_log::CallerNote,
    },
    input::parameter,
};

/// A request's credentials, checked.
#[derive(Debug)]
pub(crate) struct Caller {
    access: Access,
    user: Option<User>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Client,
    Server,
}

impl Access {
    fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

/// A header under either brand; the new one wins.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    ["x-hexclave-", "x-stack-"]
        .iter()
        .find_map(|brand| headers.get(format!("{brand}{name}")))
        .and_then(|value| value.to_str().ok())
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let caller = Self::of(app, &parts.headers).await?;
        if let Some(note) = parts.extensions.get::<CallerNote>() {
            note.note(caller.access.as_str(), caller.user_id());
        }
        Ok(caller)
    }
}

impl Caller {
    /// # Errors
    /// Those of Hexclave's `smart-request.tsx` (`parseAuth`).
    async fn of(app: &App, headers: &HeaderMap) -> Result<Self, ApiError> {
        let header = |name| header(headers, name);
        let access = access(headers)?;
        let Some(project) = header("project-id") else {
            return Err(ApiError::known(
                400,
                "ACCESS_TYPE_WITHOUT_PROJECT_ID",
                "The header x-hexclave-project-id is required.",
            )
            .with("request_type", header("access-type")));
        };
        let user = match header("access-token") {
            Some(token) => Some(user(app, project, token, headers).await?),
            None => None,
        };
        if project != app.config().project_id().as_str() {
            return Err(
                ApiError::known(400, "CURRENT_PROJECT_NOT_FOUND", "There is no such project here.")
                    .with("project_id", project),
            );
        }
        check_keys(
            app,
            access,
            header("publishable-client-key"),
            header("secret-server-key"),
        )?;
        match header("branch-id") {
            None | Some("main") => {}
            Some(branch) => {
                return Err(
                    ApiError::known(400, "BRANCH_DOES_NOT_EXIST", "The only branch here is main.")
                        .with("branch_id", branch),
                );
            }
        }
        Ok(Self {
            access,
            // A deleted user's live token counts as no user.
            user: user.filter(|user| app.directory().user(user.id()).is_some()),
        })
    }

    pub(crate) fn access(&self) -> Access {
        self.access
    }

    pub(crate) fn is_server(&self) -> bool {
        self.access == Access::Server
    }

    /// Refuses clients.
    pub(crate) fn require_server(&self) -> Result<(), ApiError> {
        match self.access {
            Access::Server => Ok(()),
            Access::Client => Err(insufficient_access("client")),
        }
    }

    /// The user whose access token came with the request.
    pub(crate) fn user_id(&self) -> Option<UserId> {
        self.user.as_ref().map(User::id)
    }

    /// The session of that token.
    pub(crate) fn session_id(&self) -> Option<SessionId> {
        self.user.as_ref().and_then(User::session_id)
    }

    /// Whom a path or query names: a user's id, or `me`.
    pub(crate) fn user_named(&self, text: &str) -> Result<UserId, ApiError> {
        match text {
            "me" => self.user_id().ok_or_else(ApiError::no_current_user),
            _ => parameter("user_id", text),
        }
    }

    /// Whose things are listed: clients see their own only, and have to say so.
    pub(crate) fn own_or_any(&self, named: Option<&str>) -> Result<Option<UserId>, ApiError> {
        let named = named.map(|text| self.user_named(text)).transpose()?;
        if self.is_server() {
            return Ok(named);
        }
        let own = self.user_id().ok_or_else(ApiError::no_current_user)?;
        match named {
            Some(id) if id == own => Ok(named),
            _ => Err(ApiError::text(
                403,
                "A client may list what belongs to its own user only: user_id must be me or that user's id.",
            )),
        }
    }
}

fn access(headers: &HeaderMap) -> Result<Access, ApiError> {
    match header(headers, "access-type") {
        Some("client") => Ok(Access::Client),
        Some("server") => Ok(Access::Server),
        Some("admin") => Err(insufficient_access("admin")),
        Some(other) => Err(ApiError::known(
            400,
            "INVALID_ACCESS_TYPE",
            "The header x-hexclave-access-type must be client or server.",
        )
        .with("access_type", other)),
        None if has_key(headers) => Err(ApiError::known(
            400,
            "PROJECT_KEY_WITHOUT_ACCESS_TYPE",
            "A project key was sent without the header x-hexclave-access-type.",
        )),
        None => Err(ApiError::known(
            400,
            "ACCESS_TYPE_REQUIRED",
            "The header x-hexclave-access-type is required: client or server.",
        )),
    }
}

fn has_key(headers: &HeaderMap) -> bool {
    [
        "publishable-client-key",
        "secret-server-key",
        "super-secret-admin-key",
    ]
    .iter()
    .any(|name| header(headers, name).is_some())
}

fn insufficient_access(actual: &str) -> ApiError {
    ApiError::known(
        401,
        "INSUFFICIENT_ACCESS_TYPE",
        "This needs server access. (The local Hexclave has no admin access.)",
    )
    .with("actual_access_type", actual)
    .with("allowed_access_types", ["server", "admin"])
}

async fn user(app: &App, project: &str, token: &str, headers: &HeaderMap) -> Result<User, ApiError> {
    let token = AccessToken::from(token);
    let user = match app.verifier().verify(&token).await {
        Ok(user) => user,
        Err(error) => return Err(refused(app, project, &token, error.kind()).await),
    };
    let allows = |name| header(headers, name) == Some("true");
    let allows_anonymous = allows("allow-anonymous-user");
    match user.kind() {
        UserKind::Anonymous if !allows_anonymous => Err(ApiError::known(
            401,
            "ANONYMOUS_AUTHENTICATION_NOT_ALLOWED",
            "Anonymous users are let in with the header x-hexclave-allow-anonymous-user only.",
        )),
        UserKind::Restricted if !allows_anonymous && !allows("allow-restricted-user") => {
            Err(ApiError::restricted(user.restricted_reason()))
        }
        _ => Ok(user),
    }
}

/// What is said of a token that the verifier has refused.
async fn refused(app: &App, project: &str, token: &AccessToken, kind: ErrorKind) -> ApiError {
    let unparsable = || ApiError::known(401, "UNPARSABLE_ACCESS_TOKEN", "The access token is not valid.");
    let Some(claims) = Claims::of(token) else {
        return unparsable();
    };
    match kind {
        ErrorKind::TokenExpired => {
            // Only a token that was good until then has expired; any other is no token.
            let was_good = match app.verifier_at(claims.exp.saturating_sub(1)) {
                Ok(verifier) => verifier.verify(token).await.is_ok(),
                Err(_) => false,
            };
            if !was_good {
                return unparsable();
            }
            ApiError::known(401, "ACCESS_TOKEN_EXPIRED", "The access token has expired.")
                .with("expired_at_millis", claims.exp.saturating_mul(1000))
                .with("project_id", project)
                .with("user_id", claims.sub)
                .with("refresh_token_id", claims.refresh_token_id)
        }
        ErrorKind::AudienceMismatch => ApiError::known(
            401,
            "INVALID_PROJECT_FOR_ACCESS_TOKEN",
            "The access token is for another project.",
        )
        .with("expected_project_id", project)
        .with("actual_project_id", claims.aud.split(':').next()),
        _ => unparsable(),
    }
}

/// What errors say of a token.
#[derive(Deserialize)]
struct Claims {
    aud: String,
    exp: u64,
    sub: Option<String>,
    refresh_token_id: Option<String>,
}

impl Claims {
    fn of(token: &AccessToken) -> Option<Self> {
        let payload = token.expose().split('.').nth(1)?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
    }
}

fn check_keys(
    app: &App,
    access: Access,
    publishable: Option<&str>,
    secret: Option<&str>,
) -> Result<(), ApiError> {
    let project_id = app.config().project_id().as_str();
    match (access, publishable, secret) {
        (Access::Client, None | Some(SENTINEL_CLIENT_SECRET), _)
            if app.settings().requires_publishable_key =>
        {
            Err(publishable_key_required(project_id))
        }
        (Access::Client, Some(key), _) if key != SENTINEL_CLIENT_SECRET && !app.is_publishable_key(key) => {
            Err(ApiError::known(
                401,
                "INVALID_PUBLISHABLE_CLIENT_KEY",
                "The publishable client key is not that of the project.",
            )
            .with("project_id", project_id))
        }
        (Access::Client, _, _) => Ok(()),
        (Access::Server, _, None) => Err(ApiError::known(
            401,
            "SERVER_AUTHENTICATION_REQUIRED",
            "The header x-hexclave-secret-server-key is required for server access.",
        )),
        (Access::Server, _, Some(key)) if !app.is_secret_key(key) => Err(ApiError::known(
            401,
            "INVALID_SECRET_SERVER_KEY",
            "The secret server key is not that of the project.",
        )
        .with("project_id", project_id)),
        (Access::Server, _, Some(_)) => Ok(()),
    }
}

pub(crate) fn publishable_key_required(project_id: &str) -> ApiError {
    ApiError::known(
        401,
        "PUBLISHABLE_CLIENT_KEY_REQUIRED_FOR_PROJECT",
        "The project wants its publishable client key from clients.",
    )
    .with("project_id", project_id)
}
