//! Teams, their members, and permissions.

use std::collections::BTreeSet;

use hexclave_core::api::{NewTeam, PermissionDepth, PermissionId, TeamPatch, TeamPermission, UserPatch};
use hexclave_testkit::hexclave::NewTeam as SeededTeam;
use serde_json::json;

use super::{Setting, code};

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
    let ids = |permissions: Vec<TeamPermission>| {
        permissions
            .into_iter()
            .filter(|permission| permission.id.as_str().ends_with("_docs"))
            .map(|permission| (permission.id, permission.team_id))
            .collect::<BTreeSet<_>>()
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
