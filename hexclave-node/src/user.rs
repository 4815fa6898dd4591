//! What a [`User`] says. Each is a function of its own: most programs ask for one or two.

use std::time::{SystemTime, UNIX_EPOCH};

use hexclave_core::User;
use napi::bindgen_prelude::External;
use napi_derive::napi;

#[napi]
pub fn user_id(user: &External<User>) -> String {
    user.id().to_string()
}

#[napi]
pub fn user_project_id(user: &External<User>) -> &str {
    user.project_id().as_str()
}

#[napi]
pub fn user_kind(user: &External<User>) -> &'static str {
    user.kind().as_str()
}

#[napi]
pub fn user_restricted_reason(user: &External<User>) -> Option<&str> {
    user.restricted_reason().map(|reason| reason.as_str())
}

#[napi]
pub fn user_session_id(user: &External<User>) -> Option<String> {
    user.session_id().map(|id| id.to_string())
}

#[napi]
pub fn user_name(user: &External<User>) -> Option<&str> {
    user.name()
}

#[napi]
pub fn user_email(user: &External<User>) -> Option<&str> {
    user.email()
}

#[napi]
pub fn user_email_verified(user: &External<User>) -> bool {
    user.email_verified()
}

#[napi]
pub fn user_selected_team_id(user: &External<User>) -> Option<String> {
    user.selected_team_id().map(|id| id.to_string())
}

#[napi]
pub fn user_signed_up_at(user: &External<User>) -> Option<f64> {
    user.signed_up_at().map(milliseconds)
}

#[napi]
pub fn user_requires_totp_mfa(user: &External<User>) -> bool {
    user.requires_totp_mfa()
}

#[napi]
pub fn user_issuer(user: &External<User>) -> &str {
    user.issuer()
}

#[napi]
pub fn user_issued_at(user: &External<User>) -> f64 {
    milliseconds(user.issued_at())
}

#[napi]
pub fn user_expires_at(user: &External<User>) -> f64 {
    milliseconds(user.expires_at())
}

#[napi]
pub fn user_payload(user: &External<User>) -> &str {
    user.payload()
}

/// As JavaScript counts time: in milliseconds since 1970.
pub(crate) fn milliseconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1000.0
}
