//! What is wrong with a command line, told in the form that it asks for.

use std::{env, ffi::OsString, process::ExitCode};

use clap::{
    Error,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::failure::Failure;

/// The longest option has as many letters.
const LONGEST_NAME: usize = 28;
const NOT_SHOWN: &str = "(not shown)";

/// Prints help, or says what is wrong: as JSON where the command line asks for it, as other failures are.
pub(crate) fn report(error: Error) -> ExitCode {
    let error = discreet(error);
    if !error.use_stderr() || !asks_for_json(env::args_os().skip(1)) {
        error.exit();
    }
    Failure::usage("invalid_usage", message(&error.render().to_string()))
        .in_json(true)
        .report()
}

/// What is not an option or the name of a command may be a token in the wrong place: it is not repeated.
fn discreet(mut error: Error) -> Error {
    let kind = match error.kind() {
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        _ => return error,
    };
    if let Some(ContextValue::String(text)) = error.get(kind)
        && !could_be_a_name(text)
    {
        error.insert(kind, ContextValue::String(NOT_SHOWN.to_owned()));
        // It may be in there once more.
        error.remove(ContextKind::Suggested);
    }
    error
}

fn could_be_a_name(text: &str) -> bool {
    text.len() <= LONGEST_NAME && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_lowercase())
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
    use super::*;
    use crate::cli::Cli;

    fn refusal(args: &[&str]) -> Error {
        let error = Cli::try_parse_from([&["hexclave-bridge"], args].concat());
        discreet(error.expect_err("a refusal"))
    }

    #[test]
    fn what_may_be_a_secret_is_not_repeated() {
        const SECRET: &str = "eyJhbGciOi.Secret1";
        let assigned = format!("--token={SECRET}");
        for args in [
            &[SECRET][..],
            &["verify", "-", SECRET],
            &["supabase", SECRET],
            &["verify", &assigned],
            &["serve", SECRET],
            &["verify", "--eyJhbGciOi.Secret1"],
        ] {
            let said = refusal(args).render().to_string();
            assert!(!said.contains("Secret1") && !said.contains("eyJ"), "{said}");
        }
    }

    #[test]
    fn a_message_is_one_line_without_the_usage() {
        for (args, expected) in [
            (
                &["verify", "--jsno"][..],
                "unexpected argument '--jsno' found; tip: a similar argument exists: '--json'",
            ),
            (
                &["supabase", "policies"],
                "the following required arguments were not provided: <TABLE>",
            ),
            (
                &["serve", "--max-requests", "0"],
                "invalid value '0' for '--max-requests <COUNT>': number would be zero for non-zero type",
            ),
        ] {
            assert_eq!(message(&refusal(args).render().to_string()), expected);
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
