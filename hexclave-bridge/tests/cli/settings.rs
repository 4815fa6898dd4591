//! Where settings come from, and which counts.

use std::{fs, path::Path, process::Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::{JWT_SECRET, PROJECT, at, bridge, exit, hexclave, json_of, normal_user, run, stderr, stdout};

/// The places of a setting, the one that counts first.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Flag,
    Environment,
    EnvLocal,
    Env,
    File,
}

const PLACES: [Place; 5] = [
    Place::Flag,
    Place::Environment,
    Place::EnvLocal,
    Place::Env,
    Place::File,
];

/// What a setting is called in each place.
struct Names {
    flag: &'static str,
    variable: &'static str,
    key: &'static str,
}

/// A folder with `.env.local`, `.env` and `hexclave-bridge.toml`, as far as they are given.
fn folder(env_local: Option<&str>, env: Option<&str>, file: Option<&str>) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [
        (".env.local", env_local),
        (".env", env),
        ("hexclave-bridge.toml", file),
    ] {
        if let Some(text) = text {
            fs::write(folder.path().join(name), text).expect("a file");
        }
    }
    folder
}

/// Runs a command with a setting in several places.
async fn with(command: &[&str], names: &Names, values: &[(Place, &str)], stdin: Option<String>) -> Output {
    let value = |place| {
        values
            .iter()
            .find(|(at, _)| *at == place)
            .map(|(_, value)| *value)
    };
    let assignment = |place| value(place).map(|value| format!("{}={value}\n", names.variable));
    let line = value(Place::File).map(|value| format!("{} = '{value}'\n", names.key));
    let folder = folder(
        assignment(Place::EnvLocal).as_deref(),
        // One of the two files is enough.
        Some(assignment(Place::Env).as_deref().unwrap_or("OTHER=1")),
        line.as_deref(),
    );
    let mut command = bridge(command);
    command.current_dir(&folder).arg("--dotenv");
    if value(Place::File).is_some() {
        command.args(["--config", "hexclave-bridge.toml"]);
    }
    if let Some(value) = value(Place::Environment) {
        command.env(names.variable, value);
    }
    if let Some(value) = value(Place::Flag) {
        command.args([names.flag, value]);
    }
    run(command, stdin).await
}

#[tokio::test]
async fn a_place_counts_if_none_before_it_has_the_setting() {
    let project_id = Names {
        flag: "--project-id",
        variable: "HEXCLAVE_PROJECT_ID",
        key: "project-id",
    };
    let api_url = Names {
        flag: "--api-url",
        variable: "HEXCLAVE_API_URL",
        key: "api-url",
    };
    let projects = ["a", "b", "c", "d", "e"].map(|digit| PROJECT.replace('5', digit));
    let urls = ["a", "b", "c", "d", "e"].map(|name| format!("https://{name}.example.com"));
    for first in 0..PLACES.len() {
        for (names, values, with_project) in [(&project_id, &projects, false), (&api_url, &urls, true)] {
            let mut command = vec!["convex", "auth-config", "--format", "json"];
            if with_project {
                command.extend(["--project-id", PROJECT]);
            }
            let set: Vec<_> = PLACES
                .into_iter()
                .zip(values.iter().map(String::as_str))
                .skip(first)
                .collect();
            let output = with(&command, names, &set, None).await;
            assert_eq!(exit(&output), 0, "{}", stderr(&output));
            let issuer = &json_of(&output)["providers"][0]["issuer"];
            let issuer = issuer.as_str().expect("a text");
            assert!(issuer.contains(&values[first]), "{:?}: {issuer}", PLACES[first]);
        }
    }
}

