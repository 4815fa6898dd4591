//! The six steps from a payload to an identity, against a second implementation of them that is as plain as can be.
#![allow(clippy::expect_used, reason = "all of this is test code")]

use hexclave_convex::UserIdentity;
use proptest::prelude::*;
use serde_json::{Number, Value, json};

/// JSON whose objects keep their members' order and repetitions.
#[derive(Clone, Debug)]
enum Json {
    Plain(Value),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Json {
    fn text(&self) -> String {
        match self {
            Self::Plain(value) => value.to_string(),
            Self::List(items) => format!("[{}]", joined(items.iter().map(Self::text))),
            Self::Object(members) => {
                object(members.iter().map(|(name, value)| (name.as_str(), value.text())))
            }
        }
    }

    /// Of repeated members the last value counts, at the first one's place.
    fn without_repetitions(&self) -> Self {
        match self {
            Self::Object(members) => {
                let mut unique: Vec<(String, Self)> = Vec::new();
                for (name, value) in members {
                    let value = value.without_repetitions();
                    match unique.iter_mut().find(|(known, _)| known == name) {
                        Some(known) => known.1 = value,
                        None => unique.push((name.clone(), value)),
                    }
                }
                Self::Object(unique)
            }
            Self::List(items) => Self::List(items.iter().map(Self::without_repetitions).collect()),
            plain => plain.clone(),
        }
    }

    /// The paths of everything that is no object.
    fn paths(&self, path: &str, into: &mut Vec<(String, String)>) {
        match self {
            Self::Object(members) => {
                for (name, value) in members {
                    value.paths(&format!("{path}.{name}"), into);
                }
            }
            value => into.push((path.strip_prefix('.').unwrap_or(path).to_owned(), value.text())),
        }
    }
}

fn joined(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(",")
}

fn object<'a>(members: impl Iterator<Item = (&'a str, String)>) -> String {
    format!(
        "{{{}}}",
        joined(members.map(|(name, value)| format!("{}:{value}", json!(name))))
    )
}

fn naive(payload: &[(String, Json)]) -> String {
    let Json::Object(payload) = Json::Object(payload.to_vec()).without_repetitions() else {
        unreachable!("an object stays one")
    };
    let registered = |name: &str| {
        let claim = payload.iter().find(|(known, _)| known == name);
        match claim.expect("always there") {
            (_, Json::Plain(Value::String(text))) => text.clone(),
            _ => unreachable!("always a text"),
        }
    };
    let (issuer, subject) = (registered("iss"), registered("sub"));
    // 1. Without the registered claims.
    let claims: Vec<_> = payload
        .iter()
        .filter(|(name, _)| !["iss", "sub", "aud", "exp", "nbf", "iat", "jti"].contains(&name.as_str()))
        .cloned()
        .collect();
    // 2. Flat, and of the same path the later one.
    let mut found = Vec::new();
    Json::Object(claims).paths("", &mut found);
    let mut flat: Vec<(String, String)> = Vec::new();
    for (path, value) in found {
        flat.retain(|(known, _)| *known != path);
        flat.push((path, value));
    }
    // 3. Without `fva`.
    flat.retain(|(path, _)| path != "fva");
    // 4. In the order of bytes.
    flat.sort_by(|(a, _), (b, _)| a.as_bytes().cmp(b.as_bytes()));
    // 5. Behind the three computed ones, 6. which a claim of that name replaces.
    let mut members = vec![
        (
            "tokenIdentifier".to_owned(),
            json!(format!("{issuer}|{subject}")).to_string(),
        ),
        ("issuer".to_owned(), json!(issuer).to_string()),
        ("subject".to_owned(), json!(subject).to_string()),
    ];
    for (path, value) in flat {
        match members.iter_mut().find(|(known, _)| *known == path) {
            Some(known) => known.1 = value,
            None => members.push((path, value)),
        }
    }
    object(members.iter().map(|(name, value)| (name.as_str(), value.clone())))
}

