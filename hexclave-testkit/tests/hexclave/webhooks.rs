//! Webhooks: what is told, how it is signed, retries, and odd orders.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use hexclave_testkit::hexclave::{
    DeliveryOrder, LocalHexclave, NewUser, ServerSecret, WebhookAttempt, WebhookFault, WebhookSecret,
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::support::{PASSWORD, as_client, as_server, json_of, start_with};

/// A server that is told, and answers with the status it is set to.
struct Receiver {
    url: String,
    received: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    status: Arc<Mutex<StatusCode>>,
}

impl Receiver {
    async fn start() -> Self {
        let received = Arc::new(Mutex::new(Vec::new()));
        let status = Arc::new(Mutex::new(StatusCode::NO_CONTENT));
        let (seen, answer) = (Arc::clone(&received), Arc::clone(&status));
        let router = Router::new().route(
            "/webhooks",
            post(move |headers: HeaderMap, body: Bytes| async move {
                let body = String::from_utf8(body.to_vec()).expect("text");
                seen.lock().expect("a list").push((headers, body));
                *answer.lock().expect("a status")
            }),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}/webhooks", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url,
            received,
            status,
        }
    }

    fn take(&self) -> Vec<(HeaderMap, String)> {
        std::mem::take(&mut self.received.lock().expect("a list"))
    }
}

fn types(hexclave: &LocalHexclave) -> Vec<String> {
    hexclave
        .webhooks()
        .into_iter()
        .map(|webhook| webhook.event_type)
        .collect()
}

fn data(hexclave: &LocalHexclave, event_type: &str) -> Value {
    let webhooks = hexclave.webhooks();
    let found = webhooks.iter().rfind(|webhook| webhook.event_type == event_type);
    let mut body: Value = serde_json::from_str(&found.expect("a webhook").body).expect("JSON");
    assert_eq!(body["type"], event_type);
    body["data"].take()
}

/// What is done to users without HTTP tells the same, and holds to the same rules.
#[tokio::test]
async fn what_is_done_without_http_is_told_too() {
    let (hexclave, _) = start_with(LocalHexclave::builder()).await;
    let ada = hexclave
        .create_user(json!({ "primary_email": "ada@example.com" }))
        .expect("a user");
    hexclave
        .update_user(ada, json!({ "display_name": "Ada" }))
        .expect("a change");
    let read = json_of(as_server(&hexclave, Method::GET, &format!("/api/v1/users/{ada}"))).await;
    assert_eq!(data(&hexclave, "user.updated"), read);
    for (error, said) in [
        (
            hexclave
                .create_user(json!({ "selected_team_id": null }))
                .map(drop),
            "SCHEMA_ERROR",
        ),
        (
            hexclave.create_user(json!({ "nmae": "Ada" })).map(drop),
            "SCHEMA_ERROR",
        ),
        (
            hexclave.update_user(ada, json!({ "oauth_providers": [] })),
            "SCHEMA_ERROR",
        ),
    ] {
        let error = error.expect_err(said).to_string();
        assert!(error.contains(said), "{error}");
    }
    hexclave.delete_user(ada).expect("a deletion");
    assert_eq!(data(&hexclave, "user.deleted"), json!({ "id": ada, "teams": [] }));
    for error in [hexclave.delete_user(ada), hexclave.update_user(ada, json!({}))] {
        let error = error.expect_err("nobody").to_string();
        assert!(error.contains("USER_NOT_FOUND"), "{error}");
    }
    assert_eq!(types(&hexclave), ["user.created", "user.updated", "user.deleted"]);
    assert!(hexclave.requests().iter().all(|request| request.method == "GET"));
}

