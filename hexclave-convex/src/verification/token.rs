//! The compact form of a signed token, taken apart as Convex does it; nothing is proven here.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::jwks::Key;
use crate::{
    ConvexError,
    members::{Members, Wrong},
};

/// Signature algorithms (RFC 7518, section 3.1), the names that a header may have in `alg`.
const SIGNING: [&str; 13] = [
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384",
    "PS512", "none",
];
/// Claims that identify or limit the token itself (RFC 7519, section 4.1). Convex does not pass them on.
const REGISTERED: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];
/// Somewhat later, a time is no date any more and Convex's backend panics.
const LATEST_TIME: u64 = 8_200_000_000_000;

/// A token whose payload has been read, which is all that choosing a provider takes.
#[derive(Debug)]
pub(crate) struct Token<'a> {
    text: &'a str,
    pub(crate) payload: Payload,
}

#[derive(Debug, Default)]
pub(crate) struct Payload {
    pub(crate) issuer: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) audience: Option<Vec<String>>,
    pub(crate) expires_at: Option<u64>,
    pub(crate) not_before: Option<u64>,
    pub(crate) issued_at: Option<u64>,
    /// The claims that are not registered ones.
    pub(crate) claims: Map<String, Value>,
}

#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) algorithm: String,
    pub(crate) key_id: Option<String>,
    has_crit: bool,
}

/// A token of three parts.
#[derive(Debug)]
pub(crate) struct Signed<'a> {
    pub(crate) header: Header,
    /// What the signature covers.
    pub(crate) message: &'a str,
    pub(crate) signature: Vec<u8>,
}

impl<'a> Token<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, ConvexError> {
        let unreadable = |why: Wrong| {
            ConvexError::invalid("Could not parse JWT payload: this is no token that Convex can read")
                .with_source(why)
        };
        let payload = text
            .split('.')
            .nth(1)
            .ok_or_else(|| Wrong("a token has three parts with dots between them".to_owned()))
            .and_then(|part| decode(part, "payload"))
            .and_then(|json| Payload::parse(&json))
            .map_err(unreadable)?;
        Ok(Self { text, payload })
    }

    /// The parts that the signature check needs.
    pub(crate) fn signed(&self) -> Result<Signed<'a>, Wrong> {
        let (message, signature) = self
            .text
            .rsplit_once('.')
            .filter(|(message, _)| message.split('.').count() == 2)
            .ok_or_else(|| Wrong("the token does not have three parts".to_owned()))?;
        let signature = decode(signature, "signature")?;
        let header = self.header()?;
        if header.has_crit {
            return Err(Wrong("the token's header demands extensions (`crit`)".to_owned()));
        }
        Ok(Signed {
            header,
            message,
            signature,
        })
    }

    pub(crate) fn header(&self) -> Result<Header, Wrong> {
        let part = self.text.split('.').next().unwrap_or_default();
        Header::parse(&decode(part, "header")?)
    }
}

impl Header {
    fn parse(json: &[u8]) -> Result<Self, Wrong> {
        let members = Members::from_json(json)
            .map_err(|_| Wrong("the token's header is not a JSON object".to_owned()))?;
        for name in ["typ", "cty", "jku", "x5u", "x5t"] {
            members.text(name)?;
        }
        members.texts("x5c")?;
        match members.member("jwk")? {
            None | Some(Value::Null) => {}
            Some(Value::Object(jwk)) => {
                Key::from_members(&jwk.clone().into())?;
            }
            Some(_) => return Err(Wrong("its `jwk` is not an object".to_owned())),
        }
        let algorithm = members
            .text("alg")?
            .filter(|name| SIGNING.contains(name))
            .ok_or_else(|| Wrong("its `alg` is not the name of a signature algorithm".to_owned()))?;
        Ok(Self {
            algorithm: algorithm.to_owned(),
            key_id: members.text("kid")?.map(str::to_owned),
            has_crit: members.texts("crit")?.is_some(),
        })
    }
}

impl Payload {
    pub(crate) fn parse(json: &[u8]) -> Result<Self, Wrong> {
        let members = Members::from_json(json)
            .map_err(|_| Wrong("the token's payload is not a JSON object".to_owned()))?;
        if members.has_number_out_of_range() {
            return Err(Wrong("the token's payload has a number out of range".to_owned()));
        }
        members.text("jti")?;
        let audience = match members.member("aud")? {
            Some(Value::String(audience)) => Some(vec![audience.clone()]),
            _ => members
                .texts("aud")?
                .map(|list| list.into_iter().map(str::to_owned).collect()),
        };
        Ok(Self {
            issuer: members.text("iss")?.map(str::to_owned),
            subject: members.text("sub")?.map(str::to_owned),
            audience,
            expires_at: time(&members, "exp")?,
            not_before: time(&members, "nbf")?,
            issued_at: time(&members, "iat")?,
            claims: members.without(&REGISTERED),
        })
    }
}

