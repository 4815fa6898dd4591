//! The cookies that Hexclave's SDK keeps in browsers, read in its order (`client-app-impl.ts` of `@stackframe/js`).

use std::{borrow::Cow, collections::HashSet};

use http::{HeaderMap, header};
use percent_encoding::percent_decode_str;
use serde::de::MapAccess;
use zeroize::Zeroizing;

use super::{MAX_ENCODED_LEN, Tokens, access_token, refresh_token};
use crate::{
    AccessToken, ProjectId, RefreshToken,
    member::{Member, Members, read_object},
};

/// The cookie with the access token.
pub(super) const ACCESS: &str = "hexclave-access";
/// Before the names of cookies that no subdomain can plant.
pub(super) const HOST: &str = "__Host-";

/// The tokens of a project's cookies. What cannot be read is skipped.
pub(super) fn read(headers: &HeaderMap, project: &ProjectId) -> Option<Tokens> {
    let cookies = Cookies::of(headers);
    let refresh = cookies.refresh_token(project)?;
    Some(Tokens {
        access: cookies.access_token(&refresh),
        refresh: Some(refresh),
    })
}

/// The names of the cookies that keep a session of the project, under any of the SDK's old and new names.
pub(super) fn names(headers: &HeaderMap, project: &ProjectId) -> Vec<String> {
    let cookies = Cookies::of(headers);
    let names = cookies.0.iter().map(|(name, _)| *name);
    let keeps = |name: &&str| {
        let name = name.strip_prefix(HOST).unwrap_or(name);
        let of_project = name
            .strip_prefix("hexclave-refresh-")
            .or_else(|| name.strip_prefix("stack-refresh-"))
            .and_then(|rest| rest.strip_prefix(project.as_str()))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("--"));
        of_project || [ACCESS, "stack-access", "stack-refresh"].contains(&name)
    };
    names.filter(keeps).map(str::to_owned).collect()
}

/// Names and decoded values in the order in which they were sent, the first of each name.
struct Cookies<'a>(Vec<(&'a str, Cow<'a, str>)>);

impl<'a> Cookies<'a> {
    fn of(headers: &'a HeaderMap) -> Self {
        let mut seen = HashSet::new();
        // HTTP/2 lets a client split its cookies over several headers (RFC 9113, section 8.2.3).
        let cookies = headers
            .get_all(header::COOKIE)
            .into_iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
            .filter_map(|pair| std::str::from_utf8(pair).ok()?.split_once('='))
            .map(|(name, value)| (name.trim(), value.trim()))
            .filter(|(name, value)| is_ours(name) && seen.insert(*name) && value.len() <= MAX_ENCODED_LEN)
            .map(|(name, value)| (name, decoded(value)));
        Self(cookies.collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| *known == name)?;
        Some(value)
    }

    fn refresh_token(&self, project: &ProjectId) -> Option<RefreshToken> {
        self.newest(&format!("hexclave-refresh-{project}--"))
            .or_else(|| self.bare(&format!("stack-refresh-{project}")))
            .or_else(|| self.bare("stack-refresh"))
            .or_else(|| self.newest(&format!("stack-refresh-{project}--")))
    }

    /// Of those that hold JSON, under any host or domain, the one that was written last.
    fn newest(&self, prefix: &str) -> Option<RefreshToken> {
        let mut newest: Option<(RefreshToken, Option<u64>)> = None;
        for (name, value) in &self.0 {
            if !name.strip_prefix(HOST).unwrap_or(name).starts_with(prefix) {
                continue;
            }
            let Some((token, written)) = structured(value) else {
                continue;
            };
            if newest.as_ref().is_none_or(|(_, latest)| written > *latest) {
                newest = Some((token, written));
            }
        }
        newest.map(|(token, _)| token)
    }

    fn bare(&self, name: &str) -> Option<RefreshToken> {
        refresh_token(self.get(name)?.as_bytes(), "the cookie").ok()?
    }

    /// The access token that was written together with this refresh token.
    fn access_token(&self, refresh: &RefreshToken) -> Option<AccessToken> {
        let value = self.get(ACCESS).or_else(|| self.get("stack-access"))?;
        let (of, token): (String, String) = serde_json::from_str(value).ok()?;
        let (of, token) = (Zeroizing::new(of), Zeroizing::new(token));
        (*of == refresh.expose()).then(|| access_token(token.as_bytes(), "the cookie").ok()?)?
    }
}

fn is_ours(name: &str) -> bool {
    let name = name.strip_prefix(HOST).unwrap_or(name);
    name.starts_with("hexclave-") || name.starts_with("stack-")
}

/// Browsers encode some characters and servers all of them; what is no encoding at all is taken as it is.
fn decoded(value: &str) -> Cow<'_, str> {
    percent_decode_str(value)
        .decode_utf8()
        .unwrap_or(Cow::Borrowed(value))
}

/// A cookie with a refresh token.
#[derive(Default)]
struct Structured {
    refresh_token: Member<String>,
    updated_at_millis: Member<u64>,
}

impl Members for Structured {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<bool, A::Error> {
        match name {
            "refresh_token" => self.refresh_token.fill(members)?,
            "updated_at_millis" => self.updated_at_millis.fill(members)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// The refresh token, and when it was written, in milliseconds since 1970.
fn structured(json: &str) -> Option<(RefreshToken, Option<u64>)> {
    let cookie: Structured = read_object(json)?;
    let (Member::Is(token), written) = (cookie.refresh_token, cookie.updated_at_millis) else {
        return None;
    };
    let written = match written {
        Member::Is(millis) => Some(millis),
        _ => None,
    };
    Some((
        refresh_token(Zeroizing::new(token).as_bytes(), "the cookie").ok()??,
        written,
    ))
}
