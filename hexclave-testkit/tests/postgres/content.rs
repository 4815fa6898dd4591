//! What is in a database: roles, rights and the functions that read claims.

use tokio_postgres::error::SqlState;

use crate::support::{ask, authenticator, database, owner};

const USER: &str = "11111111-1111-4111-8111-111111111111";
const OTHER: &str = "22222222-2222-4222-8222-222222222222";

#[test]
fn the_roles_have_the_attributes_that_they_have_on_supabase() {
    let database = database();
    let mut owner = owner(&database);
    let rows = owner
        .query(
            "select rolname::text, rolcanlogin, rolinherit, rolbypassrls,
                    rolsuper or rolcreaterole or rolcreatedb or rolreplication, rolconfig
             from pg_roles
             where rolname in ('anon', 'authenticated', 'service_role', 'authenticator') order by rolname",
            &[],
        )
        .unwrap();
    let found: Vec<(String, [bool; 4], Vec<String>)> = rows
        .iter()
        .map(|row| {
            let settings: Option<Vec<String>> = row.get(5);
            let attributes = [row.get(1), row.get(2), row.get(3), row.get(4)];
            (row.get(0), attributes, settings.unwrap_or_default())
        })
        .collect();
    let role = |name: &str, attributes, settings: &[&str]| {
        let settings: Vec<_> = settings.iter().map(|setting| setting.to_string()).collect();
        (name.to_owned(), attributes, settings)
    };
    // May log in, inherits, is above Row Level Security, has any other power.
    assert_eq!(
        found,
        [
            role("anon", [false, true, false, false], &["statement_timeout=3s"]),
            role(
                "authenticated",
                [false, true, false, false],
                &["statement_timeout=8s"]
            ),
            role(
                "authenticator",
                [true, false, false, false],
                &["statement_timeout=8s", "lock_timeout=8s"]
            ),
            role("service_role", [false, true, true, false], &[]),
        ]
    );
    let rows = owner
        .query(
            "select pg_get_userbyid(roleid)::text from pg_auth_members
             where pg_get_userbyid(member) = 'authenticator' order by 1",
            &[],
        )
        .unwrap();
    let roles: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(roles, ["anon", "authenticated", "service_role"]);
}

