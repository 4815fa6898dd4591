//! What Convex says to a token, case by case, with keys in `data:` URIs.
#![allow(clippy::expect_used, reason = "all of this is test code")]

mod choice;
mod keys;
mod payloads;
mod signatures;
#[path = "../support/mod.rs"]
mod support;
mod texts;
mod times;

use hexclave_core::AccessToken;
use serde_json::{Value, json};
use support::{
    HEADER, ISSUER, NOW, PROJECT, changed, data_uri, jwk, normal_payload, outcome, provider, signed, verifier,
};

pub(crate) type Outcome = Result<String, (&'static str, u16)>;

pub(crate) const INVALID: Outcome = Err(("InvalidAuthHeader", 401));
pub(crate) const NO_PROVIDER: Outcome = Err(("NoAuthProvider", 401));

/// The smallest payload that passes.
pub(crate) fn payload(changes: Value) -> String {
    let smallest = json!({ "iss": ISSUER, "sub": "u", "aud": PROJECT, "exp": NOW + 1 });
    changed(smallest, changes)
}

pub(crate) fn identity(issuer: &str) -> Outcome {
    Ok(format!(
        r#"{{"tokenIdentifier":"{issuer}|u","issuer":"{issuer}","subject":"u"}}"#
    ))
}

pub(crate) fn passes() -> Outcome {
    identity(ISSUER)
}

pub(crate) fn good_keys() -> String {
    data_uri(&json!({ "keys": [jwk()] }))
}

pub(crate) fn with_changes(mut base: Value, changes: Value) -> Value {
    let members = base.as_object_mut().expect("an object");
    members.extend(changes.as_object().expect("an object").clone());
    base
}

pub(crate) async fn assert_outcome(name: &str, providers: Value, token: &AccessToken, expected: Outcome) {
    assert_eq!(outcome(&verifier(providers), token).await, expected, "{name}");
}

#[tokio::test]
async fn a_hexclave_token_becomes_the_identity_of_its_user() {
    let expected = r#"{"tokenIdentifier":"https://api.hexclave.com/api/v1/projects/11111111-2222-4333-8444-555555555555|aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","issuer":"https://api.hexclave.com/api/v1/projects/11111111-2222-4333-8444-555555555555","subject":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","branch_id":"main","email":"zoe@example.com","email_verified":true,"is_anonymous":false,"is_restricted":false,"name":"Zoë Example","project_id":"11111111-2222-4333-8444-555555555555","refresh_token_id":"99999999-8888-4777-8666-555555555555","requires_totp_mfa":false,"restricted_reason":null,"role":"authenticated","selected_team_id":null,"signed_up_at":1750000000}"#;
    let token = signed(HEADER, &normal_payload().to_string());
    assert_outcome(
        "normal",
        json!([provider(&good_keys())]),
        &token,
        Ok(expected.to_owned()),
    )
    .await;
}
