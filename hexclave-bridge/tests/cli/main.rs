//! The program as a script sees it: output, errors, exit codes.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod convex;
mod convex_app;
mod doctor;
mod helper;
mod local;
mod matrix;
mod serve;
mod session;
mod settings;
mod shell;
mod supabase;
mod sync;
mod verify;
mod webhooks;

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
    sync::Arc,
};

use hexclave_core::ProjectConfig;
use hexclave_testkit::{
    TestClock,
    hexclave::{Issuer, LocalHexclave, ServerSecret, Subject},
};
use serde_json::{Value, json};

const PROJECT: &str = "11111111-2222-4333-8444-555555555555";
const SERVER_SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const JWT_SECRET: &str = "super-secret-jwt-token-with-at-least-32-characters-long";
const PASSWORD: &str = "correct horse";

/// The program with nothing of Hexclave or Supabase in its environment.
fn bridge(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hexclave-bridge"));
    for (name, _) in std::env::vars() {
        if ["HEXCLAVE", "STACK", "SUPABASE"]
            .iter()
            .any(|brand| name.contains(brand))
            && !name.starts_with("HEXCLAVE_TEST_")
        {
            command.env_remove(name);
        }
    }
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs the program where it does not keep the local Hexclave from answering.
async fn run(mut command: Command, stdin: Option<String>) -> Output {
    let running = tokio::task::spawn_blocking(move || {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if stdin.is_some() {
            command.stdin(Stdio::piped());
        }
        let mut child = command.spawn().expect("the program starts");
        if let (Some(text), Some(mut pipe)) = (stdin, child.stdin.take()) {
            // It need not read all of what is too long.
            let _ = pipe.write_all(text.as_bytes());
        }
        child.wait_with_output().expect("the program ends")
    });
    running.await.expect("an output")
}

fn exit(output: &Output) -> i32 {
    output.status.code().expect("an exit code")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

fn json_of(output: &Output) -> Value {
    serde_json::from_str(&stdout(output)).expect("JSON on standard output")
}

async fn hexclave() -> LocalHexclave {
    LocalHexclave::builder()
        .project_id(PROJECT.parse().expect("a project"))
        .server_secret(ServerSecret::new(SERVER_SECRET).expect("a secret"))
        .require_email_verification(true)
        .start()
        .await
        .expect("a server")
}

/// `verify` and `supabase token` against a local Hexclave.
fn at(hexclave: &LocalHexclave, args: &[&str]) -> Command {
    let mut command = bridge(args);
    command.args([
        "--project-id",
        PROJECT,
        "--api-url",
        hexclave.config().api_url().as_str(),
    ]);
    command
}

async fn normal_user(hexclave: &LocalHexclave) -> (String, String) {
    let tokens = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    hexclave.verify_email(tokens.user_id).expect("an address");
    let tokens = hexclave
        .sign_in("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    (
        tokens.access_token.expose().to_owned(),
        tokens.user_id.to_string(),
    )
}

#[tokio::test]
async fn verify_takes_the_token_from_an_argument_or_standard_input() {
    let hexclave = hexclave().await;
    let (token, user_id) = normal_user(&hexclave).await;
    let mut by_argument = at(&hexclave, &["verify", "--json"]);
    by_argument.arg(&token);
    let mut by_dash = at(&hexclave, &["verify", "--json"]);
    by_dash.arg("-");
    let by_nothing = at(&hexclave, &["verify", "--json"]);
    for (command, stdin) in [
        (by_argument, None),
        (by_dash, Some(format!("{token}\n"))),
        (by_nothing, Some(format!("  {token}\r\n"))),
    ] {
        let output = run(command, stdin).await;
        assert_eq!(exit(&output), 0, "{}", stderr(&output));
        let user = &json_of(&output)["user"];
        assert_eq!(user["id"], user_id);
        assert_eq!(user["kind"], "normal");
        assert_eq!(user["email"], "ada@example.com");
        assert_eq!(user["emailVerified"], true);
    }

    let output = run(at(&hexclave, &["verify"]), Some(token)).await;
    assert!(
        stdout(&output).starts_with(&format!("normal user {user_id}\n")),
        "{}",
        stdout(&output)
    );
    assert!(!stdout(&output).contains('\u{1b}'), "colours are for terminals");
}

#[tokio::test]
async fn the_environment_names_the_project() {
    let hexclave = hexclave().await;
    let (token, _) = normal_user(&hexclave).await;
    let mut command = bridge(&["verify"]);
    command
        .env("STACK_PROJECT_ID", PROJECT)
        .env("HEXCLAVE_PROJECT_ID", "")
        .env("HEXCLAVE_API_URL", hexclave.config().api_url().as_str());
    assert_eq!(exit(&run(command, Some(token)).await), 0);
}

#[tokio::test]
async fn exit_codes_tell_refused_from_misused_from_unchecked() {
    let hexclave = hexclave().await;
    let (token, _) = normal_user(&hexclave).await;
    let guest = hexclave.sign_up_anonymously().await.expect("tokens").access_token;
    let nowhere = ["--project-id", PROJECT, "--api-url", "http://127.0.0.1:9"];
    let elsewhere = issuer("http://127.0.0.1:9")
        .token(&Subject::new("ada@example.com"), now())
        .expect("a token");

    for (name, command, stdin, code, error) in [
        (
            "garbage",
            at(&hexclave, &["verify", "--json", "garbage"]),
            None,
            1,
            "token_malformed",
        ),
        (
            "empty",
            at(&hexclave, &["verify", "--json", ""]),
            None,
            1,
            "token_missing",
        ),
        (
            "empty input",
            at(&hexclave, &["verify", "--json"]),
            Some(String::new()),
            1,
            "token_missing",
        ),
        (
            "too long",
            at(&hexclave, &["verify", "--json"]),
            Some("a".repeat(100_000)),
            1,
            "token_too_large",
        ),
        (
            "a guest",
            at(&hexclave, &["verify", "--json", guest.expose()]),
            None,
            1,
            "kind_not_accepted",
        ),
        (
            "no project",
            bridge(&["verify", "--json", &token]),
            None,
            2,
            "invalid_config",
        ),
        (
            "no key server",
            {
                let mut command = bridge(&["verify", "--json", &elsewhere]);
                command.args(nowhere);
                command
            },
            None,
            3,
            "keys_unavailable",
        ),
        (
            "no Supabase secret",
            at(&hexclave, &["supabase", "token", "--json", &token]),
            None,
            2,
            "invalid_secret",
        ),
    ] {
        let output = run(command, stdin).await;
        assert_eq!(exit(&output), code, "{name}: {}", stderr(&output));
        let report = json_of(&output);
        assert_eq!(report["error"]["code"], error, "{name}");
        assert!(
            report["error"]["message"].as_str().expect("a text").len() > 10,
            "{name}"
        );
        assert_eq!(report.as_object().expect("an object").len(), 1, "{name}");
    }

    for (args, said) in [
        (&["verify", "--json", "--allow", "everybody"][..], "everybody"),
        (&["verify", "--json", "--frobnicate"], "'--frobnicate'"),
        (&["supabase", "lint", "--fail-on", "x", "--json"], "--fail-on"),
    ] {
        let output = run(bridge(args), None).await;
        assert_eq!((exit(&output), stderr(&output).as_str()), (2, ""), "{args:?}");
        let error = &json_of(&output)["error"];
        let message = error["message"].as_str().expect("a text");
        assert_eq!(error["code"], "invalid_usage", "{args:?}");
        assert!(
            message.contains(said) && !message.contains("Usage:") && !message.contains('\n'),
            "{message}"
        );
    }

    let output = run(at(&hexclave, &["verify", guest.expose()]), None).await;
    assert_eq!((exit(&output), stdout(&output)), (1, String::new()));
    assert!(stderr(&output).contains("error (kind_not_accepted)") && stderr(&output).contains("--allow"));

    for args in [
        &["verify", "--allow", "everybody", "x"][..],
        &["verify", "--project-id", "x/y", "x"],
        &["verify", "--api-url", "http://example.com", "x"],
        &["verify", "--api-url", "https://ada:hunter2@example.com", "x"],
        &["convex", "auth-config", "--format", "yaml"],
        &["frobnicate"],
        &[],
    ] {
        let output = run(bridge(args), None).await;
        assert_eq!(exit(&output), 2, "{args:?}");
        let text = stderr(&output);
        assert!(!text.is_empty() && !text.contains("hunter2"), "{args:?}: {text}");
    }
}

#[tokio::test]
async fn convex_configuration_is_printed_or_written_and_never_over_a_strangers_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("auth.config.ts");
    let path = file.to_str().expect("UTF-8");
    let emit = |args: &[&str]| {
        let mut command = bridge(&["convex", "auth-config", "--offline", "--project-id", PROJECT]);
        command.args(args);
        run(command, None)
    };

    let printed = emit(&[]).await;
    assert!(stdout(&printed).contains("satisfies AuthConfig"));
    assert!(
        stdout(&printed).contains("https://api.stack-auth.com/api/v1/projects/"),
        "the alias too"
    );

    for _ in 0..2 {
        let output = emit(&["--out", path]).await;
        assert_eq!(
            (exit(&output), stdout(&output)),
            (0, String::new()),
            "{}",
            stderr(&output)
        );
        assert_eq!(std::fs::read_to_string(&file).expect("a file"), stdout(&printed));
    }
    std::fs::write(&file, "export default { providers: [] };\n").expect("a file");
    let output = emit(&["--out", path]).await;
    assert_eq!(exit(&output), 2);
    assert!(stderr(&output).contains("--force"), "{}", stderr(&output));
    assert_eq!(exit(&emit(&["--out", path, "--force"]).await), 0);

    let output = emit(&["--format", "json", "--kinds", "normal,anonymous"]).await;
    let providers = json_of(&output)["providers"].as_array().expect("a list").len();
    assert_eq!(providers, 4, "two hosts, two kinds");
    let missing = emit(&[
        "--out",
        folder.path().join("no/such/folder").to_str().expect("UTF-8"),
    ])
    .await;
    assert_eq!(exit(&missing), 2);
}

fn issuer(api_url: &str) -> Issuer {
    let config = ProjectConfig::builder()
        .project_id(PROJECT.parse().expect("a project"))
        .api_url(api_url.parse().expect("a URL"))
        .build()
        .expect("a config");
    Issuer::new(&ServerSecret::new(SERVER_SECRET).expect("a secret"), config).expect("an issuer")
}

fn now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.expect("after 1970").as_secs()
}

