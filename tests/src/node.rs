//! The Node programs of `tests/interop`, which put the real JavaScript packages on the other side of a test.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

/// Runs a program of `tests/interop` on a JSON document and gives the one that it prints.
///
/// # Panics
/// When Node or the packages are not there, or the program fails.
#[must_use]
pub fn run(program: &str, input: &Value) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop");
    assert!(
        folder.join("node_modules").exists(),
        "the JavaScript packages are not installed: run `npm ci` in tests/interop, or `make test`"
    );
    let mut child = Command::new("node")
        // For programs that evaluate modules in a world of their own.
        .args([
            "--experimental-vm-modules",
            "--disable-warning=ExperimentalWarning",
        ])
        .arg(folder.join(program))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Node is installed");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin
        .write_all(input.to_string().as_bytes())
        .expect("the program reads");
    drop(stdin);
    let output = child.wait_with_output().expect("the program ends");
    assert!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("JSON")
}
