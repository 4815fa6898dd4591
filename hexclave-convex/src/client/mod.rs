//! Convex's client for Rust, signed in.

mod driver;
mod event;
mod handle;
mod lack;
mod lifetime;
mod provider;
mod rate;
mod tokens;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use convex::{ConvexClientBuilder, FunctionResult, QuerySetSubscription, QuerySubscription, Value};
use futures_util::StreamExt;
use tokio::sync::{mpsc, oneshot, watch};

pub use self::{
    event::{Authentication, ClientEvent},
    provider::{TokenProvider, TokenProviderBuilder},
};
use self::{handle::Handle, lack::Lack};
use crate::{DeploymentUrl, Error, ErrorKind, error::quoted};

/// So many changes of the connection wait to be told; what does not fit is lost.
const CONNECTION_STATES: usize = 64;

/// Convex's client for Rust, [`convex::ConvexClient`], signed in as the user of a
/// [`Session`](hexclave_core::session::Session) for as long as that lasts. Cheap to clone; when the last clone goes, so
/// does the connection.
///
/// ```no_run
/// use std::collections::BTreeMap;
///
/// use hexclave_convex::{SignedInClient, TokenProvider};
/// use hexclave_core::{api::Public, session::Session};
///
/// # async fn run(session: Session<Public>) -> Result<(), hexclave_convex::Error> {
/// let provider = TokenProvider::builder(session)
///     .strict()
///     .on_event(|event| println!("{event:?}"))
///     .build();
/// let deployment = "https://happy-animal-123.convex.cloud".parse()?;
/// let client = SignedInClient::connect(&deployment, &provider).await?;
/// let text = BTreeMap::from([("text".to_owned(), "Let it be.".into())]);
/// println!("{:?}", client.mutation("notes:add", text).await?);
/// # Ok(())
/// # }
/// ```
///
/// # Tokens
/// - A token is renewed about a minute before its end, while the connection goes on. So a connection is not lost
///   because of a token, and no mutation is sent twice because of that.
/// - When the connection is lost for another reason, Convex's client comes for a new token. It gets one that is young, or
///   a new one if the last forced renewal is 10 seconds ago; the longer this goes on, the rarer these become (5 minutes).
/// - Who asks at the same time gets the same token.
/// - In trouble Hexclave is asked again for up to 20 seconds, and then the token at hand serves to its last 5 seconds.
///
/// # Without a token
/// A session that has ended, and trouble that outlasts the token, leave no token. Convex's own client would go on as
/// nobody: queries are answered, and mutations that wait are carried out, for somebody who is not signed in. That is also
/// what this client does, and says so in [`ClientEvent::Anonymous`] and [`ClientEvent::SignedOut`]; after trouble it signs
/// in again by itself.
///
/// With a [strict](TokenProviderBuilder::strict) provider it ends instead. Nothing is sent as nobody; calls, also those
/// that wait, fail with [`ErrorKind::SignedOut`] or [`ErrorKind::NoToken`], and subscriptions end.
///
/// # What it cannot do
/// - When Convex does not accept a token, it closes the connection without a word to its client, which comes again and
///   again. [`ClientEvent::ProbablyRefused`] tells of it; calls wait meanwhile, so give them a timeout.
/// - A mutation whose answer was lost with the connection is sent again by Convex's client, and may run twice.
/// - Convex's client logs what it sends at the level `debug`, **the token included**: keep the target `convex` at `info`
///   or above.
///
/// The connection uses rustls. If the process has no default `CryptoProvider` when the client connects, that of aws-lc-rs
/// is installed.
#[derive(Clone)]
pub struct SignedInClient {
    shared: Arc<Shared>,
}

struct Shared {
    /// `None` once it has ended.
    client: Mutex<Option<Handle>>,
    provider: TokenProvider,
    end: watch::Sender<Option<End>>,
}

/// Why a client has ended.
#[derive(Clone, Debug)]
enum End {
    ByTheApplication,
    Lacking(Lack),
}

