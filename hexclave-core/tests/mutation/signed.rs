//! What the owner of the keys can sign.

use std::{cell::Cell, collections::BTreeMap};

use hexclave_core::UserKind;
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use serde_json::{Map, Value, json};

use crate::{
    NOW,
    changes::{apply, claim_change, header_change},
    claims, header, issuer, replaced,
    rules::ought_to_pass,
    subject, verifier, verify,
};

/// Each byte of the JSON text that is signed, replaced before signing: what a reader of the text takes it to say
/// decides, also where the text is almost JSON.
#[tokio::test]
async fn signed_payloads_are_judged_by_what_they_say() {
    let verifier = verifier();
    let issuer = issuer();
    let (mut accepted, mut refused) = (0, 0);
    for kind in UserKind::ALL {
        let [key, _] = issuer.keys(kind);
        let header = header(key);
        let payload = serde_json::to_string(&issuer.claims(&subject(kind), NOW)).expect("JSON");
        for position in 0..payload.len() {
            for other in ['"', '\\', '0', 'é'] {
                let altered = replaced(&payload, position, other);
                let token = key.sign(&header.to_string(), &altered).expect("a token");
                let ought = serde_json::from_str(&altered)
                    .is_ok_and(|claims| ought_to_pass(&header, &claims, kind, key));
                let passed = verify(&verifier, &token).await;
                assert_eq!(passed.is_ok(), ought, "{altered}: {passed:?}");
                *(if ought { &mut accepted } else { &mut refused }) += 1;
            }
        }
    }
    assert!(accepted > 1_000 && refused > 5_000, "{accepted}, {refused}");
}

#[tokio::test]
async fn signed_headers_are_judged_by_what_they_say() {
    let verifier = verifier();
    let issuer = issuer();
    let (mut accepted, mut refused) = (0, 0);
    for kind in UserKind::ALL {
        let [key, _] = issuer.keys(kind);
        let claims = claims(kind);
        let header = header(key).to_string();
        for position in 0..header.len() {
            let (before, after) = header.split_at(position);
            for other in ['"', '\\', ',', ':', '}', '[', ' ', '\t', '\0', '0', 'a', 'E', 'é'] {
                for altered in [
                    replaced(&header, position, other),
                    format!("{before}{other}{after}"),
                ] {
                    let token = key.sign(&altered, &claims.to_string()).expect("a token");
                    let ought = serde_json::from_str(&altered)
                        .is_ok_and(|header| ought_to_pass(&header, &claims, kind, key));
                    let passed = verify(&verifier, &token).await;
                    assert_eq!(passed.is_ok(), ought, "{altered}: {passed:?}");
                    *(if ought { &mut accepted } else { &mut refused }) += 1;
                }
            }
        }
    }
    assert!(accepted > 30 && refused > 2_000, "{accepted}, {refused}");
}

/// Claims may nest, but not so deeply that reading them would run out of stack.
#[tokio::test]
async fn nested_claims_are_read_or_refused() {
    let issuer = issuer();
    let [key, _] = issuer.keys(UserKind::Normal);
    let header = header(key).to_string();
    let claims = claims(UserKind::Normal).to_string();
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        for depth in [10, 100, 200, 1_500] {
            let nested = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            for payload in [
                claims.replacen('{', &format!(r#"{{"x":{nested},"#), 1),
                claims.replacen('{', &format!(r#"{{"x":{},"#, open.repeat(depth)), 1),
                nested,
            ] {
                let whole = serde_json::from_str::<Map<String, Value>>(&payload)
                    .is_ok_and(|claims| claims.contains_key("sub"));
                let token = key.sign(&header, &payload).expect("a token");
                let passed = verify(&verifier(), &token).await.map(drop);
                assert_eq!(passed.is_ok(), whole, "{passed:?} {depth} {open}");
            }
        }
    }
}

/// Whatever the owner of the keys signs: no panic, and what passes is what the rules let pass.
#[test]
fn signed_tokens_pass_when_their_claims_agree() {
    const CLAIMS: &[&str] = &[
        "iss",
        "aud",
        "exp",
        "iat",
        "nbf",
        "sub",
        "project_id",
        "branch_id",
        "branchId",
        "refresh_token_id",
        "refreshTokenId",
        "role",
        "name",
        "email",
        "email_verified",
        "selected_team_id",
        "signed_up_at",
        "is_anonymous",
        "is_restricted",
        "restricted_reason",
        "requires_totp_mfa",
        "jti",
        "plan",
    ];
    const HEADER: &[&str] = &[
        "alg", "kid", "typ", "crit", "b64", "cty", "jku", "jwk", "x5c", "zip",
    ];
    let kinds = || select(UserKind::ALL.as_slice());
    let perhaps_another = || prop::option::weighted(0.1, kinds());
    let strategy = (
        (kinds(), [(); 3].map(|()| perhaps_another())),
        0..2_usize,
        vec(claim_change(CLAIMS), 0..4),
        prop_oneof![3 => Just(Vec::new()), 1 => vec(header_change(HEADER), 1..3)],
    );
    let config = ProptestConfig {
        cases: 3_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let (verifier, issuer) = (verifier(), issuer());
    let as_issued = BTreeMap::from(UserKind::ALL.map(|kind| (kind, claims(kind))));
    let (accepted, refused) = (Cell::new(0), Cell::new(0));

    let result = runner.run(&strategy, |(kinds, key, claim_changes, header_changes)| {
        let (kind, [issued_as, addressed_as, signed_as]) = kinds;
        let mut claims = as_issued[&kind].clone();
        claims["iss"] = as_issued[&issued_as.unwrap_or(kind)]["iss"].clone();
        claims["aud"] = as_issued[&addressed_as.unwrap_or(kind)]["aud"].clone();
        apply(&mut claims, claim_changes);
        let signer = signed_as.unwrap_or(kind);
        let key = &issuer.keys(signer)[key];
        let mut header = header(key);
        apply(&mut header, header_changes);
        let token = key
            .sign(&header.to_string(), &claims.to_string())
            .map_err(|error| TestCaseError::fail(error.to_string()))?;

        let passed = runtime.block_on(verify(&verifier, &token));
        let ought = ought_to_pass(&header, &claims, signer, key);
        prop_assert_eq!(passed.is_ok(), ought, "{} {}: {:?}", header, claims, passed);
        if let Ok(user) = passed {
            prop_assert_eq!(user.kind(), signer);
            prop_assert_eq!(json!(user.id().to_string()), claims["sub"].clone());
            prop_assert_eq!(user.name(), claims.get("name").and_then(Value::as_str));
            prop_assert_eq!(user.email(), claims.get("email").and_then(Value::as_str));
            prop_assert_eq!(
                user.email_verified(),
                claims.get("email_verified") == Some(&json!(true))
            );
            prop_assert_eq!(user.payload(), claims.to_string());
        }
        let count = if ought { &accepted } else { &refused };
        count.set(count.get() + 1);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    assert!(
        accepted.get() > 500 && refused.get() > 1_500,
        "{accepted:?} {refused:?}"
    );
}