async fn identity(config: &Path, now: &str, token: String) -> Output {
    let mut command = bridge(&["convex", "identity", "--now", now, "--convex-config"]);
    command.arg(config);
    run(command, Some(token)).await
}

#[tokio::test]
async fn convex_identity_is_what_a_function_would_see() {
    const NOW: u64 = 1_795_300_079;
    let clock = Arc::new(TestClock::at(NOW));
    let hexclave = LocalHexclave::builder()
        .project_id(PROJECT.parse().expect("a project"))
        .server_secret(ServerSecret::new(SERVER_SECRET).expect("a secret"))
        .clock(clock)
        .start()
        .await
        .expect("a server");
    let tokens = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    let token = tokens.access_token.expose().to_owned();
    let api_url = hexclave.config().api_url().as_str();

    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("auth.config.json");
    let mut command = bridge(&["convex", "auth-config", "--format", "json", "--out"]);
    command
        .arg(&config)
        .args(["--project-id", PROJECT, "--api-url", api_url]);
    assert_eq!(exit(&run(command, None).await), 0);

    let output = identity(&config, "1795300080", token.clone()).await;
    assert_eq!(exit(&output), 0, "{}", stdout(&output));
    let issuer = format!("{api_url}/api/v1/projects/{PROJECT}");
    let seen = json_of(&output);
    assert_eq!(seen["tokenIdentifier"], format!("{issuer}|{}", tokens.user_id));
    assert_eq!(seen["issuer"], issuer);
    assert_eq!(seen["email"], "ada@example.com");
    assert!(seen.get("aud").is_none() && seen.get("exp").is_none());
    assert!(
        stdout(&output).starts_with("{\"tokenIdentifier\":"),
        "one line, Convex's order"
    );

    for (now, token, code, status, exit_code) in [
        (NOW + 700, token.clone(), "InvalidAuthHeader", 401, 1),
        (NOW, "garbage".into(), "InvalidAuthHeader", 401, 1),
        (NOW, issuer_elsewhere_token(NOW), "NoAuthProvider", 401, 1),
    ] {
        let output = identity(&config, &now.to_string(), token).await;
        assert_eq!(exit(&output), exit_code);
        let error = &json_of(&output)["error"];
        assert_eq!(
            (&error["code"], &error["httpStatus"]),
            (&json!(code), &json!(status))
        );
    }

    drop(hexclave);
    let unreachable = folder.path().join("unreachable.json");
    let provider = json!([{
        "type": "customJwt",
        "applicationID": PROJECT,
        "issuer": issuer,
        "jwks": "http://127.0.0.1:9/jwks.json",
        "algorithm": "ES256",
    }]);
    std::fs::write(&unreachable, provider.to_string()).expect("a file");
    assert_eq!(
        exit(&identity(&unreachable, "1795300080", token.clone()).await),
        1,
        "this is what Convex would say"
    );

    let broken = folder.path().join("broken.json");
    std::fs::write(&broken, r#"{"providers":[{"type":"customJwt"}]}"#).expect("a file");
    let refused = identity(&broken, "1795300080", token.clone()).await;
    assert_eq!(exit(&refused), 1);
    let error = &json_of(&refused)["error"];
    assert_eq!(
        (&error["code"], &error["httpStatus"]),
        (&json!("AuthConfigNotMatchingSchemaError"), &json!(400))
    );
    let missing = identity(&folder.path().join("missing.json"), "1795300080", token.clone()).await;
    assert_eq!(exit(&missing), 2);
}

fn issuer_elsewhere_token(now: u64) -> String {
    let token = issuer("https://elsewhere.example.com").token(&Subject::new("ada@example.com"), now);
    token.expect("a token")
}

#[tokio::test]
async fn the_demo_shows_who_sees_what() {
    let output = run(bridge(&["demo", "--json"]), None).await;
    assert_eq!(exit(&output), 0, "{}", stderr(&output));
    let report = json_of(&output);
    let visitors = report["visitors"].as_array().expect("a list");
    let seen: Vec<_> = visitors
        .iter()
        .map(|visitor| (&visitor["kind"], &visitor["rows"]))
        .collect();
    assert_eq!(
        seen,
        [
            (&json!("normal"), &json!([1, 2])),
            (&json!("normal"), &json!([1, 2, 3])),
            (&json!("restricted"), &json!([1])),
            (&json!("anonymous"), &json!([1])),
            (&Value::Null, &json!([1])),
        ]
    );
    let refusals: Vec<_> = visitors
        .iter()
        .map(|visitor| &visitor["supabaseToken"]["error"]["code"])
        .collect();
    let refused = json!("kind_not_accepted");
    assert_eq!(
        refusals,
        [&Value::Null, &Value::Null, &refused, &refused, &Value::Null]
    );
    assert_eq!(
        report["convex"]["authConfig"]["providers"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    assert_eq!(report["convex"]["identity"]["email"], "ada@example.com");
    assert!(!stdout(&output).contains("eyJ"), "no token is shown");

    let output = run(bridge(&["demo"]), None).await;
    assert_eq!(exit(&output), 0, "{}", stderr(&output));
    let text = stdout(&output);
    for line in [
        "Grace, who owns row 3",
        "1, 2, 3",
        "satisfies AuthConfig",
        "getUserIdentity",
        "HEXCLAVE_PROJECT_ID",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert!(!text.contains("eyJ") && !text.contains('\u{1b}'), "{text}");
}
