//! Each kind of cell, on real tables.

use std::time::Duration;

use hexclave_supabase::{
    Role,
    inspect::matrix::{AccessMatrix, Command, Identity, Outcome, RowSecurity, TableKind},
    policies,
};
use hexclave_tests::GUIDE;

use super::{ADA, GRACE, everybody, line, name, run, service_role, signed_in};
use crate::support::database;

/// With the grants of projects from before 2026, which go with the guide's own policies.
const OLD_GRANTS: &str = "grant all on data to anon, authenticated, service_role;";

fn row_3_is_graces() -> String {
    format!("update data set user_id = '{GRACE}' where id = 3;")
}

#[tokio::test]
async fn the_guides_policies_let_anybody_delete_row_1() {
    let database = database(&format!("{GUIDE} {OLD_GRANTS} {}", row_3_is_graces()));
    let matrix = run(&database, everybody().identity(service_role())).await;
    let data = "public.data";
    assert_eq!(line(&matrix, data, "signed out"), "1 / 1 / 1 / 1");
    assert_eq!(line(&matrix, data, "Ada"), "1,2 / 1,2 / 1,2 / 1,2");
    assert_eq!(line(&matrix, data, "Grace"), "1,2,3 / 1,2,3 / 1,2,3 / 1,2,3");
    assert_eq!(
        line(&matrix, data, "service_role"),
        "1,2,3 / 1,2,3 / 1,2,3 / 1,2,3"
    );
    let table = &matrix.tables()[0];
    assert_eq!((table.rows(), table.sees_all_rows()), (Some(3), true));
    assert_eq!(
        (table.kind(), table.row_security()),
        (TableKind::Table, RowSecurity::On)
    );
}

#[tokio::test]
async fn the_corrected_policies_let_nobody_write() {
    let database = database(&format!("{} {}", policies::GUIDE, row_3_is_graces()));
    let matrix = run(&database, everybody().identity(service_role())).await;
    let data = "public.data";
    assert_eq!(
        line(&matrix, data, "signed out"),
        "1 / no grant / no grant / no grant"
    );
    assert_eq!(line(&matrix, data, "Ada"), "1,2 / no grant / no grant / no grant");
    assert_eq!(
        line(&matrix, data, "Grace"),
        "1,2,3 / no grant / no grant / no grant"
    );
    assert_eq!(
        line(&matrix, data, "service_role"),
        "1,2,3 / 1,2,3 / 1,2,3 / 1,2,3"
    );
}

#[tokio::test]
async fn rows_that_are_not_seen_can_be_changed_and_deleted() {
    let database = database(&format!(
        "create table notes (id int primary key, owner uuid, body text);
         insert into notes values (1, '{ADA}', 'a'), (2, '{GRACE}', 'b');
         alter table notes enable row level security;
         grant all on notes to authenticated;
         create policy own on notes for select to authenticated using (owner = (select auth.uid()));
         create policy change on notes for update to authenticated using (true);
         create policy throw on notes for delete to authenticated using (true);
         -- May write and read nothing at all.
         create table box (id int primary key, body text);
         insert into box values (1, 'a'), (2, 'b');
         alter table box enable row level security;
         grant insert, update, delete on box to anon;
         create policy any_add on box for insert to anon with check (id = 2);
         create policy any_change on box for update to anon using (id = 1);
         create policy any_throw on box for delete to anon using (id = 1);"
    ));
    let matrix = run(&database, everybody()).await;
    assert_eq!(
        line(&matrix, "public.notes", "Ada"),
        "1 / none / 1,2 (1 unseen) / 1,2 (1 unseen)"
    );
    assert_eq!(line(&matrix, "public.box", "signed out"), "no grant / 2 / 1 / 1");
}

#[tokio::test]
async fn what_fails_for_one_row_is_tried_for_each() {
    let database = database(&format!(
        "create table parents (id int primary key, owner uuid);
         create table children (id int primary key, parent int references parents deferrable initially deferred);
         insert into parents values (1, '{ADA}'), (2, '{ADA}'), (3, '{GRACE}');
         insert into children values (1, 1);
         alter table parents enable row level security;
         grant all on parents to authenticated;
         create policy reads on parents for select to authenticated using (true);
         create policy deletes on parents for delete to authenticated using (owner = (select auth.uid()));
         -- Everybody may take hold of any row, but not keep it as it is.
         create policy changes on parents for update to authenticated using (true) with check (owner = (select auth.uid()));"
    ));
    let matrix = run(&database, everybody().identity(service_role())).await;
    assert_eq!(
        line(&matrix, "public.parents", "Ada"),
        "1,2,3 / none / 1,2 / 2 1x23503"
    );
    assert_eq!(line(&matrix, "public.parents", "Grace"), "1,2,3 / none / 3 / 3");
    assert_eq!(
        line(&matrix, "public.children", "signed out"),
        "no grant / no grant / no grant / no grant"
    );
}

