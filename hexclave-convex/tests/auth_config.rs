//! The provider list: made for a project, and read by Convex's rules.
#![allow(clippy::expect_used, reason = "all of this is test code")]

use hexclave_convex::{Algorithm, AuthConfig, Compatibility, Provider};
use hexclave_core::{AcceptedKinds, ProjectConfig, UserKind};
use serde_json::{Value, json};

const CLOUD: &str = "https://api.hexclave.com";
const PROJECT: &str = "11111111-2222-4333-8444-555555555555";

fn project(api_url: &str) -> ProjectConfig {
    ProjectConfig::builder()
        .project_id(PROJECT.parse().expect("a project id"))
        .api_url(api_url.parse().expect("an API URL"))
        .build()
        .expect("a project")
}

fn for_project(api_url: &str, kinds: AcceptedKinds) -> AuthConfig {
    AuthConfig::for_project(&project(api_url)).kinds(kinds).build()
}

#[test]
fn a_project_has_a_provider_for_each_host_and_kind() {
    let config = for_project(CLOUD, AcceptedKinds::ALL);
    let found: Vec<_> = config
        .providers()
        .iter()
        .map(|provider| {
            assert_eq!(provider.algorithm(), Some(Algorithm::Es256));
            assert!(!provider.is_oidc());
            (
                provider.application_id(),
                Some(provider.issuer()),
                provider.jwks(),
            )
        })
        .collect();
    let mut expected = Vec::new();
    for (suffix, folder, query) in [
        ("", "projects", ""),
        (":anon", "projects-anonymous-users", "?include_anonymous=true"),
        (
            ":restricted",
            "projects-restricted-users",
            "?include_restricted=true",
        ),
    ] {
        for host in [CLOUD, "https://api.stack-auth.com"] {
            expected.push((
                format!("{PROJECT}{suffix}"),
                format!("{host}/api/v1/{folder}/{PROJECT}"),
                format!("{host}/api/v1/projects/{PROJECT}/.well-known/jwks.json{query}"),
            ));
        }
    }
    let expected: Vec<_> = expected
        .iter()
        .map(|(id, issuer, jwks)| (Some(id.as_str()), Some(issuer.as_str()), Some(jwks.as_str())))
        .collect();
    assert_eq!(found, expected);

    let only_anonymous = for_project("http://localhost:8102", AcceptedKinds::only(UserKind::Anonymous));
    let [provider] = only_anonymous.providers() else {
        panic!("a self-hosted server has one name")
    };
    assert_eq!(
        provider.issuer(),
        format!("http://localhost:8102/api/v1/projects-anonymous-users/{PROJECT}")
    );
}

#[test]
fn the_hosts_other_name_can_be_left_out() {
    let project = project(CLOUD);
    let config = AuthConfig::for_project(&project).aliases(false).build();
    let issuers: Vec<_> = config.providers().iter().map(Provider::issuer).collect();
    assert_eq!(issuers, [format!("{CLOUD}/api/v1/projects/{PROJECT}")]);
}

#[test]
fn upstreams_configuration_is_had_to_the_letter() {
    let upstream = |api_url: &str| {
        let project = project(api_url);
        let config = AuthConfig::for_project(&project)
            .kinds(AcceptedKinds::ALL)
            .compatibility(Compatibility::Upstream)
            .build();
        serde_json::from_str::<Value>(&config.to_json()).expect("JSON")
    };
    let expected = |host: &str| {
        let keys = format!("{host}/api/v1/projects/{PROJECT}/.well-known/jwks.json");
        json!({ "providers": [
            {
                "type": "customJwt", "issuer": format!("{host}/api/v1/projects/{PROJECT}"),
                "jwks": keys, "algorithm": "ES256",
            },
            {
                "type": "customJwt", "issuer": format!("{host}/api/v1/projects-anonymous-users/{PROJECT}"),
                "jwks": format!("{keys}?include_anonymous=true"), "algorithm": "ES256",
            },
        ] })
    };
    assert_eq!(upstream(CLOUD).to_string(), expected(CLOUD).to_string());
    assert_eq!(
        upstream("https://self-hosted.example.com/path"),
        expected("https://self-hosted.example.com")
    );
}

#[test]
fn only_convexs_names_of_variables_are_taken() {
    let project = project(CLOUD);
    let named = |name: &str| AuthConfig::for_project(&project).project_id_from_environment(name);
    for good in ["A", "a_1", "HEXCLAVE_PROJECT_ID", &"x".repeat(256)] {
        assert!(named(good).is_ok(), "{good}");
    }
    for bad in ["", "1A", "_A", "A-B", "A B", "É", "A}`", &"x".repeat(257)] {
        let error = named(bad).expect_err(bad);
        assert_eq!(error.code(), "InvalidEnvironmentName");
    }
}