/// Strict base64url without padding and without stray bits.
pub(crate) fn decode(part: &str, what: &str) -> Result<Vec<u8>, Wrong> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| Wrong(format!("its {what} is not base64url without padding")))
}

/// Seconds since 1970, fractions rounded.
fn time(members: &Members, name: &str) -> Result<Option<u64>, Wrong> {
    let number = match members.member(name)? {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value.as_u64().or_else(|| {
            let seconds = value.as_f64().filter(|seconds| *seconds >= 0.0)?.round();
            (seconds <= LATEST_TIME as f64).then_some(seconds as u64)
        }),
    };
    number
        .filter(|seconds| *seconds <= LATEST_TIME)
        .map(Some)
        .ok_or_else(|| Wrong(format!("its `{name}` is not a time in seconds since 1970")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(json: &str) -> Result<Payload, String> {
        Payload::parse(json.as_bytes()).map_err(|Wrong(why)| why)
    }

    #[test]
    fn times_are_rounded_and_bounded() {
        for (text, seconds) in [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("-0.0", Some(0)),
            ("1.49", Some(1)),
            ("1.5", Some(2)),
            ("2.5", Some(3)),
            ("1e3", Some(1000)),
            ("8200000000000", Some(LATEST_TIME)),
            ("null", None),
        ] {
            let read = payload(&format!(r#"{{"exp":{text}}}"#)).expect(text);
            assert_eq!(read.expires_at, seconds, "{text}");
        }
        for bad in [
            "-1",
            "-0.1",
            "\"7\"",
            "true",
            "[7]",
            "{}",
            "8200000000001",
            "1e15",
            "18446744073709551615",
            "18446744073709551616",
            "1e300",
            "1e400",
        ] {
            for name in ["exp", "nbf", "iat"] {
                assert!(
                    payload(&format!(r#"{{"{name}":{bad}}}"#)).is_err(),
                    "{name} {bad}"
                );
            }
        }
    }

    #[test]
    fn registered_claims_have_their_types_and_are_not_repeated() {
        let read = payload(r#"{"iss":null,"aud":["a","b"],"x":1,"y":2,"x":3,"sub":"s","jti":"j"}"#);
        let read = read.expect("a payload");
        assert_eq!((read.issuer, read.subject.as_deref()), (None, Some("s")));
        assert_eq!(read.audience, Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(Value::Object(read.claims).to_string(), r#"{"x":3,"y":2}"#);
        for bad in [
            r#"{"iss":1}"#,
            r#"{"sub":{}}"#,
            r#"{"jti":7}"#,
            r#"{"aud":7}"#,
            r#"{"aud":["a",7]}"#,
            r#"{"aud":["a",null]}"#,
            r#"{"iss":"a","iss":"a"}"#,
            r#"{"jti":null,"jti":null}"#,
            r#"{"exp":1,"\u0065xp":1}"#,
            r#"{"x":1e400}"#,
            r#"{"x":"\ud800"}"#,
            "{} {}",
            "\u{feff}{}",
            "[]",
            "7",
            "",
        ] {
            assert!(payload(bad).is_err(), "{bad}");
        }
        let nested = |levels: usize| format!(r#"{{"x":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
        assert!(payload(&nested(126)).is_ok());
        assert!(payload(&nested(127)).is_err());
    }

    #[test]
    fn a_header_has_the_types_of_its_members() {
        let read = |json: &str| Header::parse(json.as_bytes());
        for good in [
            r#"{"alg":"ES256"}"#,
            r#"{"alg":"none","kid":null,"typ":null,"x5c":null}"#,
            r#"{"alg":"ES256","typ":"x","cty":"x","jku":"x","x5u":"x","x5t":"x","x5c":["x"],"crit":["x"]}"#,
            r#"{"alg":"ES256","jwk":{"kty":"oct","k":""},"unknown":1,"unknown":2}"#,
        ] {
            assert!(read(good).is_ok(), "{good}");
        }
        for bad in [
            r#"{}"#,
            r#"{"alg":null}"#,
            r#"{"alg":"es256"}"#,
            r#"{"alg":"ES256","alg":"ES256"}"#,
            r#"{"alg":{"ES256":null}}"#,
            r#"{"alg":"ES256","kid":7}"#,
            r#"{"alg":"ES256","kid":"a","kid":"a"}"#,
            r#"{"alg":"ES256","typ":7}"#,
            r#"{"alg":"ES256","typ":"JWT","typ":"JWT"}"#,
            r#"{"alg":"ES256","x5c":"x"}"#,
            r#"{"alg":"ES256","crit":[7]}"#,
            r#"{"alg":"ES256","jwk":{}}"#,
            r#"{"alg":"ES256","jwk":"x"}"#,
            "[]",
            "",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
