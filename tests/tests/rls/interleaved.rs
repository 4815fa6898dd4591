//! Many users on few connections, at the same time.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hexclave_core::{User, UserId, UserKind};
use hexclave_supabase::rls;
use hexclave_tests::user;
use tokio_postgres::{Client, error::SqlState};

use crate::support::{AT_REST, NOTES, STATE, claims, database};

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
