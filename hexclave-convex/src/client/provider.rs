use std::{
    fmt,
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use convex::{AuthTokenFetcher, AuthenticationToken, WebSocketState};
use hexclave_core::{
    AccessToken, Clock, ErrorKind as CoreErrorKind, SystemClock, api::Access, session::Session,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout_at},
};

use super::{
    Authentication, ClientEvent,
    lack::Lack,
    lifetime::Lifetime,
    rate::Rate,
    tokens::{Need, Tokens},
};

/// Convex's client does nothing else while it waits for a token, and after 30 seconds it takes its server for dead.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// In seconds. Hexclave's SDKs hand out no access token that ends sooner.
const SHORTEST_REST: u64 = 20;
/// In seconds. In trouble, one that lasts longer than this is better than none.
const SHORTEST_REST_IN_TROUBLE: u64 = 5;
/// In seconds. A token that is younger was not refused because of its age.
const YOUNG: u64 = 10;
/// The time of day is looked at so often at least: it goes on while a machine sleeps, and pauses do not.
const LONGEST_NAP: Duration = Duration::from_secs(30);
/// Between renewals ahead of time, for tokens that do not say when they end.
const SHORTEST_RENEWAL_PAUSE: Duration = Duration::from_secs(10);
/// Between those that fail.
const LONGEST_RENEWAL_PAUSE: Duration = Duration::from_secs(60);
/// So many connections that are closed soon are told to the application.
const PROBABLY_REFUSED: u32 = 3;

type Listener = Box<dyn Fn(ClientEvent) + Send + Sync>;

/// Gives the access tokens of a [`Session`] to Convex's client for Rust, which by itself goes on as nobody when there is no
/// token, and never renews one before Convex has refused it. Cheap to clone; all clones are one provider.
///
/// [`SignedInClient`](super::SignedInClient) does all that is needed with it. [`fetcher`](Self::fetcher) is for those who
/// have a [`convex::ConvexClient`] of their own.
#[derive(Clone)]
pub struct TokenProvider {
    inner: Arc<Inner>,
}

struct Inner {
    session: Box<dyn Tokens>,
    clock: Arc<dyn Clock>,
    strict: bool,
    listener: Listener,
    authentication: watch::Sender<Authentication>,
    /// One request at a time; who has waited for another's takes what that one brought.
    asking: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    rate: Rate,
    /// Renewals that have failed since the last one that has not.
    failures: u32,
    /// No renewal ahead of time before.
    next_renewal_at: Option<Instant>,
    /// Why there is no token.
    trouble: Option<hexclave_core::Error>,
}

#[derive(Clone)]
struct Held {
    token: AccessToken,
    lifetime: Lifetime,
    jitter: u8,
}

impl TokenProvider {
    /// The tokens of this session, with the defaults.
    pub fn new<A: Access>(session: Session<A>) -> Self {
        Self::builder(session).build()
    }

    /// Sets up a provider in detail.
    pub fn builder<A: Access>(session: Session<A>) -> TokenProviderBuilder {
        TokenProviderBuilder {
            session: Box::new(session),
            clock: Arc::new(SystemClock),
            strict: false,
            listener: Box::new(|_| {}),
        }
    }

    /// What [`convex::ConvexClient::set_auth_callback`] takes; a new one for each call.
    ///
    /// When the client comes for the first time it gets the token at hand; when it comes because its connection was lost,
    /// a new one, though not more often than is good for Hexclave. In trouble it is tried again for up to 20 seconds,
    /// then the token at hand will do while it lasts. When there is none the client goes on as nobody, or, if the
    /// provider is [strict](TokenProviderBuilder::strict), waits for ever.
    ///
    /// Nothing renews the token of such a client ahead of time.
    #[must_use]
    pub fn fetcher(&self) -> AuthTokenFetcher {
        let provider = self.clone();
        Box::new(move |forced| {
            let provider = provider.clone();
            Box::pin(async move { provider.fetch(forced).await })
        })
    }

