//! The words of the errors.

use std::sync::Arc;

use hexclave_convex::{AuthConfig, ConvexVerifier};
use serde_json::{Value, json};

use crate::{
    good_keys, payload,
    support::{Frozen, HEADER, NOW, provider, signed},
    with_changes,
};

#[tokio::test]
async fn texts_are_recognisable() {
    let config = |providers: Value| AuthConfig::from_json(&providers.to_string()).expect("a provider list");
    let said = async |providers: Value, header: &str, changes: Value| {
        let verifier = ConvexVerifier::builder(config(providers))
            .clock(Arc::new(Frozen(NOW)))
            .build()
            .expect("a verifier");
        let error = verifier.verify(&signed(header, &payload(changes))).await;
        error.expect_err("a bad token").to_string()
    };
    let good = || json!([provider(&good_keys())]);
    let many: Vec<_> = (0..20)
        .map(|index| with_changes(provider("x"), json!({ "issuer": format!("https://{index}.com") })))
        .collect();
    for (text, expected) in [
        (
            said(good(), HEADER, json!({ "exp": NOW - 60 })).await,
            "Could not validate token: Token expired 60 seconds ago",
        ),
        (
            said(good(), HEADER, json!({ "nbf": NOW + 60 })).await,
            "Could not validate token: Token will be valid in 60 seconds",
        ),
        (
            said(good(), HEADER, json!({ "iss": Value::Null })).await,
            "Missing issuer claim",
        ),
        (
            said(good(), HEADER, json!({ "iss": "https://\u{1b}.com" })).await,
            "No auth provider found matching the given token, which is of issuer \"https://\\u{1b}.com\" for \
             audience \"11111111-2222-4333-8444-555555555555\"; configured are \"https://api.hexclave.com/",
        ),
        (
            said(json!([]), HEADER, json!({ "aud": Value::Null })).await,
            "No auth provider found matching the given token, which is of issuer \
             \"https://api.hexclave.com/api/v1/projects/11111111-2222-4333-8444-555555555555\" for audience \
             (none); no providers are configured",
        ),
        (
            said(good(), r#"{"alg":"ES256","kid":"?"}"#, json!({})).await,
            "Could not decode token: its `kid` is \"?\", does this key match",
        ),
        (
            said(good(), r#"{"alg":"ES256"}"#, json!({})).await,
            "Could not decode token: it may be missing a `kid`",
        ),
        (
            said(good(), HEADER, json!({ "exp": Value::Null })).await,
            "Could not verify token claim",
        ),
        (
            said(json!([provider("data:,{}")]), HEADER, json!({})).await,
            "Invalid JWKS response body",
        ),
        (
            said(json!([provider("data:;base64,%")]), HEADER, json!({})).await,
            "Invalid JWKS data URL",
        ),
    ] {
        assert!(text.starts_with(expected), "{text}");
    }
    let text = said(json!(many), HEADER, json!({})).await;
    assert!(text.ends_with("12 more"), "{text}");
}
