//! Keys in the forms in which Supabase's users have them.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hexclave_core::UserKind;
use hexclave_supabase::{Algorithm, ErrorKind, Minter, SigningKey, SupabaseJwks, VerifyingKey};
use serde_json::{Value, json};

use crate::support::{SECRET, signing_keys, user};

const EC: &str = include_str!("keys/ec.jwk.json");
const RSA: &str = include_str!("keys/rsa.jwk.json");

/// The public half as a document says it.
fn public(key: &SigningKey) -> Value {
    let jwks = SupabaseJwks::default()
        .and(key)
        .and_then(|jwks| jwks.third_party_auth());
    jwks.expect("a public key")["custom_jwks"]["keys"][0].clone()
}

#[test]
fn one_key_has_many_forms() {
    for (jwk, id, algorithm, pems) in [
        (
            EC,
            "ec",
            Algorithm::Es256,
            [
                include_str!("keys/ec.pkcs8.pem"),
                include_str!("keys/ec.sec1.pem"),
            ],
        ),
        (
            RSA,
            "rsa",
            Algorithm::Rs256,
            [
                include_str!("keys/rsa.pkcs8.pem"),
                include_str!("keys/rsa.pkcs1.pem"),
            ],
        ),
    ] {
        let key = SigningKey::from_jwk(jwk).expect("a key");
        assert_eq!((key.id(), key.algorithm()), (Some(id), algorithm));
        let given: Value = serde_json::from_str(jwk).expect("JSON");
        let emitted = public(&key);
        for (name, value) in emitted.as_object().expect("an object") {
            assert_eq!(value, &given[name], "{name}");
        }
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert_eq!(emitted[private], Value::Null, "{private}");
        }
        assert_eq!(
            VerifyingKey::from_jwk(&emitted).expect("a key"),
            key.verifying_key()
        );
        for pem in pems {
            let key = SigningKey::from_pem(id, pem).expect("a key");
            assert_eq!(public(&key), emitted);
            assert!(!format!("{key:?}").contains("PRIVATE"));
        }
    }
}

#[tokio::test]
async fn ecdsa_signatures_are_r_and_s() {
    let [.., ec, _] = signing_keys();
    let token = Minter::new(ec.clone())
        .mint(&user(UserKind::Normal).await)
        .expect("a token");
    let (signed, signature) = token.expose().rsplit_once('.').expect("three parts");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    assert_eq!(signature.len(), 64);
    let public = public(&ec);
    let coordinate = |name: &str| {
        URL_SAFE_NO_PAD
            .decode(public[name].as_str().expect("a text"))
            .expect("bytes")
    };
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    assert!(key.verify(signed.as_bytes(), &signature).is_ok());
}

fn with(jwk: &str, name: &str, value: Value) -> String {
    let mut jwk: Value = serde_json::from_str(jwk).expect("JSON");
    jwk[name] = value;
    jwk.to_string()
}

fn without(jwk: &str, name: &str) -> String {
    let mut jwk: Value = serde_json::from_str(jwk).expect("JSON");
    jwk.as_object_mut().expect("an object").remove(name);
    jwk.to_string()
}

#[test]
fn a_key_that_cannot_sign_is_explained_and_hidden() {
    let secret = URL_SAFE_NO_PAD.encode(SECRET);
    let oct = json!({ "kty": "oct", "kid": "shared", "alg": "HS256", "k": secret }).to_string();
    assert!(SigningKey::from_jwk(&oct).is_ok());
    for (jwk, why) in [
        (String::new(), "not a JSON Web Key"),
        (SECRET.to_owned(), "not a JSON Web Key"),
        (without(EC, "kid"), "no `kid`"),
        (with(EC, "kid", json!("")), "`kid` is not 1 to 128"),
        (with(EC, "kid", json!("a b")), "`kid` is not 1 to 128"),
        (with(EC, "alg", json!("ES384")), "`alg`"),
        (with(EC, "alg", json!("RS256")), "`alg`"),
        (with(RSA, "alg", json!("PS256")), "`alg`"),
        (with(&oct, "alg", json!("HS512")), "`alg`"),
        (with(EC, "use", json!("enc")), "`use`"),
        (with(EC, "key_ops", json!(["verify"])), "`sign`"),
        (without(EC, "d"), "public key"),
        (with(EC, "d", json!(secret)), "32 bytes each"),
        (
            with(EC, "d", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE")),
            "does not belong",
        ),
        (with(EC, "crv", json!("P-384")), "P-256"),
        (without(RSA, "d"), "public key"),
        (without(RSA, "qi"), "`qi`"),
        (with(RSA, "d", json!("AQAB")), "do not belong together"),
        (with(RSA, "n", json!("AQAB")), "do not belong together"),
        (with(&oct, "k", json!("c2hvcnQ")), "5 bytes"),
        (
            json!({ "kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": "AQAB", "d": "AQAB" }).to_string(),
            "kty",
        ),
    ] {
        let error = SigningKey::from_jwk(&jwk).expect_err(why);
        assert_eq!(error.kind(), ErrorKind::InvalidKey, "{why}");
        let text = format!("{error} {error:?}");
        assert!(text.contains(why), "{text}");
        assert!(!text.contains(&secret) && !text.contains(SECRET), "{text}");
    }

    let ec = include_str!("keys/ec.pkcs8.pem");
    for (id, pem) in [
        ("key", ""),
        ("key", EC),
        ("key", include_str!("keys/p384.pkcs8.pem")),
        ("key", include_str!("keys/ed25519.pkcs8.pem")),
        ("key", include_str!("keys/rsa-1024.pkcs8.pem")),
        ("", ec),
        ("a b", ec),
    ] {
        let error = SigningKey::from_pem(id, pem).expect_err("no key");
        assert_eq!(error.kind(), ErrorKind::InvalidKey);
    }
    assert!(SigningKey::hs256("key", &[0; 31]).is_err());
    assert!(SigningKey::hs256("key", &[0; 32]).is_ok());
}

#[test]
fn nothing_of_a_key_is_shown() {
    for key in signing_keys() {
        let text = format!("{key:?} {:?} {:?}", key.verifying_key(), Minter::new(key.clone()));
        assert!(
            !text.contains("super-secret") && !text.contains("c3VwZXI"),
            "{text}"
        );
    }
}