    /// Whether there is a token, as far as is known.
    #[must_use]
    pub fn authentication(&self) -> Authentication {
        *self.inner.authentication.borrow()
    }

    /// Tells of each change of [`authentication`](Self::authentication).
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Authentication> {
        self.inner.authentication.subscribe()
    }

    pub(super) fn is_strict(&self) -> bool {
        self.inner.strict
    }

    pub(super) fn tell(&self, event: ClientEvent) {
        (self.inner.listener)(event);
    }

    pub(super) fn connection(&self, state: &WebSocketState) {
        self.tell(match state {
            WebSocketState::Connected => {
                self.state().rate.connected(Instant::now());
                ClientEvent::Connected
            }
            WebSocketState::Connecting => ClientEvent::Connecting,
        });
    }

    async fn fetch(&self, forced: bool) -> anyhow::Result<AuthenticationToken> {
        match self.token(forced).await {
            Ok(token) => Ok(AuthenticationToken::User(token.expose().to_owned())),
            // Whatever is answered, the client would go on as nobody.
            Err(_) if self.inner.strict => pending().await,
            Err(Lack::SignedOut) => Ok(AuthenticationToken::None),
            Err(lack) => Err(lack.into_error().into()),
        }
    }

    /// A token for Convex's client; forced when its connection was lost. Where there is none, all have been told.
    pub(super) async fn token(&self, forced: bool) -> Result<AccessToken, Lack> {
        let deadline = Instant::now() + LONGEST_WAIT;
        let result = match self.inner.session.has_ended() {
            true => Err(Lack::SignedOut),
            false if forced => self.token_after_loss(deadline).await,
            false => match self.at_hand(SHORTEST_REST) {
                Some(token) => Ok(token),
                None => self.ask(Need::Usable, deadline).await,
            },
        };
        let result = match result {
            Err(Lack::Unavailable(error)) => match self.at_hand(SHORTEST_REST_IN_TROUBLE) {
                Some(token) => {
                    self.tell(ClientEvent::RenewalFailed(Lack::Unavailable(error).into_error()));
                    Ok(token)
                }
                None => Err(Lack::Unavailable(error)),
            },
            result => result,
        };
        if let Err(lack) = &result {
            self.lacks(lack);
        }
        result
    }

    async fn token_after_loss(&self, deadline: Instant) -> Result<AccessToken, Lack> {
        let (before, closed_soon) = {
            let rate = &mut self.state().rate;
            (rate.closed_soon(), rate.lost(Instant::now()))
        };
        if before < PROBABLY_REFUSED && closed_soon == PROBABLY_REFUSED {
            self.tell(ClientEvent::ProbablyRefused);
        }
        sleep(Rate::pause(closed_soon)).await;
        let is_being_asked = self.inner.asking.try_lock().is_err();
        if let Some(token) = self.at_hand(SHORTEST_REST)
            && !is_being_asked
            && (self.is_young() || !self.state().rate.may_force(Instant::now()))
        {
            return Ok(token);
        }
        self.ask(Need::New, deadline).await
    }

    /// Waits until the token is to be renewed, and renews it. Does not return in vain; never, once the session has ended.
    pub(super) async fn renew_in_time(&self) {
        loop {
            let wait = self.until_renewal();
            let asked = match self.inner.session.has_ended() {
                true => Err(Lack::SignedOut),
                false if !wait.is_zero() => {
                    sleep(wait.min(LONGEST_NAP)).await;
                    continue;
                }
                false => self.ask(Need::New, Instant::now() + LONGEST_WAIT).await,
            };
            match asked {
                Ok(_) => return,
                Err(lack @ Lack::SignedOut) => {
                    self.lacks(&lack);
                    return pending().await;
                }
                Err(lack) => {
                    self.renewal_failed();
                    if self.at_hand(0).is_some() {
                        self.tell(ClientEvent::RenewalFailed(lack.into_error()));
                    }
                }
            }
        }
    }

