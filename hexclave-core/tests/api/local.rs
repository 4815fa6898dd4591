//! Every endpoint, against the local Hexclave.

use std::{pin::pin, sync::Arc, time::Duration};

use futures_util::TryStreamExt;
use hexclave_core::{
    AcceptedKinds, AccessToken, ErrorKind, ProjectConfig, RestrictedReason, SecretKey, UserId, UserKind,
    Verifier,
    api::{
        Client, ErrorCode, NewSession, NewTeam, NewUser, OAuthProvider, PasswordSignUp, PermissionDepth,
        PermissionId, Public, Server, SignIn, TeamPatch, UserPatch, UserQuery,
    },
};
use hexclave_testkit::{
    TestClock,
    hexclave::{LocalHexclave, NewTeam as SeededTeam},
};
use serde_json::json;

const NOW: u64 = 1_795_300_079;
const PASSWORD: &str = "correct horse";

struct Setting {
    hexclave: LocalHexclave,
    clock: Arc<TestClock>,
    server: Client<Server>,
    public: Client<Public>,
}

impl Setting {
    async fn new() -> Self {
        let clock = Arc::new(TestClock::at(NOW));
        let hexclave = LocalHexclave::builder()
            .clock(Arc::clone(&clock) as Arc<_>)
            .allow_client_user_deletion(true)
            .start()
            .await
            .expect("a server");
        let client = || Client::builder(hexclave.config().clone()).accept(AcceptedKinds::ALL);
        Self {
            server: client().server().expect("a client"),
            public: client().public().expect("a client"),
            hexclave,
            clock,
        }
    }

    async fn sign_up(&self, email: &str) -> (AccessToken, UserId) {
        let sign_up = PasswordSignUp::new(email, PASSWORD);
        let user = self.public.sign_up_with_password(&sign_up).await.expect("a user");
        (user.tokens.access_token, user.user_id)
    }

    fn config_with_key(&self, key: &str) -> ProjectConfig {
        ProjectConfig::builder()
            .project_id(self.hexclave.config().project_id().clone())
            .api_url(self.hexclave.config().api_url().clone())
            .secret_server_key(SecretKey::new(key).expect("a key"))
            .build()
            .expect("a config")
    }
}

fn code(error: &hexclave_core::Error) -> &str {
    let answer = error.api().expect("an answer");
    answer.code().map_or("none", ErrorCode::as_str)
}

#[tokio::test]
async fn keys_are_checked_at_the_start() {
    let setting = Setting::new().await;
    let project = setting.server.project().await.expect("a project");
    assert_eq!(&project.id, setting.hexclave.config().project_id());
    assert!(project.config.credential_enabled && project.config.sign_up_enabled);
    assert_eq!(setting.public.project().await.expect("a project"), project);

    let wrong = Client::server(setting.config_with_key("ssk_wrong")).expect("a client");
    let error = wrong.project().await.expect_err("a wrong key");
    assert_eq!(
        (error.kind(), code(&error)),
        (ErrorKind::ProjectKeyRejected, "INVALID_SECRET_SERVER_KEY")
    );
    // With a good token, too: it is not the user who is refused.
    let (token, _) = setting.sign_up("ada@example.com").await;
    let error = wrong.as_user(&token).me().await.expect_err("a wrong key");
    assert_eq!(error.kind(), ErrorKind::ProjectKeyRejected);
    assert!(!error.is_refusal() && !error.is_retryable());
}

