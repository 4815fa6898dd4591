//! `hexclave-bridge whoami`

use clap::Args;
use hexclave_core::{AcceptedKinds, Error, User, Verifier, api::Public, session::Session};
use serde_json::json;

use super::SessionArgs;
use crate::{failure::Failure, output, verify};

#[derive(Args, Debug)]
pub(crate) struct WhoamiArgs {
    /// Print a fresh access token and nothing else, to be piped into another command
    #[arg(long, conflicts_with = "json")]
    access_token: bool,
    #[command(flatten)]
    pub(crate) session: SessionArgs,
}

/// Prints who is logged in, by the word of a fresh access token.
pub(crate) async fn run(args: &WhoamiArgs) -> Result<(), Failure> {
    let Some(session) = args.session.place()?.session().await? else {
        return Err(
            Failure::refused("not_logged_in", "nobody is logged in to this project")
                .hint(Some("log in with `hexclave-bridge login`")),
        );
    };
    if args.access_token {
        output::line(session.fresh_access_token().await?.expose());
    } else {
        print(&user(&session).await?, args.session.json);
    }
    Ok(())
}

/// The session's user, whatever their kind.
pub(super) async fn user(session: &Session<Public>) -> Result<User, Error> {
    let verifier = Verifier::builder(session.client().config().clone())
        .accept(AcceptedKinds::ALL)
        .build()?;
    verifier.verify(&session.fresh_access_token().await?).await
}

pub(super) fn print(user: &User, json: bool) {
    if json {
        output::line(json!({ "user": verify::to_json(user) }));
    } else {
        output::text(verify::description(user));
    }
}
