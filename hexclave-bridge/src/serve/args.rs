//! What can be set.

use std::{
    error::Error,
    fmt::{self, Display},
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroUsize,
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use clap::Args;
use hexclave_core::{
    AcceptedKinds, CredentialSource, CredentialSources, ProjectConfig, SecretKey, api, webhooks,
};
use hexclave_supabase::{JwtSecret, Minter, SigningKey, sync::UserMirror};
use tokio_rustls::TlsAcceptor;
use tracing::Level;

use super::{limits::Limits, origin::Origins, tls, webhook::Webhooks};
use crate::{
    database::DatabaseArgs,
    failure::Failure,
    settings::{self, ProjectArgs, Setting, Settings},
};

/// Not 0.0.0.0: whoever reaches the service can ask it, so where it is to be reached from is a decision.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8787);

#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    /// The address to listen on; port 0 takes a free one [default: 127.0.0.1:8787]
    #[arg(long, value_name = "ADDRESS:PORT", help_heading = "Settings")]
    listen: Option<SocketAddr>,
    /// The kinds of users to let in: normal, restricted, anonymous [default: normal]
    #[arg(long, value_name = "KIND,…", help_heading = "Settings")]
    allow: Option<AcceptedKinds>,
    /// The server's certificate and those of the authorities in between, in PEM: listen with TLS [default: no TLS]
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    tls_certificate_file: Option<PathBuf>,
    /// A file with the certificate's private key in PEM [default: the variable HEXCLAVE_BRIDGE_TLS_KEY]
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    tls_key_file: Option<PathBuf>,
    /// Take the cookies of Hexclave's clients, too. What that means for requests from other sites is in docs/service.md
    #[arg(long, help_heading = "Settings")]
    cookies: Option<bool>,
    /// The origins whose pages may read tokens, and use cookies across origins [default: none]
    #[arg(long, value_name = "ORIGIN,…", help_heading = "Settings")]
    origins: Option<Origins>,
    /// A file with the project's legacy JWT secret, to mint Supabase tokens with [default: the variable
    /// SUPABASE_JWT_SECRET]
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    jwt_secret_file: Option<PathBuf>,
    /// A file with a private JSON Web Key that was imported into the Supabase project, to mint with instead [default: the
    /// variable SUPABASE_SIGNING_KEY]
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    signing_key_file: Option<PathBuf>,
    /// How long Supabase tokens live, in seconds, at most a day [default: 3600]
    #[arg(long, value_name = "SECONDS", help_heading = "Settings")]
    lifetime: Option<Seconds>,
    /// A file with the signing secret of the webhook endpoint at Hexclave; with one, /webhooks/hexclave is there [default:
    /// the variable HEXCLAVE_WEBHOOK_SECRET]
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    webhook_secret_file: Option<PathBuf>,
    /// A file with the project's secret server key, to read users for the table with [default: the variable
    /// HEXCLAVE_SECRET_SERVER_KEY]
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    secret_server_key_file: Option<PathBuf>,
    /// The table that follows Hexclave's users, as name or schema.name [default: public.users]
    #[arg(long, value_name = "TABLE", help_heading = "Settings")]
    users_table: Option<String>,
    /// Mirror the users' server_metadata too, which is for servers alone
    #[arg(long, help_heading = "Settings")]
    server_metadata: Option<bool>,
    #[command(flatten)]
    database: DatabaseArgs,
    /// The most connections at once; more are answered 503 [default: 4096]
    #[arg(long, value_name = "COUNT", help_heading = "Settings")]
    max_connections: Option<NonZeroUsize>,
    /// The most requests that are worked on at once; more are answered 503 [default: 512]
    #[arg(long, value_name = "COUNT", help_heading = "Settings")]
    max_requests: Option<NonZeroUsize>,
    /// How long a connection may take for a request's headers, and rest between requests, in seconds [default: 30]
    #[arg(long, value_name = "SECONDS", help_heading = "Settings")]
    header_timeout: Option<Seconds>,
    /// How long a request may take, its body included, in seconds; then it is answered 503 [default: 20]
    #[arg(long, value_name = "SECONDS", help_heading = "Settings")]
    request_timeout: Option<Seconds>,
    /// How long requests that are under way are waited for at the end, in seconds [default: 25]
    #[arg(long, value_name = "SECONDS", help_heading = "Settings")]
    shutdown_timeout: Option<Seconds>,
    /// The least severe entries of the log: error, warn, info, debug [default: info]
    #[arg(long, value_name = "LEVEL", help_heading = "Settings")]
    log_level: Option<Level>,
    #[command(flatten)]
    project: ProjectArgs,
    /// Print the address that is listened on as a line of JSON, and failures to start as well
    #[arg(long)]
    pub(crate) json: bool,
}

