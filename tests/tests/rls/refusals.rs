//! Transactions that do not begin, and what is left of the connection then.

use std::error::Error as _;

use hexclave_core::UserKind;
use hexclave_supabase::{
    Error, ErrorKind, SupabaseClaims,
    rls::{self, Request},
};
use hexclave_testkit::postgres::Database;
use hexclave_tests::user;
use tokio_postgres::{Client, Config, NoTls};

use crate::{
    pools::sqlx_pool,
    support::{AT_REST, NOTES, OwnRole, STATE, claims, database},
};

async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

/// The error of each client for the same request on connections that this user opens.
async fn refused(database: &Database, config: &Config, request: &Request<'_>) -> Vec<Error> {
    let mut client = connect(config).await;
    let mut errors = vec![
        rls::tokio_postgres::begin_as(&mut client, request.clone())
            .await
            .expect_err("refused"),
    ];
    usable(&client).await;
    errors.push(
        rls::tokio_postgres::query_as(&mut client, request.clone(), "select 1", &[])
            .await
            .expect_err("refused"),
    );
    usable(&client).await;
    errors.push(
        rls::tokio_postgres::execute_as(&mut client, request.clone(), "select 1", &[])
            .await
            .expect_err("refused"),
    );
    usable(&client).await;
    if config.get_user() == database.authenticator_config().get_user() {
        let pool = sqlx_pool(database, 1);
        errors.push(
            rls::sqlx::begin_as(&pool, request.clone())
                .await
                .expect_err("refused"),
        );
        sqlx::query("select 1")
            .execute(&pool)
            .await
            .expect("a usable connection");
        pool.close().await;
    }
    let config = config.clone();
    let request = request.clone();
    std::thread::scope(|scope| {
        let blocking = scope.spawn(|| {
            let mut client = postgres::Config::from(config)
                .connect(NoTls)
                .expect("a connection");
            let error = rls::postgres::begin_as(&mut client, request).expect_err("refused");
            client
                .batch_execute("create temporary table t ()")
                .expect("a usable connection");
            error
        });
        errors.push(blocking.join().expect("an error"));
    });
    errors
}

