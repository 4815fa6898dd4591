//! What the verifier lets through and what it refuses, with tokens signed by real keys.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::string_slice)]

mod forgery;
mod refusals;

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hexclave_core::{
    AcceptedKinds, AccessToken, ErrorKind, ProjectConfig, RestrictedReason, User, UserKind, Verifier,
    VerifierBuilder,
};
use hexclave_testkit::{
    TestClock,
    hexclave::{AccessTokenClaims, Issuer, ServerSecret, SigningKey, Subject},
};
use serde_json::json;

use forgery::{Forgery, normal};

const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const PROJECT: &str = "11111111-2222-4333-8444-555555555555";
const NOW: u64 = 1_795_300_079;

fn project(id: &str, api_url: &str) -> ProjectConfig {
    let config = ProjectConfig::builder()
        .project_id(id.parse().expect("a project id"))
        .api_url(api_url.parse().expect("an API URL"));
    config.build().expect("a config")
}

fn issuer() -> Issuer {
    issuer_at("https://api.hexclave.com")
}

fn issuer_at(api_url: &str) -> Issuer {
    let secret = ServerSecret::new(SECRET).expect("a secret");
    Issuer::new(&secret, project(PROJECT, api_url)).expect("an issuer")
}

fn verifier(accepted: AcceptedKinds, now: u64) -> Verifier {
    builder(accepted, now).build().expect("a verifier")
}

fn builder(accepted: AcceptedKinds, now: u64) -> VerifierBuilder {
    let issuer = issuer();
    Verifier::builder(issuer.config().clone())
        .keys(issuer.project_keys().expect("keys"))
        .accept(accepted)
        .clock(Arc::new(TestClock::at(now)))
}

async fn verify(verifier: &Verifier, token: &str) -> Result<User, ErrorKind> {
    let token = AccessToken::from(token);
    match verifier.verify(&token).await {
        Ok(user) => Ok(user),
        Err(error) => {
            let text = format!("{error} {error:?}");
            assert!(error.to_string().len() > 20, "an error that helps: {text}");
            for part in token.expose().split('.').filter(|part| part.len() > 20) {
                assert!(
                    !text.contains(part),
                    "the error shows a part of the token: {text}"
                );
            }
            Err(error.kind())
        }
    }
}

fn subject(kind: UserKind) -> Subject {
    match kind {
        UserKind::Normal => Subject::new("zoe@example.com"),
        UserKind::Restricted => Subject::restricted("zoe@example.com"),
        UserKind::Anonymous => Subject::anonymous(),
    }
}

