//! The database that a command looks at.

use std::{
    convert::Infallible,
    net::IpAddr,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use clap::Args;
use percent_encoding::percent_decode_str;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres::{
    Client, Config, NoTls,
    config::{Host, SslMode},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    failure::Failure,
    settings::{self, Secret, Settings},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// What tokio-postgres understands behind a URL's `?`. Other programs put options of their own there.
const OPTIONS: &[&str] = &[
    "user",
    "password",
    "dbname",
    "options",
    "host",
    "hostaddr",
    "port",
    "connect_timeout",
    "target_session_attrs",
    "channel_binding",
    "sslnegotiation",
];

/// How to reach a database.
#[derive(Args, Debug)]
pub(crate) struct DatabaseArgs {
    /// A file with the database's URL, which has a password in it; - is standard input [default: the variable
    /// SUPABASE_DB_URL]
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    database_url_file: Option<PathBuf>,
    /// The authority, in PEM, that must have signed the database's certificate [default: those that this machine trusts]
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    database_ca_file: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct SchemaArgs {
    /// The schemas that the API exposes [default: public]
    #[arg(long, value_name = "SCHEMA,…", help_heading = "Settings")]
    schemas: Option<Schemas>,
}

/// Names of schemas.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Schemas(Vec<String>);

impl FromStr for Schemas {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        Ok(Self(names.map(str::to_owned).collect()))
    }
}

impl SchemaArgs {
    pub(crate) fn names(&self, settings: &Settings) -> Result<Vec<String>, Failure> {
        let schemas = settings.value(&settings::SCHEMAS, self.schemas.clone())?;
        Ok(schemas.map_or_else(|| vec!["public".to_owned()], |schemas| schemas.0))
    }
}

impl DatabaseArgs {
    pub(crate) async fn connect(&self, settings: &Settings) -> Result<Client, Failure> {
        self.database(settings)?.connect().await
    }

    pub(crate) async fn connect_to(&self, url: &Secret, settings: &Settings) -> Result<Client, Failure> {
        self.database_at(url, settings)?.connect().await
    }

    /// The database of the settings.
    pub(crate) fn database(&self, settings: &Settings) -> Result<Database, Failure> {
        let Some(url) = settings.secret(&settings::DATABASE_URL, self.database_url_file.as_deref())? else {
            let message = "no database: SUPABASE_DB_URL is not set (an empty value counts as unset)";
            return Err(Failure::usage("invalid_config", message).hint(Some(
                "set it to postgresql://user:password@host:5432/postgres, or name a file with --database-url-file",
            )));
        };
        self.database_at(&url, settings)
    }

    fn database_at(&self, url: &Secret, settings: &Settings) -> Result<Database, Failure> {
        Ok(Database {
            authority: settings.path(&settings::DATABASE_CA, self.database_ca_file.as_deref())?,
            target: Target::parse(url)?,
        })
    }

    /// The file that the command line names for the URL.
    pub(crate) fn url_file(&self) -> Option<&Path> {
        self.database_url_file.as_deref()
    }
}

/// A database that can be connected to, as often as need be. There is a password in it.
pub(crate) struct Database {
    target: Target,
    authority: Option<PathBuf>,
}

impl Database {
    pub(crate) async fn connect(&self) -> Result<Client, Failure> {
        self.target.connect(self.authority.as_deref()).await
    }
}

/// Whether the database has these schemas: in one that is not there, nothing would be found to be wrong.
pub(crate) async fn check_schemas(client: &Client, schemas: &[String]) -> Result<(), Failure> {
    let sql = "SELECT name FROM unnest($1::text[]) name WHERE name NOT IN (SELECT nspname FROM pg_catalog.pg_namespace)";
    let rows = client.query(sql, &[&schemas]).await.map_err(|error| {
        Failure::unchecked("database", "the database's catalogue could not be read").caused_by(&error)
    })?;
    match rows.first().map(|row| row.try_get::<_, String>(0)) {
        Some(Ok(missing)) => Err(Failure::usage(
            "schema_not_found",
            format!("the database has no schema `{missing}`"),
        )
        .hint(Some("--schemas names those that the API exposes"))),
        _ => Ok(()),
    }
}

/// A database's URL, taken apart.
struct Target {
    config: Config,
    tls: bool,
    root_certificate: Option<PathBuf>,
}

impl Target {
    fn parse(url: &Secret) -> Result<Self, Failure> {
        // Without the parser's own reason: it may repeat a part of the password.
        let unusable = || {
            Failure::usage("invalid_config", "this is not a PostgreSQL URL that can be used")
                .within(url.origin())
                .hint(Some(
                    "expected postgresql://user:password@host:5432/database, with %40 %3A %2F %3F %23 %25 for @ : / ? # % \
                     in the password",
                ))
        };
        let text = url.expose();
        if !text.starts_with("postgresql://") && !text.starts_with("postgres://") {
            return Err(unusable());
        }
        let (address, options) = text.split_once('?').unwrap_or((text, ""));
        let mut mode = "prefer";
        let mut root_certificate = None;
        let mut understood = Vec::new();
        for option in options.split('&') {
            match option.split_once('=') {
                Some(("sslmode", value)) => mode = value,
                Some(("sslrootcert", "system")) | None => {}
                Some(("sslrootcert", value)) => {
                    let path = percent_decode_str(value).decode_utf8().map_err(|_| unusable())?;
                    root_certificate = Some(PathBuf::from(path.as_ref()));
                }
                Some((name, _)) if OPTIONS.contains(&name) => understood.push(option),
                Some(_) => {}
            }
        }
        let address = format!("{address}?{}", understood.join("&"));
        let mut config: Config = address.parse().map_err(|_| unusable())?;
        if config.get_hosts().is_empty() {
            return Err(unusable());
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        config.application_name("hexclave-bridge");
        let tls = match mode {
            "disable" => false,
            "allow" | "prefer" => !is_local(&config),
            "require" | "verify-ca" | "verify-full" => true,
            _ => return Err(unusable()),
        };
        config.ssl_mode(if tls { SslMode::Require } else { SslMode::Disable });
        Ok(Self {
            config,
            tls,
            root_certificate,
        })
    }

    /// Connects, over TLS unless the database is on this machine or the URL says `sslmode=disable`. The certificate is
    /// checked whatever the mode: who could answer in the database's place could answer anything.
    async fn connect(&self, authority: Option<&Path>) -> Result<Client, Failure> {
        let refused = |error: tokio_postgres::Error| not_connected(&error);
        if self.tls {
            let authority = authority.or(self.root_certificate.as_deref());
            let tls = MakeRustlsConnect::new(tls(authority)?);
            let (client, connection) = self.config.connect(tls).await.map_err(refused)?;
            tokio::spawn(connection);
            Ok(client)
        } else {
            let (client, connection) = self.config.connect(NoTls).await.map_err(refused)?;
            tokio::spawn(connection);
            Ok(client)
        }
    }
}

fn is_local(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => match name.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => name == "localhost",
        },
        #[cfg(unix)]
        Host::Unix(_) => true,
    })
}

