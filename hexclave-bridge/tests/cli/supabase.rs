//! `supabase token`, `lint`, `policies` and `jwks`.

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::{Command, Output},
    thread,
};

use hexclave_core::KeySet;
use hexclave_testkit::postgres::{Database, Postgres};
use serde_json::{Value, json};
use tokio_postgres::{Config, config::Host};

use crate::{JWT_SECRET, PROJECT, at, bridge, exit, hexclave, json_of, normal_user, run, stderr, stdout};

#[tokio::test]
async fn supabase_tokens_are_minted_for_those_who_are_let_in() {
    let hexclave = hexclave().await;
    let (token, user_id) = normal_user(&hexclave).await;
    let mut command = at(&hexclave, &["supabase", "token"]);
    command.env("SUPABASE_JWT_SECRET", JWT_SECRET);
    let output = run(command, Some(token)).await;
    assert_eq!(exit(&output), 0, "{}", stderr(&output));
    let minted = stdout(&output);
    assert!(minted.starts_with("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOi") && minted.ends_with('\n'));
    assert_eq!(minted.trim_end().split('.').count(), 3);

    let guest = hexclave.sign_up_anonymously().await.expect("tokens");
    for (allow, code) in [("normal", 1), ("normal,anonymous", 0)] {
        let mut command = at(&hexclave, &["supabase", "token", "--json", "--allow", allow]);
        command.env("SUPABASE_JWT_SECRET", JWT_SECRET);
        let output = run(command, Some(guest.access_token.expose().to_owned())).await;
        assert_eq!(exit(&output), code, "{allow}");
        if code == 0 {
            assert_eq!(json_of(&output)["userId"], guest.user_id.to_string());
        }
    }
    assert_ne!(user_id, guest.user_id.to_string());

    let mut command = at(&hexclave, &["supabase", "token", "x"]);
    command.env("SUPABASE_JWT_SECRET", "hunter2\n");
    let output = run(command, None).await;
    assert_eq!(exit(&output), 2);
    assert!(!stderr(&output).contains("hunter2"), "{}", stderr(&output));
}

pub(crate) fn database(sql: &str) -> Database {
    let database = Postgres::shared().and_then(|postgres| postgres.database());
    let database = database.expect("a database");
    database.execute(sql).expect("a schema");
    database
}

/// The URL with which the API's role logs in.
pub(crate) fn url(database: &Database) -> String {
    url_of(&database.authenticator_config())
}

/// The URL with which the owner logs in.
pub(crate) fn owner_url(database: &Database) -> String {
    url_of(&database.config())
}

fn url_of(config: &Config) -> String {
    let password = config
        .get_password()
        .map(String::from_utf8_lossy)
        .unwrap_or_default();
    let host = match &config.get_hosts()[0] {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.to_str().expect("UTF-8").replace('/', "%2F"),
    };
    format!(
        "postgresql://{}:{password}@{host}:{}/{}",
        config.get_user().expect("a user"),
        config.get_ports().first().unwrap_or(&5432),
        config.get_dbname().expect("a name"),
    )
}

async fn lint(database: &Database, args: &[&str]) -> Output {
    let mut command = bridge(&["supabase", "lint"]);
    command.args(args).env("SUPABASE_DB_URL", url(database));
    run(command, None).await
}

#[tokio::test]
async fn the_linter_tells_by_its_exit_code_how_bad_it_is() {
    let open = database("create table notes (id int); create schema app;");
    for (args, code) in [
        (&[][..], 1),
        (&["--fail-on", "never"], 0),
        (&["--fail-on", "info"], 1),
        (&["--schemas", "app"], 0),
        (&["--schemas", "app, public"], 1),
        (&["--schemas", "aap"], 2),
        (&["--fail-on", "bad"], 2),
    ] {
        let output = lint(&open, args).await;
        assert_eq!(exit(&output), code, "{args:?}: {}", stderr(&output));
    }
    let output = lint(&open, &["--json"]).await;
    let findings = json_of(&output)["findings"].as_array().expect("a list").clone();
    let finding = findings
        .iter()
        .find(|finding| finding["rule"] == "rls_disabled")
        .expect("a finding");
    assert_eq!(finding["severity"], "error");
    assert_eq!(finding["object"], "public.notes");
    assert_eq!(
        finding["fix"],
        "ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;"
    );

    let output = lint(&open, &[]).await;
    let text = stdout(&output);
    assert!(
        text.lines()
            .any(|line| line.starts_with(" error") && line.contains("public.notes")),
        "{text}"
    );
    assert!(
        text.contains("\nALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;\n"),
        "{text}"
    );
    assert!(
        text.ends_with("1 error, 0 warnings, 0 info in public\n") && !text.contains('\u{1b}'),
        "{text}"
    );

    let mended = database("create table notes (id int primary key, owner uuid not null default auth.uid())");
    let output = run(
        bridge(&[
            "supabase",
            "policies",
            "notes",
            "--owner",
            "owner",
            "--refuse-anonymous",
        ]),
        None,
    );
    mended.execute(&stdout(&output.await)).expect("policies");
    let output = lint(&mended, &["--fail-on", "info"]).await;
    assert_eq!(
        (exit(&output), stdout(&output)),
        (0, "nothing found in public\n".to_owned())
    );
}

/// A server that answers what begins each connection with one byte: `N`, no TLS here.
fn server_without_tls() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        stream.read_exact(&mut [0; 8]).expect("a request for TLS");
        stream.write_all(b"N").expect("an answer");
    });
    port
}

