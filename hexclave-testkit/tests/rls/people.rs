//! As whom a database can be asked.

use hexclave_core::{AcceptedKinds, UserId};
use hexclave_supabase::{ClaimsPolicy, Role, SupabaseClaims};
use hexclave_testkit::hexclave::{LocalHexclave, NewTeam, NewUser};
use hexclave_testkit::rls::{TestDatabase, TestUser};
use serde_json::{Map, json};

use crate::support::{Case, says};

fn empty() -> TestDatabase {
    TestDatabase::from_sql("").unwrap()
}

#[test]
fn claims_are_those_of_the_applications_policy() {
    let plain = empty();
    let ada = TestUser::new("ada@example.com").second_factor();
    let bare = json!({
        "sub": ada.id(), "role": "authenticated", "aud": "authenticated", "is_anonymous": false
    });
    plain
        .as_user(&ada)
        .assert_visible("select auth.jwt()", json!([[bare]]));
    plain
        .as_anon()
        .assert_visible("select auth.jwt()", json!([[{ "role": "anon" }]]));

    let team = uuid(7).into();
    let policy = ClaimsPolicy::new()
        .email()
        .aal()
        .app_metadata()
        .accept(AcceptedKinds::ALL);
    let rich = empty().claims_policy(policy);
    let mut metadata = Map::new();
    metadata.insert("picture".to_owned(), json!("a.png"));
    let ada = ada
        .with_id(UserId::from(uuid(1)))
        .selected_team(team)
        .teams([team])
        .permissions(["read"])
        .team_permissions(team, ["write"])
        .user_metadata(metadata)
        .claim("plan", json!("pro"));
    let claims = rich.as_user(&ada).query("select auth.jwt() as jwt")[0]["jwt"].clone();
    let app_metadata = claims["app_metadata"].clone();
    assert_eq!(claims["sub"], uuid(1).to_string());
    assert_eq!(
        (
            &claims["email"],
            &claims["aal"],
            &claims["plan"],
            &claims["is_restricted"]
        ),
        (
            &json!("ada@example.com"),
            &json!("aal2"),
            &json!("pro"),
            &json!(false)
        )
    );
    assert_eq!(claims["user_metadata"], json!({ "picture": "a.png" }));
    assert_eq!(app_metadata["teams"], json!([team]));
    assert_eq!(app_metadata["selected_team_id"], json!(team));
    assert_eq!(app_metadata["permissions"], json!(["read"]));
    assert_eq!(
        app_metadata["team_permissions"],
        json!({ (team.to_string()): ["write"] })
    );

    for (user, anonymous, restricted) in [
        (TestUser::anonymous(), true, true),
        (TestUser::restricted("bob@example.com"), false, true),
        (TestUser::new("eve@example.com"), false, false),
    ] {
        rich.as_user(&user).assert_visible(
            "select auth.uid(), auth.jwt() -> 'is_anonymous', auth.jwt() -> 'is_restricted'",
            [(user.id(), anonymous, restricted)],
        );
    }
}

#[test]
fn who_gets_no_claims_cannot_ask() {
    let db = empty();
    says(&["gets no claims", "anonymous", "claims_policy()"], || {
        db.as_user(&TestUser::anonymous()).assert_denied("select 1")
    });
    says(&["bob@example.com gets no claims", "restricted"], || {
        db.as_user(&TestUser::restricted("bob@example.com"))
            .assert_denied("select 1")
    });
    says(
        &["ada@example.com gets no claims", "\"role\" cannot be added"],
        || {
            db.as_user(&TestUser::new("ada@example.com").claim("role", json!("x")))
                .assert_denied("select 1")
        },
    );
    says(&["\"manager\" is not one that the application allows"], || {
        db.as_user(&TestUser::new("ada@example.com").role("manager"))
            .assert_denied("select 1")
    });
}

