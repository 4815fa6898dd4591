//! Convex functions, called over HTTP.

mod answer;
mod error;
mod request;
mod value;

use std::{sync::Arc, time::Duration};

use hexclave_core::AccessToken;
use serde::{Serialize, de::DeserializeOwned};

use self::request::{Function, Request};
pub use self::{
    error::FunctionError,
    value::{Bytes, Int64},
};
use crate::{DeploymentUrl, Error, ErrorKind};

const DEFAULT_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
const DEFAULT_DEADLINE: Duration = Duration::from_secs(60);
const LONGEST_DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const DEFAULT_MAX_ANSWER_LEN: usize = 32 * 1024 * 1024;

/// Calls the functions of a Convex deployment over HTTP, each time as the user whose token is at hand. Cheap to clone.
///
/// ```no_run
/// use hexclave_convex::FunctionClient;
/// use hexclave_core::AccessToken;
/// use serde::Deserialize;
/// use serde_json::json;
///
/// #[derive(Deserialize)]
/// struct Note {
///     text: String,
/// }
///
/// # async fn run(token: AccessToken) -> Result<(), hexclave_convex::Error> {
/// let convex = FunctionClient::new("https://happy-animal-123.convex.cloud".parse()?)?;
/// let user = convex.as_user(&token);
/// let notes: Vec<Note> = user.query("notes:list", json!({ "limit": 10 })).await?;
/// let () = user.mutation("notes:add", json!({ "text": "Let it be." })).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Trouble
/// Queries are asked again, up to four times and within the deadline, when there is no answer, or one of 429, 502, 503 or
/// 504; a `Retry-After` is obeyed. **A mutation or an action is sent again only when it certainly has not run**: no
/// connection was made, or the answer was 429. [`Error::may_have_run`] tells whether it may have run in spite of the
/// error.
///
/// | [`ErrorKind`] | what happened |
/// |---|---|
/// | [`FunctionFailed`](ErrorKind::FunctionFailed) | the function threw: [`Error::function_error`] |
/// | [`TokenRefused`](ErrorKind::TokenRefused) | Convex does not accept the token; the function has not run |
/// | [`Rejected`](ErrorKind::Rejected) | Convex does not accept the request; the function has not run |
/// | [`ConvexUnavailable`](ErrorKind::ConvexUnavailable) | no answer, or an answer of trouble |
/// | [`AnswerUnusable`](ErrorKind::AnswerUnusable) | an answer, but not Convex's, or a result of another type |
/// | [`InvalidArguments`](ErrorKind::InvalidArguments) | nothing was sent: the arguments cannot be |
#[derive(Clone, Debug)]
pub struct FunctionClient {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    deployment: DeploymentUrl,
    http: reqwest::Client,
    attempt_timeout: Duration,
    deadline: Duration,
    max_answer_len: usize,
}

impl FunctionClient {
    /// A client with the defaults.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when the HTTP client cannot be set up.
    pub fn new(deployment: DeploymentUrl) -> Result<Self, Error> {
        Self::builder(deployment).build()
    }

    /// Sets up a client in detail.
    pub fn builder(deployment: DeploymentUrl) -> FunctionClientBuilder {
        FunctionClientBuilder {
            deployment,
            http: None,
            attempt_timeout: DEFAULT_ATTEMPT_TIMEOUT,
            deadline: DEFAULT_DEADLINE,
            max_answer_len: DEFAULT_MAX_ANSWER_LEN,
        }
    }

    /// Calls functions as the user of this token. Convex verifies it with each call, so take one that is fresh, such as a
    /// session's.
    #[must_use]
    pub fn as_user(&self, token: &AccessToken) -> FunctionCaller {
        FunctionCaller {
            client: self.clone(),
            token: Some(token.clone()),
        }
    }

    /// Calls functions as nobody: `getUserIdentity()` is null there.
    #[must_use]
    pub fn signed_out(&self) -> FunctionCaller {
        FunctionCaller {
            client: self.clone(),
            token: None,
        }
    }
}

/// Builds a [`FunctionClient`].
#[derive(Clone, Debug)]
#[must_use]
pub struct FunctionClientBuilder {
    deployment: DeploymentUrl,
    http: Option<reqwest::Client>,
    attempt_timeout: Duration,
    deadline: Duration,
    max_answer_len: usize,
}

