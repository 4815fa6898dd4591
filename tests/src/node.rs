//! The Node programs of `tests/interop`, which put the real JavaScript packages on the other side of a test.

use std::{path::Path, process::Command};

use serde_json::Value;

use crate::program::exchange;

/// Runs a program of `tests/interop` on a JSON document and gives the one that it prints.
///
/// # Panics
/// When Node or the packages are not there, or the program fails.
#[must_use]
pub fn run(program: &str, input: &Value) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop");
    assert!(
        folder.join("node_modules").exists(),
        "the JavaScript packages are not installed: run `npm ci` in tests/interop, or `make interop`"
    );
    let mut command = Command::new("node");
    command
        // For programs that evaluate modules in a world of their own.
        .args([
            "--experimental-vm-modules",
            "--disable-warning=ExperimentalWarning",
        ])
        .arg(folder.join(program));
    exchange(program, &mut command, input)
}
