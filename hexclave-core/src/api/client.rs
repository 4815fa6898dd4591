use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

use super::{
    Access, Admin, AsUser, Public, Server,
    hosts::{self, Hosts},
    request::Request,
    transport::Transport,
};
#[cfg(doc)]
use crate::ErrorKind;
use crate::{
    AcceptedKinds, AccessToken, ApiUrl, Clock, Error, ProjectConfig, SystemClock, UserKind,
    keys::default_client, resource::Project,
};

const DEFAULT_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
const DEFAULT_DEADLINE: Duration = Duration::from_secs(30);
/// So that no sum of times overflows.
const LONGEST_DEADLINE: Duration = Duration::from_secs(24 * 3600);
const DEFAULT_MAX_ANSWER_LEN: usize = 8 * 1024 * 1024;

/// Asks the Hexclave API. Cheap to clone, and meant to be kept: it holds the connections.
///
/// What it may do depends on [as whom it comes](Access):
///
/// ```no_run
/// use hexclave_core::{AccessToken, ProjectConfig, api::Client};
///
/// # async fn run(token: AccessToken) -> Result<(), hexclave_core::Error> {
/// let client = Client::server(ProjectConfig::from_env()?)?;
/// client.project().await?; // are the keys right?
///
/// let user = client.as_user(&token).me().await?;
/// if let Some(plan) = user.server_metadata.get("plan") {
///     println!("{} has the plan {plan}", user.id);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Trouble
/// Requests that may be repeated (`GET`, `DELETE`, and getting access tokens) are repeated, at most four times, when
/// the connection fails or the answer is 502, 503 or 504; every request is when the answer is 429. Before each
/// repetition there is a pause, twice as long each time, or as long as `Retry-After` says. No attempt takes longer
/// than 10 seconds and no request, with its repetitions, longer than [30](ClientBuilder::deadline). What the API
/// refuses with a code is never repeated. A server that is asked for by the cloud's own address is left for one that
/// stands in for it when it does not answer.
///
/// What comes of it is told by the [kind](Error::kind) of the error, and by [what the API answered](Error::api):
///
/// | kind | meaning |
/// |---|---|
/// | [`ApiUnavailable`](ErrorKind::ApiUnavailable), [`ApiAnswerUnusable`](ErrorKind::ApiAnswerUnusable) | nothing can be said; try again [later](Error::retry_after) |
/// | [`ProjectKeyRejected`](ErrorKind::ProjectKeyRejected) | the project's keys are wrong; it says nothing about the user |
/// | [`TokenExpired`](ErrorKind::TokenExpired), [`TokenRejected`](ErrorKind::TokenRejected), [`ProjectMismatch`](ErrorKind::ProjectMismatch), [`UserGone`](ErrorKind::UserGone) | the access token is good for nothing, or not any more |
/// | [`SessionEnded`](ErrorKind::SessionEnded) | the refresh token is good for nothing any more |
/// | [`KindNotAccepted`](ErrorKind::KindNotAccepted) | the user is none of those that are [let in](ClientBuilder::accept) |
/// | [`ApiRejected`](ErrorKind::ApiRejected) | anything else that the API refuses; its [code](super::ErrorCode) says what |
pub struct Client<A> {
    shared: Arc<Shared>,
    access: PhantomData<A>,
}

/// What a client is made of, whatever its access.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: ProjectConfig,
    pub(crate) transport: Transport,
    pub(crate) accepted: AcceptedKinds,
}

impl Client<Public> {
    /// A client that may do what anybody may, with the defaults.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when the HTTP client cannot be set up.
    pub fn public(config: ProjectConfig) -> Result<Self, Error> {
        Self::builder(config).public()
    }

    /// Sets up a client, of whatever access, in detail.
    pub fn builder(config: ProjectConfig) -> ClientBuilder {
        ClientBuilder {
            fallback_hosts: hosts::fallbacks(&config),
            config,
            accepted: AcceptedKinds::default(),
            attempt_timeout: DEFAULT_ATTEMPT_TIMEOUT,
            deadline: DEFAULT_DEADLINE,
            max_answer_len: DEFAULT_MAX_ANSWER_LEN,
            http: None,
            clock: Arc::new(SystemClock),
        }
    }
}

impl Client<Server> {
    /// A client that may read and change all users, with the defaults.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when the configuration has no secret server key, or the HTTP client cannot be set
    /// up.
    pub fn server(config: ProjectConfig) -> Result<Self, Error> {
        Client::builder(config).server()
    }
}

impl Client<Admin> {
    /// A client that may change the project itself, with the defaults.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when the configuration has no admin key, or the HTTP client cannot be set up.
    pub fn admin(config: ProjectConfig) -> Result<Self, Error> {
        Client::builder(config).admin()
    }
}