#[tokio::test]
async fn users_sign_up_and_in_and_out() {
    let setting = Setting::new().await;
    let verifier = Verifier::builder(setting.hexclave.config().clone())
        .clock(Arc::clone(&setting.clock) as Arc<_>)
        .build()
        .expect("a verifier");
    let (token, id) = setting.sign_up("ada@example.com").await;
    let proven = verifier.verify(&token).await.expect("a user");
    assert_eq!(proven.id(), id);

    let public = &setting.public;
    for (email, password, expected) in [
        ("ada@example.com", "long enough", "USER_EMAIL_ALREADY_EXISTS"),
        ("eve@example.com", "short", "PASSWORD_TOO_SHORT"),
        ("eve@example.com", &"x".repeat(71), "PASSWORD_TOO_LONG"),
        ("no address", PASSWORD, "SCHEMA_ERROR"),
    ] {
        let error = public
            .sign_up_with_password(&PasswordSignUp::new(email, password))
            .await
            .expect_err(expected);
        assert_eq!(code(&error), expected);
        assert!(!format!("{error} {error:?}").contains("example.com"));
    }
    let error = public
        .sign_in_with_password("ada@example.com", "wrong password")
        .await
        .expect_err("a wrong password");
    assert_eq!(code(&error), "EMAIL_PASSWORD_MISMATCH");
    let signed_in = public
        .sign_in_with_password("ada@example.com", PASSWORD)
        .await
        .expect("a user");
    let SignIn::Complete(signed_in) = signed_in else {
        panic!("no second factor")
    };
    assert_eq!(signed_in.user_id, id);
    let tokens = signed_in.tokens;
    for refreshed in [
        public.refresh(&tokens.refresh_token).await,
        public.refresh_current_session(&tokens.refresh_token).await,
        setting.server.refresh(&tokens.refresh_token).await,
    ] {
        let user = verifier.verify(&refreshed.expect("a token")).await;
        assert_eq!(user.expect("a user").id(), id);
    }

    let user = public.as_user(&tokens.access_token);
    user.sign_out().await.expect("signed out");
    user.sign_out().await.expect("signed out already");
    for refreshed in [
        public.refresh(&tokens.refresh_token).await,
        public.refresh_current_session(&tokens.refresh_token).await,
    ] {
        let error = refreshed.expect_err("signed out");
        assert_eq!(error.kind(), ErrorKind::SessionEnded);
        assert!(error.is_refusal());
    }
}

#[tokio::test]
async fn guests_become_users() {
    let setting = Setting::new().await;
    let guest = setting.public.sign_up_anonymously().await.expect("a guest");
    let me = setting.public.as_user(&guest.tokens.access_token).me().await;
    let me = me.expect("a guest");
    assert_eq!(
        (me.kind(), &me.restricted_reason),
        (UserKind::Anonymous, &Some(RestrictedReason::Anonymous))
    );

    let normal_only = Client::public(setting.hexclave.config().clone()).expect("a client");
    let error = normal_only
        .as_user(&guest.tokens.access_token)
        .me()
        .await
        .expect_err("a guest");
    assert_eq!(error.kind(), ErrorKind::KindNotAccepted(UserKind::Anonymous));

    let sign_up = PasswordSignUp::new("ada@example.com", PASSWORD).upgrading(&guest.tokens.access_token);
    // The guest is let in to become a user, whoever is let in otherwise.
    let user = normal_only.sign_up_with_password(&sign_up).await.expect("a user");
    assert_eq!(user.user_id, guest.user_id);
    let me = normal_only.as_user(&user.tokens.access_token).me().await;
    assert_eq!(me.expect("a user").kind(), UserKind::Normal);
    let error = setting
        .public
        .refresh(&guest.tokens.refresh_token)
        .await
        .expect_err("the guest's session has ended");
    assert_eq!(error.kind(), ErrorKind::SessionEnded);
}

