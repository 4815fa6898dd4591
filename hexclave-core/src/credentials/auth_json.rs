//! The JSON object with both tokens: `getAuthJson()` of Hexclave's SDK, and the value of `x-stack-auth`.

use http::HeaderValue;
use serde::{Serialize, de::MapAccess};
use zeroize::Zeroizing;

use super::{MAX_ENCODED_LEN, Tokens, access_token, malformed, refresh_token, too_large};
use crate::{
    AccessToken, Error,
    member::{Member, Members, read_object},
};

const HEADER: &str = "the header x-stack-auth";

#[derive(Default)]
struct AuthJson {
    access_token: Member<String>,
    refresh_token: Member<String>,
}

impl Members for AuthJson {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<bool, A::Error> {
        match name {
            "accessToken" => self.access_token.fill(members)?,
            "refreshToken" => self.refresh_token.fill(members)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
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
    let object: AuthJson = std::str::from_utf8(json)
        .ok()
        .and_then(read_object)
        .ok_or_else(|| {
            malformed(
                what,
                "it should be a JSON object such as {\"accessToken\":\"…\",\"refreshToken\":null}",
            )
        })?;
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
