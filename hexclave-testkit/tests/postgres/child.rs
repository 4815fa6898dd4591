//! Servers and databases of a process that comes to some end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use hexclave_testkit::postgres::{Postgres, Source};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio_postgres::config::Host;

use crate::support::{LocalServer, eventually, exists, local, shared, url};

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
        .args(["--exact", "child::child_of_other_tests", "--nocapture"])
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
