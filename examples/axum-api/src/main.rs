//! The API with the settings of its environment; see the README.

use std::env;

use anyhow::Context;
use example_axum_api::{App, connect, router};
use hexclave_convex::FunctionClient;
use hexclave_core::{ProjectConfig, Verifier};
use hexclave_supabase::{JwtSecret, Minter};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().init();
    let convex = env::var("CONVEX_URL").context("CONVEX_URL is not set")?;
    let app = App {
        verifier: Verifier::new(ProjectConfig::from_env()?)?,
        database: connect()?,
        minter: Minter::new(JwtSecret::from_env()?),
        convex: FunctionClient::new(convex.parse()?)?,
    };
    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(&address)
        .await
        .with_context(|| format!("LISTEN: {address} cannot be had"))?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, router(app)).await?;
    Ok(())
}