#[tokio::test]
async fn users_are_created_read_changed_and_deleted() {
    let setting = Setting::new().await;
    let server = &setting.server;
    let new = NewUser::default()
        .with(|user| {
            user.primary_email(Some("zoe@example.com"))
                .primary_email_verified(true)
                .primary_email_auth_enabled(true)
                .display_name(Some("Zoë"))
                .password(Some(PASSWORD))
                .client_metadata(json!({ "theme": "dark" }))
                .server_metadata(json!({ "plan": "pro" }))
        })
        .oauth_provider(OAuthProvider::new("github", "1234", Some("zoe@example.org")));
    let zoe = server.create_user(&new).await.expect("a user");
    assert_eq!(zoe.display_name.as_deref(), Some("Zoë"));
    assert_eq!(zoe.server_metadata, json!({ "plan": "pro" }));
    assert!(zoe.has_password && zoe.primary_email_auth_enabled);
    assert_eq!(zoe.oauth_providers.len(), 1);
    assert_eq!(server.user(zoe.id).await.expect("an answer").as_ref(), Some(&zoe));
    assert!(!format!("{zoe:?}").contains("zoe@"));

    let patch = UserPatch::default()
        .display_name(None)
        .client_metadata(json!(null))
        .client_read_only_metadata(json!([1, { "a": null }]));
    let changed = server.update_user(zoe.id, &patch).await.expect("a user");
    assert_eq!(changed.display_name, None);
    assert_eq!(changed.client_metadata, json!(null));
    assert_eq!(changed.client_read_only_metadata, json!([1, { "a": null }]));
    assert_eq!(changed.server_metadata, json!({ "plan": "pro" }));

    let patch = UserPatch::default().restrict(Some("be patient"), Some("hidden"));
    let held_back = server.update_user(zoe.id, &patch).await.expect("a user");
    assert_eq!(held_back.kind(), UserKind::Restricted);
    assert_eq!(
        held_back.restricted_reason,
        Some(RestrictedReason::RestrictedByAdministrator)
    );
    assert_eq!(
        held_back.restricted_by_admin_reason.as_deref(),
        Some("be patient")
    );
    let patch = UserPatch::default().lift_restriction();
    let free = server.update_user(zoe.id, &patch).await.expect("a user");
    assert_eq!(free.kind(), UserKind::Normal);

    let error = server
        .update_user(zoe.id, &UserPatch::default().other("no_such_member", json!(1)))
        .await
        .expect_err("unknown members are refused");
    assert_eq!(code(&error), "SCHEMA_ERROR");

    server.delete_user(zoe.id).await.expect("deleted");
    assert_eq!(server.user(zoe.id).await.expect("an answer"), None);
    for error in [
        server.delete_user(zoe.id).await.expect_err("gone"),
        server
            .update_user(zoe.id, &UserPatch::default())
            .await
            .expect_err("gone"),
    ] {
        assert_eq!(code(&error), "USER_NOT_FOUND");
    }
}

#[tokio::test]
async fn users_read_change_and_delete_themselves() {
    let setting = Setting::new().await;
    let (token, id) = setting.sign_up("ada@example.com").await;
    let me = setting.public.as_user(&token);
    let patch = UserPatch::default()
        .display_name(Some("Ada"))
        .client_metadata(json!({ "n": 1 }));
    let ada = me.update(&patch).await.expect("a user");
    assert_eq!((ada.id, ada.display_name.as_deref()), (id, Some("Ada")));
    assert_eq!(me.me().await.expect("a user"), ada);
    let as_server = setting.server.as_user(&token).me().await.expect("a user");
    assert_eq!(as_server.client_metadata, json!({ "n": 1 }));
    assert!(as_server.last_active_at.is_some());

    let error = me
        .update(&UserPatch::default().server_metadata(json!(1)))
        .await
        .expect_err("not for clients");
    assert_eq!(code(&error), "SCHEMA_ERROR");

    me.delete().await.expect("deleted");
    for user in [
        me.me().await.map(drop),
        setting.server.as_user(&token).me().await.map(drop),
    ] {
        assert_eq!(user.expect_err("gone").kind(), ErrorKind::UserGone);
    }

    setting.clock.advance(601);
    let error = me.me().await.expect_err("expired");
    assert_eq!(error.kind(), ErrorKind::TokenExpired);
    assert!(error.is_expired());
    let error = setting
        .public
        .as_user(&AccessToken::from("no.token.atall"))
        .me()
        .await
        .expect_err("no token");
    assert_eq!(error.kind(), ErrorKind::TokenRejected);
}