    fn until_renewal(&self) -> Duration {
        let now = self.inner.clock.unix_seconds();
        let state = self.state();
        let until = state
            .held
            .as_ref()
            .map_or(0, |held| held.lifetime.until_renewal(now, held.jitter));
        let pause = state
            .next_renewal_at
            .map_or(Duration::ZERO, |at| at.saturating_duration_since(Instant::now()));
        Duration::from_secs(until).max(pause)
    }

    fn renewal_failed(&self) {
        let mut state = self.state();
        let pause = Duration::from_secs(1 << state.failures.min(6)).min(LONGEST_RENEWAL_PAUSE);
        state.failures = state.failures.saturating_add(1);
        state.next_renewal_at = Some(Instant::now() + pause);
    }

    /// Asks the session, again and again in trouble that may pass.
    async fn ask(&self, need: Need, deadline: Instant) -> Result<AccessToken, Lack> {
        let before = self.state().held.clone();
        let Ok(_turn) = timeout_at(deadline, self.inner.asking.lock()).await else {
            return Err(Lack::Unavailable(None));
        };
        let held = self.state().held.clone();
        if let Some(held) = held.filter(|held| !held.is(before.as_ref())) {
            return Ok(held.token);
        }
        let (mut pause, mut trouble) = (FIRST_PAUSE, None);
        loop {
            let asked_at = self.inner.clock.unix_seconds();
            let asked = match need {
                Need::Usable => self.inner.session.usable_token(),
                Need::New => self.inner.session.new_token(),
            };
            let error = match timeout_at(deadline, asked).await {
                Ok(Ok(token)) => {
                    self.hold(&token, (need == Need::New).then_some(asked_at));
                    return Ok(token);
                }
                Ok(Err(error)) => error,
                Err(_) => return Err(Lack::Unavailable(trouble)),
            };
            if error.kind() == CoreErrorKind::SessionEnded {
                return Err(Lack::SignedOut);
            }
            if !error.is_retryable() || Instant::now() + pause >= deadline {
                return Err(Lack::Unavailable(Some(error)));
            }
            tracing::debug!(error = %error, ?pause, "asking again for an access token");
            trouble = Some(error);
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Keeps a token, and tells that there is one.
    fn hold(&self, token: &AccessToken, issued_since: Option<u64>) {
        let lifetime = Lifetime::of(token, self.inner.clock.unix_seconds());
        let mut jitter = [0];
        // Without randomness there is no jitter.
        let _ = aws_lc_rs::rand::fill(&mut jitter);
        let [jitter] = jitter;
        {
            let mut state = self.state();
            state.held = Some(Held {
                token: token.clone(),
                lifetime: issued_since.map_or(lifetime, |since| lifetime.since(since)),
                jitter,
            });
            state.next_renewal_at = Some(Instant::now() + SHORTEST_RENEWAL_PAUSE);
            (state.failures, state.trouble) = (0, None);
        }
        self.inner.authentication.send_if_modified(|known| {
            let is_news = matches!(known, Authentication::Pending | Authentication::Unavailable);
            if is_news {
                *known = Authentication::SignedIn;
            }
            is_news
        });
        self.tell(ClientEvent::TokenRenewed);
    }

    /// The token at hand, if it lasts for longer than this, in seconds.
    fn at_hand(&self, rest: u64) -> Option<AccessToken> {
        let now = self.inner.clock.unix_seconds();
        let state = self.state();
        let held = state.held.as_ref().filter(|held| held.lifetime.rest(now) > rest);
        held.map(|held| held.token.clone())
    }

    fn is_young(&self) -> bool {
        let now = self.inner.clock.unix_seconds();
        let state = self.state();
        let held = state.held.as_ref();
        held.is_some_and(|held| held.lifetime.age(now) < YOUNG)
    }

    /// Notes that there is no token, and tells it once.
    pub(super) fn lacks(&self, lack: &Lack) {
        let now = match lack {
            Lack::SignedOut => Authentication::SignedOut,
            Lack::Unavailable(_) => Authentication::Unavailable,
        };
        if let Lack::Unavailable(error) = lack {
            self.state().trouble.clone_from(error);
            self.renewal_failed();
        }
        let is_news = self.inner.authentication.send_if_modified(|known| {
            let is_news = *known != now && *known != Authentication::SignedOut;
            if is_news {
                *known = now;
            }
            is_news
        });
        if is_news {
            match lack {
                Lack::SignedOut => self.tell(ClientEvent::SignedOut),
                // The end is told instead.
                Lack::Unavailable(_) if self.inner.strict => {}
                Lack::Unavailable(_) => self.tell(ClientEvent::Anonymous(lack.clone().into_error())),
            }
        }
    }

    /// Why there is no token, for errors.
    pub(super) fn lack(&self) -> Lack {
        match self.authentication() {
            Authentication::SignedOut => Lack::SignedOut,
            _ => Lack::Unavailable(self.state().trouble.clone()),
        }
    }

    pub(super) async fn sign_out(&self) -> Result<(), hexclave_core::Error> {
        self.inner.session.sign_out().await?;
        self.lacks(&Lack::SignedOut);
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under the lock can leave it half-done.
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for TokenProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenProvider")
            .field("authentication", &self.authentication())
            .field("strict", &self.inner.strict)
            .finish_non_exhaustive()
    }
}

/// Builds a [`TokenProvider`].
#[must_use]
pub struct TokenProviderBuilder {
    session: Box<dyn Tokens>,
    clock: Arc<dyn Clock>,
    strict: bool,
    listener: Listener,
}

impl TokenProviderBuilder {
    /// Rather end the client than go on as nobody: calls fail instead of being answered, or carried out, for somebody
    /// who is not signed in.
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Tell this function of what happens. It is called in the middle of the work, so it must not take long; a channel is
    /// a good place to put events. It must not keep the client, which would then never go.
    pub fn on_event(mut self, listener: impl Fn(ClientEvent) + Send + Sync + 'static) -> Self {
        self.listener = Box::new(listener);
        self
    }

    /// Where the time of day comes from. (Pauses are counted by tokio's clock.)
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The finished provider.
    #[must_use]
    pub fn build(self) -> TokenProvider {
        TokenProvider {
            inner: Arc::new(Inner {
                session: self.session,
                clock: self.clock,
                strict: self.strict,
                listener: self.listener,
                authentication: watch::Sender::new(Authentication::Pending),
                asking: tokio::sync::Mutex::default(),
                state: Mutex::default(),
            }),
        }
    }
}

impl fmt::Debug for TokenProviderBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenProviderBuilder")
            .field("strict", &self.strict)
            .finish_non_exhaustive()
    }
}

