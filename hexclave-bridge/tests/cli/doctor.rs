//! `doctor`, healthy and with each ailment.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    process::{Command, Output},
    thread,
    time::{Duration, SystemTime},
};

use hexclave_core::UserKind;
use hexclave_testkit::hexclave::{Fault, LocalHexclave, ServerSecret, SigningKey};
use serde_json::{Value, json};

use crate::{
    JWT_SECRET, PROJECT, SERVER_SECRET, bridge, exit, hexclave, issuer, json_of, run, stderr, stdout,
    supabase::{database, url},
};

const SECRET: &str = "a-secret-of-this-test-alone-with-enough-characters";
const OWN_ROWS: &str = "create table notes (id int primary key, owner uuid default auth.uid());
    alter table notes enable row level security;";

fn check(output: &Output, name: &str) -> Value {
    let report = json_of(output);
    let checks = report["checks"].as_array().expect("a list");
    let check = checks.iter().find(|check| check["name"] == name);
    check.unwrap_or_else(|| panic!("no {name} in {report}")).clone()
}

/// The exit code, a check's status, and what it says, with the fix.
async fn outcome(command: Command, name: &str) -> (i32, String, String) {
    let output = run(command, None).await;
    let check = check(&output, name);
    let fix = check["fix"].as_str().unwrap_or_default();
    let status = check["status"].as_str().expect("a text").to_owned();
    assert_eq!(
        fix.is_empty(),
        matches!(status.as_str(), "pass" | "skip"),
        "{check}"
    );
    let message = format!("{} {fix}", check["message"].as_str().expect("a text"));
    assert!(!message.contains("hunter2"), "{message}");
    (exit(&output), status, message)
}

/// A command on a local Hexclave's project, whichever it is.
fn of(hexclave: &LocalHexclave, args: &[&str]) -> Command {
    let config = hexclave.config();
    let mut command = bridge(args);
    command.args([
        "--project-id",
        config.project_id().as_str(),
        "--api-url",
        config.api_url().as_str(),
    ]);
    command
}

fn doctor(hexclave: &LocalHexclave) -> Command {
    of(hexclave, &["doctor", "--json"])
}

/// A project whose normal users' keys have a short coordinate, or one of which no key has.
async fn project_with_short_keys(short: bool) -> LocalHexclave {
    let secret = ServerSecret::new(SERVER_SECRET).expect("a secret");
    let is_short = |audience: &str| {
        let keys = SigningKey::derive(&secret, audience).expect("keys");
        let mut keys = keys.iter().map(SigningKey::jwk);
        keys.any(|jwk| jwk.x.len() < 43 || jwk.y.len() < 43)
    };
    let project = (0..10_000)
        .map(|number| format!("11111111-2222-4333-8444-{number:012}"))
        .find(|project| match short {
            true => is_short(project),
            false => !["", ":restricted", ":anon"]
                .iter()
                .any(|kind| is_short(&format!("{project}{kind}"))),
        })
        .expect("one in 64");
    LocalHexclave::builder()
        .project_id(project.parse().expect("a project"))
        .server_secret(secret)
        .start()
        .await
        .expect("a server")
}

