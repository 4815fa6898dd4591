//! What the tests have in common.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use hexclave_testkit::postgres::{Database, Postgres, Source};
use postgres::{Client, NoTls};
use rustix::process::{Pid, test_kill_process};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;

pub(crate) fn shared() -> Postgres {
    Postgres::shared().unwrap()
}

pub(crate) fn local() -> Postgres {
    Postgres::builder().source(Source::Local).start().unwrap()
}

pub(crate) fn database() -> Database {
    shared().database().unwrap()
}

pub(crate) fn owner(database: &Database) -> Client {
    postgres::Config::from(database.config()).connect(NoTls).unwrap()
}

pub(crate) fn authenticator(database: &Database) -> Client {
    postgres::Config::from(database.authenticator_config())
        .connect(NoTls)
        .unwrap()
}

pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// The answer to an expression for `anon` in a transaction with these settings.
pub(crate) fn ask(
    client: &mut Client,
    settings: &[(&str, &str)],
    expression: &str,
) -> Result<Option<String>, SqlState> {
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

pub(crate) fn exists(witness: &Database, name: &str) -> bool {
    let rows = owner(witness)
        .query("select from pg_database where datname = $1", &[&name])
        .unwrap();
    !rows.is_empty()
}

/// The folder of the socket through which a local server is reached.
pub(crate) fn socket(database: &Database) -> PathBuf {
    match &database.config().get_hosts()[0] {
        Host::Unix(folder) => folder.clone(),
        Host::Tcp(host) => panic!("{host} is not local"),
    }
}

/// The URL of the superuser of a local server.
pub(crate) fn url(database: &Database) -> String {
    let folder = socket(database).display().to_string().replace('/', "%2F");
    format!("postgres://postgres@{folder}/postgres")
}

pub(crate) struct LocalServer {
    pub(crate) folder: PathBuf,
    pid: Pid,
}

impl LocalServer {
    pub(crate) fn of(database: &Database) -> Self {
        Self::at(&socket(database))
    }

    pub(crate) fn at(socket: &Path) -> Self {
        let folder = socket.parent().unwrap().to_owned();
        let file = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
        let pid = file.lines().next().unwrap().parse().unwrap();
        Self {
            folder,
            pid: Pid::from_raw(pid).unwrap(),
        }
    }

    pub(crate) fn runs(&self) -> bool {
        test_kill_process(self.pid).is_ok()
    }
}

pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