/// Nobody sees the row that a foreign key protects, so none finds it; that the policies let it through shows all the same.
#[tokio::test]
async fn what_a_constraint_stops_unseen_is_told() {
    let database = database(
        "create table parents (id int primary key); insert into parents values (1), (2);
         create table children (id int primary key references parents); insert into children values (2);
         alter table parents enable row level security;
         create policy first on parents for select to anon using (id = 1);
         create policy any_throw on parents for delete to anon using (true);
         grant select, delete on parents to anon;",
    );
    let matrix = run(&database, everybody()).await;
    assert_eq!(
        line(&matrix, "public.parents", "signed out"),
        "1 / no grant / no grant / 1 1x23503"
    );
}

/// On Supabase, statements without a condition are refused to `authenticator`.
#[tokio::test]
async fn each_statement_over_all_rows_has_a_condition() {
    let database = database(
        "create table notes (id int primary key, body text); insert into notes values (1, 'a'), (2, 'b');
         -- Without a right to read, rows are reached by such statements alone.
         grant update, delete on notes to anon;
         create function ask() returns trigger language plpgsql as
             $$ begin
                 if current_query() !~ 'WHERE' then raise cardinality_violation; end if;
                 return null;
             end $$;
         create trigger ask before update or delete on notes for each statement execute function ask();",
    );
    let matrix = run(&database, everybody()).await;
    assert_eq!(
        line(&matrix, "public.notes", "signed out"),
        "no grant / no grant / 1,2 / 1,2"
    );
}

#[tokio::test]
async fn grants_on_columns_are_told() {
    let database = database(
        "create table people (id int generated always as identity primary key, name text, secret text,
             twice text generated always as (name || secret) stored);
         insert into people (name, secret) values ('a', 'x'), ('b', 'y');
         grant select (id, name), insert (name), update (name) on people to anon;
         grant select (name), update (secret) on people to authenticated;
         grant all on people to service_role;",
    );
    let matrix = run(&database, everybody().identity(service_role())).await;
    let people = "public.people";
    assert_eq!(line(&matrix, people, "signed out"), "1,2 / 1,2 / 1,2 / no grant");
    // Reads no key and not what may be written: the rows cannot be told apart, but those that are hit can.
    assert_eq!(line(&matrix, people, "Ada"), "2 rows / no grant / 1,2 / no grant");
    assert_eq!(line(&matrix, people, "service_role"), "1,2 / 1,2 / 1,2 / 1,2");
    let columns = |identity, command| matrix.cell(people, identity, command).expect("a cell").columns();
    assert_eq!(
        columns("signed out", Command::Select),
        Some(["id".to_owned(), "name".to_owned()].as_slice())
    );
    assert_eq!(
        columns("Ada", Command::Update),
        Some(["secret".to_owned()].as_slice())
    );
    assert_eq!(columns("signed out", Command::Delete), None);
    assert_eq!(columns("service_role", Command::Select), None);
    assert_eq!(matrix.tables()[0].row_security(), RowSecurity::Off);
}

#[tokio::test]
async fn errors_are_told_from_refusals() {
    let database = database(
        "create schema hidden; create table hidden.rows (id int primary key); insert into hidden.rows values (1);
         grant all on hidden.rows to anon;
         create table loops (id int primary key); insert into loops values (1);
         alter table loops enable row level security;
         create policy loops on loops to anon using (exists (select from loops));
         create table other (id int primary key); insert into other values (1);
         alter table other enable row level security;
         create policy asks on other to anon using (exists (select from loops l where l.id = other.id));
         create table guarded (id int primary key, body text); insert into guarded values (1, 'a'), (2, 'b');
         alter table guarded enable row level security;
         create policy all_rows on guarded to anon using (true);
         create function no_second() returns trigger language plpgsql as
             $$ begin if old.id = 2 then raise exception 'not this one'; end if; return old; end $$;
         create trigger no_second before delete on guarded for each row execute function no_second();
         create table denied (id int primary key); insert into denied values (1);
         alter table denied enable row level security;
         create table hidden.more (id int);
         create policy hidden_rows on denied to anon using (exists (select from hidden.more));
         grant all on loops, other, guarded, denied to anon;",
    );
    let matrix = run(&database, everybody().schema("hidden")).await;
    assert_eq!(
        line(&matrix, "hidden.rows", "signed out"),
        "no grant / no grant / no grant / no grant"
    );
    assert_eq!(
        line(&matrix, "public.loops", "signed out"),
        "42P17 / 42P17 / 42P17 / 42P17"
    );
    assert_eq!(
        line(&matrix, "public.other", "signed out"),
        "42P17 / 42P17 / 42P17 / 42P17"
    );
    assert_eq!(
        line(&matrix, "public.guarded", "signed out"),
        "1,2 / 1,2 / 1,2 / 1 1xP0001"
    );
    // The right to the table is there: what is missing is one that its policy needs.
    assert_eq!(
        line(&matrix, "public.denied", "signed out"),
        "42501 / 42501 / 42501 / 42501"
    );
    let Outcome::Failed { message, .. } = matrix
        .cell("public.denied", "signed out", Command::Select)
        .expect("a cell")
        .outcome()
    else {
        panic!("it did not fail");
    };
    assert!(message.contains("more"), "{message}");
}