#[test]
fn authenticator_may_become_the_three_roles_and_nobody_else() {
    let database = database();
    let mut client = authenticator(&database);
    let row = client
        .query_one("select session_user::text, current_setting('is_superuser')", &[])
        .unwrap();
    assert_eq!((row.get(0), row.get(1)), ("authenticator", "off"));
    for role in ["anon", "authenticated", "service_role"] {
        client.batch_execute(&format!("set role {role}")).unwrap();
        let row = client.query_one("select current_user::text", &[]).unwrap();
        assert_eq!(row.get::<_, &str>(0), role);
    }
    client.batch_execute("reset role").unwrap();
    let config = database.config();
    let owner = config.get_user().unwrap();
    let error = client
        .batch_execute(&format!(r#"set role "{owner}""#))
        .unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
}

#[test]
fn a_role_has_no_rights_on_a_table_before_they_are_granted() {
    let database = database();
    database.execute("create table notes (body text)").unwrap();
    let mut client = authenticator(&database);
    for role in ["anon", "authenticated", "service_role"] {
        client.batch_execute(&format!("set role {role}")).unwrap();
        for statement in ["select * from notes", "create table public.mine (body text)"] {
            let error = client.batch_execute(statement).unwrap_err();
            assert_eq!(
                error.code(),
                Some(&SqlState::INSUFFICIENT_PRIVILEGE),
                "{role}: {statement}"
            );
        }
    }
    database.execute("grant select on notes to anon").unwrap();
    client
        .batch_execute("set role anon; select * from public.notes")
        .unwrap();
}

#[test]
fn row_level_security_sees_the_user() {
    let database = database();
    database
        .execute(&format!(
            "create table notes (owner uuid not null);
             insert into notes values ('{USER}'), ('{OTHER}'), ('{OTHER}');
             alter table notes enable row level security;
             create policy own on notes for select to authenticated using (owner = (select auth.uid()));
             grant select on notes to anon, authenticated, service_role"
        ))
        .unwrap();
    let mut client = authenticator(&database);
    for (role, sub, expected) in [
        ("authenticated", USER, 1),
        ("authenticated", OTHER, 2),
        ("anon", USER, 0),
        ("service_role", USER, 3),
    ] {
        let mut transaction = client.transaction().unwrap();
        let claims = format!(r#"{{"sub":"{sub}","role":"{role}"}}"#);
        transaction
            .execute(
                "select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)",
                &[&role, &claims],
            )
            .unwrap();
        assert_eq!(
            transaction.query("select * from notes", &[]).unwrap().len(),
            expected,
            "{role} {sub}"
        );
    }
}

#[test]
fn the_functions_read_claims_from_both_families_of_settings() {
    let database = database();
    let mut client = authenticator(&database);
    let claims = format!(r#"{{"sub":"{USER}","role":"authenticated","email":"a@example.com"}}"#);
    for (function, claim, expected, other) in [
        ("auth.uid()", "sub", USER, OTHER),
        ("auth.role()", "role", "authenticated", "anon"),
        ("auth.email()", "email", "a@example.com", "b@example.com"),
    ] {
        let single = format!("request.jwt.claim.{claim}");
        for (settings, answer) in [
            // Never set in this session, or set by somebody else.
            (vec![], None),
            (vec![("request.method", "GET")], None),
            // As PostgREST does, as Storage does, and both.
            (vec![("request.jwt.claims", &*claims)], Some(expected)),
            (vec![(&*single, other)], Some(other)),
            (
                vec![(&*single, other), ("request.jwt.claims", &*claims)],
                Some(other),
            ),
            // Empty, as after a transaction that had set them.
            (vec![(&*single, ""), ("request.jwt.claims", "")], None),
            (
                vec![(&*single, ""), ("request.jwt.claims", &*claims)],
                Some(expected),
            ),
            // There, without this claim or with null.
            (vec![("request.jwt.claims", r#"{"aud":"authenticated"}"#)], None),
            (
                vec![("request.jwt.claims", &*format!(r#"{{"{claim}":null}}"#))],
                None,
            ),
        ] {
            let found = ask(&mut client, &settings, function);
            assert_eq!(found, Ok(answer.map(str::to_owned)), "{function} {settings:?}");
        }
    }
}

#[test]
fn a_sub_that_is_no_uuid_fails() {
    let database = database();
    let mut client = authenticator(&database);
    for settings in [
        [("request.jwt.claims", r#"{"sub":""}"#)],
        [("request.jwt.claims", r#"{"sub":"user_2x"}"#)],
        [("request.jwt.claims", r#"{"sub":7}"#)],
        [("request.jwt.claim.sub", "user_2x")],
    ] {
        assert_eq!(
            ask(&mut client, &settings, "auth.uid()"),
            Err(SqlState::INVALID_TEXT_REPRESENTATION),
            "{settings:?}"
        );
    }
    // The others take what is there.
    let settings = [("request.jwt.claims", r#"{"role":"","email":""}"#)];
    for function in ["auth.role()", "auth.email()"] {
        assert_eq!(ask(&mut client, &settings, function), Ok(Some(String::new())));
    }
}

#[test]
fn the_whole_token_comes_from_its_own_settings() {
    let database = database();
    let mut client = authenticator(&database);
    let whole = r#"{"sub":"x"}"#;
    for (settings, answer) in [
        (vec![], None),
        (vec![("request.jwt.claims", whole)], Some("x")),
        (vec![("request.jwt.claim", whole)], Some("x")),
        (
            vec![("request.jwt.claim", whole), ("request.jwt.claims", "{}")],
            Some("x"),
        ),
        (vec![("request.jwt.claim", ""), ("request.jwt.claims", "")], None),
        // One claim alone is a user and no token.
        (vec![("request.jwt.claim.sub", USER)], None),
    ] {
        let found = ask(&mut client, &settings, "auth.jwt() ->> 'sub'");
        assert_eq!(found, Ok(answer.map(str::to_owned)), "{settings:?}");
    }
    let only_sub = [("request.jwt.claim.sub", USER)];
    assert_eq!(ask(&mut client, &only_sub, "auth.jwt()"), Ok(None));
    assert_eq!(
        ask(&mut client, &only_sub, "auth.uid()"),
        Ok(Some(USER.to_owned()))
    );
}
