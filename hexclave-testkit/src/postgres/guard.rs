//! What ends a Docker container when the process that started it ends.

use std::error::Error;
use std::time::Duration;

use testcontainers::bollard::Docker;
use testcontainers::bollard::exec::{CreateExecOptions, StartExecResults};
use testcontainers::core::Healthcheck;
use tokio::time;

const POLL: Duration = Duration::from_millis(20);

/// A process inside the container that ends it when our connection to that process ends, however that comes about.
pub(super) struct Guard {
    _connection: StartExecResults,
}

impl Guard {
    /// Waits for the end of the connection, with which the engine closes the standard input.
    const WATCH: &str = ": >/tmp/hexclave-guarded && read -r nothing";

    /// Asks whether somebody watches.
    const CHECK: &str = "test -e /tmp/hexclave-guarded";

    /// Ends the container: PostgreSQL as process 1, or what an entry point as process 1 waits for. More than once,
    /// because an entry point may be on its way to become PostgreSQL.
    const END: &str = "while :; do kill -QUIT 1; kill -KILL -1; sleep 1; done";

    /// Starts the process and makes sure that it watches.
    pub(super) async fn start(
        docker: &Docker,
        container: &str,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let script = format!("{}; {}", Self::WATCH, Self::END);
        let options = CreateExecOptions {
            attach_stdin: Some(true),
            user: Some("0"),
            cmd: Some(vec!["sh", "-c", &script]),
            ..CreateExecOptions::default()
        };
        let exec = docker.create_exec(container, options).await?.id;
        let connection = docker.start_exec(&exec, None).await?;
        // The engine says yes before it has looked for the program.
        loop {
            let state = docker.inspect_exec(&exec).await?;
            if state.exit_code.is_some() {
                return Err("`sh` ended, or there is none".into());
            }
            if state.pid.is_some_and(|pid| pid != 0) {
                break;
            }
            time::sleep(POLL).await;
        }
        Ok(Self {
            _connection: connection,
        })
    }

    /// Has the engine end a container that nobody watches after a while, because we ended too early.
    pub(super) fn substitute(after: Duration) -> Healthcheck {
        Healthcheck::cmd_shell(format!("{} || {{ {}; }}", Self::CHECK, Self::END)).with_interval(after)
    }
}