/// Names that meet one another: by dots, by order, by being special.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ab]{1,2}",
        2 => "[a.]{1,3}",
        1 => Just(String::new()),
        1 => "\\PC{1,3}",
        2 => prop::sample::select(vec![
            "fva", "issuer", "subject", "tokenIdentifier", "email_verified", "B", "_", "é",
        ])
        .prop_map(str::to_owned),
    ]
}

/// Numbers stay integers here: how others are written stands in tables.
fn json_value() -> impl Strategy<Value = Json> {
    let plain = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(|number| Value::Number(Number::from(number))),
        (i64::MIN..0).prop_map(|number| Value::Number(Number::from(number))),
        ".{0,4}".prop_map(Value::from),
    ];
    plain.prop_map(Json::Plain).prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Json::List),
            3 => prop::collection::vec((name(), inner), 0..5).prop_map(Json::Object),
        ]
    })
}

fn payload() -> impl Strategy<Value = Vec<(String, Json)>> {
    let claims = prop::collection::vec((name(), json_value()), 0..8);
    (claims, ".{0,4}", ".{1,4}").prop_flat_map(|(claims, issuer, subject)| {
        let text = |name: &str, value: String| (name.to_owned(), Json::Plain(value.into()));
        let mut members = claims;
        members.extend([
            text("iss", issuer),
            text("sub", subject),
            text("aud", "a".to_owned()),
            ("exp".to_owned(), Json::Plain(json!(1))),
            ("nbf".to_owned(), Json::Plain(json!(0))),
            ("iat".to_owned(), Json::Plain(Value::Null)),
            text("jti", "j".to_owned()),
        ]);
        Just(members).prop_shuffle()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn identities_are_those_of_the_six_steps(payload in payload()) {
        let text = Json::Object(payload.clone()).text();
        let identity = UserIdentity::of_unproven(&text).expect("readable");
        prop_assert_eq!(identity.to_json(), naive(&payload));
    }
}

#[test]
fn the_second_implementation_is_right_where_it_matters() {
    let member = |name: &str, value: Value| (name.to_owned(), Json::Plain(value));
    let payload = [
        member("x.y", json!(1)),
        (
            "x".to_owned(),
            Json::Object(vec![member("y", json!(2)), member("", json!(3))]),
        ),
        member("subject", json!(null)),
        member("iss", json!("i")),
        member("sub", json!("s")),
        member("fva", json!(7)),
    ];
    assert_eq!(
        naive(&payload),
        r#"{"tokenIdentifier":"i|s","issuer":"i","subject":null,"x.":3,"x.y":2}"#
    );
}

/// Also with serde_json's `arbitrary_precision`, which keeps numbers as they were written.
#[test]
fn numbers_are_written_as_convex_writes_them() {
    for (read, written) in [
        ("1.0", "1.0"),
        ("1e-5", "0.00001"),
        ("1e-6", "1e-6"),
        ("1E2", "100.0"),
        ("1e15", "1000000000000000.0"),
        ("1e16", "1e16"),
        ("1e19", "1e19"),
        ("-0", "-0.0"),
        ("-0.0", "-0.0"),
        ("0.10", "0.1"),
        ("123456789012345680.0", "1.2345678901234568e17"),
        ("18446744073709551615", "18446744073709551615"),
        ("18446744073709551616", "1.8446744073709552e19"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("-9223372036854775809", "-9.223372036854776e18"),
        ("[1.50,{\"b\":2e0,\"a\":-0}]", "[1.5,{\"b\":2.0,\"a\":-0.0}]"),
    ] {
        let payload = format!(r#"{{"iss":"i","sub":"s","n":{read}}}"#);
        let identity = UserIdentity::of_unproven(&payload).expect(read);
        let expected = format!(r#"{{"tokenIdentifier":"i|s","issuer":"i","subject":"s","n":{written}}}"#);
        assert_eq!(identity.to_json(), expected, "{read}");
    }
    for unreadable in ["1e400", "-1e400", "[1e400]", "{\"a\":[1e999]}", "01", "NaN"] {
        let payload = format!(r#"{{"iss":"i","sub":"s","n":{unreadable}}}"#);
        let error = UserIdentity::of_unproven(&payload).expect_err(unreadable);
        assert_eq!(error.code(), "InvalidAuthHeader", "{unreadable}");
    }
}
