//! What Hexclave could have issued.

use hexclave_core::UserKind;
use hexclave_testkit::hexclave::SigningKey;
use serde_json::{Map, Value, json};

use crate::{NOW, PROJECT};

/// The rules once more, from the documentation of [`Verifier`](hexclave_core::Verifier) and in no hurry: whether a token with this header and
/// these claims, rightly signed with `key` of users of `kind`, is one that Hexclave could have issued.
pub(crate) fn ought_to_pass(header: &Value, claims: &Value, kind: UserKind, key: &SigningKey) -> bool {
    let (Value::Object(header), Value::Object(claims)) = (header, claims) else {
        return false;
    };
    let typ = header.get("typ").map(|typ| typ.as_str().map(str::to_lowercase));
    let header_is_right = header.get("alg") == Some(&json!("ES256"))
        && header.get("kid") == Some(&json!(key.id()))
        && !header.contains_key("crit")
        && !header.contains_key("b64")
        && matches!(
            typ.as_ref().map(Option::as_deref),
            None | Some(Some("jwt" | "at+jwt"))
        );

    let (path, suffix) = match kind {
        UserKind::Normal => ("projects", ""),
        UserKind::Restricted => ("projects-restricted-users", ":restricted"),
        UserKind::Anonymous => ("projects-anonymous-users", ":anon"),
    };
    let issuer_and_audience_are_the_kinds = claims.get("aud") == Some(&json!(format!("{PROJECT}{suffix}")))
        && ["api.hexclave.com", "api.stack-auth.com"]
            .iter()
            .any(|host| claims.get("iss") == Some(&json!(format!("https://{host}/api/v1/{path}/{PROJECT}"))));

    let time = |name: &str| claims.get(name).and_then(Value::as_u64).map(i128::from);
    let now = i128::from(NOW);
    let times_are_right = time("exp").zip(time("iat")).is_some_and(|(exp, iat)| {
        now - exp < 5 && iat - now <= 5 && exp > iat && exp - iat <= 10 * 365 * 24 * 60 * 60
    }) && match claims.get("nbf") {
        None | Some(Value::Null) => true,
        Some(_) => time("nbf").is_some_and(|nbf| nbf - now <= 5),
    };

    // The old name of a claim stands for the new one; both together contradict each other.
    let either = |new: &str, old: &str| match (claims.get(new), claims.get(old)) {
        (Some(_), Some(_)) => Some(json!("both")),
        (one, other) => one.or(other).cloned(),
    };
    let branch_is_main = either("branch_id", "branchId") == Some(json!("main"));
    let project_is_right = claims.get("project_id") == Some(&json!(PROJECT));
    let user_is_a_uuid = claims.get("sub").is_some_and(is_uuid);

    let unless_null = |value: Option<Value>, fits: fn(&Value) -> bool| {
        value.is_none_or(|value| value.is_null() || fits(&value))
    };
    let claim = |name: &str| claims.get(name).cloned();
    let the_rest_fits = unless_null(either("refresh_token_id", "refreshTokenId"), is_uuid)
        && unless_null(claim("selected_team_id"), is_uuid)
        && unless_null(claim("name"), Value::is_string)
        && unless_null(claim("email"), Value::is_string)
        && unless_null(claim("email_verified"), Value::is_boolean)
        && unless_null(claim("requires_totp_mfa"), Value::is_boolean)
        && unless_null(claim("signed_up_at"), Value::is_u64);

    let flag = |name: &str| claim(name).filter(|value| !value.is_null());
    let flags_are_the_kinds = match kind {
        UserKind::Normal => {
            flag("is_anonymous") == Some(json!(false))
                && flag("is_restricted").is_none_or(|flag| flag == json!(false))
                && flag("restricted_reason").is_none()
        }
        UserKind::Restricted => {
            flag("is_anonymous") == Some(json!(false))
                && flag("is_restricted") == Some(json!(true))
                && reason(claims).is_some_and(|reason| reason != "anonymous")
        }
        UserKind::Anonymous => {
            flag("is_anonymous") == Some(json!(true))
                && flag("is_restricted").is_none_or(|flag| flag == json!(true))
                && (claim("restricted_reason").is_none() || reason(claims) == Some("anonymous"))
        }
    };

    header_is_right
        && issuer_and_audience_are_the_kinds
        && times_are_right
        && branch_is_main
        && project_is_right
        && user_is_a_uuid
        && the_rest_fits
        && flags_are_the_kinds
}

fn reason(claims: &Map<String, Value>) -> Option<&str> {
    claims
        .get("restricted_reason")?
        .as_object()?
        .get("type")?
        .as_str()
}

fn is_uuid(value: &Value) -> bool {
    let groups: Vec<&str> = value.as_str().unwrap_or_default().split('-').collect();
    let is_hexadecimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(is_hexadecimal))
}