#[tokio::test]
async fn tables_without_rows_or_keys() {
    let database = database(
        "create table empty (id int primary key); grant select, insert, delete on empty to anon;
         create table keyless (body text, mine boolean); insert into keyless values ('b', true), ('a', false), ('b', true);
         alter table keyless enable row level security;
         create policy mine on keyless to anon using (mine);
         grant all on keyless to anon;
         create table bare (); insert into bare default values; grant all on bare to anon;
         create table pair (b text, a int, primary key (a, b)); insert into pair values ('y', 1), ('x', 1), ('x', 0);
         grant select on pair to anon;",
    );
    let matrix = run(&database, everybody()).await;
    assert_eq!(
        line(&matrix, "public.empty", "signed out"),
        "none / NoRows / no grant / NoRows"
    );
    // In the order of their texts: (a,f), (b,t), (b,t).
    assert_eq!(
        line(&matrix, "public.keyless", "signed out"),
        "#2,#3 / #2,#3 / #2,#3 / #2,#3"
    );
    assert_eq!(
        line(&matrix, "public.bare", "signed out"),
        "#1 / RowsUnknown / NothingToWrite / #1"
    );
    assert_eq!(
        line(&matrix, "public.pair", "signed out"),
        "(0, x),(1, x),(1, y) / no grant / no grant / no grant"
    );
}

#[tokio::test]
async fn views_partitions_and_what_is_elsewhere() {
    let database = database(&format!(
        "create table notes (id int primary key, owner uuid, body text);
         insert into notes values (1, '{ADA}', 'a'), (2, '{GRACE}', 'b');
         alter table notes enable row level security;
         create policy own on notes to authenticated using (owner = (select auth.uid()));
         grant all on notes to authenticated;
         create view above as select * from notes;
         create view under with (security_invoker = true) as select * from notes;
         create view few as select * from notes where id < 2 with check option;
         create view counts as select count(*) from notes;
         create materialized view stored as select * from notes;
         grant all on above, under, few, counts, stored to authenticated;
         create table parts (id int primary key, owner uuid) partition by range (id);
         create table parts_low partition of parts for values from (0) to (10);
         create table parts_high partition of parts for values from (10) to (20);
         insert into parts values (1, '{ADA}'), (11, '{GRACE}');
         alter table parts enable row level security;
         create policy own on parts to authenticated using (owner = (select auth.uid()));
         grant all on parts, parts_high to authenticated;
         create foreign data wrapper nowhere; create server nowhere foreign data wrapper nowhere;
         create foreign table far (id int) server nowhere;
         create view far_view as select * from far;
         create table near_and_far (id int) partition by range (id);
         create foreign table far_part partition of near_and_far for values from (0) to (10) server nowhere;
         grant all on far, far_view, near_and_far to authenticated;"
    ));
    let matrix = run(&database, everybody()).await;
    let of = |table: &str| line(&matrix, table, "Ada");
    assert_eq!(of("public.above"), "2 rows / 2 rows / 2 rows / 2 rows");
    assert_eq!(of("public.under"), "1 rows / 1 rows / 1 rows / 1 rows");
    assert_eq!(of("public.few"), "1 rows / 1 rows / 1 rows / 1 rows");
    assert_eq!(of("public.counts"), "1 rows / 55000 / 55000 / 55000");
    assert_eq!(
        of("public.stored"),
        "2 rows / MaterializedView / MaterializedView / MaterializedView"
    );
    assert_eq!(of("public.parts"), "1 / 1 / 1 / 1");
    // Past the policies of the whole.
    assert_eq!(of("public.parts_high"), "11 / 11 / 11 / 11");
    assert_eq!(
        of("public.parts_low"),
        "no grant / no grant / no grant / no grant"
    );
    for far in ["public.far", "public.far_view", "public.near_and_far"] {
        assert_eq!(of(far), "55000 / ForeignTable / ForeignTable / ForeignTable");
    }
}