#[tokio::test]
async fn everything_that_hexclave_tells_is_told() {
    let (hexclave, _) = start_with(LocalHexclave::builder()).await;
    hexclave
        .define_project_permission("manage", &[])
        .expect("a permission");
    let guest = hexclave.sign_up_anonymously().await.expect("tokens");
    let upgrade = as_client(&hexclave, Method::POST, "/api/v1/auth/password/sign-up")
        .header("x-stack-access-token", guest.access_token.expose())
        .header("x-stack-allow-anonymous-user", "true")
        .json(&json!({ "email": "ada@example.com", "password": PASSWORD }));
    json_of(upgrade).await;
    hexclave.verify_email(guest.user_id).expect("an address");
    hexclave
        .sign_in("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    assert_eq!(types(&hexclave), ["user.created", "user.updated"]);
    let ada = guest.user_id.to_string();
    let user = data(&hexclave, "user.updated");
    assert_eq!((&user["id"], &user["is_anonymous"]), (&json!(ada), &json!(false)));
    assert!(user.get("server_metadata").is_some());

    let server =
        |method, path: String| as_server(&hexclave, method, &format!("/api/v1{path}")).json(&json!({}));
    let team = as_server(&hexclave, Method::POST, "/api/v1/teams")
        .json(&json!({ "display_name": "Engines", "creator_user_id": ada }));
    let team = json_of(team).await;
    let team = team["id"].as_str().expect("an id").to_owned();
    assert_eq!(
        types(&hexclave)[2..],
        ["team.created"],
        "who makes a team becomes a member silently"
    );
    let bob = hexclave
        .add_user(NewUser::new("bob@example.com"))
        .expect("a user")
        .to_string();
    json_of(server(Method::POST, format!("/team-memberships/{team}/{bob}"))).await;
    json_of(server(Method::POST, format!("/project-permissions/{bob}/manage"))).await;
    json_of(server(
        Method::DELETE,
        format!("/project-permissions/{bob}/manage"),
    ))
    .await;
    json_of(server(Method::PATCH, format!("/teams/{team}"))).await;
    json_of(server(
        Method::DELETE,
        format!("/team-permissions/{team}/{bob}/team_member"),
    ))
    .await;
    json_of(server(Method::DELETE, format!("/team-memberships/{team}/{bob}"))).await;
    json_of(server(Method::DELETE, format!("/users/{ada}"))).await;
    json_of(server(Method::DELETE, format!("/teams/{team}"))).await;
    let expected = [
        "team_membership.created",
        "team_permission.created",
        "project_permission.created",
        "project_permission.deleted",
        "team.updated",
        "team_permission.deleted",
        "team_membership.deleted",
        "team_membership.deleted",
        "user.deleted",
        "team.deleted",
    ];
    assert_eq!(types(&hexclave)[3..], expected);
    assert_eq!(
        data(&hexclave, "user.deleted"),
        json!({ "id": ada, "teams": [{ "id": team }] })
    );
    assert_eq!(data(&hexclave, "team.deleted"), json!({ "id": team }));
    assert_eq!(
        data(&hexclave, "team_membership.created"),
        json!({ "team_id": team, "user_id": bob })
    );
    let permission = json!({ "id": "team_member", "user_id": bob, "team_id": team });
    assert_eq!(data(&hexclave, "team_permission.deleted"), permission);
    assert_eq!(
        data(&hexclave, "project_permission.deleted"),
        json!({ "id": "manage", "user_id": bob })
    );
}

#[tokio::test]
async fn what_fails_is_tried_again_when_it_is_due() {
    let (hexclave, clock) = start_with(LocalHexclave::builder()).await;
    let receiver = Receiver::start().await;
    let secret = WebhookSecret::random().expect("a secret");
    hexclave.sign_up_anonymously().await.expect("tokens");
    hexclave
        .add_webhook_endpoint(&receiver.url, secret.clone())
        .expect("a URL");
    for wrong in ["nowhere", "ftp://127.0.0.1/", "http://ada:hunter2@127.0.0.1/"] {
        let error = hexclave.add_webhook_endpoint(wrong, secret.clone());
        let error = error.expect_err(wrong).to_string();
        assert!(
            error.contains("http://127.0.0.1:3000/webhooks") && !error.contains("hunter2"),
            "{error}"
        );
    }
    hexclave.sign_up_anonymously().await.expect("tokens");

    *receiver.status.lock().expect("a status") = StatusCode::INTERNAL_SERVER_ERROR;
    let mut signatures = Vec::new();
    for (number, wait) in [0, 5, 300, 1800, 7200, 18_000, 36_000, 36_000]
        .into_iter()
        .enumerate()
    {
        if wait > 0 {
            clock.advance(wait - 1);
            assert!(
                hexclave
                    .deliver_webhooks(DeliveryOrder::AsHappened)
                    .await
                    .is_empty()
            );
            clock.advance(1);
        }
        let attempts = hexclave.deliver_webhooks(DeliveryOrder::AsHappened).await;
        let [attempt] = &attempts[..] else {
            panic!("one message is due: {attempts:?}");
        };
        assert_eq!((attempt.number, attempt.status), (number + 1, Some(500)));
        let received = receiver.take();
        let [(headers, body)] = &received[..] else {
            panic!("one message has come");
        };
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["svix-id"], attempt.id.as_str());
        let timestamp = headers["svix-timestamp"]
            .to_str()
            .expect("text")
            .parse()
            .expect("a time");
        assert_eq!(
            headers["svix-signature"],
            secret.sign(&attempt.id, timestamp, body).as_str()
        );
        signatures.push(headers["svix-signature"].clone());
    }
    signatures.dedup();
    assert_eq!(signatures.len(), 8, "each attempt is signed at its own time");
    clock.advance(1_000_000);
    assert!(
        hexclave
            .deliver_webhooks(DeliveryOrder::AsHappened)
            .await
            .is_empty(),
        "it was given up"
    );
}