#[tokio::test]
async fn what_is_well_passes() {
    let hexclave = project_with_short_keys(false).await;
    let database = database(OWN_ROWS);
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("convex")).expect("a folder");
    let config = folder.path().join("convex/auth.config.ts");
    let mut emit = of(
        &hexclave,
        &["convex", "auth-config", "--kinds", "normal,anonymous"],
    );
    emit.arg("--out").arg(&config);
    assert_eq!(exit(&run(emit, None).await), 0);
    let key = hexclave.config().secret_server_key().expect("a key");
    let healthy = |args: &[&str]| {
        let mut command = of(&hexclave, args);
        command
            .current_dir(&folder)
            .env("HEXCLAVE_SECRET_SERVER_KEY", key.expose())
            .env("SUPABASE_JWT_SECRET", SECRET)
            .env("SUPABASE_DB_URL", url(&database));
        command
    };
    let output = run(healthy(&["doctor", "--json"]), None).await;
    let report = json_of(&output);
    let statuses: Vec<_> = report["checks"].as_array().expect("a list").iter().collect();
    assert!(
        statuses.iter().all(|check| check["status"] == "pass"),
        "{report:#}"
    );
    assert_eq!(
        (exit(&output), &report["status"], statuses.len()),
        (0, &json!("pass"), 11)
    );
    for secret in [SECRET, key.expose(), "ssk_"] {
        assert!(!stdout(&output).contains(secret), "{report:#}");
    }

    let output = run(healthy(&["doctor"]), None).await;
    let text = stdout(&output);
    assert!(
        text.starts_with(&format!(
            "pass  settings           project {} at http",
            hexclave.config().project_id()
        )),
        "{text}"
    );
    assert!(
        text.ends_with("\n11 passed, 0 warned, 0 failed, 0 skipped\n"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[tokio::test]
async fn what_is_not_set_up_is_skipped() {
    let hexclave = hexclave().await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = doctor(&hexclave);
    command.current_dir(&folder);
    let output = run(command, None).await;
    assert_eq!(exit(&output), 0, "{}", stdout(&output));
    for name in ["server key", "supabase secret", "database", "convex"] {
        assert_eq!(check(&output, name)["status"], "skip", "{name}");
    }
}

#[tokio::test]
async fn a_project_that_cannot_be_asked_about_is_told_from_a_wrong_one() {
    let hexclave = hexclave().await;
    let (code, status, message) = outcome(bridge(&["doctor", "--json"]), "settings").await;
    assert!(
        code == 1 && status == "fail" && message.contains("--project-id"),
        "{message}"
    );

    let mut two = doctor(&hexclave);
    two.env("VITE_STACK_PROJECT_ID", PROJECT.replace('1', "7"));
    let (code, status, message) = outcome(two, "settings").await;
    assert!(
        code == 0 && status == "warn" && message.contains("VITE_STACK_PROJECT_ID"),
        "{message}"
    );

    let nowhere = [
        "doctor",
        "--json",
        "--project-id",
        PROJECT,
        "--api-url",
        "http://127.0.0.1:9",
    ];
    let (code, status, _) = outcome(bridge(&nowhere), "project").await;
    assert_eq!((code, status.as_str()), (3, "fail"));

    let mut unknown = bridge(&["doctor", "--json", "--project-id", &PROJECT.replace('1', "7")]);
    unknown.args(["--api-url", hexclave.config().api_url().as_str()]);
    let (code, status, message) = outcome(unknown, "project").await;
    assert!(
        code == 1 && status == "fail" && message.contains("knows no project"),
        "{message}"
    );

    hexclave.inject(Fault::status(503));
    let (code, status, _) = outcome(doctor(&hexclave), "project").await;
    assert_eq!((code, status.as_str()), (3, "fail"));
    hexclave.heal();
}

#[tokio::test]
async fn wrong_keys_to_the_project_are_noticed() {
    let hexclave = hexclave().await;
    let mut command = doctor(&hexclave);
    command.env("HEXCLAVE_SECRET_SERVER_KEY", "ssk_hunter2hunter2hunter2");
    let (code, status, message) = outcome(command, "server key").await;
    assert!(
        code == 1 && status == "fail" && message.contains("HEXCLAVE_SECRET_SERVER_KEY"),
        "{message}"
    );

    let mut command = doctor(&hexclave);
    command.args(["--publishable-client-key", "pck_hunter2"]);
    let (code, status, _) = outcome(command, "client key").await;
    assert_eq!((code, status.as_str()), (1, "fail"));

    let demanding = LocalHexclave::builder()
        .project_id(PROJECT.parse().expect("a project"))
        .require_publishable_client_key(true)
        .start()
        .await
        .expect("a server");
    let (code, status, message) = outcome(doctor(&demanding), "client key").await;
    assert!(
        code == 1 && status == "fail" && message.contains("HEXCLAVE_PUBLISHABLE_CLIENT_KEY"),
        "{message}"
    );
}

#[tokio::test]
async fn short_coordinates_are_warned_of() {
    let hexclave = project_with_short_keys(true).await;
    let command = of(&hexclave, &["doctor", "--json"]);
    let (code, status, message) = outcome(command, "key lengths").await;
    assert!(
        code == 0 && status == "warn" && message.contains("normal users"),
        "{message}"
    );
    assert!(message.contains("--jwks inline"), "{message}");
}

/// A key server whose clock is ahead of this machine's. It answers everything with the project's keys.
fn server_ahead_by(ahead: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let keys = serde_json::to_value(issuer(&url).jwks(UserKind::Normal)).expect("keys");
    let body = json!({ "keys": keys }).to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if stream.read_exact(&mut byte).is_err() {
                    break;
                }
                request.extend(byte);
            }
            let date = httpdate::fmt_http_date(SystemTime::now() + ahead);
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: {date}\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(body.as_bytes());
        }
    });
    url
}