/// No transaction and no role is left: a statement of its own takes effect at once.
async fn usable(client: &Client) {
    let sql = "select current_user = session_user and now() = statement_timestamp()";
    let messages = client.simple_query(sql).await.expect("a usable connection");
    let value = messages.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    assert_eq!(value.as_deref(), Some("t"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_that_may_not_switch_is_refused_and_stays_usable() {
    let database = database("");
    let role = OwnRole::new(&database, "guest", "login password 'guest'");
    let mut config = database.config();
    config.user(&role.name).password("guest");
    database
        .execute(&format!(
            "grant temporary on database {} to {}",
            database.name(),
            role.name
        ))
        .expect("a grant");
    let claims = SupabaseClaims::signed_out();
    for error in refused(&database, &config, &Request::by(&claims)).await {
        assert_eq!(error.kind(), ErrorKind::Database);
        assert_eq!(error.sql_state(), Some("42501"));
        assert!(error.source().is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_outside_the_list_is_refused_before_the_database_hears_of_it() {
    let database = database("");
    let claims = claims(&user(UserKind::Normal).await);
    for request in [
        Request::by(&claims).roles(["anon"]),
        Request::by(&claims).roles([""; 0]),
        Request::by(&claims).roles(["Authenticated", "authenticated "]),
    ] {
        for error in refused(&database, &database.authenticator_config(), &request).await {
            assert_eq!(error.kind(), ErrorKind::RoleNotAllowed);
            assert_eq!(error.sql_state(), None);
        }
    }
    let mut client = database.connect().await.expect("a connection");
    let request = Request::by(&claims).roles(["authenticated"]);
    let transaction = rls::tokio_postgres::begin_as(&mut client, request).await;
    transaction
        .expect("a transaction")
        .commit()
        .await
        .expect("a commit");
}

/// Needs roles `anon` that are above Row Level Security, so it has a server of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_above_row_level_security_is_refused() {
    let postgres = hexclave_testkit::postgres::Postgres::start().expect("a server");
    if postgres.source() == hexclave_testkit::postgres::Source::Url {
        return;
    }
    let database = postgres.database().expect("a database");
    let claims = SupabaseClaims::signed_out();
    for (make, undo) in [
        ("alter role anon bypassrls", "alter role anon nobypassrls"),
        ("alter role anon superuser", "alter role anon nosuperuser"),
    ] {
        database.execute(make).expect("a role");
        for error in refused(&database, &database.authenticator_config(), &Request::by(&claims)).await {
            assert_eq!(error.kind(), ErrorKind::BypassesRls, "{make}");
        }
        database.execute(undo).expect("a role");
    }
    let mut client = database.connect().await.expect("a connection");
    let transaction = rls::tokio_postgres::begin_as(&mut client, &claims).await;
    transaction
        .expect("a transaction")
        .commit()
        .await
        .expect("a commit");
}

/// A superuser's connection will do: switching the role drops what the log-in may.
#[tokio::test]
async fn a_log_in_above_row_level_security_is_dropped_by_the_switch() {
    let database = database(NOTES);
    database
        .execute("insert into notes (owner, body) values ('11111111-1111-4111-8111-111111111111', 'a')")
        .expect("a row");
    let mut client = database.connect_as_owner().await.expect("a connection");
    let rows = rls::tokio_postgres::query_as(
        &mut client,
        &SupabaseClaims::signed_out(),
        "select body from notes",
        &[],
    )
    .await;
    assert_eq!(rows.expect("rows").len(), 0);
    assert_eq!(
        client
            .query("select body from notes", &[])
            .await
            .expect("rows")
            .len(),
        1
    );
}

#[tokio::test]
async fn a_transaction_inside_another_is_refused_and_the_other_one_does_nothing_more() {
    let database = database(NOTES);
    let ada = claims(&user(UserKind::Normal).await);
    let grace = claims(&user(UserKind::Normal).await);
    let add = "insert into notes (body) values ('a')";

    // Begun by hand.
    for inner in ["begin_as", "query_as"] {
        let mut client = database.connect().await.expect("a connection");
        client.batch_execute("begin").await.expect("a transaction");
        let error = match inner {
            "begin_as" => rls::tokio_postgres::begin_as(&mut client, &ada).await.err(),
            _ => rls::tokio_postgres::query_as(&mut client, &ada, add, &[])
                .await
                .err(),
        };
        assert_eq!(
            error.expect("refused").kind(),
            ErrorKind::InTransaction,
            "{inner}"
        );
        let error = client
            .query("select 1", &[])
            .await
            .expect_err("an unusable transaction");
        assert_eq!(error.code().expect("a code").code(), "25P02", "{inner}");
        // In a transaction that has failed before, it is the same.
        let error = rls::tokio_postgres::begin_as(&mut client, &ada).await.err();
        assert_eq!(
            error.expect("refused").kind(),
            ErrorKind::InTransaction,
            "{inner}"
        );
        client.batch_execute("commit").await.expect("an end");
        let row = client.query_one(STATE, &[]).await.expect("a row");
        assert_eq!(row.get::<_, String>(0), AT_REST);
    }

    // In one of ours, which only text can reach.
    let mut client = database.connect().await.expect("a connection");
    let transaction = rls::tokio_postgres::begin_as(&mut client, &ada)
        .await
        .expect("a transaction");
    transaction.batch_execute(add).await.expect("a row");
    std::mem::forget(transaction);
    let error = rls::tokio_postgres::begin_as(&mut client, &grace).await.err();
    assert_eq!(error.expect("refused").kind(), ErrorKind::InTransaction);
    client.batch_execute("commit").await.expect("an end");

    let config = database.authenticator_config();
    let blocking = std::thread::spawn(move || {
        let mut client = postgres::Config::from(config)
            .connect(NoTls)
            .expect("a connection");
        client.batch_execute("begin").expect("a transaction");
        let error = rls::postgres::begin_as(&mut client, &ada).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::InTransaction);
        client
            .query("select 1", &[])
            .expect_err("an unusable transaction");
    });
    tokio::task::spawn_blocking(move || blocking.join().expect("no panic"))
        .await
        .expect("no panic");

    let pool = sqlx_pool(&database, 1);
    sqlx::query("begin").execute(&pool).await.expect("a transaction");
    let error = rls::sqlx::begin_as(&pool, &grace).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::InTransaction);
    pool.close().await;

    let owner = database.connect_as_owner().await.expect("a connection");
    let row = owner
        .query_one("select count(*) from notes", &[])
        .await
        .expect("a row");
    assert_eq!(row.get::<_, i64>(0), 0);
}

#[tokio::test]
async fn what_stands_behind_a_refused_beginning_is_not_run() {
    let database =
        database("create table log (who text default current_user); grant insert on log to public");
    let mut client = database.connect_as_owner().await.expect("a connection");
    database.execute("drop schema auth cascade").expect("any change");
    let claims = SupabaseClaims::signed_out();
    // The log-in may write; the request fails half-way through its settings.
    let request = Request::by(&claims).method("a\0b");
    let error = rls::tokio_postgres::execute_as(&mut client, request, "insert into log default values", &[])
        .await
        .expect_err("no such text");
    assert_eq!(error.kind(), ErrorKind::Database);
    let row = client
        .query_one("select count(*) from log", &[])
        .await
        .expect("a row");
    assert_eq!(row.get::<_, i64>(0), 0);
    usable(&client).await;
    let error =
        rls::tokio_postgres::execute_as(&mut client, &claims, "insert into nowhere default values", &[])
            .await
            .expect_err("no such table");
    assert_eq!(
        (error.kind(), error.sql_state()),
        (ErrorKind::Statement, Some("42P01"))
    );
    usable(&client).await;
}

#[tokio::test]
async fn a_lost_connection_is_not_the_users_fault() {
    let database = database("");
    let claims = SupabaseClaims::signed_out();
    let (mut client, connection) = database
        .authenticator_config()
        .connect(NoTls)
        .await
        .expect("a connection");
    drop(connection);
    let error = rls::tokio_postgres::begin_as(&mut client, &claims)
        .await
        .expect_err("nobody there");
    assert_eq!((error.kind(), error.sql_state()), (ErrorKind::Database, None));
    assert!(!error.is_refusal());
    let error = rls::tokio_postgres::query_as(&mut client, &claims, "select 1", &[])
        .await
        .expect_err("nobody there");
    assert_eq!(error.kind(), ErrorKind::Database);

    let pool = sqlx_pool(&database, 1);
    pool.close().await;
    let error = rls::sqlx::begin_as(&pool, &claims)
        .await
        .expect_err("nothing to give");
    assert_eq!(error.kind(), ErrorKind::Database);
}
