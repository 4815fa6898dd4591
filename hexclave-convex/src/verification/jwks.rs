//! A key set as Convex reads it: one key that it does not understand spoils them all.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;

use super::token::decode;
use crate::{
    config::provider::Algorithm,
    members::{Members, Wrong},
};

/// The names that RFC 7518 registers for `alg` (and `enc`), which are all that a key may have there.
const ALGORITHMS: [&str; 36] = [
    "HS256",
    "HS384",
    "HS512",
    "RS256",
    "RS384",
    "RS512",
    "ES256",
    "ES384",
    "ES512",
    "PS256",
    "PS384",
    "PS512",
    "none",
    "RSA1_5",
    "RSA-OAEP",
    "RSA-OAEP-256",
    "A128KW",
    "A192KW",
    "A256KW",
    "dir",
    "ECDH-ES",
    "ECDH-ES+A128KW",
    "ECDH-ES+A192KW",
    "ECDH-ES+A256KW",
    "A128GCMKW",
    "A192GCMKW",
    "A256GCMKW",
    "PBES2-HS256+A128KW",
    "PBES2-HS384+A192KW",
    "PBES2-HS512+A256KW",
    "A128CBC-HS256",
    "A192CBC-HS384",
    "A256CBC-HS512",
    "A128GCM",
    "A192GCM",
    "A256GCM",
];
const COORDINATE_LEN: usize = 32;

#[derive(Debug)]
pub(crate) struct KeySet {
    keys: Vec<Key>,
}

#[derive(Debug)]
pub(crate) struct Key {
    id: Option<String>,
    algorithm: Option<String>,
    /// Whether `use` and `key_ops`, where they are given, allow for verifying.
    may_verify: bool,
    material: Material,
}

#[derive(Debug)]
enum Material {
    P256 { x: Vec<u8>, y: Vec<u8> },
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Other,
}

impl KeySet {
    pub(crate) fn from_json(json: &[u8]) -> Result<Self, Wrong> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<Members>,
        }
        let not_a_set = || Wrong("it is not a JSON object with one list `keys` of objects".to_owned());
        // A derived `Deserialize` would take a list for a struct.
        if json.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err(not_a_set());
        }
        let document: Document = serde_json::from_slice(json).map_err(|_| not_a_set())?;
        let keys = document.keys.iter().enumerate().map(|(index, members)| {
            Key::from_members(members).map_err(|Wrong(why)| Wrong(format!("keys[{index}]: {why}")))
        });
        Ok(Self {
            keys: keys.collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
    }

    /// The first key of this name.
    pub(crate) fn find(&self, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.id.as_deref() == Some(id))
    }
}

impl Key {
    pub(crate) fn from_members(members: &Members) -> Result<Self, Wrong> {
        for name in ["x5u", "x5t", "x5t#S256"] {
            members.text(name)?;
        }
        members.texts("x5c")?;
        let for_signatures = members.text("use")?.is_none_or(|usage| usage == "sig");
        let allows_verify = members
            .texts("key_ops")?
            .is_none_or(|operations| operations.contains(&"verify"));
        let algorithm = members.text("alg")?;
        if algorithm.is_some_and(|name| !ALGORITHMS.contains(&name)) {
            return Err(Wrong("its `alg` is not one that RFC 7518 registers".to_owned()));
        }
        Ok(Self {
            id: members.text("kid")?.map(str::to_owned),
            algorithm: algorithm.map(str::to_owned),
            may_verify: for_signatures && allows_verify,
            material: Material::from_members(members)?,
        })
    }

    pub(crate) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Whether this is a key on P-256 with a coordinate that has not 32 bytes.
    pub(crate) fn is_short(&self) -> bool {
        match &self.material {
            Material::P256 { x, y } => [x, y].iter().any(|coordinate| coordinate.len() != COORDINATE_LEN),
            _ => false,
        }
    }

    /// Whether the signature is this key's, made with this algorithm.
    pub(crate) fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> Result<(), Wrong> {
        if let Some(own) = self.algorithm.as_deref().filter(|own| *own != algorithm.as_str()) {
            return Err(Wrong(format!(
                "the key is for {own}, the provider for {}",
                algorithm.as_str()
            )));
        }
        if !self.may_verify {
            return Err(Wrong(
                "the key is not for verifying signatures (`use`, `key_ops`)".to_owned(),
            ));
        }
        let verified = match (algorithm, &self.material) {
            (Algorithm::Es256, Material::P256 { x, y }) => {
                let point = [&[0x04], coordinate(x, "x")?, coordinate(y, "y")?].concat();
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            (Algorithm::Rs256, Material::Rsa { n, e }) => {
                let key = RsaPublicKeyComponents {
                    n: without_leading_zeros(n),
                    e: without_leading_zeros(e),
                };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            _ => {
                return Err(Wrong(format!(
                    "the key is not of a type that verifies {}",
                    algorithm.as_str()
                )));
            }
        };
        verified.map_err(|_| Wrong("the signature is not the key's".to_owned()))
    }
}

impl Material {
    fn from_members(members: &Members) -> Result<Self, Wrong> {
        match members.text("kty")? {
            Some("EC") => {
                let curve = one_of(members, &["P-256", "P-384", "P-521"])?;
                let (x, y) = (bytes(members, "x")?, bytes(members, "y")?);
                optional_bytes(members, &["d"])?;
                Ok(if curve == "P-256" {
                    Self::P256 { x, y }
                } else {
                    Self::Other
                })
            }
            Some("RSA") => {
                let (n, e) = (bytes(members, "n")?, bytes(members, "e")?);
                optional_bytes(members, &["d", "p", "q", "dp", "dq", "qi"])?;
                Ok(Self::Rsa { n, e })
            }
            Some("oct") => bytes(members, "k").map(|_| Self::Other),
            Some("OKP") => {
                one_of(members, &["Ed25519", "Ed448"])?;
                bytes(members, "x")?;
                optional_bytes(members, &["d"])?;
                Ok(Self::Other)
            }
            _ => Err(Wrong("its `kty` is none of EC, RSA, oct and OKP".to_owned())),
        }
    }
}

fn one_of<'a>(members: &'a Members, curves: &[&str]) -> Result<&'a str, Wrong> {
    members
        .text("crv")?
        .filter(|curve| curves.contains(curve))
        .ok_or_else(|| Wrong(format!("its `crv` is none of {}", curves.join(", "))))
}

fn bytes(members: &Members, name: &str) -> Result<Vec<u8>, Wrong> {
    let text = members
        .text(name)?
        .ok_or_else(|| Wrong(format!("it has no `{name}`")))?;
    decode(text, &format!("`{name}`"))
}

/// The private members may be absent; if one is there, null will not do.
fn optional_bytes(members: &Members, names: &[&str]) -> Result<(), Wrong> {
    for name in names {
        if members.member(name)?.is_some() {
            bytes(members, name)?;
        }
    }
    Ok(())
}

fn coordinate<'a>(bytes: &'a [u8], name: &str) -> Result<&'a [u8], Wrong> {
    if bytes.len() == COORDINATE_LEN {
        return Ok(bytes);
    }
    Err(Wrong(format!(
        "the key's `{name}` has {} bytes instead of {COORDINATE_LEN}: Hexclave leaves out leading zero bytes, and \
         Convex does not put them back",
        bytes.len()
    )))
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}
