use std::time::{Duration, SystemTime};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hexclave_core::{AccessToken, ErrorKind};
use serde_json::{Value, json};

use crate::output::ago;

/// The longest text of a token that is shown, in characters.
const LONGEST: usize = 200;

/// Why a token was refused, and what it says of itself. Nothing of that is proven, and nothing of it is personal.
#[derive(Debug)]
pub(crate) struct RefusedToken {
    /// The check that it did not pass.
    check: &'static str,
    algorithm: Option<String>,
    key_id: Option<String>,
    issuer: Option<String>,
    audience: Option<String>,
    issued_at: Option<u64>,
    expires_at: Option<u64>,
}

impl RefusedToken {
    /// A token that was refused for this reason; none where the reason is not the token.
    pub(crate) fn new(token: &AccessToken, reason: ErrorKind) -> Option<Self> {
        let check = check(reason)?;
        let mut parts = token.expose().split('.').map(object);
        let header = parts.next().flatten().unwrap_or_default();
        let payload = parts.next().flatten().unwrap_or_default();
        Some(Self {
            check,
            algorithm: text(&header, "alg"),
            key_id: text(&header, "kid"),
            issuer: text(&payload, "iss"),
            audience: text(&payload, "aud"),
            issued_at: payload.get("iat").and_then(Value::as_u64),
            expires_at: payload.get("exp").and_then(Value::as_u64),
        })
    }

    /// The check that it did not pass.
    pub(crate) fn check(&self) -> &'static str {
        self.check
    }

    /// What it says, for programs: times in seconds since 1970.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "algorithm": self.algorithm,
            "keyId": self.key_id,
            "issuer": self.issuer,
            "audience": self.audience,
            "issuedAt": self.issued_at,
            "expiresAt": self.expires_at,
        })
    }

    /// What it says, for people.
    pub(crate) fn rows(&self) -> Vec<(&'static str, String)> {
        let time = |seconds: Option<u64>| {
            let since_1970 = Duration::from_secs(seconds?);
            SystemTime::UNIX_EPOCH.checked_add(since_1970).map(ago)
        };
        let rows = [
            ("algorithm", self.algorithm.clone()),
            ("key id", self.key_id.clone()),
            ("issuer", self.issuer.clone()),
            ("audience", self.audience.clone()),
            ("issued", time(self.issued_at)),
            ("expires", time(self.expires_at)),
        ];
        rows.into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }
}

/// The check whose outcome an error is, in the order in which they are made.
fn check(reason: ErrorKind) -> Option<&'static str> {
    Some(match reason {
        ErrorKind::TokenMissing | ErrorKind::TokenTooLarge | ErrorKind::TokenMalformed => "form",
        ErrorKind::UnsupportedAlgorithm | ErrorKind::UnsupportedHeader | ErrorKind::KeyIdMissing => "header",
        ErrorKind::AudienceMismatch => "audience",
        ErrorKind::IssuerMismatch => "issuer",
        ErrorKind::TokenExpired | ErrorKind::NotYetValid => "time",
        ErrorKind::ProjectMismatch | ErrorKind::BranchMismatch => "project",
        ErrorKind::InvalidClaim | ErrorKind::InconsistentClaims => "claims",
        ErrorKind::KindNotAccepted(_) => "kind",
        ErrorKind::UnknownKey | ErrorKind::KeyKindMismatch => "key",
        ErrorKind::InvalidSignature => "signature",
        _ => return None,
    })
}

fn object(part: &str) -> Option<Value> {
    if part.len() > AccessToken::MAX_LEN {
        return None;
    }
    let value: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()?;
    value.is_object().then_some(value)
}

fn text(object: &Value, name: &str) -> Option<String> {
    let text = object.get(name)?.as_str()?;
    let mut shown: String = text.chars().take(LONGEST).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    Some(shown)
}