#[tokio::test]
async fn a_database_that_cannot_be_looked_at_is_told_from_a_bad_one() {
    let database = database("");
    let right = url(&database);
    let wrong_name = right.replace(database.name(), "hexclave_no_such");
    let without_tls = format!(
        "postgresql://u:hunter2@127.0.0.1:{}/d?sslmode=require",
        server_without_tls()
    );
    for (url, code, error) in [
        ("", 2, "invalid_config"),
        ("localhost:5432 hunter2", 2, "invalid_config"),
        ("postgresql://u:hunter2@127.0.0.1:9/d", 3, "database_unreachable"),
        (&without_tls, 3, "database_unreachable"),
        (&wrong_name, 2, "database_refused"),
    ] {
        for json in [true, false] {
            let mut command = bridge(&["supabase", "lint"]);
            command.env("SUPABASE_DB_URL", url);
            if json {
                command.arg("--json");
            }
            let output = run(command, None).await;
            assert_eq!(exit(&output), code, "{}", stderr(&output));
            let text = if json { stdout(&output) } else { stderr(&output) };
            assert!(text.contains(error) && !text.contains("hunter2"), "{text}");
        }
    }

    let folder = tempfile::tempdir().expect("a folder");
    let ca = folder.path().join("ca.crt");
    std::fs::write(&ca, "no certificate").expect("a file");
    let mut command = bridge(&[
        "supabase",
        "lint",
        "--database-url-file",
        "-",
        "--database-ca-file",
    ]);
    command.arg(&ca);
    let output = run(command, Some("postgresql://u:p@db.invalid/d\n".to_owned())).await;
    assert_eq!(exit(&output), 2);
    assert!(
        stderr(&output).contains("ca.crt holds no certificate"),
        "{}",
        stderr(&output)
    );
}

#[tokio::test]
async fn policies_are_written_for_each_shape() {
    let sql = |args: &'static [&'static str]| async move {
        let mut command = bridge(&["supabase", "policies"]);
        command.args(args);
        run(command, None).await
    };
    let output = sql(&[
        "app.notes",
        "--public-read",
        "--owner",
        "owner",
        "--owner-reads",
        "reader:text",
        "--team",
        "team:uuid",
        "--require-mfa",
        "--json",
    ])
    .await;
    assert_eq!(exit(&output), 0, "{}", stderr(&output));
    let text = json_of(&output)["sql"].as_str().expect("a text").to_owned();
    for part in [
        "ON \"app\".\"notes\" FOR UPDATE",
        "\"owner\" = (SELECT auth.uid())",
        "app_metadata,teams",
        "everybody reads",
        "aal2",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let selected = sql(&["notes", "--team-reads", "team", "--selected-team"]).await;
    assert!(stdout(&selected).contains("selected_team_id") && !stdout(&selected).contains("FOR UPDATE"));
    let guide = sql(&["--guide"]).await;
    assert!(stdout(&guide).contains("CREATE TABLE"), "{}", stdout(&guide));
    for args in [
        &[][..],
        &["notes", "--owner", "owner:int"],
        &["notes", "--guide"],
        &["notes", "--owner", ""],
    ] {
        assert_eq!(exit(&sql(args).await), 2, "{args:?}");
    }
}

fn jwks(hexclave: &hexclave_testkit::hexclave::LocalHexclave, args: &[&str]) -> Command {
    let mut command = at(hexclave, &["supabase", "jwks"]);
    command.args(args);
    command
}

#[tokio::test]
async fn supabase_gets_hexclaves_keys() {
    let hexclave = hexclave().await;
    let keys = |document: &Value| document["keys"].as_array().expect("a list").len();

    let output = run(jwks(&hexclave, &[]), None).await;
    assert_eq!(exit(&output), 0, "{}", stdout(&output));
    let document = json_of(&output)["custom_jwks"].clone();
    let normal = keys(&document);
    assert!(KeySet::from_json(document.to_string().as_bytes()).is_ok());
    let output = run(jwks(&hexclave, &["--allow", "normal,anonymous"]), None).await;
    assert!(keys(&json_of(&output)["custom_jwks"]) > normal);

    let mut command = jwks(&hexclave, &["--for", "self-hosted", "--with-jwt-secret"]);
    command.env("SUPABASE_JWT_SECRET", JWT_SECRET);
    let document = json_of(&run(command, None).await);
    assert_eq!(keys(&document), normal + 1);
    assert!(
        document["keys"]
            .as_array()
            .expect("a list")
            .iter()
            .any(|key| key["kty"] == "oct")
    );
    let without = json_of(&run(jwks(&hexclave, &["--for", "self-hosted"]), None).await);
    assert_eq!(keys(&without), normal);

    let mut command = jwks(&hexclave, &["--with-jwt-secret"]);
    command.env("SUPABASE_JWT_SECRET", JWT_SECRET);
    let output = run(command, None).await;
    assert_eq!(
        (exit(&output), &json_of(&output)["error"]["code"]),
        (2, &json!("invalid_config"))
    );
    let nowhere = [
        "supabase",
        "jwks",
        "--project-id",
        PROJECT,
        "--api-url",
        "http://127.0.0.1:9",
    ];
    let output = run(bridge(&nowhere), None).await;
    assert_eq!(
        (exit(&output), &json_of(&output)["error"]["code"]),
        (3, &json!("keys_unavailable"))
    );
}
