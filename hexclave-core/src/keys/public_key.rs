use std::{fmt, sync::Arc};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jose_jwk::{
    Class, EcCurves, Jwk, Key, Operations,
    jose_jwa::{Algorithm, Signing},
};
use serde_json::{Value, json};

use crate::{Error, error::quoted};

const COORDINATE_LEN: usize = 32;

/// One of a project's public keys, known to be a point on the curve P-256.
#[derive(Clone)]
pub struct PublicKey {
    id: Arc<str>,
    /// `04`, x, y (SEC 1, section 2.3.3).
    point: [u8; 1 + 2 * COORDINATE_LEN],
    parsed: Arc<ParsedPublicKey>,
}

impl PublicKey {
    /// Reads one JSON Web Key (RFC 7517) that verifies ES256.
    ///
    /// Hexclave drops leading zero bytes of coordinates, for about one key in 128, against RFC 7518, section 6.2.1.2;
    /// they are put back. `use`, `key_ops`, `alg` and `crv` must allow for verifying ES256 where they are given.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) says what makes the key unusable.
    pub fn from_jwk(jwk: &Value) -> Result<Self, Error> {
        let jwk: Jwk = serde_json::from_value(jwk.clone()).map_err(|error| {
            // The error may repeat what it is about, in full.
            Error::config(format!(
                "not a JSON Web Key of a known type: {}",
                quoted(&error.to_string())
            ))
        })?;
        let Key::Ec(ec) = &jwk.key else {
            return Err(Error::config("its `kty` is not EC"));
        };
        if ec.crv != EcCurves::P256 {
            return Err(Error::config("its `crv` is not P-256"));
        }
        if !matches!(jwk.prm.alg, None | Some(Algorithm::Signing(Signing::Es256))) {
            return Err(Error::config("its `alg` is not ES256"));
        }
        if !matches!(jwk.prm.cls, None | Some(Class::Signing)) {
            return Err(Error::config("its `use` is not `sig`"));
        }
        if jwk
            .prm
            .ops
            .as_ref()
            .is_some_and(|ops| !ops.contains(&Operations::Verify))
        {
            return Err(Error::config("its `key_ops` do not allow `verify`"));
        }
        let id = jwk
            .prm
            .kid
            .as_deref()
            .filter(|id| !id.is_empty())
            .ok_or_else(|| Error::config("it has no `kid`"))?;

        let mut point = [0; 1 + 2 * COORDINATE_LEN];
        let [uncompressed, coordinates @ ..] = &mut point;
        *uncompressed = 0x04;
        let (x, y) = coordinates.split_at_mut(COORDINATE_LEN);
        pad_left(&ec.x, x).ok_or_else(|| Error::config("its `x` has more than 32 bytes"))?;
        pad_left(&ec.y, y).ok_or_else(|| Error::config("its `y` has more than 32 bytes"))?;
        let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .map_err(|error| Error::config("its point is not on the curve P-256").with_source(error))?;
        Ok(Self {
            id: id.into(),
            point,
            parsed: Arc::new(parsed),
        })
    }

    /// The key's `kid`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key as a JSON Web Key, its coordinates 32 bytes long as RFC 7518 wants them.
    #[must_use]
    pub fn to_jwk(&self) -> Value {
        let [_, coordinates @ ..] = &self.point;
        let (x, y) = coordinates.split_at(COORDINATE_LEN);
        json!({
            "kty": "EC",
            "crv": "P-256",
            "alg": "ES256",
            "kid": self.id(),
            "x": URL_SAFE_NO_PAD.encode(x),
            "y": URL_SAFE_NO_PAD.encode(y),
        })
    }

    /// Whether `signature` (r and s, RFC 7518, section 3.4) is this key's, over `signed`.
    pub(crate) fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        self.parsed.verify_sig(signed, signature).is_ok()
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.point == other.point
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id)
    }
}

fn pad_left(short: &[u8], into: &mut [u8]) -> Option<()> {
    let start = into.len().checked_sub(short.len())?;
    into.get_mut(start..)?.copy_from_slice(short);
    Some(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::keys) fn good() -> Value {
        json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "dgOjIEmKsTiF",
            "x": "b9UThnQ1wsxkQcvbRu1CnftDvjuqLWAR6zQtODKSxQQ",
            "y": "-joeZyMSKO-IB0s59isbCskU1JIf7OqKE6lZz6wKKNE",
        })
    }

    pub(in crate::keys) fn with(name: &str, value: Value) -> Value {
        let mut jwk = good();
        jwk[name] = value;
        jwk
    }

    #[test]
    fn a_key_must_be_one_that_verifies_es256() {
        assert!(PublicKey::from_jwk(&good()).is_ok());
        assert!(PublicKey::from_jwk(&with("use", json!("sig"))).is_ok());
        assert!(PublicKey::from_jwk(&with("key_ops", json!(["verify"]))).is_ok());
        for (jwk, why) in [
            (json!(null), "JSON Web Key"),
            (with("kty", json!("XX")), "JSON Web Key"),
            (with("x", json!("%%%")), "JSON Web Key"),
            (with("crv", json!("P-384")), "crv"),
            (with("alg", json!("ES384")), "alg"),
            (with("use", json!("enc")), "use"),
            (with("key_ops", json!(["sign"])), "key_ops"),
            (with("kid", json!("")), "kid"),
            (
                with("x", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
                "more than 32",
            ),
            (
                with("x", json!("b9UThnQ1wsxkQcvbRu1CnftDvjuqLWAR6zQtODKSxQU")),
                "not on the curve",
            ),
            (with("x", json!("")), "not on the curve"),
        ] {
            let error = PublicKey::from_jwk(&jwk).expect_err(why).to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
