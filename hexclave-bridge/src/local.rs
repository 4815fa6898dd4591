//! `hexclave-bridge local`: a local Hexclave as a server.

mod log;
mod seed;
mod webhooks;

use std::{
    error::Error,
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
};

use clap::Args;
use hexclave_core::ProjectConfig;
use hexclave_testkit::hexclave::{HexclaveError, HexclaveErrorKind, LocalHexclave};
use serde_json::json;

use self::{
    log::Log,
    seed::SeedFile,
    webhooks::{WebhookArgs, Webhooks},
};
use crate::{
    failure::Failure,
    output::{self, HEADING},
    settings::{self, Settings, SourceArgs},
};

/// Where the real one listens that is started from its sources.
const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8102);

#[derive(Args, Debug)]
pub(crate) struct LocalArgs {
    /// Where to listen; port 0 takes any free one [default: 127.0.0.1:8102]
    #[arg(long, value_name = "ADDRESS:PORT", help_heading = "Settings")]
    listen: Option<SocketAddr>,
    /// Restrict users until their e-mail address is verified
    #[arg(long, help_heading = "Settings")]
    require_email_verification: Option<bool>,
    /// Begin with the users and teams of this file: TOML, or JSON if its name ends in .json
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    seed: Option<PathBuf>,
    /// Keep everything in this folder, and go on from what is in it: the project and its keys stay the same
    #[arg(long, value_name = "FOLDER", help_heading = "Settings")]
    data: Option<PathBuf>,
    #[command(flatten)]
    webhooks: WebhookArgs,
    /// Listen where other machines can reach it, too: whoever does can do everything
    #[arg(long)]
    allow_remote: bool,
    /// Print the project and its keys as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    sources: SourceArgs,
}

/// Serves until it is told to end.
pub(crate) async fn run(args: &LocalArgs) -> Result<(), Failure> {
    // Before anybody can know that it runs.
    let ended = ended()?;
    let log = Log::start();
    let settings = Settings::read(&args.sources)?;
    let hexclave = start(args, &settings, &log).await?;
    let webhooks = args.webhooks.set_up(&hexclave, &settings)?;
    announce(hexclave.config(), webhooks.as_ref(), args.json);
    match webhooks {
        // It delivers until the program is told to end.
        Some(_) => tokio::select! {
            () = hexclave.keep_delivering_webhooks(log.webhook_writer()) => {}
            () = ended => {}
        },
        None => ended.await,
    }
    hexclave.stop().await;
    log.stop();
    Ok(())
}

async fn start(args: &LocalArgs, settings: &Settings, log: &Log) -> Result<LocalHexclave, Failure> {
    let address = settings.value(&settings::LOCAL_LISTEN, args.listen)?;
    let verified = settings.value(
        &settings::LOCAL_REQUIRE_EMAIL_VERIFICATION,
        args.require_email_verification,
    )?;
    let seed = settings.path(&settings::LOCAL_SEED, args.seed.as_deref())?;
    let seed = seed.as_deref().map(SeedFile::read).transpose()?;
    let mut builder = LocalHexclave::builder();
    if let Some(folder) = settings.path(&settings::LOCAL_DATA, args.data.as_deref())? {
        builder = builder.data(folder);
    }
    let hexclave = builder
        .listen(address.unwrap_or(ADDRESS))
        .allow_remote(args.allow_remote)
        .require_email_verification(verified.unwrap_or(false))
        .on_request(log.writer())
        .start()
        .await
        .map_err(|error| failed(&error))?;
    match seed {
        Some(_) if hexclave.is_restored() => {
            output::notice("The folder of --data has its users already: --seed is left out.");
        }
        Some((file, seed)) => {
            hexclave.seed(&seed).map_err(|error| file.failed(&error))?;
        }
        None => {}
    }
    // The keys, too, are to be the same after a restart; but of a seed that has failed nothing is to be left.
    hexclave.save().map_err(|error| failed(&error))?;
    Ok(hexclave)
}

fn announce(config: &ProjectConfig, webhooks: Option<&Webhooks>, in_json: bool) {
    let key = config.publishable_client_key().unwrap_or_default();
    let secret = config
        .secret_server_key()
        .map(|key| key.expose())
        .unwrap_or_default();
    let webhook_secret = webhooks.and_then(|webhooks| webhooks.secret.as_ref());
    if in_json {
        let mut line = json!({
            "apiUrl": config.api_url().as_str(),
            "projectId": config.project_id().as_str(),
            "publishableClientKey": key,
            "secretServerKey": secret,
        });
        if let (Some(secret), Some(line)) = (webhook_secret, line.as_object_mut()) {
            line.insert("webhookSecret".to_owned(), secret.expose().into());
        }
        output::line(line);
    } else {
        output::text(format_args!(
            "{HEADING}A local Hexclave runs at {url}{HEADING:#}\n\
             It is for development: whoever reaches it can do everything.\n\n  \
             HEXCLAVE_API_URL={url}\n  \
             HEXCLAVE_PROJECT_ID={project}\n  \
             HEXCLAVE_PUBLISHABLE_CLIENT_KEY={key}\n  \
             HEXCLAVE_SECRET_SERVER_KEY={secret}\n",
            url = config.api_url(),
            project = config.project_id(),
        ));
        if let Some(secret) = webhook_secret {
            output::text(format_args!("  HEXCLAVE_WEBHOOK_SECRET={}\n", secret.expose()));
        }
        for url in webhooks.iter().flat_map(|webhooks| &webhooks.urls) {
            output::text(format_args!("\nWebhooks go to {}\n", output::printable(url)));
        }
        output::text("\n");
    }
    // Whoever has closed it does not want to know.
    let _ = io::stdout().flush();
    output::progress("Ctrl-C ends it. What it is asked:");
}

/// Waits for what ends the program: SIGINT or SIGTERM.
#[cfg(unix)]
fn ended() -> Result<impl Future<Output = ()>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};

    let listen = |kind| signal(kind).map_err(|error| no_signals(&error));
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Waits for what ends the program: Ctrl-C.
#[cfg(not(unix))]
fn ended() -> Result<impl Future<Output = ()>, Failure> {
    let mut interrupt = tokio::signal::windows::ctrl_c().map_err(|error| no_signals(&error))?;
    Ok(async move {
        interrupt.recv().await;
    })
}

fn no_signals(error: &io::Error) -> Failure {
    Failure::usage("no_signals", "the program cannot be told to end").caused_by(error)
}

fn failed(error: &HexclaveError) -> Failure {
    let failure = Failure::usage(error.kind().code(), error);
    let failure = match error.source() {
        Some(source) => failure.caused_by(source),
        None => failure,
    };
    failure.hint(match error.kind() {
        HexclaveErrorKind::Listen => Some("--listen names another address; 127.0.0.1:0 takes any free port"),
        HexclaveErrorKind::NotLoopback => Some("--allow-remote lets everybody in who reaches this machine"),
        _ => None,
    })
}
