//! The identities of Hexclave's kinds of users, from tokens that hexclave-core has verified.
#![allow(clippy::expect_used, reason = "all of this is test code")]

mod support;

use std::sync::Arc;

use hexclave_convex::{AuthConfig, ConvexVerifier, UserIdentity};
use hexclave_core::{AcceptedKinds, KeySet, ProjectConfig, ProjectKeys, User, UserKind, Verifier};
use serde_json::{Value, json};
use support::{Frozen, HEADER, NOW, PROJECT, changed, data_uri, jwk, normal_payload, signed, verifier};

async fn user(payload: &str) -> User {
    let set = KeySet::from_json(json!({ "keys": [jwk()] }).to_string().as_bytes()).expect("a key set");
    let keys = UserKind::ALL
        .into_iter()
        .fold(ProjectKeys::default(), |keys, kind| keys.with(kind, set.clone()));
    let config = ProjectConfig::builder()
        .project_id(PROJECT.parse().expect("a project id"))
        .build();
    let core = Verifier::builder(config.expect("a project"))
        .accept(AcceptedKinds::ALL)
        .keys(keys)
        .clock(Arc::new(Frozen(NOW)))
        .build()
        .expect("a verifier");
    core.verify(&signed(HEADER, payload)).await.expect("a good token")
}

/// Convex with a provider for each kind of user at each host.
fn everybody() -> ConvexVerifier {
    let jwks = data_uri(&json!({ "keys": [jwk()] }));
    let project = ProjectConfig::builder().project_id(PROJECT.parse().expect("a project id"));
    let config = AuthConfig::for_project(&project.build().expect("a project"))
        .kinds(AcceptedKinds::ALL)
        .build();
    let with_keys = config.providers().iter().map(|provider| {
        json!({
            "type": "customJwt", "applicationID": provider.application_id(), "issuer": provider.issuer(),
            "jwks": jwks, "algorithm": "ES256",
        })
    });
    verifier(with_keys.collect())
}

fn payload(kind: UserKind, reason: &str) -> String {
    let (folder, audience) = match kind {
        UserKind::Normal => ("projects", PROJECT.to_owned()),
        UserKind::Restricted => ("projects-restricted-users", format!("{PROJECT}:restricted")),
        UserKind::Anonymous => ("projects-anonymous-users", format!("{PROJECT}:anon")),
    };
    changed(
        normal_payload(),
        json!({
            "iss": format!("https://api.stack-auth.com/api/v1/{folder}/{PROJECT}"), "aud": audience,
            "is_anonymous": kind == UserKind::Anonymous, "is_restricted": true,
            "restricted_reason": { "type": reason },
        }),
    )
}

#[tokio::test]
async fn each_kind_of_user_has_its_identity() {
    let restricted = |folder: &str, anonymous: bool, reason: &str| {
        let issuer = format!("https://api.stack-auth.com/api/v1/{folder}/{PROJECT}");
        format!(
            r#"{{"tokenIdentifier":"{issuer}|aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","issuer":"{issuer}","subject":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","branch_id":"main","email":"zoe@example.com","email_verified":true,"is_anonymous":{anonymous},"is_restricted":true,"name":"Zoë Example","project_id":"{PROJECT}","refresh_token_id":"99999999-8888-4777-8666-555555555555","requires_totp_mfa":false,"restricted_reason.type":"{reason}","role":"authenticated","selected_team_id":null,"signed_up_at":1750000000}}"#
        )
    };
    for (name, payload, expected) in [
        (
            "normal",
            normal_payload().to_string(),
            r#"{"tokenIdentifier":"https://api.hexclave.com/api/v1/projects/11111111-2222-4333-8444-555555555555|aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","issuer":"https://api.hexclave.com/api/v1/projects/11111111-2222-4333-8444-555555555555","subject":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","branch_id":"main","email":"zoe@example.com","email_verified":true,"is_anonymous":false,"is_restricted":false,"name":"Zoë Example","project_id":"11111111-2222-4333-8444-555555555555","refresh_token_id":"99999999-8888-4777-8666-555555555555","requires_totp_mfa":false,"restricted_reason":null,"role":"authenticated","selected_team_id":null,"signed_up_at":1750000000}"#.to_owned(),
        ),
        (
            "restricted, e-mail",
            payload(UserKind::Restricted, "email_not_verified"),
            restricted("projects-restricted-users", false, "email_not_verified"),
        ),
        (
            "restricted, administrator",
            payload(UserKind::Restricted, "restricted_by_administrator"),
            restricted("projects-restricted-users", false, "restricted_by_administrator"),
        ),
        (
            "anonymous",
            payload(UserKind::Anonymous, "anonymous"),
            restricted("projects-anonymous-users", true, "anonymous"),
        ),
    ] {
        let identity = UserIdentity::of(&user(&payload).await).expect(name);
        assert_eq!(identity.to_json(), expected, "{name}");
        let from_convex = everybody().verify(&signed(HEADER, &payload)).await;
        assert_eq!(from_convex.expect(name), identity, "{name}");
        assert_eq!(serde_json::to_string(&identity).expect("JSON"), expected, "{name}");
    }
}

#[tokio::test]
async fn members_are_found_by_the_names_that_functions_see() {
    let payload = payload(UserKind::Anonymous, "anonymous");
    let identity = UserIdentity::of(&user(&payload).await).expect("an identity");
    assert_eq!(identity.subject(), "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee");
    assert_eq!(
        identity.token_identifier(),
        format!("{}|{}", identity.issuer(), identity.subject())
    );
    assert_eq!(
        identity.get("subject").and_then(Value::as_str),
        Some(identity.subject())
    );
    assert_eq!(identity.get("email_verified"), Some(&json!(true)));
    assert_eq!(identity.get("restricted_reason.type"), Some(&json!("anonymous")));
    for absent in [
        "emailVerified",
        "restricted_reason",
        "aud",
        "exp",
        "iat",
        "iss",
        "sub",
    ] {
        assert_eq!(identity.get(absent), None, "{absent}");
    }
    let shown = format!("{identity:?}");
    assert!(
        shown.contains(identity.subject()) && !shown.contains("zoe"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_claim_that_hides_the_subject_is_refused() {
    let payload = changed(normal_payload(), json!({ "subject": "somebody else" }));
    let error = UserIdentity::of(&user(&payload).await).expect_err("a hidden subject");
    assert_eq!((error.code(), error.http_status()), ("InvalidAuthHeader", 401));
    assert!(!error.to_string().contains("somebody"), "{error}");
}