#[tokio::test]
async fn who_is_let_in_can_be_set_everywhere() {
    let hexclave = hexclave().await;
    let guest = hexclave.sign_up_anonymously().await.expect("tokens").access_token;
    let names = Names {
        flag: "--allow",
        variable: "HEXCLAVE_BRIDGE_ALLOW",
        key: "allow",
    };
    let url = hexclave.config().api_url().as_str().to_owned();
    let command = ["verify", "--json", "--project-id", PROJECT, "--api-url", &url];
    for (first, highest) in PLACES.into_iter().enumerate() {
        for (here, below, code) in [("normal", "anonymous", 1), ("anonymous", "normal", 0)] {
            let set: Vec<_> = PLACES
                .into_iter()
                .skip(first)
                .map(|place| (place, if place == highest { here } else { below }))
                .collect();
            let output = with(&command, &names, &set, Some(guest.expose().to_owned())).await;
            assert_eq!(exit(&output), code, "{highest:?}: {}", stdout(&output));
        }
    }

    let folder = folder(None, None, Some("allow = [\"normal\", \"anonymous\"]\n"));
    let mut command = at(&hexclave, &["verify", "--config", "hexclave-bridge.toml"]);
    command.current_dir(&folder);
    assert_eq!(exit(&run(command, Some(guest.expose().to_owned())).await), 0);
}

#[tokio::test]
async fn the_configuration_for_convex_can_be_set_everywhere() {
    let kinds = Names {
        flag: "--kinds",
        variable: "HEXCLAVE_BRIDGE_CONVEX_KINDS",
        key: "convex.kinds",
    };
    let command = [
        "convex",
        "auth-config",
        "--offline",
        "--format",
        "json",
        "--project-id",
        PROJECT,
    ];
    for (first, highest) in PLACES.into_iter().enumerate() {
        for (here, below, providers) in [
            ("normal,restricted,anonymous", "normal", 6),
            ("normal", "anonymous,normal", 2),
        ] {
            let set: Vec<_> = PLACES
                .into_iter()
                .skip(first)
                .map(|place| (place, if place == highest { here } else { below }))
                .collect();
            let output = with(&command, &kinds, &set, None).await;
            let found = json_of(&output)["providers"].as_array().map(Vec::len);
            assert_eq!(found, Some(providers), "{highest:?}: {}", stderr(&output));
        }
    }

    let folder = folder(
        None,
        None,
        Some("[convex]\naliases = false\nenv = 'MY_PROJECT'\n"),
    );
    let emit = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = bridge(&[
            "convex",
            "auth-config",
            "--offline",
            "--config",
            "hexclave-bridge.toml",
        ]);
        command
            .args(args)
            .envs(variables.iter().copied())
            .current_dir(&folder);
        run(command, None)
    };
    let hosts = |output: &Output| {
        ["api.hexclave.com", "api.stack-auth.com"].map(|host| stdout(output).contains(host))
    };
    let output = emit(&[], &[]).await;
    assert!(
        stdout(&output).contains("process.env.MY_PROJECT"),
        "{}",
        stdout(&output)
    );
    assert_eq!(hosts(&output), [true, false]);
    let output = emit(&["--aliases", "--env=OTHER"], &[]).await;
    assert!(
        stdout(&output).contains("process.env.OTHER"),
        "{}",
        stdout(&output)
    );
    assert_eq!(hosts(&output), [true, true]);
    let on = [("HEXCLAVE_BRIDGE_CONVEX_ALIASES", "true")];
    assert_eq!(hosts(&emit(&[], &on).await), [true, true]);
    assert_eq!(hosts(&emit(&["--aliases=false"], &on).await), [true, false]);
    let output = emit(&[], &[("HEXCLAVE_BRIDGE_CONVEX_JWKS", "somewhere")]).await;
    assert_eq!(exit(&output), 2);
    let said = stderr(&output);
    assert!(
        said.contains("HEXCLAVE_BRIDGE_CONVEX_JWKS") && said.contains("url or inline"),
        "{said}"
    );
}

