//! `supabase matrix`.

use std::{fs, process::Output};

use hexclave_supabase::inspect::matrix::{AccessMatrix, Command};
use hexclave_testkit::postgres::Database;

use crate::{
    bridge, exit, json_of, run, stderr, stdout,
    supabase::{database, owner_url},
};

const ADA: &str = "11111111-1111-4111-8111-111111111111";
const NOTES: &str = "
    create table notes (id int primary key, owner uuid);
    insert into notes values (1, null), (2, '11111111-1111-4111-8111-111111111111');
    alter table notes enable row level security;
    grant select, update on notes to authenticated;
    create policy own on notes for select to authenticated using (owner = (select auth.uid()));
    create schema empty;";

async fn matrix(database: &Database, args: &[&str]) -> Output {
    let mut command = bridge(&["supabase", "matrix"]);
    command.args(args).env("SUPABASE_DB_URL", owner_url(database));
    run(command, None).await
}

#[tokio::test]
async fn it_shows_who_reaches_which_rows() {
    let database = database(NOTES);
    let output = matrix(&database, &["--json", "--user", &format!("ada={ADA}")]).await;
    assert_eq!(exit(&output), 0, "{}", stderr(&output));
    assert!(
        stderr(&output).lines().any(|line| line == "public.notes"),
        "{}",
        stderr(&output)
    );
    let names: Vec<_> = json_of(&output)["identities"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|identity| identity["name"].as_str().expect("a text").to_owned())
        .collect();
    assert_eq!(names, ["signed out", "ada"]);
    let read = AccessMatrix::from_json(&stdout(&output)).expect("a matrix");
    let selects = |identity| {
        read.cell("public.notes", identity, Command::Select)
            .expect("a cell")
            .count()
    };
    assert_eq!((selects("ada"), selects("signed out")), (1, 0));

    let output = matrix(&database, &[]).await;
    let text = stdout(&output);
    for part in ["public.notes", "signed out", "signed in", "guest"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        !text.contains('\u{1b}') && !stderr(&output).contains('\u{1b}'),
        "colours and bars are for terminals"
    );
    let rows = run_count(&database).await;
    assert_eq!(rows, 2, "nothing is changed");
}

async fn run_count(database: &Database) -> i64 {
    let client = database.connect_as_owner().await.expect("a connection");
    client
        .query_one("select count(*) from notes", &[])
        .await
        .expect("a row")
        .get(0)
}

#[tokio::test]
async fn a_saved_matrix_is_compared_by_exit_code() {
    let database = database(NOTES);
    let folder = tempfile::tempdir().expect("a folder");
    let saved = folder.path().join("access.json");
    let path = saved.to_str().expect("UTF-8");
    let identity = format!("ada={ADA}");
    let with = |more: &[&'static str]| {
        let mut args = vec!["--user".to_owned(), identity.clone()];
        args.extend(more.iter().map(|arg| (*arg).replace("SAVED", path)));
        args
    };
    let run_with = |more: &[&'static str]| {
        let args = with(more);
        let database = &database;
        async move {
            let args: Vec<_> = args.iter().map(String::as_str).collect();
            matrix(database, &args).await
        }
    };
    assert_eq!(exit(&run_with(&["--format", "json", "--out", "SAVED"]).await), 0);
    assert_eq!(exit(&run_with(&["--compare", "SAVED"]).await), 0);

    database.execute("drop policy own on notes").expect("SQL");
    for (args, code) in [
        (&["--compare", "SAVED"][..], 1),
        (&["--compare", "SAVED", "--allow-narrower"], 0),
    ] {
        let output = run_with(args).await;
        assert_eq!(exit(&output), code, "{args:?}: {}", stderr(&output));
    }
    database
        .execute("create policy every on notes for select to authenticated using (true)")
        .expect("SQL");
    let output = run_with(&["--compare", "SAVED", "--allow-narrower"]).await;
    assert_eq!(exit(&output), 1);
    assert!(stderr(&output).contains("public.notes"), "{}", stderr(&output));

    fs::write(&saved, "{}").expect("a file");
    assert_eq!(exit(&run_with(&["--compare", "SAVED"]).await), 2);
}

#[tokio::test]
async fn what_cannot_be_tried_is_explained() {
    let database = database(NOTES);
    let folder = tempfile::tempdir().expect("a folder");
    let claims = folder.path().join("claims.json");
    fs::write(&claims, "[\"hunter2\"]").expect("a file");
    let claims = format!("eve={}", claims.display());
    for (args, code) in [
        (&["--user", "ada"][..], 2),
        (&["--user", "ada=1"], 2),
        (&["--claims", &claims], 2),
        (&["--table", "nothing"], 2),
        (&["--schemas", "nothing"], 2),
        (&["--prepare", "/no/such/file.sql"], 2),
        (&["--table", "notes", "--format", "html"], 0),
        (
            &["--table", "public.notes", "--format", "markdown", "--sample", "0"],
            0,
        ),
    ] {
        let output = matrix(&database, args).await;
        assert_eq!(exit(&output), code, "{args:?}: {}", stderr(&output));
        assert!(!stderr(&output).contains("hunter2"), "{}", stderr(&output));
    }
}
