//! `hexclave-bridge login`

use clap::Args;
use hexclave_core::{
    ErrorKind,
    cli_login::{CliLogin, LoginPage},
    session::Session,
};

use super::{SessionArgs, whoami};
use crate::{failure::Failure, output, settings};

#[derive(Args, Debug)]
pub(crate) struct LoginArgs {
    /// Where the application is that serves Hexclave's pages below /handler [default: the pages that Hexclave hosts]
    #[arg(long, value_name = "URL", help_heading = "Settings")]
    app_url: Option<String>,
    /// Open no browser: the address is printed, and can be opened on another machine
    #[arg(long)]
    no_browser: bool,
    #[command(flatten)]
    pub(crate) session: SessionArgs,
}

/// Has a login confirmed in a browser, and keeps its session.
pub(crate) async fn run(args: &LoginArgs) -> Result<(), Failure> {
    let place = args.session.place()?;
    if let Some(session) = place.session().await? {
        match whoami::user(&session).await {
            Ok(user) => {
                output::progress("You are logged in already; `hexclave-bridge logout` ends that.");
                whoami::print(&user, args.session.json);
                return Ok(());
            }
            Err(error) if error.kind() == ErrorKind::SessionEnded => {}
            Err(error) => return Err(error.into()),
        }
    }
    // Not parsed by clap, whose errors repeat the value.
    let page = match place.settings.value(&settings::APP_URL, args.app_url.clone())? {
        Some(url) => LoginPage::of_app(&url),
        None => LoginPage::hosted(place.client.config().project_id()),
    };
    let page = page.map_err(|error| {
        Failure::from(error).hint(Some(
            "--app-url says where the application is, such as https://app.example.com",
        ))
    })?;
    let login = CliLogin::start(&place.client, &page).await?;
    output::notice(format_args!(
        "Confirm the login in a browser:\n\n  {}\n",
        login.url()
    ));
    if !args.no_browser && login.open_browser().is_err() {
        output::progress("There is no browser here that can be opened: open the address yourself.");
    }
    output::progress("Waiting for it … (Ctrl-C gives up)");
    let token = login.wait().await?;
    let session = Session::store(&place.client, token, place.store).await?;
    whoami::print(&whoami::user(&session).await?, args.session.json);
    Ok(())
}
