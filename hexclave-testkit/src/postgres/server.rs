//! One running server: what is done to it once, and the databases on it.

use std::collections::HashSet;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use postgres::{Client, NoTls};
use tokio_postgres::Config;
use uuid::Uuid;

use super::Source;
#[cfg(unix)]
use super::cluster::Cluster;
#[cfg(feature = "docker")]
use super::container;
use super::error::{Kind, PostgresError};
use super::find::Found;
use super::template;
use super::thread::{Kept, apart};

const ROLES: &str = include_str!("roles.sql");

/// The first version with `DROP DATABASE … WITH (FORCE)`, as the server counts versions.
const OLDEST: i32 = 130_000;

/// The first version in which databases can be copied in two ways.
const TWO_STRATEGIES: i32 = 150_000;

/// Keeps a session from being ended for idleness.
const STAY: &str = "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout'";

/// So many connections are kept for the next database: to open one takes longer than to drop a database.
const IDLE: usize = 2;

/// Who is connected to a database.
const CONNECTED: &str = "SELECT coalesce(array_agg(pid), '{}') FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()";
/// Ends these, and says how many of them are still there. `DROP DATABASE … WITH (FORCE)` does the same, but then looks
/// again after 100 milliseconds only.
const DISCONNECT: &str =
    "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM unnest($1::int[]) pid";
const DISCONNECT_POLL: Duration = Duration::from_millis(1);
const DISCONNECT_POLLS: usize = 50;

/// Databases whose maker is gone. The first half of the number in a name is the maker's, who holds the advisory
/// lock of that number. Locks belong to the database they were taken in, so the list of all is asked: a maker may
/// have come through another one.
const ABANDONED: &str = r"
    SELECT datname::text
    FROM pg_database
    WHERE CASE WHEN datname ~ '^hexclave_test_[0-9a-f]{32}$' THEN
        ('x' || substr(datname, 15, 16))::bit(64)::bigint NOT IN (
            SELECT classid::bigint << 32 | objid::bigint
            FROM pg_locks
            WHERE locktype = 'advisory' AND objsubid = 1 AND granted
        )
    END";

/// A server with Supabase's roles. What was started for it ends when this is dropped.
pub(super) struct Server {
    description: String,
    /// Connects to the database from which others are created.
    owner: Config,
    authenticator_password: String,
    /// How `CREATE DATABASE` copies a template.
    strategy: &'static str,
    /// The templates that this process has used.
    templates: Mutex<HashSet<String>>,
    /// Connections of the owner that nobody uses right now.
    idle: Mutex<Vec<Client>>,
    maker: u64,
    /// The connection that says we are alive. It ends before the server does.
    #[expect(dead_code, reason = "kept for its end")]
    alive: Kept,
    running: Running,
}