/// Where the role that looks sees a part of the rows, what is reached besides counts as well.
#[tokio::test]
async fn rows_that_nobody_looks_at_count_too() {
    let database = database(&format!(
        "create table notes (id int primary key, owner uuid, body text);
         insert into notes values (1, '{ADA}', 'a'), (2, '{GRACE}', 'b'), (3, '{GRACE}', 'c');
         alter table notes enable row level security;
         create policy first on notes for select to anon using (id = 1);
         create policy own on notes for select to authenticated using (owner = (select auth.uid()));
         create policy any_throw on notes for delete to authenticated using (true);
         grant select on notes to anon; grant select, delete on notes to authenticated;"
    ));
    let matrix = run(&database, everybody().dangerously_look_as(Role::Anon)).await;
    assert!(!matrix.tables()[0].sees_all_rows());
    let cell = |command| matrix.cell("public.notes", "Grace", command).expect("a cell");
    assert_eq!(cell(Command::Select).count(), 2);
    let reach = cell(Command::Delete).reach().expect("rows");
    assert_eq!(
        (reach.count(), reach.keys()),
        (3, Some(["1".to_owned()].as_slice()))
    );
}

#[tokio::test]
async fn large_tables_are_tried_in_part() {
    let database = database(
        "create table many (id int primary key, body text not null);
         insert into many select i, 'a' from generate_series(1, 12) i;
         alter table many enable row level security;
         create policy even on many to anon using (id % 2 = 0);
         grant all on many to anon;
         create table pile (body int); insert into pile select generate_series(1, 12); grant all on pile to anon;
         create table drop_box (id int primary key); insert into drop_box select generate_series(1, 12);
         grant update, delete on drop_box to anon;
         create view heap as select * from pile; grant all on heap to anon;",
    );
    let matrix = run(&database, everybody().largest_table(11).sample(4)).await;
    assert_eq!(
        line(&matrix, "public.many", "signed out"),
        "2,4,6,8 / 2,4 / 2,4 / 2,4"
    );
    let cell = |command| matrix.cell("public.many", "signed out", command).expect("a cell");
    let reach = |command| cell(command).reach().expect("rows");
    assert_eq!(
        (reach(Command::Select).count(), reach(Command::Select).of()),
        (6, Some(12))
    );
    assert_eq!(
        (reach(Command::Delete).count(), reach(Command::Delete).of()),
        (2, Some(4))
    );
    assert_eq!(
        line(&matrix, "public.pile", "signed out"),
        "12 rows / #1,#2,#3,#4 / #1,#2,#3,#4 / #1,#2,#3,#4"
    );
    assert_eq!(
        line(&matrix, "public.drop_box", "signed out"),
        "no grant / no grant / NothingToWrite / TooManyRows"
    );
    assert_eq!(
        line(&matrix, "public.heap", "signed out"),
        "12 rows / 4 rows / TooManyRows / TooManyRows"
    );
    // One row fewer, and all are tried at once.
    let matrix = run(&database, everybody().largest_table(12).sample(4)).await;
    assert_eq!(
        line(&matrix, "public.many", "signed out"),
        "2,4,6,8 / 2,4 / 2,4,6,8 / 2,4,6,8"
    );
    assert_eq!(
        matrix
            .cell("public.many", "signed out", Command::Delete)
            .expect("a cell")
            .count(),
        6
    );
}

/// Where to count takes too long, the first rows are tried all the same.
#[tokio::test]
async fn rows_that_cannot_be_counted_in_time_are_tried_in_part() {
    let database = database(
        "create table many (id int primary key); insert into many select generate_series(1, 50);
         alter table many enable row level security;
         create policy slow on many to anon using (pg_sleep(0.1) is not null);
         grant select on many to anon; grant all on many to service_role;",
    );
    let builder = AccessMatrix::builder()
        .table(name("many"))
        .identity(service_role())
        .dangerously_look_as(Role::Anon)
        .prepare("set local enable_seqscan = off; set local enable_bitmapscan = off")
        .statement_timeout(Duration::from_secs(2))
        .sample(2);
    let matrix = run(&database, builder).await;
    assert_eq!(
        line(&matrix, "public.many", "service_role"),
        "1,2 / 1,2 / 1,2 / 1,2"
    );
    let table = &matrix.tables()[0];
    assert_eq!((table.rows(), table.sees_all_rows()), (None, false));
    assert!(table.rows_error().expect("an error").contains("57014"));
    let count = |command| table.cell("service_role", command).expect("a cell").count();
    assert_eq!(Command::ALL.map(count), [50, 2, 2, 2]);
}

