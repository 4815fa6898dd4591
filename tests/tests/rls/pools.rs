//! However a transaction is left, the next one on the connection finds nobody there.

use std::{future::Future, panic::AssertUnwindSafe, task::Poll, time::Duration};

use hexclave_core::UserKind;
use hexclave_supabase::{SupabaseClaims, rls};
use hexclave_testkit::postgres::Database;
use hexclave_tests::user;
use sqlx::{
    PgPool, Row as _,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio_postgres::{NoTls, config::Host};

use crate::support::{AT_REST, NOTES, STATE, claims, database};

const WRITE: &str = "insert into notes (body) values ('mine')";

pub(crate) fn sqlx_pool(database: &Database, connections: u32) -> PgPool {
    let config = database.authenticator_config();
    let mut options = PgConnectOptions::new_without_pgpass()
        .username(config.get_user().expect("a user"))
        .database(config.get_dbname().expect("a database"))
        .password(&String::from_utf8_lossy(
            config.get_password().expect("a password"),
        ));
    if let Some(port) = config.get_ports().first() {
        options = options.port(*port);
    }
    options = match config.get_hosts().first().expect("a host") {
        Host::Tcp(host) => options.host(host),
        Host::Unix(folder) => options.socket(folder),
    };
    PgPoolOptions::new()
        .max_connections(connections)
        .test_before_acquire(false)
        .connect_lazy_with(options)
}

pub(crate) fn deadpool(database: &Database) -> deadpool_postgres::Pool {
    let manager = deadpool_postgres::Manager::from_config(
        database.authenticator_config(),
        NoTls,
        deadpool_postgres::ManagerConfig {
            recycling_method: deadpool_postgres::RecyclingMethod::Fast,
        },
    );
    deadpool_postgres::Pool::builder(manager)
        .max_size(1)
        .build()
        .expect("a pool")
}

/// Polls a future a number of times, letting everything else run in between, and drops it.
async fn poll_and_drop(future: impl Future, times: usize) {
    let mut future = Box::pin(future);
    for _ in 0..times {
        let done = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await;
        if done {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// How the tests leave a transaction.
#[derive(Clone, Copy, Debug)]
enum Left {
    /// Nobody waits for it to begin.
    WhileItBegins(usize),
    Dropped,
    Panicked,
    /// Nobody waits for the answer to a statement.
    InAStatement(usize),
    /// The server stops a statement.
    TimedOut,
    Cancelled,
}

const WAYS: [Left; 10] = [
    Left::WhileItBegins(1),
    Left::WhileItBegins(2),
    Left::WhileItBegins(3),
    Left::Dropped,
    Left::Panicked,
    Left::InAStatement(1),
    Left::InAStatement(2),
    Left::InAStatement(3),
    Left::TimedOut,
    Left::Cancelled,
];

const LONG: &str = "select pg_sleep(60)";
const SHORT: &str = "select pg_sleep(0.002)";

fn limited(claims: &SupabaseClaims) -> rls::Request<'_> {
    rls::Request::by(claims).statement_timeout(Duration::from_millis(1))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_of_deadpool_goes_back_with_nobody_on_it() {
    let database = database(NOTES);
    let pool = deadpool(&database);
    let claims = claims(&user(UserKind::Normal).await);
    for left in WAYS {
        let mut client = pool.get().await.expect("a connection");
        match left {
            Left::WhileItBegins(polls) => {
                poll_and_drop(rls::deadpool_postgres::begin_as(&mut client, &claims), polls).await;
            }
            Left::TimedOut => {
                let transaction = rls::deadpool_postgres::begin_as(&mut client, limited(&claims)).await;
                let error = transaction.expect("a transaction").query(LONG, &[]).await;
                assert_eq!(
                    error.expect_err("too long").code().expect("a code").code(),
                    "57014"
                );
            }
            left => {
                let transaction = rls::deadpool_postgres::begin_as(&mut client, &claims)
                    .await
                    .expect("a transaction");
                transaction.execute(WRITE, &[]).await.expect("a row");
                match left {
                    Left::Panicked => {
                        let thrown = std::panic::catch_unwind(AssertUnwindSafe(move || {
                            let _transaction = transaction;
                            std::panic::resume_unwind(Box::new("on purpose"));
                        }));
                        assert!(thrown.is_err());
                    }
                    Left::InAStatement(polls) => poll_and_drop(transaction.query(SHORT, &[]), polls).await,
                    Left::Cancelled => {
                        let (answer, _) = tokio::join!(transaction.query(LONG, &[]), stop(&database));
                        answer.expect_err("cancelled");
                    }
                    _ => drop(transaction),
                }
            }
        }
        drop(client);
        let client = pool.get().await.expect("a connection");
        let row = client.query_one(STATE, &[]).await.expect("a row");
        assert_eq!(row.get::<_, String>(0), AT_REST, "{left:?}");
    }
    for polls in 1..6 {
        let mut client = pool.get().await.expect("a connection");
        poll_and_drop(
            rls::deadpool_postgres::query_as(&mut client, &claims, SHORT, &[]),
            polls,
        )
        .await;
        drop(client);
        let client = pool.get().await.expect("a connection");
        let row = client.query_one(STATE, &[]).await.expect("a row");
        assert_eq!(row.get::<_, String>(0), AT_REST, "after {polls} polls");
    }
    assert_eq!(pool.status().size, 1);
    nothing_was_written(&database).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_of_sqlx_goes_back_with_nobody_on_it() {
    let database = database(NOTES);
    let pool = sqlx_pool(&database, 1);
    let claims = claims(&user(UserKind::Normal).await);
    for left in WAYS {
        match left {
            Left::WhileItBegins(polls) => poll_and_drop(rls::sqlx::begin_as(&pool, &claims), polls).await,
            Left::TimedOut => {
                let transaction = rls::sqlx::begin_as(&pool, limited(&claims)).await;
                let mut transaction = transaction.expect("a transaction");
                let error = sqlx::query(LONG)
                    .execute(&mut *transaction)
                    .await
                    .expect_err("too long");
                assert_eq!(
                    error
                        .as_database_error()
                        .and_then(|error| error.code())
                        .as_deref(),
                    Some("57014")
                );
            }
            left => {
                let mut transaction = rls::sqlx::begin_as(&pool, &claims).await.expect("a transaction");
                sqlx::query(WRITE)
                    .execute(&mut *transaction)
                    .await
                    .expect("a row");
                match left {
                    Left::Panicked => {
                        let task = tokio::spawn(async move {
                            let _transaction = transaction;
                            std::panic::resume_unwind(Box::new("on purpose"));
                        });
                        assert!(task.await.expect_err("a panic").is_panic());
                    }
                    Left::InAStatement(polls) => {
                        poll_and_drop(sqlx::query(SHORT).execute(&mut *transaction), polls).await;
                    }
                    Left::Cancelled => {
                        let (answer, _) =
                            tokio::join!(sqlx::query(LONG).execute(&mut *transaction), stop(&database));
                        answer.expect_err("cancelled");
                    }
                    _ => drop(transaction),
                }
            }
        }
        let row = sqlx::query(STATE).fetch_one(&pool).await.expect("a row");
        assert_eq!(row.get::<String, _>(0), AT_REST, "{left:?}");
    }
    assert_eq!(pool.size(), 1);
    pool.close().await;
    nothing_was_written(&database).await;
}

/// Cancels the long statement from another connection, as soon as it runs.
async fn stop(database: &Database) {
    let owner = database.connect_as_owner().await.expect("a connection");
    let cancel = "select count(*) filter (where pg_cancel_backend(pid)) from pg_stat_activity
        where datname = current_database() and state = 'active' and query like 'select pg_sleep(60)%'";
    while owner
        .query_one(cancel, &[])
        .await
        .expect("a row")
        .get::<_, i64>(0)
        == 0
    {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_connection_of_r2d2_goes_back_with_nobody_on_it() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let claims = claims(&runtime.block_on(user(UserKind::Normal)));
    let database = database(NOTES);
    let manager = r2d2_postgres::PostgresConnectionManager::new(
        postgres::Config::from(database.authenticator_config()),
        NoTls,
    );
    let pool = r2d2_postgres::r2d2::Pool::builder()
        .max_size(1)
        .build(manager)
        .expect("a pool");
    for left in [Left::Dropped, Left::Panicked, Left::TimedOut, Left::Cancelled] {
        let mut client = pool.get().expect("a connection");
        let request = match left {
            Left::TimedOut => limited(&claims),
            _ => rls::Request::by(&claims),
        };
        let mut transaction = rls::postgres::begin_as(&mut client, request).expect("a transaction");
        transaction.execute(WRITE, &[]).expect("a row");
        match left {
            Left::Panicked => {
                let thrown = std::panic::catch_unwind(AssertUnwindSafe(move || {
                    let _transaction = transaction;
                    std::panic::resume_unwind(Box::new("on purpose"));
                }));
                assert!(thrown.is_err());
            }
            Left::TimedOut => {
                let error = transaction.query(LONG, &[]).expect_err("too long");
                assert_eq!(error.code().expect("a code").code(), "57014");
                drop(transaction);
            }
            Left::Cancelled => std::thread::scope(|scope| {
                scope.spawn(|| runtime.block_on(stop(&database)));
                transaction.query(LONG, &[]).expect_err("cancelled");
                drop(transaction);
            }),
            _ => drop(transaction),
        }
        drop(client);
        let mut client = pool.get().expect("a connection");
        let row = client.query_one(STATE, &[]).expect("a row");
        assert_eq!(row.get::<_, String>(0), AT_REST, "{left:?}");
    }
    runtime.block_on(nothing_was_written(&database));
}

async fn nothing_was_written(database: &Database) {
    let owner = database.connect_as_owner().await.expect("a connection");
    let row = owner
        .query_one("select count(*) from notes", &[])
        .await
        .expect("a row");
    assert_eq!(row.get::<_, i64>(0), 0);
}
