//! Tokens signed by Hexclave's own JavaScript, judged as Convex does.

use std::sync::Arc;

use hexclave_convex::{AuthConfig, ConvexVerifier};
use hexclave_core::{AcceptedKinds, AccessToken, KeySet, ProjectConfig, ProjectKeys, UserKind};
use hexclave_testkit::{
    TestClock,
    hexclave::{Issuer, ServerSecret},
};
use hexclave_tests::{node, subject};
use serde_json::{Value, json};

const SERVER_SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// The server's anonymous users have a key with a short coordinate: by the document that upstream publishes, Convex refuses
/// their tokens, and by the keys in our configuration it takes them.
#[tokio::test]
async fn convex_takes_upstreams_tokens_by_inline_keys() {
    let project = ProjectConfig::builder()
        .project_id("11111111-2222-4333-8444-555555555555".parse().expect("a project"))
        .build()
        .expect("a config");
    let issuer = Issuer::new(
        &ServerSecret::new(SERVER_SECRET).expect("a secret"),
        project.clone(),
    )
    .expect("an issuer");
    let subjects = UserKind::ALL.map(subject);
    let asked: Vec<Value> = subjects
        .iter()
        .map(|subject| {
            let mut payload = serde_json::to_value(issuer.claims(subject, 0)).expect("claims");
            let payload = payload.as_object_mut().expect("an object");
            let [issuer_url, audience, ..] = ["iss", "aud", "iat", "exp"].map(|name| payload.remove(name));
            json!({ "audience": audience, "issuer": issuer_url, "expirationTime": "10min", "payload": payload })
        })
        .collect();
    let signed = node::run(
        "sign-upstream.mjs",
        &json!({ "serverSecret": SERVER_SECRET, "tokens": asked }),
    );
    let document = |kind| signed["jwks"][project.audience(kind)].clone();
    let keys = UserKind::ALL
        .into_iter()
        .fold(ProjectKeys::default(), |keys, kind| {
            let set = KeySet::from_json(document(kind).to_string().as_bytes()).expect("usable keys");
            keys.with(kind, set)
        });
    let builder = || AuthConfig::for_project(&project).kinds(AcceptedKinds::ALL);
    let inline = builder().build_inline(&keys).expect("keys");
    assert_eq!(inline.review_keys(&project, &keys), []);
    // What a fetch would bring.
    let published: Vec<_> = builder()
        .build()
        .providers()
        .iter()
        .zip(inline.providers())
        .map(|(provider, inline)| {
            assert_eq!(provider.issuer(), inline.issuer());
            let kind = UserKind::ALL
                .into_iter()
                .find(|kind| Some(project.audience(*kind).as_str()) == provider.application_id());
            json!({
                "type": "customJwt", "applicationID": provider.application_id(), "issuer": provider.issuer(),
                "jwks": format!("data:,{}", document(kind.expect("a kind"))), "algorithm": "ES256",
            })
        })
        .collect();
    let published = AuthConfig::from_json(&json!(published).to_string()).expect("a list");

    let issued_at = |token: &AccessToken| {
        let payload = token.expose().split('.').nth(1).expect("a payload").to_owned();
        let payload = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, payload);
        let payload: Value = serde_json::from_slice(&payload.expect("base64url")).expect("JSON");
        payload["iat"].as_u64().expect("a time")
    };
    for (subject, token) in subjects.iter().zip(signed["tokens"].as_array().expect("tokens")) {
        let token = AccessToken::from(token.as_str().expect("a text"));
        let judge = async |config: &AuthConfig| {
            let verifier = ConvexVerifier::builder(config.clone())
                .clock(Arc::new(TestClock::at(issued_at(&token))))
                .on_websocket(true)
                .build()
                .expect("a verifier");
            (verifier.verify(&token).await, verifier.explain(&token).await)
        };
        let kind = subject.kind();
        let (identity, explanation) = judge(&inline).await;
        let identity = identity.expect("an identity");
        assert_eq!(identity.subject(), subject.id.to_string(), "{kind}");
        let claims = serde_json::to_value(issuer.claims(subject, 0)).expect("claims");
        assert_eq!(identity.get("email"), Some(&claims["email"]), "{kind}");
        assert!(explanation.is_accepted(), "{explanation}");

        let (identity, explanation) = judge(&published).await;
        assert_eq!(identity.is_err(), kind == UserKind::Anonymous, "{kind}");
        if kind == UserKind::Anonymous {
            assert!(explanation.to_string().contains("--jwks inline"), "{explanation}");
        }
    }
}
