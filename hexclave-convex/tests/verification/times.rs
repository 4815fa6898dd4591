//! When a token is valid.

use std::sync::Arc;

use hexclave_convex::{AuthConfig, ConvexVerifier};
use serde_json::{Value, json};

use crate::{
    INVALID, Outcome, assert_outcome, good_keys, passes, payload,
    support::{Frozen, HEADER, NOW, changed, outcome, provider, signed},
};

#[tokio::test]
async fn times_have_five_seconds_of_leeway() {
    for (name, changes, expected) in [
        ("expires now", json!({ "exp": NOW }), passes()),
        ("expired 5 s ago", json!({ "exp": NOW - 5 }), passes()),
        ("expired 6 s ago", json!({ "exp": NOW - 6 }), INVALID),
        (
            "rounded to 5 s ago",
            json!({ "exp": (NOW - 6) as f64 + 0.5 }),
            passes(),
        ),
        (
            "rounded to 6 s ago",
            json!({ "exp": (NOW - 6) as f64 + 0.25 }),
            INVALID,
        ),
        (
            "for ever, nearly",
            json!({ "exp": 8_200_000_000_000_u64 }),
            passes(),
        ),
        ("for ever", json!({ "exp": 8_200_000_000_001_u64 }), INVALID),
        ("at zero", json!({ "exp": 0 }), INVALID),
        ("starts in 5 s", json!({ "nbf": NOW + 5 }), passes()),
        ("starts in 6 s", json!({ "nbf": NOW + 6 }), INVALID),
        ("issued in 5 s", json!({ "iat": NOW + 5 }), passes()),
        ("issued in 6 s", json!({ "iat": NOW + 6 }), INVALID),
        ("issued long ago", json!({ "iat": 0, "nbf": 0 }), passes()),
        (
            "valid backwards",
            json!({ "exp": NOW - 5, "nbf": NOW + 5 }),
            passes(),
        ),
        ("text", json!({ "exp": "2147483647" }), INVALID),
    ] {
        let token = signed(HEADER, &payload(changes));
        assert_outcome(name, json!([provider(&good_keys())]), &token, expected).await;
    }
}

/// Without leeway, and after everything else.
#[tokio::test]
async fn the_websocket_drops_what_has_expired() {
    const DROPPED: Outcome = Err(("TokenExpired", 401));
    let providers = json!([provider(&good_keys())]).to_string();
    let judged = async |on_websocket: bool, payload: &str| {
        let config = AuthConfig::from_json(&providers).expect("a provider list");
        let verifier = ConvexVerifier::builder(config)
            .clock(Arc::new(Frozen(NOW)))
            .on_websocket(on_websocket)
            .build()
            .expect("a verifier");
        outcome(&verifier, &signed(HEADER, payload)).await
    };
    for (name, changes, over_http, on_websocket) in [
        ("1 s left", json!({ "exp": NOW + 1 }), passes(), passes()),
        ("expires now", json!({ "exp": NOW }), passes(), DROPPED),
        ("expired 5 s ago", json!({ "exp": NOW - 5 }), passes(), DROPPED),
        ("expired 6 s ago", json!({ "exp": NOW - 6 }), INVALID, INVALID),
        (
            "rounded to 1 s left",
            json!({ "exp": NOW as f64 + 0.5 }),
            passes(),
            passes(),
        ),
        (
            "rounded to now",
            json!({ "exp": NOW as f64 + 0.25 }),
            passes(),
            DROPPED,
        ),
        ("starts in 5 s", json!({ "nbf": NOW + 5 }), passes(), passes()),
        (
            "expired, and no user",
            json!({ "exp": NOW - 5, "sub": Value::Null }),
            INVALID,
            INVALID,
        ),
    ] {
        let payload = payload(changes);
        assert_eq!(judged(false, &payload).await, over_http, "{name}");
        assert_eq!(judged(true, &payload).await, on_websocket, "{name}");
    }
    let of_another = changed(json!({ "iss": "https://a.com", "exp": NOW }), json!({}));
    assert_eq!(judged(true, &of_another).await, Err(("NoAuthProvider", 401)));
}