#[tokio::test]
async fn a_token_of_each_kind_becomes_its_user() {
    for kind in UserKind::ALL {
        let mut subject = subject(kind);
        subject.name = Some("Zoë 🦀".into());
        subject.requires_totp_mfa = true;
        subject.selected_team_id = Some("bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb".parse().expect("a team"));
        let token = issuer().token(&subject, NOW).expect("a token");
        let user = verify(&verifier(AcceptedKinds::only(kind), NOW), &token)
            .await
            .expect("a user");

        assert_eq!((user.kind(), user.id()), (kind, subject.id));
        assert_eq!(user.project_id().as_str(), PROJECT);
        assert_eq!(user.session_id(), Some(subject.session_id));
        assert_eq!(
            (user.name(), user.email()),
            (Some("Zoë 🦀"), subject.email.as_deref())
        );
        assert_eq!(user.email_verified(), kind == UserKind::Normal);
        assert_eq!(user.selected_team_id(), subject.selected_team_id);
        assert!(user.requires_totp_mfa());
        assert_eq!(user.restricted_reason(), subject.restricted_reason.as_ref());
        assert_eq!(
            user.expires_at()
                .duration_since(user.issued_at())
                .expect("later")
                .as_secs(),
            600
        );
        assert!(
            user.payload()
                .starts_with(&format!(r#"{{"sub":"{}","project_id":"#, subject.id))
        );
        let shown = format!("{user:?}");
        assert!(
            !shown.contains("Zoë") && !shown.contains("example.com"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn either_host_of_a_known_pair_may_have_issued_the_token() {
    let subject = subject(UserKind::Normal);
    for (host, expected) in [
        ("https://api.hexclave.com", Ok(())),
        ("https://api.stack-auth.com", Ok(())),
        ("https://api.dev.hexclave.com", Err(ErrorKind::IssuerMismatch)),
        ("https://hexclave.example.com", Err(ErrorKind::IssuerMismatch)),
    ] {
        let token = issuer_at(host).token(&subject, NOW).expect("a token");
        let result = verify(&verifier(AcceptedKinds::default(), NOW), &token).await;
        assert_eq!(result.map(drop), expected, "{host}");
    }
}

#[tokio::test]
async fn a_kind_that_is_not_let_in_is_named() {
    for kind in UserKind::ALL {
        let token = issuer().token(&subject(kind), NOW).expect("a token");
        for accepted in UserKind::ALL.map(AcceptedKinds::only) {
            let result = verify(&verifier(accepted, NOW), &token)
                .await
                .map(|user| user.kind());
            let expected = if accepted.contains(kind) {
                Ok(kind)
            } else {
                Err(ErrorKind::KindNotAccepted(kind))
            };
            assert_eq!(result, expected, "{kind} token, {accepted} accepted");
        }
    }
}

#[tokio::test]
async fn times_are_kept_to_the_second() {
    let claims = |exp: u64, iat: u64, nbf: u64| {
        normal()
            .claim("exp", exp)
            .claim("iat", iat)
            .claim("nbf", nbf)
            .sign()
    };
    for (leeway, seconds_late, expected) in [
        (5, 4, Ok(())),
        (5, 5, Err(ErrorKind::TokenExpired)),
        (0, 0, Err(ErrorKind::TokenExpired)),
        (60, 59, Ok(())),
        (60, 60, Err(ErrorKind::TokenExpired)),
    ] {
        let verifier = builder(AcceptedKinds::default(), NOW).leeway(std::time::Duration::from_secs(leeway));
        let token = claims(NOW - seconds_late, NOW - 600, NOW - 600);
        let result = verify(&verifier.build().expect("a verifier"), &token).await;
        assert_eq!(
            result.map(drop),
            expected,
            "{seconds_late} s late with {leeway} s of leeway"
        );
    }
    for (iat, nbf, expected) in [
        (NOW + 5, NOW, Ok(())),
        (NOW + 6, NOW, Err(ErrorKind::NotYetValid)),
        (NOW, NOW + 5, Ok(())),
        (NOW, NOW + 6, Err(ErrorKind::NotYetValid)),
    ] {
        let result = verify(
            &verifier(AcceptedKinds::default(), NOW),
            &claims(NOW + 600, iat, nbf),
        )
        .await;
        assert_eq!(result.map(drop), expected, "iat {iat}, nbf {nbf}");
    }
    let absurd = builder(AcceptedKinds::default(), NOW)
        .leeway(std::time::Duration::MAX)
        .build();
    assert_eq!(
        absurd.map(drop).map_err(|error| error.kind()),
        Err(ErrorKind::InvalidConfig)
    );
}

#[tokio::test]
async fn what_harmlessly_differs_passes() {
    for (name, token) in [
        ("typ JWT", normal().header(json!({ "typ": "JWT" }))),
        ("typ at+jwt", normal().header(json!({ "typ": "at+jwt" }))),
        (
            "an unknown claim",
            normal().claim("plan", json!({ "tier": ["pro"] })).sign(),
        ),
        ("claims of March 2026 missing", {
            let old = normal().without("requires_totp_mfa").without("signed_up_at");
            old.without("is_restricted").without("restricted_reason").sign()
        }),
        ("the second key", {
            let secret = ServerSecret::new(SECRET).expect("a secret");
            let [_, next] = SigningKey::derive(&secret, PROJECT).expect("keys");
            normal().key(next).sign()
        }),
    ] {
        let result = verify(&verifier(AcceptedKinds::default(), NOW), &token).await;
        assert_eq!(result.map(drop), Ok(()), "{name}");
    }
}

#[tokio::test]
async fn an_unknown_reason_is_kept() {
    let token = Forgery::new(UserKind::Restricted).claim("restricted_reason", json!({ "type": "overdue" }));
    let user = verify(&verifier(AcceptedKinds::ALL, NOW), &token.sign())
        .await
        .expect("a user");
    assert_eq!(
        user.restricted_reason(),
        Some(&RestrictedReason::Other("overdue".into()))
    );
}

/// One project in 128 has such a key; strict libraries answer that its tokens are forged.
#[tokio::test]
async fn keys_with_a_short_coordinate_verify() {
    let secret = ServerSecret::new(SECRET).expect("a secret");
    let short = |coordinate: &str| URL_SAFE_NO_PAD.decode(coordinate).expect("base64url").len() < 32;
    for coordinate in ["x", "y"] {
        let issuer = (0..)
            .map(|number| {
                project(
                    &format!("11111111-2222-4333-8444-{number:012}"),
                    "https://api.hexclave.com",
                )
            })
            .map(|config| Issuer::new(&secret, config).expect("an issuer"))
            .find(|issuer| {
                let key = issuer.keys(UserKind::Normal)[0].jwk();
                short(if coordinate == "x" { &key.x } else { &key.y })
            })
            .expect("an endless search ends with a find");
        let verifier = Verifier::builder(issuer.config().clone())
            .keys(issuer.project_keys().expect("keys"))
            .clock(Arc::new(TestClock::at(NOW)))
            .build()
            .expect("a verifier");
        let token = issuer.token(&subject(UserKind::Normal), NOW).expect("a token");
        assert!(verify(&verifier, &token).await.is_ok(), "short {coordinate}");
    }
}

#[test]
fn the_payload_has_hexclaves_members_in_hexclaves_order() {
    let issuer = issuer();
    let mut subject = subject(UserKind::Normal);
    subject.id = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee".parse().expect("a user id");
    subject.session_id = "99999999-8888-4777-8666-555555555555"
        .parse()
        .expect("a session id");
    subject.name = Some("Zoë Example".into());
    let claims: AccessTokenClaims = issuer.claims(&subject, NOW);
    assert_eq!(
        serde_json::to_string(&claims).expect("JSON"),
        concat!(
            r#"{"sub":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","project_id":"11111111-2222-4333-8444-555555555555","#,
            r#""branch_id":"main","refresh_token_id":"99999999-8888-4777-8666-555555555555","role":"authenticated","#,
            r#""name":"Zoë Example","email":"zoe@example.com","email_verified":true,"selected_team_id":null,"#,
            r#""signed_up_at":1750000000,"is_anonymous":false,"is_restricted":false,"restricted_reason":null,"#,
            r#""requires_totp_mfa":false,"#,
            r#""iss":"https://api.hexclave.com/api/v1/projects/11111111-2222-4333-8444-555555555555","iat":1795300079,"#,
            r#""aud":"11111111-2222-4333-8444-555555555555","exp":1795300679}"#
        )
    );
}
