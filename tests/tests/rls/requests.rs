//! What a transaction sets beside the identity, and that it is what PostgREST sets.

use std::time::Duration;

use hexclave_core::UserKind;
use hexclave_supabase::{
    SupabaseClaims,
    rls::{self, Isolation, Request},
};
use hexclave_tests::user;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::support::{claims, database};

async fn setting(client: &Client, name: &str) -> Option<String> {
    let row = client
        .query_one("select nullif(current_setting($1, true), '')", &[&name])
        .await;
    row.expect("a row").get(0)
}

#[tokio::test]
async fn the_request_is_there_for_the_transaction_alone() {
    let database =
        database("create schema api; create table api.things (); grant usage on schema api to anon");
    let mut client = database.connect().await.expect("a connection");
    let claims = SupabaseClaims::signed_out();
    let request = Request::by(&claims)
        .read_only()
        .isolation(Isolation::Serializable)
        .statement_timeout(Duration::from_micros(59_999_500))
        .search_path(["api", "a\"b'c"])
        .method("GET")
        .path("/rest/v1/o'brien\\")
        .headers([
            ("Accept", "a"),
            ("X-Name", "'; drop table api.things; --"),
            ("accept", "ß"),
        ]);
    let headers = json!({ "accept": "a, ß", "x-name": "'; drop table api.things; --" });
    let expected = [
        ("transaction_read_only", "on"),
        ("transaction_isolation", "serializable"),
        ("statement_timeout", "1min"),
        ("search_path", "\"api\", \"a\"\"b'c\""),
        ("request.method", "GET"),
        ("request.path", "/rest/v1/o'brien\\"),
        ("request.jwt.claims", r#"{"role":"anon"}"#),
    ];
    let transaction = rls::tokio_postgres::begin_as(&mut client, request.clone()).await;
    let transaction = transaction.expect("a transaction");
    for (name, value) in expected {
        assert_eq!(
            setting(&transaction, name).await.as_deref(),
            Some(value),
            "{name}"
        );
    }
    let found: Value =
        serde_json::from_str(&setting(&transaction, "request.headers").await.expect("headers"))
            .expect("JSON");
    assert_eq!(found, headers);
    transaction
        .query("select * from things", &[])
        .await
        .expect_err("no right to read");
    transaction.rollback().await.expect("a rollback");
    for (name, _) in expected {
        let left = setting(&client, name).await;
        match name {
            "transaction_read_only" => assert_eq!(left.as_deref(), Some("off")),
            "transaction_isolation" => assert_eq!(left.as_deref(), Some("read committed")),
            "statement_timeout" => assert_eq!(left.as_deref(), Some("8s")),
            "search_path" => assert_eq!(left.as_deref(), Some("\"$user\", public")),
            _ => assert_eq!(left, None, "{name}"),
        }
    }

    // The other order of the same, for one statement.
    let sql = "select concat_ws(' ', current_setting('transaction_read_only'), current_setting('transaction_isolation'),
        current_setting('request.method'), current_user)";
    let rows = rls::tokio_postgres::query_as(&mut client, request, sql, &[])
        .await
        .expect("rows");
    assert_eq!(rows[0].get::<_, String>(0), "on serializable GET anon");
}

#[tokio::test]
async fn single_claims_are_set_on_request_and_emptied_otherwise() {
    let database = database("");
    let ada = user(UserKind::Normal).await;
    let id = ada.id().to_string();
    let mut client = database.connect().await.expect("a connection");
    let names = ["sub", "role", "email"].map(|claim| format!("request.jwt.claim.{claim}"));
    for (claims, sub, role) in [
        (claims(&ada), Some(id.as_str()), "authenticated"),
        (SupabaseClaims::signed_out(), None, "anon"),
    ] {
        let request = Request::by(&claims).single_claims();
        let transaction = rls::tokio_postgres::begin_as(&mut client, request).await;
        let transaction = transaction.expect("a transaction");
        assert_eq!(setting(&transaction, &names[0]).await.as_deref(), sub);
        assert_eq!(setting(&transaction, &names[1]).await.as_deref(), Some(role));
        assert_eq!(setting(&transaction, &names[2]).await, None);
        transaction.commit().await.expect("a commit");
    }

    // Somebody has left theirs on the connection, in both families: nobody becomes them.
    let theirs = "11111111-1111-4111-8111-111111111111";
    let left = format!(
        r#"set request.jwt.claim.sub = '{theirs}'; set request.jwt.claim.role = 'service_role';
           set request.jwt.claim.email = 'eve@example.com'; set request.jwt.claim = '{{"sub":"{theirs}"}}';
           set request.jwt.claims = '{{"sub":"{theirs}","role":"service_role"}}'"#
    );
    client.batch_execute(&left).await.expect("settings");
    let seen = "select auth.uid()::text, auth.role(), auth.email(), auth.jwt() ->> 'sub'";
    for (claims, sub, role) in [
        (claims(&ada), Some(id.clone()), "authenticated"),
        (SupabaseClaims::signed_out(), None, "anon"),
    ] {
        let transaction = rls::tokio_postgres::begin_as(&mut client, &claims).await;
        let row = transaction
            .expect("a transaction")
            .query_one(seen, &[])
            .await
            .expect("a row");
        assert_eq!(row.get::<_, Option<String>>(0), sub);
        assert_eq!(row.get::<_, Option<String>>(1).as_deref(), Some(role));
        assert_eq!(row.get::<_, Option<String>>(2), None);
        assert_eq!(row.get::<_, Option<String>>(3), sub);
    }
}
