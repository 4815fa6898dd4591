//! What stays, what is run, and where.

use hexclave_testkit::postgres::{Database, Migrations, Postgres};
use hexclave_testkit::rls::{DeniedBy, Sql, TestDatabase};
use serde_json::json;

use crate::support::{Case, says};

#[test]
fn assertions_leave_nothing_behind_and_the_others_do() {
    let Case { db, ada, .. } = Case::new();
    let as_ada = db.as_user(&ada);
    as_ada.assert_allowed("insert into notes (id) values (3)");
    as_ada.assert_row_count("insert into notes (id) values (3)", 1);
    as_ada.assert_visible("insert into notes (id) values (3) returning id", [3]);
    as_ada.assert_visible("select id from notes", [1]);

    assert_eq!(as_ada.execute("insert into notes (id) values (3), (4)"), 2);
    let rows = as_ada
        .query(Sql::new("insert into notes (id, body) values ($1, null) returning id, body, owner").bind(5));
    assert_eq!(rows, [json!({ "id": 5, "body": null, "owner": ada.id() })]);
    as_ada.assert_visible("select id from notes", [1, 3, 4, 5]);
    assert_eq!(as_ada.query("select from notes where false"), [json!(null); 0]);

    db.execute("grant all on notes to service_role").unwrap();
    assert_eq!(db.as_service_role().execute("delete from notes where id > 2"), 3);
    db.as_owner().assert_visible("select id from notes", [1, 2]);
    // What was refused is not half done.
    says(&["should be allowed to do this", "23505"], || {
        as_ada.execute("insert into notes (id) values (3), (1)")
    });
    says(&["denied for want of a grant"], || {
        db.as_anon().query("select from notes")
    });
    db.as_owner().assert_visible("select id from notes", [1, 2]);
}

#[test]
fn the_connection_is_nobodys_afterwards() {
    let Case { db, ada, bob } = Case::new();
    let whoami = "select auth.uid(), current_user::text, session_user::text";
    for _ in 0..2 {
        db.as_user(&ada)
            .assert_visible(whoami, [(Some(ada.id()), "authenticated", "authenticator")]);
        says(&["22012"], || db.as_user(&bob).assert_denied("select 1 / 0"));
        db.as_anon()
            .assert_visible(whoami, [(None::<i32>, "anon", "authenticator")]);
        db.as_service_role()
            .assert_visible(whoami, [(None::<i32>, "service_role", "authenticator")]);
        db.as_service_role()
            .assert_visible("select auth.role()", ["service_role"]);
        db.as_owner()
            .assert_visible("select auth.uid(), auth.jwt()", [(None::<i32>, None::<i32>)]);
    }
}

#[test]
fn what_is_put_off_until_the_end_is_checked() {
    let db = TestDatabase::from_sql(
        "create table t (id int primary key, next int references t deferrable initially deferred);
         grant insert, select on t to anon",
    )
    .unwrap();
    let dangling = "insert into t values (1, 2)";
    says(&["23503"], || db.as_anon().assert_allowed(dangling));
    says(&["23503"], || db.as_anon().assert_denied(dangling));
    says(&["23503"], || db.as_anon().execute(dangling));
    db.as_anon().assert_allowed("insert into t values (1, 2), (2, 1)");
}

#[test]
fn statements_that_would_leave_the_transaction_are_not_run() {
    let Case { db, ada, .. } = Case::new();
    for statement in [
        "commit",
        " -- so\n rollback",
        "RESET role",
        "set role anon",
        "/* a */begin",
        "copy notes to stdout",
        "deallocate all",
    ] {
        says(
            &["the statement was not run", "cannot be run as somebody"],
            || db.as_user(&ada).assert_denied(statement),
        );
    }
    says(&["cannot insert multiple commands"], || {
        db.as_user(&ada)
            .assert_denied("delete from notes; drop table notes")
    });
    says(&["cannot insert multiple commands"], || {
        db.as_user(&ada).assert_allowed("select 1; commit");
    });
}

#[test]
fn statements_without_rows_are_allowed_when_they_are_done() {
    let Case { db, ada, .. } = Case::new();
    db.execute("create procedure nothing() language sql as ''; grant truncate on notes to authenticated")
        .unwrap();
    db.as_user(&ada).assert_allowed("call nothing()");
    db.as_user(&ada).assert_allowed("truncate notes");
    db.as_owner().assert_row_count("table notes", 2);
    says(&["no error, 0 row(s)"], || {
        db.as_user(&ada).assert_denied("truncate notes")
    });
}

#[test]
fn a_request_says_more_where_policies_ask() {
    let db = TestDatabase::from_sql(
        "create table orders (shop text);
         insert into orders values ('a'), ('b');
         alter table orders enable row level security;
         create policy shop on orders for select to anon
             using (shop = current_setting('request.headers', true)::json ->> 'x-shop');
         grant select, insert on orders to anon",
    )
    .unwrap();
    db.as_anon()
        .request(|request| request.headers([("X-Shop", "b")]).method("GET"))
        .assert_visible(
            "select shop, current_setting('request.method') from orders",
            [("b", "GET")],
        );
    says(&["25006"], || {
        db.as_anon()
            .request(|request| request.read_only())
            .assert_denied("insert into orders values ('c')")
    });
    says(&["as_user() and as_anon()"], || {
        db.as_owner()
            .request(|request| request.read_only())
            .assert_denied("select 1")
    });
}

#[test]
fn each_database_is_its_own_and_gone_afterwards() {
    let migrations = Migrations::new().sql("create table t (); grant insert, select on t to anon");
    let (one, other) = (
        TestDatabase::new(&migrations).unwrap(),
        TestDatabase::new(&migrations).unwrap(),
    );
    assert_eq!(one.as_anon().execute("insert into t default values"), 1);
    other.as_anon().assert_row_count("select from t", 0);
    let name = one.database().name().to_owned();
    let there = Sql::new("select from pg_database where datname = $1").bind(&name);
    other.as_owner().assert_row_count(&there, 1);
    drop(one);
    other.as_owner().assert_row_count(&there, 0);

    let plain: Database = Postgres::shared().unwrap().database().unwrap();
    plain.execute("create table t ()").unwrap();
    assert_eq!(
        TestDatabase::of(plain).as_anon().assert_denied("select from t"),
        DeniedBy::Grant
    );
}

#[tokio::test]
async fn everything_works_inside_an_async_test() {
    let Case { db, ada, bob } = Case::new();
    db.as_user(&ada).assert_visible("select id from notes", [1]);
    db.as_user(&bob).assert_filtered("select from notes where id = 1");
    says(&["denied for want of a grant"], || {
        db.as_anon().execute("select from notes")
    });
    let client = db.database().connect().await.unwrap();
    client.batch_execute("set role anon").await.unwrap();
}

#[test]
fn a_database_can_be_asked_from_many_threads() {
    let Case { db, ada, bob } = Case::new();
    std::thread::scope(|scope| {
        for (user, id) in [(&ada, 1), (&bob, 2), (&ada, 1), (&bob, 2)] {
            let db = &db;
            scope.spawn(move || {
                for _ in 0..10 {
                    db.as_user(user).assert_visible("select id from notes", [id]);
                }
            });
        }
    });
}