impl SignedInClient {
    /// Gets a token, and begins to connect; calls wait until there is a connection.
    ///
    /// # Errors
    /// [`ErrorKind::SignedOut`]; with a strict provider also [`ErrorKind::NoToken`].
    pub async fn connect(deployment: &DeploymentUrl, provider: &TokenProvider) -> Result<Self, Error> {
        let has_token = match provider.token(false).await {
            Ok(_) => true,
            Err(Lack::Unavailable(_)) if !provider.is_strict() => false,
            Err(lack) => return Err(lack.into_error()),
        };
        if deployment.as_str().starts_with("https") {
            // Where several are linked in and none was chosen, rustls panics.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        let (states, connection) = mpsc::channel(CONNECTION_STATES);
        let client = ConvexClientBuilder::new(deployment.as_str())
            .with_on_state_change(states)
            .build()
            .await
            .map_err(|error| {
                Error::new(ErrorKind::InvalidConfig, "Convex's client could not be set up").with_source(error)
            })?;
        let shared = Arc::new(Shared {
            client: Mutex::new(Some(Handle::new(client))),
            provider: provider.clone(),
            end: watch::Sender::new(None),
        });
        if has_token {
            shared.authenticate(Some(provider.fetcher())).await;
        }
        tokio::spawn(driver::drive(
            Arc::downgrade(&shared),
            provider.clone(),
            connection,
        ));
        Ok(Self { shared })
    }

    /// Subscribes to a query. The subscription ends with the client, and when it is dropped.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArguments`] when the path is not that of a function, or why the [client has
    /// ended](Self::ended).
    pub async fn subscribe(
        &self,
        path: &str,
        arguments: BTreeMap<String, Value>,
    ) -> Result<QuerySubscription, Error> {
        let mut handle = self.shared.handle()?;
        self.until_end(path, handle.client()?.subscribe(path, arguments))
            .await
    }

    /// Asks a query once.
    ///
    /// # Errors
    /// As [`subscribe`](Self::subscribe). What the function throws is a [`FunctionResult`].
    pub async fn query(
        &self,
        path: &str,
        arguments: BTreeMap<String, Value>,
    ) -> Result<FunctionResult, Error> {
        let mut subscription = self.subscribe(path, arguments).await?;
        tokio::select! {
            biased;
            first = subscription.next() => first.ok_or_else(|| self.shared.why_ended()),
            error = self.ended() => Err(error),
        }
    }

    /// Carries out a mutation.
    ///
    /// # Errors
    /// As [`query`](Self::query). When the client has ended, nobody knows whether the mutation has run.
    pub async fn mutation(
        &self,
        path: &str,
        arguments: BTreeMap<String, Value>,
    ) -> Result<FunctionResult, Error> {
        let mut handle = self.shared.handle()?;
        self.until_end(path, handle.client()?.mutation(path, arguments))
            .await
    }

    /// Carries out an action.
    ///
    /// # Errors
    /// As [`mutation`](Self::mutation).
    pub async fn action(
        &self,
        path: &str,
        arguments: BTreeMap<String, Value>,
    ) -> Result<FunctionResult, Error> {
        let mut handle = self.shared.handle()?;
        self.until_end(path, handle.client()?.action(path, arguments))
            .await
    }

    /// Watches all queries that are subscribed to, as of one point in time.
    ///
    /// # Errors
    /// Why the [client has ended](Self::ended).
    pub fn watch_all(&self) -> Result<QuerySetSubscription, Error> {
        let mut handle = self.shared.handle()?;
        Ok(handle.client()?.watch_all())
    }

    /// Where the tokens come from, and whether there is one.
    #[must_use]
    pub fn provider(&self) -> &TokenProvider {
        &self.shared.provider
    }

    /// Signs the user out: ends the session at Hexclave, and has Convex forget who it was; a strict client ends.
    ///
    /// # Errors
    /// As [`Session::sign_out`](hexclave_core::session::Session::sign_out).
    pub async fn sign_out(&self) -> Result<(), hexclave_core::Error> {
        self.shared.provider.sign_out().await
    }

    /// Ends the client and all its clones, though not the session.
    pub fn end(&self) {
        self.shared.end(End::ByTheApplication);
    }

    /// Waits until the client has ended, and tells why: [`ErrorKind::SignedOut`] or [`ErrorKind::NoToken`] with a strict
    /// provider, [`ErrorKind::ClientEnded`] after [`end`](Self::end).
    pub async fn ended(&self) -> Error {
        let mut end = self.shared.end.subscribe();
        let reason = match end.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone(),
            Err(_) => None,
        };
        reason.unwrap_or(End::ByTheApplication).into_error()
    }

    async fn until_end<T>(
        &self,
        path: &str,
        call: impl Future<Output = anyhow::Result<T>>,
    ) -> Result<T, Error> {
        tokio::select! {
            biased;
            result = call => result.map_err(|error| match error.is::<oneshot::error::RecvError>() {
                true => self.shared.why_ended(),
                false => Error::new(
                    ErrorKind::InvalidArguments,
                    format!("{} is not the path of a function: expected one such as notes:list", quoted(path)),
                )
                .with_source(error),
            }),
            error = self.ended() => Err(error),
        }
    }
}

impl Shared {
    fn handle(&self) -> Result<Handle, Error> {
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        client.clone().ok_or_else(|| self.why_ended())
    }

    /// Has Convex's client come for a token, or forget who the user was.
    async fn authenticate(&self, fetcher: Option<convex::AuthTokenFetcher>) {
        if let Ok(mut handle) = self.handle()
            && let Ok(client) = handle.client()
        {
            client.set_auth_callback(fetcher).await;
        }
    }

    fn end(&self, end: End) {
        let error = end.clone().into_error();
        let is_news = self.end.send_if_modified(|known| {
            let is_news = known.is_none();
            known.get_or_insert(end);
            is_news
        });
        if is_news {
            let client = self.client.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(client);
            self.provider.tell(ClientEvent::Ended(error));
        }
    }

    fn why_ended(&self) -> Error {
        let end = self.end.borrow().clone();
        end.unwrap_or(End::ByTheApplication).into_error()
    }
}

impl End {
    fn into_error(self) -> Error {
        match self {
            Self::ByTheApplication => Error::new(ErrorKind::ClientEnded, "Convex's client has ended"),
            Self::Lacking(lack) => lack.into_error(),
        }
    }
}

impl fmt::Debug for SignedInClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedInClient")
            .field("provider", &self.shared.provider)
            .field("end", &self.shared.end.borrow())
            .finish_non_exhaustive()
    }
}
