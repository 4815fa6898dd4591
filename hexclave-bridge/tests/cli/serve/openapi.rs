//! The service against its own description, by schemathesis.

use std::{io::Write, path::PathBuf, process::Command};

use super::service::Service;
use crate::{JWT_SECRET, exit, hexclave, normal_user, run, stdout};

/// What `make schemathesis` has installed.
fn schemathesis() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let program = root.join("target/schemathesis/bin/schemathesis");
    program.is_file().then_some(program)
}

#[tokio::test]
async fn the_service_does_what_its_description_says() {
    let Some(program) = schemathesis() else {
        // Past the test harness, which keeps what tests print to itself.
        let warning =
            b"*** schemathesis is not here (`make schemathesis` installs it): its test is left out. ***\n";
        std::io::stderr().write_all(warning).expect("standard error");
        return;
    };
    let hexclave = hexclave().await;
    let (token, _) = normal_user(&hexclave).await;
    let service = Service::of(&hexclave, |command| {
        command.env("SUPABASE_JWT_SECRET", JWT_SECRET);
    })
    .await
    .ready()
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    // What OAuth answers is in no schema: it asks for more than a form can say, and ignores what it does not know.
    let of_oauth = "positive_data_acceptance,negative_data_rejection";
    // /verify lets methods pass that OpenAPI 3.1 has no words for.
    let of_proxies = "unsupported_method";
    for (excluded, header) in [
        (of_oauth.to_owned(), None),
        (
            format!("{of_oauth},{of_proxies}"),
            Some(format!("Authorization: Bearer {token}")),
        ),
    ] {
        let mut command = Command::new(&program);
        command
            .current_dir(folder.path())
            .args(["run", &service.url("/openapi.json"), "--no-color"])
            .args([
                "--phases",
                "coverage,fuzzing",
                "--max-examples",
                "30",
                "--seed",
                "1",
            ])
            .args(["--exclude-checks", &excluded]);
        if let Some(header) = &header {
            command.args(["--header", header]);
        }
        let output = run(command, None).await;
        assert_eq!(exit(&output), 0, "{}", stdout(&output));
    }
}
