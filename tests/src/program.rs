//! Programs that take one JSON document and print one.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use serde_json::Value;

/// Hands a document to a program and gives the one that it prints.
///
/// # Panics
/// When the program cannot be started, or fails.
pub(crate) fn exchange(name: &str, command: &mut Command, input: &Value) -> Value {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the interpreter is installed");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin
        .write_all(input.to_string().as_bytes())
        .expect("the program reads");
    drop(stdin);
    let output = child.wait_with_output().expect("the program ends");
    assert!(
        output.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("JSON")
}
