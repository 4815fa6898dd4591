//! The browser of the tests in one.

use std::{
    env,
    ffi::{OsStr, OsString},
    io::Write,
    path::PathBuf,
};

/// The Chromium or Google Chrome that `HEXCLAVE_TEST_CHROMIUM` names, or else the first that `scripts/ensure-chromium` would
/// find. None only where the tests in a browser may be left out, which is then said.
///
/// # Panics
/// When there is none, although `INTEROP_REQUIRED` or `HEXCLAVE_TEST_CHROMIUM` is set.
#[must_use]
pub fn program() -> Option<PathBuf> {
    if let Some(named) = variable("HEXCLAVE_TEST_CHROMIUM") {
        let found = find(&named);
        assert!(found.is_some(), "HEXCLAVE_TEST_CHROMIUM is no program");
        return found;
    }
    let installed = PROGRAMS.iter().find_map(|name| find(OsStr::new(name)));
    if installed.is_none() {
        assert!(
            variable("INTEROP_REQUIRED").is_none(),
            "INTEROP_REQUIRED is set, but there is no Chromium: scripts/ensure-chromium installs it"
        );
        std::io::stderr()
            .write_all(
                b"*** There is no Chromium (scripts/ensure-chromium installs it): this test is left out. ***\n",
            )
            .expect("standard error");
    }
    installed
}

fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// A name is looked for in `PATH`, a path is taken as it is.
fn find(program: &OsStr) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

const PROGRAMS: [&str; 6] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
];
