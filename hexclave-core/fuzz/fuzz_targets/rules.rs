//! The rules for an access token once more, told plainly and without the checks of the crate under test.

use hexclave_core::UserKind;
use serde_json::{Map, Value};

pub const PROJECT: &str = "11111111-2222-4333-8444-555555555555";

const LEEWAY: i128 = 5;
const TEN_YEARS: i128 = 10 * 365 * 24 * 3600;

/// Whether a token with this header and payload is right at a time (seconds since 1970), given that the key
/// `key_id`, which signs for users of `kind`, has signed it.
pub fn are_kept(header: &str, payload: &str, key_id: &str, kind: UserKind, now: u64) -> bool {
    let (Some(header_members), Some(claims)) = (object(header), object(payload)) else {
        return false;
    };
    header.len() <= 1024
        && header_is_right(&header_members, key_id)
        && audience_and_issuer_are_right(&claims, kind)
        && times_are_right(&claims, now)
        && kind_of_flags(&claims) == Some(kind)
        && text(&claims, "project_id") == Some(PROJECT)
        && either(&claims, "branch_id", "branchId").and_then(Value::as_str) == Some("main")
        && claims.get("sub").is_some_and(is_uuid)
        && !(claims.contains_key("refresh_token_id") && claims.contains_key("refreshTokenId"))
        && either(&claims, "refresh_token_id", "refreshTokenId").is_none_or(is_uuid)
        && given(&claims, "selected_team_id").is_none_or(is_uuid)
        && given(&claims, "signed_up_at").is_none_or(Value::is_u64)
        && ["name", "email"]
            .iter()
            .all(|name| given(&claims, name).is_none_or(Value::is_string))
        && ["email_verified", "requires_totp_mfa"]
            .iter()
            .all(|name| given(&claims, name).is_none_or(Value::is_boolean))
}

fn header_is_right(header: &Map<String, Value>, key_id: &str) -> bool {
    let typ_is_right = match header.get("typ") {
        None => true,
        Some(Value::String(typ)) => matches!(typ.to_ascii_lowercase().as_str(), "jwt" | "at+jwt"),
        Some(_) => false,
    };
    text(header, "alg") == Some("ES256")
        && text(header, "kid") == Some(key_id)
        && typ_is_right
        && !header.contains_key("crit")
        && !header.contains_key("b64")
}

fn audience_and_issuer_are_right(claims: &Map<String, Value>, kind: UserKind) -> bool {
    let (folder, suffix) = match kind {
        UserKind::Normal => ("projects", ""),
        UserKind::Restricted => ("projects-restricted-users", ":restricted"),
        UserKind::Anonymous => ("projects-anonymous-users", ":anon"),
    };
    text(claims, "aud") == Some(&format!("{PROJECT}{suffix}"))
        && ["api.hexclave.com", "api.stack-auth.com"]
            .iter()
            .any(|host| text(claims, "iss") == Some(&format!("https://{host}/api/v1/{folder}/{PROJECT}")))
}

fn times_are_right(claims: &Map<String, Value>, now: u64) -> bool {
    let seconds = |name| claims.get(name).and_then(Value::as_u64).map(i128::from);
    let now = i128::from(now);
    let (Some(exp), Some(iat)) = (seconds("exp"), seconds("iat")) else {
        return false;
    };
    let nbf_is_right =
        given(claims, "nbf").is_none_or(|_| seconds("nbf").is_some_and(|nbf| nbf <= now + LEEWAY));
    exp + LEEWAY > now && iat <= now + LEEWAY && nbf_is_right && (1..=TEN_YEARS).contains(&(exp - iat))
}

fn kind_of_flags(claims: &Map<String, Value>) -> Option<UserKind> {
    let anonymous = claims.get("is_anonymous")?.as_bool()?;
    let restricted = match given(claims, "is_restricted") {
        None => anonymous,
        Some(flag) => flag.as_bool()?,
    };
    let reason = match claims.get("restricted_reason") {
        None => anonymous.then_some("anonymous"),
        Some(Value::Null) => None,
        Some(reason) => Some(reason.as_object()?.get("type")?.as_str()?),
    };
    match (anonymous, restricted, reason) {
        (false, false, None) => Some(UserKind::Normal),
        (true, true, Some("anonymous")) => Some(UserKind::Anonymous),
        (false, true, Some(reason)) if reason != "anonymous" => Some(UserKind::Restricted),
        _ => None,
    }
}

/// A JSON object in which no name is repeated: outside of strings there are as many colons as members.
fn object(json: &str) -> Option<Map<String, Value>> {
    let value: Value = serde_json::from_str(json).ok()?;
    let (mut colons, mut in_string, mut escaped) = (0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            b':' if !in_string => colons += 1,
            _ => {}
        }
    }
    (members(&value) == colons).then_some(())?;
    match value {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

fn members(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(members).sum(),
        Value::Object(object) => object.values().map(|value| 1 + members(value)).sum(),
        _ => 0,
    }
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}

/// The member, where it is there and not null.
fn given<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

/// The member by its new or its old name; nothing where both are there.
fn either<'a>(object: &'a Map<String, Value>, new: &str, old: &str) -> Option<&'a Value> {
    match (object.get(new), object.get(old)) {
        (Some(value), None) | (None, Some(value)) => Some(value).filter(|value| !value.is_null()),
        _ => None,
    }
}

fn is_uuid(value: &Value) -> bool {
    let digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    value.as_str().is_some_and(|text| {
        text.len() == 36
            && text.bytes().enumerate().all(|(index, byte)| match index {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => digit(&byte),
            })
    })
}
