//! Servers come and go.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::Barrier;
use std::thread;

use hexclave_testkit::postgres::{Postgres, Source};
use tokio_postgres::Config;

use crate::support::{LocalServer, local, owner, runtime, shared, socket};

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
    let mode = fs::metadata(socket(&database)).unwrap().mode();
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
fn an_image_that_does_not_exist_is_an_error() {
    let error = Postgres::builder()
        .source(Source::Docker)
        .image("hexclave.invalid/postgres:17")
        .start()
        .unwrap_err();
    let text = error.to_string();
    assert!(text.to_lowercase().contains("docker"), "{text}");

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
