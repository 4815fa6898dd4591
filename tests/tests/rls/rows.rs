//! What each client shows to whom.

use hexclave_core::{User, UserKind};
use hexclave_supabase::{SupabaseClaims, policies, rls};
use hexclave_testkit::postgres::Database;
use hexclave_tests::{GUIDE, user};
use sqlx::Row as _;
use tokio_postgres::types::Type;

use crate::support::{AT_REST, STATE, claims, database};

const IDS: &str = "select id from data order by id";

/// The guide's table with row 3 for Grace, and who sees what.
async fn guide() -> (Database, Vec<(SupabaseClaims, Vec<i64>)>) {
    guide_as(GUIDE).await
}

async fn guide_as(schema: &str) -> (Database, Vec<(SupabaseClaims, Vec<i64>)>) {
    let database = database(schema);
    let (ada, grace): (User, User) = (user(UserKind::Normal).await, user(UserKind::Normal).await);
    let sql = format!("update data set user_id = '{}' where id = 3", grace.id());
    database.execute(&sql).expect("an owner");
    let expected = vec![
        (claims(&ada), vec![1, 2]),
        (claims(&grace), vec![1, 2, 3]),
        (SupabaseClaims::signed_out(), vec![1]),
    ];
    (database, expected)
}

#[tokio::test]
async fn tokio_postgres_shows_everybody_their_rows() {
    let (database, expected) = guide().await;
    let mut client = database.connect().await.expect("a connection");
    for (claims, expected) in expected {
        let transaction = rls::tokio_postgres::begin_as(&mut client, &claims)
            .await
            .expect("a transaction");
        let rows = transaction.query(IDS, &[]).await.expect("rows");
        let ids: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(ids, expected, "{claims:?}");
        transaction.commit().await.expect("a commit");

        let rows = rls::tokio_postgres::query_as(
            &mut client,
            &claims,
            "select id from data where id > $1 order by id",
            &[(&0_i64, Type::INT8)],
        )
        .await
        .expect("rows");
        let ids: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(ids, expected, "{claims:?}");
        let row = client.query_one(STATE, &[]).await.expect("a row");
        assert_eq!(row.get::<_, String>(0), AT_REST);
    }
}

#[tokio::test]
async fn deadpool_shows_everybody_their_rows() {
    let (database, expected) = guide_as(policies::GUIDE).await;
    let manager = deadpool_postgres::Manager::new(database.authenticator_config(), tokio_postgres::NoTls);
    let pool = deadpool_postgres::Pool::builder(manager)
        .max_size(1)
        .build()
        .expect("a pool");
    for (claims, expected) in expected {
        let mut client = pool.get().await.expect("a connection");
        let transaction = rls::deadpool_postgres::begin_as(&mut client, &claims)
            .await
            .expect("a transaction");
        let statement = transaction.prepare_cached(IDS).await.expect("a statement");
        let rows = transaction.query(&statement, &[]).await.expect("rows");
        let ids: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(ids, expected, "{claims:?}");
        transaction.commit().await.expect("a commit");
        let rows = rls::deadpool_postgres::query_as(&mut client, &claims, IDS, &[])
            .await
            .expect("rows");
        assert_eq!(rows.len(), expected.len());
    }
}

#[tokio::test]
async fn sqlx_shows_everybody_their_rows() {
    let (database, expected) = guide().await;
    let pool = crate::pools::sqlx_pool(&database, 1);
    for (claims, expected) in expected {
        let mut transaction = rls::sqlx::begin_as(&pool, &claims).await.expect("a transaction");
        let rows = sqlx::query(IDS).fetch_all(&mut *transaction).await.expect("rows");
        let ids: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(ids, expected, "{claims:?}");
        transaction.commit().await.expect("a commit");
        let row = sqlx::query(STATE).fetch_one(&pool).await.expect("a row");
        assert_eq!(row.get::<String, _>(0), AT_REST);
    }
    pool.close().await;
}

#[test]
fn the_blocking_client_shows_everybody_their_rows() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (database, expected) = runtime.block_on(guide());
    let config = postgres::Config::from(database.authenticator_config());
    let mut client = config.connect(postgres::NoTls).expect("a connection");
    for (claims, expected) in expected {
        let mut transaction = rls::postgres::begin_as(&mut client, &claims).expect("a transaction");
        let rows = transaction.query(IDS, &[]).expect("rows");
        let ids: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(ids, expected, "{claims:?}");
        transaction.commit().expect("a commit");
        let row = client.query_one(STATE, &[]).expect("a row");
        assert_eq!(row.get::<_, String>(0), AT_REST);
    }
}

#[tokio::test]
async fn the_database_functions_see_the_claims() {
    let database = database("");
    let ada = user(UserKind::Normal).await;
    let mut client = database.connect().await.expect("a connection");
    let seen = "select auth.uid()::text, auth.role(), auth.jwt()::text, current_user::text";
    for (claims, uid, role) in [
        (claims(&ada), Some(ada.id().to_string()), "authenticated"),
        (SupabaseClaims::signed_out(), None, "anon"),
    ] {
        let transaction = rls::tokio_postgres::begin_as(&mut client, &claims)
            .await
            .expect("a transaction");
        let row = transaction.query_one(seen, &[]).await.expect("a row");
        assert_eq!(row.get::<_, Option<String>>(0), uid);
        assert_eq!(row.get::<_, String>(1), role);
        let jwt: serde_json::Value = serde_json::from_str(&row.get::<_, String>(2)).expect("JSON");
        let claims: serde_json::Value = serde_json::from_str(&claims.to_json()).expect("JSON");
        assert_eq!(jwt, claims);
        assert_eq!(row.get::<_, String>(3), role);
    }
}

#[tokio::test]
async fn what_one_statement_writes_is_committed_or_refused() {
    let database = database(crate::support::NOTES);
    let (ada, grace) = (user(UserKind::Normal).await, user(UserKind::Normal).await);
    let mut client = database.connect().await.expect("a connection");
    let add = "insert into notes (owner, body) values ($1::text::uuid, 'a')";
    let own = (
        &ada.id().to_string() as &(dyn tokio_postgres::types::ToSql + Sync),
        Type::TEXT,
    );
    let forged = (
        &grace.id().to_string() as &(dyn tokio_postgres::types::ToSql + Sync),
        Type::TEXT,
    );
    let added = rls::tokio_postgres::execute_as(&mut client, &claims(&ada), add, &[own]).await;
    assert_eq!(added.expect("a row of one's own"), 1);
    let error = rls::tokio_postgres::execute_as(&mut client, &claims(&ada), add, &[forged])
        .await
        .expect_err("somebody else's");
    assert_eq!(error.code(), "statement");
    assert_eq!(error.sql_state(), Some("42501"));
    let rows =
        rls::tokio_postgres::query_as(&mut client, &claims(&ada), "select owner::text from notes", &[])
            .await
            .expect("rows");
    assert_eq!(rows.len(), 1);
    let row = client.query_one(STATE, &[]).await.expect("a row");
    assert_eq!(row.get::<_, String>(0), AT_REST);
}
