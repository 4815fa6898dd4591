//! Databases come and go.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;

use hexclave_testkit::postgres::Postgres;
use tokio_postgres::error::SqlState;

use crate::support::{authenticator, database, exists, runtime, shared};

#[test]
fn two_databases_know_nothing_of_each_other() {
    let (one, two) = (database(), database());
    assert_ne!(one.name(), two.name());
    one.execute("create table notes (body text)").unwrap();
    let error = two.execute("select * from notes").unwrap_err();
    assert_eq!(error.sql_state(), Some(&SqlState::UNDEFINED_TABLE));
    two.execute("create table notes (other int)").unwrap();
}

#[test]
fn the_error_of_a_statement_says_where_and_why() {
    let database = database();
    let error = database.execute("select 1; selct 2").unwrap_err();
    assert_eq!(error.sql_state(), Some(&SqlState::SYNTAX_ERROR));
    assert!(error.to_string().contains(database.name()), "{error}");
    let unwrapped = format!("{error:?}");
    assert!(
        unwrapped.contains(r#"syntax error at or near "selct""#),
        "{unwrapped}"
    );
}

#[test]
fn a_dropped_database_is_gone() {
    let postgres = shared();
    let witness = database();
    let database = postgres.database().unwrap();
    let name = database.name().to_owned();
    assert!(name.starts_with("hexclave_test_"), "{name}");
    // Somebody who is still connected is no hindrance.
    let mut client = authenticator(&database);
    assert!(exists(&witness, &name));
    drop(database);
    assert!(!exists(&witness, &name));
    assert!(client.batch_execute("select 1").is_err());
}

#[test]
fn a_panic_drops_the_database() {
    let witness = database();
    let database = database();
    let name = database.name().to_owned();
    let outcome = thread::Builder::new()
        .name("expected to panic".to_owned())
        .spawn(move || {
            let _database = database;
            panic!("as a failed test does");
        })
        .unwrap()
        .join();
    assert!(outcome.is_err());
    assert!(!exists(&witness, &name));
}

#[test]
fn all_of_it_works_inside_an_async_test() {
    let witness = database();
    let name = runtime().block_on(async {
        let postgres = Postgres::shared().unwrap();
        let database = postgres.database().unwrap();
        database
            .execute("create table notes (body text); grant insert on notes to anon")
            .unwrap();

        let mut client = database.connect().await.unwrap();
        let transaction = client.transaction().await.unwrap();
        transaction
            .batch_execute("set local role anon; insert into notes values ('hi')")
            .await
            .unwrap();
        transaction.commit().await.unwrap();

        let owner = database.connect_as_owner().await.unwrap();
        let row = owner.query_one("select body from notes", &[]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), "hi");
        database.name().to_owned()
        // Here both connections are still open, and this thread drives them.
    });
    assert!(!exists(&witness, &name));
}

#[test]
fn an_async_connection_outside_a_runtime_is_an_error() {
    let database = database();
    let future = pin!(database.connect());
    let Poll::Ready(outcome) = future.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("waits for nobody");
    };
    assert!(outcome.unwrap_err().to_string().contains("tokio runtime"));
}
