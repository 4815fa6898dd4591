//! Tokens that Hexclave would not issue.
#![allow(unreachable_pub)]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hexclave_core::UserKind;
use hexclave_testkit::hexclave::{ServerSecret, SigningKey};
use serde_json::{Value, json};

use super::{NOW, SECRET, issuer, subject};

/// Claims on which a case changes something, and how they are signed.
pub struct Forgery {
    pub claims: Value,
    key: SigningKey,
}

impl Forgery {
    pub fn new(kind: UserKind) -> Self {
        Self {
            claims: serde_json::to_value(issuer().claims(&subject(kind), NOW)).expect("claims"),
            key: own_key(kind),
        }
    }

    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims[name] = value.into();
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.claims.as_object_mut().expect("an object").remove(name);
        self
    }

    pub fn key(mut self, key: SigningKey) -> Self {
        self.key = key;
        self
    }

    pub fn sign(&self) -> String {
        self.sign_payload(&self.claims.to_string())
    }

    pub fn sign_payload(&self, payload: &str) -> String {
        self.sign_header(
            &json!({ "alg": "ES256", "kid": self.key.id() }).to_string(),
            payload,
        )
    }

    pub fn header(&self, members: Value) -> String {
        let mut header = json!({ "alg": "ES256", "kid": self.key.id() });
        for (name, value) in members.as_object().expect("an object") {
            header[name] = value.clone();
        }
        self.sign_header(&header.to_string(), &self.claims.to_string())
    }

    pub fn sign_header(&self, header: &str, payload: &str) -> String {
        self.key.sign(header, payload).expect("a token")
    }
}

pub fn own_key(kind: UserKind) -> SigningKey {
    key_of(&issuer().config().audience(kind))
}

pub fn key_of(audience: &str) -> SigningKey {
    let secret = ServerSecret::new(SECRET).expect("a secret");
    let [key, _] = SigningKey::derive(&secret, audience).expect("keys");
    key
}

pub fn normal() -> Forgery {
    Forgery::new(UserKind::Normal)
}

pub fn encode(part: &str) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

/// A token "signed" by HMAC with the public key's text as the secret, which a verifier that believes the
/// header's `alg` would accept.
pub fn hmac_confusion() -> String {
    let public = serde_json::to_string(&own_key(UserKind::Normal).jwk()).expect("a key");
    let header = json!({ "alg": "HS256", "kid": own_key(UserKind::Normal).id() }).to_string();
    let signed = format!("{}.{}", encode(&header), encode(&normal().claims.to_string()));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, public.as_bytes());
    let tag = aws_lc_rs::hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

pub fn altered_signature() -> String {
    let token = normal().sign();
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    bytes[10] ^= 1;
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes))
}

pub fn altered_payload() -> String {
    let token = normal().sign();
    let mut parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    parts[1] = encode(&normal().claim("email", "mallory@example.com").claims.to_string());
    parts.join(".")
}
