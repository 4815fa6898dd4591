//! What the verifier lets through and what it refuses, with tokens signed by real keys.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::string_slice)]

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hexclave_core::{
    AcceptedKinds, AccessToken, ApiUrl, ErrorKind, ProjectConfig, RestrictedReason, User, UserKind, Verifier,
    VerifierBuilder,
};
use hexclave_testkit::{
    TestClock,
    hexclave::{AccessTokenClaims, Issuer, ServerSecret, SigningKey, Subject},
};
use serde_json::{Value, json};

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

/// Claims on which a case changes something, and how they are signed.
struct Forgery {
    claims: Value,
    key: SigningKey,
}

impl Forgery {
    fn new(kind: UserKind) -> Self {
        Self {
            claims: serde_json::to_value(issuer().claims(&subject(kind), NOW)).expect("claims"),
            key: own_key(kind),
        }
    }

    fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims[name] = value.into();
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.claims.as_object_mut().expect("an object").remove(name);
        self
    }

    fn key(mut self, key: SigningKey) -> Self {
        self.key = key;
        self
    }

    fn sign(&self) -> String {
        self.sign_payload(&self.claims.to_string())
    }

    fn sign_payload(&self, payload: &str) -> String {
        self.sign_header(
            &json!({ "alg": "ES256", "kid": self.key.id() }).to_string(),
            payload,
        )
    }

    fn header(&self, members: Value) -> String {
        let mut header = json!({ "alg": "ES256", "kid": self.key.id() });
        for (name, value) in members.as_object().expect("an object") {
            header[name] = value.clone();
        }
        self.sign_header(&header.to_string(), &self.claims.to_string())
    }

    fn sign_header(&self, header: &str, payload: &str) -> String {
        self.key.sign(header, payload).expect("a token")
    }
}

fn own_key(kind: UserKind) -> SigningKey {
    key_of(&issuer().config().audience(kind))
}

fn key_of(audience: &str) -> SigningKey {
    let secret = ServerSecret::new(SECRET).expect("a secret");
    let [key, _] = SigningKey::derive(&secret, audience).expect("keys");
    key
}

fn normal() -> Forgery {
    Forgery::new(UserKind::Normal)
}

fn encode(part: &str) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

/// A token "signed" by HMAC with the public key's text as the secret, which a verifier that believes the
/// header's `alg` would accept.
fn hmac_confusion() -> String {
    let public = serde_json::to_string(&own_key(UserKind::Normal).jwk()).expect("a key");
    let header = json!({ "alg": "HS256", "kid": own_key(UserKind::Normal).id() }).to_string();
    let signed = format!("{}.{}", encode(&header), encode(&normal().claims.to_string()));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, public.as_bytes());
    let tag = aws_lc_rs::hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn altered_signature() -> String {
    let token = normal().sign();
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    bytes[10] ^= 1;
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes))
}

fn altered_payload() -> String {
    let token = normal().sign();
    let mut parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    parts[1] = encode(&normal().claim("email", "mallory@example.com").claims.to_string());
    parts.join(".")
}

