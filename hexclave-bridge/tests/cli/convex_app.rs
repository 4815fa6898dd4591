//! The files of `examples/convex-app` that the program writes, and the people of its tests.

use std::{collections::BTreeMap, env, fs, path::Path, sync::Arc};

use hexclave_convex::UserIdentity;
use hexclave_core::{AcceptedKinds, AccessToken, ProjectConfig, Verifier};
use hexclave_testkit::{
    TestClock,
    hexclave::{Issuer, ServerSecret, Subject},
};
use serde_json::Value;

use crate::{PROJECT, SERVER_SECRET, bridge, exit, run, stderr, stdout};

const NOW: u64 = 1_795_300_079;

/// Compares with the file of that name; with `UPDATE_GOLDEN` in the environment, writes it.
fn assert_golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples/convex-app")
        .join(name);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, actual).expect("a writable file");
    }
    let expected = fs::read_to_string(&path).expect("a golden file");
    assert_eq!(actual, expected, "{name}");
}

/// The commands are those of the example's README.
#[tokio::test]
async fn the_emitted_files_are_what_the_program_emits() {
    let kinds = "normal,restricted,anonymous";
    for (args, file) in [
        (
            &["auth-config", "--offline", "--kinds", kinds][..],
            "convex/auth.config.ts",
        ),
        (&["helper"], "convex/hexclave.ts"),
    ] {
        let mut command = bridge(&["convex"]);
        command.args(args).env("HEXCLAVE_PROJECT_ID", PROJECT);
        let output = run(command, None).await;
        assert_eq!(exit(&output), 0, "{}", stderr(&output));
        assert_golden(file, &stdout(&output));
    }
}

/// Everybody whom `getUserIdentity()` returns in the example's tests, from a token that was verified.
#[tokio::test]
async fn the_identities_are_those_of_real_tokens() {
    let config = ProjectConfig::builder().project_id(PROJECT.parse().expect("an id"));
    let issuer = Issuer::new(
        &ServerSecret::new(SERVER_SECRET).expect("a secret"),
        config.build().expect("a project"),
    )
    .expect("an issuer");
    let verifier = Verifier::builder(issuer.config().clone())
        .keys(issuer.project_keys().expect("keys"))
        .accept(AcceptedKinds::ALL)
        .clock(Arc::new(TestClock::at(NOW)))
        .build()
        .expect("a verifier");
    let mut identities = BTreeMap::new();
    for (name, number, mut subject) in [
        ("ada", 1, Subject::new("ada@example.com")),
        ("grace", 2, Subject::new("grace@example.com")),
        ("eve", 3, Subject::restricted("eve@example.com")),
        ("guest", 4, Subject::anonymous()),
        // The same person after signing up.
        ("formerGuest", 4, Subject::new("guest@example.com")),
    ] {
        let id = format!("00000000-0000-4000-8000-00000000000{number}");
        subject.id = id.parse().expect("an id");
        subject.session_id = id.parse().expect("an id");
        let token = AccessToken::from(issuer.token(&subject, NOW).expect("a token"));
        let user = verifier.verify(&token).await.expect("a user");
        let identity = UserIdentity::of(&user).expect("an identity").to_json();
        let identity: Value = serde_json::from_str(&identity).expect("JSON");
        identities.insert(name, identity);
    }
    let mut json = serde_json::to_string_pretty(&identities).expect("JSON");
    json.push('\n');
    assert_golden("tests/identities.json", &json);
}
