//! What people get to see, byte by byte.

use std::{env, fs, path::Path};

use hexclave_supabase::inspect::matrix::AccessMatrix;
use hexclave_testkit::postgres::Database;
use hexclave_tests::GUIDE;

use super::{ADA, GRACE, everybody, run, service_role, signed_in};
use crate::support::database;

/// A small application with a cell of each kind.
fn application() -> Database {
    database(&format!(
        "{GUIDE} update data set user_id = '{GRACE}' where id = 3;
         grant all on data to anon, authenticated, service_role;
         create schema app; grant usage on schema app to anon, authenticated, service_role;
         create table app.teams (id uuid primary key, name text not null);
         insert into app.teams values ('11111111-1111-4111-8111-111111111111', 'red'), ('22222222-2222-4222-8222-222222222222', 'blue');
         create table app.members (team uuid references app.teams, person uuid, rank text, primary key (team, person));
         insert into app.members values ('11111111-1111-4111-8111-111111111111', '{ADA}', 'owner'),
             ('11111111-1111-4111-8111-111111111111', '{GRACE}', 'member');
         alter table app.members enable row level security;
         create policy own on app.members to authenticated using (person = (select auth.uid()));
         grant select, insert, delete, update (rank) on app.members to authenticated;
         grant select, update, delete on app.teams to authenticated;
         grant all on app.teams, app.members to service_role;
         create table app.inbox (id int generated always as identity primary key, body text not null);
         insert into app.inbox (body) values ('a'), ('b'), ('c');
         alter table app.inbox enable row level security;
         create policy send on app.inbox for insert to anon, authenticated with check (length(body) < 100);
         create policy empty_it on app.inbox for delete to authenticated using (true);
         grant insert, delete on app.inbox to anon, authenticated; grant all on app.inbox to service_role;
         create view app.roster as select person, rank from app.members;
         grant select on app.roster to anon, authenticated;
         create table app.loops (id int primary key); insert into app.loops values (1);
         alter table app.loops enable row level security;
         create policy loops on app.loops to authenticated using (exists (select from app.loops l where l.id = loops.id));
         grant select on app.loops to authenticated;
         create table app.drafts (id int primary key); alter table app.drafts enable row level security;
         grant select, insert, update on app.drafts to authenticated;"
    ))
}

async fn look(database: &Database) -> AccessMatrix {
    let builder = everybody()
        .schema("app")
        .identity(signed_in("guest", "cccccccc-cccc-4ccc-8ccc-cccccccccccc"));
    run(database, builder.identity(service_role())).await
}

/// Compares with the file of that name; with `UPDATE_GOLDEN` in the environment, writes it.
fn assert_golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/rls/golden")
        .join(name);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, actual).expect("a writable file");
    }
    let expected = fs::read_to_string(&path).expect("a golden file");
    assert_eq!(actual, expected, "{name}");
}

#[tokio::test]
async fn reports_are_the_golden_ones() {
    let database = application();
    let earlier = look(&database).await;
    let report = earlier.report();
    assert_golden("matrix.json", &earlier.to_json());
    assert_golden("matrix.md", &report.to_markdown());
    assert_golden("matrix.html", &report.to_html());
    assert_golden("matrix-80.txt", &report.to_text(80, false));
    assert_golden("matrix-120.txt", &report.to_text(120, false));

    database
        .execute(
            "alter policy own on app.members using (true);
             revoke delete on data from anon; drop policy loops on app.loops; grant select on app.drafts to anon",
        )
        .expect("changes");
    let now = look(&database).await;
    let report = now.report().since(&earlier).title("Access matrix of “shop”");
    assert_golden("changed.md", &report.to_markdown());
    assert_golden("changed.html", &report.to_html());
    assert_golden("changed-80.txt", &report.to_text(80, false));
    assert_golden("changed-colours.txt", &report.to_text(100, true));
}

#[tokio::test]
async fn no_line_is_wider_than_the_terminal() {
    let database = application();
    let matrix = look(&database).await;
    for width in [60, 80, 120, 200] {
        let text = matrix.report().to_text(width, false);
        let tables = text.lines().filter(|line| line.starts_with([' ', '─', '═']));
        for line in tables {
            assert!(line.chars().count() <= usize::from(width), "{width}: {line}");
        }
    }
    // Colours are around what is there and change nothing else.
    let coloured = matrix.report().to_text(80, true);
    let mut plain = String::new();
    for part in coloured.split('\u{1b}') {
        plain.push_str(
            part.split_once('m')
                .filter(|_| part.starts_with('['))
                .map_or(part, |(_, rest)| rest),
        );
    }
    assert_eq!(plain, matrix.report().to_text(80, false));
    assert!(coloured.len() > plain.len());
}

/// A page that asks for nothing: neither a script nor a file from anywhere.
#[tokio::test]
async fn a_page_is_complete_by_itself() {
    let html = look(&application()).await.report().to_html();
    for foreign in [
        "<script",
        "<link",
        "<img",
        "<iframe",
        "<form",
        "http:",
        "https:",
        "url(",
        "@import",
        "src=",
        "onclick",
        "onload",
        "onerror",
        "ontoggle",
        "javascript:",
    ] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    assert!(html.contains("prefers-color-scheme: dark"));
}
