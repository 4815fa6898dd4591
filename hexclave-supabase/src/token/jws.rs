//! The compact form of a signed token (RFC 7515, section 7.1): taken apart, nothing proven.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::{Map, Value};

use crate::{Error, ErrorKind};

const MAX_TOKEN_LEN: usize = 16 * 1024;

/// A token whose header makes no demands.
pub(super) struct Jws<'a> {
    pub(super) algorithm: String,
    pub(super) key_id: Option<String>,
    /// What the signature covers: header and payload as sent.
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
    payload: Vec<u8>,
}

impl<'a> Jws<'a> {
    pub(super) fn parse(token: &'a str) -> Result<Self, Error> {
        if token.len() > MAX_TOKEN_LEN {
            return Err(malformed(format_args!("it has more than {MAX_TOKEN_LEN} bytes")));
        }
        let three_parts = || {
            let (signed, signature) = token.rsplit_once('.')?;
            let (header, payload) = signed.split_once('.')?;
            (!payload.contains('.')).then_some((signed, signature, header, payload))
        };
        let (signed, signature, header, payload) = three_parts()
            .ok_or_else(|| malformed("it is not three parts of base64url with full stops between them"))?;
        let header = members(&decode(header)?)
            .ok_or_else(|| malformed("its header is no JSON object, or ambiguous"))?;
        let text = |name: &str| header.get(name).map(|value| value.as_str().map(str::to_owned));
        let Some(Some(algorithm)) = text("alg") else {
            return Err(malformed("its header has no `alg`"));
        };
        let key_id = match text("kid") {
            None => None,
            Some(Some(id)) if !id.is_empty() => Some(id),
            Some(_) => return Err(malformed("its `kid` is no text")),
        };
        if ["crit", "b64"].iter().any(|name| header.contains_key(*name)) {
            return Err(malformed(
                "its header demands extensions (`crit` or `b64`) that Supabase does not use",
            ));
        }
        let is_token = |typ: &String| typ.eq_ignore_ascii_case("JWT") || typ.eq_ignore_ascii_case("at+jwt");
        if !text("typ").is_none_or(|typ| typ.as_ref().is_some_and(is_token)) {
            return Err(malformed("its `typ` is not that of a token"));
        }
        Ok(Self {
            algorithm,
            key_id,
            signed,
            signature: decode(signature)?,
            payload: decode(payload)?,
        })
    }

    /// The claims and their JSON text. They are worth as much as the signature.
    pub(super) fn claims(&self) -> Result<(Map<String, Value>, &str), Error> {
        let no_claims = || malformed("its payload is no JSON object, or ambiguous");
        let text = str::from_utf8(&self.payload).map_err(|_| no_claims())?;
        Ok((members(&self.payload).ok_or_else(no_claims)?, text))
    }
}

/// Strict base64url (RFC 7515, section 2), so that one token has one spelling.
fn decode(part: &str) -> Result<Vec<u8>, Error> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| malformed("it is not three parts of base64url with full stops between them"))
}

/// The members of an object in which none is named twice: PostgREST believes the first of two, JavaScript the last.
fn members(json: &[u8]) -> Option<Map<String, Value>> {
    let Unambiguous(members) = serde_json::from_slice(json).ok()?;
    Some(members)
}

struct Unambiguous(Map<String, Value>);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Unambiguous;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object without repeated member names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Unambiguous, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a member name is repeated"));
                    }
                }
                Ok(Unambiguous(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

pub(super) fn malformed(why: impl fmt::Display) -> Error {
    Error::new(
        ErrorKind::TokenMalformed,
        format!("the Supabase token cannot be read: {why}"),
    )
}
