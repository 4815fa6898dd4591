//! What a person is told about a token, for each mistake that people make; the whole texts are in `golden/explain`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "all of this is test code"
)]

mod support;

use std::{env, fs, path::Path, sync::Arc};

use hexclave_convex::{AuthConfig, ConvexVerifier, Explanation, Step, StepOutcome};
use hexclave_core::AccessToken;
use serde_json::{Value, json};
use support::{
    Frozen, HEADER, ISSUER, NOW, PROJECT, changed, data_uri, jwk, normal_payload, provider, short_jwk,
    signed, signed_by_short,
};

const OTHER_PROJECT: &str = "22222222-2222-4333-8444-555555555555";
const GUESTS: &str =
    "https://api.hexclave.com/api/v1/projects-anonymous-users/11111111-2222-4333-8444-555555555555";

fn keys() -> String {
    data_uri(&json!({ "keys": [jwk()] }))
}

fn configured(changes: Value) -> Value {
    let text = changed(provider(&keys()), changes);
    json!([serde_json::from_str::<Value>(&text).expect("JSON")])
}

fn token(changes: Value) -> AccessToken {
    signed(HEADER, &changed(normal_payload(), changes))
}

fn text(text: &str) -> AccessToken {
    AccessToken::from(text)
}

async fn explained(providers: &Value, token: &AccessToken, on_websocket: bool) -> Explanation {
    let config = AuthConfig::from_json(&providers.to_string()).expect("a provider list");
    let verifier = ConvexVerifier::builder(config)
        .clock(Arc::new(Frozen(NOW)))
        .on_websocket(on_websocket)
        .build()
        .expect("a verifier");
    verifier.explain(token).await
}

/// What has to hold of every explanation.
fn assert_sound(name: &str, explanation: &Explanation, token: &AccessToken) {
    let (report, json) = (explanation.to_string(), explanation.to_json());
    for part in token.expose().split('.').filter(|part| part.len() > 8) {
        for shown in [&report, &json.to_string(), &format!("{explanation:?}")] {
            assert!(!shown.contains(part), "{name}: a part of the token is in {shown}");
        }
    }
    assert!(
        !format!("{explanation:?}").contains("zoe@"),
        "{name}: personal data"
    );
    assert_eq!(
        explanation.fixes().is_empty(),
        explanation.is_accepted(),
        "{name}"
    );
    assert_eq!(
        explanation.identity().is_some(),
        explanation.is_accepted(),
        "{name}"
    );
    assert_eq!(explanation.error().is_none(), explanation.is_accepted(), "{name}");
    let failed = Step::ALL
        .iter()
        .filter(|step| explanation.outcome(**step) == StepOutcome::Failed);
    assert_eq!(failed.count(), usize::from(!explanation.is_accepted()), "{name}");
    assert_eq!(json["accepted"], explanation.is_accepted(), "{name}");
    assert_eq!(
        json["error"]["code"].as_str(),
        explanation.error().map(hexclave_convex::ConvexError::code),
        "{name}"
    );
    assert!(
        !report.contains('\u{1b}') && report.lines().all(|line| line == line.trim_end()),
        "{name}: {report}"
    );
}

fn assert_golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/explain")
        .join(format!("{name}.txt"));
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, actual).expect("a writable file");
    }
    let expected = fs::read_to_string(&path).expect("a golden file");
    assert_eq!(actual, expected, "{name}");
}