/// A secret in each of its places, with another one in those behind it.
#[tokio::test]
async fn secrets_come_from_variables_files_and_standard_input() {
    let hexclave = hexclave().await;
    let (token, _) = normal_user(&hexclave).await;
    let short = "hunter2";
    for (first, highest) in PLACES.into_iter().enumerate() {
        for (here, below, code) in [(JWT_SECRET, short, 0), (short, JWT_SECRET, 2)] {
            let value = |place| if place == highest { here } else { below };
            let is_set = |place| PLACES.iter().skip(first).any(|set| *set == place);
            let assignment = |place| is_set(place).then(|| format!("SUPABASE_JWT_SECRET={}\n", value(place)));
            let folder = folder(
                assignment(Place::EnvLocal).as_deref(),
                Some(assignment(Place::Env).as_deref().unwrap_or_default()),
                Some("[supabase]\njwt-secret-file = 'of-the-file'\n"),
            );
            for (name, place) in [("of-the-flag", Place::Flag), ("of-the-file", Place::File)] {
                fs::write(folder.path().join(name), format!("{}\n", value(place))).expect("a file");
            }
            let mut command = at(&hexclave, &["supabase", "token", "--dotenv"]);
            command
                .current_dir(&folder)
                .args(["--config", "hexclave-bridge.toml"]);
            if is_set(Place::Flag) {
                command.args(["--jwt-secret-file", "of-the-flag"]);
            }
            if is_set(Place::Environment) {
                command.env("SUPABASE_JWT_SECRET", value(Place::Environment));
            }
            let output = run(command, Some(token.clone())).await;
            assert_eq!(exit(&output), code, "{highest:?}: {}", stderr(&output));
            assert!(!stderr(&output).contains("hunter2"), "{}", stderr(&output));
            let origin = [
                "of-the-flag: ",
                "variable SUPABASE_JWT_SECRET: ",
                "variable SUPABASE_JWT_SECRET in .env.local: ",
                "variable SUPABASE_JWT_SECRET in .env: ",
                "of-the-file: ",
            ][first];
            assert_eq!(stderr(&output).contains(origin), code == 2, "{}", stderr(&output));
        }
    }

    let mut command = at(
        &hexclave,
        &["supabase", "token", "--jwt-secret-file", "-", &token],
    );
    command.env("SUPABASE_JWT_SECRET", short);
    let output = run(command, Some(format!("{JWT_SECRET}\n"))).await;
    assert_eq!(exit(&output), 0, "{}", stderr(&output));
}

async fn minted(command: &[&str], variables: &[(&str, &str)], stdin: &str) -> (i32, Value) {
    let mut command = bridge(command);
    command.envs(variables.iter().copied()).args(["--json"]);
    let output = run(command, Some(stdin.to_owned())).await;
    (exit(&output), json_of(&output)["error"].clone())
}

#[tokio::test]
async fn what_contradicts_itself_is_refused() {
    let command = ["supabase", "token", "--project-id", PROJECT];
    let both = [
        ("SUPABASE_JWT_SECRET", JWT_SECRET),
        ("SUPABASE_JWT_SECRET_FILE", "/x"),
    ];
    let (code, error) = minted(&command, &both, "x").await;
    assert_eq!((code, error["code"].as_str()), (2, Some("invalid_config")));

    let twice = [
        "supabase",
        "token",
        "--project-id",
        PROJECT,
        "--jwt-secret-file",
        "-",
    ];
    let (code, error) = minted(&twice, &[], JWT_SECRET).await;
    assert_eq!((code, error["code"].as_str()), (2, Some("standard_input_taken")));

    for (file, text) in [("", "cannot be read"), ("empty", "is empty")] {
        let folder = folder(None, None, None);
        fs::write(folder.path().join("empty"), "\n").expect("a file");
        let path = folder.path().join(file);
        let variables = [("SUPABASE_JWT_SECRET_FILE", path.to_str().expect("UTF-8"))];
        let (code, error) = minted(&command, &variables, "x").await;
        let message = error["message"].as_str().expect("a text");
        assert!(
            code == 2 && message.contains("SUPABASE_JWT_SECRET_FILE") && message.contains(text),
            "{error}"
        );
    }

    // Who gives the secret in the place of its file's name is not shown it.
    let folder = folder(
        None,
        None,
        Some(&format!("supabase.jwt-secret-file = '{JWT_SECRET}'\n")),
    );
    let config = folder.path().join("hexclave-bridge.toml");
    let config = config.to_str().expect("UTF-8");
    for (place, variables) in [
        (["--jwt-secret-file", JWT_SECRET], &[][..]),
        (["--config", config], &[]),
        (["--allow", "normal"], &[("SUPABASE_JWT_SECRET_FILE", JWT_SECRET)]),
    ] {
        let mut command = bridge(&[&command[..], &place].concat());
        command.envs(variables.iter().copied());
        let output = run(command, Some("x".to_owned())).await;
        let said = stdout(&output) + &stderr(&output);
        assert_eq!(exit(&output), 2, "{said}");
        assert!(said.contains("not shown") && !said.contains(JWT_SECRET), "{said}");
    }

    let output = run(
        bridge(&["convex", "auth-config", "--project-id", PROJECT, "--dotenv"]),
        None,
    );
    let output = output.await;
    assert_eq!(exit(&output), 2);
    assert!(stderr(&output).contains(".env.local"), "{}", stderr(&output));
}

