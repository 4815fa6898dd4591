//! What is wrong with a command line, told in the form that it asks for.

use std::{env, ffi::OsString, process::ExitCode};

use clap::Error;

use crate::failure::Failure;

/// Prints help, or says what is wrong: as JSON where the command line asks for it, as other failures are.
pub(crate) fn report(error: &Error) -> ExitCode {
    if !error.use_stderr() || !asks_for_json(env::args_os().skip(1)) {
        error.exit();
    }
    Failure::usage("invalid_usage", message(&error.render().to_string()))
        .in_json(true)
        .report()
}

/// Whether `--json` is among the options: behind `--` there are none.
fn asks_for_json(args: impl Iterator<Item = OsString>) -> bool {
    args.take_while(|arg| arg != "--").any(|arg| arg == "--json")
}

/// What is wrong and what would be right in one line, without the usage that follows in a terminal.
fn message(rendered: &str) -> String {
    let text = rendered.strip_prefix("error: ").unwrap_or(rendered);
    let end = ["\n\nUsage:", "\n\nFor more information"]
        .iter()
        .filter_map(|part| text.find(part))
        .min();
    let text = end.and_then(|end| text.get(..end)).unwrap_or(text);
    let paragraphs = text
        .split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
    paragraphs.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn a_message_is_one_line_without_the_usage() {
        for (args, expected) in [
            (
                &["verify", "--jsno"][..],
                "unexpected argument '--jsno' found; tip: a similar argument exists: '--json'",
            ),
            (
                &["convex", "check"],
                "the following required arguments were not provided: --config <FILE.json>",
            ),
            (
                &["serve", "--max-requests", "0"],
                "invalid value '0' for '--max-requests <COUNT>': number would be zero for non-zero type",
            ),
        ] {
            let error = Cli::try_parse_from([&["hexclave-bridge"], args].concat()).expect_err("a refusal");
            assert_eq!(message(&error.render().to_string()), expected);
        }
    }

    #[test]
    fn json_is_asked_for_by_an_option_only() {
        let asks = |args: &[&str]| asks_for_json(args.iter().map(OsString::from));
        assert!(asks(&["verify", "--json"]));
        assert!(!asks(&["verify", "--", "--json"]));
        assert!(!asks(&["verify", "--json-lines"]));
    }
}