#[tokio::test]
async fn a_wrong_clock_is_noticed() {
    for (ahead, status) in [(0, "pass"), (30, "warn"), (3600, "fail")] {
        let url = server_ahead_by(Duration::from_secs(ahead));
        let command = bridge(&["doctor", "--json", "--project-id", PROJECT, "--api-url", &url]);
        let (_, found, message) = outcome(command, "clock").await;
        assert_eq!(found, status, "{message}");
        assert_eq!(message.contains("behind the API's"), ahead > 0, "{message}");
    }
}

#[tokio::test]
async fn what_is_not_the_supabase_secret_is_recognised() {
    let hexclave = hexclave().await;
    // {"iss":"supabase","role":"service_role"}
    let api_key = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJzdXBhYmFzZSIsInJvbGUiOiJzZXJ2aWNlX3JvbGUifQ.aHVudGVyMg";
    for (secret, status, code, text) in [
        (api_key, "fail", 1, "API key of service_role"),
        (
            "sb_secret_hunter2hunter2hunter2hunter2hunter2",
            "fail",
            1,
            "secret API key",
        ),
        (
            "sb_publishable_hunter2hunter2hunter2hunter2",
            "fail",
            1,
            "publishable API key",
        ),
        ("hunter2", "fail", 1, "7 bytes"),
        (
            "a-hunter2-of-enough-characters-and-a-line-break\n",
            "fail",
            1,
            "white space",
        ),
        (JWT_SECRET, "warn", 0, "known to everybody"),
        (SECRET, "pass", 0, ""),
    ] {
        let mut command = doctor(&hexclave);
        command.env("SUPABASE_JWT_SECRET", secret);
        let (exit_code, found, message) = outcome(command, "supabase secret").await;
        assert_eq!((found.as_str(), exit_code), (status, code), "{message}");
        assert!(message.contains(text) && !message.contains(secret), "{message}");
    }
}

#[tokio::test]
async fn the_database_and_its_policies_are_looked_at() {
    let hexclave = hexclave().await;
    let with = |database_url: &str| {
        let mut command = doctor(&hexclave);
        command.env("SUPABASE_DB_URL", database_url);
        command
    };
    let open = database("create table notes (id int)");
    let (code, status, message) = outcome(with(&url(&open)), "policies").await;
    assert!(
        code == 1 && status == "fail" && message.contains("supabase lint"),
        "{message}"
    );
    let warned = database(&format!("{OWN_ROWS} grant truncate on notes to anon;"));
    let (code, status, _) = outcome(with(&url(&warned)), "policies").await;
    assert_eq!((code, status.as_str()), (0, "warn"));

    for (database_url, code) in [
        ("postgresql://u:hunter2@127.0.0.1:9/d".to_owned(), 3),
        (url(&open).replace(open.name(), "hexclave_no_such"), 1),
        ("hunter2".to_owned(), 1),
    ] {
        let (exit_code, status, message) = outcome(with(&database_url), "database").await;
        assert_eq!((exit_code, status.as_str()), (code, "fail"), "{message}");
    }
}

