//! The compact form of a signed token (RFC 7515, section 7.1): taken apart, nothing proven.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::de::MapAccess;

use crate::{
    AccessToken, Error, ErrorKind,
    error::quoted,
    member::{Expected, Member, Members, read_object},
};

const MAX_HEADER_LEN: usize = 1024;
const MAX_KEY_ID_LEN: usize = 128;
/// RFC 7518, section 3.4: r and s, 32 bytes each.
const SIGNATURE_LEN: usize = 64;

/// A token whose header is one that Hexclave could have written.
#[derive(Debug)]
pub(crate) struct Jws<'a> {
    pub(crate) key_id: String,
    /// The payload, still to be read.
    pub(crate) payload: String,
    /// What the signature covers: header and payload as sent.
    pub(crate) signed: &'a str,
    pub(crate) signature: [u8; SIGNATURE_LEN],
}

#[derive(Default)]
struct Header {
    alg: Member<Algorithm>,
    kid: Member<String>,
    typ: Member<TokenType>,
    crit: Member<bool>,
    b64: Member<bool>,
}

enum Algorithm {
    Es256,
    Other(String),
}

impl Expected for Algorithm {
    fn from_str(text: &str) -> Option<Self> {
        Some(match text {
            "ES256" => Self::Es256,
            other => Self::Other(other.to_owned()),
        })
    }
}

/// The media type of an access token (RFC 7515, section 4.1.9): compared ignoring case, and by custom without
/// `application/`.
struct TokenType;

impl Expected for TokenType {
    fn from_str(text: &str) -> Option<Self> {
        (text.eq_ignore_ascii_case("JWT") || text.eq_ignore_ascii_case("at+jwt")).then_some(Self)
    }
}

impl Members for Header {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<bool, A::Error> {
        match name {
            "alg" => self.alg.fill(members)?,
            "kid" => self.kid.fill(members)?,
            "typ" => self.typ.fill(members)?,
            "crit" => self.crit.fill(members)?,
            "b64" => self.b64.fill(members)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl<'a> Jws<'a> {
    pub(crate) fn parse(token: &'a str) -> Result<Self, Error> {
        if token.is_empty() {
            return Err(Error::token_missing());
        }
        if token.len() > AccessToken::MAX_LEN {
            return Err(Error::new(
                ErrorKind::TokenTooLarge,
                format!(
                    "the token has {} bytes; at most {} are looked at (Hexclave's have about 1,000)",
                    token.len(),
                    AccessToken::MAX_LEN
                ),
            ));
        }
        let (signed, signature, header, payload) = split(token)?;
        let header = text(header, "header")?;
        if header.len() > MAX_HEADER_LEN {
            return Err(malformed(format!(
                "its header has {} bytes, more than the {MAX_HEADER_LEN} that are looked at",
                header.len()
            )));
        }
        let header: Header = read_object(&header)
            .ok_or_else(|| malformed("its header is not a JSON object with unique member names"))?;
        let key_id = header.checked_key_id()?;
        let payload = text(payload, "payload")?;
        let signature = decode(signature, "signature")?.try_into().map_err(|_| {
            Error::new(
                ErrorKind::InvalidSignature,
                format!("the token's signature is not the {SIGNATURE_LEN} bytes of an ES256 signature"),
            )
        })?;
        Ok(Self {
            key_id,
            payload,
            signed,
            signature,
        })
    }
}

impl Header {
    fn checked_key_id(self) -> Result<String, Error> {
        match &self.alg {
            Member::Is(Algorithm::Es256) => {}
            Member::Is(Algorithm::Other(alg)) => {
                return Err(Error::new(
                    ErrorKind::UnsupportedAlgorithm,
                    format!(
                        "the token says alg {}; Hexclave signs with ES256 only",
                        quoted(alg)
                    ),
                ));
            }
            _ => return Err(malformed("its header has no `alg`")),
        }
        if self.crit.is_present() || self.b64.is_present() {
            return Err(Error::new(
                ErrorKind::UnsupportedHeader,
                "the token's header demands extensions (`crit` or `b64`) that Hexclave does not use",
            ));
        }
        match &self.typ {
            Member::Absent | Member::Is(TokenType) => {}
            _ => {
                return Err(Error::new(
                    ErrorKind::UnsupportedHeader,
                    "the token's `typ` is not that of an access token",
                ));
            }
        }
        match self.kid {
            Member::Is(kid) if (1..=MAX_KEY_ID_LEN).contains(&kid.len()) => Ok(kid),
            Member::Is(_) => Err(malformed(format!(
                "its `kid` must have 1 to {MAX_KEY_ID_LEN} bytes"
            ))),
            _ => Err(Error::new(
                ErrorKind::KeyIdMissing,
                "the token's header has no `kid`; Hexclave's tokens always name their key",
            )),
        }
    }
}

fn split(token: &str) -> Result<(&str, &str, &str, &str), Error> {
    let not_a_jwt = || {
        malformed(
            if token.starts_with("stackauth_") || token.starts_with("hexclave_") {
                "this is the value of an Authorization header, not an access token"
            } else {
                "an access token is three parts of base64url with dots between them, `eyJ….….…`"
            },
        )
    };
    let (signed, signature) = token.rsplit_once('.').ok_or_else(not_a_jwt)?;
    let (header, payload) = signed.split_once('.').ok_or_else(not_a_jwt)?;
    if payload.contains('.') {
        return Err(not_a_jwt());
    }
    Ok((signed, signature, header, payload))
}

/// Strict base64url (RFC 7515, section 2): no padding, no other alphabet, no stray bits, so that one token has
/// one spelling.
fn decode(part: &str, what: &str) -> Result<Vec<u8>, Error> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| malformed(format!("its {what} is not base64url")))
}

/// JSON is UTF-8 (RFC 8259, section 8.1).
fn text(part: &str, what: &str) -> Result<String, Error> {
    String::from_utf8(decode(part, what)?).map_err(|_| malformed(format!("its {what} is not UTF-8")))
}

fn malformed(why: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::TokenMalformed,
        format!("the token cannot be read: {why}"),
    )
}