#[tokio::test]
async fn users_are_listed_page_by_page() {
    let setting = Setting::new().await;
    let mut ids = Vec::new();
    for number in 0..7 {
        setting.clock.advance(1);
        ids.push(setting.sign_up(&format!("user{number}@example.com")).await.1);
    }
    setting.clock.advance(1);
    let guest = setting
        .public
        .sign_up_anonymously()
        .await
        .expect("a guest")
        .user_id;
    setting.clock.advance(1);
    let held_back = NewUser::default().with(|user| user.restrict(Some("so"), None));
    let held_back = setting.server.create_user(&held_back).await.expect("a user").id;

    let list = async |query: UserQuery| {
        let pages: Vec<_> = setting.server.users(query).try_collect().await.expect("pages");
        let sizes: Vec<_> = pages.iter().map(|page| page.items.len()).collect();
        let ids: Vec<_> = pages
            .into_iter()
            .flat_map(|page| page.items)
            .map(|user| user.id)
            .collect();
        (sizes, ids)
    };
    let query = || UserQuery::default().page_size(3);
    assert_eq!(list(query()).await, (vec![3, 3, 1], ids.clone()));
    let newest_first: Vec<_> = ids.iter().rev().copied().collect();
    assert_eq!(list(query().newest_first()).await.1, newest_first);
    assert_eq!(list(query().search("USER4@")).await.1, ids[4..5]);
    assert_eq!(list(query().starting_at(ids[5])).await.1, ids[5..]);

    let only = AcceptedKinds::only;
    assert_eq!(list(query().kinds(only(UserKind::Anonymous))).await.1, [guest]);
    assert_eq!(
        list(query().kinds(only(UserKind::Restricted))).await.1,
        [held_back]
    );
    let mut expected = ids.clone();
    expected.push(guest);
    let kinds = only(UserKind::Normal).and(UserKind::Anonymous);
    assert_eq!(list(query().kinds(kinds)).await.1, expected);
    expected.push(held_back);
    assert_eq!(list(query().kinds(AcceptedKinds::ALL)).await.1, expected);

    let team = setting
        .hexclave
        .add_team(SeededTeam::new("Team").member(ids[2]))
        .expect("a team");
    assert_eq!(list(query().team(team)).await.1, ids[2..3]);

    // A page is asked for when it is wanted.
    setting.hexclave.forget_requests();
    let mut pages = pin!(setting.server.users(query()));
    let page = pages.try_next().await.expect("a page").expect("a page");
    assert_eq!(page.next, Some(ids[3]));
    assert_eq!(setting.hexclave.requests().len(), 1);
}

#[tokio::test]
async fn sessions_are_created_listed_and_revoked() {
    let setting = Setting::new().await;
    let (token, id) = setting.sign_up("ada@example.com").await;
    let server = &setting.server;
    let month = Duration::from_secs(30 * 24 * 3600);
    let made = server
        .create_session(NewSession::of(id).lasting(month))
        .await
        .expect("a session");
    assert!(!format!("{made:?}").contains(made.refresh_token.expose()));

    let sessions = server.sessions(id).await.expect("sessions");
    assert_eq!(sessions.len(), 2);
    let own = setting.public.as_user(&token).sessions().await.expect("sessions");
    assert_eq!(own.len(), 2);
    let current: Vec<_> = own.iter().filter(|session| session.is_current_session).collect();
    assert_eq!(current.len(), 1);
    let other = own
        .iter()
        .find(|session| !session.is_current_session)
        .expect("another session");
    assert_eq!(other.user_id, id);

    let as_user = setting.public.as_user(&token);
    let error = as_user.revoke_session(current[0].id).await;
    assert_eq!(
        code(&error.expect_err("the current session")),
        "CANNOT_DELETE_CURRENT_SESSION"
    );
    as_user.revoke_session(other.id).await.expect("revoked");
    let error = setting.public.refresh(&made.refresh_token).await;
    assert_eq!(error.expect_err("revoked").kind(), ErrorKind::SessionEnded);
    server.revoke_session(id, current[0].id).await.expect("revoked");
    assert_eq!(server.sessions(id).await.expect("sessions"), []);

    let nobody: UserId = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee".parse().expect("an id");
    let error = server.create_session(NewSession::of(nobody)).await;
    assert_eq!(code(&error.expect_err("nobody")), "USER_ID_DOES_NOT_EXIST");

    // A changed password ends what is left.
    let made = server
        .create_session(NewSession::of(id))
        .await
        .expect("a session");
    let patch = UserPatch::default().password(Some("another horse"));
    server.update_user(id, &patch).await.expect("a user");
    let error = setting.public.refresh(&made.refresh_token).await;
    assert_eq!(error.expect_err("ended").kind(), ErrorKind::SessionEnded);
}

