//! Going through all users: from the beginning, from where it was broken off, and one at a time.

use std::{future::Future, pin::pin, task::Poll};

use hexclave_core::UserId;
use hexclave_supabase::{
    ErrorKind,
    sync::{Outcome, Phase, Progress, Reconciliation},
};
use hexclave_testkit::hexclave::{Fault, NewUser};
use serde_json::json;

use crate::support::{World, until_held_back};

fn by(users: u32) -> Reconciliation {
    Reconciliation::default().page_size(users)
}

/// So many users, each of whom signed up a second after the one before.
fn sign_up(world: &World, users: usize) -> Vec<UserId> {
    let one_more = |n| {
        world.clock.advance(1);
        world
            .hexclave
            .create_user(json!({ "display_name": format!("{n}") }))
            .expect("a user")
    };
    (0..users).map(one_more).collect()
}

#[tokio::test]
async fn every_kind_of_user_is_listed() {
    let world = World::new().await;
    for user in [
        NewUser::new("ada@example.com").name("Ada"),
        NewUser::new("bob@example.com").restricted_by_admin("spam"),
        NewUser::anonymous(),
    ] {
        world.hexclave.add_user(user).expect("a user");
    }
    let done = world.reconcile().await;
    assert_eq!(
        (done.users, done.added, done.phase, done.resumed),
        (3, 3, Phase::Done, false)
    );
    world.assert_in_step().await;
    let again = world.reconcile().await;
    assert_eq!(
        (again.users, again.added, again.changed, again.removed),
        (3, 0, 0, 0)
    );
}

#[tokio::test]
async fn nobody_at_all_is_a_list_too() {
    let world = World::new().await;
    let done = world.reconcile().await;
    assert_eq!((done.users, done.checked), (0, 0));
    let ada = world.hexclave.create_user(json!({})).expect("a user");
    world.reconcile().await;
    world.hexclave.delete_user(ada).expect("a deletion");
    let done = world.reconcile().await;
    assert_eq!((done.users, done.checked, done.removed), (0, 1, 1));
    assert_eq!(world.deleted().await, [ada]);
}

#[tokio::test]
async fn progress_is_told_page_by_page_and_lost_webhooks_are_made_good() {
    let world = World::new().await;
    let users = sign_up(&world, 7);
    world.reconcile().await;
    world.hexclave.delete_user(users[0]).expect("a deletion");
    world.hexclave.delete_user(users[4]).expect("a deletion");
    world
        .hexclave
        .update_user(users[5], json!({ "display_name": "other" }))
        .expect("a change");
    sign_up(&world, 1);
    let mut told = Vec::new();
    let done = world
        .mirror
        .reconcile(&world.client, by(2), |progress| told.push(*progress))
        .await;
    let done = done.expect("a reconciliation");
    let numbers = |progress: &Progress| (progress.phase, progress.users, progress.checked);
    assert_eq!(
        told.iter().map(numbers).collect::<Vec<_>>(),
        [
            (Phase::Listing, 0, 0),
            (Phase::Listing, 2, 0),
            (Phase::Listing, 4, 0),
            (Phase::Checking, 6, 0),
            (Phase::Checking, 6, 1),
            (Phase::Checking, 6, 2),
            (Phase::Done, 6, 2),
        ]
    );
    assert_eq!((done.added, done.changed, done.removed), (1, 1, 2));
    assert_eq!(told.last(), Some(&done));
    world.assert_in_step().await;
}

/// The user with whom the next page would have begun is deleted, or moves to the end of the list, and so does the one
/// with whom the last page had ended.
#[tokio::test]
async fn a_list_that_shifts_while_it_is_read_loses_nobody() {
    for page_size in [1, 2, 3] {
        for (n, change) in [
            "delete",
            "sign up",
            "delete both",
            "sign up both",
            "delete all so far",
        ]
        .iter()
        .enumerate()
        {
            let world = World::new().await;
            let users = {
                let one_more = |_| {
                    world.clock.advance(1);
                    world.hexclave.add_user(NewUser::anonymous()).expect("a user")
                };
                (0..7).map(one_more).collect::<Vec<_>>()
            };
            world.reconcile().await;
            let mut is_done = false;
            let done = world.mirror.reconcile(&world.client, by(page_size), |progress| {
                let seen = usize::try_from(progress.users).expect("a number");
                if is_done || seen < 3 || progress.phase != Phase::Listing {
                    return;
                }
                is_done = true;
                world.clock.advance(60);
                let those = match n {
                    0 | 1 => seen..seen + 1,
                    2 | 3 => seen - 1..seen + 1,
                    _ => 0..seen,
                };
                for user in &users[those] {
                    if change.starts_with("delete") {
                        world.hexclave.delete_user(*user).expect("a deletion");
                    } else {
                        let signed_up =
                            json!({ "is_anonymous": false, "primary_email": format!("{user}@example.com") });
                        world.hexclave.update_user(*user, signed_up).expect("a change");
                    }
                }
            });
            done.await.expect("a reconciliation");
            assert!(is_done);
            if n < 4 {
                // What was on a page before is not looked at again.
                let behind = world.rows().await;
                let source = crate::support::source(&world.api, world.mirror.table()).await;
                let differ = source
                    .iter()
                    .filter(|(id, user)| behind.get(id) != Some(user))
                    .count();
                assert!(differ == 0, "{change}, {page_size} on a page: {differ} differ");
            }
            world.reconcile().await;
            world.assert_in_step().await;
        }
    }
}

