//! An issuer of Hexclave-like tokens, with keys that anybody may know.
#![allow(dead_code, reason = "each test program needs a part of it")]
#![allow(clippy::expect_used, reason = "all of this is test code")]

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hexclave_convex::{AuthConfig, ConvexError, ConvexVerifier};
use hexclave_core::{AccessToken, Clock};
use serde_json::{Value, json};

pub(crate) const NOW: u64 = 1_795_300_100;
pub(crate) const PROJECT: &str = "11111111-2222-4333-8444-555555555555";
pub(crate) const ISSUER: &str =
    "https://api.hexclave.com/api/v1/projects/11111111-2222-4333-8444-555555555555";
pub(crate) const KEY_ID: &str = "dgOjIEmKsTiF";
pub(crate) const HEADER: &str = r#"{"alg":"ES256","kid":"dgOjIEmKsTiF"}"#;

/// Hexclave's derivation of a normal user's key from the server secret with the bytes 00 to 1f.
const KEY: [&str; 3] = [
    "Wg7y-KF4za0rl6CCqmq8bJI8hbkgWxlYLgeH40kzYLY",
    "b9UThnQ1wsxkQcvbRu1CnftDvjuqLWAR6zQtODKSxQQ",
    "-joeZyMSKO-IB0s59isbCskU1JIf7OqKE6lZz6wKKNE",
];
/// The same of an anonymous user's, which happens to have a short `x`.
const SHORT_KEY: [&str; 3] = [
    "0skXohjyx2jA82Z7A6qVlMcQGn5AKX3rVxgeST1ll6Q",
    "Hobtvh7qpDBuRtLpFWLOFuTcuQ74j3w7HIhRjSq0eg",
    "vyosXJFb9L0jYOF4WD3dxfThTIZPKcuQSRyFhC6_CXQ",
];

#[derive(Debug)]
pub(crate) struct Frozen(pub(crate) u64);

impl Clock for Frozen {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0)
    }
}

/// What a normal user's token says, in Hexclave's order.
pub(crate) fn normal_payload() -> Value {
    json!({
        "sub": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", "project_id": PROJECT, "branch_id": "main",
        "refresh_token_id": "99999999-8888-4777-8666-555555555555", "role": "authenticated",
        "name": "Zoë Example", "email": "zoe@example.com", "email_verified": true, "selected_team_id": null,
        "signed_up_at": 1_750_000_000, "is_anonymous": false, "is_restricted": false,
        "restricted_reason": null, "requires_totp_mfa": false, "iss": ISSUER, "iat": NOW - 21, "aud": PROJECT,
        "exp": NOW + 579,
    })
}

/// `base` with these members, as JSON text. Null as a new value takes the member out.
pub(crate) fn changed(mut base: Value, changes: Value) -> String {
    let members = base.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => members.shift_remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
    base.to_string()
}

pub(crate) fn jwk() -> Value {
    let [_, x, y] = KEY;
    json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "kid": KEY_ID, "x": x, "y": y })
}

/// A key as Hexclave publishes it when its `x` starts with a zero byte.
pub(crate) fn short_jwk() -> Value {
    let [_, x, y] = SHORT_KEY;
    json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "kid": KEY_ID, "x": x, "y": y })
}

pub(crate) fn data_uri(set: &Value) -> String {
    format!(
        "data:application/json;base64,{}",
        STANDARD.encode(set.to_string())
    )
}

/// The document in a URI of [`data_uri`]'s form.
pub(crate) fn data_of(uri: &str) -> Value {
    let document = uri.strip_prefix("data:application/json;base64,");
    let document = STANDARD.decode(document.expect("a URI")).expect("base64");
    serde_json::from_slice(&document).expect("JSON")
}

/// A provider for Hexclave's normal users whose keys are `jwks`.
pub(crate) fn provider(jwks: &str) -> Value {
    json!({
        "type": "customJwt", "applicationID": PROJECT, "issuer": ISSUER, "jwks": jwks, "algorithm": "ES256",
    })
}

pub(crate) fn verifier(providers: Value) -> ConvexVerifier {
    let config = AuthConfig::from_json(&providers.to_string()).expect("a provider list");
    ConvexVerifier::builder(config)
        .clock(Arc::new(Frozen(NOW)))
        .build()
        .expect("a verifier")
}

/// The identity's text, or code and status.
pub(crate) async fn outcome(
    verifier: &ConvexVerifier,
    token: &AccessToken,
) -> Result<String, (&'static str, u16)> {
    let identity = verifier.verify(token).await;
    identity.map(|identity| identity.to_json()).map_err(|error| {
        assert_hides(&error, token);
        (error.code(), error.http_status())
    })
}

/// An error and its causes never repeat a part of the token.
fn assert_hides(error: &ConvexError, token: &AccessToken) {
    let shown = format!("{error} {error:?}");
    for part in token.expose().split('.').filter(|part| part.len() > 8) {
        assert!(!shown.contains(part), "{shown}");
    }
}

pub(crate) fn signed(header: &str, payload: &str) -> AccessToken {
    signed_by(KEY, header, payload)
}

pub(crate) fn signed_by_short(header: &str, payload: &str) -> AccessToken {
    signed_by(SHORT_KEY, header, payload)
}

pub(crate) fn joined(header: &str, payload: &str) -> String {
    let [header, payload] = [header, payload].map(|part| URL_SAFE_NO_PAD.encode(part));
    format!("{header}.{payload}")
}

pub(crate) fn with_signature(message: &str, signature: &[u8]) -> AccessToken {
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)).into()
}

fn signed_by([d, x, y]: [&str; 3], header: &str, payload: &str) -> AccessToken {
    let [d, x, y] = [d, x, y].map(|text| {
        let bytes = URL_SAFE_NO_PAD.decode(text).expect("base64url");
        [vec![0; 32 - bytes.len()], bytes].concat()
    });
    let point = [vec![4], x, y].concat();
    let pair = EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, &d, &point);
    let message = joined(header, payload);
    let signature = pair
        .expect("a key pair")
        .sign(&SystemRandom::new(), message.as_bytes());
    with_signature(&message, signature.expect("a signature").as_ref())
}