/// The settings of a run.
pub(super) struct Options {
    pub(super) project: ProjectConfig,
    pub(super) kinds: AcceptedKinds,
    pub(super) sources: CredentialSources,
    pub(super) origins: Origins,
    pub(super) minter: Option<Minter>,
    pub(super) webhooks: Option<Webhooks>,
    pub(super) listen: SocketAddr,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) limits: Limits,
    pub(super) log_level: Level,
}

impl ServeArgs {
    pub(super) fn options(&self) -> Result<Options, Failure> {
        let settings = &self.project.settings()?;
        let kinds = settings.value(&settings::ALLOW, self.allow)?.unwrap_or_default();
        let cookies = settings.value(&settings::COOKIES, self.cookies)?;
        let mut sources = CredentialSources::default();
        if cookies.unwrap_or(false) {
            sources = sources.and(CredentialSource::Cookie);
        }
        Ok(Options {
            webhooks: self.webhooks(settings)?,
            project: self.project.config_of(settings)?,
            kinds,
            sources,
            origins: settings
                .value(&settings::ORIGINS, self.origins.clone())?
                .unwrap_or_default(),
            minter: self.minter(settings, kinds)?,
            listen: settings.value(&settings::LISTEN, self.listen)?.unwrap_or(LISTEN),
            tls: self.tls(settings)?,
            limits: self.limits(settings)?,
            log_level: settings
                .value(&settings::LOG_LEVEL, self.log_level)?
                .unwrap_or(Level::INFO),
        })
    }

    /// What receives webhooks, where there is a secret for them.
    fn webhooks(&self, settings: &Settings) -> Result<Option<Webhooks>, Failure> {
        let file = self.webhook_secret_file.as_deref();
        let Some(secrets) = settings.secret(&settings::WEBHOOK_SECRET, file)? else {
            return Ok(None);
        };
        let verifier =
            webhook_verifier(secrets.expose()).map_err(|failure| failure.within(secrets.origin()))?;
        let key = settings.secret(
            &settings::SECRET_SERVER_KEY,
            self.secret_server_key_file.as_deref(),
        )?;
        let Some(key) = key else {
            let message = "users cannot be read for the webhooks: HEXCLAVE_SECRET_SERVER_KEY is not set";
            return Err(Failure::usage("invalid_config", message).hint(Some(
                "set it to the project's secret server key, or name a file with --secret-server-key-file",
            )));
        };
        let key = SecretKey::new(key.expose()).map_err(|error| Failure::from(error).within(key.origin()))?;
        let config = ProjectConfig::builder().secret_server_key(key);
        let api = api::Client::server(self.project.complete(config, settings)?)?;
        let mirror = UserMirror::new(
            settings.users_table(self.users_table.as_ref(), self.server_metadata)?,
            api,
        );
        let database = self.database.database(settings)?;
        Ok(Some(Webhooks::new(verifier, mirror, database)))
    }

