//! A configuration's keys beside the project's live ones.
#![allow(clippy::expect_used, reason = "all of this is test code")]

mod support;

use hexclave_convex::{AuthConfig, KeyProblem};
use hexclave_core::{KeySet, ProjectConfig, ProjectKeys, UserKind};
use serde_json::{Value, json};
use support::{ISSUER, KEY_ID, PROJECT, changed, data_uri, jwk, provider, short_jwk};

fn project() -> ProjectConfig {
    ProjectConfig::builder()
        .project_id(PROJECT.parse().expect("a project id"))
        .build()
        .expect("a project")
}

fn live(keys: &[Value]) -> ProjectKeys {
    let set = KeySet::from_json(json!({ "keys": keys }).to_string().as_bytes()).expect("a key set");
    ProjectKeys::default().with(UserKind::Normal, set)
}

fn named(jwk: Value, id: &str) -> Value {
    serde_json::from_str(&changed(jwk, json!({ "kid": id }))).expect("JSON")
}

fn found(provider: Value, live: &ProjectKeys) -> Vec<(Option<String>, KeyProblem)> {
    let config = AuthConfig::from_json(&json!([provider]).to_string()).expect("a provider list");
    let findings = config.review_keys(&project(), live);
    for finding in &findings {
        let text = finding.to_string();
        let names = [finding.key_id.as_deref().unwrap_or_default(), ISSUER];
        assert!(names.iter().all(|name| text.contains(name)), "{text}");
        assert_eq!(
            (finding.issuer.as_str(), finding.kind),
            (ISSUER, UserKind::Normal)
        );
        assert!(finding.problem.code().starts_with("key"));
    }
    findings
        .into_iter()
        .map(|finding| (finding.key_id, finding.problem))
        .collect()
}

#[test]
fn what_is_out_of_date_is_found() {
    let inline = |keys: Value| data_uri(&json!({ "keys": keys }));
    let id = || Some(KEY_ID.to_owned());
    let other_id = || Some("other".to_owned());
    let padded = || {
        named(
            serde_json::from_str(&changed(
                short_jwk(),
                json!({ "x": "AB6G7b4e6qQwbkbS6RVizhbk3LkO-I98OxyIUY0qtHo" }),
            ))
            .expect("JSON"),
            KEY_ID,
        )
    };
    for (name, jwks, live, expected) in [
        ("the same", inline(json!([jwk()])), live(&[jwk()]), vec![]),
        (
            "the same, otherwise written",
            inline(json!([named(short_jwk(), "other"), padded()])),
            live(&[padded(), jwk()]),
            vec![(other_id(), KeyProblem::Extra)],
        ),
        (
            "none",
            inline(json!([])),
            live(&[jwk()]),
            vec![(id(), KeyProblem::Missing)],
        ),
        (
            "one is missing",
            inline(json!([jwk()])),
            live(&[named(short_jwk(), "other"), jwk()]),
            vec![(other_id(), KeyProblem::Missing)],
        ),
        (
            "one is gone",
            inline(json!([jwk(), named(short_jwk(), "other")])),
            live(&[jwk()]),
            vec![(other_id(), KeyProblem::Extra)],
        ),
        (
            "rotated",
            inline(json!([named(jwk(), "other")])),
            live(&[jwk()]),
            vec![(id(), KeyProblem::Missing), (other_id(), KeyProblem::Extra)],
        ),
        (
            "another one of that name",
            inline(json!([padded()])),
            live(&[jwk()]),
            vec![(id(), KeyProblem::Different)],
        ),
        (
            "short",
            inline(json!([short_jwk()])),
            live(&[short_jwk()]),
            vec![(id(), KeyProblem::Short)],
        ),
        ("whole", inline(json!([padded()])), live(&[short_jwk()]), vec![]),
        (
            "one spoils all",
            inline(json!([jwk(), { "kty": "XX" }])),
            live(&[jwk()]),
            vec![(None, KeyProblem::Unreadable)],
        ),
        (
            "not base64",
            "data:;base64,%".to_owned(),
            live(&[jwk()]),
            vec![(None, KeyProblem::Unreadable)],
        ),
        ("by URL", "https://example.com".to_owned(), live(&[jwk()]), vec![]),
        (
            "by URL, short",
            "https://example.com".to_owned(),
            live(&[jwk(), named(short_jwk(), "other")]),
            vec![(other_id(), KeyProblem::Short)],
        ),
        ("no live ones", inline(json!([])), ProjectKeys::default(), vec![]),
    ] {
        assert_eq!(found(provider(&jwks), &live), expected, "{name}");
    }
}

#[test]
fn other_peoples_providers_are_passed_over() {
    let keys = data_uri(&json!({ "keys": [] }));
    for other in [
        json!({ "issuer": "https://example.com" }),
        json!({ "issuer": ISSUER.replace("1111-2222", "1111-9999") }),
        json!({ "issuer": ISSUER.replace("/projects/", "/projects-anonymous-users/") }),
    ] {
        let provider = serde_json::from_str(&changed(provider(&keys), other)).expect("JSON");
        assert_eq!(found(provider, &live(&[jwk()])), []);
    }
    assert_eq!(
        found(
            json!({ "domain": ISSUER, "applicationID": PROJECT }),
            &live(&[jwk()])
        ),
        []
    );
}

#[test]
fn what_was_just_made_is_up_to_date() {
    let project = project();
    let live = live(&[jwk(), named(short_jwk(), "other")]);
    let inline = AuthConfig::for_project(&project)
        .build_inline(&live)
        .expect("keys");
    assert_eq!(inline.review_keys(&project, &live), []);
    let by_url = AuthConfig::for_project(&project).build();
    let problems: Vec<_> = by_url
        .review_keys(&project, &live)
        .into_iter()
        .map(|finding| finding.problem)
        .collect();
    assert_eq!(
        problems,
        [KeyProblem::Short, KeyProblem::Short],
        "one for each name of the host"
    );
}
