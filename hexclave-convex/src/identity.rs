use std::{collections::BTreeMap, fmt};

use hexclave_core::User;
use serde::{Serialize, Serializer};
use serde_json::{Map, Number, Value};

use crate::{ConvexError, verification::token::Payload};

const TOKEN_IDENTIFIER: &str = "tokenIdentifier";
const ISSUER: &str = "issuer";
const SUBJECT: &str = "subject";

/// What `ctx.auth.getUserIdentity()` returns in a Convex function for a custom JWT.
///
/// It has `tokenIdentifier`, `issuer` and `subject`, then every claim of the token under its own name, in the
/// order of the names' bytes; `iss`, `sub`, `aud`, `exp`, `nbf`, `iat`, `jti` and `fva` are left out. Nothing
/// is renamed: it is `email_verified`, and `emailVerified` is `undefined` for every Hexclave user.
///
/// **Objects are flattened.** A restricted or anonymous user has the member `"restricted_reason.type"` and
/// none called `restricted_reason`; a normal user has `restricted_reason`, and it is null.
///
/// **Never key data on [`tokenIdentifier`](Self::token_identifier)**: it is `iss|sub`, and changes when a
/// guest signs up, when a user becomes restricted, and when a client changes from `api.stack-auth.com` to
/// `api.hexclave.com`. Key on `project_id` and `subject`.
///
/// `Debug` shows the issuer and the subject only; personal data stays out of logs.
#[derive(Clone, PartialEq)]
pub struct UserIdentity {
    members: Map<String, Value>,
}

impl UserIdentity {
    /// The identity that Convex builds from the token of a user whom `hexclave-core` has verified.
    ///
    /// Whether a deployment accepts that token at all is another question: see
    /// [`ConvexVerifier`](crate::ConvexVerifier).
    ///
    /// # Errors
    /// `InvalidAuthHeader` when the token carries a claim called `tokenIdentifier`, `issuer` or `subject`.
    /// None of Hexclave's does, and in Convex it would take the place of the real one.
    pub fn of(user: &User) -> Result<Self, ConvexError> {
        let payload = Payload::parse(user.payload().as_bytes()).map_err(|why| {
            ConvexError::invalid("Could not parse JWT payload: it is not one that Convex reads")
                .with_source(why)
        })?;
        let claims = FlatClaims::of(payload.claims);
        claims.hide_nothing()?;
        Ok(Self::new(user.issuer(), &user.id().to_string(), claims))
    }

    /// What Convex makes of a token with this payload, if it accepts it. **Nothing is proven here**: for looking at
    /// Convex's rules, not for letting anybody in.
    ///
    /// A claim called `tokenIdentifier`, `issuer` or `subject` takes the place of the real one, as in Convex, whatever
    /// its type. [`of`](Self::of) and [`ConvexVerifier`](crate::ConvexVerifier) refuse such tokens.
    ///
    /// ```
    /// use hexclave_convex::UserIdentity;
    ///
    /// let payload = r#"{"sub":"ada","iss":"https://example.com","exp":1,"plan":{"seats":3},"issuer":"me"}"#;
    /// assert_eq!(
    ///     UserIdentity::of_unproven(payload)?.to_json(),
    ///     r#"{"tokenIdentifier":"https://example.com|ada","issuer":"me","subject":"ada","plan.seats":3}"#
    /// );
    /// # Ok::<(), hexclave_convex::ConvexError>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidAuthHeader` when Convex cannot read the payload, or when it lacks `iss` or `sub`.
    pub fn of_unproven(payload: &str) -> Result<Self, ConvexError> {
        let payload = Payload::parse(payload.as_bytes()).map_err(|why| {
            ConvexError::invalid("Could not parse JWT payload: it is not one that Convex reads")
                .with_source(why)
        })?;
        let named = |claim: Option<String>, name: &str| {
            claim.ok_or_else(|| {
                ConvexError::invalid(format!("Could not verify token claim: it has no `{name}`"))
            })
        };
        let issuer = named(payload.issuer, "iss")?;
        let subject = named(payload.subject, "sub")?;
        Ok(Self::new(&issuer, &subject, FlatClaims::of(payload.claims)))
    }