#[tokio::test]
async fn no_value_of_a_row_is_kept_where_none_is_wanted() {
    let database = database(
        "create table t (id text primary key); insert into t values ('s3cret'); grant all on t to anon",
    );
    let matrix = run(&database, everybody().sample(0)).await;
    assert_eq!(
        line(&matrix, "public.t", "signed out"),
        "none / NoSample / none / none"
    );
    let count = |command| {
        matrix
            .cell("public.t", "signed out", command)
            .expect("a cell")
            .count()
    };
    assert_eq!(Command::ALL.map(count), [1, 0, 1, 1]);
    for text in [
        matrix.to_json(),
        matrix.report().to_html(),
        matrix.report().to_markdown(),
    ] {
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[tokio::test]
async fn time_limits_end_a_cell_and_no_more() {
    let database = database(
        "create table slow (id int primary key); insert into slow values (1), (2);
         alter table slow enable row level security;
         create policy slow on slow to anon using (pg_sleep(600) is not null);
         grant all on slow to anon;
         create table held (id int primary key); insert into held values (1); grant all on held to anon;
         create table shut (id int primary key); insert into shut values (1); grant all on shut to anon;",
    );
    let mut holder = database.connect_as_owner().await.expect("a connection");
    let holding = holder.transaction().await.expect("a transaction");
    holding
        .batch_execute("select from held for update; lock table shut in access exclusive mode")
        .await
        .expect("locks");
    let builder = everybody()
        .statement_timeout(Duration::from_secs(1))
        .lock_timeout(Duration::from_millis(200));
    let matrix = run(&database, builder).await;
    assert_eq!(
        line(&matrix, "public.slow", "signed out"),
        "timed out / timed out / timed out / timed out"
    );
    // Whoever holds a row does not keep others from reading it, or from adding another.
    assert_eq!(
        line(&matrix, "public.held", "signed out"),
        "1 / 1 / locked / locked"
    );
    assert_eq!(
        line(&matrix, "public.shut", "signed out"),
        "locked / locked / locked / locked"
    );
    let shut = matrix
        .tables()
        .iter()
        .find(|table| table.name() == "public.shut")
        .expect("a table");
    assert_eq!(shut.rows(), None);
    assert!(shut.rows_error().expect("an error").contains("55P03"));
}

#[tokio::test]
async fn hostile_names_are_names() {
    let schema = r#"a"b; drop schema auth cascade; --"#;
    let table = "<script>alert('1')</script> | `x` $$ \\";
    let column = r#"x".y' $hexclave$ -- "#;
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let full = format!("{}.{}", quoted(schema), quoted(table));
    let database = database(&format!(
        "create schema {schema}; grant usage on schema {schema} to anon;
         create table {full} ({column} text primary key, r text, y text);
         insert into {full} values ('<b>''\"$hexclave$\\', 'r', 'y'), (e'\\x1b[31m', null, null);
         alter table {full} enable row level security;
         create policy {column} on {full} to anon using (r = 'r');
         grant all on {full} to anon;",
        schema = quoted(schema),
        column = quoted(column),
    ));
    let builder = AccessMatrix::builder()
        .schema(schema)
        .identity(Identity::signed_out())
        .identity(signed_in("<i>'\" | `Eve`", ADA));
    let matrix = run(&database, builder).await;
    assert_eq!(
        line(&matrix, &full, "signed out"),
        ["<b>'\"$hexclave$\\"; 4].join(" / ")
    );
    let named = AccessMatrix::builder()
        .table(name(&full))
        .identity(Identity::signed_out());
    assert_eq!(
        line(&run(&database, named).await, &full, "signed out"),
        line(&matrix, &full, "signed out")
    );
    let html = matrix.report().to_html();
    assert!(
        html.contains("&lt;script&gt;") && !html.contains("<script"),
        "{html}"
    );
    assert!(
        html.contains("&lt;i&gt;&#39;&quot; | `Eve`") && !html.contains("<i>"),
        "{html}"
    );
    let markdown = matrix.report().to_markdown();
    assert!(
        markdown.contains("&lt;script&gt;") && !markdown.contains("<script"),
        "{markdown}"
    );
    assert!(markdown.contains(r#"&lt;i&gt;'" \| \`Eve\`"#), "{markdown}");
    for text in [html, markdown, matrix.report().to_text(100, false)] {
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
