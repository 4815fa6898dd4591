//! A user who is signed in at a local Hexclave, a deployment, and time that passes only when it is told to.

use std::{
    sync::{Arc, Mutex, mpsc},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hexclave_convex::{
    ClientEvent, SignedInClient, TokenProvider, TokenProviderBuilder,
    convex::{FunctionResult, Value},
};
use hexclave_core::{
    Clock,
    api::{Client, Public},
    session::Session,
};
use hexclave_testkit::hexclave::{Fault, LocalHexclave};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::yield_now,
    time::Instant,
};

use crate::{
    log::Log,
    scripted::http_client,
    sync_server::{Seen, SyncServer},
};

const NOW: u64 = 1_795_300_079;
const STEP: Duration = Duration::from_millis(100);

pub(crate) struct Stage {
    pub(crate) hexclave: LocalHexclave,
    pub(crate) session: Session<Public>,
    pub(crate) server: SyncServer,
    pub(crate) log: Log,
    pub(crate) user: String,
    clock: Arc<Simulated>,
    echo: tokio::sync::Mutex<Echo>,
    events: Arc<Mutex<Vec<String>>>,
    _logging: tracing::subscriber::DefaultGuard,
    /// While something blocks, tokio's paused time does not move by itself.
    _standstill: mpsc::Sender<()>,
}

/// The time of day by tokio's paused time.
#[derive(Debug)]
struct Simulated {
    start: Instant,
}

impl Clock for Simulated {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(NOW) + self.start.elapsed()
    }
}

