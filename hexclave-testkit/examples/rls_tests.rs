//! Tests of Row Level Security as an application would have them among its own, and what they cost.
//!
//! `cargo test --example rls_tests` runs them as tests, `cargo run --example rls_tests` as a program that takes their
//! time. In an application they are plain `#[test]` functions.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::time::{Duration, Instant};

use hexclave_core::{AcceptedKinds, TeamId, UserKind};
use hexclave_supabase::ClaimsPolicy;
use hexclave_testkit::rls::{DeniedBy, Sql, TestDatabase, TestUser};

type Outcome = Result<(), Box<dyn Error>>;

/// What the application's own program says of its users; its tests use the same.
fn claims_policy() -> ClaimsPolicy {
    ClaimsPolicy::new().accept(AcceptedKinds::default().and(UserKind::Anonymous))
}

/// Each test has a database of its own: a copy of the one in which the migrations were run.
fn database() -> Result<TestDatabase, Box<dyn Error>> {
    let migrations = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/migrations");
    Ok(TestDatabase::from_folder(migrations)?.claims_policy(claims_policy()))
}

fn team(number: u8) -> Result<TeamId, Box<dyn Error>> {
    Ok(format!("00000000-0000-4000-8000-0000000000{number:02}").parse()?)
}

fn note_for(team: TeamId, body: &str) -> Sql {
    Sql::new("insert into notes (team, body) values ($1, $2)")
        .bind(team)
        .bind(body)
}

#[cfg_attr(test, test)]
fn members_see_and_write_their_teams_notes() -> Outcome {
    let db = database()?;
    let (red, blue) = (team(1)?, team(2)?);
    let ada = TestUser::new("ada@example.com").teams([red]);
    let bob = TestUser::new("bob@example.com").teams([red, blue]);
    let eve = TestUser::new("eve@example.com").teams([]);

    // What is executed stays.
    db.as_user(&ada).execute(note_for(red, "Engines"));
    db.as_user(&bob).execute(note_for(blue, "Looms"));

    db.as_user(&ada)
        .assert_visible("select body from notes", ["Engines"]);
    db.as_user(&bob)
        .assert_visible("select body from notes", ["Looms", "Engines"]);
    db.as_user(&eve).assert_filtered("select body from notes");

    let in_blue = db.as_user(&ada).assert_denied(note_for(blue, "Not hers"));
    assert_eq!(in_blue, DeniedBy::Policy);
    Ok(())
}

#[cfg_attr(test, test)]
fn only_owners_change_and_delete() -> Outcome {
    let db = database()?;
    let red = team(1)?;
    let ada = TestUser::new("ada@example.com").teams([red]);
    let bob = TestUser::new("bob@example.com").teams([red]);
    let added = db.as_user(&ada).query(
        "insert into notes (team, body) values ('00000000-0000-4000-8000-000000000001', 'Hers') returning id",
    );
    let id = added.first().and_then(|row| row.get("id")).ok_or("no id")?;

    // What is asserted is undone, so the note is still there for the next line.
    let deletion = Sql::new("delete from notes where id = $1").bind(id);
    db.as_user(&ada).assert_allowed(&deletion);
    db.as_user(&bob).assert_filtered(&deletion);

    let change = Sql::new("update notes set body = 'Changed' where id = $1").bind(id);
    db.as_user(&ada).assert_allowed(&change);
    db.as_user(&bob).assert_filtered(&change);

    let gift = Sql::new("update notes set owner = $1").bind(bob.id());
    assert_eq!(db.as_user(&ada).assert_denied(gift), DeniedBy::Grant);
    Ok(())
}

#[cfg_attr(test, test)]
fn guests_and_strangers_stay_out() -> Outcome {
    let db = database()?;
    db.execute(
        "insert into notes (owner, team, body, published) values
             ('00000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000001', 'News', true),
             ('00000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000001', 'Plans', false)",
    )?;
    db.as_anon().assert_visible("select body from notes", ["News"]);
    db.as_anon().assert_denied("delete from notes");

    let guest = TestUser::anonymous().teams([team(1)?]);
    db.as_user(&guest).assert_filtered("select body from notes");
    db.as_user(&guest).assert_denied(note_for(team(1)?, "Hello"));

    // Row Level Security does not bind the service role. Grants do, and it was granted nothing.
    assert_eq!(
        db.as_service_role().assert_denied("select from notes"),
        DeniedBy::Grant
    );
    Ok(())
}

fn main() -> Outcome {
    const ROUNDS: usize = 30;
    let timed = |test: fn() -> Outcome| -> Result<Duration, Box<dyn Error>> {
        let start = Instant::now();
        test()?;
        Ok(start.elapsed())
    };
    let first = timed(members_see_and_write_their_teams_notes)?;
    println!("the first test, with a server and a template to make: {first:.0?}");
    for (name, test) in [
        (
            "a test that only makes its database",
            (|| database().map(drop)) as fn() -> Outcome,
        ),
        (
            "members_see_and_write_their_teams_notes",
            members_see_and_write_their_teams_notes,
        ),
        ("only_owners_change_and_delete", only_owners_change_and_delete),
        ("guests_and_strangers_stay_out", guests_and_strangers_stay_out),
    ] {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            times.push(timed(test)?);
        }
        times.sort();
        let (fastest, median) = (times.first(), times.get(ROUNDS / 2));
        if let (Some(fastest), Some(median)) = (fastest, median) {
            println!("{name}: {median:.0?} in the median of {ROUNDS} rounds, {fastest:.0?} at best");
        }
    }
    Ok(())
}
