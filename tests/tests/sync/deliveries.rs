//! One delivery after the other.

use hexclave_core::{Error as CoreError, ErrorKind as CoreErrorKind};
use hexclave_supabase::{ErrorKind, sync::Outcome};
use hexclave_testkit::hexclave::{Fault, NewTeam, NewUser};
use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn a_user_comes_changes_and_goes() {
    let world = World::new().await;
    let ada = world
        .hexclave
        .create_user(json!({
            "primary_email": "Ada@example.com", "primary_email_verified": true, "display_name": "Ada \"L\" ß 'q' \\",
            "profile_image_url": "https://example.com/a.png", "client_metadata": { "a": [1, null, "x"] },
            "client_read_only_metadata": { "plan": "pro" }, "server_metadata": { "secret": 1 },
        }))
        .expect("a user");
    let created = world.last_message();
    assert_eq!(world.deliver(&created).await.expect("done"), Outcome::Added);
    world.assert_in_step().await;
    let row = world.rows().await.remove(&ada).expect("a row");
    assert_eq!(row["primary_email"], "ada@example.com");
    assert_eq!(row["client_metadata"], json!({ "a": [1, null, "x"] }));
    assert!(row.get("server_metadata").is_none());

    let restricted = json!({ "display_name": null, "restricted_by_admin": true, "client_metadata": null });
    world.hexclave.update_user(ada, restricted).expect("a change");
    let updated = world.last_message();
    assert_eq!(world.deliver(&updated).await.expect("done"), Outcome::Changed);
    world.assert_in_step().await;
    let row = world.rows().await.remove(&ada).expect("a row");
    assert_eq!(row["restricted_reason"], "restricted_by_administrator");

    world.hexclave.delete_user(ada).expect("a deletion");
    let deleted = world.last_message();
    assert_eq!(world.deliver(&deleted).await.expect("done"), Outcome::Removed);
    world.assert_in_step().await;
    assert_eq!(world.deleted().await, [ada]);

    for message in [created, updated, deleted] {
        assert_eq!(world.deliver(&message).await.expect("done"), Outcome::Duplicate);
    }
    assert_eq!(world.deleted().await, [ada]);
}

#[tokio::test]
async fn the_order_does_not_matter() {
    let world = World::new().await;
    let (ada, bob) = (json!({ "display_name": "Ada" }), json!({ "display_name": "Bob" }));
    let ada = world.hexclave.create_user(ada).expect("a user");
    let bob = world.hexclave.create_user(bob).expect("a user");
    for name in ["1", "2", "3"] {
        world
            .hexclave
            .update_user(bob, json!({ "display_name": name }))
            .expect("a change");
    }
    world.hexclave.delete_user(ada).expect("a deletion");
    let mut outcomes = Vec::new();
    for message in world.messages().iter().rev() {
        outcomes.push(world.deliver(message).await.expect("done"));
    }
    // What comes after the deletion is older than it, and of Bob the first delivery brings the last state.
    let unchanged = Outcome::Unchanged;
    assert_eq!(
        outcomes,
        [
            Outcome::Removed,
            Outcome::Added,
            unchanged,
            unchanged,
            unchanged,
            unchanged
        ]
    );
    world.assert_in_step().await;
    assert_eq!(world.deleted().await, [ada]);
    assert_eq!(world.rows().await[&bob]["display_name"], "3");
}

/// Asked for after the deletion, the API may still show the user: a copy of its database lags behind.
#[tokio::test]
async fn a_deletion_is_not_undone_by_an_answer_that_lags_behind() {
    let world = World::new().await;
    let ada = world
        .hexclave
        .create_user(json!({ "display_name": "Ada" }))
        .expect("a user");
    let created = world.last_message();
    let mut deleted = created.clone();
    deleted.id = "msg_deleted".to_owned();
    deleted.body = json!({ "type": "user.deleted", "data": { "id": ada, "teams": [] } }).to_string();
    assert_eq!(world.deliver(&deleted).await.expect("done"), Outcome::Removed);
    assert_eq!(world.deliver(&created).await.expect("done"), Outcome::Unchanged);
    assert_eq!(
        world.mirror.refresh(&world.client, ada).await.expect("done"),
        Outcome::Unchanged
    );
    assert_eq!(world.deleted().await, [ada]);

    // But a project that was restored has its users again.
    let done = world.reconcile().await;
    assert_eq!((done.added, done.changed, done.removed), (0, 1, 0));
    world.assert_in_step().await;
}

