//! The policies that the documentation of `hexclave-supabase` gives to keep users out, applied to Postgres as they stand
//! there.
#![allow(clippy::expect_used)]

use std::sync::Arc;

use hexclave_core::{AcceptedKinds, AccessToken, ApiUrl, ProjectConfig, User, UserKind, Verifier};
use hexclave_supabase::ClaimsPolicy;
use hexclave_testkit::{
    TestClock,
    hexclave::{Issuer, ServerSecret},
    rls::TestDatabase,
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
const ROW: &str = "select id from notes";

/// A database in which one row is open to all who are signed in, but for one of the fences.
fn fenced_by(name: &str) -> TestDatabase {
    let fence = FENCES
        .split("\n\n")
        .find(|statement| statement.contains(name))
        .expect("a fence of this name");
    TestDatabase::from_sql(format!("{NOTES}{fence}")).expect("the documented policy")
}

/// Somebody of a project at a host, with the project's own token.
async fn user_of(project: &str, host: &str, kind: UserKind) -> User {
    let config = ProjectConfig::builder()
        .project_id(project.parse().expect("a project"))
        .api_url(host.parse::<ApiUrl>().expect("a host"))
        .build()
        .expect("a config");
    let issuer = Issuer::new(&ServerSecret::random().expect("a secret"), config).expect("an issuer");
    let verifier = Verifier::builder(issuer.config().clone())
        .keys(issuer.project_keys().expect("keys"))
        .accept(AcceptedKinds::ALL)
        .clock(Arc::new(TestClock::at(NOW)))
        .build()
        .expect("a verifier");
    let token = issuer.token(&subject(kind), NOW).expect("a token");
    verifier.verify(&AccessToken::from(token)).await.expect("a user")
}

#[tokio::test]
async fn one_projects_normal_users_come_in_with_hexclaves_own_tokens() {
    let db = fenced_by("one project");
    let (ours, other) = (
        "11111111-2222-4333-8444-555555555555",
        "66666666-7777-4888-8999-aaaaaaaaaaaa",
    );
    for kind in UserKind::ALL {
        for host in ["https://api.hexclave.com", "https://api.stack-auth.com"] {
            let user = user_of(ours, host, kind).await;
            match kind {
                UserKind::Normal => db.as_token_of(&user).assert_visible(ROW, [1]),
                _ => db.as_token_of(&user).assert_filtered(ROW),
            }
            let stranger = user_of(other, host, kind).await;
            db.as_token_of(&stranger).assert_filtered(ROW);
        }
    }
    let elsewhere = user_of(ours, "https://example.com", UserKind::Normal).await;
    db.as_token_of(&elsewhere).assert_filtered(ROW);
    db.as_user(&user(UserKind::Normal).await).assert_filtered(ROW);
}

#[tokio::test]
async fn kinds_stay_out_by_either_way() {
    let policy = ClaimsPolicy::new().accept(AcceptedKinds::ALL);
    let guests = fenced_by("no guests").claims_policy(policy.clone());
    let held_back = fenced_by("nobody held back").claims_policy(policy);
    for kind in UserKind::ALL {
        let user = user(kind).await;
        for person in [guests.as_user(&user), guests.as_token_of(&user)] {
            match kind {
                UserKind::Anonymous => person.assert_filtered(ROW),
                _ => person.assert_visible(ROW, [1]),
            }
        }
        for person in [held_back.as_user(&user), held_back.as_token_of(&user)] {
            match kind {
                UserKind::Normal => person.assert_visible(ROW, [1]),
                _ => person.assert_filtered(ROW),
            }
        }
    }
    // Without the claim: the one is Supabase's recipe, the other is for tokens that say nothing of it.
    let ada = user(UserKind::Normal).await;
    for name in ["no guests", "nobody held back"] {
        fenced_by(name).as_user(&ada).assert_visible(ROW, [1]);
    }
    let mut client = guests.database().connect().await.expect("a connection");
    let transaction = client.transaction().await.expect("a transaction");
    let claims =
        "set local role authenticated; set local request.jwt.claims = '{\"role\":\"authenticated\"}'";
    transaction.batch_execute(claims).await.expect("settings");
    let rows = transaction.query(ROW, &[]).await.expect("rows");
    assert!(rows.is_empty());
}
