//! What somebody might try from inside, with values and with SQL.

use hexclave_core::UserKind;
use hexclave_supabase::{
    ErrorKind, SupabaseClaims,
    rls::{self, Request},
};
use hexclave_tests::user;
use serde_json::json;
use tokio_postgres::{NoTls, error::SqlState};

use crate::support::{AT_REST, NOTES, OwnRole, STATE, claims, database};

/// Texts that mean something in SQL, in JSON, or in the names of settings.
const HOSTILE: [&str; 12] = [
    "'; reset role; --",
    "', true); set role service_role; select set_config('a.b', '",
    "\\'; reset role; --",
    "E'\\''; reset role",
    "$$; reset role; $$",
    "$1",
    "\"}, \"role\": \"service_role\", {\"",
    "\u{feff}\u{202e}'\u{2019}\u{ff07}",
    "a\nb\r\tc",
    "\\u0027",
    "%s%n%x",
    "/* */ -- ;",
];

/// What an application copies into claims from somebody's own hands.
#[tokio::test]
async fn no_claim_changes_the_role() {
    let database = database(NOTES);
    let mut client = database.connect().await.expect("a connection");
    let honest = claims(&user(UserKind::Normal).await);
    for name in ["role", "sub", "aud", "iss", "is_anonymous", "app_metadata", "aal"] {
        let refused = honest.clone().with_claim(name, json!("service_role"));
        assert_eq!(
            refused.map_err(|error| error.kind()).err(),
            Some(ErrorKind::ClaimNotAllowed),
            "{name}"
        );
    }
    for (name, value) in [
        ("plan", json!("a\0b")),
        ("a\0b", json!("plan")),
        ("plan", json!({ "deep": ["a\0b"] })),
    ] {
        assert!(
            honest.clone().with_claim(name, value).is_err(),
            "U+0000 has no place in a text of Postgres"
        );
    }

    let mut attempts = vec![
        honest
            .clone()
            .with_user_metadata(
                json!({ "role": "service_role", "claims": { "role": "postgres" } })
                    .as_object()
                    .expect("an object")
                    .clone(),
            )
            .expect("claims"),
    ];
    for name in [
        "Role",
        "role ",
        "request.jwt.claims",
        "request.jwt.claim.role",
        "\",\"role\":\"service_role",
        "'; reset role; --",
    ] {
        attempts.extend(honest.clone().with_claim(name, json!("service_role")));
    }
    for text in HOSTILE {
        attempts.push(
            honest
                .clone()
                .with_claim("plan", json!(text))
                .expect("a value is a value"),
        );
    }
    assert!(attempts.len() > HOSTILE.len(), "some got as far as the database");
    for attempt in &attempts {
        for request in [Request::by(attempt), Request::by(attempt).single_claims()] {
            let transaction = rls::tokio_postgres::begin_as(&mut client, request)
                .await
                .expect("a transaction");
            let row = transaction
                .query_one(
                    "select current_user::text, auth.role(), auth.uid()::text, auth.jwt() ->> 'role'",
                    &[],
                )
                .await
                .expect("a row");
            for role in [0, 1, 3] {
                assert_eq!(row.get::<_, &str>(role), "authenticated", "{}", attempt.to_json());
            }
            assert_eq!(
                row.get::<_, String>(2),
                honest.user_id().expect("a user").to_string()
            );
            transaction.rollback().await.expect("an end");
        }
    }
}

#[tokio::test]
async fn no_value_gets_out_of_its_place() {
    let database = database("");
    let claims = claims(&user(UserKind::Normal).await);
    let mut client = database.connect().await.expect("a connection");
    let seen =
        "select current_user::text, auth.uid()::text, auth.jwt()::text, current_setting('request.method'),
        current_setting('request.path'), current_setting('request.headers')::jsonb ->> 'x-a',
        (select count(*) from jsonb_object_keys(current_setting('request.headers')::jsonb))";
    for text in HOSTILE {
        for encoding in ["utf8", "latin1", "sjis"] {
            // A connection that somebody has set to an encoding in which bytes hide a quote.
            client
                .batch_execute(&format!("set client_encoding = {encoding}"))
                .await
                .expect("an encoding");
            let request = Request::by(&claims)
                .method(text)
                .path(text)
                .headers([("x-a", text), (text, "b")]);
            let transaction = rls::tokio_postgres::begin_as(&mut client, request).await;
            let transaction = transaction.expect("a transaction");
            transaction
                .batch_execute("set local client_encoding = utf8")
                .await
                .expect("an encoding");
            let row = transaction.query_one(seen, &[]).await.expect("a row");
            assert_eq!(row.get::<_, &str>(0), "authenticated", "{text:?}");
            assert_eq!(
                row.get::<_, String>(1),
                claims.user_id().expect("a user").to_string()
            );
            let jwt: serde_json::Value = serde_json::from_str(row.get(2)).expect("JSON");
            let expected: serde_json::Value = serde_json::from_str(&claims.to_json()).expect("JSON");
            assert_eq!(jwt, expected);
            assert_eq!(row.get::<_, &str>(3), text);
            assert_eq!(row.get::<_, &str>(4), text);
            assert_eq!(row.get::<_, &str>(5), text);
            assert_eq!(row.get::<_, i64>(6), 2);
        }
    }
    client
        .batch_execute("set client_encoding = utf8")
        .await
        .expect("an encoding");
    // What nobody may be called, as role, as schema.
    for text in HOSTILE {
        let request = Request::by(&claims).roles([text]);
        let error = rls::tokio_postgres::begin_as(&mut client, request).await.err();
        assert_eq!(error.expect("not this role").code(), "role_not_allowed");
        let request = Request::by(&claims).search_path([text]);
        let transaction = rls::tokio_postgres::begin_as(&mut client, request).await;
        let row = transaction
            .expect("a transaction")
            .query_one(
                "select current_user::text, array_length(current_schemas(true), 1)",
                &[],
            )
            .await
            .expect("a row");
        assert_eq!(
            (row.get::<_, &str>(0), row.get::<_, i32>(1)),
            ("authenticated", 1)
        );
    }
    let row = client.query_one(STATE, &[]).await.expect("a row");
    assert_eq!(row.get::<_, String>(0), AT_REST);
}