#[tokio::test]
async fn convex_configurations_are_compared_with_the_project() {
    let hexclave = hexclave().await;
    let folder = tempfile::tempdir().expect("a folder");
    let with = |file: &Path| {
        let mut command = doctor(&hexclave);
        command.arg("--convex-config").arg(file);
        command
    };
    let emit = |file: &str, project: String| {
        let file = folder.path().join(file);
        let format = if file.ends_with("right.json") || file.ends_with("other.json") {
            "json"
        } else {
            "ts"
        };
        let mut command = bridge(&[
            "convex",
            "auth-config",
            "--format",
            format,
            "--project-id",
            &project,
        ]);
        command
            .args(["--api-url", hexclave.config().api_url().as_str(), "--out"])
            .arg(&file);
        async move {
            assert_eq!(exit(&run(command, None).await), 0);
            file
        }
    };
    // Whatever way this program writes it, it is recognized.
    for (options, accepts) in [
        (
            &["--kinds", "normal,anonymous"][..],
            "accepts normal,anonymous users",
        ),
        (&["--aliases=false"], "accepts normal users"),
        (&["--env"], "accepts normal users"),
        (
            &["--jwks", "inline", "--kinds", "normal,restricted"],
            "accepts normal,restricted users",
        ),
        (&["--upstream"], "accepts normal,anonymous users"),
    ] {
        let file = folder.path().join("form.ts");
        let mut command = of(&hexclave, &["convex", "auth-config"]);
        command.args(options).arg("--out").arg(&file);
        assert_eq!(exit(&run(command, None).await), 0, "{options:?}");
        let (code, status, message) = outcome(with(&file), "convex").await;
        assert_eq!((code, status.as_str()), (0, "pass"), "{options:?}: {message}");
        assert!(message.contains(accepts), "{message}");
    }
    let named = folder.path().join("named.ts");
    let mut command = of(&hexclave, &["convex", "auth-config", "--env=MY_PROJECT"]);
    command.arg("--out").arg(&named);
    assert_eq!(exit(&run(command, None).await), 0);
    for (variable, expected) in [("MY_PROJECT", "pass"), ("", "warn")] {
        let mut command = with(&named);
        command.env("HEXCLAVE_BRIDGE_CONVEX_ENV", variable);
        let (_, status, message) = outcome(command, "convex").await;
        assert_eq!(status, expected, "{message}");
    }

    let other = PROJECT.replace('1', "7");
    let foreign = folder.path().join("foreign.ts");
    fs::write(&foreign, "export default { providers: [] };\n").expect("a file");
    let broken = folder.path().join("broken.json");
    fs::write(&broken, r#"{"providers":[{"type":"customJwt"}]}"#).expect("a file");
    for (file, status, code, text) in [
        (
            emit("right.ts", PROJECT.to_owned()).await,
            "pass",
            0,
            "accepts normal users",
        ),
        (
            emit("right.json", PROJECT.to_owned()).await,
            "pass",
            0,
            "accepts normal users",
        ),
        (
            emit("other.ts", other.clone()).await,
            "warn",
            0,
            "convex auth-config",
        ),
        (
            emit("other.json", other).await,
            "fail",
            1,
            "has no provider for project",
        ),
        (foreign, "warn", 0, "somebody else"),
        (broken, "fail", 1, "broken.json"),
        (folder.path().join("missing.ts"), "fail", 1, "cannot be read"),
    ] {
        let (exit_code, found, message) = outcome(with(&file), "convex").await;
        assert_eq!(
            (found.as_str(), exit_code),
            (status, code),
            "{}: {message}",
            file.display()
        );
        assert!(message.contains(text), "{message}");
    }
    let output = run(bridge(&["doctor", "--config", "missing.toml"]), None).await;
    assert_eq!(exit(&output), 2, "{}", stderr(&output));
}