/// A good provider with some members changed; null takes a member out.
fn provider(changes: Value) -> Value {
    let mut provider = json!({
        "type": "customJwt", "applicationID": "app", "issuer": "https://api.hexclave.com/x",
        "jwks": "https://api.hexclave.com/jwks.json", "algorithm": "ES256",
    });
    let members = provider.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => members.shift_remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
    provider
}

fn with_issuer(issuer: &str) -> Value {
    provider(json!({ "issuer": issuer }))
}

#[test]
fn what_convex_accepts_is_accepted() {
    for (name, entry, issuer) in [
        ("plain", provider(json!({})), "https://api.hexclave.com/x"),
        (
            "no application id",
            provider(json!({ "applicationID": null })),
            "https://api.hexclave.com/x",
        ),
        (
            "unknown members",
            provider(json!({ "audience": 7, "appID": {} })),
            "https://api.hexclave.com/x",
        ),
        (
            "any text for keys",
            provider(json!({ "jwks": "" })),
            "https://api.hexclave.com/x",
        ),
        (
            "RS256",
            provider(json!({ "algorithm": "RS256" })),
            "https://api.hexclave.com/x",
        ),
        (
            "nothing is normalised",
            with_issuer("https://API.hexclave.com:443/%7Ex/?q#f/"),
            "https://API.hexclave.com:443/%7Ex/?q#f/",
        ),
        ("http", with_issuer("http://internal/x"), "http://internal/x"),
        (
            "an address",
            with_issuer("http://127.0.0.1:8102"),
            "http://127.0.0.1:8102",
        ),
        (
            "a template string's mistake",
            with_issuer("https://undefined/api/v1/projects/undefined"),
            "https://undefined/api/v1/projects/undefined",
        ),
        (
            "no scheme",
            with_issuer("api.hexclave.com/x"),
            "https://api.hexclave.com/x",
        ),
        (
            "no scheme, localhost",
            with_issuer("localhost:8102/x"),
            "https://localhost:8102/x",
        ),
        (
            "no scheme, a suffix of two labels",
            with_issuer("hexclave.co.uk"),
            "https://hexclave.co.uk",
        ),
        (
            "WorkOS for one application",
            with_issuer("https://api.workos.com/"),
            "https://api.workos.com/",
        ),
        (
            "WorkOS, but not that issuer",
            provider(json!({ "applicationID": null, "issuer": "https://api.workos.com/user_management/x" })),
            "https://api.workos.com/user_management/x",
        ),
        (
            "OIDC",
            json!({ "applicationID": "app", "domain": "https://example.com" }),
            "https://example.com",
        ),
        (
            "WorkOS without a scheme is not looked for",
            provider(json!({ "applicationID": null, "issuer": "api.workos.com" })),
            "https://api.workos.com",
        ),
        (
            "a type that is no text is none",
            json!({ "type": 7, "applicationID": "app", "domain": "https://example.com" }),
            "https://example.com",
        ),
        (
            "a type of that name is none either",
            json!({ "type": "unknown", "applicationID": "app", "domain": "https://example.com" }),
            "https://example.com",
        ),
        (
            "OIDC by name",
            json!({ "type": "oidc", "applicationID": "app", "domain": "example.com" }),
            "https://example.com",
        ),
    ] {
        for document in [json!([entry]), json!({ "providers": [entry], "more": 1 })] {
            let config = AuthConfig::from_json(&document.to_string()).expect(name);
            let issuers: Vec<_> = config.providers().iter().map(Provider::issuer).collect();
            assert_eq!(issuers, [issuer], "{name}");
        }
    }
    for issuer in ["https://a.com", "https://api.workos.com"] {
        let null = json!([{
            "type": "customJwt", "applicationID": null, "issuer": issuer, "jwks": "", "algorithm": "ES256",
        }]);
        let config = AuthConfig::from_json(&null.to_string()).expect("null is none, and there");
        assert_eq!(
            config.providers().first().and_then(Provider::application_id),
            None
        );
    }
}

