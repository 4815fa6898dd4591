//! Who can be tried, through which connections.

use hexclave_core::UserKind;
use hexclave_supabase::{
    ErrorKind, Role, SupabaseClaims,
    inspect::matrix::{AccessMatrix, Identity},
    rls::Request,
};
use hexclave_tests::user;
use serde_json::{Map, json};
use tokio_postgres::NoTls;

use super::{ADA, everybody, line, name, run, service_role, signed_in};
use crate::support::{AT_REST, NOTES, OwnRole, STATE, claims, database};

#[tokio::test]
async fn proven_users_have_their_rows() {
    let database = database(NOTES);
    let (ada, guest) = (user(UserKind::Normal).await, user(UserKind::Anonymous).await);
    database
        .execute(&format!(
            "insert into notes (owner, body) values ('{}', 'a'), ('{}', 'b'), ('{}', 'c')",
            ada.id(),
            guest.id(),
            ada.id()
        ))
        .expect("rows");
    let (ada, guest) = (claims(&ada), claims(&guest));
    let builder = AccessMatrix::builder()
        .table(name("notes"))
        .identity(Identity::new("Ada", &ada).expect("an identity"))
        .identity(
            Identity::new("guest", Request::by(&guest).single_claims().path("/notes")).expect("an identity"),
        );
    let matrix = run(&database, builder).await;
    assert_eq!(
        line(&matrix, "public.notes", "Ada"),
        "1,3 / 1,3 / no grant / no grant"
    );
    assert_eq!(
        line(&matrix, "public.notes", "guest"),
        "2 / 2 / no grant / no grant"
    );
    assert!(
        !matrix
            .to_json()
            .contains(&ada.user_id().expect("an id").to_string())
    );
}

/// Supabase's own way in reads nothing by itself, so somebody else's eyes are needed to know which rows there are.
#[tokio::test]
async fn the_authenticator_looks_with_other_eyes() {
    let database = database(&format!(
        "{NOTES} grant all on notes to service_role; insert into notes (owner, body) values ('{ADA}', 'a'), (gen_random_uuid(), 'b')"
    ));
    let mut client = database.connect().await.expect("a connection");
    let matrix = everybody().run(&mut client).await.expect("a matrix");
    let table = &matrix.tables()[0];
    assert_eq!((table.rows(), table.sees_all_rows()), (None, false));
    assert!(table.rows_error().expect("an error").contains("42501"));
    assert_eq!(
        line(&matrix, "public.notes", "Ada"),
        "1 / RowsUnknown / no grant / no grant"
    );

    let eyes = Role::dangerously_privileged("service_role").expect("a role");
    let builder = everybody().identity(service_role()).dangerously_look_as(eyes);
    let matrix = builder.run(&mut client).await.expect("a matrix");
    assert_eq!(
        (matrix.tables()[0].rows(), matrix.tables()[0].sees_all_rows()),
        (Some(2), true)
    );
    assert_eq!(
        line(&matrix, "public.notes", "Ada"),
        "1 / 1 / no grant / no grant"
    );
    assert_eq!(
        line(&matrix, "public.notes", "service_role"),
        "1,2 / 1,2 / 1,2 / 1,2"
    );

    // Eyes under policies see a part, and it is said.
    let builder = everybody().dangerously_look_as(Role::Authenticated);
    let matrix = builder.run(&mut client).await.expect("a matrix");
    assert_eq!(
        (matrix.tables()[0].rows(), matrix.tables()[0].sees_all_rows()),
        (Some(0), false)
    );
    assert_eq!(
        line(&matrix, "public.notes", "Ada"),
        "1 / RowsUnknown / no grant / no grant"
    );

    let row = client.query_one(STATE, &[]).await.expect("a row");
    assert_eq!(row.get::<_, String>(0), AT_REST);
}

