//! How many times the client waits for the database: what goes over the wire, seen from in between.

use std::{sync::Arc, time::Duration};

use hexclave_core::UserKind;
use hexclave_supabase::rls::{self, Request};
use hexclave_testkit::postgres::Database;
use hexclave_tests::user;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    sync::mpsc,
};
use tokio_postgres::{Config, NoTls, config::Host};

use crate::support::{NOTES, claims, database};

/// Stands between a client and the database, and can lose a message on the way. Answers are held back until a number of requests, agreed before, has
/// come: a client that waits in between waits for ever.
struct Wire {
    config: Config,
    port: u16,
    /// How many requests have to come before their answers go back.
    together: mpsc::UnboundedSender<usize>,
    /// The messages that have come, as they were sent.
    requests: mpsc::UnboundedReceiver<Vec<u8>>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

async fn server(config: &Config) -> Box<dyn Stream> {
    let port = config.get_ports().first().copied().unwrap_or(5432);
    match config.get_hosts().first().expect("a host") {
        Host::Tcp(host) => Box::new(TcpStream::connect((host.as_str(), port)).await.expect("a server")),
        Host::Unix(folder) => {
            let socket = folder.join(format!(".s.PGSQL.{port}"));
            Box::new(UnixStream::connect(socket).await.expect("a server"))
        }
    }
}

/// One message after its type; the first one of a connection has no type.
async fn message(from: &mut (impl AsyncRead + Unpin), typed: bool) -> Option<Vec<u8>> {
    let mut message = vec![0; if typed { 5 } else { 4 }];
    from.read_exact(&mut message).await.ok()?;
    let length: [u8; 4] = message[message.len() - 4..].try_into().expect("four bytes");
    let start = message.len();
    message.resize(
        start + usize::try_from(u32::from_be_bytes(length)).expect("small") - 4,
        0,
    );
    from.read_exact(&mut message[start..]).await.ok()?;
    Some(message)
}

impl Wire {
    async fn to(database: &Database) -> Self {
        Self::losing(database, None).await
    }

    /// The message of this number, from 0 on, is no SQL by the time it arrives: what a cancellation does that strikes
    /// before the first statement of it.
    async fn losing(database: &Database, lost: Option<usize>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let behind = database.authenticator_config();
        let (together, mut agreed) = mpsc::unbounded_channel::<usize>();
        let (seen, requests) = mpsc::unbounded_channel();
        let target = behind.clone();
        tokio::spawn(async move {
            let (client, _) = listener.accept().await.expect("a client");
            client.set_nodelay(true).expect("an option");
            let (mut client_in, mut client_out) = client.into_split();
            let (mut server_in, mut server_out) = tokio::io::split(server(&target).await);
            let startup = message(&mut client_in, false).await.expect("a startup");
            server_out.write_all(&startup).await.expect("a server");
            // Log-in: whatever it takes, until the server is ready.
            loop {
                tokio::select! {
                    Some(message) = message(&mut server_in, true) => {
                        client_out.write_all(&message).await.expect("a client");
                        if message[0] == b'Z' { break; }
                    }
                    Some(message) = message(&mut client_in, true) => {
                        server_out.write_all(&message).await.expect("a server");
                    }
                }
            }
            let mut number = 0;
            while let Some(count) = agreed.recv().await {
                let mut sent = 0;
                while sent < count {
                    let Some(request) = message(&mut client_in, true).await else {
                        return;
                    };
                    match lost {
                        Some(lost) if lost == number => server_out.write_all(b"Q\0\0\0\x06?\0").await,
                        _ => server_out.write_all(&request).await,
                    }
                    .expect("a server");
                    number += 1;
                    if matches!(request[0], b'Q' | b'S') {
                        sent += 1;
                    }
                    seen.send(request).expect("a test");
                }
                let mut answered = 0;
                while answered < count {
                    let Some(answer) = message(&mut server_in, true).await else {
                        return;
                    };
                    client_out.write_all(&answer).await.expect("a client");
                    answered += usize::from(answer[0] == b'Z');
                }
            }
        });
        let mut config = Config::new();
        config
            .host("127.0.0.1")
            .port(port)
            .user(behind.get_user().expect("a user"))
            .password(behind.get_password().expect("a password"))
            .dbname(behind.get_dbname().expect("a database"));
        Self {
            config,
            port,
            together,
            requests,
        }
    }

    fn expect_together(&self, requests: usize) {
        self.together.send(requests).expect("a wire");
    }

    fn seen(&mut self) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| self.requests.try_recv().ok()).collect()
    }
}

/// Fails instead of waiting for ever. No test depends on how long it is.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .expect("the client does not wait in between")
}

fn types(messages: &[Vec<u8>]) -> String {
    messages.iter().map(|message| char::from(message[0])).collect()
}

