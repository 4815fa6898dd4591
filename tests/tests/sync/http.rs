//! The whole way: Hexclave signs and sends, an axum server receives and answers.

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRef, State},
    http::StatusCode,
    routing::post,
};
use deadpool_postgres::{Manager, Pool};
use hexclave_core::{
    api::Server,
    webhooks::{Delivery, Secret, Verifier},
};
use hexclave_supabase::sync::UserMirror;
use hexclave_testkit::hexclave::{DeliveryOrder, Fault, WebhookAttempt, WebhookSecret};
use serde_json::json;
use tokio_postgres::NoTls;

use crate::support::World;

#[derive(Clone)]
struct App {
    webhooks: Verifier,
    users: UserMirror<Server>,
    database: Pool,
}

impl FromRef<App> for Verifier {
    fn from_ref(app: &App) -> Self {
        app.webhooks.clone()
    }
}

async fn receive(State(app): State<App>, delivery: Delivery) -> StatusCode {
    let Ok(client) = app.database.get().await else {
        return StatusCode::SERVICE_UNAVAILABLE;
    };
    match app.users.handle(&client, &delivery).await {
        Ok(_) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn statuses(attempts: &[WebhookAttempt]) -> Vec<Option<u16>> {
    attempts.iter().map(|attempt| attempt.status).collect()
}

#[tokio::test]
async fn what_cannot_be_handled_is_sent_again_until_it_is() {
    let world = World::new().await;
    let secret = WebhookSecret::random().expect("a secret");
    let app = App {
        webhooks: Verifier::new(Secret::new(secret.expose()).expect("a secret"))
            .clock(Arc::clone(&world.clock) as _),
        users: world.mirror.clone(),
        database: Pool::builder(Manager::new(world.database.config(), NoTls))
            .build()
            .expect("a pool"),
    };
    let router: Router = Router::new().route("/webhooks", post(receive)).with_state(app);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}/webhooks", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    world
        .hexclave
        .add_webhook_endpoint(&url, secret)
        .expect("an endpoint");

    let ada = world
        .hexclave
        .create_user(json!({ "display_name": "Ada" }))
        .expect("a user");
    world
        .hexclave
        .update_user(ada, json!({ "display_name": "A" }))
        .expect("a change");
    world
        .hexclave
        .inject(Fault::text(500, "trouble").on("GET", "/users/{user}"));
    let attempts = world.hexclave.deliver_webhooks(DeliveryOrder::Reversed).await;
    assert_eq!(statuses(&attempts), [Some(503), Some(503)]);
    assert!(world.rows().await.is_empty());

    world.hexclave.heal();
    world.clock.advance(5);
    // An attempt that comes twice is refused by the verifier; the next one finds its delivery handled.
    let attempts = world.hexclave.deliver_webhooks(DeliveryOrder::Doubled).await;
    assert_eq!(statuses(&attempts), [Some(204), Some(409), Some(204), Some(409)]);
    world.assert_in_step().await;
    // The third attempt had failed.
    world.clock.advance(30 * 60);
    let attempts = world.hexclave.deliver_webhooks(DeliveryOrder::AsHappened).await;
    assert_eq!(statuses(&attempts), [Some(204), Some(204)]);
    world.assert_in_step().await;

    // Somebody else's signature.
    let forger = WebhookSecret::random().expect("a secret");
    world
        .hexclave
        .add_webhook_endpoint(&url, forger)
        .expect("an endpoint");
    world.hexclave.delete_user(ada).expect("a deletion");
    let attempts = world.hexclave.deliver_webhooks(DeliveryOrder::Reversed).await;
    assert_eq!(statuses(&attempts), [Some(401), Some(204)]);
    assert_eq!(world.deleted().await, [ada]);
}
