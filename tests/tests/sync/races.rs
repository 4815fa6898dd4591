//! Readings that overlap: of two workers, and of a worker and a reconciliation.

use std::sync::Arc;

use futures_util::future::join_all;
use hexclave_supabase::sync::{Outcome, Reconciliation};
use hexclave_testkit::hexclave::Fault;
use serde_json::json;

use crate::support::{World, until_held_back};

/// The first worker's answer is on its way for long, and the user changes meanwhile.
#[tokio::test]
async fn an_older_answer_does_not_replace_a_newer_one() {
    let world = World::new().await;
    let ada = world
        .hexclave
        .create_user(json!({ "display_name": "old" }))
        .expect("a user");
    let created = world.attempt(&world.last_message()).await;
    world
        .hexclave
        .inject(Fault::hold_back().on("GET", "/users/{user}").times(1));
    let slow = world.mirror.handle(&world.client, &created);
    let quick = async {
        until_held_back(&world.hexclave, 1).await;
        world
            .hexclave
            .update_user(ada, json!({ "display_name": "new" }))
            .expect("a change");
        let outcome = world.deliver(&world.last_message()).await.expect("done");
        world.hexclave.heal();
        outcome
    };
    let (slow, quick) = tokio::join!(slow, quick);
    assert_eq!((slow.expect("done"), quick), (Outcome::Unchanged, Outcome::Added));
    world.assert_in_step().await;
}

/// Two overlapping readings, of which the one that began first ends last, and then the one that began last does: the
/// second answer may be the older one, so that the user is read once more.
#[tokio::test]
async fn an_answer_that_may_be_older_is_asked_for_again() {
    let world = World::new().await;
    let ada = world
        .hexclave
        .create_user(json!({ "display_name": "old" }))
        .expect("a user");
    let created = world.attempt(&world.last_message()).await;
    // The first to ask waits before it is answered. The second is answered at once, and gets the answer late.
    world
        .hexclave
        .inject(Fault::hang().on("GET", "/users/{user}").times(1));
    let first = world.mirror.handle(&world.client, &created);
    let other = world.database.connect_as_owner().await.expect("a connection");
    let second = async {
        while world.hexclave.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        world
            .hexclave
            .inject(Fault::hold_back().on("GET", "/users/{user}").times(1));
        world.mirror.refresh(&other, ada).await
    };
    let change = async {
        until_held_back(&world.hexclave, 1).await;
        world
            .hexclave
            .update_user(ada, json!({ "display_name": "new" }))
            .expect("a change");
        let again = world.deliver(&world.last_message()).await;
        world.hexclave.heal();
        again
    };
    let (first, second, change) = tokio::join!(first, second, change);
    assert_eq!(change.expect("done"), Outcome::Added);
    // Both had begun before the change's own reading did.
    assert_eq!(first.expect("done"), Outcome::Unchanged);
    assert_eq!(second.expect("done"), Outcome::Unchanged);
    world.assert_in_step().await;
}

/// As long as the row was written after a reading began, by one that had begun earlier, the reading is repeated.
#[tokio::test]
async fn an_overlapping_answer_is_never_written() {
    let world = World::new().await;
    let ada = world
        .hexclave
        .create_user(json!({ "display_name": "old" }))
        .expect("a user");
    world
        .hexclave
        .inject(Fault::hold_back().on("GET", "/users/{user}").times(1));
    let held = world.mirror.refresh(&world.client, ada);
    let overlap = async {
        until_held_back(&world.hexclave, 1).await;
        world
            .hexclave
            .update_user(ada, json!({ "display_name": "new" }))
            .expect("a change");
        // Somebody who began before and ends now, with the state of now.
        let sql = format!(
            "with now as (select nextval('users_sync_reads') as written),
             sync as (insert into users_sync select '{ada}', 0, written, 'present' from now)
             insert into users (id, display_name, primary_email_verified, signed_up_at, is_anonymous, is_restricted)
             values ('{ada}', 'new', false, now(), false, false)"
        );
        world.database.execute(&sql).expect("a row");
        world.hexclave.forget_requests();
        world.hexclave.heal();
    };
    let (outcome, ()) = tokio::join!(held, overlap);
    assert_eq!(outcome.expect("done"), Outcome::Changed);
    assert_eq!(world.hexclave.requests().len(), 1, "it was read again");
    world.assert_in_step().await;
}