fn full(claims: &hexclave_supabase::SupabaseClaims) -> Request<'_> {
    Request::by(claims)
        .read_only()
        .isolation(rls::Isolation::RepeatableRead)
        .single_claims()
        .search_path(["public"])
        .method("GET")
        .path("/notes")
        .headers([("accept", "application/json")])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_begins_in_one_message_whatever_it_sets() {
    let database = database(NOTES);
    let claims = claims(&user(UserKind::Normal).await);
    let mut wire = Wire::to(&database).await;
    let (mut client, connection) = wire.config.connect(NoTls).await.expect("a connection");
    let connection = tokio::spawn(connection);
    for request in [Request::by(&claims), full(&claims)] {
        wire.expect_together(1);
        let transaction = soon(rls::tokio_postgres::begin_as(&mut client, request))
            .await
            .expect("a transaction");
        let messages = wire.seen();
        assert_eq!(types(&messages), "Q");
        let text = String::from_utf8_lossy(&messages[0]);
        let id = claims.user_id().expect("a user").to_string();
        assert!(
            !text.contains(&id),
            "the claims are not for everybody to read: {text}"
        );
        wire.expect_together(1);
        soon(transaction.commit()).await.expect("a commit");
        assert_eq!(types(&wire.seen()), "Q");
    }
    drop(client);
    drop(wire);
    connection.await.expect("the connection ends").ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_statement_is_one_round_trip() {
    let database = database(NOTES);
    let claims = claims(&user(UserKind::Normal).await);
    let mut wire = Wire::to(&database).await;
    let (mut client, connection) = wire.config.connect(NoTls).await.expect("a connection");
    let connection = tokio::spawn(connection);
    wire.expect_together(4);
    let added = rls::tokio_postgres::execute_as(
        &mut client,
        &claims,
        "insert into notes (body) values ($1)",
        &[(&"a", tokio_postgres::types::Type::TEXT)],
    );
    assert_eq!(soon(added).await.expect("a row"), 1);
    assert_eq!(types(&wire.seen()), "QQPBDESQ");
    wire.expect_together(4);
    let rows = rls::tokio_postgres::query_as(&mut client, full(&claims), "select body from notes", &[]);
    assert_eq!(soon(rows).await.expect("rows").len(), 1);
    assert_eq!(types(&wire.seen()), "QQPBDESQ");
    drop(client);
    drop(wire);
    connection.await.expect("the connection ends").ok();
}

/// The log-in is a superuser's, so whatever is not run as the user would succeed.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_whose_transaction_did_not_begin_is_not_run() {
    let database = database(NOTES);
    let claims = claims(&user(UserKind::Normal).await);
    let config = database.config();
    for lost in [0, 1] {
        let mut wire = Wire::losing(&database, Some(lost)).await;
        wire.config.user(config.get_user().expect("a user"));
        if let Some(password) = config.get_password() {
            wire.config.password(password);
        }
        let (mut client, connection) = wire.config.connect(NoTls).await.expect("a connection");
        let connection = tokio::spawn(connection);
        wire.expect_together(4);
        let forged =
            "insert into notes (owner, body) values ('11111111-1111-4111-8111-111111111111', 'forged')";
        let added = rls::tokio_postgres::execute_as(&mut client, &claims, forged, &[]);
        let error = soon(added).await.expect_err("lost");
        assert_eq!((error.code(), error.sql_state()), ("database", Some("42601")));
        if lost == 0 {
            soon(connection)
                .await
                .expect("no panic")
                .expect_err("the server has ended it");
        }
    }
    let owner = database.connect_as_owner().await.expect("a connection");
    let row = owner
        .query_one("select count(*) from notes", &[])
        .await
        .expect("a row");
    assert_eq!(row.get::<_, i64>(0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_clients_begin_in_one_message_too() {
    let database = Arc::new(database(NOTES));
    let claims = claims(&user(UserKind::Normal).await);

    let mut wire = Wire::to(&database).await;
    let config = wire.config.clone();
    let theirs = claims.clone();
    // Each statement of the client is one request, so the answers come one by one.
    for _ in 0..2 {
        wire.expect_together(1);
    }
    let blocking = tokio::task::spawn_blocking(move || {
        let mut client = postgres::Config::from(config)
            .connect(NoTls)
            .expect("a connection");
        let transaction = rls::postgres::begin_as(&mut client, full(&theirs)).expect("a transaction");
        transaction.commit().expect("a commit");
    });
    soon(blocking).await.expect("no panic");
    assert_eq!(types(&wire.seen()), "QQ");

    let mut wire = Wire::to(&database).await;
    let options = sqlx::postgres::PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(wire.port)
        .username(wire.config.get_user().expect("a user"))
        .password(&String::from_utf8_lossy(
            wire.config.get_password().expect("a password"),
        ))
        .database(wire.config.get_dbname().expect("a database"))
        .ssl_mode(sqlx::postgres::PgSslMode::Disable);
    let pool = sqlx::postgres::PgPoolOptions::new()
        .max_connections(1)
        .test_before_acquire(false)
        .connect_lazy_with(options);
    for _ in 0..2 {
        wire.expect_together(1);
    }
    let transaction = soon(rls::sqlx::begin_as(&pool, full(&claims)))
        .await
        .expect("a transaction");
    assert_eq!(types(&wire.seen()), "Q");
    let commit = tokio::spawn(transaction.commit());
    soon(async {
        while wire
            .requests
            .recv()
            .await
            .is_none_or(|request| request[0] != b'Q')
        {}
    })
    .await;
    commit.abort();
}
