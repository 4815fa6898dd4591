//! Tokens in a file, which several processes use.

use std::{env, fs, path::Path, process::Command};

use hexclave_core::{
    ProjectId, RefreshToken,
    session::{FileStore, StoredTokens, TokenStore},
};

use crate::scripted::PROJECT;

const FILE: &str = "HEXCLAVE_TEST_FILE_STORE";
const WRITER: &str = "HEXCLAVE_TEST_WRITER";
const WRITERS: usize = 6;
const ROUNDS: usize = 8;

fn project(text: &str) -> ProjectId {
    text.parse().expect("a project")
}

fn tokens(refresh: &str, access: Option<&str>) -> StoredTokens {
    let tokens = StoredTokens::new(refresh.into());
    match access {
        Some(access) => tokens.with_access_token(access.into()),
        None => tokens,
    }
}

async fn kept(store: &FileStore) -> Option<(String, Option<String>)> {
    let tokens = store.load().await.expect("a store")?;
    let access_token = tokens.access_token.map(|token| token.expose().to_owned());
    Some((tokens.refresh_token.expose().to_owned(), access_token))
}

fn pair(refresh: &str, access: Option<&str>) -> Option<(String, Option<String>)> {
    Some((refresh.to_owned(), access.map(str::to_owned)))
}

#[tokio::test]
async fn tokens_are_kept_replaced_and_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("new/folders/session.json");
    let store = FileStore::new(&path, &project(PROJECT));
    let other = FileStore::new(&path, &project("internal"));
    assert_eq!(kept(&store).await, None);
    store.update(&tokens("r1", Some("a1"))).await.expect("left alone");
    store.remove(&RefreshToken::from("r1")).await.expect("left alone");
    assert!(!folder.path().join("new").exists());

    store.save(&tokens("r1", Some("a1"))).await.expect("kept");
    other.save(&tokens("r9", None)).await.expect("kept");
    assert_eq!(kept(&store).await, pair("r1", Some("a1")));
    store.update(&tokens("r1", Some("a2"))).await.expect("kept");
    assert_eq!(kept(&store).await, pair("r1", Some("a2")));
    // Another session's.
    store.update(&tokens("r0", Some("a0"))).await.expect("left alone");
    store.remove(&RefreshToken::from("r0")).await.expect("left alone");
    assert_eq!(kept(&store).await, pair("r1", Some("a2")));
    store.save(&tokens("r2", None)).await.expect("kept");
    assert_eq!(kept(&store).await, pair("r2", None));
    store.remove(&RefreshToken::from("r2")).await.expect("removed");
    assert_eq!(kept(&store).await, None);
    assert_eq!(kept(&other).await, pair("r9", None));

    let names: Vec<_> = fs::read_dir(path.parent().expect("a folder"))
        .expect("a folder")
        .map(|entry| entry.expect("a file").file_name().into_string().expect("a name"))
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;

    let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("new/session.json");
    let store = FileStore::new(&path, &project(PROJECT));
    store.save(&tokens("r1", None)).await.expect("kept");
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&path.with_file_name("session.json.lock")), 0o600);
    assert_eq!(mode(path.parent().expect("a folder")), 0o700);

    // One that was open to others is not any more.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("permissions");
    store.update(&tokens("r1", Some("a1"))).await.expect("kept");
    assert_eq!(mode(&path), 0o600);
}

#[tokio::test]
async fn a_foreign_file_is_left_alone_and_not_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("session.json");
    let store = FileStore::new(&path, &project(PROJECT));
    for text in [
        "hidden",
        "[\"hidden\"]",
        r#"{"sessions":{"x":"hidden"}}"#,
        &"x".repeat(1_100_000),
    ] {
        fs::write(&path, text).expect("a file");
        for error in [
            store.load().await.expect_err("foreign"),
            store.save(&tokens("hidden", None)).await.expect_err("foreign"),
        ] {
            assert_eq!(error.code(), "token_store_failed");
            assert!(error.to_string().contains("session.json"), "{error}");
            assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
        }
        assert_eq!(fs::read_to_string(&path).expect("a file"), text);
    }
    // What somebody else keeps beside ours stays.
    fs::write(&path, r#"{"theme":"dark"}"#).expect("a file");
    store.save(&tokens("r1", None)).await.expect("kept");
    let text = fs::read_to_string(&path).expect("a file");
    assert!(text.contains("dark") && text.contains("r1"), "{text}");

    let no_folder = FileStore::new(path.join("below/a/file"), &project(PROJECT));
    let error = no_folder
        .save(&tokens("hidden", None))
        .await
        .expect_err("no folder");
    assert!(error.to_string().contains("folder"), "{error}");
}

/// Runs only as a process of the test below.
#[tokio::test]
async fn writer() {
    let (Ok(path), Ok(writer)) = (env::var(FILE), env::var(WRITER)) else {
        return;
    };
    for round in 0..ROUNDS {
        let project = project(&format!("{writer:0>8}-0000-4000-8000-{round:012}"));
        let store = FileStore::new(&path, &project);
        store.save(&tokens("first", None)).await.expect("kept");
        store
            .update(&tokens("first", Some("access")))
            .await
            .expect("kept");
    }
}

#[tokio::test]
async fn processes_wait_for_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("session.json");
    let own = env::current_exe().expect("this program");
    let children: Vec<_> = (0..WRITERS)
        .map(|writer| {
            Command::new(&own)
                .args(["file_store::writer", "--exact", "--quiet"])
                .env(FILE, &path)
                .env(WRITER, writer.to_string())
                .stdout(std::process::Stdio::null())
                .spawn()
                .expect("a process")
        })
        .collect();
    for mut child in children {
        assert!(child.wait().expect("a process").success());
    }
    // Had one read what another was about to replace, its sessions would be lost.
    for writer in 0..WRITERS {
        for round in 0..ROUNDS {
            let project = project(&format!("{writer:0>8}-0000-4000-8000-{round:012}"));
            let store = FileStore::new(&path, &project);
            assert_eq!(kept(&store).await, pair("first", Some("access")), "{project}");
        }
    }
}
