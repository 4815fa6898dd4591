//! `hexclave-bridge serve`

mod app;
mod args;
mod body;
mod convex;
mod exchange;
mod health;
mod identity;
mod issuance;
mod limits;
mod log;
mod openapi;
mod origin;
mod problem;
mod routes;
mod server;
mod signal;
mod supabase_token;
mod telemetry;
mod tls;
mod verify;
mod watch;
mod webhook;

use hexclave_core::Verifier;
use serde_json::json;

pub(crate) use self::args::ServeArgs;
use self::{app::App, args::Options, issuance::Mint, server::Server, telemetry::Measurements};
use crate::{failure::Failure, output};

/// How many verified tokens are remembered, each of which takes two KiB or more. Beyond that some are verified anew.
const REMEMBERED: usize = 5000;

pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  ended by SIGTERM or SIGINT, after the requests that were under way
  2  wrong usage or configuration, or an address that cannot be listened on";

/// Serves until the process is told to end.
pub(crate) async fn run(args: &ServeArgs) -> Result<(), Failure> {
    let Options {
        project,
        kinds,
        sources,
        origins,
        minter,
        webhooks,
        listen,
        tls,
        limits,
        log_level,
    } = args.options()?;
    let verifier = Verifier::builder(project)
        .accept(kinds)
        .cached_tokens(REMEMBERED)
        .build()?;
    let stop = signal::stop()?;
    let measurements = Measurements::begin()?;
    let server = Server::bind(listen, tls, limits).await?;
    let address = server.address().map_err(|error| {
        Failure::unchecked("address_unusable", "the address that is listened on is not known")
            .caused_by(&error)
    })?;
    log::begin(log_level);

    let mint = minter.map(Mint::new);
    let app = App::new(verifier.clone(), sources, origins, mint, measurements.clone());
    let router = routes::router(app, webhooks, &limits);
    tokio::spawn(health::keep_ready(verifier));
    tokio::spawn(measurements.keep_in_order());

    let url = format!("{}://{address}", server.scheme());
    tracing::info!(url, "listening");
    if args.json {
        output::line(json!({ "listening": url }));
    } else {
        output::line(format_args!("listening on {url}"));
    }
    let drained = server.run(router, stop).await;
    if !drained {
        tracing::warn!("ended before all requests were answered");
    }
    Ok(())
}
