//! A deployment as Convex's client for Rust sees it: it speaks the sync protocol over a WebSocket, knows users by the
//! `sub` of their tokens, and drops tokens at their end, as Convex does. Signatures are not its business.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use futures_util::{SinkExt, StreamExt};
use hexclave_convex::DeploymentUrl;
use hexclave_core::Clock;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::interval,
};
use tokio_tungstenite::{WebSocketStream, accept_async, tungstenite::Message};

/// Convex's client takes a server for dead that says nothing for 30 seconds.
const PING_INTERVAL: Duration = Duration::from_secs(10);

/// What a deployment has seen. `None` is nobody.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    Opened,
    Closed,
    /// An access token, which was accepted.
    Token(String),
    Refused,
    SignedOut,
    Query(Option<String>),
    Mutation(Option<String>),
}

pub(crate) struct SyncServer {
    pub(crate) url: DeploymentUrl,
    shared: Arc<Shared>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    seen: Mutex<Vec<Seen>>,
    timestamp: AtomicU64,
    refuses_tokens: AtomicBool,
    keeps_mutations: AtomicBool,
    drops: watch::Sender<()>,
}

impl SyncServer {
    pub(crate) async fn start(clock: Arc<dyn Clock>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            clock,
            seen: Mutex::default(),
            timestamp: AtomicU64::new(1),
            refuses_tokens: AtomicBool::new(false),
            keeps_mutations: AtomicBool::new(false),
            drops: watch::Sender::new(()),
        });
        let serving = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Connection::serve(Arc::clone(&serving), stream));
            }
        });
        let url = format!("http://{address}").parse().expect("a deployment");
        Self { url, shared }
    }

    /// Cuts all connections. New ones are welcome.
    pub(crate) fn drop_connections(&self) {
        self.shared.drops.send_replace(());
    }

    /// Whether to refuse every token from now on.
    pub(crate) fn refuse_tokens(&self, refuse: bool) {
        self.shared.refuses_tokens.store(refuse, Ordering::SeqCst);
    }

    /// Whether to leave mutations unanswered from now on; they are not carried out.
    pub(crate) fn keep_mutations(&self, keep: bool) {
        self.shared.keeps_mutations.store(keep, Ordering::SeqCst);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().expect("a lock").clone()
    }

    pub(crate) fn forget(&self) {
        self.shared.seen.lock().expect("a lock").clear();
    }
}

impl Shared {
    fn note(&self, seen: Seen) {
        self.seen.lock().expect("a lock").push(seen);
    }
}

/// The connection is over.
struct Over;

struct Connection {
    shared: Arc<Shared>,
    socket: WebSocketStream<TcpStream>,
    queries: BTreeSet<u64>,
    query_set: u64,
    identity: u64,
    timestamp: u64,
    user: Option<(String, u64)>,
}

impl Connection {
    async fn serve(shared: Arc<Shared>, stream: TcpStream) {
        // Otherwise a ping waits for the acknowledgement of the last one, which takes longer than simulated minutes.
        stream.set_nodelay(true).expect("a connection");
        let Ok(socket) = accept_async(stream).await else {
            return;
        };
        shared.note(Seen::Opened);
        let mut connection = Self {
            socket,
            queries: BTreeSet::new(),
            query_set: 0,
            identity: 0,
            timestamp: 0,
            user: None,
            shared: Arc::clone(&shared),
        };
        let _ = connection.run().await;
        shared.note(Seen::Closed);
    }

    async fn run(&mut self) -> Result<(), Over> {
        let mut drops = self.shared.drops.subscribe();
        let mut pings = interval(PING_INTERVAL);
        loop {
            tokio::select! {
                _ = drops.changed() => return Err(Over),
                _ = pings.tick() => self.say(json!({ "type": "Ping" })).await?,
                message = self.socket.next() => match message {
                    Some(Ok(Message::Text(text))) => {
                        self.heard(serde_json::from_str(&text).expect("JSON")).await?;
                    }
                    Some(Ok(_)) => {}
                    _ => return Err(Over),
                },
            }
        }
    }

