//! Private JSON Web Keys (RFC 7517), as Supabase's command line makes them and its API imports them.

use std::collections::BTreeSet;

use aws_lc_rs::{
    rsa::{KeyPair as RsaKeyPair, KeyPairComponents, PublicKeyComponents},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use jose_jwk::{Class, Ec, EcCurves, Jwk, Key, Operations, Parameters, Rsa, jose_jwa::Signing};

use super::{SigningKey, signing_key::unusable};
use crate::Error;

const COORDINATE_LEN: usize = 32;

pub(super) fn read(json: &str) -> Result<SigningKey, Error> {
    // What serde says may repeat the key.
    let jwk: Jwk =
        serde_json::from_str(json).map_err(|_| unusable("it is not a JSON Web Key of a known type"))?;
    let id = jwk
        .prm
        .kid
        .as_deref()
        .ok_or_else(|| unusable("it has no `kid`; copy the one that Supabase shows for the key"))?;
    match &jwk.key {
        Key::Ec(ec) => {
            require(&jwk.prm, Signing::Es256, Operations::Sign)?;
            SigningKey::es256(id, ec_pair(ec)?)
        }
        Key::Rsa(rsa) => {
            require(&jwk.prm, Signing::Rs256, Operations::Sign)?;
            SigningKey::rs256(id, rsa_pair(rsa)?)
        }
        Key::Oct(oct) => {
            require(&jwk.prm, Signing::Hs256, Operations::Sign)?;
            SigningKey::hs256(id, &oct.k)
        }
        _ => Err(unusable("its `kty` is none of EC, RSA and oct")),
    }
}

/// Whether `alg`, `use` and `key_ops`, where they are given, let a key be used so.
pub(super) fn require(
    parameters: &Parameters,
    algorithm: Signing,
    operation: Operations,
) -> Result<(), Error> {
    if parameters
        .alg
        .as_ref()
        .is_some_and(|given| *given != algorithm.into())
    {
        return Err(unusable(
            "its `alg` is not the one that Supabase knows for its type: ES256, RS256 or HS256",
        ));
    }
    if !matches!(parameters.cls, None | Some(Class::Signing)) {
        return Err(unusable("its `use` is not `sig`"));
    }
    let allowed = |operations: &BTreeSet<Operations>| operations.contains(&operation);
    if !parameters.ops.as_ref().is_none_or(allowed) {
        return Err(unusable(match operation {
            Operations::Sign => "its `key_ops` do not allow `sign`",
            _ => "its `key_ops` do not allow `verify`",
        }));
    }
    Ok(())
}

fn ec_pair(ec: &Ec) -> Result<EcdsaKeyPair, Error> {
    if ec.crv != EcCurves::P256 {
        return Err(unusable("its `crv` is not P-256"));
    }
    let private =
        ec.d.as_ref()
            .ok_or_else(|| unusable("it has no `d`: it is a public key"))?;
    let (x, y): (&[u8], &[u8]) = (&ec.x, &ec.y);
    if [private.len(), x.len(), y.len()] != [COORDINATE_LEN; 3] {
        return Err(unusable("its `d`, `x` and `y` are not 32 bytes each"));
    }
    let point = [&[0x04], x, y].concat();
    EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, private, &point)
        .map_err(|_| unusable("its `d` does not belong to its `x` and `y`"))
}

fn rsa_pair(rsa: &Rsa) -> Result<RsaKeyPair, Error> {
    let private = rsa
        .prv
        .as_ref()
        .ok_or_else(|| unusable("it has no `d`: it is a public key"))?;
    let primes = private
        .opt
        .as_ref()
        .filter(|primes| primes.oth.is_empty())
        .ok_or_else(|| unusable("it lacks `p`, `q`, `dp`, `dq` and `qi`, or has more than two primes"))?;
    let components = KeyPairComponents {
        public_key: PublicKeyComponents {
            n: without_leading_zeros(&rsa.n),
            e: without_leading_zeros(&rsa.e),
        },
        d: &*private.d as &[u8],
        p: &primes.p,
        q: &primes.q,
        dP: &primes.dp,
        dQ: &primes.dq,
        qInv: &primes.qi,
    };
    RsaKeyPair::from_components(&components)
        .map_err(|_| unusable("its numbers do not belong together, or it has not 2048 to 8192 bits"))
}

pub(super) fn without_leading_zeros(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    bytes.get(start..).unwrap_or_default()
}