#[tokio::test]
async fn tests_decide_about_order_and_duplicates() {
    let (hexclave, _) = start_with(LocalHexclave::builder()).await;
    let receiver = Receiver::start().await;
    let secret = WebhookSecret::random().expect("a secret");
    hexclave
        .add_webhook_endpoint(&receiver.url, secret)
        .expect("a URL");
    let sent = || {
        receiver
            .take()
            .into_iter()
            .map(|(headers, _)| headers["svix-id"].to_str().expect("text").to_owned())
            .collect::<Vec<_>>()
    };
    for _ in 0..2 {
        hexclave.sign_up_anonymously().await.expect("tokens");
    }
    let ids: Vec<_> = hexclave
        .webhooks()
        .into_iter()
        .map(|webhook| webhook.id)
        .collect();
    let [first, second] = [&ids[0], &ids[1]];
    assert_eq!(first.len(), 31);
    hexclave.deliver_webhooks(DeliveryOrder::Reversed).await;
    assert_eq!(sent(), [second.as_str(), first]);
    hexclave.deliver_webhooks(DeliveryOrder::AsHappened).await;
    assert!(sent().is_empty(), "what has arrived is not sent again");
    for id in [first, second] {
        hexclave.send_webhook_again(id).expect("a message");
    }
    hexclave.deliver_webhooks(DeliveryOrder::Doubled).await;
    assert_eq!(sent(), [first.as_str(), first, second, second]);
    assert!(hexclave.send_webhook_again("msg_unknown").is_err());

    // Nobody listens there.
    hexclave.send_webhook_again(first).expect("a message");
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let nowhere = format!("http://{}", closed.local_addr().expect("an address"));
    drop(closed);
    hexclave
        .add_webhook_endpoint(&nowhere, WebhookSecret::random().expect("a secret"))
        .expect("a URL");
    hexclave.sign_up_anonymously().await.expect("tokens");
    let attempts = hexclave.deliver_webhooks(DeliveryOrder::AsHappened).await;
    let statuses: Vec<_> = attempts.iter().map(|attempt| attempt.status).collect();
    assert_eq!(statuses, [Some(204), Some(204), None]);
}

/// Has webhooks delivered as things happen, while the test goes on.
async fn while_delivering(
    hexclave: &LocalHexclave,
    test: impl AsyncFnOnce(UnboundedReceiver<WebhookAttempt>),
) {
    let (told, attempts) = mpsc::unbounded_channel();
    tokio::select! {
        () = hexclave.keep_delivering_webhooks(|attempt| told.send(attempt.clone()).expect("the test goes on")) => {
            panic!("deliveries never end")
        }
        () = test(attempts) => {}
    }
}

#[tokio::test]
async fn deliveries_as_things_happen_follow_the_clock() {
    let (hexclave, clock) = start_with(LocalHexclave::builder()).await;
    let receiver = Receiver::start().await;
    let secret = hexclave.webhook_secret().clone();
    hexclave
        .add_webhook_endpoint(&receiver.url, secret)
        .expect("a URL");
    while_delivering(&hexclave, async |mut attempts| {
        *receiver.status.lock().expect("a status") = StatusCode::SERVICE_UNAVAILABLE;
        hexclave.create_user(json!({})).expect("a user");
        let first = attempts.recv().await.expect("an attempt");
        assert_eq!((first.number, first.status), (1, Some(503)));
        assert_eq!(first.retry_after, Some(Duration::from_secs(5)));
        assert_eq!(first.url, receiver.url);
        *receiver.status.lock().expect("a status") = StatusCode::OK;
        clock.advance(5);
        let second = attempts.recv().await.expect("an attempt");
        assert_eq!((second.number, second.status), (2, Some(200)));
        assert_eq!((&second.id, second.retry_after), (&first.id, None));
        assert_eq!(hexclave.webhook_attempts(), [first, second]);
    })
    .await;
    assert_eq!(receiver.take().len(), 2);
}