#[tokio::test]
async fn everything_wrong_is_refused_for_its_own_reason() {
    use ErrorKind as Kind;
    use UserKind::{Anonymous, Normal, Restricted};

    let audience = |kind| issuer().config().audience(kind);
    let issuer_url = |kind| ApiUrl::default().issuer(issuer().config().project_id(), kind);
    let good = normal().sign();
    let cases: Vec<(&str, String, Kind)> = vec![
        // Not a token.
        ("empty", String::new(), Kind::TokenMissing),
        ("blank", " ".into(), Kind::TokenMalformed),
        ("a word", "token".into(), Kind::TokenMalformed),
        ("two parts", "e30.e30".into(), Kind::TokenMalformed),
        ("four parts", format!("{good}.e30"), Kind::TokenMalformed),
        (
            "five parts, encrypted",
            "e30.e30.e30.e30.e30".into(),
            Kind::TokenMalformed,
        ),
        (
            "an authorization header",
            "stackauth_eyJ9".into(),
            Kind::TokenMalformed,
        ),
        ("not ASCII", format!("{good}é"), Kind::TokenMalformed),
        (
            "a line break at the end",
            format!("{good}\n"),
            Kind::TokenMalformed,
        ),
        ("padding", format!("{good}="), Kind::TokenMalformed),
        (
            "over-long",
            "a".repeat(AccessToken::MAX_LEN + 1),
            Kind::TokenTooLarge,
        ),
        (
            "header is no JSON",
            format!("{}.e30.c2ln", encode("{")),
            Kind::TokenMalformed,
        ),
        (
            "header is a list",
            format!("{}.e30.c2ln", encode("[]")),
            Kind::TokenMalformed,
        ),
        (
            "header is huge",
            normal().header(json!({ "x": "x".repeat(2000) })),
            Kind::TokenMalformed,
        ),
        (
            "payload is a list",
            normal().sign_payload("[]"),
            Kind::TokenMalformed,
        ),
        (
            "payload goes on after its end",
            normal().sign_payload("{} {}"),
            Kind::TokenMalformed,
        ),
        (
            "a claim twice",
            normal().sign_payload(&normal().claims.to_string().replacen('{', r#"{"sub":"x","#, 1)),
            Kind::TokenMalformed,
        ),
        (
            "an unknown claim twice",
            normal().sign_payload(&normal().claims.to_string().replacen('{', r#"{"x":1,"x":2,"#, 1)),
            Kind::TokenMalformed,
        ),
        (
            "a claim in both spellings",
            normal().claim("branchId", "main").sign(),
            Kind::TokenMalformed,
        ),
        (
            "`kid` twice",
            normal().sign_header(r#"{"alg":"ES256","kid":"a","kid":"b"}"#, "{}"),
            Kind::TokenMalformed,
        ),
        // The header.
        (
            "alg none",
            format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode("{}")),
            Kind::UnsupportedAlgorithm,
        ),
        (
            "HS256 keyed with the public key",
            hmac_confusion(),
            Kind::UnsupportedAlgorithm,
        ),
        (
            "RS256",
            normal().header(json!({ "alg": "RS256" })),
            Kind::UnsupportedAlgorithm,
        ),
        (
            "es256",
            normal().header(json!({ "alg": "es256" })),
            Kind::UnsupportedAlgorithm,
        ),
        (
            "no alg",
            normal().sign_header(r#"{"kid":"x"}"#, "{}"),
            Kind::TokenMalformed,
        ),
        (
            "no kid",
            normal().sign_header(r#"{"alg":"ES256"}"#, "{}"),
            Kind::KeyIdMissing,
        ),
        (
            "kid null",
            normal().header(json!({ "kid": null })),
            Kind::KeyIdMissing,
        ),
        (
            "kid a number",
            normal().header(json!({ "kid": 7 })),
            Kind::KeyIdMissing,
        ),
        (
            "kid empty",
            normal().header(json!({ "kid": "" })),
            Kind::TokenMalformed,
        ),
        (
            "kid long",
            normal().header(json!({ "kid": "k".repeat(200) })),
            Kind::TokenMalformed,
        ),
        (
            "kid unknown",
            normal().header(json!({ "kid": "unknown" })),
            Kind::UnknownKey,
        ),
        (
            "crit",
            normal().header(json!({ "crit": ["x-mfa"] })),
            Kind::UnsupportedHeader,
        ),
        (
            "crit empty",
            normal().header(json!({ "crit": [] })),
            Kind::UnsupportedHeader,
        ),
        (
            "crit null",
            normal().header(json!({ "crit": null })),
            Kind::UnsupportedHeader,
        ),
        (
            "b64",
            normal().header(json!({ "b64": false })),
            Kind::UnsupportedHeader,
        ),
        (
            "a foreign typ",
            normal().header(json!({ "typ": "dpop+jwt" })),
            Kind::UnsupportedHeader,
        ),
        (
            "typ a number",
            normal().header(json!({ "typ": 1 })),
            Kind::UnsupportedHeader,
        ),
        // Times, in seconds; the leeway is 5.
        (
            "expired",
            normal().claim("iat", NOW - 606).claim("exp", NOW - 6).sign(),
            Kind::TokenExpired,
        ),
        (
            "expired just now",
            normal().claim("iat", NOW - 605).claim("exp", NOW - 5).sign(),
            Kind::TokenExpired,
        ),
        (
            "issued in the future",
            normal().claim("iat", NOW + 6).sign(),
            Kind::NotYetValid,
        ),
        (
            "not yet valid",
            normal().claim("nbf", NOW + 6).sign(),
            Kind::NotYetValid,
        ),
        ("no exp", normal().without("exp").sign(), Kind::InvalidClaim),
        (
            "exp null",
            normal().claim("exp", Value::Null).sign(),
            Kind::InvalidClaim,
        ),
        (
            "exp a string",
            normal().claim("exp", "1795300679").sign(),
            Kind::InvalidClaim,
        ),
        (
            "exp negative",
            normal().claim("exp", -1).sign(),
            Kind::InvalidClaim,
        ),
        (
            "exp with a fraction",
            normal().claim("exp", 1_795_300_679.5).sign(),
            Kind::InvalidClaim,
        ),
        (
            "exp in milliseconds",
            normal().claim("exp", NOW * 1000).sign(),
            Kind::InvalidClaim,
        ),
        (
            "exp 1e15",
            normal().claim("exp", 1_000_000_000_000_000_u64).sign(),
            Kind::InvalidClaim,
        ),
        (
            "exp the largest",
            normal().claim("exp", u64::MAX).sign(),
            Kind::InvalidClaim,
        ),
        (
            "exp before iat",
            normal().claim("exp", NOW).claim("iat", NOW + 1).sign(),
            Kind::InvalidClaim,
        ),
        (
            "nbf the largest",
            normal().claim("nbf", u64::MAX).sign(),
            Kind::NotYetValid,
        ),
        (
            "nbf a string",
            normal().claim("nbf", "now").sign(),
            Kind::InvalidClaim,
        ),
        ("no iat", normal().without("iat").sign(), Kind::InvalidClaim),
        (
            "iat a fraction",
            normal().claim("iat", 1.5).sign(),
            Kind::InvalidClaim,
        ),
        // Issuer and audience.
        ("no aud", normal().without("aud").sign(), Kind::InvalidClaim),
        (
            "aud a list",
            normal().claim("aud", json!([PROJECT])).sign(),
            Kind::InvalidClaim,
        ),
        (
            "aud of another project",
            normal()
                .claim("aud", "66666666-7777-4888-8999-aaaaaaaaaaaa")
                .sign(),
            Kind::AudienceMismatch,
        ),
        (
            "aud with a foreign suffix",
            normal().claim("aud", format!("{PROJECT}:admin")).sign(),
            Kind::AudienceMismatch,
        ),
        (
            "aud empty",
            normal().claim("aud", "").sign(),
            Kind::AudienceMismatch,
        ),
        ("no iss", normal().without("iss").sign(), Kind::InvalidClaim),
        (
            "iss a list",
            normal().claim("iss", json!([issuer_url(Normal)])).sign(),
            Kind::InvalidClaim,
        ),
        (
            "iss with a slash",
            normal().claim("iss", format!("{}/", issuer_url(Normal))).sign(),
            Kind::IssuerMismatch,
        ),
        (
            "iss over http",
            normal()
                .claim("iss", issuer_url(Normal).replace("https", "http"))
                .sign(),
            Kind::IssuerMismatch,
        ),
        (
            "iss of another host",
            normal()
                .claim(
                    "iss",
                    format!("https://evil.example.com/api/v1/projects/{PROJECT}"),
                )
                .sign(),
            Kind::IssuerMismatch,
        ),
        (
            "iss of anonymous users",
            normal().claim("iss", issuer_url(Anonymous)).sign(),
            Kind::IssuerMismatch,
        ),
        (
            "iss of restricted users",
            normal().claim("iss", issuer_url(Restricted)).sign(),
            Kind::IssuerMismatch,
        ),
        (
            "aud of anonymous users",
            normal().claim("aud", audience(Anonymous)).sign(),
            Kind::IssuerMismatch,
        ),
        (
            "another kind's issuer and audience",
            normal()
                .claim("aud", audience(Anonymous))
                .claim("iss", issuer_url(Anonymous))
                .sign(),
            Kind::InconsistentClaims,
        ),
        // Project, branch and user.
        (
            "project_id of another",
            normal().claim("project_id", "internal").sign(),
            Kind::ProjectMismatch,
        ),
        (
            "no project_id",
            normal().without("project_id").sign(),
            Kind::InvalidClaim,
        ),
        (
            "another branch",
            normal().claim("branch_id", "dev").sign(),
            Kind::BranchMismatch,
        ),
        (
            "no branch",
            normal().without("branch_id").sign(),
            Kind::InvalidClaim,
        ),
        ("no sub", normal().without("sub").sign(), Kind::InvalidClaim),
        ("sub empty", normal().claim("sub", "").sign(), Kind::InvalidClaim),
        (
            "sub no UUID",
            normal().claim("sub", "admin").sign(),
            Kind::InvalidClaim,
        ),
        (
            "sub in upper case",
            normal()
                .claim("sub", "AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE")
                .sign(),
            Kind::InvalidClaim,
        ),
        (
            "email a list",
            normal().claim("email", json!([])).sign(),
            Kind::InvalidClaim,
        ),
        // Flags.
        (
            "no is_anonymous",
            normal().without("is_anonymous").sign(),
            Kind::InvalidClaim,
        ),
        (
            "is_anonymous a string",
            normal().claim("is_anonymous", "false").sign(),
            Kind::InvalidClaim,
        ),
        (
            "anonymous, not restricted",
            normal().claim("is_anonymous", true).sign(),
            Kind::InconsistentClaims,
        ),
        (
            "restricted without a reason",
            normal().claim("is_restricted", true).sign(),
            Kind::InconsistentClaims,
        ),
        (
            "a reason without restriction",
            normal()
                .claim("restricted_reason", json!({ "type": "email_not_verified" }))
                .sign(),
            Kind::InconsistentClaims,
        ),
        (
            "restricted flags for the normal audience",
            normal()
                .claim("is_restricted", true)
                .claim("restricted_reason", json!({ "type": "email_not_verified" }))
                .sign(),
            Kind::InconsistentClaims,
        ),
        (
            "restricted for being anonymous, not anonymous",
            Forgery::new(Restricted)
                .claim("restricted_reason", json!({ "type": "anonymous" }))
                .sign(),
            Kind::InconsistentClaims,
        ),
        (
            "a reason of the wrong shape",
            Forgery::new(Restricted)
                .claim("restricted_reason", json!({ "kind": "x" }))
                .sign(),
            Kind::InvalidClaim,
        ),
        // Keys and signature.
        (
            "a normal user's key on an anonymous token",
            Forgery::new(Anonymous).key(own_key(Normal)).sign(),
            Kind::KeyKindMismatch,
        ),
        (
            "an anonymous user's key on a normal token",
            normal().key(own_key(Anonymous)).sign(),
            Kind::KeyKindMismatch,
        ),
        (
            "an anonymous user's key under a normal key's name",
            normal()
                .key(own_key(Anonymous))
                .header(json!({ "kid": own_key(Normal).id() })),
            Kind::InvalidSignature,
        ),
        (
            "another project's key",
            normal()
                .key(key_of("66666666-7777-4888-8999-aaaaaaaaaaaa"))
                .sign(),
            Kind::UnknownKey,
        ),
        (
            "an altered signature",
            altered_signature(),
            Kind::InvalidSignature,
        ),
        ("an altered payload", altered_payload(), Kind::InvalidSignature),
        (
            "no signature",
            good.rsplit_once('.')
                .map(|(signed, _)| format!("{signed}."))
                .unwrap_or_default(),
            Kind::InvalidSignature,
        ),
        (
            "half a signature",
            good[..good.len() - 46].to_owned(),
            Kind::InvalidSignature,
        ),
    ];
    let everybody = verifier(AcceptedKinds::ALL, NOW);
    for (name, token, expected) in cases {
        let result = verify(&everybody, &token).await;
        assert_eq!(result.map(drop), Err(expected), "{name}");
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
