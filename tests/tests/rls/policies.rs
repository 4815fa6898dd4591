//! The emitted policies on a real Postgres: for each command, who may and who may not.

use hexclave_supabase::{
    SupabaseClaims,
    policies::{Access, Column, GUIDE, Policies, Team},
    rls,
};
use hexclave_testkit::postgres::Database;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::support::database;

const ADA: &str = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
const GRACE: &str = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";
const RED: &str = "11111111-1111-4111-8111-111111111111";
const BLUE: &str = "22222222-2222-4222-8222-222222222222";

/// Row 1 is Ada's and team Red's, row 2 Grace's and team Blue's.
fn things(id_type: &str) -> String {
    format!(
        r#"create schema "Odd ""schema""; --";
           create table "Odd ""schema""; --"."The 'things'" (id int primary key, "O""wner" {id_type}, team {id_type});
           insert into "Odd ""schema""; --"."The 'things'" values (1, '{ADA}', '{RED}'), (2, '{GRACE}', '{BLUE}');
           -- What projects from before 2026 give to every table.
           grant all on "Odd ""schema""; --"."The 'things'" to anon, authenticated"#
    )
}

const TABLE: &str = r#""Odd ""schema""; --"."The 'things'""#;

fn policies() -> Policies {
    Policies::on(r#"Odd "schema"; --"#, "The 'things'")
}

fn owner(is_uuid: bool) -> Column {
    if is_uuid {
        Column::uuid("O\"wner")
    } else {
        Column::text("O\"wner")
    }
}

fn team(is_uuid: bool) -> Column {
    if is_uuid {
        Column::uuid("team")
    } else {
        Column::text("team")
    }
}

/// What somebody can do, one letter each: whose rows are seen; which can be added, changed, given away, deleted.
/// A lower-case letter is Ada's (or team Red's) row, an upper-case one Grace's (or Blue's); `!` is an error.
async fn powers(client: &mut Client, role: &str, claims: &Value) -> String {
    let commands = [
        ("s", format!("select id from {TABLE} order by id")),
        ("i", format!("insert into {TABLE} values (3, '{ADA}', '{RED}') ")),
        (
            "i",
            format!("insert into {TABLE} values (4, '{GRACE}', '{BLUE}')"),
        ),
        (
            "u",
            format!("update {TABLE} set id = id + 10 where id in (1, 2) returning id - 10"),
        ),
        (
            "g",
            format!(r#"update {TABLE} set "O""wner" = '{GRACE}', team = '{BLUE}' where id = 1 returning id"#),
        ),
        (
            "g",
            format!(r#"update {TABLE} set "O""wner" = '{ADA}', team = '{RED}' where id = 2 returning id"#),
        ),
        (
            "d",
            format!("delete from {TABLE} where id in (1, 2) returning id"),
        ),
        ("t", format!("truncate {TABLE}")),
    ];
    let mut powers = String::new();
    for (letter, sql) in commands {
        // The claims that a token could carry are set by hand: what is tested is the policy.
        let transaction = rls::tokio_postgres::begin_as(client, &SupabaseClaims::signed_out())
            .await
            .expect("a transaction");
        transaction
            .query(
                "select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)",
                &[&role, &claims.to_string()],
            )
            .await
            .expect("a role");
        match transaction.query(&sql, &[]).await {
            Err(error) if error.code().is_some_and(|code| code.code() == "42501") => powers.push('!'),
            Err(error) => panic!("{sql}: {error:?}"),
            Ok(_) if letter == "i" || letter == "t" => {
                powers.push_str(if sql.contains(ADA) || letter == "t" {
                    letter
                } else {
                    "I"
                });
            }
            Ok(rows) => {
                let mut ids: Vec<i32> = rows.iter().map(|row| row.get(0)).collect();
                ids.sort_unstable();
                for id in ids {
                    powers.push_str(&if id == 1 {
                        letter.to_owned()
                    } else {
                        letter.to_uppercase()
                    });
                }
            }
        }
    }
    powers
}

fn ada() -> Value {
    json!({
        "sub": ADA, "role": "authenticated", "is_anonymous": false, "aal": "aal1",
        "app_metadata": { "selected_team_id": RED, "teams": [RED] }
    })
}

fn ada_and(changes: Value) -> Value {
    let mut claims = ada();
    if let (Value::Object(claims), Value::Object(changes)) = (&mut claims, changes) {
        claims.extend(changes);
    }
    claims
}

/// Applies policies to a new table, with ids of both types, and asks what each of these can do.
async fn expect(policies: impl Fn(bool) -> Policies, expected: &[(&str, Value, &str)]) {
    for is_uuid in [true, false] {
        let database: Database = database(&things(if is_uuid { "uuid" } else { "text" }));
        database
            .execute(&policies(is_uuid).to_sql().expect("SQL"))
            .expect("policies");
        let mut client = database.connect().await.expect("a connection");
        for (role, claims, powers_expected) in expected {
            let found = powers(&mut client, role, claims).await;
            assert_eq!(&found, powers_expected, "{role} {claims} with uuid {is_uuid}");
        }
    }
}

fn signed_out() -> Value {
    json!({ "role": "anon" })
}

const NOTHING: &str = "!!!!!!!!";
const EVERYTHING: &str = "sSiIuUgGdD!";

#[tokio::test]
async fn without_a_shape_there_is_no_access() {
    expect(
        |_| policies(),
        &[
            ("anon", signed_out(), NOTHING),
            ("authenticated", ada(), NOTHING),
            ("service_role", json!({ "role": "service_role" }), EVERYTHING),
        ],
    )
    .await;
}

#[tokio::test]
async fn everybody_reads_and_nobody_writes() {
    expect(
        |_| policies().public_read(),
        &[
            ("anon", signed_out(), "sS!!!!!!!"),
            ("authenticated", ada(), "sS!!!!!!!"),
            ("service_role", json!({ "role": "service_role" }), EVERYTHING),
        ],
    )
    .await;
}

#[tokio::test]
async fn owners_have_their_rows() {
    expect(
        |is_uuid| policies().owner_rows(owner(is_uuid), Access::ReadWrite),
        &[
            ("anon", signed_out(), NOTHING),
            ("anon", ada(), NOTHING),
            // Sees, adds, changes and deletes row 1; may give nothing away and take nothing.
            ("authenticated", ada(), "si!u!d!"),
            ("authenticated", json!({ "sub": GRACE }), "S!IU!D!"),
            ("authenticated", json!({ "sub": RED }), "!!!"),
            ("authenticated", json!({}), "!!!"),
            ("service_role", ada(), EVERYTHING),
        ],
    )
    .await;
    expect(
        |is_uuid| policies().owner_rows(owner(is_uuid), Access::Read),
        &[
            ("anon", signed_out(), NOTHING),
            ("authenticated", ada(), "s!!!!!!!"),
        ],
    )
    .await;
    // Everybody reads, owners write.
    expect(
        |is_uuid| {
            policies()
                .owner_rows(owner(is_uuid), Access::ReadWrite)
                .public_read()
        },
        &[
            ("anon", signed_out(), "sS!!!!!!!"),
            ("authenticated", ada(), "sSi!u!d!"),
        ],
    )
    .await;
}

#[tokio::test]
async fn teams_have_their_rows() {
    let both = json!({ "app_metadata": { "teams": [RED, BLUE] } });
    expect(
        |is_uuid| policies().team_rows(team(is_uuid), Team::Any, Access::ReadWrite),
        &[
            ("anon", ada(), NOTHING),
            ("authenticated", ada(), "si!u!d!"),
            // In both teams, a row can be given from one to the other.
            ("authenticated", ada_and(both), EVERYTHING),
            (
                "authenticated",
                ada_and(json!({ "app_metadata": { "teams": [] } })),
                "!!!",
            ),
            ("authenticated", ada_and(json!({ "app_metadata": {} })), "!!!"),
            ("authenticated", ada_and(json!({ "app_metadata": null })), "!!!"),
            // What users write about themselves, and a claim of another place, count for nothing.
            (
                "authenticated",
                json!({ "sub": ADA, "teams": [RED], "user_metadata": { "teams": [RED] } }),
                "!!!",
            ),
        ],
    )
    .await;
    expect(
        |is_uuid| policies().team_rows(team(is_uuid), Team::Selected, Access::ReadWrite),
        &[
            ("anon", ada(), NOTHING),
            ("authenticated", ada(), "si!u!d!"),
            (
                "authenticated",
                json!({ "sub": ADA, "selected_team_id": BLUE }),
                "S!IU!D!",
            ),
            (
                "authenticated",
                json!({ "sub": ADA, "app_metadata": { "teams": [RED] } }),
                "!!!",
            ),
            (
                "authenticated",
                json!({ "sub": ADA, "selected_team_id": null }),
                "!!!",
            ),
        ],
    )
    .await;
    expect(
        |is_uuid| {
            policies()
                .team_rows(team(is_uuid), Team::Any, Access::Read)
                .owner_rows(owner(is_uuid), Access::ReadWrite)
        },
        &[
            // Reads what is the team's, writes what is one's own.
            (
                "authenticated",
                ada_and(json!({ "app_metadata": { "teams": [BLUE] } })),
                "sSi!u!d!",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_is_demanded_holds_against_everything_that_is_allowed() {
    expect(
        |is_uuid| {
            policies()
                .public_read()
                .owner_rows(owner(is_uuid), Access::ReadWrite)
                .refuse_anonymous()
        },
        &[
            ("anon", signed_out(), "sS!!!!!!!"),
            ("authenticated", ada(), "sSi!u!d!"),
            ("authenticated", ada_and(json!({ "is_anonymous": true })), "!!!"),
            ("authenticated", ada_and(json!({ "is_anonymous": null })), "!!!"),
        ],
    )
    .await;
    expect(
        |is_uuid| {
            policies()
                .owner_rows(owner(is_uuid), Access::ReadWrite)
                .require_mfa()
                .refuse_anonymous()
        },
        &[
            ("authenticated", ada_and(json!({ "aal": "aal2" })), "si!u!d!"),
            ("authenticated", ada(), "!!!"),
            ("authenticated", ada_and(json!({ "aal": null })), "!!!"),
            (
                "authenticated",
                ada_and(json!({ "aal": "aal2", "is_anonymous": true })),
                "!!!",
            ),
        ],
    )
    .await;
}

/// What may be deleted from the guide's table, with the grants of projects from before 2026.
async fn deleted(schema: &str, claims: &Value) -> Vec<i64> {
    let database = database(schema);
    database
        .execute("grant all on data to anon, authenticated")
        .expect("grants");
    let mut client = database.connect().await.expect("a connection");
    let transaction = rls::tokio_postgres::begin_as(&mut client, &SupabaseClaims::signed_out())
        .await
        .expect("a transaction");
    let role = claims["role"].as_str().expect("a role");
    transaction
        .query(
            "select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)",
            &[&role, &claims.to_string()],
        )
        .await
        .expect("a role");
    let rows = transaction
        .query("delete from data returning id", &[])
        .await
        .expect("rows");
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn the_guides_policies_let_anybody_delete_and_the_corrected_ones_do_not() {
    assert_eq!(deleted(hexclave_tests::GUIDE, &signed_out()).await, [1]);
    assert_eq!(deleted(hexclave_tests::GUIDE, &ada()).await, [1, 2]);
    assert_eq!(deleted(GUIDE, &signed_out()).await, [0; 0]);
    assert_eq!(deleted(GUIDE, &ada()).await, [0; 0]);
}
