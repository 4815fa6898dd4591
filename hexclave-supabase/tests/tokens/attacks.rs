//! Whatever somebody gets into claims, a token stays that of one user in one role, and one that Supabase's services can
//! read.

use std::collections::BTreeSet;

use hexclave_core::{AcceptedKinds, User, UserKind};
use hexclave_supabase::{ErrorKind, Minter, SupabaseClaims};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::{NOW, USER, clock, payload_text, secret, signing_keys, user};

/// What services are asked to believe, and what they do not read: PostgREST refuses an `exp` that is a text, has a
/// fraction or is larger than 64 bits, an `iat` in the future, a text as `iat`, a number as `aud`, a role that is none,
/// and a U+0000 anywhere is fatal in the database.
fn assert_is_a_users(claims: &SupabaseClaims, minter: &Minter) {
    let token = minter.sign(claims).expect("a token");
    let text = payload_text(&token);
    let payload: Map<String, Value> = serde_json::from_str(&text).expect("an object");
    assert_eq!(payload["sub"], USER);
    assert_eq!(payload["role"], "authenticated");
    assert_eq!(payload["aud"], "authenticated");
    assert_eq!(payload["is_anonymous"], false);
    assert_eq!(payload["exp"].as_u64(), Some(NOW + 3600));
    assert_eq!(payload["iat"].as_u64(), Some(NOW));
    for absent in ["iss", "nbf", "jti", "session_id", "amr", "phone", "email", "aal"] {
        assert!(!payload.contains_key(absent), "{absent}");
    }
    // A repeated name would be lost on the way back: PostgREST believes the first, JavaScript the last.
    assert_eq!(serde_json::to_string(&payload).expect("JSON").len(), text.len());
    assert!(!text.contains("\\u0000") || text.contains("\\\\u0000"));
}

fn claims(user: &User) -> SupabaseClaims {
    SupabaseClaims::of(user, AcceptedKinds::default()).expect("claims")
}

#[tokio::test]
async fn a_claim_cannot_be_called_role() {
    let user = user(UserKind::Normal).await;
    for name in [
        "role",
        "ROLE",
        "Role",
        " role",
        "role ",
        "role\0",
        "\u{feff}role",
        "r\u{200d}ole",
        "$.role",
        ".role",
        "role\",\"x",
        "\\u0072ole",
        "sub",
        "exp",
        "aud",
        "app_metadata",
        "is_anonymous",
        "aal",
        "iss",
        "",
    ] {
        let error = claims(&user)
            .with_claim(name, json!("service_role"))
            .expect_err(name);
        assert_eq!(error.kind(), ErrorKind::ClaimNotAllowed, "{name:?}");
    }
    let twice = claims(&user)
        .with_claim("plan", json!(1))
        .and_then(|claims| claims.with_claim("plan", json!(2)));
    assert!(twice.is_err());
}

#[tokio::test]
async fn a_role_inside_of_metadata_stays_there() {
    let user = user(UserKind::Normal).await;
    let hostile = json!({ "role": "service_role", "sub": "x", "exp": 1, "'); reset role; --": "\",\"role\":\"postgres" });
    let claims = claims(&user)
        .with_user_metadata(hostile.as_object().expect("an object").clone())
        .and_then(|claims| claims.with_claim("org", hostile.clone()))
        .and_then(|claims| claims.with_permissions(["\"],\"role\":\"service_role\",\"x\":[\""]))
        .expect("claims");
    for key in signing_keys() {
        assert_is_a_users(&claims, &Minter::new(key).clock(clock()));
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 2.0)),
        any::<String>().prop_map(Value::from),
        Just(json!("service_role")),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

#[test]
fn whatever_is_added_the_token_stays_the_users() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let user = runtime.block_on(user(UserKind::Normal));
    let minter = Minter::new(secret()).clock(clock());
    let name = prop_oneof![
        "[a-zA-Z_./:-]{1,12}",
        any::<String>(),
        Just("role".to_owned()),
        Just("exp".to_owned())
    ];
    let added = prop::collection::vec((name, any_json()), 0..6);
    let metadata = prop::collection::btree_map(any::<String>(), any_json(), 0..4);
    let texts = prop::collection::vec(any::<String>(), 0..4);
    proptest!(|(added in added, metadata in metadata, texts in texts)| {
        let mut claims = claims(&user);
        let mut names = BTreeSet::new();
        for (name, value) in added {
            if let Ok(more) = claims.clone().with_claim(&name, value) {
                prop_assert!(names.insert(name));
                claims = more;
            }
        }
        if let Ok(more) = claims.clone().with_user_metadata(metadata.into_iter().collect()) {
            claims = more;
        }
        if let Ok(more) = claims.clone().with_permissions(texts) {
            claims = more;
        }
        assert_is_a_users(&claims, &minter);
    });
}
