use std::{fmt, sync::Arc};

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::KeyPair as RsaKeyPair,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject};
use serde_json::json;
use zeroize::Zeroizing;

use super::{Algorithm, JwtSecret, VerifyingKey, private_jwk, secret::SHORTEST, verifying_key::SharedSecret};
use crate::{Error, ErrorKind};

/// RFC 7518, section 3.3.
const SHORTEST_MODULUS: usize = 2048 / 8;
const LONGEST_ID: usize = 128;

/// A key that signs Supabase tokens. `Debug` does not show it and it is wiped from memory on drop. Cheap to clone.
///
/// Supabase never hands out the private half of a key that it has made itself. So a key to sign with is either the
/// project's [legacy JWT secret](JwtSecret), or one of your own that you have imported into the project.
///
/// | key | made by | `alg` | `kid` |
/// |---|---|---|---|
/// | legacy JWT secret | `SigningKey::from(secret)` | HS256 | none |
/// | imported shared secret | [`from_jwk`](Self::from_jwk), [`hs256`](Self::hs256) | HS256 | yes |
/// | imported private key | [`from_jwk`](Self::from_jwk), [`from_pem`](Self::from_pem) | ES256, RS256 | yes |
///
/// `supabase gen signing-key --algorithm ES256` makes one with a `kid`. It must be the project's key in use, or one on
/// standby or used before; tokens signed with any other are refused.
///
/// # Rotation
/// One key signs, several verify. Give the next key to Supabase first (as standby), then to the
/// [`Minter`](crate::Minter), and revoke the old one when the last token that it has signed is over. Servers of your own
/// that verify know [both](crate::SupabaseVerifier::and) meanwhile.
#[derive(Clone)]
pub struct SigningKey {
    inner: Arc<Inner>,
}

struct Inner {
    /// The header as it stands in every token, with the full stop behind it.
    header: String,
    private: Private,
    public: VerifyingKey,
}

enum Private {
    Hs256(Arc<SharedSecret>),
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

impl SigningKey {
    /// Takes a private JSON Web Key with a `kid`: `EC` on P-256 (ES256), `RSA` (RS256), or `oct` (HS256).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`] says why it is unusable: not a private key, no `kid`, an `alg`, `use` or `key_ops` that
    /// does not allow to sign so, halves that do not belong together, fewer than 2048 bits for RSA or 256 for `oct`.
    ///
    /// ```
    /// use hexclave_supabase::{Algorithm, SigningKey};
    ///
    /// let key = SigningKey::from_jwk(r#"{
    ///     "kty": "EC", "crv": "P-256", "kid": "3a18cfe2-7226-43b0-bbb4-7c5242f2406e", "use": "sig",
    ///     "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
    ///     "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
    ///     "d": "0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo"
    /// }"#)?;
    /// assert_eq!((key.algorithm(), key.id()), (Algorithm::Es256, Some("3a18cfe2-7226-43b0-bbb4-7c5242f2406e")));
    /// # Ok::<(), hexclave_supabase::Error>(())
    /// ```
    pub fn from_jwk(json: &str) -> Result<Self, Error> {
        private_jwk::read(json)
    }

    /// Takes a private key in PEM (PKCS#8, or the older `EC PRIVATE KEY` and `RSA PRIVATE KEY`): P-256 for ES256, RSA
    /// for RS256. `id` is the `kid` that Supabase knows the key by.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`] says why it is unusable.
    pub fn from_pem(id: &str, pem: &str) -> Result<Self, Error> {
        let mut der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| {
            unusable("it is not an unencrypted private key in PEM (`-----BEGIN PRIVATE KEY-----`)")
        })?;
        let key = Self::from_der(id, &der);
        zeroize::Zeroize::zeroize(&mut der);
        key
    }