#[test]
fn a_role_of_the_applications_own_is_taken() {
    let Case { db, ada, .. } = Case::new();
    let role = format!("{}_manager", db.database().name());
    db.execute(&format!(
        "create role {role}; grant {role} to authenticator; grant usage on schema public, auth to {role};
         grant select on notes to {role}; create policy managers on notes for select to {role} using (true)"
    ))
    .unwrap();
    let db = db.claims_policy(ClaimsPolicy::new().allow_role(Role::custom(&role).unwrap()));
    let manager = ada.clone().role(&role);
    db.as_user(&manager)
        .assert_visible("select id from notes", [1, 2]);
    db.as_user(&ada).assert_visible("select id from notes", [1]);
    says(
        &[
            &format!("role: {role}"),
            "hint: allowed by the policies of public.notes: managers",
        ],
        || db.as_user(&manager).assert_visible("select id from notes", [1]),
    );
    // Above Row Level Security nobody comes as a user.
    db.execute(&format!("alter role {role} bypassrls")).unwrap();
    let again = TestDatabase::from_sql("create table notes (id int)").unwrap();
    let again = again.claims_policy(ClaimsPolicy::new().allow_role(Role::custom(&role).unwrap()));
    says(&["the statement was not run", "BYPASSRLS"], || {
        again.as_user(&manager).assert_denied("select from notes")
    });
    db.execute(&format!("drop owned by {role}; drop role {role}"))
        .unwrap();
}

#[test]
fn claims_and_proven_users_are_people_too() {
    let Case { db, ada, bob } = Case::new();
    let ada = ada.user().unwrap();
    db.as_user(&ada).assert_visible("select id from notes", [1]);
    let claims = SupabaseClaims::of(&bob.user().unwrap(), AcceptedKinds::default())
        .unwrap()
        .with_claim("plan", json!("pro"))
        .unwrap();
    db.as_user(&claims)
        .assert_visible("select id, auth.jwt() ->> 'plan' from notes", [(2, "pro")]);
    says(&[&format!("the user {} should", bob.id())], || {
        db.as_user(&claims).assert_row_count("select from notes", 7);
    });
    db.as_user(&SupabaseClaims::signed_out())
        .assert_denied("select from notes");
}

#[test]
fn hexclaves_own_tokens_are_taken_whole() {
    let db = empty();
    for user in [TestUser::new("ada@example.com"), TestUser::anonymous()] {
        let user = user.user().unwrap();
        let payload: serde_json::Value = serde_json::from_str(user.payload()).unwrap();
        assert_eq!(payload["role"], "authenticated");
        db.as_token_of(&user).assert_visible(
            "select auth.jwt(), current_user::text",
            [(payload, "authenticated")],
        );
    }
}

#[tokio::test]
async fn users_of_the_local_hexclave_have_what_it_knows_of_them() {
    let hexclave = LocalHexclave::start().await.unwrap();
    let ada = hexclave
        .add_user(NewUser::new("ada@example.com").name("Ada"))
        .unwrap();
    let team = hexclave.add_team(NewTeam::new("Engines").admin(ada)).unwrap();
    let guest = hexclave.sign_up_anonymously().await.unwrap().user_id;

    let ada = hexclave.user(ada).unwrap();
    assert_eq!(
        (ada.name(), ada.project_id()),
        (Some("Ada"), hexclave.config().project_id())
    );
    let db = empty().claims_policy(ClaimsPolicy::new().email());
    db.as_user(&ada)
        .assert_visible("select auth.uid(), auth.email()", [(ada.id(), "ada@example.com")]);
    let in_team = ClaimsPolicy::new()
        .claims(&ada)
        .unwrap()
        .with_teams([team])
        .unwrap();
    db.as_user(&in_team)
        .assert_visible("select auth.jwt() -> 'app_metadata' -> 'teams' ->> 0", [team]);
    says(&["gets no claims"], || {
        db.as_user(&hexclave.user(guest).unwrap())
            .assert_denied("select 1")
    });

    let nobody = hexclave.user(UserId::from(uuid(9))).unwrap_err();
    assert!(nobody.to_string().contains("USER_NOT_FOUND"), "{nobody}");
}

fn uuid(number: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(0x4000_8000_0000_0000_0000 << 32 | number)
}
