//! The throw-away PostgreSQL: what is in it, and that nothing of it stays behind.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;
use std::future::Future;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::task::{Context, Waker};
use std::thread;
use std::time::{Duration, Instant};

use hexclave_testkit::postgres::{AUTHENTICATOR_PASSWORD, Database, Postgres, PostgresError, Source};
use postgres::{Client, NoTls};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::Config;
use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;

const USER: &str = "11111111-1111-4111-8111-111111111111";
const OTHER: &str = "22222222-2222-4222-8222-222222222222";

// --- what is in a database ---

#[test]
fn the_roles_have_the_attributes_that_they_have_on_supabase() {
    let database = database();
    let mut owner = owner(&database);
    let rows = owner
        .query(
            "select rolname::text, rolcanlogin, rolinherit, rolbypassrls,
                    rolsuper or rolcreaterole or rolcreatedb or rolreplication, rolconfig
             from pg_roles
             where rolname in ('anon', 'authenticated', 'service_role', 'authenticator') order by rolname",
            &[],
        )
        .unwrap();
    let found: Vec<(String, [bool; 4], Vec<String>)> = rows
        .iter()
        .map(|row| {
            let settings: Option<Vec<String>> = row.get(5);
            let attributes = [row.get(1), row.get(2), row.get(3), row.get(4)];
            (row.get(0), attributes, settings.unwrap_or_default())
        })
        .collect();
    let role = |name: &str, attributes, settings: &[&str]| {
        let settings: Vec<_> = settings.iter().map(|setting| setting.to_string()).collect();
        (name.to_owned(), attributes, settings)
    };
    // May log in, inherits, is above Row Level Security, has any other power.
    assert_eq!(
        found,
        [
            role("anon", [false, true, false, false], &["statement_timeout=3s"]),
            role(
                "authenticated",
                [false, true, false, false],
                &["statement_timeout=8s"]
            ),
            role(
                "authenticator",
                [true, false, false, false],
                &["statement_timeout=8s", "lock_timeout=8s"]
            ),
            role("service_role", [false, true, true, false], &[]),
        ]
    );
    let rows = owner
        .query(
            "select pg_get_userbyid(roleid)::text from pg_auth_members
             where pg_get_userbyid(member) = 'authenticator' order by 1",
            &[],
        )
        .unwrap();
    let roles: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(roles, ["anon", "authenticated", "service_role"]);
}