impl Held {
    fn is(&self, other: Option<&Self>) -> bool {
        other.is_some_and(|other| other.token.expose() == self.token.expose())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::client::tokens::TokensFuture;

    /// Hands out tokens that nobody can read.
    struct Unreadable(Arc<AtomicUsize>);

    impl Tokens for Unreadable {
        fn usable_token(&self) -> TokensFuture<'_, AccessToken> {
            self.new_token()
        }

        fn new_token(&self) -> TokensFuture<'_, AccessToken> {
            let number = self.0.fetch_add(1, Ordering::SeqCst);
            Box::pin(std::future::ready(Ok(AccessToken::from(format!(
                "token {number}"
            )))))
        }

        fn sign_out(&self) -> TokensFuture<'_, ()> {
            Box::pin(std::future::ready(Ok(())))
        }

        fn has_ended(&self) -> bool {
            false
        }
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_that_do_not_say_when_they_end_are_not_renewed_all_the_time() {
        let asked = Arc::new(AtomicUsize::new(0));
        let builder = TokenProviderBuilder {
            session: Box::new(Unreadable(Arc::clone(&asked))),
            clock: Arc::new(SystemClock),
            strict: false,
            listener: Box::new(|_| {}),
        };
        let provider = builder.build();
        let begun = Instant::now();
        for _ in 0..7 {
            provider.renew_in_time().await;
        }
        assert_eq!(asked.load(Ordering::SeqCst), 7);
        assert!(begun.elapsed() >= Duration::from_secs(60));
    }
}
