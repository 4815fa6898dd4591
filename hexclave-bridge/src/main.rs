//! The program `hexclave-bridge`: the hexclave crates at the command line.
#![allow(rustdoc::bare_urls, reason = "what documents an argument is its help text")]

mod cli;
mod convex;
mod database;
mod demo;
mod doctor;
mod excerpt;
mod failure;
mod local;
mod output;
mod progress;
mod refused_token;
mod serve;
mod session;
mod settings;
mod shell;
mod supabase;
mod token;
mod usage;
mod verify;

use std::{env, process::ExitCode};

use mimalloc::MiMalloc;

use crate::{
    cli::{Cli, Command},
    failure::Failure,
};

/// A request of the service makes and drops many small things, which glibc's allocator takes a sixth of the time for.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let command = match Cli::try_parse_from(env::args_os()) {
        Ok(cli) => cli.command,
        Err(error) => return usage::report(error),
    };
    match run(&command).await {
        Ok(code) => code,
        Err(failure) => failure.in_json(command.wants_json()).report(),
    }
}

async fn run(command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Demo(args) => demo::run(args).await?,
        Command::Local(args) => local::run(args).await?,
        Command::Verify(args) => verify::run(args).await?,
        Command::Doctor(args) => return doctor::run(args).await,
        Command::Supabase { command } => return supabase::run(command).await,
        Command::Serve(args) => serve::run(args).await?,
        Command::Login(args) => session::login(args).await?,
        Command::Logout(args) => session::logout(args).await?,
        Command::Whoami(args) => session::whoami(args).await?,
        Command::Convex { command } => return convex::run(command).await,
        Command::Completions(args) => shell::completions(args),
        Command::Man(args) => shell::man(args)?,
    }
    Ok(ExitCode::SUCCESS)
}
