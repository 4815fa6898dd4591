use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use hexclave_core::{
    AccessToken, ApiUrl, Clock, ProjectConfig, ProjectId, RefreshToken, SystemClock, UserId,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle, time::timeout};

use super::{
    HexclaveError, HexclaveErrorKind, Issuer, LoggedRequest, ServerSecret, WebhookSecret, api,
    app::App,
    data::{DataFolder, Saved, SavedProject},
    directory::{Directory, Settings},
    issuer::{project, project_with_keys, random_project},
    page,
    request_log::Observer,
};

/// A running local Hexclave with one project. It stops when it is dropped.
///
/// It listens on a free port of 127.0.0.1, unless it is [told otherwise](LocalHexclaveBuilder::listen), and must be
/// started inside a tokio runtime. It is for development and tests: it protects nothing and nobody.
pub struct LocalHexclave {
    app: Arc<App>,
    client: reqwest::Client,
    /// Dropping it lets the server finish what it is answering, close its connections, and end.
    running: Option<oneshot::Sender<()>>,
    is_restored: bool,
    pub(super) webhook_secret: WebhookSecret,
    server: JoinHandle<()>,
}

/// How long requests may take that are still being answered when the server is stopped.
const PATIENCE: Duration = Duration::from_secs(2);

/// The tokens of a signed-in user.
#[derive(Debug)]
#[non_exhaustive]
pub struct Tokens {
    /// Proves who the user is, for 10 minutes.
    pub access_token: AccessToken,
    /// Gets new access tokens for as long as the session lasts.
    pub refresh_token: RefreshToken,
    /// The user's id.
    pub user_id: UserId,
}

impl LocalHexclave {
    /// Starts a server with a random project.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> Result<Self, HexclaveError> {
        Self::builder().start().await
    }

    /// Sets up a server in detail.
    #[must_use = "it is `start` that starts the server"]
    pub fn builder() -> LocalHexclaveBuilder {
        LocalHexclaveBuilder {
            project_id: None,
            secret: None,
            settings: Settings::default(),
            clock: Arc::new(SystemClock),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            allow_remote: false,
            observer: None,
            data: None,
        }
    }

    /// The project, its keys, and where this server is: what an application would be configured with.
    #[must_use]
    pub fn config(&self) -> &ProjectConfig {
        self.app.config()
    }

    /// Signs the project's tokens, for those that the server would not issue.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        self.app.issuer()
    }

    /// Signs somebody up, over HTTP as a client does.
    ///
    /// # Errors
    /// When the server refuses; the text has its code.
    pub async fn sign_up(&self, email: &str, password: &str) -> Result<Tokens, HexclaveError> {
        let body = json!({ "email": email, "password": password });
        self.signed_in("auth/password/sign-up", body).await
    }

    /// Signs somebody in, over HTTP as a client does.
    ///
    /// # Errors
    /// When the server refuses; the text has its code.
    pub async fn sign_in(&self, email: &str, password: &str) -> Result<Tokens, HexclaveError> {
        let body = json!({ "email": email, "password": password });
        self.signed_in("auth/password/sign-in", body).await
    }

    /// Signs a guest up, over HTTP as a client does.
    ///
    /// # Errors
    /// When the server refuses; the text has its code.
    pub async fn sign_up_anonymously(&self) -> Result<Tokens, HexclaveError> {
        self.signed_in("auth/anonymous/sign-up", json!({})).await
    }

    /// Does what a click on the link in the verification mail does. Tokens say so from the next one on.
    ///
    /// # Errors
    /// When there is no such user, or the user has no address.
    pub fn verify_email(&self, user: UserId) -> Result<(), HexclaveError> {
        self.app.directory().verify_email(user)
    }

    /// What has been asked of the server so far, the oldest request first; of the newest 10 000 only.
    #[must_use]
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.app.log().all()
    }

    /// Forgets what has been asked so far.
    pub fn forget_requests(&self) {
        self.app.log().clear();
    }

    /// Whether it goes on from what an earlier server has left in its [folder](LocalHexclaveBuilder::data).
    #[must_use]
    pub fn is_restored(&self) -> bool {
        self.is_restored
    }

    /// Keeps the state now, if there is a [folder](LocalHexclaveBuilder::data) for it: for what was changed without a
    /// request, as by [`seed`](Self::seed). What a request changes is kept before it is answered.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self) -> Result<(), HexclaveError> {
        self.app.save()
    }

    /// Stops the server: no more connections are taken, faults are over, and what is being answered is answered, for
    /// at most 2 seconds.
    pub async fn stop(mut self) {
        self.app.faults().heal();
        drop(self.running.take());
        if timeout(PATIENCE, &mut self.server).await.is_err() {
            self.server.abort();
        }
    }

    pub(super) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    pub(super) fn app(&self) -> &App {
        &self.app
    }

    async fn signed_in(&self, path: &str, body: Value) -> Result<Tokens, HexclaveError> {
        #[derive(Deserialize)]
        struct Answer {
            access_token: String,
            refresh_token: String,
            user_id: String,
        }
        let failed = |error| HexclaveError::with_source(format!("POST {path} failed"), error);
        let response = self
            .client
            .post(format!("{}/api/v1/{path}", self.config().api_url()))
            .header("x-hexclave-access-type", "client")
            .header("x-hexclave-project-id", self.config().project_id().as_str())
            .header(
                "x-hexclave-publishable-client-key",
                self.config().publishable_client_key().unwrap_or_default(),
            )
            .json(&body)
            .send()
            .await
            .map_err(failed)?;
        if !response.status().is_success() {
            let status = response.status().as_u16();
            let code = response.headers().get("x-hexclave-known-error");
            let code = code
                .and_then(|code| code.to_str().ok())
                .unwrap_or("no known error");
            return Err(HexclaveError::new(format!("POST {path}: {status} {code}")));
        }
        let answer: Answer = response.json().await.map_err(failed)?;
        let user_id = answer.user_id.parse();
        Ok(Tokens {
            access_token: answer.access_token.into(),
            refresh_token: answer.refresh_token.into(),
            user_id: user_id
                .map_err(|error| HexclaveError::with_source("the user's id is unusable", error))?,
        })
    }
}

