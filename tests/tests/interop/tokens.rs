//! Tokens signed by Hexclave's own JavaScript verify with our verifier, and tokens of the local Hexclave verify with the
//! npm package `jose`.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use hexclave_core::{AcceptedKinds, AccessToken, KeySet, ProjectKeys, UserKind, Verifier};
use hexclave_testkit::{
    TestClock,
    hexclave::{Issuer, LocalHexclave, ServerSecret},
};
use hexclave_tests::{node, subject};
use serde_json::{Value, json};

const SERVER_SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn issuer() -> Issuer {
    let config = hexclave_core::ProjectConfig::builder()
        .project_id("11111111-2222-4333-8444-555555555555".parse().expect("a project"))
        .build()
        .expect("a config");
    Issuer::new(&ServerSecret::new(SERVER_SECRET).expect("a secret"), config).expect("an issuer")
}

fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs()
}

#[tokio::test]
async fn tokens_signed_by_hexclaves_own_code_verify() {
    let issuer = issuer();
    let subjects = UserKind::ALL.map(subject);
    let asked: Vec<Value> = subjects
        .iter()
        .map(|subject| {
            let mut payload = serde_json::to_value(issuer.claims(subject, 0)).expect("claims");
            let payload = payload.as_object_mut().expect("an object");
            let issuer_url = payload.remove("iss");
            let audience = payload.remove("aud");
            payload.remove("iat");
            payload.remove("exp");
            json!({ "audience": audience, "issuer": issuer_url, "expirationTime": "10min", "payload": payload })
        })
        .collect();
    let signed = node::run(
        "sign-upstream.mjs",
        &json!({ "serverSecret": SERVER_SECRET, "tokens": asked }),
    );

    // Their key sets are ours, to the byte.
    let mut keys = ProjectKeys::default();
    for kind in UserKind::ALL {
        let theirs = &signed["jwks"][issuer.config().audience(kind)];
        let ours: Vec<_> = issuer.keys(kind).iter().map(|key| key.jwk()).collect();
        assert_eq!(theirs, &json!({ "keys": ours }), "{kind}");
        let theirs = KeySet::from_json(theirs.to_string().as_bytes()).expect("usable keys");
        keys = keys.with(kind, theirs);
    }

    let verifier = Verifier::builder(issuer.config().clone())
        .keys(keys)
        .accept(AcceptedKinds::ALL);
    let verifier = verifier.build().expect("a verifier");
    for (subject, token) in subjects.iter().zip(signed["tokens"].as_array().expect("tokens")) {
        let token = token.as_str().expect("a token");
        let user = verifier.verify(&AccessToken::from(token)).await.expect("a user");
        assert_eq!((user.kind(), user.id()), (subject.kind(), subject.id));

        // The local Hexclave would have written the same bytes.
        let issued_at = user
            .issued_at()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970")
            .as_secs();
        let ours = serde_json::to_string(&issuer.claims(subject, issued_at)).expect("claims");
        assert_eq!(user.payload(), ours);
    }
}

#[tokio::test]
async fn tokens_of_the_local_hexclave_verify_with_jose() {
    let clock = Arc::new(TestClock::at(unix_seconds()));
    let hexclave = LocalHexclave::builder()
        .project_id("11111111-2222-4333-8444-555555555555".parse().expect("a project"))
        .server_secret(ServerSecret::new(SERVER_SECRET).expect("a secret"))
        .require_email_verification(true)
        .clock(Arc::clone(&clock) as Arc<_>)
        .start()
        .await
        .expect("a server");
    let restricted = hexclave
        .sign_up("ada@example.com", "correct horse")
        .await
        .expect("tokens");
    hexclave.verify_email(restricted.user_id).expect("an address");
    let normal = hexclave
        .sign_in("ada@example.com", "correct horse")
        .await
        .expect("tokens");
    let guest = hexclave.sign_up_anonymously().await.expect("tokens");

    let config = hexclave.config();
    let expectation = |token: &AccessToken, kind| {
        json!({
            "token": token.expose(),
            "issuer": config.api_url().issuer(config.project_id(), kind),
            "audience": config.audience(kind),
        })
    };
    let asked = json!({
        "jwksUrl": config.api_url().jwks_url(config.project_id(), UserKind::Anonymous),
        "tokens": [
            expectation(&normal.access_token, UserKind::Normal),
            expectation(&restricted.access_token, UserKind::Restricted),
            expectation(&guest.access_token, UserKind::Anonymous),
            expectation(&guest.access_token, UserKind::Normal),
        ],
    });
    // Node asks our server for its keys, so this thread must be free to answer.
    let checked = tokio::task::spawn_blocking(move || node::run("verify-jose.mjs", &asked))
        .await
        .expect("a result");
    let results = checked["results"].as_array().expect("a list");
    for (result, user_id) in results
        .iter()
        .zip([normal.user_id, restricted.user_id, guest.user_id])
    {
        assert_eq!(result["ok"], true, "{result}");
        assert_eq!(result["payload"]["sub"], user_id.to_string());
        assert_eq!(result["header"].as_object().expect("a header").len(), 2);
    }
    assert_eq!(results[3]["code"], "ERR_JWT_CLAIM_VALIDATION_FAILED");
}
