use std::{fmt, sync::Arc};

use aws_lc_rs::{
    hmac,
    signature::{
        ECDSA_P256_SHA256_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jose_jwk::{Jwk, Key, Operations, Rsa, jose_jwa::Signing};
use secrecy::{ExposeSecret, SecretSlice};
use serde_json::{Value, json};

use super::{
    JwtSecret, SigningKey,
    private_jwk::{require, without_leading_zeros},
    signing_key::{checked_id, unusable},
};
use crate::Error;

/// How a token is signed: the three ways that all of Supabase's services know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256 and a secret that signer and verifiers share.
    Hs256,
    /// ECDSA on the curve P-256 with SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
}

impl Algorithm {
    /// The name in a token's header (RFC 7518, section 3.1).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A key that verifies Supabase tokens: a public key, or a shared secret, which signs as well.
///
/// `Debug` does not show a secret and it is wiped from memory on drop. Cheap to clone.
#[derive(Clone)]
pub struct VerifyingKey {
    id: Option<Arc<str>>,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Hs256(Arc<SharedSecret>),
    Es256 {
        point: Arc<[u8]>,
        key: Arc<ParsedPublicKey>,
    },
    Rs256 {
        modulus: Arc<[u8]>,
        exponent: Arc<[u8]>,
    },
}

/// A secret, and the same made ready for HMAC.
pub(super) struct SharedSecret {
    pub(super) key: hmac::Key,
    secret: SecretSlice<u8>,
}

impl VerifyingKey {
    /// Reads a JSON Web Key: `EC` on P-256, `RSA` of at least 2048 bits, or `oct`, each with a `kid`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`](crate::ErrorKind::InvalidKey) says why it is unusable.
    pub fn from_jwk(jwk: &Value) -> Result<Self, Error> {
        // What serde says may repeat a secret.
        let unknown = |_| unusable("it is not a JSON Web Key of a known type");
        let read: Jwk = serde_json::from_value(jwk.clone()).map_err(unknown)?;
        let algorithm = match &read.key {
            Key::Ec(_) => Signing::Es256,
            Key::Rsa(_) => Signing::Rs256,
            Key::Oct(_) => Signing::Hs256,
            _ => return Err(unusable("its `kty` is none of EC, RSA and oct")),
        };
        require(&read.prm, algorithm, Operations::Verify)?;
        let id = read
            .prm
            .kid
            .as_deref()
            .ok_or_else(|| unusable("it has no `kid`"))?;
        let id = checked_id(id)?;
        match &read.key {
            // Also puts back leading zero bytes of coordinates, which Hexclave drops.
            Key::Ec(_) => hexclave_core::PublicKey::from_jwk(jwk)
                .map_err(|error| {
                    unusable("it is not a point on the curve P-256, or not named").with_source(error)
                })
                .and_then(|key| Self::from_hexclave(&key)),
            Key::Rsa(Rsa { n, e, .. }) => Self::rs256(id, without_leading_zeros(n), without_leading_zeros(e)),
            Key::Oct(oct) => Ok(SigningKey::hs256(id, &oct.k)?.verifying_key()),
            _ => Err(unusable("its `kty` is none of EC, RSA and oct")),
        }
    }

    pub(super) fn from_hexclave(key: &hexclave_core::PublicKey) -> Result<Self, Error> {
        let jwk = key.to_jwk();
        let mut point = vec![0x04];
        for coordinate in ["x", "y"] {
            let text = jwk.get(coordinate).and_then(Value::as_str).unwrap_or_default();
            URL_SAFE_NO_PAD
                .decode_vec(text, &mut point)
                .map_err(|_| unusable("its coordinates are not base64url"))?;
        }
        Self::es256(key.id(), &point)
    }

    pub(super) fn hs256(id: Option<&str>, secret: Arc<SharedSecret>) -> Self {
        Self {
            id: id.map(Into::into),
            material: Material::Hs256(secret),
        }
    }

    /// `point` is 0x04 and two coordinates of 32 bytes.
    pub(super) fn es256(id: &str, point: &[u8]) -> Result<Self, Error> {
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .map_err(|_| unusable("its point is not on the curve P-256"))?;
        Ok(Self {
            id: Some(id.into()),
            material: Material::Es256 {
                point: point.into(),
                key: Arc::new(key),
            },
        })
    }

    pub(super) fn rs256(id: &str, modulus: &[u8], exponent: &[u8]) -> Result<Self, Error> {
        let bits = modulus
            .first()
            .map_or(0, |first| modulus.len() * 8 - first.leading_zeros() as usize);
        if !(2048..=8192).contains(&bits) || exponent.len() > 4 || exponent.is_empty() {
            return Err(unusable("it has not 2048 to 8192 bits, or no usual exponent"));
        }
        Ok(Self {
            id: Some(id.into()),
            material: Material::Rs256 {
                modulus: modulus.into(),
                exponent: exponent.into(),
            },
        })
    }

    /// The key's `kid`; `None` for the legacy JWT secret.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// What it verifies.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Hs256(_) => Algorithm::Hs256,
            Material::Es256 { .. } => Algorithm::Es256,
            Material::Rs256 { .. } => Algorithm::Rs256,
        }
    }

    /// Whether everybody may see it.
    #[must_use]
    pub fn is_public(&self) -> bool {
        !matches!(self.material, Material::Hs256(_))
    }

    pub(super) fn signature_len(&self) -> usize {
        match &self.material {
            Material::Hs256(_) => 32,
            Material::Es256 { .. } => 64,
            Material::Rs256 { modulus, .. } => modulus.len(),
        }
    }

    pub(crate) fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Hs256(secret) => hmac::verify(&secret.key, signed, signature).is_ok(),
            Material::Es256 { key, .. } => key.verify_sig(signed, signature).is_ok(),
            Material::Rs256 { modulus, exponent } => RsaPublicKeyComponents {
                n: modulus,
                e: exponent,
            }
            .verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature)
            .is_ok(),
        }
    }

    /// The key as a JSON Web Key named `id`, its secret included.
    pub(super) fn to_jwk(&self, id: &str) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.material {
            Material::Hs256(shared) => {
                json!({ "kty": "oct", "alg": "HS256", "kid": id, "k": text(shared.secret.expose_secret()) })
            }
            Material::Es256 { point, .. } => {
                let (x, y) = match &**point {
                    [_, coordinates @ ..] => coordinates.split_at(coordinates.len() / 2),
                    [] => Default::default(),
                };
                json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "kid": id, "x": text(x), "y": text(y) })
            }
            Material::Rs256 { modulus, exponent } => {
                json!({ "kty": "RSA", "alg": "RS256", "kid": id, "n": text(modulus), "e": text(exponent) })
            }
        }
    }
}

