//! `convex auth-config`, `check-config`, `check` and `identity`.

use std::{fs, path::PathBuf, process::Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{PROJECT, at, bridge, exit, hexclave, json_of, run, stderr, stdout};

async fn auth_config(args: &[&str]) -> Output {
    let mut command = bridge(&["convex", "auth-config", "--offline"]);
    command.args(args);
    run(command, None).await
}

async fn emitted(args: &[&str]) -> String {
    let output = auth_config(&[&["--project-id", PROJECT], args].concat()).await;
    assert_eq!(exit(&output), 0, "{}", stderr(&output));
    stdout(&output)
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).expect("a file");
        self.name(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).to_str().expect("UTF-8").to_owned()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file")
    }
}

#[tokio::test]
async fn the_configuration_has_what_was_asked_for() {
    let issuers = |text: &str| -> Vec<String> {
        let document: Value = serde_json::from_str(text).expect("JSON");
        let providers = document["providers"].as_array().expect("a list");
        let issuers = providers
            .iter()
            .map(|provider| provider["issuer"].as_str().expect("a text").to_owned());
        issuers.collect()
    };
    let cloud = |folder: &str| format!("https://api.hexclave.com/api/v1/{folder}/{PROJECT}");
    let with = async |args: &[&str]| emitted(&[&["--format", "json"], args].concat()).await;
    assert_eq!(issuers(&with(&["--aliases=false"]).await), [cloud("projects")]);
    assert_eq!(issuers(&with(&["--aliases"]).await).len(), 2);
    let kinds = ["--aliases=false", "--kinds", "normal,restricted,anonymous"];
    assert_eq!(issuers(&with(&kinds).await).len(), 3);

    let upstream = with(&["--upstream"]).await;
    assert_eq!(
        issuers(&upstream),
        [cloud("projects"), cloud("projects-anonymous-users")]
    );
    assert!(!upstream.contains("applicationID"), "{upstream}");

    for (args, name) in [
        (&["--env"][..], "HEXCLAVE_PROJECT_ID"),
        (&["--env=MY_PROJECT"], "MY_PROJECT"),
    ] {
        let output = auth_config(args).await;
        assert_eq!(exit(&output), 0, "{}", stderr(&output));
        assert!(
            stdout(&output).contains(&format!("${{process.env.{name}}}")),
            "{args:?}"
        );
        assert!(!stdout(&output).contains(PROJECT));
    }
    for wrong in [
        &["--env", "--format", "json"][..],
        &["--env", "--jwks", "inline"],
        &["--env=1"],
        &["--upstream", "--kinds", "normal"],
        &["--upstream", "--jwks", "inline"],
        &["--jwks", "file"],
        &["--kinds", "everybody"],
        &["--merge"],
        &["--check"],
    ] {
        let output = auth_config(&[&["--project-id", PROJECT], wrong].concat()).await;
        assert_eq!(exit(&output), 2, "{wrong:?}");
    }
}

