//! Where the access token comes from: an argument, or standard input.

use std::io::{self, IsTerminal, Read};

use hexclave_core::AccessToken;

use crate::failure::Failure;

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
    let mut bytes = Vec::new();
    io::stdin().take(most).read_to_end(&mut bytes).map_err(|error| {
        Failure::usage("token_missing", "standard input cannot be read").caused_by(&error)
    })?;
    Ok(String::from_utf8_lossy(&bytes).trim().into())
}
