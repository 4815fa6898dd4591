//! Row Level Security on a real Postgres: each user sees their own rows and nobody else's, whatever happens on
//! the connection.
#![allow(clippy::expect_used, clippy::panic)]

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hexclave_core::{AcceptedKinds, User, UserId, UserKind};
use hexclave_supabase::{ErrorKind, SupabaseClaims, rls};
use hexclave_testkit::postgres::{Database, Postgres};
use hexclave_tests::{GUIDE, user};
use tokio_postgres::{Client, error::SqlState};

fn claims(user: &User) -> SupabaseClaims {
    SupabaseClaims::of(user, AcceptedKinds::ALL).expect("claims")
}

fn database(sql: &str) -> Database {
    let database = Postgres::shared().and_then(|postgres| postgres.database());
    let database = database.expect("a database");
    database.execute(sql).expect("a schema");
    database
}

fn give_row_3_to(database: &Database, user: &User) {
    let sql = format!("update data set user_id = '{}' where id = 3", user.id());
    database.execute(&sql).expect("an owner");
}

#[tokio::test]
async fn the_guides_rows_are_seen_by_those_they_are_for() {
    let database = database(GUIDE);
    let (ada, grace) = (user(UserKind::Normal).await, user(UserKind::Normal).await);
    give_row_3_to(&database, &grace);
    let mut client = database.connect().await.expect("a connection");
    for (claims, expected) in [
        (claims(&ada), vec![1, 2]),
        (claims(&grace), vec![1, 2, 3]),
        (SupabaseClaims::signed_out(), vec![1]),
    ] {
        let transaction = rls::tokio_postgres::begin_as(&mut client, &claims)
            .await
            .expect("a transaction");
        let rows = transaction
            .query("select id from data order by id", &[])
            .await
            .expect("rows");
        let ids: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(ids, expected, "{claims:?}");
        transaction.commit().await.expect("a commit");
    }
}

#[test]
fn the_blocking_client_sees_the_same_rows() {
    let database = database(GUIDE);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let grace = runtime.block_on(user(UserKind::Normal));
    give_row_3_to(&database, &grace);
    let config = postgres::Config::from(database.authenticator_config());
    let mut client = config.connect(postgres::NoTls).expect("a connection");
    for (claims, expected) in [
        (claims(&grace), vec![1, 2, 3]),
        (SupabaseClaims::signed_out(), vec![1]),
    ] {
        let mut transaction = rls::postgres::begin_as(&mut client, &claims).expect("a transaction");
        let rows = transaction
            .query("select id from data order by id", &[])
            .expect("rows");
        let ids: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(ids, expected, "{claims:?}");
        drop(transaction);
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
async fn a_connection_that_may_not_switch_is_refused_and_stays_usable() {
    let database = database("");
    // Roles belong to the server, so the name has to be this database's own.
    let role = format!("{}_guest", database.name());
    database
        .execute(&format!("create role {role} login password 'guest'"))
        .expect("a role");
    let mut config = database.config();
    config.user(&role).password("guest");
    let (mut client, connection) = config.connect(tokio_postgres::NoTls).await.expect("a connection");
    let connection = tokio::spawn(connection);

    let claims = SupabaseClaims::signed_out();
    let error = rls::tokio_postgres::begin_as(&mut client, &claims)
        .await
        .err()
        .expect("no such right");
    assert_eq!(error.kind(), ErrorKind::Database);
    let source =
        std::error::Error::source(&error).and_then(|source| source.downcast_ref::<tokio_postgres::Error>());
    assert_eq!(
        source.and_then(|source| source.code()),
        Some(&SqlState::INSUFFICIENT_PRIVILEGE)
    );
    let row = client
        .query_one("select current_user = session_user", &[])
        .await
        .expect("a row");
    assert!(row.get::<_, bool>(0));

    drop(client);
    connection.await.expect("the connection ends").expect("in peace");
    database
        .execute(&format!("drop role {role}"))
        .expect("the role is gone");
}

/// The role in force and the claims, in one text. After the first transaction the claims are an empty text, before
/// it they are unset; to `auth.uid()` that is the same.
const STATE: &str = "select concat_ws('/', session_user, current_user, current_setting('role'),
    nullif(current_setting('request.jwt.claims', true), ''))";
const AT_REST: &str = "authenticator/authenticator/none";

const NOTES: &str = "
    create table notes (id bigserial primary key, owner uuid not null default auth.uid(), body text not null);
    alter table notes enable row level security;
    create policy own_read on notes for select to authenticated using (owner = (select auth.uid()));
    create policy own_add on notes for insert to authenticated with check (owner = (select auth.uid()));
    grant select, insert on notes to authenticated;
    grant select on notes to anon;
    grant usage on sequence notes_id_seq to authenticated;";

/// How a transaction ends.
#[derive(Clone, Copy, Debug)]
enum Ending {
    Commit,
    Rollback,
    /// A statement fails half-way, and the transaction is dropped.
    Failure,
    /// A row in somebody else's name is refused, and the transaction is dropped.
    Denied,
    /// The caller stops waiting for an answer.
    Cancelled,
}

/// Numbers that look random and are the same in each run (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).expect("small")
    }
}

