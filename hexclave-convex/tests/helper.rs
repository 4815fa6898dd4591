//! The emitted helper for Convex functions. What it does is tested by running it: see `tests/tests/interop`.
#![allow(clippy::expect_used, reason = "all of this is test code")]

use std::{env, fs, path::Path};

use hexclave_convex::{AuthConfig, ConvexHelper};
use hexclave_core::ProjectConfig;

fn emitted(project: &str, api_url: &str) -> String {
    let config = ProjectConfig::builder()
        .project_id(project.parse().expect("a project id"))
        .api_url(api_url.parse().expect("an API URL"))
        .build()
        .expect("a project");
    ConvexHelper::for_project(&config).to_typescript()
}

/// Compares with the file of that name; with `UPDATE_GOLDEN` in the environment, writes it.
#[test]
fn emitted_files_are_the_golden_ones() {
    for (name, project, api_url) in [
        (
            "helper.ts",
            "11111111-2222-4333-8444-555555555555",
            "https://api.hexclave.com",
        ),
        ("helper-self-hosted.ts", "internal", "http://localhost:8102/base"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(name);
        let actual = emitted(project, api_url);
        if env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, &actual).expect("a writable file");
        }
        let expected = fs::read_to_string(&path).expect("a golden file");
        assert_eq!(actual, expected, "{name}");
    }
}

#[test]
fn what_was_emitted_is_known_again_and_for_what() {
    let helper = emitted("internal", "https://api.hexclave.com");
    assert!(ConvexHelper::is_emitted(&helper));
    assert!(!AuthConfig::is_emitted(&helper));
    let config = AuthConfig::from_json("[]").expect("a provider list");
    assert!(!ConvexHelper::is_emitted(&config.to_typescript()));
    for unmarked in ["", "const mark = '// Made by `hexclave-bridge convex helper`';"] {
        assert!(!ConvexHelper::is_emitted(unmarked), "{unmarked}");
    }
}