#[tokio::test]
async fn teams_and_permissions_are_granted_and_taken_away() {
    let setting = Setting::new().await;
    let (token, id) = setting.sign_up("ada@example.com").await;
    let hexclave = &setting.hexclave;
    hexclave
        .define_team_permission("read_docs", &[])
        .expect("a permission");
    hexclave
        .define_team_permission("write_docs", &["read_docs"])
        .expect("a permission");
    hexclave
        .define_project_permission("see_stats", &[])
        .expect("a permission");
    let team = hexclave.add_team(SeededTeam::new("Team")).expect("a team");
    let permission = |id: &str| id.parse::<PermissionId>().expect("a permission");
    let (read, write) = (permission("read_docs"), permission("write_docs"));
    let server = &setting.server;
    let me = setting.public.as_user(&token);

    assert_eq!(me.teams().await.expect("teams"), []);
    server.add_team_member(team, id).await.expect("a member");
    let mine = me.teams().await.expect("teams");
    assert_eq!((mine.len(), mine[0].id), (1, team));
    assert_eq!(mine[0].server_metadata, None);
    let teams = server.teams(Some(id)).await.expect("teams");
    assert!(teams[0].created_at.is_some() && teams[0].server_metadata.is_some());
    assert_eq!(server.teams(None).await.expect("teams"), teams);

    server
        .grant_team_permission(id, team, &write)
        .await
        .expect("granted");
    let ids = |permissions: Vec<hexclave_core::api::TeamPermission>| {
        permissions
            .into_iter()
            .filter(|permission| permission.id.as_str().ends_with("_docs"))
            .map(|permission| (permission.id, permission.team_id))
            .collect::<std::collections::BTreeSet<_>>()
    };
    let direct = me.team_permissions(Some(team), PermissionDepth::Direct).await;
    assert_eq!(ids(direct.expect("permissions")), [(write.clone(), team)].into());
    let both = [(write.clone(), team), (read.clone(), team)].into();
    for all in [
        me.team_permissions(None, PermissionDepth::Recursive).await,
        server
            .team_permissions(id, Some(team), PermissionDepth::Recursive)
            .await,
        server.permissions_in_team(team, PermissionDepth::Recursive).await,
    ] {
        assert_eq!(ids(all.expect("permissions")), both);
    }
    assert!(me.has_team_permission(team, &read).await.expect("an answer"));
    server
        .revoke_team_permission(id, team, &write)
        .await
        .expect("taken away");
    assert!(!me.has_team_permission(team, &read).await.expect("an answer"));

    let stats = permission("see_stats");
    assert!(!me.has_project_permission(&stats).await.expect("an answer"));
    server
        .grant_project_permission(id, &stats)
        .await
        .expect("granted");
    assert!(me.has_project_permission(&stats).await.expect("an answer"));
    let mine = me
        .project_permissions(PermissionDepth::Direct)
        .await
        .expect("permissions");
    let theirs = server
        .project_permissions(id, PermissionDepth::Recursive)
        .await
        .expect("permissions");
    assert_eq!(mine, theirs);
    assert_eq!((&mine[0].id, mine[0].user_id), (&stats, id));
    server
        .revoke_project_permission(id, &stats)
        .await
        .expect("taken away");
    assert!(!me.has_project_permission(&stats).await.expect("an answer"));

    server.remove_team_member(team, id).await.expect("removed");
    assert_eq!(me.teams().await.expect("teams"), []);
    let error = server.remove_team_member(team, id).await.expect_err("no member");
    assert_eq!(code(&error), "TEAM_MEMBERSHIP_NOT_FOUND");
    let error = server
        .grant_project_permission(id, &permission("unheard_of"))
        .await
        .expect_err("no such permission");
    assert_eq!(code(&error), "PERMISSION_NOT_FOUND");
}