impl FunctionClientBuilder {
    /// How long one attempt of a query may take: 15 seconds unless set. Mutations and actions have until the deadline.
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.attempt_timeout = limit.min(LONGEST_DEADLINE);
        self
    }

    /// How long a call may take, with its repetitions and the pauses between them: 60 seconds unless set, a day at most.
    /// Actions may run for minutes.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = limit.min(LONGEST_DEADLINE);
        self
    }

    /// How long an answer may be, in bytes: 32 MiB unless set.
    pub fn max_answer_len(mut self, bytes: usize) -> Self {
        self.max_answer_len = bytes;
        self
    }

    /// Call with this HTTP client, for a private certificate authority or a proxy of one's own. It must not follow
    /// redirects: tokens would follow them.
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.http = Some(client);
        self
    }

    /// The finished client.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when the HTTP client cannot be set up.
    pub fn build(self) -> Result<FunctionClient, Error> {
        let http = match self.http {
            Some(client) => client,
            None => default_client(&self.deployment)?,
        };
        Ok(FunctionClient {
            inner: Arc::new(Inner {
                deployment: self.deployment,
                http,
                attempt_timeout: self.attempt_timeout,
                deadline: self.deadline,
                max_answer_len: self.max_answer_len,
            }),
        })
    }
}

/// Calls the functions of a Convex deployment as one user, or as nobody. `Debug` does not show the token.
#[derive(Clone, Debug)]
pub struct FunctionCaller {
    client: FunctionClient,
    token: Option<AccessToken>,
}

impl FunctionCaller {
    /// Calls the query at `path`, such as `notes:list` or `folder/notes:list`.
    ///
    /// The arguments are an object, or `()` for none. Numbers are Convex's `v.number()`, so an integer must be one that
    /// JavaScript can tell from its neighbours (up to 2^53); for `v.int64()` and `v.bytes()` there are [`Int64`] and
    /// [`Bytes`], among results too. In results the numbers that JSON does not have are the strings `NaN`, `Infinity` and
    /// `-Infinity`.
    ///
    /// # Errors
    /// See [Trouble](FunctionClient#trouble).
    pub async fn query<T: DeserializeOwned>(
        &self,
        path: &str,
        arguments: impl Serialize,
    ) -> Result<T, Error> {
        self.call(Function::Query, path, &arguments).await
    }

    /// Calls the mutation at `path`, with arguments and a result as those of [`query`](Self::query).
    ///
    /// # Errors
    /// See [Trouble](FunctionClient#trouble).
    pub async fn mutation<T: DeserializeOwned>(
        &self,
        path: &str,
        arguments: impl Serialize,
    ) -> Result<T, Error> {
        self.call(Function::Mutation, path, &arguments).await
    }

    /// Calls the action at `path`, with arguments and a result as those of [`query`](Self::query).
    ///
    /// # Errors
    /// See [Trouble](FunctionClient#trouble).
    pub async fn action<T: DeserializeOwned>(
        &self,
        path: &str,
        arguments: impl Serialize,
    ) -> Result<T, Error> {
        self.call(Function::Action, path, &arguments).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        function: Function,
        path: &str,
        arguments: &impl Serialize,
    ) -> Result<T, Error> {
        let request = Request::new(function, path, arguments, self.token.as_ref())?;
        let value = self.client.inner.send(&request).await?;
        serde_json::from_value(value).map_err(|_| {
            // Not the source: its text may repeat what the result holds.
            Error::new(
                ErrorKind::AnswerUnusable,
                format!(
                    "{}: the result is no {}",
                    request.name(),
                    std::any::type_name::<T>()
                ),
            )
            .after_running()
        })
    }
}

fn default_client(deployment: &DeploymentUrl) -> Result<reqwest::Client, Error> {
    let mut client = reqwest::Client::builder()
        .user_agent(concat!("hexclave-convex/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT);
    if deployment.is_loopback() {
        client = client.no_proxy();
    } else {
        client = client.https_only(true);
    }
    client.build().map_err(|error| {
        Error::new(ErrorKind::InvalidConfig, "the HTTP client could not be set up").with_source(error)
    })
}
