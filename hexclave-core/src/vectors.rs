//! Keys, signatures and tokens that others made and judged, put to the parts of this crate that judge them here.

mod curve;
mod rfc;
mod signatures;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{Error, PublicKey};

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn bytes(base64url: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(base64url).expect("base64url")
}

/// The JSON Web Key that claims this point (`04`, x, y) for P-256, whichever curve it is on.
fn p256_jwk(point: &[u8]) -> Value {
    let [4, coordinates @ ..] = point else {
        panic!("not an uncompressed point: {point:02x?}");
    };
    let (x, y) = coordinates.split_at(coordinates.len() / 2);
    json!({ "kty": "EC", "crv": "P-256", "kid": "vector", "x": base64url(x), "y": base64url(y) })
}

fn p256_key(point: &[u8]) -> Result<PublicKey, Error> {
    PublicKey::from_jwk(&p256_jwk(point))
}