impl<A: Access> Client<A> {
    /// The project as its clients see it. Nobody needs to be signed in, so this is the way to find out at the start
    /// of a program whether the project and its keys are right.
    ///
    /// # Errors
    /// [`ErrorKind::ProjectKeyRejected`] when they are not; see [Trouble](Self#trouble).
    pub async fn project(&self) -> Result<Project, Error> {
        self.ask(Request::get("projects/current")).await
    }

    /// Asks as a signed-in user.
    pub fn as_user(&self, token: &AccessToken) -> AsUser<A> {
        AsUser::new(self.clone(), token.clone())
    }

    /// The project that is asked about.
    #[must_use]
    pub fn config(&self) -> &ProjectConfig {
        &self.shared.config
    }

    /// The kinds of users that are let in.
    #[must_use]
    pub fn accepted_kinds(&self) -> AcceptedKinds {
        self.shared.accepted
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(super) async fn ask<T: serde::de::DeserializeOwned>(&self, request: Request) -> Result<T, Error> {
        self.shared.transport.ask(request).await
    }

    pub(super) async fn tell(&self, request: Request) -> Result<(), Error> {
        self.shared.transport.tell(request).await
    }
}

impl<A> Clone for Client<A> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            access: PhantomData,
        }
    }
}

impl<A: Access> fmt::Debug for Client<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("access", &A::NAME)
            .field("config", &self.shared.config)
            .finish_non_exhaustive()
    }
}

/// Builds a [`Client`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientBuilder {
    config: ProjectConfig,
    accepted: AcceptedKinds,
    fallback_hosts: Vec<ApiUrl>,
    attempt_timeout: Duration,
    deadline: Duration,
    max_answer_len: usize,
    http: Option<reqwest::Client>,
    clock: Arc<dyn Clock>,
}

impl ClientBuilder {
    /// Which kinds of users to let in. Without this: normal ones only. The same policy as a
    /// [verifier's](crate::VerifierBuilder::accept).
    pub fn accept(mut self, kinds: AcceptedKinds) -> Self {
        self.accepted = kinds;
        self
    }

    /// The hosts to turn to when the configured one does not answer. They get the same keys and tokens, so they must
    /// be as trusted. Without this: those of Hexclave's cloud, if no API URL was configured, otherwise none.
    pub fn fallback_hosts(mut self, hosts: impl IntoIterator<Item = ApiUrl>) -> Self {
        self.fallback_hosts = hosts.into_iter().collect();
        self
    }

    /// How long one attempt may take: 10 seconds unless set.
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.attempt_timeout = limit.min(LONGEST_DEADLINE);
        self
    }

    /// How long a request may take, with its repetitions and the pauses between them: 30 seconds unless set, a day at
    /// most.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = limit.min(LONGEST_DEADLINE);
        self
    }

    /// How long an answer may be, in bytes before compression: 8 MiB unless set.
    pub fn max_answer_len(mut self, bytes: usize) -> Self {
        self.max_answer_len = bytes;
        self
    }

    /// Ask with this HTTP client, for a private certificate authority or a proxy of one's own. It must not follow
    /// redirects: keys and tokens would follow them.
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.http = Some(client);
        self
    }

    /// Where the time of day comes from, for servers that name one. (Pauses and deadlines are counted by tokio's
    /// clock.)
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The finished client, which may do what anybody may.
    ///
    /// # Errors
    /// As [`Client::public`].
    pub fn public(self) -> Result<Client<Public>, Error> {
        self.build()
    }

    /// The finished client, which may read and change all users.
    ///
    /// # Errors
    /// As [`Client::server`].
    pub fn server(self) -> Result<Client<Server>, Error> {
        self.build()
    }

    /// The finished client, which may change the project itself.
    ///
    /// # Errors
    /// As [`Client::admin`].
    pub fn admin(self) -> Result<Client<Admin>, Error> {
        self.build()
    }

    fn build<A: Access>(self) -> Result<Client<A>, Error> {
        let introduction = A::headers(&self.config)?;
        let http = match self.http {
            Some(client) => client,
            None => default_client(self.config.api_url().is_loopback())?,
        };
        let transport = Transport {
            http,
            hosts: Hosts::new(self.config.api_url().clone(), self.fallback_hosts),
            introduction,
            extra_headers: self.config.extra_request_headers().clone(),
            attempt_timeout: self.attempt_timeout,
            deadline: self.deadline,
            max_answer_len: self.max_answer_len,
            clock: self.clock,
        };
        Ok(Client {
            shared: Arc::new(Shared {
                config: self.config,
                transport,
                accepted: self.accepted,
            }),
            access: PhantomData,
        })
    }
}

/// Whether a user of this kind is let in.
pub(super) fn admit(kind: UserKind, accepted: AcceptedKinds) -> Result<(), Error> {
    if accepted.contains(kind) {
        return Ok(());
    }
    Err(Error::kind_not_accepted(kind, None, accepted))
}
