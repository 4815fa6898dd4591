//! The pages with a local Hexclave and a throw-away Postgres, until Ctrl-C.
#![allow(clippy::print_stdout)]

mod stage;

use anyhow::Context;
use example_axum_server_action::router;
use tokio::net::TcpListener;

use self::stage::{PASSWORD, Stage};

const ADDRESS: &str = "127.0.0.1:3001";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let listener = TcpListener::bind(ADDRESS)
        .await
        .with_context(|| format!("{ADDRESS} cannot be had"))?;
    let stage = Stage::set().await?;
    stage.member("ada@example.com").await?;
    stage.member("grace@example.com").await?;
    stage.restricted("eve@example.com").await?;
    let app = stage.app(&format!("http://{ADDRESS}"))?;
    println!("The page is at http://{ADDRESS}. Sign in as one of these:");
    println!("  ada@example.com, grace@example.com, or eve@example.com, who has not confirmed her address;");
    println!("  the password of all of them is: {PASSWORD}");
    println!(
        "Addresses are confirmed at {}. Ctrl-C ends everything.",
        stage.hexclave.config().api_url()
    );
    axum::serve(listener, router(app))
        .with_graceful_shutdown(async {
            // Without signals there is nothing to wait for.
            let _ = tokio::signal::ctrl_c().await;
        })
        .await?;
    Ok(())
}