impl Drop for LocalHexclave {
    fn drop(&mut self) {
        // Nobody is to wait for a server that hangs.
        self.app.faults().heal();
    }
}

impl fmt::Debug for LocalHexclave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalHexclave({})", self.config().api_url())
    }
}

/// Builds a [`LocalHexclave`].
#[derive(Debug)]
#[must_use]
pub struct LocalHexclaveBuilder {
    project_id: Option<ProjectId>,
    secret: Option<ServerSecret>,
    settings: Settings,
    clock: Arc<dyn Clock>,
    address: SocketAddr,
    allow_remote: bool,
    observer: Option<Observer>,
    data: Option<PathBuf>,
}

impl LocalHexclaveBuilder {
    /// Listens on this address; its port 0 is any free one. It must be one of loopback, unless others are
    /// [allowed](Self::allow_remote).
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Whether it may listen on an address that other machines can reach, `0.0.0.0` or `[::]`; by default it may not.
    ///
    /// Whoever reaches it can do everything. Tokens and the [configuration](LocalHexclave::config) name the loopback
    /// address all the same, since plain http is for loopback only.
    pub fn allow_remote(mut self, allowed: bool) -> Self {
        self.allow_remote = allowed;
        self
    }

    /// Keeps the project, its keys, users, teams and sessions in this folder, which is made if there is none, and goes
    /// on from what is in it: then the project and the keys are those of the folder, whatever else is set here.
    /// Second factors and command-line logins under way, webhooks, faults and the log of requests are not kept.
    ///
    /// It is written when a request has changed something, and by [`save`](LocalHexclave::save). The file has all secrets, and
    /// passwords hashed: on Unix only its owner can read it (mode 0600). One server at a time can use a folder.
    pub fn data(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data = Some(folder.into());
        self
    }

    /// Tells of each request when it is answered, from the tasks that answer: it must not block.
    pub fn on_request(mut self, tell: impl Fn(&LoggedRequest) + Send + Sync + 'static) -> Self {
        self.observer = Some(Observer(Arc::new(tell)));
        self
    }

    /// Serves the project with this id instead of a random one.
    pub fn project_id(mut self, id: ProjectId) -> Self {
        self.project_id = Some(id);
        self
    }

    /// Derives the keys from this secret instead of a random one.
    pub fn server_secret(mut self, secret: ServerSecret) -> Self {
        self.secret = Some(secret);
        self
    }

    /// Restricts users until their e-mail is [verified](LocalHexclave::verify_email).
    pub fn require_email_verification(mut self, required: bool) -> Self {
        self.settings.requires_verified_email = required;
        self
    }

    /// Demands the publishable client key of clients, which may leave it away otherwise.
    pub fn require_publishable_client_key(mut self, required: bool) -> Self {
        self.settings.requires_publishable_key = required;
        self
    }

    /// Whether anybody may sign up with a password; so it is by default.
    pub fn allow_sign_up(mut self, allowed: bool) -> Self {
        self.settings.allows_sign_up = allowed;
        self
    }

