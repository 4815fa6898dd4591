//! The endpoints.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, header},
    middleware,
    routing::{get, post},
};
use hexclave_core::{AccessToken, UserId, UserKind};
use serde::de::DeserializeOwned;
use serde_json::json;
use url::form_urlencoded;

use super::{
    answer::{self, Answer, ApiError, json_answer},
    caller::{self, Access, Caller},
    directory::Session,
    server::{App, SENTINEL_CLIENT_SECRET},
};

const SHORTEST_PASSWORD: usize = 8;
const LONGEST_PASSWORD: usize = 70;

type Shared = State<Arc<App>>;

pub(crate) fn router(app: Arc<App>) -> Router {
    let api = Router::new()
        .route("/projects/{id}/.well-known/jwks.json", get(jwks))
        .route("/auth/password/sign-up", post(sign_up))
        .route("/auth/password/sign-in", post(sign_in))
        .route("/auth/anonymous/sign-up", post(sign_up_anonymously))
        .route("/auth/oauth/token", post(oauth_token))
        .route("/auth/sessions/current/refresh", post(refresh_session))
        .route("/users/me", get(current_user));
    Router::new()
        .nest("/api/v1", api.clone())
        .nest("/api/latest", api)
        .route(
            "/health",
            get(|| async { json_answer(&json!({ "status": "ok" })) }),
        )
        .fallback(|| async {
            ApiError::not_found(
                "The local Hexclave has no such endpoint; its documentation lists those it has.",
            )
        })
        .layer(middleware::from_fn(answer::finish))
        .with_state(app)
}

async fn jwks(State(app): Shared, Path(project): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let mut widest = UserKind::Normal;
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let kind = match name.as_ref() {
            "include_restricted" => UserKind::Restricted,
            "include_anonymous" => UserKind::Anonymous,
            _ => {
                return Err(ApiError::schema(format!(
                    "The query has an unknown parameter: {name}"
                )));
            }
        };
        match value.as_ref() {
            "true" => widest = widest.max(kind),
            "false" => {}
            _ => return Err(ApiError::schema(format!("{name} must be true or false"))),
        }
    }
    if project != app.config().project_id().as_str() {
        return Err(ApiError::not_found("Project not found"));
    }
    let mut answer = json_answer(&HashMap::from([("keys", app.issuer().jwks(widest))]))?;
    answer.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=3600"),
    );
    Ok(answer)
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct SignUp {
    email: String,
    password: String,
    #[serde(default, rename = "verification_callback_url")]
    _verification_callback_url: Option<String>,
    #[serde(default, rename = "bot_challenge_token")]
    _bot_challenge_token: Option<String>,
    #[serde(default, rename = "bot_challenge_phase")]
    _bot_challenge_phase: Option<String>,
    #[serde(default, rename = "bot_challenge_unavailable")]
    _bot_challenge_unavailable: Option<String>,
}

async fn sign_up(State(app): Shared, headers: HeaderMap, body: Bytes) -> Answer {
    let anonymous_too = with_anonymous_allowed(&headers);
    let caller = Caller::of(&app, &anonymous_too).await?;
    let SignUp { email, password, .. } = json_body(&headers, &body)?;
    if !is_email(&email) {
        return Err(ApiError::schema("email must be a valid email"));
    }
    let length = password.chars().count();
    if length < SHORTEST_PASSWORD {
        return Err(
            ApiError::known(400, "PASSWORD_TOO_SHORT", "The password is too short.")
                .with("min_length", json!(SHORTEST_PASSWORD)),
        );
    }
    if length > LONGEST_PASSWORD {
        return Err(
            ApiError::known(400, "PASSWORD_TOO_LONG", "The password is too long.")
                .with("maxLength", json!(LONGEST_PASSWORD)),
        );
    }
    let user_id = {
        let mut directory = app.directory();
        if directory.user_of_email(&email).is_some() {
            return Err(ApiError::known(
                409,
                "USER_EMAIL_ALREADY_EXISTS",
                "A user with this e-mail address exists already.",
            )
            .with("email", json!(email)));
        }
        let upgrade = caller.user.map(|user| user.id());
        directory.sign_up(upgrade, &email, &password, app.now_millis())?
    };
    signed_in(&app, user_id)
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    email: String,
    password: String,
}

