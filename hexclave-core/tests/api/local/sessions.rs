//! Sessions of users.

use std::time::Duration;

use hexclave_core::{
    ErrorKind, UserId,
    api::{NewSession, UserPatch},
};

use super::{Setting, code};

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
