//! What the service depends on goes away and comes back, while many ask.

use std::{collections::HashMap, path::PathBuf, time::Duration};

use hexclave_testkit::hexclave::{LocalHexclave, WebhookMessage, WebhookSecret};
use serde_json::json;
use tokio::task::JoinSet;
use tokio_postgres::config::Host;

use super::{
    client,
    crowd::{Crowd, Who},
    relay::{Behind, Relay, Way},
    service::Service,
};
use crate::{
    hexclave, issuer, now,
    supabase::{database, url},
};

async fn way_to(hexclave: &LocalHexclave, way: Way) -> Relay {
    let url = hexclave.config().api_url().as_str();
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    Relay::to(Behind::Tcp(address.to_owned()), way).await
}

#[tokio::test]
async fn who_is_signed_in_is_never_refused_for_an_outage_of_hexclave() {
    let hexclave = hexclave().await;
    for at_first in [Way::Cut, Way::Stuck] {
        let relay = way_to(&hexclave, at_first).await;
        let api_url = format!("http://{}", relay.address());
        let service = Service::at(&api_url, |command| {
            command.args(["--request-timeout", "1"]);
        })
        .await;
        let mut crowd = Crowd::gather(&service.url("/verify"), issuer(&api_url));
        crowd.get(Who::Known, 503, 3).await;
        crowd.get(Who::New, 503, 3).await;

        relay.set(Way::Open);
        crowd.get(Who::Known, 200, 20).await;
        crowd.get(Who::New, 200, 20).await;
        crowd.get(Who::Forger, 401, 20).await;

        // The keys are at hand now.
        for way in [Way::Stuck, Way::Cut, Way::Open] {
            relay.set(way);
            crowd.get(Who::Known, 200, 20).await;
            crowd.get(Who::New, 200, 20).await;
            crowd.get(Who::Forger, 401, 20).await;
        }
        crowd.disperse().await;
        service.stop().await;
    }
}

/// Delivers a message until it is taken, as Hexclave does.
async fn deliver(url: String, secret: WebhookSecret, message: WebhookMessage) -> HashMap<u16, usize> {
    let client = client();
    let mut statuses = HashMap::new();
    // Seconds lie between two attempts of Hexclave's, and one that has the same time is taken for a replay.
    for time in now() - 200..now() + 200 {
        let signature = secret.sign(&message.id, time, &message.body);
        let delivery = client
            .post(&url)
            .header("svix-id", &message.id)
            .header("svix-timestamp", time)
            .header("svix-signature", signature)
            .body(message.body.clone());
        let status = delivery.send().await.expect("an answer").status().as_u16();
        *statuses.entry(status).or_default() += 1;
        match status {
            204 => return statuses,
            503 => tokio::time::sleep(Duration::from_millis(50)).await,
            _ => panic!("{status}"),
        }
    }
    panic!("it was never taken: {statuses:?}");
}

#[tokio::test]
async fn no_webhook_is_lost_and_no_user_waits_while_the_database_is_gone() {
    const USERS: usize = 12;
    let hexclave = hexclave().await;
    let secret = WebhookSecret::random().expect("a secret");
    let (database_url, config, _database) = tokio::task::spawn_blocking(|| {
        let database = database("create schema app; grant all on schema app to authenticator");
        (url(&database), database.authenticator_config(), database)
    })
    .await
    .expect("a database");
    let port = *config.get_ports().first().unwrap_or(&5432);
    let behind = match &config.get_hosts()[0] {
        Host::Tcp(name) => Behind::Tcp(format!("{name}:{port}")),
        Host::Unix(folder) => Behind::Unix(PathBuf::from(folder).join(format!(".s.PGSQL.{port}"))),
    };
    let relay = Relay::to(behind, Way::Open).await;
    let (user, database_name) = (config.get_user().expect("a user"), config.get_dbname());
    let password = config.get_password().unwrap_or_default();
    let through_relay = format!(
        "postgresql://{user}:{}@{}/{}",
        String::from_utf8_lossy(password),
        relay.address(),
        database_name.expect("a name"),
    );
    assert_ne!(database_url, through_relay);
    let key = hexclave.config().secret_server_key().expect("a key");
    let service = Service::of(&hexclave, |command| {
        command
            .env("HEXCLAVE_WEBHOOK_SECRET", secret.expose())
            .env("HEXCLAVE_SECRET_SERVER_KEY", key.expose())
            .env("SUPABASE_DB_URL", through_relay)
            .args(["--users-table", "app.people", "--request-timeout", "2"]);
    })
    .await
    .ready()
    .await;
    let api_url = hexclave.config().api_url().to_string();
    let mut crowd = Crowd::gather(&service.url("/verify"), issuer(&api_url));
    let (client_of_database, connection) = config.connect(tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);

    let mut users = Vec::new();
    for (round, way) in [Way::Open, Way::Cut, Way::Stuck, Way::Open]
        .into_iter()
        .enumerate()
    {
        let before = hexclave.webhooks().len();
        for number in 0..USERS {
            let name = format!("{round}-{number}");
            let user = hexclave.create_user(json!({ "display_name": name }));
            users.push((user.expect("a user").to_string(), name));
        }
        relay.set(way);
        let mut deliveries = JoinSet::new();
        for message in hexclave.webhooks().split_off(before) {
            deliveries.spawn(deliver(
                service.url("/webhooks/hexclave"),
                secret.clone(),
                message,
            ));
        }
        // Whoever signs in need not know of it.
        crowd.get(Who::Known, 200, 20).await;
        crowd.get(Who::New, 200, 20).await;
        if way != Way::Open {
            // Nothing was taken that could not be kept.
            let taken = tokio::time::timeout(Duration::from_secs(3), deliveries.join_next()).await;
            assert!(taken.is_err(), "{taken:?}");
            relay.set(Way::Open);
        }
        let mut statuses = HashMap::<u16, usize>::new();
        for taken in deliveries.join_all().await {
            for (status, times) in taken {
                *statuses.entry(status).or_default() += times;
            }
        }
        assert_eq!(statuses[&204], USERS);
        if way != Way::Open {
            assert!(statuses[&503] >= USERS, "{statuses:?}");
        }
    }
    let rows = client_of_database
        .query("select id::text, display_name from app.people", &[])
        .await
        .expect("rows");
    let mut kept: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    kept.sort();
    users.sort();
    assert_eq!(kept, users);
    crowd.disperse().await;
    service.stop().await;
}