impl SharedSecret {
    pub(super) fn new(secret: &[u8]) -> Arc<Self> {
        Arc::new(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
            secret: secret.to_vec().into(),
        })
    }
}

impl From<JwtSecret> for VerifyingKey {
    fn from(secret: JwtSecret) -> Self {
        SigningKey::from(secret).verifying_key()
    }
}

impl From<&JwtSecret> for VerifyingKey {
    fn from(secret: &JwtSecret) -> Self {
        SigningKey::from(secret).verifying_key()
    }
}

impl From<&SigningKey> for VerifyingKey {
    fn from(key: &SigningKey) -> Self {
        key.verifying_key()
    }
}

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        let same = match (&self.material, &other.material) {
            (Material::Hs256(one), Material::Hs256(other)) => {
                let (one, other) = (one.secret.expose_secret(), other.secret.expose_secret());
                aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
            }
            (Material::Es256 { point: one, .. }, Material::Es256 { point: other, .. }) => one == other,
            (
                Material::Rs256 {
                    modulus: n,
                    exponent: e,
                },
                Material::Rs256 { modulus, exponent },
            ) => n == modulus && e == exponent,
            _ => false,
        };
        same && self.id == other.id
    }
}

impl Eq for VerifyingKey {}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("algorithm", &self.algorithm())
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}
