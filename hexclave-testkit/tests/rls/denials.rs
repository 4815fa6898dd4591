//! What is denied, by what, and what is no denial.

use hexclave_testkit::rls::{DeniedBy, Sql, TestDatabase};

use crate::support::{Case, says};

#[test]
fn a_denial_says_what_it_was_by() {
    let Case { db, ada, bob } = Case::new();
    assert_eq!(db.as_anon().assert_denied("select from notes"), DeniedBy::Grant);
    // One column of several.
    assert_eq!(
        db.as_user(&ada).assert_denied("update notes set id = 3"),
        DeniedBy::Grant
    );
    assert_eq!(db.as_user(&ada).assert_denied("truncate notes"), DeniedBy::Grant);
    assert_eq!(
        db.as_user(&ada).assert_denied("drop table notes"),
        DeniedBy::Grant
    );
    assert_eq!(
        db.as_service_role().assert_denied("select from notes"),
        DeniedBy::Grant
    );
    let for_bob = Sql::new("insert into notes (id, owner) values (3, $1)").bind(bob.id());
    assert_eq!(db.as_user(&ada).assert_denied(&for_bob), DeniedBy::Policy);
    let away = Sql::new("update notes set owner = $1").bind(bob.id());
    assert_eq!(db.as_user(&ada).assert_denied(away), DeniedBy::Policy);
    // A policy goes before a constraint that the row breaks as well.
    let also_too_big = Sql::new("insert into notes (id, owner) values (300, $1)").bind(bob.id());
    assert_eq!(db.as_user(&ada).assert_denied(also_too_big), DeniedBy::Policy);
    assert_eq!(
        db.as_anon().assert_denied("insert into closed values (2)"),
        DeniedBy::Policy
    );

    db.execute(
        "create function no() returns void language plpgsql as
             $$ begin raise 'not you' using errcode = '42501'; end $$",
    )
    .unwrap();
    assert_eq!(db.as_user(&ada).assert_denied("select no()"), DeniedBy::Function);
}

#[test]
fn what_is_done_is_no_denial() {
    let Case { db, ada, .. } = Case::new();
    says(
        &[
            "ada@example.com should be denied this, with the error code 42501",
            "statement: update notes set body = 'x'",
            "happened: no error, 1 row(s)",
            "hint: allowed by the policies of public.notes: own_change",
        ],
        || db.as_user(&ada).assert_denied("update notes set body = 'x'"),
    );
    // Nor is what is filtered.
    says(
        &[
            "no error, 0 row(s)",
            "hint: Row Level Security is on for public.notes, and no permissive policy for DELETE applies to \
             authenticated: every row is filtered",
        ],
        || db.as_user(&ada).assert_denied("delete from notes"),
    );
    says(
        &[
            "public.open: Row Level Security is OFF",
            "granted to anon: SELECT",
            "no policies",
            "hint: Row Level Security is off for public.open, so a grant is for every row",
        ],
        || db.as_anon().assert_denied("select from open"),
    );
    says(
        &[
            "public.all_notes: a view with the rights of its owner, ",
            "public.notes: Row Level Security is on",
            "no grants to anon",
            "(not for anon)",
            "with (security_invoker = true) it would as anon",
        ],
        || db.as_anon().assert_denied("select from all_notes"),
    );
    db.execute("grant select on notes to service_role").unwrap();
    says(&["hint: service_role is above Row Level Security"], || {
        db.as_service_role().assert_denied("select from notes")
    });
    says(&["the owner should be denied this"], || {
        db.as_owner().assert_denied("select 1")
    });
}