    /// The identity of `subject` at `issuer`.
    pub(crate) fn new(issuer: &str, subject: &str, claims: FlatClaims) -> Self {
        let mut members = Map::from_iter([
            (TOKEN_IDENTIFIER.to_owned(), format!("{issuer}|{subject}").into()),
            (ISSUER.to_owned(), issuer.into()),
            (SUBJECT.to_owned(), subject.into()),
        ]);
        members.extend(claims.0);
        Self { members }
    }

    /// The identity as compact JSON, byte for byte what Convex hands to a function's runtime. (Through
    /// [`Serialize`] the members and their order are the same; how numbers are spelt is the serializer's
    /// affair.)
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = String::new();
        write_object(&self.members, &mut json);
        json
    }

    /// A member by the name that a function sees, such as `email` or `restricted_reason.type`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// `sub`: the Hexclave user's id.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.text(SUBJECT)
    }

    /// `iss` as it stands in the token.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.text(ISSUER)
    }

    /// `iss|sub`. One user has several of these over time, so never key data on it.
    #[must_use]
    pub fn token_identifier(&self) -> &str {
        self.text(TOKEN_IDENTIFIER)
    }

    fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

impl Serialize for UserIdentity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.members.serialize(serializer)
    }
}

impl fmt::Debug for UserIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserIdentity")
            .field(ISSUER, &self.issuer())
            .field(SUBJECT, &self.subject())
            .finish_non_exhaustive()
    }
}

/// The claims that are not registered ones as functions see them: names joined with dots, in the order of the names'
/// bytes.
#[derive(Debug)]
pub(crate) struct FlatClaims(BTreeMap<String, Value>);

impl FlatClaims {
    pub(crate) fn of(claims: Map<String, Value>) -> Self {
        let mut flat = BTreeMap::new();
        flatten("", claims, &mut flat);
        flat.remove("fva");
        Self(flat)
    }

    /// Refuses claims that would take the place of who issued the token and to whom.
    pub(crate) fn hide_nothing(&self) -> Result<(), ConvexError> {
        match [TOKEN_IDENTIFIER, ISSUER, SUBJECT]
            .iter()
            .find(|name| self.0.contains_key(**name))
        {
            Some(name) => Err(ConvexError::invalid(format!(
                "Could not verify token claim: a claim called `{name}` would take the place of the real one"
            ))),
            None => Ok(()),
        }
    }
}

/// Joins the names on the way to each value with dots. Lists stay whole, empty objects vanish, and of two
/// claims with one path the later wins.
fn flatten(prefix: &str, claims: Map<String, Value>, flat: &mut BTreeMap<String, Value>) {
    for (name, value) in claims {
        let path = format!("{prefix}{name}");
        match value {
            Value::Object(inner) => flatten(&format!("{path}."), inner, flat),
            value => {
                flat.insert(path, value);
            }
        }
    }
}

fn write_object(members: &Map<String, Value>, json: &mut String) {
    json.push('{');
    for (index, (name, value)) in members.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        json.push_str(&Value::from(name.as_str()).to_string());
        json.push(':');
        write(value, json);
    }
    json.push('}');
}

fn write(value: &Value, json: &mut String) {
    match value {
        Value::Object(members) => write_object(members, json),
        Value::Array(items) => {
            json.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    json.push(',');
                }
                write(item, json);
            }
            json.push(']');
        }
        Value::Number(number) => json.push_str(&number_text(number)),
        scalar => json.push_str(&scalar.to_string()),
    }
}

