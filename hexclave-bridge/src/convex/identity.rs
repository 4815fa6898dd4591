//! `hexclave-bridge convex identity`

use clap::Args;

use super::{JudgeArgs, read_config};
use crate::{
    failure::Failure,
    output,
    settings::{Settings, SourceArgs},
    token,
};

#[derive(Args, Debug)]
pub(crate) struct IdentityArgs {
    #[command(flatten)]
    judge: JudgeArgs,
    #[command(flatten)]
    sources: SourceArgs,
    /// The access token; - or nothing reads it from standard input, which other users of this machine cannot see
    token: Option<String>,
}

/// Prints the identity that a Convex function would see. What Convex answers is the answer here, also to a token whose keys
/// cannot be had.
pub(super) async fn run(args: &IdentityArgs) -> Result<(), Failure> {
    let settings = Settings::read(&args.sources)?;
    let config = read_config(args.judge.convex_config.as_deref(), &settings)?;
    let verifier = args.judge.verifier(config)?;
    let token = token::read(args.token.as_deref())?;
    let identity = verifier.verify(&token).await;
    output::line(
        identity
            .map_err(|error| Failure::convex_answer(&error))?
            .to_json(),
    );
    Ok(())
}