/// The list says that the user with whom it is to begin is not there, and the API shows the user.
#[tokio::test]
async fn an_api_that_contradicts_itself_ends_it_and_marks_nobody() {
    let world = World::new().await;
    sign_up(&world, 5);
    let missing = Fault::known_error(404, "USER_NOT_FOUND", json!({})).on("GET", "/users");
    let broken = world.mirror.reconcile(&world.client, by(2), |progress| {
        if progress.users == 2 {
            world.hexclave.inject(missing.clone().times(1));
        }
    });
    let error = is_send(broken).await.expect_err("a contradiction");
    assert_eq!(error.kind(), ErrorKind::Api);
    assert!(
        error.to_string().contains("lists nobody from there on"),
        "{error}"
    );
    let done = world.reconcile().await;
    assert_eq!((done.resumed, done.users, done.removed), (true, 5, 0));
    world.assert_in_step().await;
}

/// The numbers begin at one again, as in a database that was restored without its sequences.
#[tokio::test]
async fn a_lost_sequence_is_mended() {
    let world = World::new().await;
    let [ada] = sign_up(&world, 1)[..] else {
        panic!("one user")
    };
    for _ in 0..5 {
        world.reconcile().await;
    }
    world
        .database
        .execute("alter sequence users_sync_reads restart")
        .expect("a sequence");
    world
        .hexclave
        .update_user(ada, json!({ "display_name": "new" }))
        .expect("a change");
    assert_eq!(
        world.deliver(&world.last_message()).await.expect("done"),
        Outcome::Unchanged
    );
    assert_eq!(world.reconcile().await.changed, 1);
    world.assert_in_step().await;
    world
        .hexclave
        .update_user(ada, json!({ "display_name": "newer" }))
        .expect("a change");
    assert_eq!(
        world.deliver(&world.last_message()).await.expect("done"),
        Outcome::Changed
    );
}

#[tokio::test]
async fn what_was_broken_off_goes_on_where_it_was() {
    let world = World::new().await;
    let users = sign_up(&world, 9);
    // The third page fails.
    let mut pages = 0;
    let broken = world.mirror.reconcile(&world.client, by(2), |progress| {
        pages = progress.users / 2;
        if pages == 2 {
            world
                .hexclave
                .inject(Fault::text(500, "trouble").on("GET", "/users"));
        }
    });
    let error = broken.await.expect_err("no third page");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Api, true));
    assert_eq!(world.rows().await.len(), 4);
    world.hexclave.heal();
    world
        .hexclave
        .delete_user(users[3])
        .expect("the last one on the second page goes");
    world.hexclave.forget_requests();

    let done = world.mirror.reconcile(&world.client, by(2), |_| {}).await;
    let done = done.expect("a reconciliation");
    assert!(done.resumed);
    assert_eq!((done.users, done.added, done.removed), (9, 9, 1));
    // One page that begins nowhere, the user who is gone, and the pages that were left.
    assert_eq!(world.hexclave.requests().len(), 5);
    world.assert_in_step().await;

    let done = world.reconcile().await;
    assert_eq!((done.resumed, done.users, done.added), (false, 8, 0));
}

/// A process that is killed tells nobody.
#[tokio::test]
async fn what_was_killed_goes_on_after_two_minutes_or_when_it_is_taken_over() {
    for way in ["silence", "take over", "anew"] {
        let world = World::new().await;
        sign_up(&world, 6);
        {
            let other = world.database.connect_as_owner().await.expect("a connection");
            let killed = pin!(world.mirror.reconcile(&other, by(2), |progress| {
                if progress.users == 4 {
                    world.hexclave.inject(Fault::hang());
                }
            }));
            run_until(killed, || world.hexclave.requests().len() == 3).await;
        }
        world.hexclave.heal();
        assert_eq!(world.rows().await.len(), 4);

        let error = world.mirror.reconcile(&world.client, by(2), |_| {}).await;
        let error = error.expect_err("somebody may be at it");
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (ErrorKind::Reconciling, true)
        );
        let how = match way {
            "silence" => {
                let silence = "update users_sync_state set alive_at = now() - interval '121 seconds'";
                world.database.execute(silence).expect("time");
                by(2)
            }
            "take over" => by(2).take_over(),
            _ => by(2).take_over().anew(),
        };
        world.hexclave.forget_requests();
        let done = world
            .mirror
            .reconcile(&world.client, how, |_| {})
            .await
            .expect("a reconciliation");
        let pages = world.hexclave.requests().len();
        match way {
            "anew" => assert_eq!((done.resumed, done.users, done.added, pages), (false, 6, 2, 3)),
            _ => assert_eq!((done.resumed, done.users, done.added, pages), (true, 6, 6, 1)),
        }
        world.assert_in_step().await;
    }
}