/// A user who was not there when asked for may come later: the copy of the database lagged behind.
#[tokio::test]
async fn a_user_who_was_missing_may_come() {
    let world = World::new().await;
    world.hexclave.create_user(json!({})).expect("a user");
    let created = world.last_message();
    let missing = Fault::known_error(404, "USER_NOT_FOUND", json!({})).on("GET", "/users/{user}");
    world.hexclave.inject(missing.times(1));
    assert_eq!(world.deliver(&created).await.expect("done"), Outcome::Removed);
    let mut again = created.clone();
    again.id = "msg_again".to_owned();
    assert_eq!(world.deliver(&again).await.expect("done"), Outcome::Changed);
    world.assert_in_step().await;
}

#[tokio::test]
async fn an_api_that_fails_leaves_the_delivery_to_be_sent_again() {
    let world = World::new().await;
    world
        .hexclave
        .create_user(json!({ "display_name": "Ada" }))
        .expect("a user");
    let created = world.last_message();
    // 404 without Hexclave's own code is a proxy's, and tells nothing of the user.
    for (fault, retryable) in [
        (Fault::text(500, "trouble"), true),
        (Fault::garbage(), true),
        (Fault::status(404), false),
        (
            Fault::known_error(401, "INVALID_SECRET_SERVER_KEY", json!({})),
            false,
        ),
    ] {
        world.hexclave.inject(fault);
        let error = world.deliver(&created).await.expect_err("no answer");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Api, retryable));
        let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<CoreError>());
        assert!(source.is_some());
        world.hexclave.heal();
        assert!(world.rows().await.is_empty() && world.deleted().await.is_empty());
    }
    assert_eq!(world.deliver(&created).await.expect("done"), Outcome::Added);
    world.assert_in_step().await;
}

#[tokio::test]
async fn a_lost_database_leaves_the_delivery_to_be_sent_again() {
    let world = World::new().await;
    world.hexclave.create_user(json!({})).expect("a user");
    let created = world.attempt(&world.last_message()).await;
    let lost = world.database.connect_as_owner().await.expect("a connection");
    let ended = lost
        .batch_execute("select pg_terminate_backend(pg_backend_pid())")
        .await;
    ended.expect_err("the connection ends");
    let error = world
        .mirror
        .handle(&lost, &created)
        .await
        .expect_err("no connection");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Database, true));
    let done = world.mirror.handle(&world.client, &created).await;
    assert_eq!(done.expect("done"), Outcome::Added);
}

#[tokio::test]
async fn teams_are_looked_at_as_far_as_they_are_selected() {
    let world = World::new().await;
    let ada = world
        .hexclave
        .add_user(NewUser::new("ada@example.com"))
        .expect("a user");
    let team = world
        .hexclave
        .add_team(NewTeam::new("Engines").member(ada))
        .expect("a team");
    world
        .hexclave
        .update_user(ada, json!({ "selected_team_id": team }))
        .expect("a change");
    world.deliver(&world.last_message()).await.expect("done");
    assert_eq!(world.rows().await[&ada]["selected_team_id"], json!(team));

    world
        .api
        .remove_team_member(team, ada)
        .await
        .expect("out of the team");
    let left = world.last_message();
    assert_eq!(left.event_type, "team_membership.deleted");
    assert_eq!(world.deliver(&left).await.expect("done"), Outcome::Changed);
    world.assert_in_step().await;

    world.api.delete_team(team).await.expect("no team");
    let gone = world.last_message();
    assert_eq!(gone.event_type, "team.deleted");
    assert_eq!(world.deliver(&gone).await.expect("done"), Outcome::Ignored);
}

