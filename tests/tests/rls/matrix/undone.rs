//! That nothing of it stays.

use std::pin::pin;

use hexclave_supabase::{
    ErrorKind,
    inspect::matrix::{AccessMatrixBuilder, Command},
};
use hexclave_testkit::postgres::{Database, Postgres, Source};
use tokio_postgres::Client;

use super::{everybody, line, service_role};
use crate::support::{STATE, database};

/// Anybody may do everything, and triggers of every kind write it down.
const OPEN: &str = "
    create table log (what text);
    create table things (id int primary key, body text, parent int references things deferrable initially deferred);
    insert into things values (1, 'a', null), (2, 'b', null);
    create function write_down() returns trigger language plpgsql security definer as
        $$ begin insert into log values (tg_op || tg_when); notify things; return coalesce(new, old); end $$;
    create trigger before_each before insert or update or delete on things for each row execute function write_down();
    create trigger after_all after insert or update or delete on things execute function write_down();
    create constraint trigger at_the_end after insert or update or delete on things
        deferrable initially deferred for each row execute function write_down();
    grant all on things to anon, authenticated, service_role;";

/// What is in the database: the rows with the transactions that wrote them and their places, the log, and the tables.
async fn contents(database: &Database) -> String {
    let owner = database.connect_as_owner().await.expect("a connection");
    let sql = "select concat_ws('; ', (select string_agg(concat(t.xmin, t.ctid, t), ', ' order by id) from things t),
        (select count(*) from log),
        (select string_agg(relname, ', ' order by relname) from pg_class where relnamespace = 'public'::regnamespace))";
    owner.query_one(sql, &[]).await.expect("a row").get(0)
}

async fn text(client: &Client, sql: &str) -> String {
    client.query_one(sql, &[]).await.expect("a row").get(0)
}

fn all_of_it<'a>() -> AccessMatrixBuilder<'a> {
    everybody().identity(service_role()).prepare(
        "insert into things values (3, 'c', 1); create table more (id int); insert into more values (1)",
    )
}

/// Each transaction of the server is looked at, so it has a server of its own.
#[tokio::test]
async fn no_transaction_is_committed() {
    let postgres = Postgres::start().expect("a server");
    if postgres.source() == Source::Url {
        return;
    }
    let database = postgres.database().expect("a database");
    database.execute(OPEN).expect("a schema");
    // Nothing else that needs a transaction id runs meanwhile.
    let mut client = database.connect_as_owner().await.expect("a connection");
    client
        .batch_execute("alter system set autovacuum = off")
        .await
        .expect("quiet");
    text(&client, "select pg_reload_conf()::text").await;
    let before = contents(&database).await;
    let at_rest = text(&client, STATE).await;
    let next_id = "select pg_snapshot_xmax(pg_current_snapshot())::text";
    let first: u64 = text(&client, next_id).await.parse().expect("an id");

    let matrix = all_of_it().run(&mut client).await.expect("a matrix");
    assert_eq!(
        line(&matrix, "public.things", "signed out"),
        "1,2,3 / 1,2,3 / 1,2,3 / 1,2,3"
    );
    assert_eq!(
        line(&matrix, "public.more", "service_role"),
        "no grant / no grant / no grant / no grant"
    );

    let behind: u64 = text(&client, next_id).await.parse().expect("an id");
    assert!(behind > first, "nothing was tried");
    for id in first..behind {
        let status = text(&client, &format!("select pg_xact_status('{id}'::xid8)")).await;
        assert_eq!(status, "aborted", "{id} of {first} to {behind}");
    }
    assert_eq!(contents(&database).await, before);
    assert_eq!(text(&client, STATE).await, at_rest);
}

#[tokio::test]
async fn a_future_that_is_dropped_half_way_leaves_nothing() {
    let database = database(OPEN);
    let before = contents(&database).await;
    let mut client = database.connect_as_owner().await.expect("a connection");
    let at_rest = text(&client, STATE).await;
    for cells in [1, 3, 8] {
        let enough = tokio::sync::Notify::new();
        {
            let builder = all_of_it().on_progress(|progress| {
                if progress.done() == cells {
                    enough.notify_one();
                }
            });
            let running = pin!(builder.run(&mut client));
            tokio::select! {
                biased;
                () = enough.notified() => {}
                done = running => panic!("it came to an end: {done:?}"),
            }
        }
        assert_eq!(text(&client, STATE).await, at_rest);
        let alone = client
            .batch_execute("vacuum no_such_table")
            .await
            .expect_err("no such table");
        assert_eq!(
            alone.code().expect("a code").code(),
            "42P01",
            "a transaction is still open"
        );
        assert_eq!(contents(&database).await, before);
    }
}

