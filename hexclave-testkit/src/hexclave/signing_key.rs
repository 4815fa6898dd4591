use std::fmt;

use aws_lc_rs::{
    agreement::{self, ECDH_P256},
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::json;

use super::HexclaveError;

/// The secret of a Hexclave deployment, from which the signing keys of all its projects are derived.
#[derive(Clone)]
pub struct ServerSecret(String);

impl ServerSecret {
    /// Takes the secret as it is configured: base64url, with or without padding. What counts is the text.
    ///
    /// # Errors
    /// When the text is not base64url, which a real deployment refuses too.
    pub fn new(text: &str) -> Result<Self, HexclaveError> {
        URL_SAFE_NO_PAD
            .decode(text.trim_end_matches('='))
            .map_err(|error| HexclaveError::with_source("the server secret is not base64url", error))?;
        Ok(Self(text.to_owned()))
    }

    /// A secret of 32 random bytes.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn random() -> Result<Self, HexclaveError> {
        Ok(Self(URL_SAFE_NO_PAD.encode(random_bytes::<32>()?)))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ServerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerSecret(..)")
    }
}

/// A private key with which a deployment signs the tokens of one audience.
///
/// Hexclave has two per audience, [the older of which](SigningKey::derive) signs.
pub struct SigningKey {
    id: String,
    pair: EcdsaKeyPair,
    point: Vec<u8>,
}

impl SigningKey {
    /// Derives the two keys of an audience as Hexclave does (`packages/stack-shared/src/utils/jwt.tsx`): first the
    /// key of the older scheme, which signs, then that of the newer one.
    ///
    /// # Errors
    /// When the derived number is no private key, which happens for about one in 2³² audiences.
    ///
    /// ```
    /// use hexclave_testkit::hexclave::{ServerSecret, SigningKey};
    ///
    /// let secret = ServerSecret::new("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")?;
    /// let [signing, next] = SigningKey::derive(&secret, "11111111-2222-4333-8444-555555555555")?;
    /// assert_eq!((signing.id(), next.id()), ("dgOjIEmKsTiF", "3GhONIUMXycq"));
    /// # Ok::<(), hexclave_testkit::hexclave::HexclaveError>(())
    /// ```
    pub fn derive(secret: &ServerSecret, audience: &str) -> Result<[Self; 2], HexclaveError> {
        let ServerSecret(secret) = secret;
        let older = hash_json(&(secret, audience))?;
        let older_id = hash_json(&(&older, "kid"))?;

        let about = json!({ "audience": audience });
        let newer = hash_json(&("stack-jwk-audience-secret", secret, &about))?;
        let newer_id = hash_json(&("stack-jwk-kid", secret, &about))?;

        Ok([
            Self::from_secret(&older, &older_id)?,
            Self::from_secret(&newer, &newer_id)?,
        ])
    }

    fn from_secret(audience_secret: &str, id: &str) -> Result<Self, HexclaveError> {
        let unusable = |error| HexclaveError::with_source("the derived signing key is unusable", error);
        let bytes = URL_SAFE_NO_PAD
            .decode(audience_secret)
            .map_err(|error| HexclaveError::with_source("the derived secret is unusable", error))?;
        let scalar = digest(&SHA256, &bytes);
        let point = agreement::PrivateKey::from_private_key(&ECDH_P256, scalar.as_ref())
            .map_err(unusable)?
            .compute_public_key()
            .map_err(|error| HexclaveError::with_source("the derived signing key has no point", error))?
            .as_ref()
            .to_vec();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            scalar.as_ref(),
            &point,
        )
        .map_err(unusable)?;
        Ok(Self {
            id: id.chars().take(12).collect(),
            pair,
            point,
        })
    }

    /// The key's `kid`: 12 characters of base64url.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The public half as Hexclave publishes it: leading zero bytes of `x` and `y` are missing, so that about one
    /// key in 128 has a coordinate of 31 bytes.
    #[must_use]
    pub fn jwk(&self) -> PublicJwk {
        let (x, y) = match self.point.as_slice() {
            [_, coordinates @ ..] => coordinates.split_at(coordinates.len() / 2),
            [] => Default::default(),
        };
        PublicJwk {
            kty: "EC",
            crv: "P-256",
            alg: "ES256",
            kid: self.id.clone(),
            x: shortest(x),
            y: shortest(y),
        }
    }

    /// Signs a compact JWS (RFC 7515) over any header and payload, also such as Hexclave never issues.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn sign(&self, header: &str, payload: &str) -> Result<String, HexclaveError> {
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(payload)
        );
        let signature = self
            .pair
            .sign(&SystemRandom::new(), signed.as_bytes())
            .map_err(|error| HexclaveError::with_source("the token could not be signed", error))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.id)
    }
}