#[test]
fn authenticator_may_become_the_three_roles_and_nobody_else() {
    let database = database();
    let mut client = authenticator(&database);
    let row = client
        .query_one("select session_user::text, current_setting('is_superuser')", &[])
        .unwrap();
    assert_eq!((row.get(0), row.get(1)), ("authenticator", "off"));
    for role in ["anon", "authenticated", "service_role"] {
        client.batch_execute(&format!("set role {role}")).unwrap();
        let row = client.query_one("select current_user::text", &[]).unwrap();
        assert_eq!(row.get::<_, &str>(0), role);
    }
    client.batch_execute("reset role").unwrap();
    let config = database.config();
    let owner = config.get_user().unwrap();
    let error = client
        .batch_execute(&format!(r#"set role "{owner}""#))
        .unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
}

#[test]
fn a_role_has_no_rights_on_a_table_before_they_are_granted() {
    let database = database();
    database.execute("create table notes (body text)").unwrap();
    let mut client = authenticator(&database);
    for role in ["anon", "authenticated", "service_role"] {
        client.batch_execute(&format!("set role {role}")).unwrap();
        for statement in ["select * from notes", "create table public.mine (body text)"] {
            let error = client.batch_execute(statement).unwrap_err();
            assert_eq!(
                error.code(),
                Some(&SqlState::INSUFFICIENT_PRIVILEGE),
                "{role}: {statement}"
            );
        }
    }
    database.execute("grant select on notes to anon").unwrap();
    client
        .batch_execute("set role anon; select * from public.notes")
        .unwrap();
}

#[test]
fn row_level_security_sees_the_user() {
    let database = database();
    database
        .execute(&format!(
            "create table notes (owner uuid not null);
             insert into notes values ('{USER}'), ('{OTHER}'), ('{OTHER}');
             alter table notes enable row level security;
             create policy own on notes for select to authenticated using (owner = (select auth.uid()));
             grant select on notes to anon, authenticated, service_role"
        ))
        .unwrap();
    let mut client = authenticator(&database);
    for (role, sub, expected) in [
        ("authenticated", USER, 1),
        ("authenticated", OTHER, 2),
        ("anon", USER, 0),
        ("service_role", USER, 3),
    ] {
        let mut transaction = client.transaction().unwrap();
        let claims = format!(r#"{{"sub":"{sub}","role":"{role}"}}"#);
        transaction
            .execute(
                "select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)",
                &[&role, &claims],
            )
            .unwrap();
        assert_eq!(
            transaction.query("select * from notes", &[]).unwrap().len(),
            expected,
            "{role} {sub}"
        );
    }
}

#[test]
fn the_functions_read_claims_from_both_families_of_settings() {
    let database = database();
    let mut client = authenticator(&database);
    let claims = format!(r#"{{"sub":"{USER}","role":"authenticated","email":"a@example.com"}}"#);
    for (function, claim, expected, other) in [
        ("auth.uid()", "sub", USER, OTHER),
        ("auth.role()", "role", "authenticated", "anon"),
        ("auth.email()", "email", "a@example.com", "b@example.com"),
    ] {
        let single = format!("request.jwt.claim.{claim}");
        for (settings, answer) in [
            // Never set in this session, or set by somebody else.
            (vec![], None),
            (vec![("request.method", "GET")], None),
            // As PostgREST does, as Storage does, and both.
            (vec![("request.jwt.claims", &*claims)], Some(expected)),
            (vec![(&*single, other)], Some(other)),
            (
                vec![(&*single, other), ("request.jwt.claims", &*claims)],
                Some(other),
            ),
            // Empty, as after a transaction that had set them.
            (vec![(&*single, ""), ("request.jwt.claims", "")], None),
            (
                vec![(&*single, ""), ("request.jwt.claims", &*claims)],
                Some(expected),
            ),
            // There, without this claim or with null.
            (vec![("request.jwt.claims", r#"{"aud":"authenticated"}"#)], None),
            (
                vec![("request.jwt.claims", &*format!(r#"{{"{claim}":null}}"#))],
                None,
            ),
        ] {
            let found = ask(&mut client, &settings, function);
            assert_eq!(found, Ok(answer.map(str::to_owned)), "{function} {settings:?}");
        }
    }
}

#[test]
fn a_sub_that_is_no_uuid_fails() {
    let database = database();
    let mut client = authenticator(&database);
    for settings in [
        [("request.jwt.claims", r#"{"sub":""}"#)],
        [("request.jwt.claims", r#"{"sub":"user_2x"}"#)],
        [("request.jwt.claims", r#"{"sub":7}"#)],
        [("request.jwt.claim.sub", "user_2x")],
    ] {
        assert_eq!(
            ask(&mut client, &settings, "auth.uid()"),
            Err(SqlState::INVALID_TEXT_REPRESENTATION),
            "{settings:?}"
        );
    }
    // The others take what is there.
    let settings = [("request.jwt.claims", r#"{"role":"","email":""}"#)];
    for function in ["auth.role()", "auth.email()"] {
        assert_eq!(ask(&mut client, &settings, function), Ok(Some(String::new())));
    }
}

#[test]
fn the_whole_token_comes_from_its_own_settings() {
    let database = database();
    let mut client = authenticator(&database);
    let whole = r#"{"sub":"x"}"#;
    for (settings, answer) in [
        (vec![], None),
        (vec![("request.jwt.claims", whole)], Some("x")),
        (vec![("request.jwt.claim", whole)], Some("x")),
        (
            vec![("request.jwt.claim", whole), ("request.jwt.claims", "{}")],
            Some("x"),
        ),
        (vec![("request.jwt.claim", ""), ("request.jwt.claims", "")], None),
        // One claim alone is a user and no token.
        (vec![("request.jwt.claim.sub", USER)], None),
    ] {
        let found = ask(&mut client, &settings, "auth.jwt() ->> 'sub'");
        assert_eq!(found, Ok(answer.map(str::to_owned)), "{settings:?}");
    }
    let only_sub = [("request.jwt.claim.sub", USER)];
    assert_eq!(ask(&mut client, &only_sub, "auth.jwt()"), Ok(None));
    assert_eq!(
        ask(&mut client, &only_sub, "auth.uid()"),
        Ok(Some(USER.to_owned()))
    );
}

// --- databases come and go ---

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
    let future = std::pin::pin!(database.connect());
    let std::task::Poll::Ready(outcome) = future.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("waits for nobody");
    };
    assert!(outcome.unwrap_err().to_string().contains("tokio runtime"));
}

// --- servers come and go ---

#[test]
fn tests_in_parallel_share_one_server() {
    let barrier = Barrier::new(8);
    let servers: Vec<Config> = thread::scope(|scope| {
        let call = || {
            barrier.wait();
            let mut config = Postgres::shared().unwrap().database().unwrap().config();
            config.dbname("");
            config
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(call)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(servers.iter().all(|server| *server == servers[0]), "{servers:?}");
    let postgres = shared();
    assert!(postgres.description().starts_with("PostgreSQL "), "{postgres:?}");
}

#[test]
fn a_local_server_listens_on_a_private_socket_only() {
    let postgres = local();
    assert_eq!(postgres.source(), Source::Local);
    let database = postgres.database().unwrap();
    let row = owner(&database)
        .query_one("select current_setting('listen_addresses')", &[])
        .unwrap();
    assert_eq!(row.get::<_, &str>(0), "");
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(socket(&database)).unwrap());
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_server_of_ones_own_ends_with_its_last_user() {
    let postgres = local();
    let clone = postgres.clone();
    let database = postgres.database().unwrap();
    let server = LocalServer::of(&database);
    drop((postgres, clone));
    assert!(server.runs());
    database.execute("select 1").unwrap();
    drop(database);
    assert!(!server.runs());
    assert!(!server.folder.exists());
}

#[test]
fn a_panic_ends_a_server_of_ones_own() {
    let postgres = local();
    let server = LocalServer::of(&postgres.database().unwrap());
    let outcome = thread::spawn(move || {
        let _postgres = postgres;
        panic!("as a failed test does");
    })
    .join();
    assert!(outcome.is_err());
    assert!(!server.runs());
    assert!(!server.folder.exists());
}

#[test]
fn a_server_of_ones_own_may_end_inside_an_async_test() {
    runtime().block_on(async {
        let database = local().database().unwrap();
        let server = LocalServer::of(&database);
        let _client = database.connect().await.unwrap();
        drop(database);
        assert!(!server.runs());
        assert!(!server.folder.exists());
    });
}

#[test]
fn sigkill_leaves_no_server_behind() {
    ends_with_its_process("local", |child| child.kill().unwrap());
}

#[test]
fn the_end_of_the_process_leaves_no_server_behind() {
    ends_with_its_process("local", |child| {
        child.stdin.take().unwrap().write_all(b"exit\n").unwrap();
    });
}

#[test]
fn a_signal_to_the_whole_process_group_leaves_no_server_behind() {
    ends_with_its_process("local", |child| {
        // As Ctrl-C does, but that one would be ignored where the tests themselves run in the background.
        kill_process_group(Pid::from_child(child), Signal::TERM).unwrap();
    });
}

#[test]
fn sigkill_ends_the_shared_server_whatever_it_is() {
    if shared().source() != Source::Url {
        ends_with_its_process("shared", |child| child.kill().unwrap());
    }
}

// --- a server that was there before ---

#[test]
fn a_server_that_was_there_before_is_used_and_left_in_peace() {
    let before = local();
    let witness = before.database().unwrap();
    let url = url(&witness);
    let postgres = Postgres::builder().url(&url).start().unwrap();
    assert_eq!(postgres.source(), Source::Url);
    let folder = socket(&witness).display().to_string();
    assert!(postgres.description().contains(&folder), "{postgres:?}");

    let database = postgres.database().unwrap();
    let name = database.name().to_owned();
    authenticator(&database)
        .batch_execute("set role anon; select auth.uid()")
        .unwrap();
    drop(postgres);
    assert!(exists(&witness, &name));
    drop(database);
    assert!(!exists(&witness, &name));
    witness.execute("select 1").unwrap();
}

#[test]
fn roles_are_made_once_when_many_come_at_the_same_time() {
    let before = local();
    let witness = before.database().unwrap();
    let url = url(&witness);
    // As good as new again. What they were granted belongs to the database of this test.
    witness
        .execute(
            "drop owned by anon, authenticated, service_role cascade;
             drop role authenticator, anon, authenticated, service_role",
        )
        .unwrap();
    let barrier = Barrier::new(6);
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                barrier.wait();
                let postgres = Postgres::builder().url(&url).start().unwrap();
                authenticator(&postgres.database().unwrap())
                    .batch_execute("set role anon")
                    .unwrap();
            });
        }
    });
}

#[test]
fn an_authenticator_that_was_there_before_keeps_its_password() {
    let before = local();
    let witness = before.database().unwrap();
    witness
        .execute("alter role authenticator password 'of somebody else'")
        .unwrap();
    ask_authenticator_for_its_password(&witness);

    let start = |password: Option<&str>| {
        let builder = Postgres::builder().url(url(&witness));
        match password {
            Some(password) => builder.authenticator_password(password),
            None => builder,
        }
        .start()
        .unwrap()
    };
    let postgres = start(None);
    let database = postgres.database().unwrap();
    let error = runtime().block_on(database.connect()).unwrap_err();
    assert_eq!(error.sql_state(), Some(&SqlState::INVALID_PASSWORD));
    let text = format!("{error:?}");
    assert!(text.contains("HEXCLAVE_TEST_AUTHENTICATOR_PASSWORD"), "{text}");
    assert!(!text.contains(AUTHENTICATOR_PASSWORD), "{text}");

    let postgres = start(Some("of somebody else"));
    let database = postgres.database().unwrap();
    runtime().block_on(database.connect()).unwrap();
}

#[test]
fn a_new_authenticator_has_the_password_that_is_documented() {
    let before = local();
    let witness = before.database().unwrap();
    ask_authenticator_for_its_password(&witness);
    let database = before.database().unwrap();
    assert_eq!(
        database.authenticator_config().get_password(),
        Some(AUTHENTICATOR_PASSWORD.as_bytes())
    );
    runtime().block_on(database.connect()).unwrap();
}

#[test]
fn databases_of_a_killed_process_are_dropped_by_the_next() {
    let before = local();
    let witness = before.database().unwrap();
    let url = url(&witness);
    let living = Postgres::builder().url(&url).start().unwrap();
    let kept = living.database().unwrap();

    let mut child = child("url", &[("HEXCLAVE_TEST_CHILD_URL", &url)]);
    let abandoned = said(&mut child, "database ");
    assert!(exists(&witness, &abandoned));
    child.kill().unwrap();
    child.wait().unwrap();
    // The server needs a moment to see that a connection has ended.
    eventually("the abandoned database is dropped", || {
        Postgres::builder().url(&url).start().unwrap();
        !exists(&witness, &abandoned)
    });
    assert!(exists(&witness, kept.name()));
}

#[test]
fn a_url_that_leads_nowhere_is_an_error_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().display().to_string().replace('/', "%2F");
    for url in [
        format!("postgres://me:hunter2@{nowhere}/app"),
        "postgres://me:hunter2@localhost:notaport/app".to_owned(),
        "me:hunter2@localhost".to_owned(),
    ] {
        let builder = Postgres::builder().url(&url);
        assert!(!format!("{builder:?}").contains("hunter2"));
        let error = builder.start().unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains("the URL given to the builder"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn an_image_that_does_not_exist_is_an_error() {
    let error = Postgres::builder()
        .source(Source::Docker)
        .image("hexclave.invalid/postgres:17")
        .start()
        .unwrap_err();
    let text = error.to_string();
    assert!(text.contains("ocker"), "{text}");

    let error = Postgres::builder()
        .source(Source::Docker)
        .image("postgres 17")
        .start()
        .unwrap_err();
    #[cfg(feature = "docker")]
    assert!(
        error.to_string().contains("no Docker image like postgres:17"),
        "{error}"
    );
    #[cfg(not(feature = "docker"))]
    assert!(
        error.to_string().contains("built without its feature `docker`"),
        "{error}"
    );
}

#[test]
fn a_user_who_may_not_create_anything_is_told_what_is_missing() {
    let before = local();
    let witness = before.database().unwrap();
    witness.execute("create role nobody_special login").unwrap();
    let url = url(&witness).replace("postgres@", "nobody_special@");
    let postgres = Postgres::builder().url(url).start().unwrap();
    let error = postgres.database().unwrap_err();
    assert_eq!(error.sql_state(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    let text = error.to_string();
    assert!(text.contains("CREATEDB") && text.contains("CREATEROLE"), "{text}");
}

// --- the child ---

/// Not a test of its own: other tests run it in a process that comes to some end.
#[test]
fn child_of_other_tests() {
    let Ok(kind) = std::env::var("HEXCLAVE_TEST_CHILD") else {
        return;
    };
    let postgres = match kind.as_str() {
        "local" => local(),
        "shared" => shared(),
        "url" => {
            let url = std::env::var("HEXCLAVE_TEST_CHILD_URL").unwrap();
            Postgres::builder().url(url).start().unwrap()
        }
        other => panic!("{other}"),
    };
    let database = postgres.database().unwrap();
    let config = database.config();
    let server = match &config.get_hosts()[0] {
        Host::Tcp(host) => format!("{host}:{}", config.get_ports()[0]),
        Host::Unix(folder) => folder.join(".s.PGSQL.5432").display().to_string(),
    };
    println!("\nserver {server}\ndatabase {}", database.name());
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    if line == "exit\n" {
        std::process::exit(0);
    }
    // Until somebody kills us.
    std::io::stdin().read_to_string(&mut line).unwrap();
}

fn child(kind: &str, variables: &[(&str, &str)]) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_of_other_tests", "--nocapture"])
        .env("HEXCLAVE_TEST_CHILD", kind)
        .envs(variables.iter().copied())
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What the child said behind these words.
fn said(child: &mut Child, words: &str) -> String {
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    lines
        .map(Result::unwrap)
        .find_map(|line| Some(line.strip_prefix(words)?.to_owned()))
        .expect("the child says it")
}

fn ends_with_its_process(kind: &str, end: impl FnOnce(&mut Child)) {
    let mut child = child(kind, &[]);
    let server = said(&mut child, "server ");
    let answers = || match server.starts_with('/') {
        true => UnixStream::connect(&server).is_ok(),
        false => TcpStream::connect(&server).is_ok(),
    };
    assert!(answers(), "{server}");
    let local = server
        .starts_with('/')
        .then(|| LocalServer::at(Path::new(&server).parent().unwrap()));
    end(&mut child);
    child.wait().unwrap();
    eventually("the server ends", || !answers());
    if let Some(local) = local {
        eventually("the process ends", || !local.runs());
        eventually("the folder is removed", || !local.folder.exists());
    }
}

// --- helpers ---

fn shared() -> Postgres {
    Postgres::shared().unwrap()
}

fn local() -> Postgres {
    Postgres::builder().source(Source::Local).start().unwrap()
}

fn database() -> Database {
    shared().database().unwrap()
}

fn owner(database: &Database) -> Client {
    postgres::Config::from(database.config()).connect(NoTls).unwrap()
}

fn authenticator(database: &Database) -> Client {
    postgres::Config::from(database.authenticator_config())
        .connect(NoTls)
        .unwrap()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// The answer to an expression for `anon` in a transaction with these settings.
fn ask(client: &mut Client, settings: &[(&str, &str)], expression: &str) -> Result<Option<String>, SqlState> {
    let mut transaction = client.transaction().unwrap();
    transaction.batch_execute("set local role anon").unwrap();
    for (name, value) in settings {
        transaction
            .execute("select set_config($1, $2, true)", &[name, value])
            .unwrap();
    }
    transaction
        .query_one(&format!("select ({expression})::text"), &[])
        .map(|row| row.get(0))
        .map_err(|error| error.code().expect("an answer of the server").clone())
}

fn exists(witness: &Database, name: &str) -> bool {
    let rows = owner(witness)
        .query("select from pg_database where datname = $1", &[&name])
        .unwrap();
    !rows.is_empty()
}

/// The folder of the socket through which a local server is reached.
fn socket(database: &Database) -> PathBuf {
    match &database.config().get_hosts()[0] {
        Host::Unix(folder) => folder.clone(),
        Host::Tcp(host) => panic!("{host} is not local"),
    }
}

/// The URL of the superuser of a local server.
fn url(database: &Database) -> String {
    let folder = socket(database).display().to_string().replace('/', "%2F");
    format!("postgres://postgres@{folder}/postgres")
}

struct LocalServer {
    folder: PathBuf,
    pid: Pid,
}

impl LocalServer {
    fn of(database: &Database) -> Self {
        Self::at(&socket(database))
    }

    fn at(socket: &Path) -> Self {
        let folder = socket.parent().unwrap().to_owned();
        let file = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
        let pid = file.lines().next().unwrap().parse().unwrap();
        Self {
            folder,
            pid: Pid::from_raw(pid).unwrap(),
        }
    }

    fn runs(&self) -> bool {
        test_kill_process(self.pid).is_ok()
    }
}

/// Makes a local server, which trusts everybody, ask `authenticator` for a password.
fn ask_authenticator_for_its_password(witness: &Database) {
    let mut owner = owner(witness);
    let file: String = owner.query_one("show hba_file", &[]).unwrap().get(0);
    let rules = "local all authenticator scram-sha-256\nlocal all all trust\n";
    owner
        .batch_execute(&format!(
            "copy (select unnest(string_to_array(trim('{rules}'), chr(10)))) to '{file}'"
        ))
        .unwrap();
    owner.execute("select pg_reload_conf()", &[]).unwrap();
    let mut wrong = postgres::Config::from(witness.authenticator_config());
    wrong.password("not this one");
    eventually("the server reads its rules", || wrong.connect(NoTls).is_err());
}

fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "not within 30 seconds: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

const fn shareable<T: Send + Sync>() {}
const _: () = {
    shareable::<Postgres>();
    shareable::<Database>();
    shareable::<PostgresError>();
};