#[tokio::test]
async fn a_connection_that_is_lost_leaves_nothing() {
    let database = database(&format!(
        "{OPEN} create function die() returns boolean language sql security definer as
             $$ select pg_terminate_backend(pg_backend_pid()) $$;
         create table zzz (id int primary key); insert into zzz values (1);
         alter table zzz enable row level security; grant all on zzz to anon;
         create policy die on zzz to anon using (die());"
    ));
    let before = contents(&database).await;
    let mut client = database.connect_as_owner().await.expect("a connection");
    let error = all_of_it().run(&mut client).await.expect_err("a lost connection");
    assert_eq!(error.kind(), ErrorKind::Database);
    assert_eq!(contents(&database).await, before);
}

#[tokio::test]
async fn what_is_prepared_cannot_commit() {
    let database = database(OPEN);
    let before = contents(&database).await;
    let mut client = database.connect_as_owner().await.expect("a connection");
    let at_rest = text(&client, STATE).await;
    for (sql, code) in [
        ("insert into things values (4); commit", "0A000"),
        ("insert into things values (4); rollback; begin", "0A000"),
        ("insert into things values (4); savepoint a", "0A000"),
        ("$hexclave$; commit; select $hexclave$", "42601"),
        ("insert into nowhere values (1)", "42P01"),
        // What is put off is checked before anything is tried.
        ("insert into things values (4, 'd', 99)", "23503"),
    ] {
        let error = everybody().prepare(sql).run(&mut client).await.expect_err(sql);
        assert_eq!(
            (error.kind(), error.sql_state()),
            (ErrorKind::Database, Some(code)),
            "{sql}"
        );
        assert_eq!(text(&client, STATE).await, at_rest, "{sql}");
        assert_eq!(contents(&database).await, before, "{sql}");
    }
}

#[tokio::test]
async fn copies_take_no_number_of_a_sequence() {
    let database = database(
        "create table notes (id bigserial primary key, body text); insert into notes (body) values ('a'), ('b');
         create table rows (id int generated always as identity primary key); insert into rows default values;
         grant all on notes, rows, notes_id_seq to anon;",
    );
    let mut client = database.connect_as_owner().await.expect("a connection");
    // In a task of another thread: the future can be sent there.
    let running =
        tokio::spawn(async move { everybody().run(&mut client).await.map(|matrix| (matrix, client)) });
    let (matrix, client) = running.await.expect("no panic").expect("a matrix");
    assert_eq!(
        line(&matrix, "public.notes", "signed out"),
        "1,2 / 1,2 / 1,2 / 1,2"
    );
    assert_eq!(
        line(&matrix, "public.rows", "signed out"),
        "1 / 1 / NothingToWrite / 1"
    );
    let next = "select concat(nextval('notes_id_seq'), ' ', nextval('rows_id_seq'))";
    assert_eq!(text(&client, next).await, "3 2");
}

#[tokio::test]
async fn triggers_can_be_left_alone() {
    let database = database(OPEN);
    let mut client = database.connect_as_owner().await.expect("a connection");
    let matrix = everybody()
        .leave_triggers_alone()
        .run(&mut client)
        .await
        .expect("a matrix");
    assert_eq!(
        line(&matrix, "public.things", "signed out"),
        "1,2 / Triggers / Triggers / Triggers"
    );
    database
        .execute("alter table things disable trigger user")
        .expect("no triggers");
    let matrix = everybody()
        .leave_triggers_alone()
        .run(&mut client)
        .await
        .expect("a matrix");
    assert_eq!(
        line(&matrix, "public.things", "signed out"),
        "1,2 / 1,2 / 1,2 / 1,2"
    );
    assert!(Command::ALL.iter().skip(1).all(|command| command.writes()));
}
