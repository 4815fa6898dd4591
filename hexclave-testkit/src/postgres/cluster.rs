//! A server of our own from the PostgreSQL programs that are installed on this machine.

use std::env;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{self, Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use postgres::NoTls;
use tokio_postgres::Config;
use uuid::Uuid;

use super::error::{Kind, PostgresError, tail};

/// Starts, stops and cleans up; see the words in the script.
const SUPERVISOR: &str = include_str!("cluster.sh");

const START_LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);

/// The longest path of a socket, on the system that allows the least.
const SOCKET_PATH_LIMIT: usize = 103;
const SOCKET: &str = "socket/.s.PGSQL.5432";

/// A running server in a folder of its own. Dropping it stops the server and removes the folder before it returns.
#[derive(Debug)]
pub(super) struct Cluster {
    /// Holds the pipe whose end, however it comes about, ends the server.
    supervisor: Child,
    folder: PathBuf,
}

impl Cluster {
    /// Makes and starts a server. May only be called where blocking is allowed.
    pub(super) fn start(programs: &Path) -> Result<Self, PostgresError> {
        let account = Account::for_server(programs)?;
        let folder = folder(account.as_ref());

        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .arg(SUPERVISOR)
            .arg("hexclave-postgres")
            .arg(&folder)
            .arg(programs)
            .current_dir("/")
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // Ctrl-C in a terminal ends the tests; the supervisor has work to do after that.
            .process_group(0);
        for (name, _) in env::vars_os() {
            // PGPORT and its like would reach into the server.
            if name.as_encoded_bytes().starts_with(b"PG") {
                command.env_remove(name);
            }
        }
        if let Some(account) = account {
            command.uid(account.uid).gid(account.gid);
        }
        let supervisor = command.spawn().map_err(|error| {
            PostgresError::with_source(
                Kind::Cluster {
                    programs: programs.to_owned(),
                    problem: "could not be run, because /bin/sh could not".to_owned(),
                    output: String::new(),
                },
                error,
            )
        })?;

        let mut cluster = Self { supervisor, folder };
        cluster.wait_until_ready(programs)?;
        Ok(cluster)
    }

    /// The connection of the superuser.
    pub(super) fn config(&self) -> Config {
        let mut config = Config::new();
        config
            .user("postgres")
            .dbname("postgres")
            .host_path(self.folder.join("socket"));
        config
    }

    fn wait_until_ready(&mut self, programs: &Path) -> Result<(), PostgresError> {
        let config = postgres::Config::from(self.config());
        let deadline = Instant::now() + START_LIMIT;
        loop {
            if let Ok(Some(_)) = self.supervisor.try_wait() {
                let mut output = String::new();
                if let Some(mut stderr) = self.supervisor.stderr.take() {
                    let _ = stderr.read_to_string(&mut output);
                }
                return Err(PostgresError::cluster(programs, "could not be started", output));
            }
            if self.folder.join("stopped").exists() {
                return Err(PostgresError::cluster(
                    programs,
                    "gave no running server",
                    self.logs(),
                ));
            }
            match config.connect(NoTls) {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > deadline => {
                    return Err(PostgresError::with_source(
                        Kind::Cluster {
                            programs: programs.to_owned(),
                            problem: format!("gave no server that answers within {START_LIMIT:?}"),
                            output: self.logs(),
                        },
                        error,
                    ));
                }
                Err(_) => thread::sleep(POLL),
            }
        }
    }

    fn logs(&self) -> String {
        let mut logs = String::new();
        for name in ["initdb.log", "server.log"] {
            let bytes = fs::read(self.folder.join(name)).unwrap_or_default();
            logs.push_str(&tail(&String::from_utf8_lossy(&bytes)));
        }
        logs
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // This closes the pipe first.
        let _ = self.supervisor.wait();
    }
}

/// The account a server runs as when we are root, which PostgreSQL refuses to be.
struct Account {
    uid: u32,
    gid: u32,
}

impl Account {
    fn for_server(programs: &Path) -> Result<Option<Self>, PostgresError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let account = ["postgres", "nobody"].into_iter().find_map(Self::named);
        account.map(Some).ok_or_else(|| {
            PostgresError::cluster(
                programs,
                "refuse to run as root, and there is no account `postgres` or `nobody` to run as instead",
                String::new(),
            )
        })
    }

    fn named(name: &str) -> Option<Self> {
        let id = |which| {
            let output = Command::new("id").args([which, name]).output().ok()?;
            String::from_utf8(output.stdout).ok()?.trim().parse().ok()
        };
        Some(Self {
            uid: id("-u")?,
            gid: id("-g")?,
        })
    }
}

/// The folder for a new server. The supervisor makes it, so that it is never there without its supervisor.
fn folder(account: Option<&Account>) -> PathBuf {
    let name = format!("hexclave-pg-{:012x}", Uuid::new_v4().as_u128() >> 80);
    let usual = path::absolute(env::temp_dir()).unwrap_or_else(|_| env::temp_dir());
    // Another account can make and remove folders only where everybody can.
    let open = account.is_none()
        || fs::metadata(&usual).is_ok_and(|metadata| metadata.permissions().mode() & 0o002 != 0);
    let folder = usual.join(&name);
    if open && folder.join(SOCKET).as_os_str().len() <= SOCKET_PATH_LIMIT {
        folder
    } else {
        Path::new("/tmp").join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Programs that are scripts, and what starting them says.
    fn refusal(initdb: &str, postgres: &str) -> String {
        // Not where only we may look, because the programs run as somebody else.
        let programs = tempfile::tempdir_in("/tmp").unwrap();
        let everybody = || fs::Permissions::from_mode(0o755);
        fs::set_permissions(programs.path(), everybody()).unwrap();
        for (name, script) in [("initdb", initdb), ("postgres", postgres)] {
            let path = programs.path().join(name);
            fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&path, everybody()).unwrap();
        }
        let text = Cluster::start(programs.path()).unwrap_err().to_string();
        assert!(text.contains(programs.path().to_str().unwrap()), "{text}");
        text
    }

    #[test]
    fn an_initdb_that_fails_is_quoted() {
        let text = refusal("echo 'initdb: no space left' >&2; exit 1", "exit 0");
        assert!(text.contains("\n  | initdb: no space left"), "{text}");
    }

    #[test]
    fn a_server_that_stops_is_quoted() {
        let text = refusal("echo 'Success.'", "echo 'FATAL:  no memory' >&2; exit 1");
        assert!(text.contains("\n  | FATAL:  no memory"), "{text}");
    }

    #[test]
    fn an_unknown_locale_is_no_obstacle() {
        let text = refusal(
            r#"case "$*" in *C.UTF-8*) exit 1;; *) echo "$@";; esac"#,
            "echo started; exit 1",
        );
        assert!(text.contains("--locale=C --no-sync"), "{text}");
        assert!(text.contains("| started"), "{text}");
    }

    #[test]
    fn only_the_end_of_a_long_log_is_quoted() {
        let text = refusal(
            "i=0; while [ $i -lt 1000 ]; do i=$((i + 1)); echo \"line $i.\"; done; exit 1",
            "exit 0",
        );
        assert!(text.contains("| line 1000."), "{text}");
        assert!(!text.contains("| line 900."), "{text}");
    }
}
