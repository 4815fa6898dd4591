//! Logging in at a command line by way of a browser.

use axum::extract::State;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{
    super::{api_error::ApiError, app::App, directory::PolledLogin, optional::given},
    Caller, Shared, access_token,
    answer::{Answer, created, json_answer, success},
    input::JsonBody,
};

/// How long a login may take where the command line does not say, and at most, in milliseconds.
const DEFAULT_MILLIS: u64 = 120_000;
const LONGEST_MILLIS: u64 = 900_000;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    #[serde(default, deserialize_with = "given")]
    expires_in_millis: Option<u64>,
    #[serde(default, deserialize_with = "given")]
    anon_refresh_token: Option<String>,
}

pub(super) async fn start(State(app): Shared, _: Caller, body: JsonBody) -> Answer {
    let body: Start = body.parse_or_default()?;
    let lifetime = body.expires_in_millis.unwrap_or(DEFAULT_MILLIS);
    if lifetime > LONGEST_MILLIS {
        return Err(ApiError::schema(format!(
            "expires_in_millis must be at most {LONGEST_MILLIS}"
        )));
    }
    let guest = body.anon_refresh_token.filter(|token| !token.is_empty());
    let login = app
        .directory()
        .start_cli_login(lifetime, guest, app.now_millis())?;
    json_answer(&json!({
        "polling_code": login.polling_code,
        "login_code": login.login_code,
        "expires_at": timestamp(login.expires_at_millis),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Poll {
    polling_code: String,
}

pub(super) async fn poll(State(app): Shared, _: Caller, body: JsonBody) -> Answer {
    let Poll { polling_code } = body.parse()?;
    let polled = app.directory().poll_cli_login(&polling_code, app.now_millis())?;
    let status = match polled {
        PolledLogin::Waiting => "waiting",
        PolledLogin::Expired => "expired",
        PolledLogin::Used => "used",
        PolledLogin::Success(refresh_token) => {
            return created(&json!({ "status": "success", "refresh_token": refresh_token }));
        }
    };
    json_answer(&json!({ "status": status }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Complete {
    login_code: String,
    #[serde(default)]
    mode: Mode,
    #[serde(default, deserialize_with = "given")]
    refresh_token: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    Check,
    ClaimAnonSession,
    #[default]
    Complete,
}

pub(super) async fn complete(State(app): Shared, _: Caller, body: JsonBody) -> Answer {
    let Complete {
        login_code,
        mode,
        refresh_token,
    } = body.parse()?;
    let now = app.now_millis();
    match mode {
        Mode::Check => {
            let has_guest = app.directory().cli_login_has_guest(&login_code, now)?;
            let state = if has_guest { "anonymous" } else { "none" };
            json_answer(&json!({ "cli_session_state": state }))
        }
        Mode::ClaimAnonSession => claim(&app, &login_code),
        Mode::Complete => {
            app.directory()
                .confirm_cli_login(&login_code, refresh_token, now)?;
            success()
        }
    }
}

fn claim(app: &App, login_code: &str) -> Answer {
    let refresh_token = app.directory().claim_cli_guest(login_code, app.now_millis())?;
    json_answer(&json!({
        "access_token": access_token(app, &refresh_token)?,
        "refresh_token": refresh_token,
    }))
}

/// A time as JavaScript's `toISOString` writes it.
fn timestamp(unix_millis: u64) -> String {
    let millis = i64::try_from(unix_millis).unwrap_or(i64::MAX);
    let time = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX);
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_javascripts() {
        assert_eq!(timestamp(1_795_300_200_000), "2026-11-21T22:30:00.000Z");
        assert_eq!(timestamp(1_795_300_200_042), "2026-11-21T22:30:00.042Z");
    }
}
