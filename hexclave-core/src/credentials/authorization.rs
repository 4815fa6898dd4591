//! The header `Authorization`: with both tokens in base64 of JSON, or with an access token itself.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use http::HeaderValue;
use zeroize::Zeroizing;

use super::{MAX_ENCODED_LEN, Tokens, auth_json, malformed, too_large};
use crate::{AccessToken, Error};

const HEADER: &str = "the header Authorization";
/// The first is what the SDKs write; both are read.
const PREFIXES: [&str; 2] = ["stackauth_", "hexclave_"];
/// As `atob` reads it, which the SDKs use: padding may be missing.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What stands behind `Bearer`; nothing for other schemes.
pub(super) fn bearer(value: &HeaderValue) -> Option<&[u8]> {
    let value = value.as_bytes().trim_ascii();
    let (scheme, credential) = value.split_at_checked("Bearer".len())?;
    let is_bearer =
        scheme.eq_ignore_ascii_case(b"Bearer") && credential.first().is_none_or(u8::is_ascii_whitespace);
    is_bearer.then(|| credential.trim_ascii())
}

/// The base64 behind one of the SDKs' prefixes; nothing for a credential of another kind.
pub(super) fn encoded_json(credential: &[u8]) -> Option<&[u8]> {
    PREFIXES
        .iter()
        .find_map(|prefix| credential.strip_prefix(prefix.as_bytes()))
}

pub(super) fn decode(encoded: &[u8]) -> Result<Tokens, Error> {
    if encoded.len() > MAX_ENCODED_LEN {
        return Err(too_large(HEADER, MAX_ENCODED_LEN));
    }
    let json = BASE64
        .decode(encoded)
        .map(Zeroizing::new)
        .map_err(|_| malformed(HEADER, "base64 of a JSON object should follow its prefix"))?;
    auth_json::parse(&json, HEADER)
}

/// The header's value with the access token alone.
pub(crate) fn write(token: &AccessToken) -> Result<Zeroizing<String>, Error> {
    let json = auth_json::write(token)?;
    let mut value = Zeroizing::new(String::from("Bearer stackauth_"));
    STANDARD.encode_string(json.as_bytes(), &mut value);
    Ok(value)
}
