//! Providers put into files that have others.
#![allow(clippy::expect_used, reason = "all of this is test code")]

use hexclave_convex::AuthConfig;
use hexclave_core::{AcceptedKinds, ProjectConfig};
use serde_json::{Value, json};

const PROJECT: &str = "11111111-2222-4333-8444-555555555555";

fn project() -> ProjectConfig {
    ProjectConfig::builder()
        .project_id(PROJECT.parse().expect("a project id"))
        .build()
        .expect("a project")
}

fn config() -> AuthConfig {
    AuthConfig::for_project(&project()).build()
}

const BY_HAND: &str = "\
import type { AuthConfig } from \"convex/server\";

const other = process.env.OTHER_DOMAIN;

export default {
  providers: [
    { domain: other, applicationID: \"convex\" }, // Clerk
    // What Hexclave issues:
\t// hexclave-bridge: begin
    OLD
\t// hexclave-bridge: end
    { domain: `${other}/2`, applicationID: \"convex\" },
  ],
} satisfies AuthConfig;
";

#[test]
fn a_script_keeps_all_that_is_outside_the_marked_lines() {
    let merged = config().merge_into_script(BY_HAND).expect("a place");
    let (before, rest) = merged
        .split_once("\t// hexclave-bridge: begin\n")
        .expect("the first line");
    let (section, after) = rest
        .split_once("\t// hexclave-bridge: end\n")
        .expect("the last line");
    assert!(BY_HAND.starts_with(before) && BY_HAND.ends_with(after));
    assert!(!merged.contains("OLD"));
    assert_eq!(section.matches("customJwt").count(), 2);
    assert!(
        section
            .lines()
            .all(|line| line.starts_with('\t') && !line.ends_with(' ')),
        "{section}"
    );
    assert_eq!(config().merge_into_script(&merged).expect("a place"), merged);

    let emitted = config().to_typescript();
    let more = emitted.replace(
        "  ],",
        "    { domain: \"https://a.com\", applicationID: \"a\" },\n  ],",
    );
    let all = AuthConfig::for_project(&project())
        .kinds(AcceptedKinds::ALL)
        .build();
    let merged = all.merge_into_script(&more).expect("a place");
    assert!(merged.contains("https://a.com") && merged.contains(":restricted"));
    assert!(!AuthConfig::is_emitted(&merged));
    assert_eq!(config().merge_into_script(&emitted).expect("a place"), emitted);

    let windows = BY_HAND.replace('\n', "\r\n");
    let merged = config().merge_into_script(&windows).expect("a place");
    assert_eq!(merged.matches('\n').count(), merged.matches("\r\n").count());
}

#[test]
fn a_script_without_a_place_is_refused() {
    let begin = "    // hexclave-bridge: begin\n";
    let end = "    // hexclave-bridge: end\n";
    let list = |inside: &str| format!("export default {{\n  providers: [\n{inside}  ],\n}};\n");
    assert!(
        config()
            .merge_into_script(&list(&format!("{begin}{end}")))
            .is_ok()
    );
    for (name, text, said) in [
        ("empty", String::new(), "no place"),
        ("no lines", list(""), "`// hexclave-bridge: begin`"),
        ("no end", list(begin), "once"),
        ("no beginning", list(end), "once"),
        ("backwards", list(&format!("{end}{begin}")), "once"),
        ("twice", list(&format!("{begin}{end}{begin}{end}")), "once"),
        ("not in a list", format!("{begin}{end}"), "list"),
        (
            "behind a statement",
            format!("const a = 1;\n{begin}{end}"),
            "comma",
        ),
        (
            "no comma",
            list(&format!("    {{ domain, applicationID }}\n{begin}{end}")),
            "comma",
        ),
        (
            "no comma, but a comment",
            list(&format!("    other // mine,\n{begin}{end}")),
            "comma",
        ),
    ] {
        let error = config().merge_into_script(&text).expect_err(name);
        assert_eq!(error.code(), "MergeRefused", "{name}");
        assert!(error.to_string().contains(said), "{name}: {error}");
    }
}

fn custom(issuer: &str) -> Value {
    json!({ "type": "customJwt", "issuer": issuer, "jwks": "data:,", "algorithm": "ES256", "note": [1.50] })
}

#[test]
fn json_keeps_all_but_the_projects_own_providers() {
    let others = [
        json!({ "domain": "clerk.example.com", "applicationID": "convex" }),
        custom("https://example.com"),
        custom("https://api.hexclave.com/api/v1/projects/99999999-2222-4333-8444-555555555555"),
        custom(&format!(
            "https://elsewhere.example.com/api/v1/projects/{PROJECT}"
        )),
    ];
    let own = [
        custom(&format!("https://api.hexclave.com/api/v1/projects/{PROJECT}/")),
        custom(&format!("api.stack-auth.com/api/v1/projects/{PROJECT}")),
        custom(&format!(
            "https://api.stack-auth.com/api/v1/projects-anonymous-users/{PROJECT}"
        )),
        custom(&format!(
            "https://api.hexclave.com/api/v1/projects-restricted-users/{PROJECT}"
        )),
    ];
    let mixed: Vec<_> = own
        .iter()
        .zip(&others)
        .flat_map(|(own, other)| [own, other])
        .collect();
    let narrow = AuthConfig::for_project(&project()).aliases(false).build();
    let narrow_providers =
        serde_json::from_str::<Value>(&narrow.to_json()).expect("JSON")["providers"].clone();
    let expected: Vec<_> = others
        .iter()
        .chain(narrow_providers.as_array().expect("a list"))
        .collect();
    for (existing, expected) in [
        (
            json!({ "$schema": "x", "providers": mixed, "more": {} }),
            json!({ "$schema": "x", "providers": expected, "more": {} }),
        ),
        (json!(mixed), json!(expected)),
    ] {
        let merged = narrow
            .merge_into_json(&existing.to_string())
            .expect("a good list");
        let read: Value = serde_json::from_str(&merged).expect("JSON");
        assert_eq!(read.to_string(), expected.to_string());
        assert_eq!(narrow.merge_into_json(&merged).expect("a good list"), merged);
    }

    for (bad, code) in [
        ("", "AuthConfigUnserializableError"),
        ("{}", "AuthConfigNotMatchingSchemaError"),
        (
            r#"[{"domain":"foo","applicationID":"a"}]"#,
            "InvalidProviderDomainUrl",
        ),
    ] {
        assert_eq!(config().merge_into_json(bad).expect_err(bad).code(), code);
    }
}
