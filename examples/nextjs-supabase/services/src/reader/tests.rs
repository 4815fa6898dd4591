//! As supabase-js asks.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up fails"
)]

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use hexclave_core::AcceptedKinds;
use hexclave_supabase::{JwtSecret, Minter, policies::GUIDE};
use hexclave_testkit::{
    hexclave::{LocalHexclave, NewUser},
    postgres::{Database, Postgres},
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::Reader;

const KEY: &str = "sb_publishable_test";
const SECRET: &str = "a secret of a test, and as long as one has to be";

struct Fixture {
    reader: Router,
    hexclave: LocalHexclave,
    database: Database,
}

impl Fixture {
    async fn start() -> Self {
        let postgres = Postgres::shared().expect("a server");
        let database = postgres.database().expect("a database");
        database.execute(GUIDE).expect("a table");
        let client = database.connect().await.expect("a connection");
        Self {
            reader: Reader::new(KEY, JwtSecret::new(SECRET).expect("a secret"), client).router(),
            hexclave: LocalHexclave::start().await.expect("a server"),
            database,
        }
    }

    /// A token of a new user, who owns row 3 from now on.
    fn owner(&self, user: NewUser, secret: &str) -> String {
        let id = self.hexclave.add_user(user).expect("a user");
        let give = format!("update data set user_id = '{id}' where id = 3");
        self.database.execute(&give).expect("an owner");
        let user = self.hexclave.user(id).expect("a user");
        let minter = Minter::new(JwtSecret::new(secret).expect("a secret")).accept(AcceptedKinds::ALL);
        minter.mint(&user).expect("a token").expose().to_owned()
    }

    async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> (StatusCode, Value) {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).expect("a request");
        let response = self.reader.clone().oneshot(request).await.expect("an answer");
        let status = response.status();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        (status, serde_json::from_slice(&body).expect("JSON"))
    }

    async fn ids(&self, token: &str) -> Value {
        let authorization = format!("Bearer {token}");
        let headers = [("apikey", KEY), ("authorization", authorization.as_str())];
        let (status, rows) = self.ask("/rest/v1/data?select=id&order=id.asc", &headers).await;
        assert_eq!(status, StatusCode::OK, "{rows}");
        rows.as_array()
            .expect("a list")
            .iter()
            .map(|row| row["id"].clone())
            .collect()
    }
}

#[tokio::test]
async fn rows_are_those_of_whoever_asks() {
    let fixture = Fixture::start().await;
    let ada = fixture.owner(NewUser::new("ada@example.com"), SECRET);
    assert_eq!(fixture.ids(&ada).await, json!([1, 2, 3]));
    let grace = fixture.owner(NewUser::new("grace@example.com"), SECRET);
    assert_eq!(fixture.ids(&ada).await, json!([1, 2]));
    assert_eq!(fixture.ids(&grace).await, json!([1, 2, 3]));
    // Supabase would not ask for the kind: who shall get no rows must get no token.
    let guest = fixture.owner(NewUser::anonymous(), SECRET);
    assert_eq!(fixture.ids(&guest).await, json!([1, 2, 3]));

    assert_eq!(fixture.ids(KEY).await, json!([1]));
    let (_, rows) = fixture.ask("/rest/v1/data", &[("apikey", KEY)]).await;
    assert_eq!(
        rows,
        json!([{ "id": 1, "text": "Everyone can see this", "user_id": null }])
    );
}

#[tokio::test]
async fn tokens_and_keys_of_others_are_refused() {
    let fixture = Fixture::start().await;
    let foreign = fixture.owner(
        NewUser::new("ada@example.com"),
        "a secret of another project, as long as this one",
    );
    let foreign = format!("Bearer {foreign}");
    for headers in [
        &[][..],
        &[("apikey", "sb_publishable_other")],
        &[("apikey", KEY), ("authorization", &foreign)],
        &[("apikey", KEY), ("authorization", "Bearer sb_publishable_other")],
        &[("apikey", KEY), ("authorization", "Basic QQ==")],
    ] {
        let (status, body) = fixture.ask("/rest/v1/data", headers).await;
        assert_eq!(
            (status.as_u16(), &body["code"]),
            (401, &json!("PGRST301")),
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn what_is_not_there_or_not_allowed_is_an_error() {
    let fixture = Fixture::start().await;
    fixture
        .database
        .execute("create table public.secrets (id int)")
        .expect("a table");
    for (path, status, code) in [
        ("/rest/v1/nothing", 404, "42P01"),
        ("/rest/v1/secrets", 403, "42501"),
        ("/rest/v1/data?select=nothing", 400, "42703"),
        ("/rest/v1/data?select=id%22%20from%20secrets%20--", 400, "42703"),
        ("/rest/v1/data?order=id.asc.nullsfirst", 400, "PGRST100"),
        ("/rest/v1/data?id=eq.1", 400, "PGRST100"),
    ] {
        let (found, body) = fixture.ask(path, &[("apikey", KEY)]).await;
        assert_eq!(
            (found.as_u16(), &body["code"]),
            (status, &json!(code)),
            "{path}: {body}"
        );
    }
    // Nobody is left on the connection by a statement that failed.
    assert_eq!(fixture.ids(KEY).await, json!([1]));
}
