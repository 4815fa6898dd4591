//! Who is logged in at this command line: asks in a browser the first time, and remembers it in a file.
//!
//! ```sh
//! export HEXCLAVE_PROJECT_ID=… HEXCLAVE_PUBLISHABLE_CLIENT_KEY=…
//! cargo run -p hexclave-core --features cli-login,file-store --example cli_login -- https://app.example.com
//! ```
#![allow(clippy::print_stderr, clippy::print_stdout)]

use std::{env, error::Error, path::PathBuf, sync::Arc};

use hexclave_core::{
    ProjectConfig,
    api::{Client, Public},
    cli_login::{CliLogin, LoginPage},
    session::{FileStore, Session, TokenStore},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let app_url = env::args().nth(1).ok_or("usage: cli_login <app url>")?;
    let home = env::var_os("HOME").ok_or("the variable HOME is not set")?;
    let client = Client::public(ProjectConfig::from_env()?)?;
    let path = PathBuf::from(home).join(".config/hexclave-example/session.json");
    let store = Arc::new(FileStore::new(path, client.config().project_id()));
    let show = |login: &CliLogin| {
        eprintln!("Confirm the login at {}", login.url());
        if login.open_browser().is_err() {
            eprintln!("(There is no browser here that can be opened.)");
        }
    };
    let page = LoginPage::of_app(&app_url)?;
    tokio::select! {
        greeting = greet(&client, &page, store, show) => println!("{}", greeting?),
        _ = tokio::signal::ctrl_c() => eprintln!("The login was cancelled."),
    }
    Ok(())
}

/// The session that is kept, or one that a user begins in a browser; the user's access token for it; and who that is.
pub(crate) async fn greet(
    client: &Client<Public>,
    page: &LoginPage,
    store: Arc<dyn TokenStore>,
    show: impl FnOnce(&CliLogin),
) -> Result<String, hexclave_core::Error> {
    let session = match Session::load(client, Arc::clone(&store)).await? {
        Some(session) => session,
        None => {
            let login = CliLogin::start(client, page).await?;
            show(&login);
            Session::store(client, login.wait().await?, store).await?
        }
    };
    let user = session.as_user().await?.me().await?;
    let name = user.display_name.or(user.primary_email);
    Ok(format!(
        "You are logged in as {}.",
        name.unwrap_or_else(|| user.id.to_string())
    ))
}