#[tokio::test]
async fn what_is_older_than_a_day_is_begun_anew() {
    for (age, resumed) in [("23 hours", true), ("25 hours", false)] {
        let world = World::new().await;
        sign_up(&world, 3);
        let broken = world.mirror.reconcile(&world.client, by(2), |progress| {
            if progress.users == 2 {
                world.hexclave.inject(Fault::garbage());
            }
        });
        broken.await.expect_err("no second page");
        world.hexclave.heal();
        let aged = format!("update users_sync_state set started_at = now() - interval '{age}'");
        world.database.execute(&aged).expect("time");
        let done = world.reconcile().await;
        assert_eq!((done.resumed, done.users), (resumed, 3), "{age}");
        world.assert_in_step().await;
    }
}

#[tokio::test]
async fn checking_goes_on_where_it_was_too() {
    let world = World::new().await;
    let users = sign_up(&world, 5);
    world.reconcile().await;
    for user in &users[1..4] {
        world.hexclave.delete_user(*user).expect("a deletion");
    }
    let broken = world.mirror.reconcile(&world.client, by(2), |progress| {
        if progress.checked == 1 {
            world
                .hexclave
                .inject(Fault::status(404).on("GET", "/users/{user}"));
        }
    });
    let error = broken.await.expect_err("nobody can tell");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Api, false));
    // Whoever is not listed is not deleted for that.
    assert_eq!(world.deleted().await.len(), 1);
    world.hexclave.heal();
    world.hexclave.forget_requests();
    let done = world.reconcile().await;
    assert_eq!(
        (done.resumed, done.users, done.checked, done.removed),
        (true, 2, 3, 3)
    );
    assert_eq!(world.hexclave.requests().len(), 2);
    world.assert_in_step().await;
}

#[tokio::test]
async fn one_goes_on_at_a_time() {
    let world = World::new().await;
    sign_up(&world, 5);
    world
        .hexclave
        .inject(Fault::hold_back().on("GET", "/users").times(1));
    let other = world.database.connect_as_owner().await.expect("a connection");
    let first = world.mirror.reconcile(&other, by(2), |_| {});
    let second = async {
        until_held_back(&world.hexclave, 1).await;
        let error = world
            .mirror
            .reconcile(&world.client, by(2), |_| {})
            .await
            .expect_err("the first");
        assert_eq!(error.kind(), ErrorKind::Reconciling);
        let done = world
            .mirror
            .reconcile(&world.client, by(2).take_over(), |_| {})
            .await;
        world.hexclave.heal();
        done
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.expect_err("taken over").kind(), ErrorKind::Reconciling);
    assert_eq!(second.expect("a reconciliation").users, 5);
    world.assert_in_step().await;
    // The one that was stopped has left nothing behind.
    assert!(!world.reconcile().await.resumed);
}

#[tokio::test]
async fn webhooks_are_handled_meanwhile() {
    let world = World::new().await;
    let users = sign_up(&world, 6);
    let messages = world.messages();
    world
        .hexclave
        .inject(Fault::hold_back().on("GET", "/users").times(1));
    let other = world.database.connect_as_owner().await.expect("a connection");
    let reconciled = world.mirror.reconcile(&other, by(3), |_| {});
    let meanwhile = async {
        until_held_back(&world.hexclave, 1).await;
        let mut outcomes = Vec::new();
        for message in &messages[2..5] {
            outcomes.push(world.deliver(message).await.expect("done"));
        }
        world.hexclave.heal();
        outcomes
    };
    let (done, outcomes) = tokio::join!(reconciled, meanwhile);
    assert_eq!(outcomes, [Outcome::Added; 3]);
    let done = done.expect("a reconciliation");
    assert_eq!((done.users, done.added), (users.len() as u64, 3));
    world.assert_in_step().await;
}

/// So that it can be a task.
fn is_send<T: Send>(future: T) -> T {
    future
}

/// Runs a future until something is so, and gives it up then.
async fn run_until(mut future: impl Future + Unpin, is_so: impl Fn() -> bool) {
    loop {
        let is_over = std::future::poll_fn(|cx| Poll::Ready(pin!(&mut future).poll(cx).is_ready())).await;
        assert!(!is_over, "it was to be given up");
        if is_so() {
            return;
        }
        tokio::task::yield_now().await;
    }
}
