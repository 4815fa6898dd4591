use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
};
use serde_json::json;
use url::form_urlencoded;

use super::{
    super::{api_error::ApiError, app::SENTINEL_CLIENT_SECRET},
    Caller, Shared,
    answer::{Answer, json_answer},
    caller::{self, publishable_key_required},
    fresh_token,
    input::expect_content_type,
};

/// What Hexclave's SDKs refresh with: OAuth's refresh grant (RFC 6749, section 6) with the project as the client.
pub(super) async fn oauth_token(State(app): Shared, headers: HeaderMap, body: Bytes) -> Answer {
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
        *answer.status_mut() = StatusCode::BAD_REQUEST;
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
        .with("client_id", project));
    }
    if secret == SENTINEL_CLIENT_SECRET && app.settings().requires_publishable_key {
        return Err(publishable_key_required(project));
    }
    let refresh_token = field("refresh_token");
    let (access_token, user) = fresh_token(&app, refresh_token)?;
    let mut answer = json_answer(&json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": 3599,
        "refresh_token": refresh_token,
        "scope": "legacy",
    }))?;
    answer
        .headers_mut()
        .insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    answer.extensions_mut().insert(user);
    Ok(answer)
}

/// What the documentation of the command-line login refreshes with.
pub(super) async fn current_session(State(app): Shared, _: Caller, headers: HeaderMap) -> Answer {
    let refresh_token = caller::header(&headers, "refresh-token")
        .ok_or_else(|| ApiError::schema("The header x-hexclave-refresh-token is required"))?;
    let (access_token, user) = fresh_token(&app, refresh_token)?;
    let mut answer = json_answer(&json!({ "access_token": access_token }))?;
    answer.extensions_mut().insert(user);
    Ok(answer)
}
