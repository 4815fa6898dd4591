//! Databases with an application's schema: what is run, in which order, once.

use std::error::Error as _;
use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use hexclave_testkit::postgres::{Database, Migrations, Postgres, PostgresError};
use tempfile::{TempDir, tempdir};
use tokio_postgres::error::SqlState;

use crate::support::{authenticator, database, exists, local, owner, runtime, shared, url};

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempdir().unwrap();
    for (name, sql) in files {
        fs::write(folder.path().join(name), sql).unwrap();
    }
    folder
}

fn ids(database: &Database) -> Vec<i32> {
    let rows = owner(database)
        .query("select id from steps order by at", &[])
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn refusal(migrations: &Migrations) -> PostgresError {
    shared().database_with(migrations).unwrap_err()
}

/// The names of the templates on a server, and what is said of each.
fn templates(witness: &Database) -> Vec<(String, Option<String>)> {
    let rows = owner(witness)
        .query(
            "select datname::text, shobj_description(oid, 'pg_database') from pg_database
             where datname like 'hexclave\\_template\\_%' order by 1",
            &[],
        )
        .unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[test]
fn a_folder_is_run_in_the_order_of_its_names() {
    let folder = folder(&[
        ("20260102_second.sql", "insert into steps (id) values (2)"),
        ("20260110_third.sql", "\u{feff}insert into steps (id) values (3)"),
        (
            "20260101_first.sql",
            "create table steps (id int, at serial); insert into steps values (1);",
        ),
        ("20260102_second.down.sql", "selct"),
        (".20260102_second.sql", "selct"),
        ("20260103_notes.md", "selct"),
        ("20260104.SQL.orig", "selct"),
    ]);
    fs::create_dir(folder.path().join("20260105_folder.sql")).unwrap();
    fs::write(folder.path().join("seed"), "insert into steps (id) values (4)").unwrap();
    let migrations = Migrations::new()
        .folder(folder.path())
        .unwrap()
        .file(folder.path().join("seed"))
        .unwrap()
        .sql("insert into steps (id) values (5)");
    let database = shared().database_with(&migrations).unwrap();
    assert_eq!(ids(&database), [1, 2, 3, 4, 5]);
    // What every database has is there as well.
    authenticator(&database)
        .batch_execute("set role anon; select auth.uid()")
        .unwrap();
    let shown = format!("{migrations:?}");
    assert!(
        shown.contains("20260101_first.sql") && !shown.contains("create table"),
        "{shown}"
    );
}

#[test]
fn a_folder_without_migrations_is_refused() {
    let folder = folder(&[("readme.md", ""), ("one.down.sql", ""), (".sql", "")]);
    let error = Migrations::new().folder(folder.path()).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains(folder.path().to_str().unwrap()) && text.contains(".sql"),
        "{text}"
    );
    assert!(error.source().is_none());
}

#[test]
fn what_cannot_be_read_is_named_with_its_whole_path() {
    let error = Migrations::new().folder("no/such/folder").unwrap_err();
    let text = error.to_string();
    let whole = std::env::current_dir().unwrap().join("no/such/folder");
    assert!(text.contains(whole.to_str().unwrap()), "{text}");
    assert!(error.source().is_some());
    let error = Migrations::new().file("no_such_file.sql").unwrap_err();
    assert!(error.to_string().contains("no_such_file.sql"), "{error}");

    let folder = folder(&[]);
    fs::write(folder.path().join("1.sql"), b"select '\xff'").unwrap();
    let error = Migrations::new().folder(folder.path()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("1.sql") && text.contains("UTF-8"), "{text}");
}

#[test]
fn an_error_shows_file_line_place_and_the_servers_words() {
    let folder = folder(&[
        ("1.sql", "create table notes (id int);"),
        (
            "2.sql",
            "-- größer\ncreate index on notes (id);\n\talter table notes add größe nosuchtype;\nselect 1;",
        ),
    ]);
    let error = refusal(&Migrations::new().folder(folder.path()).unwrap());
    assert_eq!(error.sql_state(), Some(&SqlState::UNDEFINED_OBJECT));
    let text = error.to_string();
    let path = folder.path().join("2.sql").display().to_string();
    assert!(
        text.starts_with(&format!("the migration {path} failed at line 3, column 30\n")),
        "{text}"
    );
    let mark = text.lines().last().unwrap();
    assert_eq!(
        text.lines().nth(1).unwrap(),
        "  3 | \talter table notes add größe nosuchtype;"
    );
    assert_eq!(
        mark.chars().position(|char| char == '^'),
        Some("    | \t".len() + 28)
    );
    let unwrapped = format!("{error:?}");
    assert!(
        unwrapped.contains(r#"type "nosuchtype" does not exist"#),
        "{unwrapped}"
    );

    // At the end, at no place, and in a text.
    let error = refusal(&Migrations::new().sql("select 1").sql("select (1;\n"));
    assert!(
        error
            .to_string()
            .contains("SQL text (number 2 of the migrations) failed at line 1, column 10"),
        "{error}"
    );
    let error =
        refusal(&Migrations::new().sql("create table t (id int check (id > 0));\ninsert into t values (0)"));
    assert_eq!(error.sql_state(), Some(&SqlState::CHECK_VIOLATION));
    assert_eq!(
        error.to_string(),
        "the migration SQL text (number 1 of the migrations) failed"
    );
}

#[test]
fn a_failed_migration_leaves_no_database() {
    let server = local();
    let witness = server.database().unwrap();
    let migrations = Migrations::new().sql("create table t (); selct 1");
    for _ in 0..2 {
        server.database_with(&migrations).unwrap_err();
    }
    assert_eq!(templates(&witness), []);
    let left: i64 = owner(&witness)
        .query_one(
            "select count(*) from pg_database where datname like 'hexclave%'",
            &[],
        )
        .unwrap()
        .get(0);
    assert_eq!(left, 1);
}

#[test]
fn a_file_is_one_transaction_unless_it_says_otherwise() {
    // Alone in its file, what cannot run in a transaction works.
    let database = shared()
        .database_with(
            &Migrations::new()
                .sql("create table steps (id int, at serial)")
                .sql("create index concurrently on steps (id);")
                .sql("begin; insert into steps values (1); commit; insert into steps values (2);")
                .sql("begin; insert into steps values (3); rollback;"),
        )
        .unwrap();
    assert_eq!(ids(&database), [1, 2]);
    let error = refusal(
        &Migrations::new().sql("create table steps (id int); create index concurrently on steps (id)"),
    );
    assert_eq!(error.sql_state(), Some(&SqlState::ACTIVE_SQL_TRANSACTION));
}

#[test]
fn a_role_that_another_database_has_made_is_explained() {
    let server = local();
    let with_role =
        |table: &str| Migrations::new().sql(format!("create role manager; create table {table} ()"));
    server.database_with(&with_role("a")).unwrap();
    // The same migrations again are a copy.
    server.database_with(&with_role("a")).unwrap();
    let error = server.database_with(&with_role("b")).unwrap_err();
    assert!(
        error.to_string().contains("roles belong to the server"),
        "{error}"
    );
    // Other things that are there twice are no roles.
    let error = server
        .database_with(
            &Migrations::new().sql("create table a (); create policy p on a; create policy p on a"),
        )
        .unwrap_err();
    assert_eq!(error.sql_state(), Some(&SqlState::DUPLICATE_OBJECT));
    assert!(!error.to_string().contains("roles"), "{error}");
}

#[test]
fn migrations_run_once_for_all_databases() {
    let server = local();
    let witness = server.database().unwrap();
    let migrations =
        Migrations::new().sql("create table made as select now() as at; create sequence numbers");
    let barrier = Barrier::new(6);
    let made: Vec<String> = thread::scope(|scope| {
        let call = || {
            barrier.wait();
            let database = server.database_with(&migrations).unwrap();
            // What one does with a copy is nothing to the others.
            let row = owner(&database)
                .query_one("select at::text, nextval('numbers') from made", &[])
                .unwrap();
            assert_eq!(row.get::<_, i64>(1), 1);
            row.get(0)
        };
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(call)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(made.iter().all(|at| *at == made[0]), "{made:?}");
    assert_eq!(templates(&witness).len(), 1);
    // The text counts, not where it comes from.
    let folder = folder(&[(
        "1.sql",
        "create table made as select now() as at; create sequence numbers",
    )]);
    server
        .database_with(&Migrations::new().folder(folder.path()).unwrap())
        .unwrap();
    assert_eq!(templates(&witness).len(), 1);
    server.database_with(&migrations.clone().sql("")).unwrap();
    assert_eq!(templates(&witness).len(), 2);
}

#[test]
fn a_copy_is_dropped_and_works_inside_an_async_test() {
    let witness = database();
    let name = runtime().block_on(async {
        let migrations = Migrations::new().sql("create table notes (); grant select on notes to anon");
        let database = Postgres::shared().unwrap().database_with(&migrations).unwrap();
        let client = database.connect().await.unwrap();
        client
            .batch_execute("set role anon; select from notes")
            .await
            .unwrap();
        database.name().to_owned()
    });
    assert!(!exists(&witness, &name));
}

#[test]
fn on_a_server_that_was_there_before_processes_share_templates_until_nobody_uses_them() {
    let before = local();
    let witness = before.database().unwrap();
    let url = url(&witness);
    let start = || Postgres::builder().url(&url).start().unwrap();
    let (one, other) = (
        Migrations::new().sql("select 1"),
        Migrations::new().sql("select 2"),
    );

    let first = start();
    first.database_with(&one).unwrap();
    first.database_with(&other).unwrap();
    drop(first);
    let kept = templates(&witness);
    assert_eq!(kept.len(), 2);
    let (old, young) = (&kept[0].0, &kept[1].0);
    let age = |name: &str, seconds: i64| {
        let sql = format!(
            "do $$ begin execute format('comment on database {name} is %L',
                (extract(epoch from now())::bigint - {seconds})::text); end $$"
        );
        witness.execute(&sql).unwrap();
    };
    let names = || -> Vec<String> { templates(&witness).into_iter().map(|(name, _)| name).collect() };
    age(old, 3700);
    age(young, 3500);
    let second = start();
    assert_eq!(names(), [young.as_str()]);
    // To use it is to keep it; and what was dropped is made again.
    age(young, 3700);
    second.database_with(&one).unwrap();
    second.database_with(&other).unwrap();
    let third = start();
    assert_eq!(names().len(), 2);
    third.database_with(&one).unwrap();
    // Somebody drops it under our hands.
    for name in names() {
        witness.execute(&format!("drop database {name}")).unwrap();
    }
    third.database_with(&one).unwrap();
    // A comment that is no time is not ours to understand.
    let name = names().remove(0);
    witness
        .execute(&format!("comment on database {name} is 'mine'"))
        .unwrap();
    start();
    assert_eq!(names(), [name]);
}

#[test]
fn everybody_who_may_make_databases_has_templates_of_their_own() {
    let before = local();
    let witness = before.database().unwrap();
    let migrations = Migrations::new().sql("create table notes (); grant select on notes to anon");
    for name in ["maker", "other"] {
        witness
            .execute(&format!(
                "create role {name} login createdb; grant pg_signal_backend to {name}"
            ))
            .unwrap();
        let url = url(&witness).replace("postgres@", &format!("{name}@"));
        let postgres = Postgres::builder().url(url).start().unwrap();
        for _ in 0..2 {
            let database = postgres.database_with(&migrations).unwrap();
            authenticator(&database)
                .batch_execute("set role anon; select from notes")
                .unwrap();
            let name = database.name().to_owned();
            drop(database);
            assert!(!exists(&witness, &name));
        }
    }
    assert_eq!(templates(&witness).len(), 2);
}

#[test]
fn relative_paths_are_those_of_the_package() {
    assert!(Path::new("Cargo.toml").exists());
    assert!(Migrations::new().file("src/postgres/auth.sql").is_ok());
}
