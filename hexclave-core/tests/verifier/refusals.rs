//! What is refused, and for which reason.

use hexclave_core::{AcceptedKinds, AccessToken, ApiUrl, ErrorKind, UserKind};
use serde_json::{Value, json};

use super::{
    NOW, PROJECT,
    forgery::{Forgery, altered_payload, altered_signature, encode, hmac_confusion, key_of, normal, own_key},
    issuer, verifier, verify,
};

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
            "exp beyond all numbers",
            normal().sign_payload(
                &normal()
                    .claims
                    .to_string()
                    .replace(&format!(r#""exp":{}"#, NOW + 600), r#""exp":1e300"#),
            ),
            Kind::InvalidClaim,
        ),
        (
            "expired, and a claim of the wrong type",
            normal()
                .claim("iat", NOW - 606)
                .claim("exp", NOW - 6)
                .claim("email", json!([]))
                .sign(),
            Kind::TokenExpired,
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
            "aud a number",
            normal().claim("aud", 7).sign(),
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
            "a key of its own in the header",
            normal()
                .key(key_of("66666666-7777-4888-8999-aaaaaaaaaaaa"))
                .header(json!({
                    "jwk": key_of("66666666-7777-4888-8999-aaaaaaaaaaaa").jwk(),
                    "jku": "https://example.com/jwks.json",
                    "x5u": "https://example.com/chain.pem",
                    "kid": own_key(Normal).id(),
                })),
            Kind::InvalidSignature,
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