    /// Whether clients may make teams; by default only servers may.
    pub fn allow_client_team_creation(mut self, allowed: bool) -> Self {
        self.settings.allows_client_team_creation = allowed;
        self
    }

    /// Whether clients may delete their own user; by default only servers may.
    pub fn allow_client_user_deletion(mut self, allowed: bool) -> Self {
        self.settings.allows_client_user_deletion = allowed;
        self
    }

    /// Where the time comes from: when tokens are issued, and when they have expired.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Starts the server.
    ///
    /// # Errors
    /// When the address is not allowed or cannot be listened on, or when the keys of this project and secret cannot be
    /// derived.
    pub async fn start(self) -> Result<LocalHexclave, HexclaveError> {
        let listener = self.listener().await?;
        let api_url = url_of(&listener)?;
        let (folder, saved) = match &self.data {
            Some(path) => {
                let (folder, saved) = DataFolder::open(path)?;
                (Some(folder), saved)
            }
            None => (None, None),
        };
        let is_restored = saved.is_some();
        let (config, secret, directory) = match saved {
            Some(saved) => restored(saved, api_url)?,
            None => {
                let config = match self.project_id {
                    Some(id) => project(id, api_url)?,
                    None => random_project(api_url)?,
                };
                let secret = match self.secret {
                    Some(secret) => secret,
                    None => ServerSecret::random()?,
                };
                (config, secret, Directory::new(self.settings))
            }
        };
        let data = folder.map(|folder| (folder, saved_project(&config, &secret)));
        let issuer = Issuer::new(&secret, config)?;
        let directory = directory.with_settings(self.settings);
        let app = App::new(issuer, self.clock, directory, self.settings, self.observer, data)?;
        let app = Arc::new(app);
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| HexclaveError::with_source("the HTTP client could not be set up", error))?;
        let router = api::router(Arc::clone(&app)).merge(page::router(Arc::clone(&app)));
        let router = router.into_make_service_with_connect_info::<SocketAddr>();
        let (running, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(async move {
            let serving = axum::serve(listener, router).with_graceful_shutdown(async {
                // An error is the sender's end, which is what is waited for.
                let _ = stopped.await;
            });
            let _ = serving.await;
        });
        Ok(LocalHexclave {
            app,
            client,
            running: Some(running),
            is_restored,
            webhook_secret: WebhookSecret::derive(&secret),
            server,
        })
    }

    async fn listener(&self) -> Result<TcpListener, HexclaveError> {
        let address = self.address;
        if !address.ip().is_loopback() && !self.allow_remote {
            return Err(HexclaveError::new(format!(
                "{address} can be reached from other machines, and the local Hexclave protects nothing: a loopback \
                 address such as 127.0.0.1:{} is right",
                address.port()
            ))
            .of_kind(HexclaveErrorKind::NotLoopback));
        }
        TcpListener::bind(address).await.map_err(|error| {
            HexclaveError::with_source(format!("the local Hexclave cannot listen on {address}"), error)
                .of_kind(HexclaveErrorKind::Listen)
        })
    }
}

fn restored(
    saved: Saved,
    api_url: ApiUrl,
) -> Result<(ProjectConfig, ServerSecret, Directory), HexclaveError> {
    let project = saved.project;
    let id = project
        .project_id
        .parse()
        .map_err(|error| HexclaveError::with_source("the saved project is unusable", error))?;
    let config = project_with_keys(
        id,
        api_url,
        &project.publishable_client_key,
        &project.secret_server_key,
    )?;
    Ok((
        config,
        ServerSecret::new(&project.server_secret)?,
        saved.directory,
    ))
}

fn saved_project(config: &ProjectConfig, secret: &ServerSecret) -> SavedProject {
    let server_key = config.secret_server_key().map(|key| key.expose().to_owned());
    SavedProject {
        project_id: config.project_id().to_string(),
        server_secret: secret.expose().to_owned(),
        publishable_client_key: config.publishable_client_key().unwrap_or_default().to_owned(),
        secret_server_key: server_key.unwrap_or_default(),
    }
}

/// Where clients on this machine reach it.
fn url_of(listener: &TcpListener) -> Result<ApiUrl, HexclaveError> {
    let mut address = listener
        .local_addr()
        .map_err(|error| HexclaveError::with_source("the local Hexclave has no address", error))?;
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}").parse().map_err(|error| {
        HexclaveError::with_source(format!("{address} has no URL that clients accept"), error)
            .of_kind(HexclaveErrorKind::Listen)
    })
}