#[tokio::test]
async fn deliveries_go_wrong_as_is_asked_for() {
    let (hexclave, clock) = start_with(LocalHexclave::builder()).await;
    let receiver = Receiver::start().await;
    let secret = hexclave.webhook_secret().clone();
    hexclave
        .add_webhook_endpoint(&receiver.url, secret)
        .expect("a URL");
    let create = || {
        hexclave.create_user(json!({})).expect("a user");
        hexclave.webhooks().pop().expect("a message").id
    };
    while_delivering(&hexclave, async |mut attempts| {
        hexclave.set_webhook_faults([WebhookFault::Reversed]);
        let (one, two) = (create(), create());
        clock.advance(2);
        for id in [two, one] {
            let attempt = attempts.recv().await.expect("an attempt");
            assert_eq!((attempt.id, attempt.number), (id, 1));
        }

        hexclave.set_webhook_faults([WebhookFault::Doubled]);
        let twice = create();
        for number in [1, 2] {
            let attempt = attempts.recv().await.expect("an attempt");
            assert_eq!((&attempt.id, attempt.number), (&twice, number));
        }

        hexclave.set_webhook_faults([WebhookFault::Late, WebhookFault::Doubled]);
        let late = create();
        let attempt = attempts.recv().await.expect("an attempt");
        assert_eq!(
            (attempt.id, attempt.withheld),
            (late.clone(), Some(WebhookFault::Late))
        );
        assert_eq!((attempt.number, attempt.status), (1, None));
        assert_eq!(receiver.take().len(), 4);
        hexclave.set_webhook_faults([]);
        let younger = create();
        assert_eq!(attempts.recv().await.expect("an attempt").id, younger);
        clock.advance(5);
        let attempt = attempts.recv().await.expect("an attempt");
        assert_eq!((attempt.id, attempt.number, attempt.status), (late, 2, Some(204)));

        hexclave.set_webhook_faults([WebhookFault::Lost]);
        let lost = create();
        let attempt = attempts.recv().await.expect("an attempt");
        assert_eq!((&attempt.id, attempt.withheld), (&lost, Some(WebhookFault::Lost)));
        assert_eq!(attempt.retry_after, None);
        assert_eq!(receiver.take().len(), 2);
        hexclave.set_webhook_faults([]);
        hexclave.send_webhook_again(&lost).expect("a message");
        let attempt = attempts.recv().await.expect("an attempt");
        assert_eq!((attempt.id, attempt.status), (lost, Some(204)));
    })
    .await;
    for fault in WebhookFault::ALL {
        assert_eq!(fault.name().parse::<WebhookFault>().expect("a fault"), fault);
    }
    let unknown = "early".parse::<WebhookFault>().expect_err("none");
    assert!(unknown.to_string().contains("reversed, doubled, late, lost"));
}

#[tokio::test]
async fn an_endpoint_that_hangs_holds_up_no_other() {
    let (hexclave, _) = start_with(LocalHexclave::builder()).await;
    // It takes connections and never answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let silent_url = format!("http://{}/", silent.local_addr().expect("an address"));
    let receiver = Receiver::start().await;
    for url in [&silent_url, &receiver.url] {
        hexclave
            .add_webhook_endpoint(url, hexclave.webhook_secret().clone())
            .expect("a URL");
    }
    while_delivering(&hexclave, async |mut attempts| {
        for _ in 0..2 {
            hexclave.create_user(json!({})).expect("a user");
            assert_eq!(attempts.recv().await.expect("an attempt").url, receiver.url);
        }
    })
    .await;
}

#[tokio::test]
async fn the_secret_for_webhooks_is_the_projects() {
    let secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let of = async |secret: &str| {
        let secret = ServerSecret::new(secret).expect("a secret");
        let hexclave = LocalHexclave::builder().server_secret(secret).start().await;
        hexclave.expect("a server").webhook_secret().expose().to_owned()
    };
    let one = of(secret).await;
    assert_eq!(one, of(secret).await);
    assert_ne!(one, of(&secret.replace('A', "B")).await);
    assert!(WebhookSecret::new(&one).is_ok());
}

#[test]
fn secrets_are_read_and_not_shown() {
    for bad in ["", "AAECAwQF", "whsec_?", "whsec"] {
        assert!(WebhookSecret::new(bad).is_err(), "{bad}");
    }
    let secret = WebhookSecret::random().expect("a secret");
    assert_eq!(
        WebhookSecret::new(secret.expose()).expect("a secret").expose(),
        secret.expose()
    );
    assert_eq!(format!("{secret:?}"), "WebhookSecret(..)");
}
