//! `login`, `whoami` and `logout`, with somebody at the browser.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
};

use hexclave_testkit::hexclave::{Fault, LocalHexclave, Tokens};
use hexclave_tests::{chromium, node};
use serde_json::{Value, json};

use crate::{JWT_SECRET, PASSWORD, at, exit, hexclave, json_of, run, stderr, stdout};

const APP: &str = "http://localhost:3000";

/// A command whose home is this folder.
fn of(home: &Path, hexclave: &LocalHexclave, args: &[&str]) -> Command {
    let mut command = at(hexclave, args);
    command.env("HOME", home).env_remove("XDG_CONFIG_HOME");
    command
}

/// Does what the page does in a browser.
async fn browser(hexclave: &LocalHexclave, path: &str, body: Value) {
    let config = hexclave.config();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client
        .post(format!("{}/api/v1/{path}", config.api_url()))
        .header("x-stack-access-type", "client")
        .header("x-stack-project-id", config.project_id().as_str())
        .json(&body);
    let answer = request.send().await.expect("an answer");
    assert!(
        answer.status().is_success(),
        "{}",
        answer.text().await.expect("a text")
    );
}

/// Somebody whose e-mail address is verified.
async fn ada(hexclave: &LocalHexclave) -> Tokens {
    let tokens = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    hexclave.verify_email(tokens.user_id).expect("an address");
    hexclave
        .sign_in("ada@example.com", PASSWORD)
        .await
        .expect("tokens")
}

/// A login that waits to be confirmed, and its code.
async fn begin(command: Command) -> (Child, String) {
    begin_at(command, APP).await
}

/// The same, of an application at this address.
async fn begin_at(mut command: Command, app: &str) -> (Child, String) {
    let expected = format!("{app}/handler/cli-auth-confirm");
    let waiting = tokio::task::spawn_blocking(move || {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut said = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        while !line.contains("login_code=") {
            line.clear();
            assert_ne!(said.read_line(&mut line).expect("a line"), 0, "no address");
        }
        child.stderr = Some(said.into_inner());
        let (page, code) = line.trim().split_once("?login_code=").expect("a code");
        assert_eq!(page, expected);
        (child, code.to_owned())
    });
    waiting.await.expect("an address")
}

async fn end(mut child: Child) -> (i32, String) {
    let ending = tokio::task::spawn_blocking(move || {
        let mut said = String::new();
        let mut stdout = child.stdout.take().expect("a pipe");
        stdout.read_to_string(&mut said).expect("UTF-8");
        (child.wait().expect("an end").code().expect("a code"), said)
    });
    ending.await.expect("an end")
}

#[tokio::test]
async fn who_logs_in_is_known_until_they_log_out() {
    let hexclave = hexclave().await;
    let home = tempfile::tempdir().expect("a folder");
    let whoami = || run(of(home.path(), &hexclave, &["whoami", "--json"]), None);

    let output = whoami().await;
    assert_eq!(
        (exit(&output), &json_of(&output)["error"]["code"]),
        (1, &json!("not_logged_in"))
    );
    let output = run(of(home.path(), &hexclave, &["logout"]), None).await;
    assert_eq!(
        (exit(&output), stdout(&output).as_str()),
        (0, "nobody was logged in\n")
    );
    assert_eq!(
        fs::read_dir(home.path()).expect("a folder").count(),
        0,
        "nothing is kept"
    );

    let login = ["login", "--no-browser", "--json", "--app-url", APP];
    let (waiting, code) = begin(of(home.path(), &hexclave, &login)).await;
    let ada = ada(&hexclave).await;
    let confirmation = json!({ "login_code": code, "refresh_token": ada.refresh_token.expose() });
    browser(&hexclave, "auth/cli/complete", confirmation).await;
    let (code, said) = end(waiting).await;
    let user: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((code, &user["user"]["id"]), (0, &json!(ada.user_id.to_string())));
    assert!(!said.contains(ada.refresh_token.expose()));

    let address = hexclave.config().api_url().as_str();
    let host = address.trim_start_matches("http://").replace(':', "-");
    let file = home
        .path()
        .join(format!(".config/hexclave-bridge/sessions/{host}.json"));
    assert!(
        fs::read_to_string(&file)
            .expect("a session")
            .contains(ada.refresh_token.expose())
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&file).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    let output = whoami().await;
    assert_eq!(json_of(&output)["user"]["email"], "ada@example.com");
    let again = run(of(home.path(), &hexclave, &["login"]), None).await;
    assert_eq!(exit(&again), 0);
    assert!(stderr(&again).contains("logged in already") && stdout(&again).contains("ada@example.com"));

    let output = run(of(home.path(), &hexclave, &["whoami", "--access-token"]), None).await;
    let mut command = at(&hexclave, &["supabase", "token"]);
    command.env("SUPABASE_JWT_SECRET", JWT_SECRET);
    let minted = run(command, Some(stdout(&output))).await;
    assert_eq!(exit(&minted), 0, "{}", stderr(&minted));

    hexclave.inject(Fault::status(503));
    let output = run(of(home.path(), &hexclave, &["logout", "--json"]), None).await;
    assert_eq!(exit(&output), 3, "{}", stdout(&output));
    hexclave.heal();
    assert_eq!(exit(&whoami().await), 0, "an outage ends nothing");

    let output = run(of(home.path(), &hexclave, &["logout", "--json"]), None).await;
    assert_eq!(
        (exit(&output), json_of(&output)),
        (0, json!({ "loggedOut": true }))
    );
    assert_eq!(json_of(&whoami().await)["error"]["code"], "not_logged_in");
    assert!(
        !fs::read_to_string(&file)
            .expect("a file")
            .contains(ada.refresh_token.expose())
    );
}

