//! The service with TLS of its own.

use super::service::Service;
use crate::{bridge, exit, hexclave, json_of, normal_user, run};

#[tokio::test]
async fn the_service_has_tls_where_it_is_told_to() {
    let hexclave = hexclave().await;
    let (token, user_id) = normal_user(&hexclave).await;
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let folder = tempfile::tempdir().expect("a folder");
    let [chain, key] = ["chain.pem", "key.pem"].map(|name| folder.path().join(name));
    std::fs::write(&chain, made.cert.pem()).expect("a file");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("a file");

    let service = Service::of(&hexclave, |command| {
        command.arg("--tls-certificate-file").arg(&chain);
        command.arg("--tls-key-file").arg(&key);
    })
    .await;
    let url = service.url("/verify");
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let certificate = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).expect("a certificate");
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([certificate])
        .build()
        .expect("a client");
    let answer = client
        .get(&url)
        .bearer_auth(&token)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(super::header(&answer, "x-identity-user-id"), user_id);
    super::client()
        .get(&url)
        .send()
        .await
        .expect_err("nobody vouches for it");
    let in_the_clear = url.replace("https://", "http://");
    super::client()
        .get(in_the_clear)
        .send()
        .await
        .expect_err("TLS only");
    let (status, log) = service.stop().await;
    assert_eq!(status.code(), Some(0), "{log}");

    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let other_key = folder.path().join("other.pem");
    std::fs::write(&other_key, other.signing_key.serialize_pem()).expect("a file");
    for (chain, key, says) in [
        (Some(&chain), None, "no private key"),
        (None, Some(&key), "no certificate"),
        (Some(&key), Some(&key), "holds no certificate"),
        (Some(&chain), Some(&chain), "not an unencrypted private key"),
        (Some(&chain), Some(&other_key), "cannot be used"),
    ] {
        let mut command = bridge(&["serve", "--json", "--project-id", crate::PROJECT]);
        for (option, file) in [("--tls-certificate-file", chain), ("--tls-key-file", key)] {
            if let Some(file) = file {
                command.arg(option).arg(file);
            }
        }
        let output = run(command, None).await;
        assert_eq!(exit(&output), 2, "{says}");
        let message = json_of(&output)["error"]["message"].to_string();
        assert!(message.contains(says), "{message}");
    }
}
