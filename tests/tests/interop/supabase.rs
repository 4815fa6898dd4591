//! Supabase tokens beside the packages that Supabase itself is made of: `jose` accepts ours and we accept its, and
//! `@supabase/supabase-js` sends them where they belong.

use std::sync::Arc;

use hexclave_core::{AcceptedKinds, User, UserKind};
use hexclave_supabase::{
    ClaimsPolicy, ErrorKind, JwtSecret, Minter, SigningKey, SupabaseClaims, SupabaseJwks, SupabaseVerifier,
    VerifyingKey,
};
use hexclave_testkit::{TestClock, hexclave::Issuer};
use hexclave_tests::{NOW, node, subject, user};
use serde_json::{Value, json};

const SECRET: &str = "super-secret-jwt-token-with-at-least-32-characters-long";

fn secret() -> JwtSecret {
    JwtSecret::new(SECRET).expect("a secret")
}

fn clock() -> Arc<TestClock> {
    Arc::new(TestClock::at(NOW))
}

/// With everything that can be said about somebody.
fn claims(user: &User) -> SupabaseClaims {
    let team = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb".parse().expect("a team");
    let metadata = json!({ "name": "Zo\u{eb} \u{1f511} \u{2028}" });
    ClaimsPolicy::new()
        .email()
        .aal()
        .app_metadata()
        .claims(user)
        .and_then(|claims| claims.with_teams([team]))
        .and_then(|claims| claims.with_permissions(["read_docs"]))
        .and_then(|claims| claims.with_user_metadata(metadata.as_object().expect("an object").clone()))
        .and_then(|claims| claims.with_claim("plan", json!({ "tier": 3, "beta": [true, null, 0.5] })))
        .expect("claims")
}

/// `jose` signs with keys that it has made; we verify, and sign with the same keys what it verifies.
#[tokio::test]
async fn jose_and_we_accept_each_others_tokens() {
    let user = user(UserKind::Normal).await;
    let claims = claims(&user);
    let mut payload: Value = serde_json::to_value(&claims).expect("JSON");
    payload["iat"] = json!(NOW);
    payload["exp"] = json!(NOW + 3600);
    let signed = node::run("supabase/sign.mjs", &json!({ "payload": payload }));

    let mut minted = Vec::new();
    let mut verifier = SupabaseVerifier::new(secret()).clock(clock());
    let mut jwks = SupabaseJwks::default();
    let shared = SigningKey::hs256("shared", SECRET.as_bytes()).expect("a key");
    for key in [SigningKey::from(secret()), shared] {
        let minter = Minter::new(key.clone()).clock(clock());
        minted.push(minter.sign(&claims).expect("a token"));
        jwks = jwks.and(&key).expect("a key");
    }
    for key in signed["keys"].as_array().expect("a list") {
        let public = VerifyingKey::from_jwk(&key["publicJwk"]).expect("a key");
        let jwk = SigningKey::from_jwk(&key["privateJwk"].to_string()).expect("a key");
        let pem = key["pem"].as_str().expect("a text");
        let pem = SigningKey::from_pem(jwk.id().expect("a name"), pem).expect("a key");
        for private in [jwk, pem] {
            assert!(private.verifying_key() == public);
            let minter = Minter::new(private).clock(clock());
            minted.push(minter.sign(&claims).expect("a token"));
        }
        jwks = jwks.and(public.clone()).expect("a key");
        verifier = verifier.and(public);
        let theirs = key["token"].as_str().expect("a text");
        let theirs = verifier.verify(theirs).expect("a user's");
        assert_eq!(theirs.user_id(), user.id());
        assert_eq!(serde_json::to_value(theirs.claims()).expect("JSON"), payload);
    }

    let forged = minted[0]
        .expose()
        .replace("eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJub25lIn0");
    let tokens: Vec<&str> = minted
        .iter()
        .map(|token| token.expose())
        .chain([&*forged])
        .collect();
    let jwks: Value = serde_json::from_str(jwks.self_hosted().expose()).expect("JSON");
    let check = |now: u64| {
        let asked = json!({ "secret": SECRET, "jwks": jwks, "now": now, "tokens": tokens });
        let checked = node::run("supabase/verify.mjs", &asked);
        checked["results"].as_array().expect("a list").clone()
    };
    let results = check(NOW);
    let (last, good) = results.split_last().expect("results");
    assert_eq!((good.len(), &last["ok"]), (6, &json!(false)));
    for result in good {
        assert_eq!(
            (&result["ok"], &result["payload"]),
            (&json!(true), &payload),
            "{result}"
        );
    }

    // At its end a token is refused by both.
    for result in &check(NOW + 3600)[..6] {
        assert_eq!(result["code"], "ERR_JWT_EXPIRED");
    }
    let late = verifier.clock(Arc::new(TestClock::at(NOW + 3605)));
    let error = late.verify(minted[0].expose()).expect_err("expired");
    assert_eq!(error.kind(), ErrorKind::TokenExpired);
}