    fn from_der(id: &str, der: &PrivateKeyDer<'_>) -> Result<Self, Error> {
        let ec = || EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der.secret_der());
        let neither = || unusable("it is neither a P-256 nor an RSA private key of at least 2048 bits");
        match der {
            PrivateKeyDer::Sec1(_) => Self::es256(id, ec().map_err(|_| neither())?),
            PrivateKeyDer::Pkcs1(der) => Self::rs256(
                id,
                RsaKeyPair::from_der(der.secret_pkcs1_der()).map_err(|_| neither())?,
            ),
            PrivateKeyDer::Pkcs8(der) => match ec() {
                Ok(pair) => Self::es256(id, pair),
                Err(_) => Self::rs256(
                    id,
                    RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| neither())?,
                ),
            },
            _ => Err(neither()),
        }
    }

    /// Takes the bytes of a shared secret that was imported as a signing key; `id` is the `kid` that Supabase knows it
    /// by. Supabase advises against HS256 in production.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`] when there are fewer than 32 bytes (RFC 7518, section 3.2), or the id is unusable.
    pub fn hs256(id: &str, secret: &[u8]) -> Result<Self, Error> {
        if secret.len() < SHORTEST {
            return Err(unusable(format_args!(
                "it has {} bytes; HS256 takes {SHORTEST} or more",
                secret.len()
            )));
        }
        let id = checked_id(id)?;
        Ok(Self::of_secret(Some(id), secret))
    }

    pub(super) fn es256(id: &str, pair: EcdsaKeyPair) -> Result<Self, Error> {
        let id = checked_id(id)?;
        let public = VerifyingKey::es256(id, pair.public_key().as_ref())?;
        Ok(Self::of(public, Private::Es256(pair)))
    }

    pub(super) fn rs256(id: &str, pair: RsaKeyPair) -> Result<Self, Error> {
        let id = checked_id(id)?;
        if pair.public_modulus_len() < SHORTEST_MODULUS {
            return Err(unusable("it has fewer than 2048 bits"));
        }
        let (modulus, exponent) = (pair.public_key().modulus(), pair.public_key().exponent());
        let public = VerifyingKey::rs256(
            id,
            modulus.big_endian_without_leading_zero(),
            exponent.big_endian_without_leading_zero(),
        )?;
        Ok(Self::of(public, Private::Rs256(pair)))
    }

    fn of_secret(id: Option<&str>, secret: &[u8]) -> Self {
        let secret = SharedSecret::new(secret);
        Self::of(
            VerifyingKey::hs256(id, Arc::clone(&secret)),
            Private::Hs256(secret),
        )
    }

    fn of(public: VerifyingKey, private: Private) -> Self {
        let algorithm = public.algorithm();
        // No `typ`: the setup guide's tokens have none, and nothing in Supabase asks for it. A key without a name has no
        // `kid` either, for PostgREST refuses one that it does not know.
        let header = match public.id() {
            Some(id) => json!({ "alg": algorithm.as_str(), "kid": id }).to_string(),
            None => format!(r#"{{"alg":"{algorithm}"}}"#),
        };
        Self {
            inner: Arc::new(Inner {
                header: URL_SAFE_NO_PAD.encode(header) + ".",
                private,
                public,
            }),
        }
    }

    /// The key's `kid`; `None` for the legacy JWT secret.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.inner.public.id()
    }

    /// What it signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.inner.public.algorithm()
    }

    /// The half that verifies. Of a shared secret that is the secret itself.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        self.inner.public.clone()
    }

    /// Signs a payload, as a compact JWS (RFC 7515, section 7.1). ECDSA's signature is r and s, 32 bytes each
    /// (RFC 7518, section 3.4).
    pub(crate) fn sign(&self, payload: &str) -> Result<String, Error> {
        let Inner {
            header,
            private,
            public,
        } = &*self.inner;
        let encoded = |bytes: usize| bytes.div_ceil(3) * 4;
        let capacity = header.len() + encoded(payload.len()) + 1 + encoded(public.signature_len());
        // Long enough from the start: a text that grows leaves a copy behind.
        let mut token = String::with_capacity(capacity);
        token.push_str(header);
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let not_signed = || Error::new(ErrorKind::Signing, "the Supabase token could not be signed");
        let random = SystemRandom::new();
        let signature = match private {
            Private::Hs256(secret) => URL_SAFE_NO_PAD.encode(hmac::sign(&secret.key, token.as_bytes())),
            Private::Es256(pair) => {
                let signature = pair.sign(&random, token.as_bytes()).map_err(|_| not_signed())?;
                URL_SAFE_NO_PAD.encode(signature)
            }
            Private::Rs256(pair) => {
                let mut signature = Zeroizing::new(vec![0; pair.public_modulus_len()]);
                pair.sign(&RSA_PKCS1_SHA256, &random, token.as_bytes(), &mut signature)
                    .map_err(|_| not_signed())?;
                URL_SAFE_NO_PAD.encode(&*signature)
            }
        };
        token.push('.');
        token.push_str(&signature);
        Ok(token)
    }
}

impl From<JwtSecret> for SigningKey {
    fn from(secret: JwtSecret) -> Self {
        Self::from(&secret)
    }
}

impl From<&JwtSecret> for SigningKey {
    fn from(secret: &JwtSecret) -> Self {
        Self::of_secret(None, secret.bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm())
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

pub(super) fn checked_id(id: &str) -> Result<&str, Error> {
    if (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(id);
    }
    Err(unusable(format_args!(
        "its `kid` is not 1 to {LONGEST_ID} visible ASCII characters; copy the one that Supabase shows for the key"
    )))
}

pub(crate) fn unusable(why: impl fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidKey, format!("the key cannot be used: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with an independent HMAC implementation.
    #[test]
    fn known_answers() {
        let payload = r#"{"sub":"11111111-1111-4111-8111-111111111111","role":"authenticated","iat":1700000000,"exp":1700003600}"#;
        let secret =
            JwtSecret::new("super-secret-jwt-token-with-at-least-32-characters-long").expect("long enough");
        assert_eq!(
            SigningKey::from(secret).sign(payload).expect("a token"),
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMTExMTExMS0xMTExLTQxMTEtODExMS0xMTExMTExMTExMTEiLCJyb2xlIjoiYXV0aGVudGljYXRlZCIsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAzNjAwfQ.0b__T02cHf_YFeQ9hYa36SSNa-kP-8r7jZeyJTgFWjw"
        );
    }

    #[test]
    fn a_token_is_written_where_there_is_room_for_it() {
        let secret = "super-secret-jwt-token-with-at-least-32-characters-long";
        let key = SigningKey::hs256("key", secret.as_bytes()).expect("a key");
        for length in [2, 3, 4, 100, 101, 102] {
            let token = key.sign(&"x".repeat(length)).expect("a token");
            assert!(token.capacity() <= token.len() + 8, "{length}");
        }
    }
}