enum Running {
    Url,
    #[cfg(unix)]
    Local(#[expect(dead_code, reason = "kept for its end")] Cluster),
    #[cfg(feature = "docker")]
    Docker(#[expect(dead_code, reason = "kept for its end")] Kept),
}

impl Server {
    /// Starts what has to be started and makes the roles. May only be called where blocking is allowed.
    pub(super) fn open(found: Found, authenticator_password: String) -> Result<Self, PostgresError> {
        let (running, owner, place) = match found {
            Found::Url(url) => (Running::Url, *url.config, format!("at {}", url.shown)),
            #[cfg(unix)]
            Found::Local(programs) => {
                let cluster = Cluster::start(&programs)?;
                let owner = cluster.config();
                (
                    Running::Local(cluster),
                    owner,
                    format!("from {}", programs.display()),
                )
            }
            #[cfg(feature = "docker")]
            Found::Docker(image, attempts) => {
                let place = format!("in Docker, from the image {image}");
                let (container, owner) = container::start(image, attempts)?;
                (Running::Docker(container), owner, place)
            }
        };
        let (_, maker) = Uuid::new_v4().as_u64_pair();
        let (alive, (version, number)) = Kept::open({
            let (owner, password) = (owner.clone(), authenticator_password.clone());
            let server = format!("PostgreSQL {place}");
            move || {
                let mut client = connect(&owner, &server)?;
                let version = prepare(&mut client, &password, maker)?;
                Ok((client, version))
            }
        })?;
        // Copying files takes two checkpoints, which cost nothing where nothing is flushed to disk, and leaves the copy's
        // first connection faster. A server that was there before keeps its default.
        let strategy = match running {
            Running::Url => "",
            _ if number < TWO_STRATEGIES => "",
            _ => " STRATEGY FILE_COPY",
        };
        Ok(Self {
            description: format!("PostgreSQL {version} {place}"),
            owner,
            authenticator_password,
            strategy,
            templates: Mutex::default(),
            idle: Mutex::default(),
            maker,
            alive,
            running,
        })
    }

    pub(super) fn source(&self) -> Source {
        match self.running {
            Running::Url => Source::Url,
            #[cfg(unix)]
            Running::Local(_) => Source::Local,
            #[cfg(feature = "docker")]
            Running::Docker(_) => Source::Docker,
        }
    }

    pub(super) fn description(&self) -> &str {
        &self.description
    }

    /// As whom the owner logs in.
    pub(super) fn owner_name(&self) -> &str {
        self.owner.get_user().unwrap_or_default()
    }

    /// The connection of the owner to a database.
    pub(super) fn owner(&self, database: &str) -> Config {
        let mut config = self.owner.clone();
        config.dbname(database);
        config
    }

    pub(super) fn authenticator(&self, database: &str) -> Config {
        let mut config = self.owner(database);
        config
            .user("authenticator")
            .password(&self.authenticator_password);
        config
    }

    /// Connects as the owner. May only be called where blocking is allowed.
    pub(super) fn connect(&self) -> Result<Client, PostgresError> {
        connect(&self.owner, &self.description)
    }

    /// Creates an empty database and gives its name. May only be called where blocking is allowed.
    pub(super) fn create_database(&self) -> Result<String, PostgresError> {
        // Nobody is ever connected to template0, and nobody has put anything into it.
        self.copy_database("template0")?
            .map_err(|error| failed("creating a database", error))
    }

    /// Creates a copy of a database and gives its name. May only be called where blocking is allowed.
    pub(super) fn copy_database(
        &self,
        template: &str,
    ) -> Result<Result<String, postgres::Error>, PostgresError> {
        let (_, number) = Uuid::new_v4().as_u64_pair();
        let name = format!("hexclave_test_{:016x}{number:016x}", self.maker);
        let statement = format!(
            r#"CREATE DATABASE "{name}" TEMPLATE "{template}"{}"#,
            self.strategy
        );
        self.as_owner(|client| client.batch_execute(&statement).map(|()| name))
    }

    /// Whether this template is used for the first time here.
    pub(super) fn first_use(&self, template: &str) -> bool {
        let mut templates = self.templates.lock().unwrap_or_else(PoisonError::into_inner);
        templates.insert(template.to_owned())
    }

    /// Drops a database with everybody who is connected to it. May only be called where blocking is allowed.
    pub(super) fn drop_database(&self, name: &str) -> Result<(), PostgresError> {
        self.as_owner(|client| {
            // Who may not do this may still drop a database that nobody is connected to.
            if let Ok(connected) = client.query_one(CONNECTED, &[&name]) {
                let connected: Vec<i32> = connected.get(0);
                for _ in 0..DISCONNECT_POLLS {
                    let left = client.query_one(DISCONNECT, &[&connected]);
                    if left.map_or(0_i64, |row| row.get(0)) == 0 {
                        break;
                    }
                    thread::sleep(DISCONNECT_POLL);
                }
            }
            client.batch_execute(&drop_statement(name))
        })?
        .map_err(|error| failed("dropping a database", error))
    }

    /// Does something over a connection of the owner that may have been used before.
    pub(super) fn as_owner<T>(&self, work: impl FnOnce(&mut Client) -> T) -> Result<T, PostgresError> {
        let idle = self.idle().pop().filter(|client| !client.is_closed());
        let mut client = match idle {
            Some(client) => client,
            None => {
                let mut client = self.connect()?;
                client
                    .batch_execute(STAY)
                    .map_err(|error| failed("setting up a connection", error))?;
                client
            }
        };
        let done = work(&mut client);
        let mut idle = self.idle();
        if idle.len() < IDLE {
            idle.push(client);
        }
        Ok(done)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Client>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let idle = mem::take(&mut *self.idle());
        // Nobody is left to hear of a failure, and the server may be gone already.
        let _ = apart(|| {
            drop(idle);
            Ok(())
        });
    }
}

fn connect(owner: &Config, server: &str) -> Result<Client, PostgresError> {
    postgres::Config::from(owner.clone())
        .connect(NoTls)
        .map_err(|error| PostgresError::with_source(Kind::Reach(server.to_owned()), error))
}

/// Readies a server for databases of this maker and gives the server's version, for people and as a number.
fn prepare(
    client: &mut Client,
    authenticator_password: &str,
    maker: u64,
) -> Result<(String, i32), PostgresError> {
    let version = version(client)?;
    create_roles(client, authenticator_password)
        .map_err(|error| failed("creating the roles of Supabase", error))?;
    client
        .execute("SELECT pg_advisory_lock($1)", &[&maker.cast_signed()])
        .and_then(|_| client.batch_execute(STAY))
        .map_err(|error| failed("taking an advisory lock", error))?;
    drop_abandoned(client)
        .and_then(|()| template::drop_stale(client))
        .map_err(|error| failed("looking for abandoned test databases", error))?;
    Ok(version)
}

fn version(client: &mut Client) -> Result<(String, i32), PostgresError> {
    let row = client
        .query_one(
            "SELECT split_part(current_setting('server_version'), ' ', 1), \
             current_setting('server_version_num')::int",
            &[],
        )
        .map_err(|error| failed("asking for the version", error))?;
    let (version, number): (String, i32) = (row.get(0), row.get(1));
    if number < OLDEST {
        return Err(PostgresError::new(Kind::Old(version)));
    }
    Ok((version, number))
}

fn create_roles(client: &mut Client, authenticator_password: &str) -> Result<(), postgres::Error> {
    let mut transaction = client.transaction()?;
    transaction.batch_execute(ROLES)?;
    // Not in the script, because the server repeats a script's statements in its errors.
    let row = transaction.query_one(
        "SELECT CASE current_setting('hexclave_test.authenticator', true) \
         WHEN 'new' THEN format('ALTER ROLE authenticator PASSWORD %L', $1::text) END",
        &[&authenticator_password],
    )?;
    if let Some(statement) = row.get::<_, Option<String>>(0) {
        transaction.batch_execute(&statement)?;
    }
    transaction.commit()
}

fn drop_abandoned(client: &mut Client) -> Result<(), postgres::Error> {
    for row in client.query(ABANDONED, &[])? {
        // Somebody else may own it, or be faster.
        let _ = client.batch_execute(&drop_statement(row.get(0)));
    }
    Ok(())
}

pub(super) fn drop_statement(name: &str) -> String {
    format!(r#"DROP DATABASE IF EXISTS "{name}" WITH (FORCE)"#)
}

pub(super) fn failed(doing: &'static str, error: postgres::Error) -> PostgresError {
    PostgresError::with_source(Kind::Prepare { doing }, error)
}
