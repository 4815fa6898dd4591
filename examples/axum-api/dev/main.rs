//! The API with a local Hexclave, a throw-away Postgres, and something in the place of Convex, until Ctrl-C.
#![allow(clippy::print_stdout)]

mod stage;

use anyhow::Context;
use example_axum_api::router;
use tokio::net::TcpListener;

use self::stage::Stage;

const ADDRESS: &str = "127.0.0.1:3000";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let listener = TcpListener::bind(ADDRESS)
        .await
        .with_context(|| format!("{ADDRESS} cannot be had"))?;
    let stage = Stage::set().await?;
    println!("# The API listens at http://{ADDRESS}. Ctrl-C ends it and what it runs on.");
    println!("# For another terminal; the tokens are good for ten minutes:");
    for (name, token) in [
        ("ADA", stage.sign_in("ada@example.com").await?),
        ("GRACE", stage.sign_in("grace@example.com").await?),
        ("GUEST", stage.hexclave.sign_up_anonymously().await?.access_token),
    ] {
        println!("export {name}={}", token.expose());
    }
    axum::serve(listener, router(stage.app()?))
        .with_graceful_shutdown(async {
            // Without signals there is nothing to wait for.
            let _ = tokio::signal::ctrl_c().await;
        })
        .await?;
    Ok(())
}