    async fn heard(&mut self, message: Value) -> Result<(), Over> {
        let now = self.shared.clock.unix_seconds();
        let kind = message["type"].as_str().expect("a type");
        if kind != "Authenticate" && self.user.as_ref().is_some_and(|(_, end)| now >= *end) {
            let error = "Convex token identity expired";
            return self.refuse(error, false).await;
        }
        match kind {
            "Connect" => Ok(()),
            "Authenticate" => self.authenticate(&message, now).await,
            "ModifyQuerySet" => {
                assert_eq!(message["baseVersion"], self.query_set, "{message}");
                let mut added = Vec::new();
                for modification in message["modifications"].as_array().expect("a list") {
                    let id = modification["queryId"].as_u64().expect("an id");
                    match modification["type"].as_str() {
                        Some("Add") => {
                            self.queries.insert(id);
                            added.push(id);
                        }
                        _ => {
                            self.queries.remove(&id);
                        }
                    }
                }
                let query_set = message["newVersion"].as_u64().expect("a version");
                self.transition(query_set, self.identity, added).await
            }
            "Mutation" if self.shared.keeps_mutations.load(Ordering::SeqCst) => Ok(()),
            "Mutation" => {
                self.shared.note(Seen::Mutation(self.user_id()));
                let timestamp = self.shared.timestamp.fetch_add(1, Ordering::SeqCst);
                self.say(json!({
                    "type": "MutationResponse", "requestId": message["requestId"], "success": true,
                    "result": self.user_id(), "ts": encoded(timestamp), "logLines": [],
                }))
                .await?;
                self.transition(self.query_set, self.identity, Vec::new()).await
            }
            other => panic!("{other} is not understood"),
        }
    }

    async fn authenticate(&mut self, message: &Value, now: u64) -> Result<(), Over> {
        assert_eq!(message["baseVersion"], self.identity, "{message}");
        match message["tokenType"].as_str() {
            Some("User") => {
                let token = message["value"].as_str().expect("a token");
                let payload = token.split('.').nth(1).expect("a payload");
                let payload = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
                let claims: Value = serde_json::from_slice(&payload).expect("JSON");
                let end = claims["exp"].as_u64().expect("a time");
                if now >= end || self.shared.refuses_tokens.load(Ordering::SeqCst) {
                    self.shared.note(Seen::Refused);
                    return self.refuse("Could not validate token", true).await;
                }
                self.shared.note(Seen::Token(token.to_owned()));
                self.user = Some((claims["sub"].as_str().expect("a user").to_owned(), end));
            }
            Some("None") => {
                self.shared.note(Seen::SignedOut);
                self.user = None;
            }
            other => panic!("{other:?} is not understood"),
        }
        let all = self.queries.iter().copied().collect();
        self.transition(self.query_set, self.identity + 1, all).await
    }

    async fn refuse(&mut self, error: &str, attempted: bool) -> Result<(), Over> {
        self.say(json!({
            "type": "AuthError", "error": error, "baseVersion": self.identity, "authUpdateAttempted": attempted,
        }))
        .await?;
        let _ = self.socket.close(None).await;
        Err(Over)
    }

    /// Each query answers who asks it.
    async fn transition(&mut self, query_set: u64, identity: u64, queries: Vec<u64>) -> Result<(), Over> {
        let before = self.version();
        (self.query_set, self.identity) = (query_set, identity);
        self.timestamp = self.shared.timestamp.fetch_add(1, Ordering::SeqCst);
        let user = self.user_id();
        let modifications: Vec<_> = queries
            .into_iter()
            .map(|id| {
                self.shared.note(Seen::Query(user.clone()));
                json!({ "type": "QueryUpdated", "queryId": id, "value": user, "logLines": [], "journal": null })
            })
            .collect();
        self.say(json!({
            "type": "Transition", "startVersion": before, "endVersion": self.version(),
            "modifications": modifications, "clientClockSkew": null, "serverTs": null,
        }))
        .await
    }

    fn version(&self) -> Value {
        json!({ "querySet": self.query_set, "identity": self.identity, "ts": encoded(self.timestamp) })
    }

    fn user_id(&self) -> Option<String> {
        self.user.as_ref().map(|(id, _)| id.clone())
    }

    async fn say(&mut self, message: Value) -> Result<(), Over> {
        let text = message.to_string().into();
        self.socket.send(Message::Text(text)).await.map_err(|_| Over)
    }
}

/// Numbers that JavaScript cannot hold.
fn encoded(number: u64) -> String {
    STANDARD.encode(number.to_le_bytes())
}