fn tls(authority: Option<&Path>) -> Result<ClientConfig, Failure> {
    let failed =
        |error: rustls::Error| Failure::usage("invalid_config", "TLS could not be set up").caused_by(&error);
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let Some(file) = authority else {
        return Ok(config
            .with_platform_verifier()
            .map_err(failed)?
            .with_no_client_auth());
    };
    let unusable = || {
        let message = format!("{} holds no certificate in PEM that can be used", file.display());
        Failure::usage("invalid_config", message)
    };
    let certificates = CertificateDer::pem_file_iter(file).map_err(|error| {
        Failure::usage("file_not_read", format!("{} cannot be read", file.display())).caused_by(&error)
    })?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let certificate = certificate.map_err(|_| unusable())?;
        roots.add(certificate).map_err(|_| unusable())?;
    }
    if roots.is_empty() {
        return Err(unusable());
    }
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn not_connected(error: &tokio_postgres::Error) -> Failure {
    if error.as_db_error().is_some() {
        return Failure::usage("database_refused", "the database refuses the connection").caused_by(error);
    }
    let failure =
        Failure::unchecked("database_unreachable", "the database cannot be reached").caused_by(error);
    let is_unknown = failure
        .causes()
        .iter()
        .any(|cause| cause.contains("UnknownIssuer"));
    failure.hint(is_unknown.then_some(
        "for a hosted project, download the certificate in the dashboard (Database, Settings, SSL configuration) and \
         name it with --database-ca-file",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Result<Target, Failure> {
        Target::parse(&Secret::for_test(url))
    }

    #[test]
    fn what_leaves_this_machine_is_encrypted_unless_the_url_says_otherwise() {
        for (url, tls) in [
            ("postgresql://u:p@db.example.com:5432/postgres", true),
            (
                "postgres://u:p@db.example.com/postgres?pgbouncer=true&sslmode=prefer",
                true,
            ),
            ("postgresql://u:p@db.example.com/postgres?sslmode=disable", false),
            ("postgresql://u:p@localhost.example.com/postgres", true),
            ("postgresql://u:p@127.0.0.1:54322/postgres", false),
            ("postgresql://u:p@[::1]:54322/postgres", false),
            ("postgresql://u:p@localhost,db.example.com/postgres", true),
            ("postgresql://u:p@localhost/postgres?sslmode=require", true),
            ("postgresql://u@%2Fvar%2Frun%2Fpostgresql/postgres", false),
        ] {
            let target = target(url).unwrap_or_else(|failure| panic!("{url}: {failure}"));
            assert_eq!(target.tls, tls, "{url}");
        }
        let target = target("postgresql://u@h/d?sslrootcert=%2Ftmp%2Fca.crt")
            .unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(target.root_certificate.as_deref(), Some(Path::new("/tmp/ca.crt")));
    }

    #[test]
    fn a_url_that_cannot_be_used_is_not_repeated() {
        for url in [
            "hunter2",
            "host=localhost password=hunter2",
            "mysql://u:hunter2@localhost",
            "postgresql://u:p/hunter2@localhost:x/postgres",
            "postgresql://u:hunter2@localhost/postgres?sslmode=hunter2",
            "postgresql:///postgres",
        ] {
            let failure = target(url).err().expect(url);
            assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
        }
    }
}
