//! The program `hexclave-bridge`: the hexclave crates at the command line.
#![allow(rustdoc::bare_urls, reason = "what documents an argument is its help text")]

mod cli;
mod convex;
mod demo;
mod excerpt;
mod failure;
mod output;
mod settings;
mod shell;
mod supabase;
mod token;
mod verify;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    cli::{Cli, Command, ConvexCommand, SupabaseCommand},
    failure::Failure,
};

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Demo(args) => demo::run(&args).await,
        Command::Verify(args) => verify::run(&args)
            .await
            .map_err(|failure| failure.in_json(args.json)),
        Command::Supabase {
            command: SupabaseCommand::Token(args),
        } => supabase::token(&args)
            .await
            .map_err(|failure| failure.in_json(args.token.json)),
        Command::Convex {
            command: ConvexCommand::AuthConfig(args),
        } => convex::auth_config(&args),
        Command::Convex {
            command: ConvexCommand::Identity(args),
        } => convex::identity(&args)
            .await
            .map_err(|failure| failure.in_json(true)),
        Command::Completions(args) => {
            shell::completions(&args);
            Ok(())
        }
        Command::Man(args) => shell::man(&args),
    }
}
