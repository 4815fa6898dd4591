//! What a token says about a user, and only on request.

use hexclave_core::{AcceptedKinds, UserKind};
use hexclave_supabase::{ClaimsPolicy, ErrorKind, Role, SupabaseClaims};
use serde_json::{Value, json};

use crate::support::{TEAM, USER, subject, user, user_of};

fn json_of(claims: &SupabaseClaims) -> Value {
    serde_json::from_str(&claims.to_json()).expect("JSON")
}

#[tokio::test]
async fn by_default_it_is_little() {
    let claims = ClaimsPolicy::new()
        .claims(&user(UserKind::Normal).await)
        .expect("claims");
    let expected =
        json!({ "sub": USER, "role": "authenticated", "aud": "authenticated", "is_anonymous": false });
    assert_eq!(json_of(&claims), expected);
    assert_eq!(serde_json::to_value(&claims).expect("JSON"), expected);
}

#[tokio::test]
async fn kinds_can_be_told_apart_where_they_are_let_in() {
    let flags = |kind, accepted| async move {
        let claims = ClaimsPolicy::new().accept(accepted).claims(&user(kind).await);
        let claims = json_of(&claims.expect("claims"));
        (claims["is_anonymous"].clone(), claims["is_restricted"].clone())
    };
    let with_guests = AcceptedKinds::default().and(UserKind::Anonymous);
    assert_eq!(
        flags(UserKind::Normal, with_guests).await,
        (json!(false), Value::Null)
    );
    assert_eq!(
        flags(UserKind::Anonymous, with_guests).await,
        (json!(true), Value::Null)
    );
    let all = AcceptedKinds::ALL;
    assert_eq!(flags(UserKind::Normal, all).await, (json!(false), json!(false)));
    assert_eq!(
        flags(UserKind::Restricted, all).await,
        (json!(false), json!(true))
    );
    assert_eq!(flags(UserKind::Anonymous, all).await, (json!(true), json!(true)));
}

#[tokio::test]
async fn an_address_is_told_when_it_is_verified() {
    let policy = ClaimsPolicy::new().email();
    let mut ada = subject(UserKind::Normal);
    for (email, verified, expected) in [
        (Some("ada@example.com"), true, json!("ada@example.com")),
        (Some("ada@example.com"), false, Value::Null),
        (None, false, Value::Null),
        (Some(""), true, Value::Null),
        // Postgres would read none of the claims, and the user would be locked out.
        (Some("a\0@example.com"), true, Value::Null),
    ] {
        ada.email = email.map(str::to_owned);
        ada.email_verified = verified;
        let claims = policy.claims(&user_of(&ada).await).expect("claims");
        assert_eq!(json_of(&claims)["email"], expected, "{email:?} {verified}");
        assert!(!format!("{claims:?}").contains("example.com"));
    }
}

#[tokio::test]
async fn the_second_factor_is_a_level_of_assurance() {
    let mut ada = subject(UserKind::Normal);
    for (has_factor, expected) in [(false, "aal1"), (true, "aal2")] {
        ada.requires_totp_mfa = has_factor;
        let user = user_of(&ada).await;
        let claims = ClaimsPolicy::new().aal().claims(&user).expect("claims");
        assert_eq!(json_of(&claims)["aal"], expected);
        let claims = ClaimsPolicy::new().claims(&user).expect("claims");
        assert_eq!(json_of(&claims)["aal"], Value::Null);
    }
}

#[tokio::test]
async fn the_application_says_more_in_its_metadata() {
    let mut ada = subject(UserKind::Normal);
    let user = user_of(&ada).await;
    let project = user.project_id().to_string();
    let policy = ClaimsPolicy::new().app_metadata();
    let claims = policy.claims(&user).expect("claims");
    assert_eq!(json_of(&claims)["app_metadata"], json!({ "project_id": project }));

    ada.selected_team_id = Some(TEAM.parse().expect("a team"));
    let user = user_of(&ada).await;
    let project = user.project_id().to_string();
    let claims = policy.claims(&user).expect("claims");
    let expected = json!({ "project_id": project, "selected_team_id": TEAM });
    assert_eq!(json_of(&claims)["app_metadata"], expected);

    // What is given makes the object, also where the policy does not ask for it.
    let team = TEAM.parse().expect("a team");
    let claims = ClaimsPolicy::new()
        .claims(&user)
        .and_then(|claims| claims.with_teams([team]))
        .and_then(|claims| claims.with_permissions(["read_docs"]))
        .and_then(|claims| claims.with_team_permissions(team, ["$read_members", "edit"]))
        .expect("claims");
    let expected = json!({
        "project_id": project, "selected_team_id": TEAM, "teams": [TEAM], "permissions": ["read_docs"],
        "team_permissions": { TEAM: ["$read_members", "edit"] },
    });
    assert_eq!(json_of(&claims)["app_metadata"], expected);
    let claims = claims.with_teams([]).expect("claims");
    assert_eq!(json_of(&claims)["app_metadata"]["teams"], json!([]));

    for bad in [
        claims.clone().with_permissions(["a\0"]),
        claims.with_team_permissions(team, ["a\0"]),
    ] {
        assert_eq!(
            bad.err().map(|error| error.kind()),
            Some(ErrorKind::ClaimNotAllowed)
        );
    }
}

#[tokio::test]
async fn users_say_things_about_themselves_apart_from_that() {
    let user = user(UserKind::Normal).await;
    let claims = SupabaseClaims::of(&user, AcceptedKinds::default()).expect("claims");
    let metadata = json!({ "theme": "dark", "role": "service_role" });
    let with = claims
        .clone()
        .with_user_metadata(metadata.as_object().expect("an object").clone())
        .expect("claims");
    assert_eq!(json_of(&with)["user_metadata"], metadata);
    assert_eq!(json_of(&with)["role"], "authenticated");

    let nul = json!({ "name": ["\0"] });
    let error = claims.with_user_metadata(nul.as_object().expect("an object").clone());
    assert_eq!(
        error.err().map(|error| error.kind()),
        Some(ErrorKind::ClaimNotAllowed)
    );
}

#[tokio::test]
async fn a_role_is_one_that_the_application_allows() {
    let user = user(UserKind::Normal).await;
    let manager = Role::custom("manager").expect("a role");
    let policy = ClaimsPolicy::new().allow_role(manager.clone());
    let claims = policy.claims_as(&user, "manager").expect("claims");
    assert_eq!(
        (claims.role(), json_of(&claims)["role"].clone()),
        (&manager, json!("manager"))
    );
    assert_eq!(policy.claims(&user).expect("claims").role(), &Role::Authenticated);
    assert!(policy.claims_as(&user, "authenticated").is_ok());
    for role in [
        "",
        "anon",
        "Manager",
        "manager ",
        "manager\0",
        "service_role",
        "postgres",
        "none",
    ] {
        let error = policy.claims_as(&user, role).expect_err(role);
        assert_eq!(error.kind(), ErrorKind::RoleNotAllowed, "{role}");
    }

    // By its ugly name, and when it is allowed as well.
    let all_rows = Role::dangerously_privileged("service_role").expect("a role");
    assert!(ClaimsPolicy::new().claims_as(&user, "service_role").is_err());
    let claims = ClaimsPolicy::new()
        .allow_role(all_rows)
        .claims_as(&user, "service_role");
    assert_eq!(json_of(&claims.expect("claims"))["role"], "service_role");
}
