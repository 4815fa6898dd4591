//! The JSON object with both tokens: `getAuthJson()` of Hexclave's SDK, and the value of `x-stack-auth`.

use http::HeaderValue;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{MAX_ENCODED_LEN, Tokens, access_token, malformed, refresh_token, too_large};
use crate::{
    AccessToken, Error,
    member::{Member, is_unambiguous_object},
};

const HEADER: &str = "the header x-stack-auth";

#[derive(Deserialize)]
struct AuthJson {
    #[serde(default, rename = "accessToken")]
    access_token: Member<String>,
    #[serde(default, rename = "refreshToken")]
    refresh_token: Member<String>,
}

/// What `x-stack-auth` says; an empty one says nothing.
pub(super) fn from_header(value: &HeaderValue) -> Result<Option<Tokens>, Error> {
    match value.as_bytes() {
        [] => Ok(None),
        json if json.len() > MAX_ENCODED_LEN => Err(too_large(HEADER, MAX_ENCODED_LEN)),
        json => parse(json, HEADER).map(Some),
    }
}

pub(super) fn parse(json: &[u8], what: &str) -> Result<Tokens, Error> {
    if !is_unambiguous_object(json) {
        return Err(malformed(
            what,
            "it should be a JSON object such as {\"accessToken\":\"…\",\"refreshToken\":null}",
        ));
    }
    let object: AuthJson =
        serde_json::from_slice(json).map_err(|_| malformed(what, "its JSON object cannot be read"))?;
    Ok(Tokens {
        access: match text(object.access_token, what, "accessToken")? {
            Some(text) => access_token(text.as_bytes(), what)?,
            None => None,
        },
        refresh: match text(object.refresh_token, what, "refreshToken")? {
            Some(text) => refresh_token(text.as_bytes(), what)?,
            None => None,
        },
    })
}

/// The object with the access token alone.
pub(crate) fn write(token: &AccessToken) -> Result<Zeroizing<String>, Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct AuthJson<'a> {
        access_token: &'a str,
        refresh_token: Option<&'a str>,
    }

    access_token(token.expose().as_bytes(), "the access token")?.ok_or_else(Error::token_missing)?;
    let object = AuthJson {
        access_token: token.expose(),
        refresh_token: None,
    };
    serde_json::to_string(&object)
        .map(Zeroizing::new)
        .map_err(|_| malformed("the access token", "it has no JSON text"))
}

fn text(member: Member<String>, what: &str, name: &str) -> Result<Option<Zeroizing<String>>, Error> {
    match member {
        Member::Is(text) => Ok(Some(Zeroizing::new(text))),
        Member::Absent | Member::Null => Ok(None),
        Member::Wrong => Err(malformed(
            what,
            &format!("its member `{name}` should be a string or null"),
        )),
    }
}