async fn sign_in(State(app): Shared, headers: HeaderMap, body: Bytes) -> Answer {
    Caller::of(&app, &headers).await?;
    let SignIn { email, password } = json_body(&headers, &body)?;
    let user_id = app
        .directory()
        .user_of_password(&email, &password)
        .map(|user| user.id())
        .ok_or_else(|| {
            ApiError::known(
                400,
                "EMAIL_PASSWORD_MISMATCH",
                "Wrong e-mail address or password.",
            )
        })?;
    signed_in(&app, user_id)
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

async fn sign_up_anonymously(State(app): Shared, headers: HeaderMap, body: Bytes) -> Answer {
    Caller::of(&app, &headers).await?;
    if !body.is_empty() {
        json_body::<Nothing>(&headers, &body)?;
    }
    let user_id = app.directory().add_anonymous(app.now_millis());
    signed_in(&app, user_id)
}

fn signed_in(app: &App, user_id: UserId) -> Answer {
    let refresh_token = app.directory().open_session(user_id)?;
    json_answer(&json!({
        "access_token": access_token(app, &refresh_token)?,
        "refresh_token": refresh_token,
        "user_id": user_id.to_string(),
    }))
}

/// What Hexclave's SDKs refresh with: OAuth's refresh grant (RFC 6749, section 6) with the project as the client.
async fn oauth_token(State(app): Shared, headers: HeaderMap, body: Bytes) -> Answer {
    expect_content_type(&headers, "application/x-www-form-urlencoded")?;
    let form: Vec<_> = form_urlencoded::parse(&body).collect();
    let field = |name: &str| {
        let found = form.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_ref())
    };
    if field("grant_type") != "refresh_token" {
        let mut answer = json_answer(&json!({
            "error": "unsupported_grant_type",
            "error_description": "The local Hexclave knows the grant type refresh_token.",
        }))?;
        *answer.status_mut() = axum::http::StatusCode::BAD_REQUEST;
        return Ok(answer);
    }
    let project = field("client_id").split('#').next().unwrap_or_default();
    let secret = field("client_secret");
    let known_secret = secret == SENTINEL_CLIENT_SECRET || app.is_publishable_key(secret);
    if project != app.config().project_id().as_str() || !known_secret {
        return Err(ApiError::known(
            400,
            "INVALID_OAUTH_CLIENT_ID_OR_SECRET",
            "The client id or the client secret is not that of the project.",
        )
        .with("client_id", json!(project)));
    }
    let refresh_token = field("refresh_token");
    let mut answer = json_answer(&json!({
        "access_token": access_token(&app, refresh_token)?,
        "token_type": "Bearer",
        "expires_in": 3599,
        "refresh_token": refresh_token,
        "scope": "legacy",
    }))?;
    answer
        .headers_mut()
        .insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    Ok(answer)
}

async fn refresh_session(State(app): Shared, headers: HeaderMap) -> Answer {
    Caller::of(&app, &without_access_token(&headers)).await?;
    let refresh_token = caller::header(&headers, "refresh-token")
        .ok_or_else(|| ApiError::schema("The header x-hexclave-refresh-token is required"))?;
    json_answer(&json!({ "access_token": access_token(&app, refresh_token)? }))
}

async fn current_user(State(app): Shared, headers: HeaderMap) -> Answer {
    let caller = Caller::of(&app, &headers).await?;
    let directory = app.directory();
    let user = caller
        .user
        .and_then(|user| directory.user(user.id()))
        .ok_or_else(|| {
            ApiError::known(
                400,
                "CANNOT_GET_OWN_USER_WITHOUT_USER",
                "Nobody is signed in: the request has no access token.",
            )
        })?;
    json_answer(&directory.user_json(user, caller.access == Access::Server))
}

fn access_token(app: &App, refresh_token: &str) -> Result<String, ApiError> {
    let gone = || {
        ApiError::known(
            401,
            "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED",
            "The refresh token is not known here, or the session has ended.",
        )
    };
    let session: Session = app.directory().session(refresh_token).ok_or_else(gone)?;
    let subject = app
        .directory()
        .subject(session, app.now_millis())
        .ok_or_else(gone)?;
    Ok(app.issue(&subject)?)
}

fn json_body<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, ApiError> {
    expect_content_type(headers, "application/json")?;
    let json: serde_json::Value = serde_json::from_slice(body)
        .map_err(|_| ApiError::known(400, "BODY_PARSING_ERROR", "The body is not valid JSON."))?;
    serde_json::from_value(json)
        .map_err(|error| ApiError::schema(format!("The body is not as expected: {error}")))
}

fn expect_content_type(headers: &HeaderMap, expected: &str) -> Result<(), ApiError> {
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = given
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    if essence.trim() == expected {
        return Ok(());
    }
    Err(ApiError::known(
        400,
        "BODY_PARSING_ERROR",
        format!("The body's content type must be {expected}."),
    ))
}

/// Signing up is what an anonymous user may always do.
fn with_anonymous_allowed(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    headers.insert(
        "x-hexclave-allow-anonymous-user",
        HeaderValue::from_static("true"),
    );
    headers
}

/// Whoever refreshes has an expired token, or none.
fn without_access_token(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    headers.remove("x-stack-access-token");
    headers.remove("x-hexclave-access-token");
    headers
}

fn is_email(text: &str) -> bool {
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    plain
        && text.len() <= AccessToken::MAX_LEN
        && text
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
}