impl Stage {
    pub(crate) async fn set() -> Self {
        let (standstill, end) = mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || end.recv());
        let log = Log::default();
        let logging = tracing::subscriber::set_default(log.clone());
        let clock = Arc::new(Simulated {
            start: Instant::now(),
        });
        let hexclave = LocalHexclave::builder()
            .clock(Arc::clone(&clock) as Arc<_>)
            .start()
            .await
            .expect("a Hexclave");
        let client = Client::builder(hexclave.config().clone())
            .http_client(http_client())
            .clock(Arc::clone(&clock) as Arc<_>)
            .public()
            .expect("a client");
        let signed_in = client.sign_up_anonymously().await.expect("a guest");
        hexclave.forget_requests();
        Self {
            session: Session::new(&client, signed_in.tokens),
            user: signed_in.user_id.to_string(),
            server: SyncServer::start(Arc::clone(&clock) as Arc<_>).await,
            hexclave,
            echo: tokio::sync::Mutex::new(Echo::start().await),
            log,
            clock,
            events: Arc::default(),
            _logging: logging,
            _standstill: standstill,
        }
    }

    pub(crate) fn provider(&self) -> TokenProviderBuilder {
        let events = Arc::clone(&self.events);
        TokenProvider::builder(self.session.clone())
            .clock(Arc::clone(&self.clock) as Arc<_>)
            .on_event(move |event: ClientEvent| {
                events.lock().expect("a lock").push(format!("{event:?}"));
            })
    }

    /// A client whose connection is there, and whose user is known.
    pub(crate) async fn connected(&self, provider: &TokenProvider) -> SignedInClient {
        let client = SignedInClient::connect(&self.server.url, provider)
            .await
            .expect("a client");
        self.until("somebody is known", || {
            self.has_seen(|seen| matches!(seen, Seen::Token(_)))
        })
        .await;
        client
    }

    /// Lets seconds pass.
    pub(crate) async fn pass(&self, seconds: u64) {
        for _ in 0..seconds {
            tokio::time::advance(Duration::from_secs(1)).await;
            self.settle().await;
        }
    }

    async fn settle(&self) {
        self.echo.lock().await.settle().await;
    }

    /// Lets time pass until it is so.
    pub(crate) async fn until(&self, what: &str, so: impl Fn() -> bool) {
        for _ in 0..5000 {
            self.settle().await;
            if so() {
                return;
            }
            tokio::time::advance(STEP).await;
        }
        panic!(
            "in vain: {what}; seen {:?}, events {:?}",
            self.server.seen(),
            self.events()
        );
    }

    /// Lets time pass until it is done.
    pub(crate) async fn done<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        for _ in 0..5000 {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = self.settle() => {}
            }
            tokio::time::advance(STEP).await;
        }
        panic!(
            "not done; seen {:?}, events {:?}",
            self.server.seen(),
            self.events()
        );
    }

    /// How many access tokens Hexclave was asked for.
    pub(crate) fn renewals(&self) -> usize {
        let is_renewal =
            |path: &str| path.ends_with("/auth/oauth/token") || path.ends_with("/sessions/current/refresh");
        let requests = self.hexclave.requests();
        requests
            .iter()
            .filter(|request| is_renewal(&request.path))
            .count()
    }

    /// Renewals are ten seconds apart at least. By how much time has passed here, since on a busy machine more of it does
    /// while a connection is made.
    pub(crate) fn assert_renewals_are_rare(&self) {
        let (renewals, seconds) = (self.renewals(), self.seconds());
        assert!(renewals <= 2 + seconds / 10, "{renewals} in {seconds} s");
    }

    /// How much time has passed here, in seconds.
    pub(crate) fn seconds(&self) -> usize {
        usize::try_from(self.clock.start.elapsed().as_secs()).expect("a short time")
    }

    pub(crate) fn events(&self) -> Vec<String> {
        self.events.lock().expect("a lock").clone()
    }

    pub(crate) fn has_event(&self, name: &str) -> bool {
        self.events().iter().any(|event| event.starts_with(name))
    }

    pub(crate) fn has_seen(&self, wanted: impl Fn(&Seen) -> bool) -> bool {
        self.server.seen().iter().any(wanted)
    }

    /// Nothing was asked or done as nobody.
    pub(crate) fn assert_never_anonymous(&self) {
        let nobody = [Seen::Query(None), Seen::Mutation(None), Seen::SignedOut];
        assert!(
            !self.has_seen(|seen| nobody.contains(seen)),
            "{:?}",
            self.server.seen()
        );
    }

    /// No token is in the log, in an event, or in the client's `Debug`.
    pub(crate) fn assert_hides_tokens(&self, client: &SignedInClient) {
        let shown = format!("{}{:?}{client:?}", self.log.text(), self.events());
        assert!(shown.contains("hexclave"), "something was logged");
        for seen in self.server.seen() {
            if let Seen::Token(token) = seen {
                for part in token.split('.') {
                    assert!(!shown.contains(part), "{shown}");
                }
            }
        }
    }

    /// Every endpoint of Hexclave fails like this from now on.
    pub(crate) fn hexclave_fails(&self, fault: Fault) {
        self.hexclave.inject(fault);
    }
}

/// Who a query or a mutation says that its caller is.
pub(crate) fn caller(result: FunctionResult) -> Option<String> {
    match result {
        FunctionResult::Value(Value::String(user)) => Some(user),
        FunctionResult::Value(Value::Null) => None,
        other => panic!("{other:?}"),
    }
}

/// A connection of the test with itself.
struct Echo {
    here: TcpStream,
    there: TcpStream,
}

impl Echo {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (here, there) = tokio::join!(TcpStream::connect(address), listener.accept());
        let here = here.expect("a connection");
        here.set_nodelay(true).expect("a connection");
        Self {
            here,
            there: there.expect("a connection").0,
        }
    }

    /// Lets all tasks go on, and what is on its way over loopback arrive: it arrives before what is sent after it.
    async fn settle(&mut self) {
        for _ in 0..6 {
            self.here.write_u8(0).await.expect("a connection");
            self.there.read_u8().await.expect("a byte");
            for _ in 0..5 {
                yield_now().await;
            }
        }
    }
}
