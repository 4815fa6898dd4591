//! The Python programs of `tests/interop`, which run the code of Hexclave's guides with the packages that the guides
//! install.

use std::{io::Write, path::Path, process::Command};

use serde_json::Value;

use crate::program::exchange;

/// Runs a program of `tests/interop` on a JSON document and gives the one that it prints; `None`, and a warning, where the
/// packages are not installed.
///
/// # Panics
/// When the program fails.
#[must_use]
pub fn run(program: &str, input: &Value) -> Option<Value> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = tests.join("../target/interop/bin/python");
    if !python.exists() {
        // Past the test harness, which keeps what tests print to itself.
        let warning = format!(
            "*** {program} needs Python packages (`make interop-packages` installs them): it is left out. ***\n"
        );
        std::io::stderr()
            .write_all(warning.as_bytes())
            .expect("standard error");
        return None;
    }
    let mut command = Command::new(python);
    command
        .arg("-B")
        .arg(tests.join("interop").join(program))
        // The test's own server is asked, whatever proxy there is.
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1");
    Some(exchange(program, &mut command, input))
}
