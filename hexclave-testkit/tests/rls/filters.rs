//! What Row Level Security filters.

use hexclave_testkit::rls::Sql;

use crate::support::{Case, says};

#[test]
fn rows_of_others_are_filtered_from_every_command() {
    let Case { db, ada, bob } = Case::new();
    let as_bob = db.as_user(&bob);
    as_bob.assert_filtered("select from notes where id = 1");
    as_bob.assert_filtered("update notes set body = 'x' where id = 1");
    as_bob.assert_filtered("update notes set body = 'x' where id = 1 returning id");
    as_bob.assert_filtered(Sql::new("select from notes where owner = $1").bind(ada.id()));
    as_bob.assert_filtered("with n as (update notes set body = 'x' where id = 1 returning id) select from n");
    // Not even one's own, because no policy is for DELETE.
    as_bob.assert_filtered("delete from notes");
    db.as_anon().assert_filtered("select from closed");
    // Nothing was done, above Row Level Security neither.
    db.as_owner()
        .assert_visible("select id, body from notes", [(1, "Ada's"), (2, "Bob's")]);
}

#[test]
fn nothing_to_filter_is_a_failure() {
    let Case { db, bob, .. } = Case::new();
    for statement in [
        "delete from notes where id = 3",
        "select from notes where false",
        "update notes set body = 'x' where owner = auth.uid() and id = 1",
    ] {
        says(
            &[
                "bob@example.com should have every row filtered",
                "note: there is nothing to filter",
            ],
            || db.as_user(&bob).assert_filtered(statement),
        );
    }
    db.execute("truncate closed").unwrap();
    says(&["nothing to filter", "assert_row_count(…, 0)"], || {
        db.as_anon().assert_filtered("select from closed");
    });
}

#[test]
fn the_claims_are_the_same_above_row_level_security() {
    let Case { db, ada, .. } = Case::new();
    // Without them, nobody would own anything, and nothing would be there to be filtered.
    db.as_user(&ada)
        .assert_filtered("delete from notes where owner = auth.uid()");
}

#[test]
fn rows_that_are_there_are_not_filtered() {
    let Case { db, ada, .. } = Case::new();
    says(
        &[
            "ada@example.com should have every row filtered",
            "no error, 1 row(s)",
            "id | body",
            "1  | Ada's",
            "hint: allowed by the policies of public.notes: own_read",
        ],
        || db.as_user(&ada).assert_filtered("select id, body from notes"),
    );
    says(&["denied for want of a grant", "hint: anon lacks SELECT"], || {
        db.as_anon().assert_filtered("select from notes");
    });
    says(
        &["a statement without rows is done or denied, never filtered"],
        || db.as_owner().assert_filtered("truncate notes"),
    );
}

#[test]
fn a_row_that_cannot_be_deleted_is_there_all_the_same() {
    let Case { db, bob, .. } = Case::new();
    db.execute("create table replies (note int references notes); insert into replies values (1)")
        .unwrap();
    db.as_user(&bob).assert_filtered("delete from notes where id = 1");
    // What fails otherwise tells nothing.
    db.execute(
        "create function broken() returns trigger language plpgsql as $$ begin raise 'broken'; end $$;
         create trigger broken before delete on notes for each row execute function broken()",
    )
    .unwrap();
    says(&["cannot be told", "broken"], || {
        db.as_user(&bob).assert_filtered("delete from notes where id = 1");
    });
}

#[test]
fn what_is_filtered_by_surprise_is_explained() {
    let Case { db, ada, bob } = Case::new();
    says(
        &[
            "should be allowed",
            "no error, 0 row(s)",
            "hint: no row of public.notes meets the conditions of own_change",
        ],
        || {
            db.as_user(&bob)
                .assert_allowed("update notes set body = 'x' where id = 1");
        },
    );
    says(
        &["no permissive policy for SELECT applies to anon: every row is filtered"],
        || db.as_anon().assert_visible("select id from closed", [1]),
    );
    db.execute("create policy change on closed for update to authenticated using (true)")
        .unwrap();
    says(
        &[
            "no permissive policy for SELECT on public.closed applies to authenticated: UPDATE finds no row without one",
        ],
        || {
            db.as_user(&ada)
                .assert_allowed("update closed set id = 2 where id = 1");
        },
    );
}
