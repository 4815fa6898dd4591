//! Ten thousand users.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use futures_util::future::join_all;
use hexclave_core::UserId;
use hexclave_supabase::sync::{Phase, Reconciliation};
use hexclave_testkit::hexclave::{Fault, WebhookMessage};
use serde_json::json;

use crate::support::World;

const USERS: usize = 10_000;
/// Of them, those who sign up when the table is there.
const NEW_USERS: usize = 2_000;
/// In percent.
const LOST: usize = 20;

/// The same numbers each time (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).expect("a number")
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for n in (1..items.len()).rev() {
            items.swap(n, self.roll(n + 1));
        }
    }
}

/// Most users were there before the table was. Then a fifth of the deliveries is lost, a tenth comes twice, all come in
/// any order, to several workers at once, and the API fails now and then. What is lost is made good by a reconciliation
/// that is broken off on its way, while users go on changing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_users_end_in_step_whatever_becomes_of_the_deliveries() {
    let world = Arc::new(World::new().await);
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut users = sign_up(&world, USERS - NEW_USERS);
    // The local Hexclave sorts everybody for each page.
    let by_500 = Reconciliation::default().page_size(500);
    let done = world.mirror.reconcile(&world.client, by_500, |_| {}).await;
    let done = done.expect("a reconciliation");
    assert_eq!(
        (done.users, done.added),
        ((USERS - NEW_USERS) as u64, (USERS - NEW_USERS) as u64)
    );

    let heard = world.messages().len();
    users.extend(sign_up(&world, NEW_USERS));
    let mut gone = change(&world, &mut dice, &users);
    let messages = world.messages().split_off(heard);
    handle(&world, disturbed(messages, &mut dice, LOST)).await;

    let mut is_broken = false;
    let broken = world.mirror.reconcile(&world.client, by_500, |progress| {
        if progress.users >= 4000 && !is_broken {
            is_broken = true;
            world
                .hexclave
                .inject(Fault::text(500, "trouble").on("GET", "/users").times(1));
        }
    });
    broken.await.expect_err("a page that fails");
    // From here on nothing is lost, for the reconciliation has begun. Some of it comes while it goes on.
    let heard = world.messages().len();
    users.retain(|user| !gone.contains(user));
    gone.extend(change(&world, &mut dice, &users[3000..4500]));
    let messages = world.messages().split_off(heard);
    let messages = disturbed(messages, &mut dice, 0);
    let (done, ()) = tokio::join!(
        world.mirror.reconcile(&world.client, by_500, |_| {}),
        handle(&world, messages)
    );
    let done = done.expect("a reconciliation");
    assert!(done.resumed && done.phase == Phase::Done);
    world.assert_in_step().await;
    // Who came and went without a word was never heard of.
    let deleted = world.deleted().await;
    assert!(deleted.len() > gone.len() / 2 && deleted.iter().all(|user| gone.contains(user)));
    assert!(deleted.len() + world.rows().await.len() > USERS - NEW_USERS);
}

fn sign_up(world: &World, users: usize) -> Vec<UserId> {
    let one_more = |n| {
        // Some sign up in the same moment.
        if n % 10 == 0 {
            world.clock.advance(1);
        }
        let user = json!({ "display_name": format!("User {n}"), "client_metadata": { "n": n } });
        world.hexclave.create_user(user).expect("a user")
    };
    (0..users).map(one_more).collect()
}

/// One in ten users changes, and one in twenty goes; gives those.
fn change(world: &World, dice: &mut Dice, users: &[UserId]) -> Vec<UserId> {
    let mut gone = Vec::new();
    for (n, user) in users.iter().enumerate() {
        if dice.roll(10) == 0 {
            let changed = json!({ "display_name": format!("Changed {n}") });
            world.hexclave.update_user(*user, changed).expect("a change");
        }
        if dice.roll(20) == 0 {
            world.hexclave.delete_user(*user).expect("a deletion");
            gone.push(*user);
        }
    }
    gone
}

/// What the network makes of messages.
fn disturbed(messages: Vec<WebhookMessage>, dice: &mut Dice, lost_percent: usize) -> Vec<WebhookMessage> {
    let mut sent = Vec::new();
    for message in messages {
        if dice.roll(100) < lost_percent {
            continue;
        }
        if dice.roll(10) == 0 {
            sent.push(message.clone());
        }
        sent.push(message);
    }
    dice.shuffle(&mut sent);
    sent
}

/// Handles deliveries with several workers. What fails is sent again, as Svix does.
async fn handle(world: &Arc<World>, sent: Vec<WebhookMessage>) {
    let queue = Arc::new(Mutex::new(VecDeque::from(sent)));
    let workers = (0..4).map(|worker| {
        let (world, queue) = (Arc::clone(world), Arc::clone(&queue));
        tokio::spawn(async move {
            let client = world.database.connect_as_owner().await.expect("a connection");
            let next = || queue.lock().expect("the queue").pop_front();
            let mut handled = 0;
            while let Some(message) = next() {
                handled += 1;
                if handled % 100 == worker {
                    world
                        .hexclave
                        .inject(Fault::text(500, "trouble").on("GET", "/users/{user}").times(1));
                }
                let delivery = world.attempt(&message).await;
                if world.mirror.handle(&client, &delivery).await.is_err() {
                    queue.lock().expect("the queue").push_back(message);
                }
            }
        })
    });
    for worker in join_all(workers).await {
        worker.expect("a worker");
    }
}