#[test]
fn an_error_of_another_kind_is_no_denial() {
    let Case { db, ada, .. } = Case::new();
    for (statement, code) in [
        ("delete form notes", "42601"),
        ("delete from ntoes", "42P01"),
        ("delete from notes where ownr = 1", "42703"),
        ("select nosuch()", "42883"),
        ("insert into notes (id) values (1)", "23505"),
        ("insert into notes (id) values (100)", "23514"),
        ("insert into notes (id, body) values ('x', '')", "22P02"),
        ("select 1 / 0", "22012"),
        ("select 1; select 2", "42601"),
        ("insert into notes (id, body) values (3, 'Bob''s')", "23505"),
    ] {
        let text = says(&["should be denied this", "the statement failed: ", code], || {
            db.as_user(&ada).assert_denied(statement)
        });
        assert!(!text.contains("hint: public"), "{text}");
        says(&[code], || db.as_user(&ada).assert_filtered(statement));
        says(&[code], || db.as_user(&ada).assert_allowed(statement));
        says(&[code], || db.as_user(&ada).assert_row_count(statement, 0));
        says(&[code], || db.as_user(&ada).assert_visible(statement, [1]));
        says(&[code], || db.as_user(&ada).execute(statement));
    }
}

#[test]
fn a_denial_that_was_not_expected_is_explained() {
    let Case { db, ada, bob } = Case::new();
    says(
        &[
            "anon should be allowed to do this, with at least one row",
            "happened: denied for want of a grant: permission denied for table notes (42501)",
            r#"claims: {"role":"anon"}"#,
            "no grants to anon",
            "hint: anon lacks DELETE, SELECT on public.notes; if it shall have it: grant delete, select on \
             public.notes to anon",
        ],
        || db.as_anon().assert_allowed("delete from notes where id = 1"),
    );
    says(
        &[
            "happened: denied by the policies: new row violates row-level security policy",
            "hint: the row meets the conditions of none of these, or not those of a restrictive policy: own_add",
        ],
        || {
            db.as_user(&ada)
                .assert_allowed(Sql::new("insert into notes (id, owner) values (3, $1)").bind(bob.id()));
        },
    );
    says(
        &["hint: no permissive policy for INSERT on public.closed applies to anon, so every row is refused"],
        || db.as_anon().assert_allowed("insert into closed values (2)"),
    );
    db.execute(
        "create policy any_add on closed for insert to anon with check (true);
         create schema hidden; create table hidden.things (); grant select on hidden.things to anon;
         create sequence numbers;
         create policy fence on closed as restrictive for all to public using (true)",
    )
    .unwrap();
    says(
        &[
            "hint: RETURNING shows rows, so a policy for SELECT",
            "policy fence as restrictive for ALL to public using (true)",
        ],
        || {
            db.as_anon()
                .assert_allowed("insert into closed values (2) returning id");
        },
    );
    says(&["grant usage on schema hidden to anon"], || {
        db.as_anon().assert_allowed("select from hidden.things");
    });
    says(
        &[
            "permission denied for sequence numbers",
            "hint: what is not granted is what the message names",
        ],
        || db.as_anon().assert_allowed("select nextval('numbers')"),
    );
}

#[test]
fn a_role_that_may_not_be_taken_is_no_denial() {
    let Case { db, ada, .. } = Case::new();
    // The policies of the application may let it, but the database has no such role.
    let db = db.claims_policy(
        hexclave_supabase::ClaimsPolicy::new()
            .allow_role(hexclave_supabase::Role::custom("hexclave_test_nobody").unwrap()),
    );
    let nobody = ada.role("hexclave_test_nobody");
    says(
        &["the statement was not run", "could not begin", "does not exist"],
        || db.as_user(&nobody).assert_denied("select from notes"),
    );
    says(&["the statement was not run"], || {
        db.as_user(&nobody).assert_filtered("select from notes");
    });
}

#[test]
fn a_database_that_is_gone_denies_nothing() {
    let db = TestDatabase::from_sql("create table notes ()").unwrap();
    db.as_anon().assert_denied("select from notes");
    let witness = hexclave_testkit::postgres::Postgres::shared()
        .unwrap()
        .database()
        .unwrap();
    let name = db.database().name();
    witness
        .execute(&format!("drop database {name} with (force)"))
        .unwrap();
    says(&["the statement was not run"], || {
        db.as_anon().assert_denied("select from notes")
    });
    says(&["no connection to the database"], || {
        db.as_anon().assert_denied("select from notes")
    });
}
