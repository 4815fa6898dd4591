//! The pages with the settings of their environment; see the README.

use std::env;

use anyhow::Context;
use example_axum_server_action::{App, router};
use hexclave_core::{AcceptedKinds, ProjectConfig, Verifier, api::Client};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().init();
    let config = ProjectConfig::from_env()?;
    let app = App {
        verifier: Verifier::builder(config.clone())
            .accept(AcceptedKinds::ALL)
            .build()?,
        hexclave: Client::public(config)?,
        database: PgPoolOptions::new().connect_lazy_with(database()?),
        origin: env::var("ORIGIN").context("ORIGIN is not set")?.parse()?,
    };
    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3001".to_owned());
    let listener = TcpListener::bind(&address)
        .await
        .with_context(|| format!("LISTEN: {address} cannot be had"))?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, router(app)).await?;
    Ok(())
}

/// The database of `DATABASE_URL`, over TLS with a certificate that is checked, unless the URL has an `sslmode` of its
/// own.
fn database() -> anyhow::Result<PgConnectOptions> {
    let url = env::var("DATABASE_URL").context("DATABASE_URL is not set")?;
    // Without the reason, which may repeat a part of the password.
    let options: PgConnectOptions = url
        .parse()
        .map_err(|_| anyhow::anyhow!("DATABASE_URL is no postgresql://user:password@host:5432/database"))?;
    Ok(match options.get_ssl_mode() {
        PgSslMode::Prefer => options.ssl_mode(PgSslMode::VerifyFull),
        _ => options,
    })
}
