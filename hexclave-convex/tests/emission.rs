//! The emitted files, to the byte, and what may be done to files that are there already.
#![allow(clippy::expect_used, reason = "all of this is test code")]

mod support;

use std::{env, fs, path::Path};

use hexclave_convex::{AuthConfig, Compatibility};
use hexclave_core::{AcceptedKinds, KeySet, ProjectConfig, ProjectKeys, UserKind};
use serde_json::{Value, json};
use support::{PROJECT, jwk, short_jwk};

const CLOUD: &str = "https://api.hexclave.com";

fn project(api_url: &str) -> ProjectConfig {
    ProjectConfig::builder()
        .project_id(PROJECT.parse().expect("a project id"))
        .api_url(api_url.parse().expect("an API URL"))
        .build()
        .expect("a project")
}

fn keys() -> ProjectKeys {
    let set =
        |jwk: Value| KeySet::from_json(json!({ "keys": [jwk] }).to_string().as_bytes()).expect("a key set");
    ProjectKeys::default()
        .with(UserKind::Normal, set(jwk()))
        .with(UserKind::Anonymous, set(short_jwk()))
}

fn guests_too() -> AcceptedKinds {
    AcceptedKinds::default().and(UserKind::Anonymous)
}

/// Compares with the file of that name; with `UPDATE_GOLDEN` in the environment, writes it.
fn assert_golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, actual).expect("a writable file");
    }
    let expected = fs::read_to_string(&path).expect("a golden file");
    assert_eq!(actual, expected, "{name}");
}

#[test]
fn emitted_files_are_the_golden_ones() {
    let odd = json!([
        {
            "type": "customJwt", "issuer": "https://example.com/\u{2028}\"\\", "jwks": "data:,{}\n</script>`${x}`",
            "algorithm": "RS256",
        },
        { "applicationID": "app", "domain": "https://example.com" },
    ]);
    let (cloud, local) = (project(CLOUD), project("http://localhost:8102"));
    let from_environment = AuthConfig::for_project(&cloud)
        .kinds(AcceptedKinds::ALL)
        .project_id_from_environment("HEXCLAVE_PROJECT_ID")
        .expect("a name");
    let listed = |json: &str| AuthConfig::from_json(json).expect("a provider list");
    for (name, config) in [
        ("normal", AuthConfig::for_project(&cloud).build()),
        (
            "all-kinds",
            AuthConfig::for_project(&cloud).kinds(AcceptedKinds::ALL).build(),
        ),
        (
            "self-hosted",
            AuthConfig::for_project(&local).kinds(guests_too()).build(),
        ),
        (
            "inline",
            AuthConfig::for_project(&cloud)
                .kinds(guests_too())
                .build_inline(&keys())
                .expect("keys"),
        ),
        ("environment", from_environment.build()),
        (
            "upstream",
            AuthConfig::for_project(&cloud)
                .compatibility(Compatibility::Upstream)
                .build(),
        ),
        ("empty", listed("[]")),
        ("odd", listed(&odd.to_string())),
    ] {
        assert_golden(&format!("{name}.ts"), &config.to_typescript());
        assert_golden(&format!("{name}.js"), &config.to_javascript());
        assert_golden(&format!("{name}.json"), &config.to_json());
        assert_eq!(listed(&config.to_json()), config, "{name}");
        for script in [config.to_typescript(), config.to_javascript()] {
            assert!(AuthConfig::is_emitted(&script), "{name}");
            assert!(AuthConfig::is_emitted(&script.replace('\n', "\r\n")), "{name}");
        }
        assert_eq!(AuthConfig::is_emitted(&config.to_json()), name != "odd", "{name}");
    }
}

#[test]
fn inline_keys_are_whole_and_of_their_own_kind() {
    let cloud = project(CLOUD);
    let config = AuthConfig::for_project(&cloud)
        .kinds(guests_too())
        .build_inline(&keys());
    let config = config.expect("keys");
    for provider in config.providers() {
        let jwks = provider.jwks().expect("keys");
        assert_eq!(provider.inline_jwks_len(), Some(jwks.len()));
        let is_guests = provider.application_id() != Some(PROJECT);
        let mut expected = if is_guests { short_jwk() } else { jwk() };
        if is_guests {
            expected["x"] = json!("AB6G7b4e6qQwbkbS6RVizhbk3LkO-I98OxyIUY0qtHo");
        }
        expected.as_object_mut().expect("an object").sort_keys();
        let mut found = support::data_of(jwks)["keys"][0].clone();
        found.as_object_mut().expect("an object").sort_keys();
        assert_eq!(found, expected);
    }
    let by_url = AuthConfig::for_project(&cloud).build();
    assert!(
        by_url
            .providers()
            .iter()
            .all(|provider| provider.inline_jwks_len().is_none())
    );

    let error = AuthConfig::for_project(&cloud)
        .kinds(AcceptedKinds::ALL)
        .build_inline(&keys())
        .expect_err("no keys of restricted users");
    assert_eq!(error.code(), "KeysMissing");
    assert!(error.to_string().contains("restricted"), "{error}");
}

#[test]
fn only_what_was_emitted_and_left_alone_counts_as_ours() {
    let cloud = project(CLOUD);
    let config = AuthConfig::for_project(&cloud).build();
    let (script, json) = (config.to_typescript(), config.to_json());
    let without_mark: String = script
        .lines()
        .filter(|line| !line.contains("Made by"))
        .map(|line| format!("{line}\n"))
        .collect();
    let other = json!({ "providers": [{
        "type": "customJwt", "applicationID": "a", "issuer": "https://example.com", "jwks": "x", "algorithm": "ES256",
    }] });
    let others = AuthConfig::from_json(&other.to_string())
        .expect("a provider list")
        .to_json();
    for (name, text) in [
        ("empty", String::new()),
        ("without the mark", without_mark),
        (
            "one more provider",
            script.replace(
                "  ],",
                "    { domain: \"https://a.com\", applicationID: \"a\" },\n  ],",
            ),
        ),
        ("one provider less", script.replacen("ES256", "RS256", 1)),
        ("twice", format!("{script}{script}")),
        (
            "only the mark",
            "// Made by `hexclave-bridge convex auth-config`: run that again\n".to_owned(),
        ),
        ("JSON with a stranger", others),
        ("JSON of another layout", json.replace("  ", " ")),
        ("JSON with more in it", json.replacen('{', "{\n  \"x\": 1,", 1)),
        ("not JSON", json.replace('}', "")),
    ] {
        assert!(!AuthConfig::is_emitted(&text), "{name}: {text}");
    }
}
