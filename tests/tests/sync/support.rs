//! A Hexclave, a database, a mirror between them, and whether both say the same.

use std::{collections::BTreeMap, pin::pin, sync::Arc, time::UNIX_EPOCH};

use futures_util::TryStreamExt;
use hexclave_core::{
    AcceptedKinds, User, UserId, UserKind,
    api::{self, Server, ServerUser, UserQuery},
    webhooks::{Delivery, Secret, Verifier},
};
use hexclave_supabase::{
    Error, SupabaseClaims,
    sync::{Outcome, Progress, Reconciliation, UserMirror, UserTable},
};
use hexclave_testkit::{
    TestClock,
    hexclave::{LocalHexclave, WebhookMessage, WebhookSecret},
    postgres::{Database, Postgres},
};
use hexclave_tests::NOW;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use tokio_postgres::Client;

pub(crate) struct World {
    pub(crate) hexclave: LocalHexclave,
    pub(crate) api: api::Client<Server>,
    pub(crate) database: Database,
    pub(crate) client: Client,
    pub(crate) mirror: UserMirror<Server>,
    pub(crate) clock: Arc<TestClock>,
    sender: Sender,
}

/// What Svix does.
pub(crate) struct Sender {
    secret: WebhookSecret,
    verifier: Verifier,
    clock: Arc<TestClock>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(UserTable::new("public", "users").expect("a table")).await
    }

    pub(crate) async fn with(table: UserTable) -> Self {
        let clock = Arc::new(TestClock::at(NOW));
        let hexclave = LocalHexclave::builder().clock(Arc::clone(&clock) as _);
        let hexclave = hexclave.start().await.expect("a server");
        let database = Postgres::shared().and_then(|postgres| postgres.database());
        let database = database.expect("a database");
        let mut client = database.connect_as_owner().await.expect("a connection");
        table.create(&mut client).await.expect("the tables");
        let api = api(&hexclave);
        Self {
            mirror: UserMirror::new(table, api.clone()),
            api,
            hexclave,
            database,
            client,
            sender: Sender::new(Arc::clone(&clock)),
            clock,
        }
    }

    /// The messages so far, each under its own id.
    pub(crate) fn messages(&self) -> Vec<WebhookMessage> {
        self.hexclave.webhooks()
    }

    pub(crate) fn last_message(&self) -> WebhookMessage {
        self.messages().pop().expect("a message")
    }

    pub(crate) async fn deliver(&self, message: &WebhookMessage) -> Result<Outcome, Error> {
        let delivery = self.sender.attempt(message).await;
        self.mirror.handle(&self.client, &delivery).await
    }

    pub(crate) async fn attempt(&self, message: &WebhookMessage) -> Delivery {
        self.sender.attempt(message).await
    }

    pub(crate) async fn reconcile(&self) -> Progress {
        let done = self
            .mirror
            .reconcile(&self.client, Reconciliation::default(), |_| {})
            .await;
        done.expect("a reconciliation")
    }

    /// What the table says of users who are there.
    pub(crate) async fn rows(&self) -> BTreeMap<UserId, Value> {
        rows(&self.client, self.mirror.table()).await
    }

    /// Who is marked as deleted.
    pub(crate) async fn deleted(&self) -> Vec<UserId> {
        let sql = format!(
            "select id::text from {} u where deleted_at is not null
             and to_jsonb(u) - array['id', 'updated_at', 'deleted_at']
                = (select jsonb_object_agg(key, null) from jsonb_object_keys(to_jsonb(u) - array['id', 'updated_at', 'deleted_at']) key)
             order by id",
            name(self.mirror.table())
        );
        let rows = self.client.query(&sql, &[]).await.expect("rows");
        rows.iter()
            .map(|row| row.get::<_, &str>(0).parse().expect("an id"))
            .collect()
    }

    /// Everybody in the table is there as Hexclave has them, and nobody else is.
    pub(crate) async fn assert_in_step(&self) {
        let rows = self.rows().await;
        let source = source(&self.api, self.mirror.table()).await;
        assert_eq!(rows.len(), source.len(), "the number of users");
        for (id, user) in &source {
            assert_eq!(rows.get(id), Some(user));
        }
    }
}

