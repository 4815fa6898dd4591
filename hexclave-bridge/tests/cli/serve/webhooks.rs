//! Webhooks, from a local Hexclave into a real database.

use hexclave_testkit::hexclave::{DeliveryOrder, LocalHexclave, WebhookSecret};
use serde_json::{Value, json};

use super::{client, service::Service};
use crate::{
    exit, hexclave, json_of, run,
    supabase::{database, url},
};

async fn receiver(hexclave: &LocalHexclave, secret: &WebhookSecret, database_url: &str) -> Service {
    let key = hexclave
        .config()
        .secret_server_key()
        .expect("a key")
        .expose()
        .to_owned();
    Service::of(hexclave, |command| {
        command
            .env("HEXCLAVE_WEBHOOK_SECRET", secret.expose())
            .env("HEXCLAVE_SECRET_SERVER_KEY", key)
            .env("SUPABASE_DB_URL", database_url)
            .args(["--users-table", "app.people"]);
    })
    .await
}

async fn statuses(hexclave: &LocalHexclave) -> Vec<Option<u16>> {
    let attempts = hexclave.deliver_webhooks(DeliveryOrder::AsHappened).await;
    attempts.into_iter().map(|attempt| attempt.status).collect()
}

#[tokio::test]
async fn users_come_into_the_table_once_whichever_copy_is_told() {
    let hexclave = hexclave().await;
    let secret = WebhookSecret::random().expect("a secret");
    let (database_url, config, _database) = tokio::task::spawn_blocking(|| {
        let database = database("create schema app; grant all on schema app to authenticator");
        (url(&database), database.authenticator_config(), database)
    })
    .await
    .expect("a database");
    let one = receiver(&hexclave, &secret, &database_url).await;
    let another = receiver(&hexclave, &secret, &database_url).await;
    for copy in [&one, &another] {
        hexclave
            .add_webhook_endpoint(&copy.url("/webhooks/hexclave"), secret.clone())
            .expect("an endpoint");
    }
    let user = hexclave
        .create_user(json!({ "display_name": "Ada" }))
        .expect("a user");
    assert_eq!(statuses(&hexclave).await, [Some(204), Some(204)]);

    let (client_of_database, connection) = config.connect(tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let names = async || {
        let rows = client_of_database
            .query("select id::text, display_name from app.people", &[])
            .await;
        let rows = rows.expect("rows");
        rows.iter()
            .map(|row| (row.get(0), row.get(1)))
            .collect::<Vec<(String, Option<String>)>>()
    };
    assert_eq!(names().await, [(user.to_string(), Some("Ada".to_owned()))]);
    hexclave.delete_user(user).expect("a deletion");
    assert_eq!(statuses(&hexclave).await, [Some(204), Some(204)]);
    assert_eq!(names().await, [(user.to_string(), None)]);

    // Somebody else's, and none at all.
    let body = r#"{"type":"user.deleted","data":{"id":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","teams":[]}}"#;
    let forged = client()
        .post(one.url("/webhooks/hexclave"))
        .header("svix-id", "msg_1")
        .header("svix-timestamp", crate::now())
        .header(
            "svix-signature",
            WebhookSecret::random()
                .expect("a secret")
                .sign("msg_1", crate::now(), body),
        )
        .body(body);
    assert_eq!(forged.send().await.expect("an answer").status(), 401);
    let nothing = client().post(one.url("/webhooks/hexclave")).send().await;
    assert_eq!(nothing.expect("an answer").status(), 400);
    for copy in [one, another] {
        let (_, log) = copy.stop().await;
        assert!(!log.contains("Ada") && !log.contains(secret.expose()), "{log}");
    }
}

#[tokio::test]
async fn what_could_not_be_dealt_with_is_sent_again() {
    let hexclave = hexclave().await;
    let secret = WebhookSecret::random().expect("a secret");
    let nowhere = "postgresql://user:hunter2@127.0.0.1:9/postgres";
    let service = receiver(&hexclave, &secret, nowhere).await;
    hexclave
        .add_webhook_endpoint(&service.url("/webhooks/hexclave"), secret)
        .expect("an endpoint");
    hexclave.create_user(json!({})).expect("a user");
    assert_eq!(statuses(&hexclave).await, [Some(503)]);
    let (_, log) = service.stop().await;
    assert!(
        log.contains("the database cannot be reached") && !log.contains("hunter2"),
        "{log}"
    );
    let request = |said: &str| {
        let line = log.lines().find(|line| line.contains(said)).expect(said);
        let line: Value = serde_json::from_str(line).expect("JSON");
        line["request_id"].as_str().expect("an id").to_owned()
    };
    assert_eq!(request("webhook not handled"), request("answered"), "{log}");

    let mut command = crate::bridge(&["serve", "--json", "--project-id", crate::PROJECT]);
    command.env(
        "HEXCLAVE_WEBHOOK_SECRET",
        "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX",
    );
    let output = run(command, None).await;
    assert_eq!(exit(&output), 2);
    let message = json_of(&output)["error"]["message"].to_string();
    assert!(message.contains("HEXCLAVE_SECRET_SERVER_KEY"), "{message}");
}
