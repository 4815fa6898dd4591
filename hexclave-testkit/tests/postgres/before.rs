//! A server that was there before.

use std::sync::Barrier;
use std::thread;

use hexclave_testkit::postgres::{AUTHENTICATOR_PASSWORD, Database, Postgres, Source};
use postgres::NoTls;
use tokio_postgres::error::SqlState;

use crate::support::{authenticator, eventually, exists, local, owner, runtime, socket, url};

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