/// Hexclave's own database cannot hold U+0000 either; but nobody may stop the sync with it, should that change.
#[tokio::test]
async fn a_nul_does_not_stop_the_sync() {
    let world = World::new().await;
    let nul = json!({ "display_name": "A\0da", "client_metadata": { "a\0": ["\0"] } });
    let ada = world.hexclave.create_user(nul).expect("a user");
    let bob = world
        .hexclave
        .create_user(json!({ "display_name": "Bob" }))
        .expect("a user");
    assert_eq!(
        world.deliver(&world.messages()[0]).await.expect("done"),
        Outcome::Added
    );
    let row = world.rows().await.remove(&ada).expect("a row");
    assert_eq!(row["display_name"], "A\u{fffd}da");
    assert_eq!(row["client_metadata"], json!({ "a\u{fffd}": ["\u{fffd}"] }));
    let done = world.reconcile().await;
    assert_eq!((done.users, done.added, done.changed), (2, 1, 0));
    assert_eq!(world.rows().await[&bob]["display_name"], "Bob");
}

#[tokio::test]
async fn a_row_is_touched_only_when_it_changes() {
    let world = World::new().await;
    let ada = world
        .hexclave
        .create_user(json!({ "display_name": "Ada" }))
        .expect("a user");
    world.deliver(&world.last_message()).await.expect("done");
    world
        .database
        .execute(
            "create function refuse() returns trigger language plpgsql as $$begin raise 'touched'; end$$;
            create trigger refuse before update on users for each row execute function refuse()",
        )
        .expect("a trigger");
    assert_eq!(
        world.mirror.refresh(&world.client, ada).await.expect("done"),
        Outcome::Unchanged
    );
    let done = world.reconcile().await;
    assert_eq!((done.users, done.added, done.changed, done.removed), (1, 0, 0, 0));

    world
        .hexclave
        .update_user(ada, json!({ "display_name": "A" }))
        .expect("a change");
    let error = world
        .mirror
        .refresh(&world.client, ada)
        .await
        .expect_err("the trigger");
    assert_eq!(
        (error.kind(), error.sql_state()),
        (ErrorKind::Database, Some("P0001"))
    );
}

#[tokio::test]
async fn no_error_repeats_what_is_in_a_row() {
    let world = World::new().await;
    world
        .database
        .execute("create unique index on users (primary_email)")
        .expect("an index");
    for _ in 0..2 {
        let ada = json!({ "primary_email": "ada@example.com" });
        world.hexclave.create_user(ada).expect("a user");
    }
    let [one, two] = &world.messages()[..] else {
        panic!("two messages");
    };
    world.deliver(one).await.expect("done");
    let error = world.deliver(two).await.expect_err("the same address");
    assert_eq!(
        (error.kind(), error.sql_state()),
        (ErrorKind::Database, Some("23505"))
    );
    assert!(!error.is_retryable());
    let source = std::error::Error::source(&error)
        .expect("the database")
        .to_string();
    assert!(source.contains("users_primary_email_idx"), "{source}");
    for text in [source, error.to_string(), format!("{error:?}")] {
        assert!(!text.contains("ada@"), "{text}");
    }
}

#[tokio::test]
async fn old_deliveries_are_forgotten() {
    let world = World::new().await;
    let ada = world.hexclave.create_user(json!({})).expect("a user");
    let created = world.last_message();
    world.deliver(&created).await.expect("done");
    let aged =
        |days: u32| format!("update users_sync_deliveries set handled_at = now() - interval '{days} days'");
    let left = async || {
        world.mirror.refresh(&world.client, ada).await.expect("done");
        let row = world
            .client
            .query_one("select count(*) from users_sync_deliveries", &[]);
        row.await.expect("a row").get::<_, i64>(0)
    };
    world.database.execute(&aged(6)).expect("time");
    assert_eq!(left().await, 1);
    world.database.execute(&aged(8)).expect("time");
    assert_eq!(left().await, 0);
    assert_eq!(world.deliver(&created).await.expect("done"), Outcome::Unchanged);
}

#[tokio::test]
async fn a_wrong_server_key_says_so() {
    let world = World::new().await;
    world.hexclave.create_user(json!({})).expect("a user");
    let fault = Fault::known_error(401, "INVALID_SECRET_SERVER_KEY", json!({}));
    world.hexclave.inject(fault);
    let error = world.deliver(&world.last_message()).await.expect_err("no key");
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<CoreError>());
    assert_eq!(
        source.map(CoreError::kind),
        Some(CoreErrorKind::ProjectKeyRejected)
    );
}
