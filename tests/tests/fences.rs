//! The policies that the documentation of `hexclave-supabase` gives to keep users out, applied to Postgres as they stand
//! there.
#![allow(clippy::expect_used, clippy::indexing_slicing)]

use hexclave_core::{AcceptedKinds, ProjectConfig, UserKind};
use hexclave_supabase::{ClaimsPolicy, SupabaseClaims};
use hexclave_testkit::{
    hexclave::{Issuer, ServerSecret},
    postgres::{Database, Postgres},
};
use hexclave_tests::{NOW, subject, user};

const FENCES: &str = include_str!("../../hexclave-supabase/src/fences.sql");
const NOTES: &str = "
    create table notes (id bigint primary key);
    insert into notes values (1);
    alter table notes enable row level security;
    grant select on notes to anon, authenticated;
    create policy everybody on notes for select to authenticated using (true);
";

/// A database in which one row is open to all who are signed in, but for one of the fences.
fn fenced_by(name: &str) -> Database {
    let fence = FENCES
        .split("\n\n")
        .find(|statement| statement.contains(name))
        .expect("a fence of this name");
    let database = Postgres::shared()
        .and_then(|postgres| postgres.database())
        .expect("a database");
    database.execute(NOTES).expect("a table");
    database.execute(fence).expect("the documented policy");
    database
}

/// Whether somebody with these claims sees the row, as PostgREST would ask.
async fn sees(database: &Database, claims: &str) -> bool {
    let mut client = database.connect().await.expect("a connection");
    let transaction = client.transaction().await.expect("a transaction");
    let settings =
        "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)";
    transaction.query(settings, &[&claims]).await.expect("settings");
    let rows = transaction
        .query("select id from notes", &[])
        .await
        .expect("rows");
    rows.len() == 1
}

fn issuer(project: &str) -> Issuer {
    let config = ProjectConfig::builder()
        .project_id(project.parse().expect("a project"))
        .build()
        .expect("a config");
    let secret = ServerSecret::random().expect("a secret");
    Issuer::new(&secret, config).expect("an issuer")
}

#[tokio::test]
async fn one_projects_normal_users_come_in_with_hexclaves_own_tokens() {
    let database = fenced_by("one project");
    let payload = |project, kind| {
        let claims = issuer(project).claims(&subject(kind), NOW);
        serde_json::to_string(&claims).expect("JSON")
    };
    let (ours, other) = (
        "11111111-2222-4333-8444-555555555555",
        "66666666-7777-4888-8999-aaaaaaaaaaaa",
    );
    for kind in UserKind::ALL {
        let is_normal = kind == UserKind::Normal;
        assert_eq!(sees(&database, &payload(ours, kind)).await, is_normal, "{kind}");
        let by_the_other_host = payload(ours, kind).replace("api.hexclave.com", "api.stack-auth.com");
        assert_eq!(sees(&database, &by_the_other_host).await, is_normal, "{kind}");
        assert!(!sees(&database, &payload(other, kind)).await, "{kind}");
    }
    let elsewhere = payload(ours, UserKind::Normal).replace("api.hexclave.com", "example.com");
    assert!(!sees(&database, &elsewhere).await);
    let minted = SupabaseClaims::of(&user(UserKind::Normal).await, AcceptedKinds::default());
    assert!(!sees(&database, &minted.expect("claims").to_json()).await);
}

#[tokio::test]
async fn kinds_stay_out_by_either_way() {
    let guests = fenced_by("no guests");
    let held_back = fenced_by("nobody held back");
    let policy = ClaimsPolicy::new().accept(AcceptedKinds::ALL);
    for kind in UserKind::ALL {
        let user = user(kind).await;
        let minted = policy.claims(&user).expect("claims").to_json();
        for claims in [user.payload(), &minted] {
            assert_eq!(
                sees(&guests, claims).await,
                kind != UserKind::Anonymous,
                "{claims}"
            );
            assert_eq!(
                sees(&held_back, claims).await,
                kind == UserKind::Normal,
                "{claims}"
            );
        }
    }
    // Without the claim: the one is Supabase's recipe, the other is for tokens that say nothing of it.
    let by_default = SupabaseClaims::of(&user(UserKind::Normal).await, AcceptedKinds::default());
    let by_default = by_default.expect("claims").to_json();
    assert!(sees(&guests, &by_default).await && sees(&held_back, &by_default).await);
    assert!(!sees(&guests, r#"{"role":"authenticated"}"#).await);
}
