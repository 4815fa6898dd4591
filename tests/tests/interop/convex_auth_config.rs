//! Emitted auth configurations in the hands of Convex's own packages, and beside Hexclave's own helper.

use hexclave_convex::{AuthConfig, AuthConfigBuilder, Compatibility};
use hexclave_core::{AcceptedKinds, ProjectConfig, UserKind};
use hexclave_testkit::hexclave::{Issuer, ServerSecret};
use hexclave_tests::node;
use serde_json::{Value, json};

const PROJECT: &str = "11111111-2222-4333-8444-555555555555";
const SERVER_SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn project(api_url: &str) -> ProjectConfig {
    ProjectConfig::builder()
        .project_id(PROJECT.parse().expect("a project"))
        .api_url(api_url.parse().expect("a URL"))
        .build()
        .expect("a config")
}

fn json_of(config: &AuthConfig) -> Value {
    serde_json::from_str(&config.to_json()).expect("JSON")
}

#[test]
fn emitted_files_are_what_convex_evaluates() {
    let (cloud, local) = (
        project("https://api.hexclave.com"),
        project("http://localhost:8102"),
    );
    let issuer = Issuer::new(
        &ServerSecret::new(SERVER_SECRET).expect("a secret"),
        cloud.clone(),
    );
    let keys = issuer.and_then(|issuer| issuer.project_keys()).expect("keys");
    let all = |project| AuthConfig::for_project(project).kinds(AcceptedKinds::ALL);
    let from_environment = |builder: AuthConfigBuilder<'_>| {
        let builder = builder.project_id_from_environment("HEXCLAVE_PROJECT_ID");
        builder.expect("a name").build()
    };
    let odd = json!([
        {
            "type": "customJwt", "issuer": "https://example.com/\u{2028}\"\\", "algorithm": "RS256",
            "jwks": "data:,{}\n</script>`${process.exit(1)}`\u{7f}\u{feff} 'Zoë' 🦀",
        },
        { "applicationID": "app", "domain": "https://example.com" },
    ]);
    let configs = [
        (AuthConfig::for_project(&cloud).build(), json!({})),
        (all(&local).build(), json!({})),
        (all(&cloud).build_inline(&keys).expect("keys"), json!({})),
        (
            AuthConfig::for_project(&cloud)
                .compatibility(Compatibility::Upstream)
                .build(),
            json!({}),
        ),
        (
            from_environment(all(&cloud)),
            json!({ "HEXCLAVE_PROJECT_ID": PROJECT }),
        ),
        (
            AuthConfig::from_json(&odd.to_string()).expect("a list"),
            json!({}),
        ),
        (AuthConfig::from_json("[]").expect("a list"), json!({})),
    ];
    let mut files = Vec::new();
    let mut expected = Vec::new();
    let mut add = |name: &str, text: String, environment: &Value, json: Value| {
        files.push(json!({ "name": name, "text": text, "environment": environment }));
        expected.push(json);
    };
    for (config, environment) in &configs {
        add(
            "auth.config.ts",
            config.to_typescript(),
            environment,
            json!({ "ok": json_of(config) }),
        );
        add(
            "auth.config.js",
            config.to_javascript(),
            environment,
            json!({ "ok": json_of(config) }),
        );
    }

    // Merged into somebody's own file.
    let mine = "import type { AuthConfig } from \"convex/server\";\n\
        declare const process: { env: { MINE: string } };\n\
        export default {\n  providers: [\n    { domain: process.env.MINE, applicationID: \"convex\" },\n    \
        // hexclave-bridge: begin\n    // hexclave-bridge: end\n  ],\n} satisfies AuthConfig;\n";
    let (config, _) = &configs[0];
    let merged = config.merge_into_script(mine).expect("a place");
    let mut both = json_of(config);
    let providers = both["providers"].as_array_mut().expect("a list");
    providers.insert(
        0,
        json!({ "domain": "https://mine.example.com", "applicationID": "convex" }),
    );
    add(
        "auth.config.ts",
        merged,
        &json!({ "MINE": "https://mine.example.com" }),
        json!({ "ok": both }),
    );

    // What Convex refuses is refused there, so that what passes says something.
    let unset = from_environment(all(&cloud)).to_typescript();
    let not_set = json!({ "error": "environment variable HEXCLAVE_PROJECT_ID is not set" });
    add("auth.config.ts", unset, &json!({ "OTHER": "x" }), not_set);
    for (text, refused) in [
        ("export default { providers: [String(Date.now())] };", "Date.now"),
        (
            "export default { providers: [String(Math.random())] };",
            "Math.random",
        ),
        ("export default { providers: [typeof fetch] };", "fetch"),
    ] {
        let error = format!("not supported while evaluating auth config: {refused}");
        add(
            "auth.config.js",
            text.to_owned(),
            &json!({}),
            json!({ "error": error }),
        );
    }

    let checked = node::run("convex-auth-config.mjs", &json!({ "files": files }));
    let results = checked["results"].as_array().expect("a list");
    assert_eq!(results.len(), expected.len());
    for ((file, result), expected) in files.iter().zip(results).zip(&expected) {
        assert_eq!(result, expected, "{}", file["text"]);
    }
}

#[test]
fn hexclaves_own_helper_makes_what_we_call_upstreams() {
    let bases = [
        None,
        Some("https://api.stack-auth.com"),
        Some("http://localhost:8102"),
        Some("https://hexclave.example.com:8443/path/"),
    ];
    let asked: Vec<_> = bases
        .iter()
        .map(|base| match base {
            Some(base) => json!({ "projectId": PROJECT, "baseUrl": base }),
            None => json!({ "projectId": PROJECT }),
        })
        .collect();
    let made = node::run(
        "convex-auth-config.mjs",
        &json!({ "files": [], "upstream": asked }),
    );
    for (base, theirs) in bases.iter().zip(made["upstream"].as_array().expect("a list")) {
        // Without a URL, the helper takes the one that its package was built with.
        let first = theirs["providers"][0]["issuer"].as_str().expect("a text");
        let host = first.split("/api/v1/").next().expect("a host");
        let project = project(base.unwrap_or(host));
        let ours = AuthConfig::for_project(&project)
            .kinds(AcceptedKinds::only(UserKind::Restricted))
            .compatibility(Compatibility::Upstream)
            .build();
        // As text: the order of providers and members is theirs, too.
        assert_eq!(json_of(&ours).to_string(), theirs.to_string());
    }
}
