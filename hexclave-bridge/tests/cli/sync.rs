//! `supabase sync`.

use std::process::Command;

use hexclave_testkit::{hexclave::LocalHexclave, postgres::Database};
use serde_json::json;

use crate::{
    PASSWORD, at, exit, hexclave, json_of, run, stderr, stdout,
    supabase::{database, owner_url},
};

fn sync(hexclave: &LocalHexclave, database: &Database, args: &[&str]) -> Command {
    let mut command = at(hexclave, &["supabase", "sync"]);
    let key = hexclave.config().secret_server_key().expect("a key");
    command
        .args(args)
        .env("HEXCLAVE_SECRET_SERVER_KEY", key.expose())
        .env("SUPABASE_DB_URL", owner_url(database));
    command
}

#[tokio::test]
async fn the_table_has_the_users_that_hexclave_has() {
    let hexclave = hexclave().await;
    let ada = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    hexclave.sign_up_anonymously().await.expect("tokens");
    let database = database("create schema app");
    let in_app = ["--users-table", "app.people", "--json"];

    let output = run(sync(&hexclave, &database, &in_app), None).await;
    assert_eq!(
        (exit(&output), &json_of(&output)["error"]["code"]),
        (2, &json!("table_mismatch"))
    );

    let mut create = sync(&hexclave, &database, &in_app);
    create.arg("--create");
    let output = run(create, None).await;
    assert_eq!(exit(&output), 0, "{}", stdout(&output));
    let report = json_of(&output);
    assert_eq!((&report["users"], &report["added"]), (&json!(2), &json!(2)));
    assert!(
        stderr(&output).contains("2 users read"),
        "plain lines: {}",
        stderr(&output)
    );

    hexclave
        .sign_up("grace@example.com", PASSWORD)
        .await
        .expect("tokens");
    let output = run(sync(&hexclave, &database, &["--users-table", "app.people"]), None).await;
    assert_eq!(stdout(&output), "3 users: 1 added, 0 changed, 0 removed\n");
    let client = database.connect_as_owner().await.expect("a connection");
    let email: String = client
        .query_one(
            "select primary_email from app.people where id::text = $1",
            &[&ada.user_id.to_string()],
        )
        .await
        .expect("a row")
        .get(0);
    assert_eq!(email, "ada@example.com");
}

#[tokio::test]
async fn its_sql_makes_the_table_and_trouble_is_told_apart() {
    let hexclave = hexclave().await;
    let database = database("");
    let output = run(at(&hexclave, &["supabase", "sync", "--sql"]), None).await;
    assert_eq!(exit(&output), 0, "{}", stderr(&output));
    database.execute(&stdout(&output)).expect("the table");
    assert_eq!(exit(&run(sync(&hexclave, &database, &[]), None).await), 0);

    let mut wrong_key = sync(&hexclave, &database, &["--json"]);
    wrong_key.env("HEXCLAVE_SECRET_SERVER_KEY", "ssk_hunter2hunter2");
    let output = run(wrong_key, None).await;
    assert_eq!(exit(&output), 2, "{}", stdout(&output));
    assert!(!stdout(&output).contains("hunter2"), "{}", stdout(&output));
    let mut no_key = sync(&hexclave, &database, &[]);
    no_key.env_remove("HEXCLAVE_SECRET_SERVER_KEY");
    assert_eq!(exit(&run(no_key, None).await), 2);

    let mut nowhere = sync(&hexclave, &database, &["--json"]);
    nowhere.env("SUPABASE_DB_URL", "postgresql://u:p@127.0.0.1:9/d");
    let output = run(nowhere, None).await;
    assert_eq!(
        (exit(&output), &json_of(&output)["error"]["code"]),
        (3, &json!("database_unreachable"))
    );
}
