//! What the example talks to, on this machine alone: a local Hexclave with somebody of each kind, and a Postgres with the
//! table of Hexclave's guide "Supabase Setup" behind a reader that stands in for Supabase.
//!
//! Without options it writes the application's `.env.local` and serves until Ctrl-C. With `--json` it is a part of a test:
//! it takes any free ports, prints the settings as one line of JSON instead, and ends with its standard input.
#![allow(clippy::print_stdout, reason = "it is a program for a terminal")]

mod reader;
mod settings;

use std::{
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
};

use anyhow::{Context, bail};
use hexclave_core::UserId;
use hexclave_supabase::{JwtSecret, policies::GUIDE};
use hexclave_testkit::{
    hexclave::{LocalHexclave, NewUser, ServerSecret},
    postgres::{Database, Postgres},
};
use tokio::{io::AsyncReadExt, net::TcpListener};

use self::{reader::Reader, settings::Settings};

/// Where the page looks for them. The same at every start, as `next build` puts some of them into what browsers get.
const HEXCLAVE_PORT: u16 = 8102;
const SUPABASE_PORT: u16 = 54321;
const PROJECT_ID: &str = "11111111-2222-4333-8444-555555555555";
const SERVER_SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const PUBLISHABLE_KEY: &str = "sb_publishable_nextjs_supabase_example";
/// What the Supabase command line uses for its local stack.
const JWT_SECRET: &str = "super-secret-jwt-token-with-at-least-32-characters-long";
/// Of everybody.
const PASSWORD: &str = "correct horse battery staple";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let is_tested = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [option] if option == "--json" => true,
        _ => bail!("there is one option: --json, for tests"),
    };
    // Before anybody can know that it runs.
    let ended = ended(is_tested)?;
    let port = |port| if is_tested { 0 } else { port };

    let hexclave = LocalHexclave::builder()
        .listen(SocketAddr::from((Ipv4Addr::LOCALHOST, port(HEXCLAVE_PORT))))
        .project_id(PROJECT_ID.parse()?)
        .server_secret(ServerSecret::new(SERVER_SECRET)?)
        .require_email_verification(true)
        .start()
        .await?;
    let ada = add_people(&hexclave)?;

    let postgres = Postgres::start()?;
    let database = database(&postgres, ada)?;
    let reader = Reader::new(
        PUBLISHABLE_KEY,
        JwtSecret::new(JWT_SECRET)?,
        database.connect().await?,
    );
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port(SUPABASE_PORT)));
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("the reader cannot listen on {address} (does a Supabase run there?)"))?;

    let settings = Settings::new(
        hexclave.config(),
        listener.local_addr()?,
        PUBLISHABLE_KEY,
        JWT_SECRET,
    );
    if is_tested {
        println!("{}", settings.to_json());
    } else {
        let file = settings.write()?;
        println!(
            "A local Hexclave runs at {}, and a reader of {} in the place of Supabase at http://{address}.\n\
             The application's settings are in {}.\n\n  \
             ada@example.com    owns row 3\n  \
             grace@example.com  owns nothing\n  \
             eve@example.com    has not verified her address\n\n\
             Everybody's password is: {PASSWORD}\n\
             Ctrl-C ends it.",
            hexclave.config().api_url(),
            postgres.description(),
            file.display(),
        );
    }
    let serving = axum::serve(listener, reader.router()).with_graceful_shutdown(ended);
    serving.await.context("the reader has failed")?;
    hexclave.stop().await;
    Ok(())
}

/// Gives the id of the one who is to own row 3.
fn add_people(hexclave: &LocalHexclave) -> anyhow::Result<UserId> {
    let ada = hexclave.add_user(NewUser::new("ada@example.com").name("Ada").password(PASSWORD))?;
    hexclave.add_user(NewUser::new("grace@example.com").name("Grace").password(PASSWORD))?;
    hexclave.add_user(
        NewUser::new("eve@example.com")
            .name("Eve")
            .password(PASSWORD)
            .unverified(),
    )?;
    Ok(ada)
}

fn database(postgres: &Postgres, owner: UserId) -> anyhow::Result<Database> {
    let database = postgres.database()?;
    database.execute(GUIDE)?;
    database.execute(&format!(
        "update public.data set user_id = '{owner}' where id = 3"
    ))?;
    Ok(database)
}

/// Waits for what ends the program: its input, for a test, or Ctrl-C.
fn ended(is_tested: bool) -> anyhow::Result<Pin<Box<dyn Future<Output = ()> + Send>>> {
    if is_tested {
        return Ok(Box::pin(async {
            // Whatever is not an input any more is an end.
            let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
        }));
    }
    Ok(Box::pin(async {
        let _ = tokio::signal::ctrl_c().await;
    }))
}
