//! The table itself: names, rights, and what is wrong with one that is not as it has to be.

use std::sync::Arc;

use hexclave_core::UserKind;
use hexclave_supabase::{
    ErrorKind,
    inspect::lint,
    rls::tokio_postgres::query_as,
    sync::{Outcome, Reconciliation, UserMirror, UserTable},
};
use hexclave_testkit::{hexclave::LocalHexclave, postgres::Postgres};
use hexclave_tests::user;
use serde_json::json;

use crate::support::{World, api, name, rows, source};

#[tokio::test]
async fn odd_names_are_names() {
    for (schema, table) in [
        (r#"My "schema" 'x'"#, r#"Users"; drop table users; --"#),
        ("public", "select"),
        (r"back\slash", r"\ ß $1"),
    ] {
        let world = World::with(UserTable::new(schema, table).expect("a table")).await;
        let ada = world
            .hexclave
            .create_user(json!({ "display_name": "Ada" }))
            .expect("a user");
        let created = world.last_message();
        assert_eq!(
            world.deliver(&created).await.expect("done"),
            Outcome::Added,
            "{table}"
        );
        assert_eq!(world.deliver(&created).await.expect("done"), Outcome::Duplicate);
        let bob = world.hexclave.create_user(json!({})).expect("a user");
        world.hexclave.delete_user(ada).expect("a deletion");
        let done = world.reconcile().await;
        assert_eq!((done.users, done.checked, done.added, done.removed), (1, 1, 1, 1));
        world.assert_in_step().await;
        assert!(world.rows().await.contains_key(&bob));
    }
}

#[tokio::test]
async fn a_name_of_the_longest_kind_leaves_room_for_the_others() {
    let table = UserTable::new("s".repeat(63), "t".repeat(47)).expect("a table");
    let world = World::with(table).await;
    world.hexclave.create_user(json!({})).expect("a user");
    world.reconcile().await;
    world.assert_in_step().await;
}

/// Two tables of one project, one of them with more in it, and a table of another project in the same database.
#[tokio::test]
async fn tables_are_apart_from_each_other() {
    let mut world = World::new().await;
    let servers = UserTable::new("Private", "users")
        .expect("a table")
        .with_server_metadata();
    servers.create(&mut world.client).await.expect("tables");
    let servers = UserMirror::new(servers, world.api.clone());
    let other = LocalHexclave::start().await.expect("a server");
    let theirs = UserTable::new("public", "users2").expect("a table");
    theirs.create(&mut world.client).await.expect("tables");
    let theirs = UserMirror::new(theirs, api(&other));

    let ada = json!({ "display_name": "Ada", "server_metadata": { "plan": "pro" } });
    let ada = world.hexclave.create_user(ada).expect("a user");
    let bob = other
        .create_user(json!({ "display_name": "Bob" }))
        .expect("a user");
    let created = world.last_message();
    assert_eq!(world.deliver(&created).await.expect("done"), Outcome::Added);
    let delivery = world.attempt(&created).await;
    assert_eq!(
        servers.handle(&world.client, &delivery).await.expect("done"),
        Outcome::Added
    );
    let done = theirs
        .reconcile(&world.client, Reconciliation::default(), |_| {})
        .await;
    assert_eq!(done.expect("a reconciliation").added, 1);

    world.assert_in_step().await;
    let both = rows(&world.client, servers.table()).await;
    assert_eq!(both, source(&world.api, servers.table()).await);
    assert_eq!(both[&ada]["server_metadata"], json!({ "plan": "pro" }));
    assert_eq!(
        rows(&world.client, theirs.table())
            .await
            .into_keys()
            .collect::<Vec<_>>(),
        [bob]
    );
}

/// Another project's reconciliation would mark every user as deleted.
#[tokio::test]
async fn a_table_is_for_one_project() {
    let world = World::new().await;
    world.hexclave.create_user(json!({})).expect("a user");
    world.reconcile().await;
    let other = LocalHexclave::start().await.expect("a server");
    let ada = other.create_user(json!({})).expect("a user");
    let mirror = UserMirror::new(world.mirror.table().clone(), api(&other));
    let ours = world.hexclave.config().project_id().as_str();
    for error in [
        mirror.refresh(&world.client, ada).await.expect_err("another's"),
        mirror
            .reconcile(&world.client, Reconciliation::default(), |_| {})
            .await
            .expect_err("another's"),
    ] {
        assert_eq!(error.kind(), ErrorKind::OtherProject);
        assert!(error.to_string().contains(ours), "{error}");
    }
    world.assert_in_step().await;
    assert!(world.deleted().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_processes_make_the_table_at_once_and_leave_it_as_it_is() {
    let database = Postgres::shared()
        .and_then(|postgres| postgres.database())
        .expect("a database");
    let database = Arc::new(database);
    let table = UserTable::new("own", "users").expect("a table");
    let makers: Vec<_> = (0..6)
        .map(|_| {
            let (database, table) = (Arc::clone(&database), table.clone());
            tokio::spawn(async move {
                let mut client = database.connect_as_owner().await.expect("a connection");
                table.create(&mut client).await
            })
        })
        .collect();
    for maker in makers {
        maker.await.expect("a task").expect("tables");
    }
    // What an application adds stays.
    database
        .execute("alter table own.users add nickname text; grant select (id, nickname) on own.users to authenticated")
        .expect("a column");
    let mut client = database.connect_as_owner().await.expect("a connection");
    table.create(&mut client).await.expect("it is there");
    let granted = "select has_column_privilege('authenticated', 'own.users', 'nickname', 'select')";
    assert!(
        client
            .query_one(granted, &[])
            .await
            .expect("a row")
            .get::<_, bool>(0)
    );
}

#[tokio::test]
async fn nobody_may_reach_it_but_those_who_are_let_in() {
    let world = World::new().await;
    let ada = user(UserKind::Normal).await;
    let claims = crate::support::claims(&ada);
    let id = ada.id().to_string();
    world
        .database
        .execute(&format!(
            "insert into users (id, primary_email_verified, signed_up_at, is_anonymous, is_restricted)
             select id::uuid, true, now(), false, false from (values ('{id}'), (gen_random_uuid()::text)) v (id)"
        ))
        .expect("rows");
    let mut client = world.database.connect().await.expect("a connection");
    for relation in ["users", "users_sync", "users_sync_deliveries", "users_sync_state"] {
        for role in ["anon", "authenticated", "service_role"] {
            for right in ["select", "insert", "update", "delete", "truncate"] {
                let sql = format!("select has_table_privilege('{role}', 'public.{relation}', '{right}')");
                let may: bool = world.client.query_one(&sql, &[]).await.expect("a row").get(0);
                let is_let_in = (relation, role, right) == ("users", "service_role", "select");
                assert_eq!(may, is_let_in, "{role} may {right} {relation}");
            }
        }
    }
    assert!(
        lint(&mut client, &["public"])
            .await
            .expect("findings")
            .iter()
            .all(|finding| { finding.rule() == hexclave_supabase::inspect::Rule::RlsWithoutPolicy })
    );
    query_as(&mut client, &claims, "select id from users", &[])
        .await
        .expect_err("no grant");

    // As the module's documentation has it.
    world
        .database
        .execute("GRANT SELECT ON TABLE public.users TO authenticated;
            CREATE POLICY \"own row\" ON public.users FOR SELECT TO authenticated USING (id = (SELECT auth.uid()));")
        .expect("a policy");
    let own = query_as(&mut client, &claims, "select id::text from users", &[])
        .await
        .expect("rows");
    assert_eq!(
        own.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>(),
        [id]
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_table_is_said() {
    for (change, said) in [
        ("drop table users cascade", r#""public"."users": it is missing"#),
        (
            "drop table users; create view users as select 1",
            r#""public"."users": it is missing"#,
        ),
        (
            "drop sequence users_sync_reads",
            r#""public"."users_sync_reads": it is missing"#,
        ),
        (
            "alter table users drop display_name",
            r#""public"."users": it has no column display_name (text)"#,
        ),
        (
            "alter table users alter client_metadata type text",
            r#""public"."users": its column client_metadata is text and not jsonb"#,
        ),
        (
            "alter table users drop constraint users_pkey",
            r#""public"."users": its column id is no primary key"#,
        ),
        (
            "alter table users add \"Shoe size\" int not null",
            r#""public"."users": its column "Shoe size" is NOT NULL and has no default"#,
        ),
        (
            "alter table users force row level security; alter table users owner to postgres_of_test;
             alter table users_sync owner to postgres_of_test",
            "Row Level Security holds for this connection's role",
        ),
        (
            "alter table users_sync_state drop holder",
            "it has no column holder (bigint)",
        ),
    ] {
        let world = World::new().await;
        world.hexclave.create_user(json!({})).expect("a user");
        let own = format!("{}_owner", world.database.name());
        let change = change.replace("postgres_of_test", &own);
        world
            .database
            .execute(&format!("create role {own}"))
            .expect("a role");
        let sql = format!(
            "{change}; grant all on all tables in schema public to {own}; grant all on all sequences in schema public to {own}"
        );
        let changed = world.database.execute(&sql);
        let error = match said.starts_with("Row") {
            true => {
                world
                    .client
                    .batch_execute(&format!("set role {own}"))
                    .await
                    .expect("another role");
                world.mirror.table().check(&world.client).await
            }
            false => world.mirror.table().check(&world.client).await,
        };
        world.client.batch_execute("reset role").await.expect("the owner");
        let reconciled = world
            .mirror
            .reconcile(&world.client, Reconciliation::default(), |_| {})
            .await;
        let dropped = world.database.execute(&format!(
            "reassign owned by {own} to current_user; drop owned by {own}; drop role {own}"
        ));
        changed.expect(change.as_str());
        dropped.expect("no role");
        let error = error.expect_err(said);
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (ErrorKind::TableMismatch, false),
            "{error}"
        );
        assert!(error.to_string().contains(said), "{error}");
        if !said.starts_with("Row") {
            let error = reconciled.expect_err(said);
            assert_eq!(error.kind(), ErrorKind::TableMismatch);
        }
    }
}

#[tokio::test]
async fn a_delivery_to_a_table_that_is_not_there_says_so() {
    let world = World::new().await;
    let ada = world.hexclave.create_user(json!({})).expect("a user");
    for change in [
        "alter table users drop display_name",
        "drop table users",
        "drop table users_sync_deliveries",
    ] {
        world.database.execute(change).expect("a change");
        let error = world.deliver(&world.last_message()).await.expect_err("no table");
        assert_eq!(error.kind(), ErrorKind::TableMismatch, "{change}");
        assert!(
            error.sql_state().is_some_and(|state| state.starts_with("42")),
            "{error:?}"
        );
    }
    let missing = UserMirror::new(
        UserTable::new("nowhere", "users").expect("a table"),
        world.api.clone(),
    );
    let error = missing.refresh(&world.client, ada).await.expect_err("no schema");
    assert_eq!(error.kind(), ErrorKind::TableMismatch);
    assert!(!name(missing.table()).is_empty());
}