/// Without minting: Hexclave's own tokens, verified by the document that is written for Supabase.
#[test]
fn jose_accepts_hexclaves_tokens_by_our_document_for_the_kinds_chosen() {
    let issuer = Issuer::random().expect("an issuer");
    let keys = issuer.project_keys().expect("keys");
    let tokens = UserKind::ALL.map(|kind| issuer.token(&subject(kind), NOW).expect("a token"));
    for (kinds, expected) in [
        (AcceptedKinds::default(), [true, false, false]),
        (
            AcceptedKinds::default().and(UserKind::Anonymous),
            [true, false, true],
        ),
        (AcceptedKinds::ALL, [true, true, true]),
    ] {
        let jwks = SupabaseJwks::of_project(&keys, kinds)
            .and_then(|jwks| jwks.third_party_auth())
            .expect("keys");
        let asked = json!({
            "secret": SECRET, "jwks": jwks["custom_jwks"], "audience": null, "now": NOW, "tokens": tokens,
        });
        let checked = node::run("supabase/verify.mjs", &asked);
        let results = checked["results"].as_array().expect("a list");
        for (result, expected) in results.iter().zip(expected) {
            assert_eq!(result["ok"], expected, "{kinds}: {result}");
            if !expected {
                assert_eq!(result["code"], "ERR_JWKS_NO_MATCHING_KEY", "{kinds}");
            }
        }
    }
}

#[tokio::test]
async fn supabase_js_sends_the_token_with_every_request() {
    let token = Minter::new(secret())
        .clock(clock())
        .mint(&user(UserKind::Normal).await)
        .expect("a token");
    let api_key = "sb_publishable_of_nobody";
    let asked = json!({ "apiKey": api_key, "token": token.expose() });
    let sent = node::run("supabase/send.mjs", &asked);
    let requests = sent["requests"].as_array().expect("a list");
    let verifier = SupabaseVerifier::new(secret()).clock(clock());
    for (method, path) in [
        ("GET", "/rest/v1/data"),
        ("POST", "/rest/v1/data"),
        ("POST", "/rest/v1/rpc/now"),
        ("POST", "/storage/v1/object/list/files"),
        ("POST", "/functions/v1/hello"),
    ] {
        let request = requests
            .iter()
            .find(|request| request["method"] == method && request["path"] == path)
            .expect(path);
        assert_eq!(request["apikey"], api_key, "{path}");
        let authorization = request["authorization"].as_str().expect("a header");
        let bearer = authorization.strip_prefix("Bearer ").expect("a bearer token");
        assert_eq!(bearer, token.expose(), "{path}");
        assert!(verifier.verify(bearer).is_ok(), "{path}");
    }
    assert_eq!(requests.len(), 5);
    let expected = json!([{ "topic": "realtime:room", "accessToken": token.expose() }]);
    assert_eq!(sent["joins"], expected);

    // `null`, which the callback returns when nobody is signed in, leaves the API key alone.
    let sent = node::run("supabase/send.mjs", &json!({ "apiKey": api_key, "token": null }));
    for request in sent["requests"].as_array().expect("a list") {
        assert_eq!(request["authorization"], format!("Bearer {api_key}"));
    }
}