#[test]
fn all_providers_are_looked_at_for_one_thing_before_the_next() {
    let insecure = || provider(json!({ "applicationID": null, "issuer": "https://api.workos.com" }));
    let misspelt = || provider(json!({ "applicationId": "a" }));
    let without_keys = || provider(json!({ "jwks": null }));
    let no_url = || with_issuer("foo");
    for (providers, code, said) in [
        (
            json!([no_url(), without_keys()]),
            "AuthConfigNotMatchingSchemaError",
            "[1]",
        ),
        (
            json!([without_keys(), insecure()]),
            "InsecureConfiguration",
            "[1]",
        ),
        (json!([no_url(), insecure()]), "InsecureConfiguration", "[1]"),
        (json!([insecure(), misspelt()]), "InsecureConfiguration", "[0]"),
        (
            json!([misspelt(), insecure()]),
            "AuthConfigNotMatchingSchemaError",
            "[0]: `applicationId`",
        ),
        (
            json!([7, misspelt()]),
            "AuthConfigNotMatchingSchemaError",
            "[1]: `applicationId`",
        ),
        (
            json!([provider(json!({})), no_url(), no_url()]),
            "InvalidProviderDomainUrl",
            "[1]",
        ),
    ] {
        let error = AuthConfig::from_json(&providers.to_string()).expect_err("a bad list");
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn what_convex_refuses_is_refused_with_its_code() {
    const SCHEMA: &str = "AuthConfigNotMatchingSchemaError";
    const URL: &str = "InvalidProviderDomainUrl";
    let one = |entry: Value| json!([entry]).to_string();
    for (document, code, said) in [
        ("".to_owned(), "AuthConfigUnserializableError", "not JSON"),
        (
            "export default {}".to_owned(),
            "AuthConfigUnserializableError",
            "not JSON",
        ),
        (
            "null".to_owned(),
            "AuthConfigMissingExportError",
            "default export",
        ),
        ("{}".to_owned(), SCHEMA, "`providers`"),
        (r#"{"providers":null}"#.to_owned(), SCHEMA, "not a list"),
        (r#"{"providers":{}}"#.to_owned(), SCHEMA, "not a list"),
        ("7".to_owned(), SCHEMA, "not a list"),
        (
            "[null]".to_owned(),
            SCHEMA,
            "providers[0]: a provider is an object",
        ),
        ("[{}]".to_owned(), SCHEMA, "it has no `applicationID`"),
        (one(json!({ "applicationID": "a" })), SCHEMA, "it has no `domain`"),
        (
            one(json!({ "domain": "https://a.com" })),
            SCHEMA,
            "it has no `applicationID`",
        ),
        (
            one(json!({ "domain": 7, "applicationID": "a" })),
            SCHEMA,
            "its `domain` is 7",
        ),
        (
            one(provider(json!({ "issuer": null }))),
            SCHEMA,
            "it has no `issuer`",
        ),
        (one(provider(json!({ "jwks": null }))), SCHEMA, "it has no `jwks`"),
        (
            one(provider(json!({ "jwks": { "keys": [] } }))),
            SCHEMA,
            "its `jwks` is an object",
        ),
        (
            one(provider(json!({ "algorithm": null }))),
            SCHEMA,
            "it has no `algorithm`",
        ),
        (
            one(provider(json!({ "algorithm": "EdDSA" }))),
            SCHEMA,
            "its `algorithm` is \"EdDSA\"",
        ),
        (
            one(provider(json!({ "algorithm": "es256" }))),
            SCHEMA,
            "its `algorithm` is \"es256\"",
        ),
        (
            one(provider(json!({ "applicationID": ["a"] }))),
            SCHEMA,
            "its `applicationID` is a list",
        ),
        (
            one(provider(json!({ "type": "customJWT" }))),
            SCHEMA,
            "its `type` is \"customJWT\"",
        ),
        (
            one(provider(json!({ "type": 7 }))),
            SCHEMA,
            "cannot have an `issuer`",
        ),
        (
            one(json!({ "type": "saml", "applicationID": "a", "domain": "https://a.com" })),
            SCHEMA,
            "providers[0]: its `type` is \"saml\"",
        ),
        (
            one(json!({ "applicationID": null, "domain": "https://a.com" })),
            SCHEMA,
            "its `applicationID` is null",
        ),
        (one(json!("https://a.com")), SCHEMA, "a provider is an object"),
        (r#""providers""#.to_owned(), SCHEMA, "not a list"),
        (r#"{"Providers":[]}"#.to_owned(), SCHEMA, "`providers`"),
        (one(provider(json!({ "issuer": 7 }))), SCHEMA, "its `issuer` is 7"),
        (
            one(provider(json!({ "jwks": false }))),
            SCHEMA,
            "its `jwks` is false",
        ),
        (
            one(provider(json!({ "type": null }))),
            SCHEMA,
            "cannot have an `issuer`",
        ),
        (
            one(provider(json!({ "type": "oidc" }))),
            SCHEMA,
            "cannot have an `issuer`",
        ),
        (
            one(provider(json!({ "domain": "https://a.com" }))),
            SCHEMA,
            "cannot have a `domain`",
        ),
        (
            one(provider(json!({ "applicationId": "a" }))),
            SCHEMA,
            "is spelt `applicationID`",
        ),
        (
            one(provider(json!({ "applicationid": "a" }))),
            SCHEMA,
            "is spelt `applicationID`",
        ),
        (
            json!([provider(json!({})), {}]).to_string(),
            SCHEMA,
            "providers[1]",
        ),
        (one(with_issuer("")), URL, "empty host"),
        (one(with_issuer("https://")), URL, "empty host"),
        (one(with_issuer("\"https://a.com\"")), URL, "quotation mark"),
        (one(with_issuer("ftp://a.com")), URL, "scheme"),
        (
            one(with_issuer("stack_auth://a.com")),
            URL,
            "\"stack_auth://a.com\"",
        ),
        (one(with_issuer("https:a.com")), URL, "port"),
        (one(with_issuer("a b.com")), URL, "domain"),
        (one(with_issuer("127.0.0.1:8102")), URL, "top-level domain"),
        (one(with_issuer("[::1]:8102")), URL, "top-level domain"),
        (one(with_issuer("foo")), URL, "top-level domain"),
        (one(with_issuer("internal/x")), URL, "top-level domain"),
        (one(with_issuer("hexclave.internal/x")), URL, "top-level domain"),
        (one(with_issuer("hexclave.com./x")), URL, "top-level domain"),
        (one(with_issuer("x.localhost")), URL, "top-level domain"),
        (one(with_issuer("://a.com")), URL, "empty host"),
        (one(with_issuer("http://")), URL, "empty host"),
        (one(with_issuer("https://a.com:99999")), URL, "port"),
        (one(with_issuer("https://a b.com")), URL, "domain"),
        (one(with_issuer("file:///a.com")), URL, "scheme"),
        (
            one(with_issuer("undefined/api/v1/projects/x")),
            URL,
            "top-level domain",
        ),
        (
            one(json!({ "domain": "foo", "applicationID": "a" })),
            URL,
            "top-level domain",
        ),
        (
            one(provider(
                json!({ "applicationID": null, "issuer": "https://api.workos.com" }),
            )),
            "InsecureConfiguration",
            "applicationID",
        ),
        (
            one(provider(
                json!({ "applicationID": null, "issuer": "https://api.workos.com/" }),
            )),
            "InsecureConfiguration",
            "applicationID",
        ),
    ] {
        let error = AuthConfig::from_json(&document).expect_err(&document);
        assert_eq!(
            (error.code(), error.http_status()),
            (code, 400),
            "{document}: {error}"
        );
        assert!(error.to_string().contains(said), "{document}: {error}");
        assert!(!error.is_unreachable());
    }
    let long = one(with_issuer(&"\u{1b}[31m".repeat(10_000)));
    let error = AuthConfig::from_json(&long).expect_err("no URL").to_string();
    assert!(error.len() < 2_000 && !error.contains('\u{1b}'), "{error}");
}

#[test]
fn providers_are_kept_in_convexs_order() {
    let entry = |id: Value, issuer: &str, jwks: &str| json!({ "type": "customJwt", "applicationID": id, "issuer": issuer, "jwks": jwks, "algorithm": "ES256" });
    let expected = [
        json!({ "applicationID": "z", "domain": "https://z.com" }),
        entry(Value::Null, "https://z.com", "z"),
        entry(json!("a"), "https://b.com", "a"),
        entry(json!("a"), "https://b.com", "b"),
        entry(json!("a"), "https://c.com", "a"),
        entry(json!("b"), "https://a.com", "a"),
    ];
    let in_order = AuthConfig::from_json(&json!(expected).to_string()).expect("a provider list");
    let mut twice_backwards: Vec<_> = expected.iter().chain(&expected).collect();
    twice_backwards.reverse();
    let shuffled = AuthConfig::from_json(&json!(twice_backwards).to_string()).expect("a provider list");
    assert_eq!(shuffled, in_order);
    let read: Vec<_> = shuffled
        .providers()
        .iter()
        .map(|provider| (provider.is_oidc(), provider.issuer(), provider.jwks()))
        .collect();
    assert_eq!(
        read,
        [
            (true, "https://z.com", None),
            (false, "https://z.com", Some("z")),
            (false, "https://b.com", Some("a")),
            (false, "https://b.com", Some("b")),
            (false, "https://c.com", Some("a")),
            (false, "https://a.com", Some("a")),
        ]
    );
}
