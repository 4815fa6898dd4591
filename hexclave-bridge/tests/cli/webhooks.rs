//! `local` tells `serve`, and a table follows: both as programs, with a real database.
#![cfg(unix)]

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use hexclave_testkit::postgres::Database;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};

use crate::{
    PASSWORD, bridge, exit, json_of,
    local::Local,
    run,
    serve::service::Service,
    supabase::{database, url},
};

/// An address that stays the same while the service behind it comes and goes.
struct Door {
    address: SocketAddr,
    behind: Arc<Mutex<Option<String>>>,
}

impl Door {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let behind = Arc::new(Mutex::new(None::<String>));
        let leads_to = Arc::clone(&behind);
        tokio::spawn(async move {
            while let Ok((mut visitor, _)) = listener.accept().await {
                let to = leads_to.lock().expect("an address").clone();
                tokio::spawn(async move {
                    // A door to nowhere is slammed.
                    let Some(to) = to else { return };
                    if let Ok(mut service) = TcpStream::connect(to).await {
                        let _ = copy_bidirectional(&mut visitor, &mut service).await;
                    }
                });
            }
        });
        Self { address, behind }
    }

    fn leads_to(&self, address: Option<&str>) {
        *self.behind.lock().expect("an address") = address.map(str::to_owned);
    }
}

/// A local Hexclave as a program, and what a backend does to its users.
struct Hexclave {
    local: Local,
    client: Client,
}

impl Hexclave {
    async fn start(args: Vec<String>) -> Self {
        let local = tokio::task::spawn_blocking(move || {
            let args: Vec<_> = args.iter().map(String::as_str).collect();
            Local::start(&args)
        });
        Self {
            local: local.await.expect("a program"),
            client: Client::builder().no_proxy().build().expect("a client"),
        }
    }

    fn server(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/api/v1{path}", self.local.has("apiUrl"));
        self.client
            .request(method, url)
            .header("x-hexclave-access-type", "server")
            .header("x-hexclave-project-id", self.local.has("projectId"))
            .header("x-hexclave-secret-server-key", self.local.has("secretServerKey"))
    }

    async fn create(&self, body: Value) -> String {
        let user = answer(self.server(Method::POST, "/users").json(&body)).await;
        user["id"].as_str().expect("an id").to_owned()
    }

    async fn change(&self, id: &str, body: Value) {
        answer(self.server(Method::PATCH, &format!("/users/{id}")).json(&body)).await;
    }

    async fn delete(&self, id: &str) {
        answer(
            self.server(Method::DELETE, &format!("/users/{id}"))
                .json(&json!({})),
        )
        .await;
    }

    async fn page(&self) -> String {
        let page = self.client.get(self.local.has("apiUrl")).send().await;
        page.expect("an answer").text().await.expect("a page")
    }

    /// Has exactly this go wrong with webhooks, as the page's form does.
    async fn webhook_faults(&self, form: &'static str) {
        let api_url = self.local.has("apiUrl");
        let set = self
            .client
            .post(format!("{api_url}/page/webhook-faults"))
            .header("origin", api_url)
            .body(form);
        assert!(set.send().await.expect("an answer").status().is_success());
    }

    /// A service that reads this Hexclave and writes into the database.
    async fn service(&self, database_url: &str) -> Service {
        let mut command = bridge(&["serve", "--json", "--listen", "127.0.0.1:0"]);
        command
            .args(["--users-table", "app.people"])
            .env("HEXCLAVE_API_URL", self.local.has("apiUrl"))
            .env("HEXCLAVE_PROJECT_ID", self.local.has("projectId"))
            .env("HEXCLAVE_SECRET_SERVER_KEY", self.local.has("secretServerKey"))
            .env("HEXCLAVE_WEBHOOK_SECRET", self.local.has("webhookSecret"))
            .env("HEXCLAVE_BRIDGE_SERVER_METADATA", "true")
            .env("SUPABASE_DB_URL", database_url);
        Service::start(command).await
    }
}

async fn answer(request: RequestBuilder) -> Value {
    let answer = request.send().await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
    answer.json().await.expect("JSON")
}

/// Asks again until it is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..1_200 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it never came to this: {what}");
}

/// The users who are there: their ids and names, by name.
async fn rows(database: &Database) -> Vec<(String, Option<String>)> {
    let sql = "select id::text, display_name from app.people where deleted_at is null order by display_name";
    rows_of(database, sql).await
}

async fn rows_of(database: &Database, sql: &str) -> Vec<(String, Option<String>)> {
    let (client, connection) = database
        .authenticator_config()
        .connect(tokio_postgres::NoTls)
        .await
        .expect("a connection");
    tokio::spawn(connection);
    let rows = client.query(sql, &[]).await;
    // There is no table before the first webhook.
    rows.map(|rows| rows.iter().map(|row| (row.get(0), row.get(1))).collect())
        .unwrap_or_default()
}