    fn limits(&self, settings: &Settings) -> Result<Limits, Failure> {
        let defaults = Limits::default();
        let count = |setting: &Setting, flag: Option<NonZeroUsize>, default: usize| {
            let count = settings.value(setting, flag)?;
            Ok::<_, Failure>(count.map_or(default, NonZeroUsize::get))
        };
        let time = |setting: &Setting, flag: Option<Seconds>, default: Duration| {
            let seconds = settings.value(setting, flag)?;
            Ok::<_, Failure>(seconds.map_or(default, |seconds| seconds.0))
        };
        Ok(Limits {
            connections: count(
                &settings::MAX_CONNECTIONS,
                self.max_connections,
                defaults.connections,
            )?,
            requests: count(&settings::MAX_REQUESTS, self.max_requests, defaults.requests)?,
            headers_within: time(
                &settings::HEADER_TIMEOUT,
                self.header_timeout,
                defaults.headers_within,
            )?,
            request_within: time(
                &settings::REQUEST_TIMEOUT,
                self.request_timeout,
                defaults.request_within,
            )?,
            drained_within: time(
                &settings::SHUTDOWN_TIMEOUT,
                self.shutdown_timeout,
                defaults.drained_within,
            )?,
        })
    }

    fn tls(&self, settings: &Settings) -> Result<Option<TlsAcceptor>, Failure> {
        let chain = settings.path(&settings::TLS_CERTIFICATE, self.tls_certificate_file.as_deref())?;
        let key = settings.secret(&settings::TLS_KEY, self.tls_key_file.as_deref())?;
        let incomplete = |message| Err(Failure::usage("invalid_config", message));
        match (chain, key) {
            (None, None) => Ok(None),
            (Some(chain), Some(key)) => tls::acceptor(&chain, &key).map(Some),
            (Some(_), None) => {
                incomplete("there is a certificate for TLS and no private key: --tls-key-file")
            }
            (None, Some(_)) => {
                incomplete("there is a private key for TLS and no certificate: --tls-certificate-file")
            }
        }
    }

    /// What mints Supabase tokens, where there is a key for that.
    fn minter(&self, settings: &Settings, kinds: AcceptedKinds) -> Result<Option<Minter>, Failure> {
        let secret = settings.secret(&settings::JWT_SECRET, self.jwt_secret_file.as_deref())?;
        let jwk = settings.secret(&settings::SIGNING_KEY, self.signing_key_file.as_deref())?;
        let lifetime = settings.value(&settings::TOKEN_LIFETIME, self.lifetime)?;
        let minter = match (secret, jwk) {
            (None, None) => return Ok(None),
            (Some(secret), None) => Minter::new(
                JwtSecret::new(secret.expose())
                    .map_err(|error| Failure::from(error).within(secret.origin()))?,
            ),
            (None, Some(jwk)) => Minter::new(
                SigningKey::from_jwk(jwk.expose())
                    .map_err(|error| Failure::from(error).within(jwk.origin()))?,
            ),
            (Some(secret), Some(jwk)) => {
                let message = format!(
                    "there are two keys to mint with: {}, {}",
                    secret.origin(),
                    jwk.origin()
                );
                return Err(Failure::usage("invalid_config", message).hint(Some(
                    "Supabase tokens are signed with one key: take away the other",
                )));
            }
        };
        let minter = minter.accept(kinds);
        Ok(Some(match lifetime {
            Some(Seconds(lifetime)) => minter.lifetime(lifetime)?,
            None => minter,
        }))
    }
}

/// A verifier with one or more secrets, with blanks between them as while one replaces another.
fn webhook_verifier(secrets: &str) -> Result<webhooks::Verifier, Failure> {
    let mut secrets = secrets.split_whitespace();
    let first = webhooks::Secret::new(secrets.next().unwrap_or_default())?;
    let mut verifier = webhooks::Verifier::new(first);
    for secret in secrets {
        verifier = verifier.or(webhooks::Secret::new(secret)?);
    }
    Ok(verifier)
}

/// A span of time in whole seconds, from one second to a day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seconds(Duration);

impl FromStr for Seconds {
    type Err = NotSeconds;

    fn from_str(text: &str) -> Result<Self, NotSeconds> {
        match text.parse() {
            Ok(seconds @ 1..=86_400) => Ok(Self(Duration::from_secs(seconds))),
            _ => Err(NotSeconds),
        }
    }
}

/// A text is no span of time.
#[derive(Debug)]
pub(super) struct NotSeconds;

impl Display for NotSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected whole seconds, from 1 to 86400")
    }
}

impl Error for NotSeconds {}