#[tokio::test]
async fn roles_above_row_level_security_need_the_ugly_name() {
    let database = database("");
    let supposed = |role: &str| {
        let role = Role::dangerously_privileged(role).expect("a role");
        Identity::supposed("somebody", role, Map::new()).expect("an identity")
    };
    let mut client = database.connect().await.expect("a connection");
    let refused = AccessMatrix::builder()
        .identity(supposed("service_role"))
        .run(&mut client)
        .await
        .expect_err("refused");
    assert_eq!(refused.kind(), ErrorKind::BypassesRls);
    assert!(refused.to_string().contains("somebody"));
    AccessMatrix::builder()
        .identity(service_role())
        .run(&mut client)
        .await
        .expect("an empty matrix");

    // Not among the roles that this log-in may become, and none at all.
    let own = OwnRole::new(&database, "strangers", "");
    for role in [own.name.as_str(), "no_such_role"] {
        let refused = AccessMatrix::builder()
            .identity(supposed(role))
            .run(&mut client)
            .await
            .expect_err("refused");
        assert_eq!(refused.kind(), ErrorKind::Database, "{role}");
        assert!(refused.sql_state().is_some(), "{role}");
    }
    let row = client.query_one(STATE, &[]).await.expect("a row");
    assert_eq!(row.get::<_, String>(0), AT_REST);
}

#[tokio::test]
async fn what_cannot_be_tried_is_refused_by_name() {
    let claims = SupabaseClaims::signed_out();
    for (refused, kind) in [
        (Identity::new("", &claims).err(), ErrorKind::InvalidConfig),
        (Identity::new("a\nb", &claims).err(), ErrorKind::InvalidConfig),
        (
            Identity::new("a".repeat(101), &claims).err(),
            ErrorKind::InvalidConfig,
        ),
        (
            Identity::new("a", Request::by(&claims).roles(["authenticated"])).err(),
            ErrorKind::RoleNotAllowed,
        ),
        (
            Identity::supposed("a", Role::Anon, Map::from_iter([("su\0b".to_owned(), json!(1))])).err(),
            ErrorKind::ClaimNotAllowed,
        ),
        (
            Identity::supposed("a", Role::Anon, Map::from_iter([("sub".to_owned(), json!("\0"))])).err(),
            ErrorKind::ClaimNotAllowed,
        ),
    ] {
        assert_eq!(refused.expect("refused").kind(), kind);
    }
    assert!(Identity::new("ü".repeat(100), &claims).is_ok());

    let database = database("create table t (id int)");
    let mut client = database.connect_as_owner().await.expect("a connection");
    for (builder, named) in [
        (everybody().table(name("nowhere")), r#""public"."nowhere""#),
        (everybody().schema("no_schema"), r#""no_schema""#),
        (everybody().identity(signed_in("Ada", ADA)), r#""Ada""#),
    ] {
        let error = builder.run(&mut client).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.to_string().contains(named), "{error}");
    }
    // Afterwards the connection is as good as before.
    let matrix = everybody().run(&mut client).await.expect("a matrix");
    assert_eq!(
        line(&matrix, "public.t", "Ada"),
        "no grant / no grant / no grant / no grant"
    );
}

#[tokio::test]
async fn a_connection_in_a_transaction_is_left_as_it_is() {
    let database = database("create table t (id int)");
    let mut client = database.connect_as_owner().await.expect("a connection");
    client
        .batch_execute("begin; insert into t values (1)")
        .await
        .expect("a transaction");
    let error = everybody().run(&mut client).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::InTransaction);
    client.batch_execute("commit").await.expect("an end");
    let row = client
        .query_one("select count(*) from t", &[])
        .await
        .expect("a row");
    assert_eq!(row.get::<_, i64>(0), 1);

    client.batch_execute("begin").await.expect("a transaction");
    client
        .batch_execute("select 1 / 0")
        .await
        .expect_err("a failed transaction");
    let error = everybody().run(&mut client).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::InTransaction);

    let (mut client, connection) = database.config().connect(NoTls).await.expect("a connection");
    drop(connection);
    let error = everybody().run(&mut client).await.expect_err("nobody there");
    assert_eq!((error.kind(), error.sql_state()), (ErrorKind::Database, None));
}

#[tokio::test]
async fn progress_is_told_before_each_cell() {
    let database = database("create table a (id int); create table b (id int)");
    let mut told = Vec::new();
    let builder = everybody().on_progress(|progress| {
        told.push((
            progress.done(),
            progress.total(),
            format!(
                "{}/{}/{}",
                progress.table(),
                progress.identity(),
                progress.command()
            ),
        ));
    });
    run(&database, builder).await;
    let done: Vec<usize> = told.iter().map(|(done, ..)| *done).collect();
    assert_eq!(done, (0..24).collect::<Vec<_>>());
    assert!(told.iter().all(|(_, total, _)| *total == 24));
    assert_eq!(told[0].2, "public.a/signed out/SELECT");
    assert_eq!(told[23].2, "public.b/Grace/DELETE");
}
