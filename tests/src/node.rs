//! The Node programs of `tests/interop`, which put the real JavaScript packages on the other side of a test.

use std::{
    env,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::program::exchange;

/// Runs a program of `tests/interop` on a JSON document and gives the one that it prints.
///
/// # Panics
/// When Node or the packages are not there, or the program fails.
#[must_use]
pub fn run(program: &str, input: &Value) -> Value {
    let folder = folder();
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

/// Whether Node's packages are installed, for tests of other crates, which may be run without. Where they are not, it is
/// said that the test is left out.
///
/// # Panics
/// When they are not, although `INTEROP_REQUIRED` is set.
#[must_use]
pub fn is_there() -> bool {
    let is_there = folder().join("node_modules").exists();
    if !is_there {
        assert!(
            env::var_os("INTEROP_REQUIRED").is_none_or(|required| required.is_empty()),
            "INTEROP_REQUIRED is set, but `npm ci` has not been run in tests/interop"
        );
        std::io::stderr()
            .write_all(b"*** `npm ci` has not been run in tests/interop: this test is left out. ***\n")
            .expect("standard error");
    }
    is_there
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("interop")
}
