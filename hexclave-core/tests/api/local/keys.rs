//! The project and its keys.

use hexclave_core::{
    AccessToken, ErrorKind, ProjectConfig,
    api::{Client, PasswordSignUp},
};
use hexclave_testkit::hexclave::LocalHexclave;

use super::{PASSWORD, Setting, code};

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
async fn a_project_may_demand_its_publishable_key() {
    let hexclave = LocalHexclave::builder()
        .require_publishable_client_key(true)
        .start()
        .await
        .expect("a server");
    let given = hexclave
        .config()
        .publishable_client_key()
        .expect("a key")
        .to_owned();
    let client = |project: &str, key: Option<&str>| {
        let config = ProjectConfig::builder()
            .project_id(project.parse().expect("a project"))
            .api_url(hexclave.config().api_url().clone());
        let config = match key {
            Some(key) => config.publishable_client_key(key).expect("a key"),
            None => config,
        };
        Client::public(config.build().expect("a config")).expect("a client")
    };
    let project = hexclave.config().project_id().as_str();
    client(project, Some(&given)).project().await.expect("a project");
    for (project, key, expected) in [
        (project, None, "PUBLISHABLE_CLIENT_KEY_REQUIRED_FOR_PROJECT"),
        (project, Some("pck_wrong"), "INVALID_PUBLISHABLE_CLIENT_KEY"),
        ("internal", Some(given.as_str()), "CURRENT_PROJECT_NOT_FOUND"),
    ] {
        let client = client(project, key);
        let error = client.project().await.expect_err(expected);
        assert_eq!(
            (error.kind(), code(&error)),
            (ErrorKind::ProjectKeyRejected, expected)
        );
        // A session is not dead because a program is wrongly set up.
        let error = client.refresh(&"some token".into()).await.expect_err(expected);
        assert_eq!(error.kind(), ErrorKind::ProjectKeyRejected, "{error}");
    }
}

#[tokio::test]
async fn another_projects_token_is_told_apart() {
    let (one, other) = (Setting::new().await, Setting::new().await);
    let (token, _) = other.sign_up("ada@example.com").await;
    let error = one
        .server
        .as_user(&token)
        .me()
        .await
        .expect_err("another project");
    assert_eq!(
        (error.kind(), code(&error)),
        (ErrorKind::ProjectMismatch, "INVALID_PROJECT_FOR_ACCESS_TOKEN")
    );
    let error = one
        .server
        .as_user(&AccessToken::from("no.token.atall"))
        .me()
        .await
        .expect_err("no token");
    assert_eq!(
        (error.kind(), code(&error)),
        (ErrorKind::TokenRejected, "UNPARSABLE_ACCESS_TOKEN")
    );
}

#[tokio::test]
async fn a_project_may_take_nobody_new() {
    let hexclave = LocalHexclave::builder()
        .allow_sign_up(false)
        .start()
        .await
        .expect("a server");
    let client = Client::public(hexclave.config().clone()).expect("a client");
    let sign_up = PasswordSignUp::new("ada@example.com", PASSWORD);
    let error = client.sign_up_with_password(&sign_up).await.expect_err("closed");
    assert_eq!(code(&error), "SIGN_UP_NOT_ENABLED");
    assert!(!client.project().await.expect("a project").config.sign_up_enabled);
}