/// A page was read, then a user on it changes and another goes, and the webhooks are faster than the page.
#[tokio::test]
async fn a_page_that_is_out_of_date_undoes_nothing() {
    let world = World::new().await;
    let [ada, bob, cyd] = ["Ada", "Bob", "Cyd"].map(|name| {
        let user = world.hexclave.create_user(json!({ "display_name": name }));
        user.expect("a user")
    });
    world
        .hexclave
        .inject(Fault::hold_back().on("GET", "/users").times(1));
    let other = world.database.connect_as_owner().await.expect("a connection");
    let reconciled = world.mirror.reconcile(&other, Reconciliation::default(), |_| {});
    let meanwhile = async {
        until_held_back(&world.hexclave, 1).await;
        world.hexclave.delete_user(ada).expect("a deletion");
        world.deliver(&world.last_message()).await.expect("done");
        world
            .hexclave
            .update_user(bob, json!({ "display_name": "B" }))
            .expect("a change");
        world.deliver(&world.last_message()).await.expect("done");
        // Nobody hears of this one.
        world
            .hexclave
            .update_user(cyd, json!({ "display_name": "C" }))
            .expect("a change");
        let dan = world
            .hexclave
            .create_user(json!({ "display_name": "Dan" }))
            .expect("a user");
        world.deliver(&world.last_message()).await.expect("done");
        world.hexclave.heal();
        dan
    };
    let (reconciled, dan) = tokio::join!(reconciled, meanwhile);
    reconciled.expect("a reconciliation");
    assert_eq!(world.deleted().await, [ada]);
    let rows = world.rows().await;
    assert_eq!(rows[&bob]["display_name"], "B");
    assert_eq!(rows[&dan]["display_name"], "Dan");
    // It changed after the reconciliation had begun.
    assert_eq!(rows[&cyd]["display_name"], "Cyd");
    world.reconcile().await;
    world.assert_in_step().await;
}

/// The deletion's webhook comes between the page and its writing, and is not even known to be one: the user is asked for
/// and missing.
#[tokio::test]
async fn a_user_who_went_after_the_page_was_read_stays_gone() {
    let world = World::new().await;
    let ada = world
        .hexclave
        .create_user(json!({ "display_name": "Ada" }))
        .expect("a user");
    world.deliver(&world.last_message()).await.expect("done");
    world
        .hexclave
        .inject(Fault::hold_back().on("GET", "/users").times(1));
    let other = world.database.connect_as_owner().await.expect("a connection");
    let reconciled = world.mirror.reconcile(&other, Reconciliation::default(), |_| {});
    let meanwhile = async {
        until_held_back(&world.hexclave, 1).await;
        world.hexclave.delete_user(ada).expect("a deletion");
        let refreshed = world.mirror.refresh(&world.client, ada).await.expect("done");
        world.hexclave.heal();
        refreshed
    };
    let (reconciled, refreshed) = tokio::join!(reconciled, meanwhile);
    assert_eq!(refreshed, Outcome::Removed);
    assert_eq!(reconciled.expect("a reconciliation").added, 0);
    assert_eq!(world.deleted().await, [ada]);
    world.assert_in_step().await;
}

/// A user who comes while the pages are read is on none of them, and is not taken for deleted.
#[tokio::test]
async fn a_user_who_comes_meanwhile_is_not_marked_as_deleted() {
    let world = World::new().await;
    world.hexclave.create_user(json!({})).expect("a user");
    world
        .hexclave
        .inject(Fault::hold_back().on("GET", "/users").times(1));
    let other = world.database.connect_as_owner().await.expect("a connection");
    let reconciled = world.mirror.reconcile(&other, Reconciliation::default(), |_| {});
    let meanwhile = async {
        until_held_back(&world.hexclave, 1).await;
        world.hexclave.create_user(json!({})).expect("a user");
        world.deliver(&world.last_message()).await.expect("done");
        world.hexclave.heal();
    };
    let (reconciled, ()) = tokio::join!(reconciled, meanwhile);
    let done = reconciled.expect("a reconciliation");
    assert_eq!((done.users, done.checked, done.removed), (1, 0, 0));
    world.assert_in_step().await;
}

/// The same delivery to many workers at once, and many deliveries of few users, while these go on changing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_at_once_end_in_step() {
    let world = Arc::new(World::new().await);
    let users: Vec<_> = (0..4)
        .map(|n| {
            world
                .hexclave
                .create_user(json!({ "display_name": format!("{n}/0") }))
        })
        .collect::<Result<_, _>>()
        .expect("users");
    let workers = (0..8).map(|worker: usize| {
        let (world, users) = (Arc::clone(&world), users.clone());
        tokio::spawn(async move {
            let client = world.database.connect_as_owner().await.expect("a connection");
            let mut left = Vec::new();
            for round in 0..15 {
                let user = users[(worker + round) % users.len()];
                let name = format!("worker {worker}, round {round}.");
                world
                    .hexclave
                    .update_user(user, json!({ "display_name": name }))
                    .expect("a change");
                let mut messages = world.messages().into_iter();
                let message = messages
                    .find(|message| message.body.contains(&name))
                    .expect("a message");
                let [one, two] = [world.attempt(&message).await, world.attempt(&message).await];
                let (one, two) = tokio::join!(
                    world.mirror.handle(&client, &one),
                    world.mirror.handle(&client, &two)
                );
                if one.and(two).is_err() {
                    left.push(message);
                }
            }
            left
        })
    });
    for left in join_all(workers).await {
        for message in left.expect("a worker") {
            world.deliver(&message).await.expect("done");
        }
    }
    world.assert_in_step().await;
    let handled = "select count(*) from users_sync_deliveries";
    let handled: i64 = world.client.query_one(handled, &[]).await.expect("a row").get(0);
    assert_eq!(handled, 120, "those that created the users were never delivered");
}
