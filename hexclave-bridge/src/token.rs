//! Where the access token comes from: an argument, or standard input.

use std::io::{self, IsTerminal};

use hexclave_core::AccessToken;

use crate::{failure::Failure, settings::standard_input};

/// The token of an argument, or of standard input for `-` and for no argument.
pub(crate) fn read(argument: Option<&str>) -> Result<AccessToken, Failure> {
    match argument {
        Some(token) if token != "-" => Ok(token.trim().into()),
        None if io::stdin().is_terminal() => Err(Failure::usage(
            "token_missing",
            "no access token: give it as an argument, or pipe it in (`… | hexclave-bridge verify -`)",
        )),
        _ => from_stdin(),
    }
}

fn from_stdin() -> Result<AccessToken, Failure> {
    // More than a token may have, so that one that is too long is refused as such.
    let most = u64::try_from(AccessToken::MAX_LEN).unwrap_or(u64::MAX) * 2;
    let bytes = standard_input("the access token", most)?;
    Ok(String::from_utf8_lossy(&bytes).trim().into())
}