#[tokio::test]
async fn a_table_follows_the_users_of_a_local_hexclave() {
    let database = tokio::task::spawn_blocking(|| {
        database("create schema app; grant all on schema app to authenticator")
    });
    let database = database.await.expect("a database");
    let database_url = url(&database);
    let door = Door::open().await;
    let told = format!("http://{}/webhooks/hexclave", door.address);
    let hexclave = Hexclave::start(vec!["--webhook".to_owned(), told]).await;
    let service = hexclave.service(&database_url).await;
    door.leads_to(Some(service.address()));
    let named = |id: &str, name: &str| (id.to_owned(), Some(name.to_owned()));

    // Who signs up comes into the table, and the row follows what changes.
    let sign_up = json!({ "email": "ada@example.com", "password": PASSWORD });
    let signed_up = hexclave.local.post("/auth/password/sign-up", sign_up).await;
    let tokens: Value = signed_up.json().await.expect("JSON");
    let ada = tokens["user_id"].as_str().expect("an id").to_owned();
    until("a row", async || rows(&database).await == [(ada.clone(), None)]).await;
    hexclave.change(&ada, json!({ "display_name": "Ada" })).await;
    until("a name", async || rows(&database).await == [named(&ada, "Ada")]).await;

    hexclave
        .change(&ada, json!({ "server_metadata": { "tier": 1 } }))
        .await;
    until("what servers know", async || {
        rows_of(
            &database,
            "select id::text, server_metadata->>'tier' from app.people",
        )
        .await
            == [named(&ada, "1")]
    })
    .await;

    // Told twice and the wrong way round, it is the same table.
    hexclave.webhook_faults("reversed=on&doubled=on").await;
    let bob = hexclave.create(json!({ "display_name": "B" })).await;
    hexclave.change(&bob, json!({ "display_name": "Bob" })).await;
    hexclave.delete(&ada).await;
    until("Bob alone", async || {
        rows(&database).await == [named(&bob, "Bob")]
    })
    .await;
    until("three messages, each told twice", async || {
        hexclave.page().await.matches("attempt&nbsp;2").count() >= 3
    })
    .await;
    assert_eq!(rows(&database).await, [named(&bob, "Bob")]);

    // What happens while the service is away arrives when it is back.
    hexclave.webhook_faults("").await;
    door.leads_to(None);
    let (_, log) = service.stop().await;
    let secret = hexclave.local.has("webhookSecret").to_owned();
    assert!(!log.contains(&secret), "{log}");
    let cleo = hexclave.create(json!({ "display_name": "Cleo" })).await;
    until("an attempt in vain", async || {
        hexclave.page().await.contains("no answer")
    })
    .await;
    let service = hexclave.service(&database_url).await;
    door.leads_to(Some(service.address()));
    let both = [named(&bob, "Bob"), named(&cleo, "Cleo")];
    until("Cleo, too", async || rows(&database).await == both).await;

    let (code, _, log) = hexclave.local.end("-TERM");
    assert_eq!(code, Some(0));
    for line in [
        "webhook user.created to http://127.0.0.1",
        "no answer attempt=1 again in 5 seconds",
        "204 attempt=2",
    ] {
        assert!(log.contains(line), "{line}: {log}");
    }
    assert!(!log.contains(&secret), "{log}");
    service.stop().await;
}

#[tokio::test]
async fn the_secret_for_webhooks_is_given_or_the_projects() {
    const GIVEN: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
    let local = |secret: Option<&str>, args: &[&str]| {
        let mut command = bridge(&["local", "--listen", "127.0.0.1:0", "--json"]);
        command.args(args);
        if let Some(secret) = secret {
            command.env("HEXCLAVE_WEBHOOK_SECRET", secret);
        }
        run(command, None)
    };
    for (secret, args, said) in [
        (
            Some("hunter2"),
            &["--webhook", "http://127.0.0.1:9/"][..],
            "HEXCLAVE_WEBHOOK_SECRET",
        ),
        (None, &["--webhook", "nowhere"], "http://127.0.0.1:3000/webhooks"),
        (
            Some(GIVEN),
            &["--webhook", "http://ada:hunter2@127.0.0.1:9/"],
            "without a name and a password",
        ),
    ] {
        let output = local(secret, args).await;
        assert_eq!(exit(&output), 2, "{args:?}");
        assert_eq!(json_of(&output)["error"]["code"], "invalid_config");
        let message = json_of(&output)["error"]["message"].to_string();
        assert!(
            message.contains(said) && !message.contains("hunter2"),
            "{message}"
        );
    }

    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().to_str().expect("UTF-8").to_owned();
    let start = async || {
        let args = [
            "--data",
            &data,
            "--webhook",
            "http://127.0.0.1:9/,http://127.0.0.1:9/too",
        ];
        let hexclave = Hexclave::start(args.map(str::to_owned).to_vec()).await;
        let page = hexclave.page().await;
        assert!(page.contains("http://127.0.0.1:9/too"), "{page}");
        hexclave.local.has("webhookSecret").to_owned()
    };
    let first = start().await;
    assert!(first.starts_with("whsec_"));
    assert_eq!(first, start().await, "it is kept with the project");

    // One that was given is known to whoever gave it.
    let file = folder.path().join("secret");
    std::fs::write(&file, GIVEN).expect("a file");
    let args = [
        "--webhook",
        "http://127.0.0.1:9/",
        "--webhook-secret-file",
        file.to_str().expect("UTF-8"),
    ];
    let hexclave = Hexclave::start(args.map(str::to_owned).to_vec()).await;
    assert!(hexclave.local.first_line.get("webhookSecret").is_none());
}