#[tokio::test]
async fn what_others_have_written_is_kept() {
    let folder = Folder::new();
    let project = ["--project-id", PROJECT];
    let write = async |name: &str, args: &[&str]| {
        let out = folder.name(name);
        exit(&auth_config(&[&project[..], &["--out", &out], args].concat()).await)
    };

    // The form follows the file's name, and --check tells whether it is up to date.
    assert_eq!(write("a.json", &["--check"]).await, 1);
    for (name, mark) in [("a.json", "{\n"), ("a.js", "@satisfies"), ("a.ts", "import type")] {
        assert_eq!(write(name, &[]).await, 0, "{name}");
        assert!(folder.read(name).contains(mark), "{name}");
        assert_eq!(write(name, &["--check"]).await, 0, "{name}");
        assert_eq!(
            write(name, &["--check", "--kinds", "normal,anonymous"]).await,
            1,
            "{name}"
        );
        assert_eq!(write(name, &["--kinds", "normal,anonymous"]).await, 0, "{name}");
    }

    let clerk = r#"{"providers":[{"domain":"https://clerk.example.com","applicationID":"convex"}]}"#;
    folder.write("clerk.json", clerk);
    assert_eq!(write("clerk.json", &[]).await, 2);
    assert_eq!(folder.read("clerk.json"), clerk);
    assert_eq!(write("clerk.json", &["--merge"]).await, 0);
    let merged: Value = serde_json::from_str(&folder.read("clerk.json")).expect("JSON");
    assert_eq!(merged["providers"].as_array().map(Vec::len), Some(3));
    assert_eq!(merged["providers"][0]["domain"], "https://clerk.example.com");
    assert_eq!(write("clerk.json", &["--merge", "--check"]).await, 0);

    let edited = folder
        .read("a.ts")
        .replace("providers: [", "providers: [\n    ...others,");
    folder.write("a.ts", &edited);
    assert_eq!(write("a.ts", &[]).await, 2);
    assert_eq!(folder.read("a.ts"), edited);
    assert_eq!(write("a.ts", &["--merge"]).await, 0);
    let merged = folder.read("a.ts");
    assert!(
        merged.contains("...others,") && !merged.contains(":anon"),
        "{merged}"
    );
    assert_eq!(write("a.ts", &["--force"]).await, 0);
    assert!(!folder.read("a.ts").contains("...others,"));

    let mine = "export default { providers: [] };\n";
    folder.write("mine.js", mine);
    let out = folder.name("mine.js");
    let output = auth_config(&["--project-id", PROJECT, "--out", &out, "--merge"]).await;
    assert_eq!((exit(&output), folder.read("mine.js").as_str()), (2, mine));
    assert!(
        stderr(&output).contains("hexclave-bridge: begin"),
        "{}",
        stderr(&output)
    );
}

#[tokio::test]
async fn providers_are_listed_in_convexs_order_or_refused_with_its_code() {
    let folder = Folder::new();
    let check = async |text: &str| {
        let file = folder.write("config.json", text);
        run(
            bridge(&["convex", "check-config", "--convex-config", &file]),
            None,
        )
        .await
    };
    let custom = |id: Value, issuer: &str| json!({ "type": "customJwt", "applicationID": id, "issuer": issuer, "jwks": "", "algorithm": "ES256" });
    let list = json!({ "providers": [
        custom(json!("b"), "https://a.com"),
        custom(json!("a"), "b.com/"),
        custom(Value::Null, "https://z.com"),
        custom(json!("b"), "https://a.com"),
        { "applicationID": "z", "domain": "z.com" },
    ] });
    let output = check(&list.to_string()).await;
    assert_eq!(exit(&output), 0);
    let mut without_id = custom(Value::Null, "https://z.com");
    without_id
        .as_object_mut()
        .expect("an object")
        .remove("applicationID");
    assert_eq!(
        json_of(&output),
        json!([
            { "applicationID": "z", "domain": "https://z.com" },
            without_id,
            custom(json!("a"), "https://b.com/"),
            custom(json!("b"), "https://a.com"),
        ])
    );
    for (text, code) in [
        ("null", "AuthConfigMissingExportError"),
        ("export default {}", "AuthConfigUnserializableError"),
        ("{}", "AuthConfigNotMatchingSchemaError"),
        (
            r#"[{"domain":"foo","applicationID":"a"}]"#,
            "InvalidProviderDomainUrl",
        ),
        (
            r#"[{"type":"customJwt","issuer":"https://api.workos.com/","jwks":"","algorithm":"RS256"}]"#,
            "InsecureConfiguration",
        ),
    ] {
        let output = check(text).await;
        assert_eq!(exit(&output), 1, "{text}");
        let error = &json_of(&output)["error"];
        assert_eq!(
            (&error["code"], &error["httpStatus"]),
            (&json!(code), &json!(400)),
            "{text}"
        );
        assert!(!error["message"].as_str().expect("a text").is_empty());
    }
    let missing = run(
        bridge(&[
            "convex",
            "check-config",
            "--convex-config",
            &folder.name("missing.json"),
        ]),
        None,
    )
    .await;
    assert_eq!(exit(&missing), 2);
    let error = &json_of(&missing)["error"];
    let cause = error["causes"][0].as_str().unwrap_or_default();
    assert!(cause.contains("No such file"), "{error}");
    let unnamed = run(bridge(&["convex", "check-config"]), None).await;
    assert_eq!(exit(&unnamed), 2);
    let hint = &json_of(&unnamed)["error"]["hint"];
    assert!(
        hint.as_str().unwrap_or_default().contains("--convex-config"),
        "{hint}"
    );
}

