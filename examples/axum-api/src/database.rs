use std::{env, path::Path, sync::Arc};

use anyhow::Context;
use deadpool_postgres::{BuildError, Manager, ManagerConfig, Pool, RecyclingMethod};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres::{
    Config, Socket,
    config::SslMode,
    tls::{MakeTlsConnect, TlsConnect},
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A pool for the database of `DATABASE_URL`, over TLS unless the URL says `sslmode=disable`. Its certificate is
/// signed by the authority in the file `DATABASE_CA_FILE`, or by one that this machine trusts.
///
/// # Errors
/// When a variable or the file is missing or wrong. Nothing is connected yet.
pub fn connect() -> anyhow::Result<Pool> {
    let url = env::var("DATABASE_URL").context("DATABASE_URL is not set")?;
    // Without the reason, which may repeat a part of the password.
    let mut config: Config = url
        .parse()
        .map_err(|_| anyhow::anyhow!("DATABASE_URL is no postgresql://user:password@host:5432/database"))?;
    if config.get_ssl_mode() == SslMode::Prefer {
        config.ssl_mode(SslMode::Require);
    }
    let authority = env::var_os("DATABASE_CA_FILE");
    let tls = tls(authority.as_ref().map(Path::new)).context("TLS cannot be set up")?;
    Ok(pool(config, MakeRustlsConnect::new(tls))?)
}

/// A pool of connections. A transaction as a user leaves nothing on them, so nothing has to be cleaned.
///
/// # Errors
/// None in practice.
pub fn pool<T>(config: Config, tls: T) -> Result<Pool, BuildError>
where
    T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
    T::Stream: Sync + Send,
    T::TlsConnect: Sync + Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let recycling = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    Pool::builder(Manager::from_config(config, tls, recycling)).build()
}

fn tls(authority: Option<&Path>) -> anyhow::Result<ClientConfig> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?;
    let Some(file) = authority else {
        return Ok(config.with_platform_verifier()?.with_no_client_auth());
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file)? {
        roots.add(certificate?)?;
    }
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
