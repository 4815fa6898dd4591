//! A matrix compared with an earlier one.

use hexclave_supabase::{
    ErrorKind,
    inspect::matrix::{AccessMatrix, Allowed, Change},
};
use hexclave_testkit::postgres::Database;

use super::{ADA, GRACE, everybody, run};
use crate::support::database;

fn notes() -> Database {
    database(&format!(
        "create table notes (id int primary key, owner uuid, body text, secret text);
         insert into notes values (1, '{ADA}', 'a'), (2, '{GRACE}', 'b');
         alter table notes enable row level security;
         grant select, insert, update on notes to authenticated;
         create policy own on notes to authenticated using (owner = (select auth.uid()));"
    ))
}

/// What changes by these statements, a line each.
async fn changes(sql: &str) -> Vec<String> {
    let database = notes();
    let earlier = run(&database, everybody()).await;
    database.execute(sql).expect("changes");
    let now = run(&database, everybody()).await;
    assert_eq!(now.differences(&now), []);
    let differences = now.differences(&earlier);
    assert!(differences.is_sorted_by_key(|difference| difference.change()));
    differences.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn the_same_access_is_the_same_document() {
    let database = notes();
    let matrix = run(&database, everybody()).await;
    let json = matrix.to_json();
    assert_eq!(run(&database, everybody()).await.to_json(), json);
    let read = AccessMatrix::from_json(&json).expect("a matrix");
    assert_eq!(read, matrix);
    assert_eq!(read.to_json(), json);
    for allowed in [Allowed::Nothing, Allowed::Narrower] {
        assert!(matrix.expect_unchanged(&read, allowed).is_ok());
    }
}

#[tokio::test]
async fn every_change_has_its_direction() {
    let wider = "wider: public.notes: Ada: SELECT: 1 of 2 rows [1], now all 2 rows [1, 2]";
    let all = "create policy all_rows on notes for select to authenticated using (true)";
    assert!(changes(all).await.contains(&wider.to_owned()));
    assert_eq!(
        changes("grant delete on notes to authenticated").await,
        [
            "wider: public.notes: Ada: DELETE: no grant, now 1 of 2 rows [1]",
            "wider: public.notes: Grace: DELETE: no grant, now 1 of 2 rows [2]",
        ]
    );
    assert_eq!(
        changes("revoke update on notes from authenticated").await,
        [
            "narrower: public.notes: Ada: UPDATE: 1 of 2 rows [1], now no grant",
            "narrower: public.notes: Grace: UPDATE: 1 of 2 rows [2], now no grant",
        ]
    );
    assert_eq!(
        changes(
            "revoke insert on notes from authenticated; grant insert (id, owner, body) on notes to authenticated"
        )
        .await,
        [
            "narrower: public.notes: Ada: INSERT: 1 of 2 rows [1], now 1 of 2 rows [1]; columns: id, owner, body",
            "narrower: public.notes: Grace: INSERT: 1 of 2 rows [2], now 1 of 2 rows [2]; columns: id, owner, body",
        ]
    );
    // As many rows, but others: somebody reaches what they did not.
    let swapped = changes(&format!(
        "alter policy own on notes using (owner <> (select auth.uid())) with check (owner = '{ADA}')"
    ))
    .await;
    assert!(
        swapped
            .contains(&"wider: public.notes: Ada: SELECT: 1 of 2 rows [1], now 1 of 2 rows [2]".to_owned()),
        "{swapped:#?}"
    );
    // A right that reaches no row is worth a look.
    assert_eq!(
        changes("grant select on notes to anon").await,
        ["changed: public.notes: signed out: SELECT: no grant, now 0 of 2 rows"]
    );
    // A new table is wider where it lets somebody in.
    let new = changes(
        "create table news (id int primary key); insert into news values (7); grant select on news to anon",
    )
    .await;
    assert_eq!(new.len(), 12);
    assert_eq!(
        new[0],
        "wider: public.news: signed out: SELECT: not tried, now all 1 rows [7]"
    );
    assert!(
        new[1..]
            .iter()
            .all(|line| line.starts_with("changed: public.news: ")),
        "{new:#?}"
    );
    let gone = changes("drop table notes").await;
    assert_eq!(gone.len(), 12);
    assert!(
        gone.iter()
            .all(|line| line.starts_with("changed: ") && line.ends_with("now not tried")),
        "{gone:#?}"
    );
    // More rows that nobody reaches are no matter of access.
    assert_eq!(
        changes("insert into notes values (3, gen_random_uuid())").await,
        [""; 0]
    );
}

#[tokio::test]
async fn what_cannot_be_found_out_is_never_narrower() {
    let loops = "create policy loops on notes for select to authenticated using (exists (select from notes n where n.id = notes.id))";
    let broken = changes(loops).await;
    assert!(!broken.is_empty());
    assert!(
        broken.iter().all(|line| line.starts_with("changed: ")),
        "{broken:#?}"
    );
    // A right is given, and only a foreign key keeps it from being used.
    let stopped = changes(
        "create table parts (note int references notes); insert into parts values (1), (2); grant delete on notes to authenticated",
    )
    .await;
    let wider = "wider: public.notes: Ada: DELETE: no grant, now 0 of 2 rows; 1 stopped by 23503";
    assert!(stopped.contains(&wider.to_owned()), "{stopped:#?}");
}

#[tokio::test]
async fn a_snapshot_test_fails_with_the_differences() {
    let database = notes();
    let earlier = run(&database, everybody()).await;
    database
        .execute("revoke update on notes from authenticated")
        .expect("a change");
    let narrower = run(&database, everybody()).await;
    assert!(narrower.expect_unchanged(&earlier, Allowed::Narrower).is_ok());
    let error = narrower
        .expect_unchanged(&earlier, Allowed::Nothing)
        .expect_err("a change");
    assert_eq!(error.kind(), ErrorKind::AccessChanged);
    assert!(
        error.to_string().contains("narrower: public.notes: Ada: UPDATE"),
        "{error}"
    );

    let error = earlier
        .expect_unchanged(&narrower, Allowed::Narrower)
        .expect_err("a change");
    assert!(error.to_string().contains("in 2 cells"), "{error}");
    assert_eq!(earlier.differences(&narrower)[0].change(), Change::Wider);
    database.execute("drop table notes").expect("a change");
    let error = run(&database, everybody())
        .await
        .expect_unchanged(&earlier, Allowed::Narrower);
    assert!(
        error
            .expect_err("a change")
            .to_string()
            .ends_with("\n  and 2 more")
    );
}

#[tokio::test]
async fn other_documents_are_refused() {
    let json = run(&notes(), everybody()).await.to_json();
    for (broken, named) in [
        (String::new(), "EOF"),
        ("{}".to_owned(), "version"),
        (json.replace("\"version\": 1", "\"version\": 2"), "version is 2"),
        (json.replace("\"name\": \"Grace\"", "\"name\": \"Ada\""), "twice"),
        (
            json.replacen("\"identity\": \"Ada\"", "\"identity\": \"Eve\"", 1),
            "one cell for each",
        ),
        (
            json.replacen("\"command\": \"delete\"", "\"command\": \"update\"", 1),
            "one cell for each",
        ),
        (
            json.replacen("\"command\": \"select\"", "\"command\": \"truncate\"", 1),
            "truncate",
        ),
        (json.replacen("\"count\": 1", "\"count\": -1", 1), "invalid"),
        (json.replacen("\"count\": 1,", "", 1), "no count"),
    ] {
        assert_ne!(broken, json);
        let error = AccessMatrix::from_json(&broken).expect_err(named);
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.to_string().contains(named), "{error}");
    }
}