#[tokio::test]
async fn each_mistake_is_told_with_its_cure() {
    let good = || configured(json!({}));
    let rs256 = || {
        signed(
            r#"{"alg":"RS256","kid":"dgOjIEmKsTiF"}"#,
            &normal_payload().to_string(),
        )
    };
    let guest = || token(json!({ "iss": GUESTS, "aud": format!("{PROJECT}:anon") }));
    let both = json!([
        provider(&keys()),
        { "type": "customJwt", "issuer": ISSUER, "jwks": "data:,{\"keys\":[]}", "algorithm": "ES256" },
    ]);
    for (name, providers, token) in [
        ("accepted", good(), token(json!({}))),
        ("accepted-late", good(), token(json!({ "exp": NOW - 3 }))),
        (
            "accepted-guest-without-audience",
            configured(json!({ "issuer": GUESTS, "applicationID": null })),
            guest(),
        ),
        (
            "host-alias",
            good(),
            token(json!({ "iss": ISSUER.replace("hexclave.com", "stack-auth.com") })),
        ),
        (
            "host-other",
            good(),
            token(json!({ "iss": ISSUER.replace("api.hexclave.com", "hexclave.example.com") })),
        ),
        (
            "scheme",
            configured(json!({ "issuer": ISSUER.replace("https", "http") })),
            token(json!({})),
        ),
        (
            "spelling",
            configured(json!({ "issuer": ISSUER.replace("api.", "API.") })),
            token(json!({})),
        ),
        (
            "trailing-slash-is-no-mistake",
            configured(json!({ "issuer": format!("{ISSUER}/") })),
            token(json!({})),
        ),
        ("guest", good(), guest()),
        (
            "project",
            good(),
            token(json!({ "iss": ISSUER.replace(PROJECT, OTHER_PROJECT), "aud": OTHER_PROJECT })),
        ),
        ("audience", good(), token(json!({ "aud": OTHER_PROJECT }))),
        (
            "audience-kind",
            configured(json!({ "applicationID": format!("{PROJECT}:anon") })),
            token(json!({})),
        ),
        ("no-audience", good(), token(json!({ "aud": null }))),
        (
            "variable-not-set",
            configured(
                json!({ "issuer": ISSUER.replace(PROJECT, "undefined"), "applicationID": "undefined" }),
            ),
            token(json!({})),
        ),
        ("nothing-configured", json!([]), token(json!({}))),
        (
            "not-hexclaves",
            good(),
            token(json!({ "iss": "https://clerk.example.com", "aud": "convex" })),
        ),
        (
            "oidc",
            json!([{ "applicationID": PROJECT, "domain": ISSUER }]),
            token(json!({})),
        ),
        (
            "keys-unreachable",
            configured(json!({ "jwks": "http://127.0.0.1:0/jwks.json" })),
            token(json!({})),
        ),
        (
            "keys-no-url",
            configured(json!({ "jwks": "api.hexclave.com/jwks.json" })),
            token(json!({})),
        ),
        (
            "keys-spoiled",
            configured(
                json!({ "jwks": data_uri(&json!({ "keys": [jwk(), { "kty": "EC", "crv": "secp256k1" }] })) }),
            ),
            token(json!({})),
        ),
        (
            "key-short",
            configured(json!({ "jwks": data_uri(&json!({ "keys": [short_jwk()] })) })),
            signed_by_short(HEADER, &normal_payload().to_string()),
        ),
        (
            "key-unknown",
            good(),
            signed(
                r#"{"alg":"ES256","kid":"oCnY3DC4bxay"}"#,
                &normal_payload().to_string(),
            ),
        ),
        (
            "algorithm-of-the-provider",
            configured(json!({ "algorithm": "RS256" })),
            token(json!({})),
        ),
        ("algorithm-of-the-token", good(), rs256()),
        (
            "key-not-named",
            good(),
            signed(r#"{"alg":"ES256"}"#, &normal_payload().to_string()),
        ),
        (
            "signature",
            good(),
            signed_by_short(HEADER, &normal_payload().to_string()),
        ),
        ("shadowed", both, token(json!({}))),
        (
            "expired",
            good(),
            token(json!({ "exp": NOW - 3600, "iat": NOW - 4200 })),
        ),
        ("from-the-future", good(), token(json!({ "iat": NOW + 60 }))),
        ("no-user", good(), token(json!({ "sub": null }))),
        ("empty", good(), text("")),
        ("bearer", good(), text("Bearer eyJhbGciOiJFUzI1NiJ9.e30.AAAA")),
        ("refresh-token", good(), text("6cq8vn1a3x9k2m5t7w0z4b")),
    ] {
        let explanation = explained(&providers, &token, false).await;
        assert_sound(name, &explanation, &token);
        let mut report = explanation.to_string();
        if name == "keys-unreachable" {
            // How the operating system says it.
            report = report
                .lines()
                .filter(|line| !line.contains("because:"))
                .map(|line| format!("{line}\n"))
                .collect();
        }
        assert_golden(name, &report);
    }
    let late = token(json!({ "exp": NOW - 3 }));
    let explanation = explained(&good(), &late, true).await;
    assert_sound("websocket", &explanation, &late);
    assert_golden("websocket", &explanation.to_string());
}

#[tokio::test]
async fn what_was_pasted_instead_of_a_token_is_recognised() {
    for (pasted, said) in [
        ("{\"accessToken\":\"a.b.c\"}", "`accessToken`"),
        (
            "stackauth_eyJhY2Nlc3NUb2tlbiI6ImEuYi5jIn0",
            "getAuthorizationHeader",
        ),
        ("pck_0123456789", "API key"),
        ("ssk_0123456789", "API key"),
        ("\"a.b.c\"", "quotation marks"),
        ("a.b.c.d.e", "five parts"),
        ("abc", "refresh token"),
        ("e30.e30.AAAA", "who issued it"),
        ("e30.e3.AAAA", "copied whole"),
    ] {
        let explanation = explained(&json!([]), &text(pasted), false).await;
        assert!(
            explanation.fixes().concat().contains(said),
            "{pasted}: {explanation}"
        );
        assert_eq!(explanation.outcome(Step::Token), StepOutcome::Failed);
        assert_eq!(explanation.outcome(Step::Provider), StepOutcome::NotReached);
    }
}

/// The kinds that are configured already stay in the command that is proposed; a host is not proposed only because a token
/// names it, and no text of a token reaches a shell.
#[tokio::test]
async fn the_proposed_command_fits() {
    let origin = "http://localhost:8102";
    let issuer = |folder: &str| format!("{origin}/api/v1/{folder}/{PROJECT}");
    let restricted = || {
        token(json!({
            "iss": issuer("projects-restricted-users"), "aud": format!("{PROJECT}:restricted"),
        }))
    };
    let with_guests = configured(json!({
        "issuer": issuer("projects-anonymous-users"), "applicationID": format!("{PROJECT}:anon"),
    }));
    let fixes = explained(&with_guests, &restricted(), false)
        .await
        .fixes()
        .concat();
    let command = format!(
        "\n  hexclave-bridge convex auth-config --project-id {PROJECT} --api-url {origin} --kinds restricted,anonymous --out \
         convex/auth.config.ts\n"
    );
    assert!(fixes.contains(&command) && !fixes.contains("is yours"), "{fixes}");
    let elsewhere = configured(json!({}));
    let fixes = explained(&elsewhere, &restricted(), false).await.fixes().concat();
    assert!(fixes.contains("if that host is yours"), "{fixes}");

    let injected = token(json!({ "iss": ISSUER.replace("api.hexclave.com", "$(id).com") }));
    let report = explained(&json!([]), &injected, false).await.fixes().concat();
    assert!(!report.contains("$("), "{report}");
}

#[tokio::test]
async fn the_report_for_programs_has_all_of_it() {
    let alias = ISSUER.replace("hexclave.com", "stack-auth.com");
    let explanation = explained(&configured(json!({})), &token(json!({ "iss": alias })), false).await;
    let report = explanation.to_json();
    assert_eq!(
        report["token"],
        json!({
            "issuer": alias, "audience": [PROJECT], "subject": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", "kind": "normal",
            "projectId": PROJECT, "keyId": "dgOjIEmKsTiF", "algorithm": "ES256", "issuedAt": NOW - 21, "notBefore": null,
            "expiresAt": NOW + 579,
        })
    );
    assert_eq!(
        (&report["error"]["code"], &report["error"]["httpStatus"]),
        (&json!("NoAuthProvider"), &json!(401))
    );
    let outcomes: Vec<_> = report["steps"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|step| (step["name"].as_str(), step["outcome"].as_str()))
        .collect();
    assert_eq!(
        outcomes.get(..3),
        Some(
            [
                (Some("token"), Some("passed")),
                (Some("provider"), Some("failed")),
                (Some("keys"), Some("not_reached")),
            ]
            .as_slice()
        )
    );
    assert_eq!(report["nearest"][0]["differences"][0]["what"], "host_alias");
    assert_eq!(report["nearest"][0]["applicationID"], PROJECT);
    assert_eq!(report["fixes"].as_array().expect("a list").len(), 1);

    let accepted = explained(&configured(json!({})), &token(json!({})), true)
        .await
        .to_json();
    assert_eq!(
        (&accepted["error"], &accepted["provider"]),
        (&Value::Null, &json!(ISSUER))
    );
    assert_eq!(
        accepted["steps"][6],
        json!({ "name": "websocket", "outcome": "passed" })
    );
}