/// PostgreSQL cannot keep a statement in its role. What is left to it is what the log-in may do: with one that may
/// become `anon` and `authenticated` alone, there is no way further up.
#[tokio::test]
async fn a_statement_that_leaves_its_role_reaches_what_the_log_in_may_and_no_more() {
    let database = database(NOTES);
    database
        .execute("insert into notes (owner, body) values ('11111111-1111-4111-8111-111111111111', 'a')")
        .expect("a row");
    let role = OwnRole::new(&database, "narrow", "login noinherit password 'narrow'");
    database
        .execute(&format!("grant anon, authenticated to {}", role.name))
        .expect("a grant");
    let mut config = database.config();
    config.user(&role.name).password("narrow");
    let (mut client, connection) = config.connect(NoTls).await.expect("a connection");
    let connection = tokio::spawn(connection);
    let claims = SupabaseClaims::signed_out();

    for escape in [
        "reset role",
        "set role none",
        "select set_config('role', 'none', true)",
        "commit",
    ] {
        let transaction = rls::tokio_postgres::begin_as(&mut client, &claims).await;
        let transaction = transaction.expect("a transaction");
        transaction
            .batch_execute(escape)
            .await
            .expect("nothing prevents it");
        let row = transaction
            .query_one("select current_user = session_user", &[])
            .await;
        assert!(row.expect("a row").get::<_, bool>(0), "{escape}");
        let error = transaction
            .query("select * from notes", &[])
            .await
            .expect_err("no right");
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{escape}");
    }
    let config = database.config();
    let owner = format!(
        "set session authorization \"{}\"",
        config.get_user().expect("a user")
    );
    for up in ["set role service_role", "set local role service_role", &owner] {
        let transaction = rls::tokio_postgres::begin_as(&mut client, &claims).await;
        let error = transaction
            .expect("a transaction")
            .batch_execute(up)
            .await
            .expect_err("not allowed");
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{up}");
    }
    // Other claims can be set: who may run any SQL may be anybody. Nothing of it outlives the transaction.
    let transaction = rls::tokio_postgres::begin_as(&mut client, &claims)
        .await
        .expect("a transaction");
    transaction
        .batch_execute(
            r#"set local role authenticated;
               set local request.jwt.claims = '{"sub":"11111111-1111-4111-8111-111111111111"}'"#,
        )
        .await
        .expect("nothing prevents it");
    assert_eq!(
        transaction
            .query("select * from notes", &[])
            .await
            .expect("rows")
            .len(),
        1
    );
    drop(transaction);
    let transaction = rls::tokio_postgres::begin_as(&mut client, &claims)
        .await
        .expect("a transaction");
    assert_eq!(
        transaction
            .query("select * from notes", &[])
            .await
            .expect("rows")
            .len(),
        0
    );
    drop(transaction);

    // For one statement the same holds: it is committed, and the connection is nobody's.
    for escape in ["reset role", "set role authenticated"] {
        rls::tokio_postgres::execute_as(&mut client, &claims, escape, &[])
            .await
            .expect("nothing prevents it");
        client.batch_execute("reset role").await.expect("a role");
    }
    drop(client);
    connection.await.expect("the connection ends").expect("in peace");
}

#[tokio::test]
async fn row_security_cannot_be_switched_off() {
    let database = database(NOTES);
    let mut client = database.connect().await.expect("a connection");
    let claims = claims(&user(UserKind::Normal).await);
    client
        .batch_execute("set row_security = off")
        .await
        .expect("a setting");
    let transaction = rls::tokio_postgres::begin_as(&mut client, &claims)
        .await
        .expect("a transaction");
    let error = transaction
        .query("select * from notes", &[])
        .await
        .expect_err("an error, not all rows");
    assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
}
