//! Changes to claims and headers, by chance.

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

use crate::{NOW, PROJECT};

/// A member to set, or to leave out.
pub(crate) type Change = (&'static str, Option<Value>);

pub(crate) fn change(names: &'static [&'static str]) -> impl Strategy<Value = Change> {
    (select(names), prop::option::weighted(0.8, any_value()))
}

/// As [`change`], for the claims whose every value counts: what any value rarely is, these are often.
pub(crate) fn claim_change(names: &'static [&'static str]) -> impl Strategy<Value = Change> {
    let times = select(["exp", "iat", "nbf"].as_slice());
    let flags = select(["is_anonymous", "is_restricted", "restricted_reason"].as_slice());
    let texts = select(["iss", "aud", "project_id", "branch_id", "sub"].as_slice());
    let flag = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        reason_object()
    ];
    prop_oneof![
        2 => change(names),
        1 => (times, prop_oneof![3 => near_now(), 1 => in_ten_years()].prop_map(Some)),
        1 => (flags, prop::option::weighted(0.8, flag)),
        1 => (texts, text().prop_map(Some)),
    ]
}

/// As [`change`], for the members that a header has.
pub(crate) fn header_change(names: &'static [&'static str]) -> impl Strategy<Value = Change> {
    let texts = select(["alg", "kid", "typ"].as_slice());
    prop_oneof![change(names), (texts, text().prop_map(Some))]
}

pub(crate) fn apply(object: &mut Value, changes: Vec<Change>) {
    let members = object.as_object_mut().expect("an object");
    for (name, value) in changes {
        match value {
            Some(value) => members.insert(name.to_owned(), value),
            None => members.remove(name),
        };
    }
}

/// JSON of any shape, mostly made of what claims and headers are made of.
fn any_value() -> impl Strategy<Value = Value> {
    let far = prop_oneof![Just(0), Just(u64::MAX), any::<u64>()];
    let leaf = prop_oneof![
        2 => Just(Value::Null),
        4 => any::<bool>().prop_map(Value::from),
        4 => near_now(),
        2 => far.prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => (NOW - 10..NOW + 10).prop_map(|time| json!(time as f64)),
        8 => text(),
        4 => reason_object(),
        1 => any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec(("[a-z]{0,6}|type", inner), 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// What some member of a token says, or almost.
fn text() -> impl Strategy<Value = Value> {
    let issuer = |host: &str, path: &str| format!("https://{host}/api/v1/{path}/{PROJECT}");
    select(vec![
        json!(PROJECT),
        json!(format!("{PROJECT}:restricted")),
        json!(format!("{PROJECT}:anon")),
        json!(format!("{PROJECT}:anon ")),
        json!(issuer("api.hexclave.com", "projects")),
        json!(issuer("api.stack-auth.com", "projects")),
        json!(issuer("api.hexclave.com", "projects-restricted-users")),
        json!(issuer("api.stack-auth.com", "projects-anonymous-users")),
        json!(issuer("example.com", "projects")),
        json!("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"),
        json!("AAAAAAAA-bbbb-4ccc-8ddd-eeeeeeeeeeee"),
        json!("aaaaaaaabbbb4ccc8dddeeeeeeeeeeee"),
        json!("main"),
        json!("internal"),
        json!("true"),
        json!("JWT"),
        json!("AT+jwt"),
        json!("ES256"),
        json!("none"),
        json!(""),
    ])
}

/// A second on one or the other side of the leeway, or between.
fn near_now() -> impl Strategy<Value = Value> {
    (NOW - 6..=NOW + 6).prop_map(Value::from)
}

/// A second on one or the other side of the longest life that a token can have, or on it.
fn in_ten_years() -> impl Strategy<Value = Value> {
    const TEN_YEARS: u64 = 10 * 365 * 24 * 3600;
    (NOW + TEN_YEARS - 1..=NOW + TEN_YEARS + 1).prop_map(Value::from)
}

fn reason_object() -> impl Strategy<Value = Value> {
    select(vec![
        json!({ "type": "anonymous" }),
        json!({ "type": "email_not_verified" }),
        json!({ "type": "overdue", "since": 7 }),
        json!({ "type": 7 }),
        json!({ "reason": "anonymous" }),
    ])
}