#[tokio::test]
async fn files_are_read_on_request_only() {
    let folder = folder(
        Some("HEXCLAVE_PROJECT_ID=\n"),
        Some(&format!("STACK_PROJECT_ID={PROJECT}")),
        Some(&format!("project-id = '{PROJECT}'\ndotenv = true\n")),
    );
    let emit = |args: &'static [&'static str], variables: &'static [(&str, &str)]| {
        let mut command = bridge(&["convex", "auth-config"]);
        command
            .args(args)
            .envs(variables.iter().copied())
            .current_dir(&folder);
        run(command, None)
    };
    for (args, variables, code) in [
        (&[][..], &[][..], 2),
        (&["--dotenv"], &[], 0),
        (&[], &[("HEXCLAVE_BRIDGE_DOTENV", "true")], 0),
        (&[], &[("HEXCLAVE_BRIDGE_DOTENV", "yes")], 2),
        (&["--config", "hexclave-bridge.toml"], &[], 0),
        (&[], &[("HEXCLAVE_BRIDGE_CONFIG", "hexclave-bridge.toml")], 0),
        (&["--config", "missing.toml"], &[], 2),
    ] {
        let output = emit(args, variables).await;
        assert_eq!(exit(&output), code, "{args:?} {variables:?}: {}", stderr(&output));
    }
}

async fn complaint(file: &str) -> String {
    let folder = folder(None, None, Some(file));
    let mut command = bridge(&["convex", "auth-config", "--config", "hexclave-bridge.toml"]);
    command.current_dir(&folder);
    let output = run(command, None).await;
    assert_eq!(exit(&output), 2, "{file}");
    let text = stderr(&output);
    assert!(!text.contains("hunter2") && !text.contains('\u{1b}'), "{text}");
    text
}

#[tokio::test]
async fn a_settings_file_that_is_wrong_is_shown_where_and_without_secrets() {
    for (file, texts) in [
        (
            "# mine\nprojct-id = 'hunter2'\n",
            &[
                "hexclave-bridge.toml, line 2: `projct-id`",
                "did you mean `project-id`?",
                "2 │ projct-id = *********",
            ][..],
        ),
        (
            "[supabase]\njwt_secret_file = 'x'\n",
            &["did you mean `supabase.jwt-secret-file`?"],
        ),
        (
            "jwt-secret-file = 'x'\n",
            &["did you mean `supabase.jwt-secret-file`?"],
        ),
        (
            "[supabase]\njwt-secret = 'hunter2'\n",
            &[
                "line 2",
                "secrets do not stand in this file",
                "SUPABASE_JWT_SECRET",
                "jwt-secret-file",
            ],
        ),
        (
            "colour = 'red'\n",
            &["`colour` is not a setting", "there are: ", "project-id"],
        ),
        ("[server]\nproject-id = 'x'\n", &["`server` is not a setting"]),
        (
            "project-id = 7\n",
            &["`project-id` takes a text in quotes", "1 │ project-id = 7"],
        ),
        ("dotenv = 'yes'\n", &["`dotenv` takes true or false"]),
        ("allow = ['normal', 1]\n", &["`allow` takes a list of texts"]),
        (
            "project-id = 'x/y'\n",
            &["`project-id` in hexclave-bridge.toml: ", "1 │ project-id = 'x/y'"],
        ),
        (
            "api-url = 'https://ada:hunter2@example.com'\n",
            &["`api-url` in", "password"],
        ),
        ("# hunter2\nkey = hunter2\n", &["line 2", "it is not TOML"]),
        ("api_key = 'hunter2\n", &["line 1", "it is not TOML"]),
    ] {
        let complaint = complaint(file).await;
        for text in texts {
            assert!(complaint.contains(text), "{text} in {complaint}");
        }
    }
    assert!(!Path::new("hexclave-bridge.toml").exists());
}