impl Sender {
    fn new(clock: Arc<TestClock>) -> Self {
        let secret = WebhookSecret::random().expect("a secret");
        let verifier =
            Verifier::new(Secret::new(secret.expose()).expect("a secret")).clock(Arc::clone(&clock) as _);
        Self {
            secret,
            verifier,
            clock,
        }
    }

    /// Signs a message and has core prove it. Each attempt is a second after the one before.
    async fn attempt(&self, message: &WebhookMessage) -> Delivery {
        use hexclave_core::Clock as _;

        self.clock.advance(1);
        let now = self.clock.unix_seconds();
        let signature = self.secret.sign(&message.id, now, &message.body);
        let mut headers = HeaderMap::new();
        for (header, value) in [
            ("svix-id", message.id.clone()),
            ("svix-timestamp", now.to_string()),
            ("svix-signature", signature),
        ] {
            headers.insert(header, HeaderValue::try_from(value).expect("a header"));
        }
        let delivery = self.verifier.verify(&headers, message.body.as_bytes()).await;
        delivery.expect("a genuine delivery")
    }
}

pub(crate) fn api(hexclave: &LocalHexclave) -> api::Client<Server> {
    api::Client::server(hexclave.config().clone()).expect("a client of the API")
}

pub(crate) fn claims(user: &User) -> SupabaseClaims {
    SupabaseClaims::of(user, AcceptedKinds::ALL).expect("claims")
}

pub(crate) fn name(table: &UserTable) -> String {
    format!(
        "\"{}\".\"{}\"",
        table.schema().replace('"', "\"\""),
        table.name().replace('"', "\"\"")
    )
}

/// What a table says of users who are there, with times in milliseconds.
pub(crate) async fn rows(client: &Client, table: &UserTable) -> BTreeMap<UserId, Value> {
    let sql = format!(
        "select id::text, (to_jsonb(u) - 'updated_at' - 'deleted_at'
            || jsonb_build_object('signed_up_at', (extract(epoch from signed_up_at) * 1000)::bigint))::text
         from {} u where deleted_at is null",
        name(table)
    );
    let rows = client.query(&sql, &[]).await.expect("rows");
    rows.iter()
        .map(|row| {
            let id = row.get::<_, &str>(0).parse().expect("an id");
            (id, serde_json::from_str(row.get(1)).expect("JSON"))
        })
        .collect()
}

/// What the table should say, by the API.
pub(crate) async fn source(api: &api::Client<Server>, table: &UserTable) -> BTreeMap<UserId, Value> {
    let query = UserQuery::default().kinds(AcceptedKinds::ALL).page_size(2000);
    let pages = pin!(api.users(query));
    let users = pages.try_fold(BTreeMap::new(), |mut users, page| async move {
        users.extend(page.items.iter().map(|user| (user.id, shown(user))));
        Ok(users)
    });
    let mut users = users.await.expect("all users");
    if !table.to_sql().contains("server_metadata") {
        for user in users.values_mut() {
            user.as_object_mut().expect("an object").remove("server_metadata");
        }
    }
    users
}

fn shown(user: &ServerUser) -> Value {
    let millis = user
        .signed_up_at
        .duration_since(UNIX_EPOCH)
        .expect("a time")
        .as_millis();
    json!({
        "id": user.id,
        "primary_email": user.primary_email,
        "primary_email_verified": user.primary_email_verified,
        "display_name": user.display_name,
        "profile_image_url": user.profile_image_url,
        "selected_team_id": user.selected_team_id,
        "signed_up_at": u64::try_from(millis).expect("a time"),
        "is_anonymous": user.is_anonymous,
        "is_restricted": user.kind() != UserKind::Normal,
        "restricted_reason": user.restricted_reason.as_ref().map(|reason| reason.as_str()),
        "client_metadata": user.client_metadata,
        "client_read_only_metadata": user.client_read_only_metadata,
        "server_metadata": user.server_metadata,
    })
}

/// Lets everything else run until so many answers are held back.
pub(crate) async fn until_held_back(hexclave: &LocalHexclave, answers: usize) {
    while hexclave.answers_held_back() != answers {
        tokio::task::yield_now().await;
    }
}