/// The server's anonymous users sign with a key that has a short coordinate.
#[tokio::test]
async fn short_keys_are_told_of_and_cured() {
    let hexclave = hexclave().await;
    let guest = hexclave.sign_up_anonymously().await.expect("tokens").access_token;
    let folder = Folder::new();
    let write = async |name: &str, jwks: &str| {
        let out = folder.name(name);
        let args = [
            "convex",
            "auth-config",
            "--kinds",
            "normal,anonymous",
            "--jwks",
            jwks,
            "--out",
            &out,
        ];
        let output = run(at(&hexclave, &args), None).await;
        assert_eq!(exit(&output), 0, "{}", stderr(&output));
        (out, stderr(&output))
    };
    let (by_url, said) = write("url.json", "url").await;
    assert_eq!(said.matches("warning: the project's key").count(), 1, "{said}");
    assert!(said.contains("`--jwks inline`"), "{said}");
    let (inline, said) = write("inline.json", "inline").await;
    assert!(
        said.contains("bytes of the configuration") && !said.contains("warning"),
        "{said}"
    );

    let ask = async |command: &str, config: &str, args: &[&str]| {
        let mut command = bridge(&["convex", command, "--convex-config", config]);
        command.args(args);
        run(command, Some(guest.expose().to_owned())).await
    };
    assert_eq!(exit(&ask("identity", &by_url, &[]).await), 1);
    let identity = ask("identity", &inline, &["--websocket"]).await;
    assert_eq!(exit(&identity), 0, "{}", stdout(&identity));
    assert_eq!(json_of(&identity)["restricted_reason.type"], "anonymous");
    let late = ask("identity", &inline, &["--now", "8200000000000"]).await;
    assert_eq!(json_of(&late)["error"]["code"], "InvalidAuthHeader");

    let report = ask("check", &by_url, &[]).await;
    assert_eq!(exit(&report), 1);
    let text = stdout(&report);
    assert!(
        text.contains("31 bytes instead of 32") && text.contains("--jwks inline"),
        "{text}"
    );
    assert!(!text.contains("eyJ"), "no token is shown");
    let live = [
        "--json",
        "--live-keys",
        "--project-id",
        PROJECT,
        "--api-url",
        hexclave.config().api_url().as_str(),
    ];
    let report = ask("check", &inline, &live).await;
    assert_eq!(exit(&report), 0, "{}", stdout(&report));
    assert_eq!(
        (&json_of(&report)["accepted"], &json_of(&report)["keys"]),
        (&json!(true), &json!([]))
    );

    // The same keys by URL are short, and without one of them the configuration is out of date.
    let review = async |config: &str| {
        let mut command = bridge(&["convex", "check-config", "--convex-config", config]);
        command.args(live.iter().filter(|arg| **arg != "--json"));
        run(command, None).await
    };
    assert_eq!(exit(&review(&inline).await), 0);
    let output = review(&by_url).await;
    assert_eq!(
        (exit(&output), json_of(&output).as_array().map(Vec::len)),
        (1, Some(2))
    );
    assert!(stderr(&output).contains("key_short"), "{}", stderr(&output));

    drop(hexclave);
    assert_eq!(exit(&ask("check", &by_url, &[]).await), 3);
    assert_eq!(exit(&ask("check", &inline, &[]).await), 0);
}

#[tokio::test]
async fn absurd_times_are_wrong_usage() {
    let folder = Folder::new();
    let config = folder.write("config.json", "[]");
    for now in [
        "18446744073709551616",
        "18446744073709551615",
        "8200000000001",
        "-1",
        "1.5",
        "now",
        "",
    ] {
        let now = format!("--now={now}");
        let output = run(
            bridge(&["convex", "identity", "--convex-config", &config, &now, "x"]),
            None,
        )
        .await;
        assert_eq!((exit(&output), stdout(&output)), (2, String::new()), "{now}");
        assert!(
            stderr(&output).contains("seconds since 1970"),
            "{}",
            stderr(&output)
        );
    }
}