#[tokio::test]
async fn teams_are_created_read_changed_and_deleted() {
    let setting = Setting::new().await;
    let (token, id) = setting.sign_up("ada@example.com").await;
    let server = &setting.server;
    let new = NewTeam::named("Engines")
        .with(|team| team.server_metadata(json!({ "plan": "pro" })))
        .created_by(id);
    let team = server.create_team(&new).await.expect("a team");
    assert_eq!(team.display_name, "Engines");
    assert_eq!(team.server_metadata, Some(json!({ "plan": "pro" })));
    assert_eq!(server.team(team.id).await.expect("an answer"), Some(team.clone()));
    let mine = setting.public.as_user(&token).teams().await.expect("teams");
    assert_eq!(mine.iter().map(|team| team.id).collect::<Vec<_>>(), [team.id]);

    let patch = TeamPatch::default()
        .display_name("Looms")
        .profile_image_url(None)
        .client_metadata(json!([1]))
        .client_read_only_metadata(json!({}))
        .server_metadata(json!(null));
    assert!(!format!("{patch:?} {new:?}").contains("Looms"));
    let changed = server.update_team(team.id, &patch).await.expect("a team");
    assert_eq!(changed.display_name, "Looms");
    assert_eq!(changed.server_metadata, Some(json!(null)));
    assert_eq!(changed.client_metadata, json!([1]));

    // Who selects a team sees it in the user.
    let patch = UserPatch::default().selected_team_id(Some(team.id));
    let user = server.update_user(id, &patch).await.expect("a user");
    assert_eq!(user.selected_team_id, Some(team.id));
    assert_eq!(user.selected_team.as_ref(), Some(&changed));

    server.delete_team(team.id).await.expect("deleted");
    assert_eq!(server.team(team.id).await.expect("an answer"), None);
    for error in [
        server.delete_team(team.id).await.expect_err("gone"),
        server
            .update_team(team.id, &TeamPatch::default())
            .await
            .expect_err("gone"),
    ] {
        assert_eq!(code(&error), "TEAM_NOT_FOUND");
    }
}

/// RFC 6238 with SHA-1, six digits and steps of 30 seconds, as authenticators do it.
fn totp(secret: &[u8], now: u64) -> String {
    use aws_lc_rs::hmac;

    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &(now / 30).to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[19] & 15);
    let bytes = tag[offset..offset + 4].try_into().expect("four bytes");
    format!("{:06}", (u32::from_be_bytes(bytes) & 0x7fff_ffff) % 1_000_000)
}

#[tokio::test]
async fn a_second_factor_is_asked_for() {
    let setting = Setting::new().await;
    let (_, id) = setting.sign_up("ada@example.com").await;
    // The secret of RFC 6238's own examples.
    let patch = UserPatch::default().totp_secret_base64(Some("MTIzNDU2Nzg5MDEyMzQ1Njc4OTA="));
    let user = setting.server.update_user(id, &patch).await.expect("a user");
    assert!(user.requires_totp_mfa);
    assert_eq!(totp(b"12345678901234567890", 59), "287082");

    let public = &setting.public;
    let sign_in = public.sign_in_with_password("ada@example.com", PASSWORD).await;
    let Ok(SignIn::NeedsTotp(attempt)) = sign_in else {
        panic!("{sign_in:?}")
    };
    assert_eq!(format!("{attempt:?}"), "MfaAttempt(..)");
    let right = totp(b"12345678901234567890", NOW);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let error = public
        .sign_in_with_totp(&attempt, wrong)
        .await
        .expect_err("wrong");
    assert_eq!(code(&error), "INVALID_TOTP_CODE");
    let signed_in = public.sign_in_with_totp(&attempt, &right).await.expect("a user");
    assert_eq!(signed_in.user_id, id);
    assert_eq!(signed_in.is_new_user, Some(false));
    let error = public
        .sign_in_with_totp(&attempt, &right)
        .await
        .expect_err("used");
    assert_eq!(code(&error), "VERIFICATION_CODE_ALREADY_USED");
}
