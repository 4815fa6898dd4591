//! The program as a service: started on a free port, asked over HTTP, ended by a signal.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    thread::JoinHandle,
};

use hexclave_testkit::hexclave::LocalHexclave;
use serde_json::Value;

use crate::{PROJECT, bridge};

/// A service that ends with the test, however that ends.
pub(crate) struct Service {
    child: Option<Child>,
    url: String,
    log: Option<JoinHandle<String>>,
}

impl Service {
    /// Starts the service for the project of a local Hexclave.
    pub(super) async fn of(hexclave: &LocalHexclave, change: impl FnOnce(&mut Command)) -> Self {
        Self::at(hexclave.config().api_url().as_str(), change).await
    }

    pub(super) async fn at(api_url: &str, change: impl FnOnce(&mut Command)) -> Self {
        let mut command = bridge(&["serve", "--json", "--listen", "127.0.0.1:0"]);
        command.args(["--project-id", PROJECT, "--api-url", api_url]);
        change(&mut command);
        Self::start(command).await
    }

    /// Starts the service with `--json` and whatever else the command has.
    pub(crate) async fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let starting = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn().expect("the program starts");
            let mut stderr = child.stderr.take().expect("a pipe");
            let log = std::thread::spawn(move || {
                let mut text = String::new();
                stderr.read_to_string(&mut text).expect("UTF-8");
                text
            });
            let mut line = String::new();
            let stdout = child.stdout.take().expect("a pipe");
            BufReader::new(stdout).read_line(&mut line).expect("a line");
            let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("JSON: {line}"));
            let url = line["listening"].as_str().expect("a URL").to_owned();
            Self {
                child: Some(child),
                url,
                log: Some(log),
            }
        });
        starting.await.expect("a service")
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Where the service listens, as `address:port`.
    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").expect("no TLS")
    }

    /// Asks until the service is ready.
    pub(super) async fn ready(self) -> Self {
        for _ in 0..600 {
            let answer = reqwest::get(self.url("/readyz")).await.expect("an answer");
            if answer.status() == 200 {
                return self;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("the service never got ready");
    }

    /// Sends the signal that asks a process to end.
    pub(super) fn terminate(&self) {
        self.signal("TERM");
    }

    pub(super) fn signal(&self, name: &str) {
        let child = self.child.as_ref().expect("a process");
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &child.id().to_string()])
            .status();
        assert!(sent.expect("kill").success());
    }

    /// Waits for the end, and gives the log.
    pub(super) async fn ended(mut self) -> (ExitStatus, String) {
        let (mut child, log) = (self.child.take().expect("a process"), self.log.take());
        let ending = tokio::task::spawn_blocking(move || {
            let status = child.wait().expect("an end");
            (status, log.expect("a log").join().expect("a log"))
        });
        ending.await.expect("an end")
    }

    pub(crate) async fn stop(self) -> (ExitStatus, String) {
        self.terminate();
        self.ended().await
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
