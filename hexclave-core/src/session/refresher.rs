use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{runtime::Handle, sync::watch};
use tracing::Instrument;

use super::{
    SessionState, StoredTokens, TokenStore,
    lifetime::{Lifetime, Need},
};
use crate::{AccessToken, Error, ErrorKind, RefreshToken, api::Shared};

/// What came of asking for an access token, once something has.
type Outcome = Option<Result<Held, Error>>;

/// An access token at hand.
#[derive(Clone)]
struct Held {
    token: AccessToken,
    /// Unknown for a token that cannot be read: it is passed on once, and not held on to.
    lifetime: Option<Lifetime>,
}

/// Holds a session's tokens and asks for new ones, one request at a time.
pub(super) struct Refresher {
    client: Arc<Shared>,
    refresh_token: RefreshToken,
    store: Option<Arc<dyn TokenStore>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    ended: bool,
    /// The request under way.
    flight: Option<watch::Receiver<Outcome>>,
}

impl Refresher {
    pub(super) fn new(client: Arc<Shared>, tokens: StoredTokens, store: Option<Arc<dyn TokenStore>>) -> Self {
        let held = tokens.access_token.map(|token| Held {
            lifetime: Lifetime::of(&token),
            token,
        });
        Self {
            client,
            refresh_token: tokens.refresh_token,
            store,
            state: Mutex::new(State {
                held,
                ..State::default()
            }),
        }
    }

    /// The token at hand if it will do, otherwise a new one.
    pub(super) async fn access_token(self: &Arc<Self>, need: Need) -> Result<AccessToken, Error> {
        let flight = {
            let mut state = self.state();
            if let Some(held) = state.held.as_ref().filter(|_| !state.ended)
                && self.will_do(held, need)
            {
                return Ok(held.token.clone());
            }
            self.begin(&mut state)?
        };
        let held = landed(flight).await?;
        if held.lifetime.is_none() || self.will_do(&held, need) {
            return Ok(held.token);
        }
        // The program was suspended while the answer was on its way.
        let flight = self.begin(&mut self.state())?;
        Ok(landed(flight).await?.token)
    }

    /// A token that is asked for from now on.
    pub(super) async fn force(self: &Arc<Self>) -> Result<AccessToken, Error> {
        let under_way = self.state().flight.clone();
        if let Some(flight) = under_way {
            // What it brings may be older than this call.
            let _ = landed(flight).await;
        }
        let flight = self.begin(&mut self.state())?;
        Ok(landed(flight).await?.token)
    }

    /// Ends the session here and in the store.
    pub(super) async fn end(&self) -> Result<(), Error> {
        {
            let mut state = self.state();
            state.ended = true;
            state.held = None;
        }
        match &self.store {
            Some(store) => store.remove(&self.refresh_token).await,
            None => Ok(()),
        }
    }

    pub(super) fn session_state(&self) -> SessionState {
        if self.state().ended {
            SessionState::Ended
        } else {
            SessionState::Live
        }
    }

    pub(super) fn refresh_token(&self) -> &RefreshToken {
        &self.refresh_token
    }

    /// Begins to ask, or joins who is asking. It is a task of its own: a caller that goes away does not cancel it for
    /// the others.
    fn begin(self: &Arc<Self>, state: &mut State) -> Result<watch::Receiver<Outcome>, Error> {
        if state.ended {
            return Err(ended());
        }
        let under_way = state
            .flight
            .as_ref()
            .filter(|flight| flight.has_changed().is_ok());
        if let Some(flight) = under_way.filter(|flight| flight.borrow().is_none()) {
            return Ok(flight.clone());
        }
        let runtime = Handle::try_current().map_err(|_| {
            Error::new(
                ErrorKind::ApiUnavailable,
                "access tokens can be had inside a tokio runtime only",
            )
        })?;
        let (landing, flight) = watch::channel(None);
        state.flight = Some(flight.clone());
        let refresher = Arc::clone(self);
        let span = tracing::debug_span!("hexclave.refresh");
        runtime.spawn(
            async move {
                let outcome = refresher.refresh().await;
                landing.send_replace(Some(outcome));
            }
            .instrument(span),
        );
        Ok(flight)
    }

    async fn refresh(&self) -> Result<Held, Error> {
        let asked_at = self.now();
        match self.client.refresh(&self.refresh_token).await {
            Ok(token) => {
                let lifetime = Lifetime::of(&token);
                let held = Held {
                    lifetime: lifetime.map(|lifetime| lifetime.between(asked_at, self.now())),
                    token,
                };
                {
                    let mut state = self.state();
                    if state.ended {
                        return Err(ended());
                    }
                    state.held = Some(held.clone());
                }
                self.keep(&held.token).await;
                Ok(held)
            }
            Err(error) if error.kind() == ErrorKind::SessionEnded => {
                if let Err(failure) = self.end().await {
                    tracing::warn!(error = %failure, "an ended session could not be removed from its store");
                }
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    /// The token is good whether or not it can be kept.
    async fn keep(&self, token: &AccessToken) {
        if let Some(store) = &self.store {
            let tokens = StoredTokens::new(self.refresh_token.clone()).with_access_token(token.clone());
            if let Err(error) = store.update(&tokens).await {
                tracing::warn!(error = %error, "a new access token could not be kept");
            }
        }
    }

    fn will_do(&self, held: &Held, need: Need) -> bool {
        let lifetime = held.lifetime;
        lifetime.is_some_and(|lifetime| lifetime.meets(need, self.now()))
    }

    fn now(&self) -> u64 {
        self.client.transport.unix_seconds()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under the lock can leave it half-done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a request brings, when it has brought something.
async fn landed(mut flight: watch::Receiver<Outcome>) -> Result<Held, Error> {
    let outcome = match flight.wait_for(Option::is_some).await {
        Ok(outcome) => outcome.clone(),
        Err(_) => None,
    };
    outcome.unwrap_or_else(|| {
        Err(Error::new(
            ErrorKind::ApiUnavailable,
            "the runtime that asked for an access token has ended",
        ))
    })
}

fn ended() -> Error {
    Error::new(
        ErrorKind::SessionEnded,
        "the session has ended: the user has to sign in anew",
    )
}

impl fmt::Debug for Refresher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refresher")
            .field("state", &self.session_state())
            .finish_non_exhaustive()
    }
}