/// A public key in the order and with the members in which Hexclave publishes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PublicJwk {
    /// Always `EC`.
    pub kty: &'static str,
    /// Always `P-256`.
    pub crv: &'static str,
    /// Always `ES256`.
    pub alg: &'static str,
    /// The key's id.
    pub kid: String,
    /// The x coordinate in base64url, without its leading zero bytes.
    pub x: String,
    /// The y coordinate in base64url, without its leading zero bytes.
    pub y: String,
}

/// `N` bytes that nobody can guess.
pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], HexclaveError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|error| HexclaveError::with_source("the operating system gives no random bytes", error))?;
    Ok(bytes)
}

/// base64url of the SHA-256 of the JSON text that JavaScript would write.
fn hash_json(value: &impl Serialize) -> Result<String, HexclaveError> {
    let json = serde_json::to_vec(value)
        .map_err(|error| HexclaveError::with_source("the key derivation has no JSON text", error))?;
    Ok(URL_SAFE_NO_PAD.encode(digest(&SHA256, &json)))
}

fn shortest(coordinate: &[u8]) -> String {
    let start = coordinate.iter().position(|byte| *byte != 0);
    URL_SAFE_NO_PAD.encode(
        start
            .and_then(|start| coordinate.get(start..))
            .unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_hexclaves() {
        let secret = ServerSecret::new("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").expect("base64url");
        let project = "11111111-2222-4333-8444-555555555555";
        let keys = SigningKey::derive(&secret, project).expect("keys");
        let expected = json!([
            {
                "kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "dgOjIEmKsTiF",
                "x": "b9UThnQ1wsxkQcvbRu1CnftDvjuqLWAR6zQtODKSxQQ",
                "y": "-joeZyMSKO-IB0s59isbCskU1JIf7OqKE6lZz6wKKNE",
            },
            {
                "kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "3GhONIUMXycq",
                "x": "Pgmcdy8UACmSP2JoX5S3at8YObZB971m6wi3aQFDQ6U",
                "y": "d5-y3c03tyFTz-7IFk4FPh-0iGOyfuolZo9ycbMZlZk",
            },
        ]);
        assert_eq!(
            serde_json::to_value(keys.map(|key| key.jwk())).expect("JSON"),
            expected
        );

        for (audience, ids) in [
            (format!("{project}:restricted"), ["dBAe5RWEsC8L", "FxWhyWkSIfEU"]),
            (format!("{project}:anon"), ["oCnY3DC4bxay", "6Em93H1N47gm"]),
        ] {
            let keys = SigningKey::derive(&secret, &audience).expect("keys");
            assert_eq!(keys.each_ref().map(SigningKey::id), ids);
        }
    }

    #[test]
    fn a_short_coordinate_stays_short() {
        let secret = ServerSecret::new("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").expect("base64url");
        let [key, _] =
            SigningKey::derive(&secret, "11111111-2222-4333-8444-555555555555:anon").expect("keys");
        let text = serde_json::to_string(&key.jwk()).expect("JSON");
        assert_eq!(
            text,
            r#"{"kty":"EC","crv":"P-256","alg":"ES256","kid":"oCnY3DC4bxay","x":"Hobtvh7qpDBuRtLpFWLOFuTcuQ74j3w7HIhRjSq0eg","y":"vyosXJFb9L0jYOF4WD3dxfThTIZPKcuQSRyFhC6_CXQ"}"#
        );
    }
}
