//! `hexclave-bridge logout`

use clap::Args;
use serde_json::json;

use super::SessionArgs;
use crate::{failure::Failure, output};

#[derive(Args, Debug)]
pub(crate) struct LogoutArgs {
    #[command(flatten)]
    pub(crate) session: SessionArgs,
}

/// Ends the session, at Hexclave and here.
pub(crate) async fn run(args: &LogoutArgs) -> Result<(), Failure> {
    let session = args.session.place()?.session().await?;
    if let Some(session) = &session {
        session.sign_out().await?;
    }
    match (args.session.json, &session) {
        (true, session) => output::line(json!({ "loggedOut": session.is_some() })),
        (false, Some(_)) => output::line("logged out"),
        (false, None) => output::line("nobody was logged in"),
    }
    Ok(())
}