/// A number as Convex writes it, whatever features of serde_json a program has turned on: integers of 64 bits as they
/// are, all others as the nearest double in the shortest form that is read back alike (`1e19` and not `1e+19`).
fn number_text(number: &Number) -> String {
    if let Some(natural) = number.as_u64() {
        return natural.to_string();
    }
    // With serde_json's `arbitrary_precision`, `-0` counts as an integer too.
    if let Some(integer) = number.as_i64().filter(|integer| *integer != 0) {
        return integer.to_string();
    }
    let double = number.as_f64().unwrap_or_default();
    ryu::Buffer::new().format_finite(double).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(claims: &str) -> FlatClaims {
        FlatClaims::of(serde_json::from_str(claims).expect("a JSON object"))
    }

    #[test]
    fn claims_are_flattened_sorted_and_printed_like_convex() {
        for (name, claims, expected) in [
            ("none", r#"{}"#, ""),
            ("null is kept", r#"{"a":null}"#, r#","a":null"#),
            (
                "byte order",
                r#"{"b":1,"B":2,"_":3,"é":4,"a.b":5,"a":6,"aB":7}"#,
                r#","B":2,"_":3,"a":6,"a.b":5,"aB":7,"b":1,"é":4"#,
            ),
            (
                "nested",
                r#"{"a":{"b":{"c":1},"d":null},"e":[]}"#,
                r#","a.b.c":1,"a.d":null,"e":[]"#,
            ),
            ("empty objects vanish", r#"{"a":{},"b":{"c":{}}}"#, ""),
            (
                "lists stay whole, objects in them keep their order",
                r#"{"a":[{"z":{"y":1},"b":2},[]]}"#,
                r#","a":[{"z":{"y":1},"b":2},[]]"#,
            ),
            (
                "later path wins, object last",
                r#"{"x.y":1,"x":{"y":2}}"#,
                r#","x.y":2"#,
            ),
            (
                "later path wins, dotted last",
                r#"{"x":{"y":2},"x.y":1}"#,
                r#","x.y":1"#,
            ),
            (
                "empty names",
                r#"{"":1,"a":{"":2},"b":{"":{"":3}}}"#,
                r#","":1,"a.":2,"b..":3"#,
            ),
            ("fva", r#"{"fva":[1,2],"x":{"fva":3}}"#, r#","x.fva":3"#),
            (
                "registered names below the top",
                r#"{"x":{"exp":1,"sub":2}}"#,
                r#","x.exp":1,"x.sub":2"#,
            ),
            (
                "numbers",
                r#"{"a":1.0,"b":1e-5,"c":1e-6,"d":1e15,"e":-0,"f":18446744073709551615,"g":18446744073709551616,
                "h":-9223372036854775808,"i":0.1,"j":1E2,"k":1e21,"l":123456789012345680.0,"m":5e-324,"n":-9223372036854775809}"#,
                r#","a":1.0,"b":0.00001,"c":1e-6,"d":1000000000000000.0,"e":-0.0,"f":18446744073709551615,"g":1.8446744073709552e19,"h":-9223372036854775808,"i":0.1,"j":100.0,"k":1e21,"l":1.2345678901234568e17,"m":5e-324,"n":-9.223372036854776e18"#,
            ),
            (
                "strings",
                r#"{"a":"\u005a\/\u007f\u2028\n\u0001\"\\🦀"}"#,
                ",\"a\":\"Z/\u{7f}\u{2028}\\n\\u0001\\\"\\\\🦀\"",
            ),
        ] {
            let expected = format!(r#"{{"tokenIdentifier":"i|s","issuer":"i","subject":"s"{expected}}}"#);
            let identity = UserIdentity::new("i", "s", flat(claims));
            assert_eq!(identity.to_json(), expected, "{name}");
        }
    }

    #[test]
    fn no_claim_takes_the_place_of_the_real_one() {
        for name in [TOKEN_IDENTIFIER, ISSUER, SUBJECT] {
            for hiding in ["\"somebody else\"", "null", "7", "[]"] {
                let error = flat(&format!(r#"{{"{name}":{hiding}}}"#))
                    .hide_nothing()
                    .expect_err(name);
                assert_eq!((error.code(), error.http_status()), ("InvalidAuthHeader", 401));
            }
            for harmless in [
                format!(r#"{{"x":{{"{name}":1}}}}"#),
                format!(r#"{{"{name}":{{"x":1}}}}"#),
            ] {
                assert!(flat(&harmless).hide_nothing().is_ok(), "{harmless}");
            }
        }
    }
}
