//! Users.

use std::pin::pin;

use futures_util::TryStreamExt;
use hexclave_core::{
    AcceptedKinds, AccessToken, ErrorKind, RestrictedReason, UserKind,
    api::{NewUser, OAuthProvider, UserPatch, UserQuery},
};
use hexclave_testkit::hexclave::NewTeam;
use serde_json::json;

use super::{PASSWORD, Setting, code};

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
        .add_team(NewTeam::new("Team").member(ids[2]))
        .expect("a team");
    assert_eq!(list(query().team(team)).await.1, ids[2..3]);

    // A page is asked for when it is wanted.
    setting.hexclave.forget_requests();
    let mut pages = pin!(setting.server.users(query()));
    let page = pages.try_next().await.expect("a page").expect("a page");
    assert_eq!(page.next, Some(ids[3]));
    assert_eq!(setting.hexclave.requests().len(), 1);
}
