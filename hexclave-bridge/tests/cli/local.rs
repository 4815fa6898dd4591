//! `local`, as a script sees it.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout},
};

use reqwest::{Client, StatusCode};

use super::*;

/// The program while it serves; it is killed when a test gives up.
pub(crate) struct Local {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// The line that it has begun with.
    pub(crate) first_line: Value,
}

impl Local {
    /// Starts it on any free port.
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut command = bridge(&["local", "--listen", "127.0.0.1:0", "--json"]);
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("an output"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        Self {
            first_line: serde_json::from_str(&line).expect("JSON in the first line"),
            child,
            stdout,
        }
    }

    pub(crate) fn has(&self, member: &str) -> &str {
        self.first_line[member].as_str().expect("a text")
    }

    /// Posts as a client of the project.
    pub(crate) async fn post(&self, path: &str, body: Value) -> reqwest::Response {
        let client = Client::builder().no_proxy().build().expect("a client");
        client
            .post(format!("{}/api/v1{path}", self.has("apiUrl")))
            .header("x-stack-access-type", "client")
            .header("x-stack-project-id", self.has("projectId"))
            .header("x-stack-publishable-client-key", self.has("publishableClientKey"))
            .json(&body)
            .send()
            .await
            .expect("an answer")
    }

    /// Has it end by a signal: its exit code, what else it has written, and its log.
    pub(crate) fn end(mut self, signal: &str) -> (Option<i32>, String, String) {
        let sent = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status();
        assert!(sent.expect("kill").success());
        let (mut rest, mut log) = (String::new(), String::new());
        self.stdout.read_to_string(&mut rest).expect("UTF-8");
        let mut stderr = self.child.stderr.take().expect("a log");
        stderr.read_to_string(&mut log).expect("UTF-8");
        (self.child.wait().expect("an end").code(), rest, log)
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn the_first_line_is_what_a_client_is_configured_with() {
    let local = Local::start(&[]);
    let members: Vec<_> = local.first_line.as_object().expect("an object").keys().collect();
    let mut expected = ["apiUrl", "projectId", "publishableClientKey", "secretServerKey"];
    expected.sort_unstable();
    assert_eq!(members, expected);
    assert!(local.has("publishableClientKey").starts_with("pck_"));
    assert!(local.has("secretServerKey").starts_with("ssk_"));

    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let answer = local.post("/auth/password/sign-up", body).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let tokens: Value = answer.json().await.expect("JSON");
    let token = tokens["access_token"].as_str().expect("a token");

    let mut verify = bridge(&["verify", "--json", "--project-id", local.has("projectId")]);
    verify.args(["--api-url", local.has("apiUrl")]);
    let output = run(verify, Some(token.to_owned())).await;
    assert_eq!(json_of(&output)["user"]["id"], tokens["user_id"]);
}

#[tokio::test]
async fn addresses_have_to_be_verified_where_that_is_asked_for() {
    for (args, kind) in [
        (&[][..], "normal"),
        (&["--require-email-verification"], "restricted"),
    ] {
        let local = Local::start(args);
        let body = json!({ "email": "ada@example.com", "password": PASSWORD });
        let tokens: Value = local
            .post("/auth/password/sign-up", body)
            .await
            .json()
            .await
            .expect("JSON");
        let mut verify = bridge(&["verify", "--json", "--allow", "normal,restricted"]);
        verify.args([
            "--project-id",
            local.has("projectId"),
            "--api-url",
            local.has("apiUrl"),
        ]);
        let output = run(verify, tokens["access_token"].as_str().map(str::to_owned)).await;
        assert_eq!(json_of(&output)["user"]["kind"], kind);
    }
}

#[tokio::test]
async fn a_signal_ends_it_and_the_log_has_every_request_and_no_secret() {
    for signal in ["-TERM", "-INT"] {
        let local = Local::start(&[]);
        let body = json!({ "email": "ada@example.com", "password": PASSWORD });
        let answer = local.post("/auth/password/sign-up", body).await;
        let id = answer.headers()["x-hexclave-request-id"].to_str().expect("an id");
        let id = id.to_owned();
        let tokens: Value = answer.json().await.expect("JSON");
        let wrong = json!({ "email": "ada@example.com", "password": "wrong horse" });
        local.post("/auth/password/sign-in", wrong).await;
        let secrets = [
            tokens["access_token"].as_str().expect("a token").to_owned(),
            tokens["refresh_token"].as_str().expect("a token").to_owned(),
            local.has("secretServerKey").to_owned(),
            PASSWORD.to_owned(),
        ];

        let (code, rest, log) = local.end(signal);
        assert_eq!(code, Some(0), "{log}");
        assert_eq!(rest, "");
        let user = tokens["user_id"].as_str().expect("an id");
        let line = |path: &str| log.lines().find(|line| line.contains(path)).expect("a line");
        let signed_up = line("POST /api/v1/auth/password/sign-up 200 client");
        assert!(signed_up.contains(&format!("user={user}")), "{log}");
        assert!(signed_up.contains(&format!("request={id}")), "{log}");
        line("POST /api/v1/auth/password/sign-in 400 EMAIL_PASSWORD_MISMATCH client");
        for secret in secrets {
            assert!(!log.contains(&secret), "{log}");
        }
    }
}

#[tokio::test]
async fn only_this_machine_reaches_it_unless_others_are_let_in() {
    let output = run(bridge(&["local", "--listen", "0.0.0.0:0", "--json"]), None).await;
    assert_eq!(exit(&output), 2);
    assert_eq!(json_of(&output)["error"]["code"], "not_loopback");

    let output = run(bridge(&["local", "--listen", "[::]:0"]), None).await;
    assert!(stderr(&output).contains("--allow-remote"), "{}", stderr(&output));

    let mut command = bridge(&["local", "--listen", "0.0.0.0:0", "--allow-remote", "--json"]);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("an output"));
    stdout.read_line(&mut line).expect("a line");
    child.kill().expect("it runs");
    child.wait().expect("an end");
    assert!(line.contains(r#""apiUrl":"http://127.0.0.1:"#), "{line}");
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let local = Local::start(&[]);
    let address = local.has("apiUrl").trim_start_matches("http://").to_owned();
    let output = run(bridge(&["local", "--listen", &address, "--json"]), None).await;
    assert_eq!(exit(&output), 2);
    assert_eq!(json_of(&output)["error"]["code"], "cannot_listen");
    let message = json_of(&output)["error"]["message"].to_string();
    assert!(message.contains(&address), "{message}");
}

/// A file that ends with the test.
fn seed(name: &str, text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(name);
    std::fs::write(&file, text).expect("a file");
    let file = file.to_str().expect("UTF-8").to_owned();
    (folder, file)
}

#[tokio::test]
async fn the_documented_seed_is_there_from_the_beginning() {
    let readme = include_str!("../../README.md");
    let (_, example) = readme.split_once("```toml\n[[permissions]]").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    let (_folder, file) = seed("seed.toml", &format!("[[permissions]]{example}"));
    let local = Local::start(&["--seed", &file, "--require-email-verification"]);
    for (email, kind) in [("ada@example.com", "normal"), ("eve@example.com", "restricted")] {
        let body = json!({ "email": email, "password": PASSWORD });
        let answer = local.post("/auth/password/sign-in", body).await;
        let tokens: Value = answer.json().await.expect("JSON");
        let mut verify = bridge(&["verify", "--json", "--allow", "normal,restricted"]);
        verify.args([
            "--project-id",
            local.has("projectId"),
            "--api-url",
            local.has("apiUrl"),
        ]);
        let output = run(verify, tokens["access_token"].as_str().map(str::to_owned)).await;
        assert_eq!(json_of(&output)["user"]["kind"], kind);
    }
}

#[tokio::test]
async fn what_is_wrong_in_a_seed_is_named_with_its_line() {
    for (name, text, line, place) in [
        (
            "a.toml",
            "[[users]]\nemail = \"a@example.com\"\npasswort = \"hunter22\"",
            3,
            "passwort",
        ),
        (
            "b.toml",
            "[[users]]\nemail = \"a@example.com\"\npassword = \"hunter\"",
            3,
            "users[0].password",
        ),
        (
            "c.toml",
            "[[users]]\nemail = \"a@example.com\"\npassword = [\"hunter22\"]",
            3,
            "users[0].password",
        ),
        (
            "d.toml",
            "[[users]]\nemail = \"a@x.org\"\n\n[[users]]\nemail = \"A@x.org\"",
            5,
            "users[1].email",
        ),
        (
            "e.toml",
            "[[users]]\nemail = \"a@x.org\"\n[users.teams]\nEngines = []",
            4,
            "users[0].teams.Engines",
        ),
        ("f.toml", "users = \"hunter22\n", 1, "not TOML"),
        (
            "g.json",
            "{\"users\": [\n{\"email\": \"a@x.org\",\n\"password\": \"hunter\"}]}",
            3,
            "users[0].password",
        ),
        ("h.json", "{\n\"users\": hunter22", 2, "not JSON"),
        (
            "i.json",
            "{\"users\": [{\"kind\": \"anonymous\"},\n{}]}",
            2,
            "users[1]",
        ),
    ] {
        let (_folder, file) = seed(name, text);
        let output = run(
            bridge(&["local", "--listen", "127.0.0.1:0", "--json", "--seed", &file]),
            None,
        )
        .await;
        assert_eq!(exit(&output), 2, "{name}");
        let error = &json_of(&output)["error"];
        assert_eq!(error["code"], "invalid_seed", "{name}");
        let message = error["message"].as_str().expect("a text");
        assert!(message.contains(&format!("{name}, line {line}: ")), "{message}");
        assert!(message.contains(place), "{message}");
        assert!(!stdout(&output).contains("hunter"), "{message}");
    }
}

#[tokio::test]
async fn a_restart_goes_on_with_the_same_project_users_and_sessions() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let data = data.to_str().expect("UTF-8");
    let (_seed, file) = seed(
        "seed.toml",
        "[[users]]\nemail = \"eve@example.com\"\npassword = \"correct horse\"",
    );
    let (_wrong, wrong) = seed(
        "wrong.toml",
        "[[users]]\nemail = \"eve@example.com\"\npassword = \"short\"",
    );
    let mut command = bridge(&["local", "--listen", "127.0.0.1:0", "--json"]);
    command.args(["--data", data, "--seed", &wrong]);
    assert_eq!(exit(&run(command, None).await), 2, "and nothing of it is left");
    let first = Local::start(&["--data", data, "--seed", &file]);
    let eve = json!({ "email": "eve@example.com", "password": PASSWORD });
    let answer = first.post("/auth/password/sign-in", eve).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let answer = first.post("/auth/password/sign-up", body.clone()).await;
    let tokens: Value = answer.json().await.expect("JSON");

    let output = run(
        bridge(&["local", "--listen", "127.0.0.1:0", "--json", "--data", data]),
        None,
    )
    .await;
    assert_eq!(exit(&output), 2);
    assert_eq!(json_of(&output)["error"]["code"], "data_unusable");

    // A program that is killed has nothing left to say.
    let before = first.first_line.clone();
    first.end("-KILL");
    let second = Local::start(&["--data", data, "--seed", &file]);
    for member in ["projectId", "publishableClientKey", "secretServerKey"] {
        assert_eq!(second.first_line[member], before[member], "{member}");
    }
    let answer = second.post("/auth/password/sign-in", body).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let user: Value = answer.json().await.expect("JSON");
    assert_eq!(user["user_id"], tokens["user_id"]);
    let client = Client::builder().no_proxy().build().expect("a client");
    let refreshed = client
        .post(format!(
            "{}/api/v1/auth/sessions/current/refresh",
            second.has("apiUrl")
        ))
        .header("x-stack-access-type", "client")
        .header("x-stack-project-id", second.has("projectId"))
        .header(
            "x-stack-refresh-token",
            tokens["refresh_token"].as_str().expect("a token"),
        )
        .send()
        .await
        .expect("an answer");
    assert_eq!(refreshed.status(), StatusCode::OK);
    let (code, _, log) = second.end("-TERM");
    assert_eq!(code, Some(0));
    assert!(log.contains("--seed is left out"), "{log}");
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_reads_the_data_and_what_is_no_state_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().to_str().expect("UTF-8");
    drop(Local::start(&["--data", data]));
    let file = folder.path().join("hexclave.json");
    let mode = std::fs::metadata(&file).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).expect("a state");

    for wrong in [
        text.replace("\"version\":1", "\"version\":2"),
        text.chars().take(text.len() / 2).collect(),
        "{}".to_owned(),
    ] {
        std::fs::write(&file, &wrong).expect("a file");
        let output = run(
            bridge(&["local", "--listen", "127.0.0.1:0", "--json", "--data", data]),
            None,
        )
        .await;
        assert_eq!(exit(&output), 2);
        assert_eq!(json_of(&output)["error"]["code"], "data_unusable");
        assert_eq!(
            std::fs::read_to_string(&file).expect("a file"),
            wrong,
            "it is left as it was"
        );
    }
}
