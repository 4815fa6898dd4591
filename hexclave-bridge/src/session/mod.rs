//! `hexclave-bridge login`, `logout` and `whoami`: the session of who sits at this command line.

mod login;
mod logout;
mod whoami;

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use etcetera::BaseStrategy;
use hexclave_core::{
    AcceptedKinds, ApiUrl, ProjectConfig,
    api::{Client, Public},
    session::{FileStore, Session, TokenStore},
};

pub(crate) use self::{
    login::{LoginArgs, run as login},
    logout::{LogoutArgs, run as logout},
    whoami::{WhoamiArgs, run as whoami},
};
use crate::{
    failure::Failure,
    settings::{self, ProjectArgs, Settings},
};

pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  nobody is logged in, the session has ended, or the login was refused
  2  wrong usage or configuration
  3  the Hexclave API cannot be reached";

/// For how long a request is repeated while somebody waits at the command line.
const DEADLINE: Duration = Duration::from_secs(10);

#[derive(Args, Debug)]
pub(crate) struct SessionArgs {
    #[command(flatten)]
    project: ProjectArgs,
    /// The project's publishable client key, where the project demands one; it is no secret
    #[arg(long, value_name = "KEY", help_heading = "Settings")]
    publishable_client_key: Option<String>,
    /// Where the session is kept [default: the folder of this program's settings in your home]
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    session_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where sessions of the project are begun and kept.
struct Place {
    settings: Settings,
    client: Client<Public>,
    store: Arc<dyn TokenStore>,
}

impl SessionArgs {
    fn place(&self) -> Result<Place, Failure> {
        let settings = self.project.settings()?;
        let mut config = ProjectConfig::builder();
        if let Some(key) = &self.publishable_client_key {
            let key = config.publishable_client_key(key);
            config = key.map_err(|error| Failure::from(error).within("--publishable-client-key"))?;
        }
        let client = Client::builder(self.project.complete(config, &settings)?)
            .accept(AcceptedKinds::ALL)
            .deadline(DEADLINE)
            .public()?;
        let config = client.config();
        let file = match settings.path(&settings::SESSION_FILE, self.session_file.as_deref())? {
            Some(file) => file,
            None => usual_file(config.api_url())?,
        };
        Ok(Place {
            store: Arc::new(FileStore::new(file, config.project_id())),
            settings,
            client,
        })
    }
}

impl Place {
    async fn session(&self) -> Result<Option<Session<Public>>, Failure> {
        Ok(Session::load(&self.client, Arc::clone(&self.store)).await?)
    }
}

/// A file for each API, so that no session of one is ever shown to another.
fn usual_file(api_url: &ApiUrl) -> Result<PathBuf, Failure> {
    let folders = etcetera::choose_base_strategy().map_err(|error| {
        Failure::usage("no_home", "there is no home folder to keep the session in")
            .caused_by(&error)
            .hint(Some("name a file with --session-file"))
    })?;
    let (_, host) = api_url.as_str().split_once("://").unwrap_or_default();
    let host: String = host
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '.' {
                c
            } else {
                '-'
            }
        })
        .collect();
    let folder = folders.config_dir().join("hexclave-bridge").join("sessions");
    Ok(folder.join(format!("{host}.json")))
}