/// By way of the local Hexclave's own page, in a real browser.
#[tokio::test]
async fn a_login_is_confirmed_in_a_browser() {
    if !node::is_there() {
        return;
    }
    let Some(executable) = chromium::program() else {
        return;
    };
    let hexclave = hexclave().await;
    let ada = ada(&hexclave).await;
    hexclave
        .sign_up("eve@example.com", PASSWORD)
        .await
        .expect("tokens");
    let home = tempfile::tempdir().expect("a folder");
    let app = hexclave.config().api_url().as_str().to_owned();
    let login = ["login", "--no-browser", "--json", "--app-url", &app];
    let (waiting, code) = begin_at(of(home.path(), &hexclave, &login), &app).await;
    let input = json!({
        "executablePath": executable,
        "link": format!("{app}/handler/cli-auth-confirm?login_code={code}"),
        "email": "ada@example.com",
    });
    let clicking = tokio::task::spawn_blocking(move || node::run("browser/cli-login.mjs", &input));
    let seen = clicking.await.expect("a click");
    assert_eq!(
        seen["buttons"],
        json!(["Log in as ada@example.com"]),
        "Eve is restricted"
    );

    let (code, said) = end(waiting).await;
    let user: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((code, &user["user"]["id"]), (0, &json!(ada.user_id.to_string())));
    let output = run(of(home.path(), &hexclave, &["whoami", "--json"]), None).await;
    assert_eq!(json_of(&output)["user"]["email"], "ada@example.com");
}

#[tokio::test]
async fn logins_that_cannot_be_are_explained() {
    let hexclave = hexclave().await;
    let home = tempfile::tempdir().expect("a folder");
    for (args, code, text) in [
        (
            &["login", "--app-url", "http://ada:hunter2@app.example.com"][..],
            2,
            "--app-url",
        ),
        (
            &["login", "--api-url", "http://127.0.0.1:9"],
            3,
            "api_unavailable",
        ),
        (
            &["whoami", "--session-file", "/dev/null/no"],
            2,
            "token_store_failed",
        ),
        (
            &["login", "--publishable-client-key", "no key"],
            2,
            "--publishable-client-key",
        ),
    ] {
        let mut command = match args.contains(&"--api-url") {
            true => crate::bridge(args),
            false => of(home.path(), &hexclave, args),
        };
        command
            .env("HEXCLAVE_PROJECT_ID", crate::PROJECT)
            .env("HOME", home.path());
        let output = run(command, None).await;
        assert_eq!(exit(&output), code, "{args:?}: {}", stderr(&output));
        let said = stderr(&output);
        assert!(said.contains(text) && !said.contains("hunter2"), "{said}");
    }
}
