//! The stated `rust-version` is true of the dependencies too: none of those that are locked needs a newer one.
#![allow(clippy::expect_used)]

use std::process::Command;

use serde_json::Value;

fn parsed(version: &str) -> Vec<u32> {
    let parts = version.split('.').map(|part| part.parse().expect("a number"));
    let mut parts: Vec<_> = parts.collect();
    parts.resize(3, 0);
    parts
}

#[test]
fn no_dependency_needs_a_newer_rust() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--all-features"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata
        .get("packages")
        .and_then(Value::as_array)
        .expect("packages");
    let text = |package: &Value, name: &str| package.get(name).and_then(Value::as_str).map(str::to_owned);
    let stated = parsed(env!("CARGO_PKG_RUST_VERSION"));
    let newer: Vec<_> = packages
        .iter()
        .filter(|package| text(package, "rust_version").is_some_and(|needed| parsed(&needed) > stated))
        .map(|package| (text(package, "name"), text(package, "rust_version")))
        .collect();
    assert!(packages.len() > 100 && newer.is_empty(), "{newer:?}");
}
