use axum::{extract::State, http::HeaderMap};
use serde::Deserialize;

use super::{
    super::{api_error::ApiError, directory::View, optional::given},
    Caller, Shared,
    answer::{Answer, success},
    caller,
    input::JsonBody,
    signed_in,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignUp {
    email: String,
    password: String,
    #[serde(default, deserialize_with = "given", rename = "verification_callback_url")]
    _verification_callback_url: Option<String>,
    #[serde(default, deserialize_with = "given", rename = "bot_challenge_token")]
    _bot_challenge_token: Option<String>,
    #[serde(default, deserialize_with = "given", rename = "bot_challenge_phase")]
    _bot_challenge_phase: Option<String>,
    #[serde(default, deserialize_with = "given", rename = "bot_challenge_unavailable")]
    _bot_challenge_unavailable: Option<String>,
}

pub(super) async fn sign_up(State(app): Shared, caller: Caller, body: JsonBody) -> Answer {
    let SignUp { email, password, .. } = body.parse()?;
    if !app.settings().allows_sign_up {
        return Err(ApiError::known(
            400,
            "SIGN_UP_NOT_ENABLED",
            "The project takes no new users.",
        ));
    }
    let user_id = {
        let mut directory = app.directory();
        let signed_up = directory.sign_up(caller.user_id(), &email, &password, app.now_millis())?;
        let event = match signed_up.was_anonymous {
            true => "user.updated",
            false => "user.created",
        };
        app.publish(event, &directory.show_user(signed_up.id, View::Server)?)?;
        signed_up.id
    };
    signed_in(&app, user_id)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    email: String,
    password: String,
}

pub(super) async fn sign_in(State(app): Shared, _: Caller, body: JsonBody) -> Answer {
    let SignIn { email, password } = body.parse()?;
    let user_id = app
        .directory()
        .user_of_password(&email, &password)
        .ok_or_else(|| {
            ApiError::known(
                400,
                "EMAIL_PASSWORD_MISMATCH",
                "Wrong e-mail address or password.",
            )
        })?;
    app.directory()
        .require_no_second_factor(user_id, app.now_millis())?;
    signed_in(&app, user_id)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    password: String,
}

/// A first password for the current user.
pub(super) async fn set(State(app): Shared, caller: Caller, body: JsonBody) -> Answer {
    let NewPassword { password } = body.parse()?;
    let user = caller
        .user_id()
        .ok_or_else(ApiError::user_authentication_required)?;
    app.directory().set_password(user, &password)?;
    success()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangedPassword {
    old_password: String,
    new_password: String,
}

/// Another password for the current user, whose other sessions end.
pub(super) async fn update(State(app): Shared, caller: Caller, headers: HeaderMap, body: JsonBody) -> Answer {
    let ChangedPassword {
        old_password,
        new_password,
    } = body.parse()?;
    let user = caller
        .user_id()
        .ok_or_else(ApiError::user_authentication_required)?;
    let current = caller::header(&headers, "refresh-token");
    app.directory()
        .change_password(user, &old_password, &new_password, current)?;
    success()
}