async fn visit(client: &mut Client, user: &User, others: UserId, ending: Ending) -> usize {
    let transaction = rls::tokio_postgres::begin_as(client, &claims(user))
        .await
        .expect("a transaction");
    let owners = transaction
        .query("select owner::text, auth.uid()::text from notes", &[])
        .await;
    for row in owners.expect("rows") {
        assert_eq!(
            row.get::<_, String>(0),
            user.id().to_string(),
            "a row of somebody else"
        );
        assert_eq!(row.get::<_, String>(1), user.id().to_string());
    }
    let added = transaction
        .execute("insert into notes (body) values ('mine')", &[])
        .await;
    assert_eq!(added.expect("a row of one's own"), 1);
    match ending {
        Ending::Commit => {
            transaction.commit().await.expect("a commit");
            return 1;
        }
        Ending::Rollback => transaction.rollback().await.expect("a rollback"),
        Ending::Failure => {
            let error = transaction
                .query("select 1 / 0", &[])
                .await
                .expect_err("no such number");
            assert_eq!(error.code(), Some(&SqlState::DIVISION_BY_ZERO));
        }
        Ending::Denied => {
            let forged = "insert into notes (owner, body) values ($1::text::uuid, 'yours')";
            let error = transaction
                .execute(forged, &[&others.to_string()])
                .await
                .expect_err("not mine");
            assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
        }
        Ending::Cancelled => {
            let waiting = transaction.query("select pg_sleep(0.002)", &[]);
            let _ = tokio::time::timeout(Duration::ZERO, waiting).await;
        }
    }
    0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_sees_anothers_row_in_2000_interleaved_transactions() {
    const CONNECTIONS: usize = 8;
    const TRANSACTIONS: usize = 2000;
    let database = Arc::new(database(NOTES));
    let mut users = Vec::new();
    for _ in 0..4 {
        users.push(user(UserKind::Normal).await);
    }
    let users: Arc<[User]> = users.into();
    let begun = Arc::new(AtomicUsize::new(0));

    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..CONNECTIONS {
        let (database, users, begun) = (Arc::clone(&database), Arc::clone(&users), Arc::clone(&begun));
        tasks.spawn(async move {
            let mut client = database.connect().await.expect("a connection");
            let mut dice = Dice(number as u64);
            let mut committed: HashMap<UserId, usize> = HashMap::new();
            while begun.fetch_add(1, Ordering::SeqCst) < TRANSACTIONS {
                let user = users.get(dice.roll(users.len())).expect("a user");
                let other = users
                    .iter()
                    .find(|other| other.id() != user.id())
                    .expect("another");
                let ending = match dice.roll(6) {
                    0 | 1 => Ending::Commit,
                    2 => Ending::Rollback,
                    3 => Ending::Failure,
                    4 => Ending::Denied,
                    _ => Ending::Cancelled,
                };
                *committed.entry(user.id()).or_default() +=
                    visit(&mut client, user, other.id(), ending).await;
                let row = client.query_one(STATE, &[]).await.expect("a row");
                assert_eq!(row.get::<_, String>(0), AT_REST, "after {ending:?}");
            }
            committed
        });
    }
    let mut committed: HashMap<UserId, usize> = HashMap::new();
    for of_one_connection in tasks.join_all().await {
        for (user, count) in of_one_connection {
            *committed.entry(user).or_default() += count;
        }
    }

    // What was committed is there and nothing else is: no transaction did less or more than it seemed to.
    let owner = database.connect_as_owner().await.expect("a connection");
    let counted = owner
        .query("select owner::text, count(*) from notes group by 1", &[])
        .await
        .expect("rows");
    let counted: HashMap<UserId, usize> = counted
        .iter()
        .map(|row| {
            let owner = row.get::<_, String>(0).parse().expect("a user id");
            (owner, usize::try_from(row.get::<_, i64>(1)).expect("a count"))
        })
        .collect();
    assert_eq!(counted.len(), 4);
    assert_eq!(counted, committed);
}
