//! Which provider a token belongs to.

use serde_json::{Value, json};

use crate::{
    INVALID, NO_PROVIDER, assert_outcome, good_keys, identity, passes, payload,
    support::{HEADER, ISSUER, PROJECT, provider, signed},
    with_changes,
};

#[tokio::test]
async fn issuers_are_compared_as_they_stand() {
    let keys = good_keys();
    for (name, configured, claimed, expected) in [
        (
            "slash at the token",
            "https://a.com/x",
            "https://a.com/x/",
            identity("https://a.com/x/"),
        ),
        (
            "slashes at the provider",
            "https://a.com/x//",
            "https://a.com/x",
            identity("https://a.com/x"),
        ),
        (
            "no scheme at the token",
            "https://a.com/x",
            "a.com/x",
            identity("a.com/x"),
        ),
        (
            "no scheme at the provider",
            "a.com/x",
            "https://a.com/x",
            identity("https://a.com/x"),
        ),
        (
            "http is another",
            "https://a.com/x",
            "http://a.com/x",
            NO_PROVIDER,
        ),
        (
            "upper-case scheme",
            "https://a.com/x",
            "HTTPS://a.com/x",
            NO_PROVIDER,
        ),
        (
            "case of the host",
            "https://a.com/x",
            "https://A.com/x",
            NO_PROVIDER,
        ),
        (
            "default port",
            "https://a.com/x",
            "https://a.com:443/x",
            NO_PROVIDER,
        ),
        (
            "percent encoding",
            "https://a.com/~x",
            "https://a.com/%7Ex",
            NO_PROVIDER,
        ),
        ("longer", "https://a.com/x", "https://a.com/x/y", NO_PROVIDER),
        ("blank", "https://a.com/x", " https://a.com/x", NO_PROVIDER),
        ("empty", "https://a.com/x", "", NO_PROVIDER),
        (
            "the host's other name",
            ISSUER,
            "https://api.stack-auth.com/api/v1/projects/11111111-2222-4333-8444-555555555555",
            NO_PROVIDER,
        ),
        (
            "a restricted user",
            ISSUER,
            "https://api.hexclave.com/api/v1/projects-restricted-users/11111111-2222-4333-8444-555555555555",
            NO_PROVIDER,
        ),
    ] {
        let configured = with_changes(provider(&keys), json!({ "issuer": configured }));
        let token = signed(HEADER, &payload(json!({ "iss": claimed })));
        assert_outcome(name, json!([configured]), &token, expected).await;
    }
}

#[tokio::test]
async fn the_audience_takes_part_in_the_choice() {
    let keys = good_keys();
    let strict = provider(&keys);
    let lax = with_changes(strict.clone(), json!({ "applicationID": null }));
    let lax_with_other_keys = with_changes(lax.clone(), json!({ "jwks": "data:,{\"keys\":[]}" }));
    let oidc = json!({ "applicationID": PROJECT, "domain": ISSUER });
    let other_oidc = json!({ "applicationID": "other", "domain": ISSUER });
    let without_keys = with_changes(strict.clone(), json!({ "jwks": "data:,{\"keys\":[]}" }));
    for (name, providers, audience, expected) in [
        ("equal", json!([strict]), json!(PROJECT), passes()),
        ("in a list", json!([strict]), json!(["x", PROJECT]), passes()),
        ("only one in a list", json!([strict]), json!(["x"]), NO_PROVIDER),
        ("empty list", json!([strict]), json!([]), NO_PROVIDER),
        (
            "a prefix",
            json!([strict]),
            json!(format!("{PROJECT}:anon")),
            NO_PROVIDER,
        ),
        ("none", json!([strict]), Value::Null, NO_PROVIDER),
        ("none wanted", json!([lax]), Value::Null, passes()),
        ("none wanted, one given", json!([lax]), json!("x"), passes()),
        ("no providers", json!([]), json!(PROJECT), NO_PROVIDER),
        (
            "the lax one shadows its sibling",
            json!([strict, lax_with_other_keys]),
            json!(PROJECT),
            INVALID,
        ),
        (
            "only the first is tried",
            json!([strict, without_keys]),
            json!(PROJECT),
            INVALID,
        ),
        (
            "OIDC comes first",
            json!([strict, oidc]),
            json!(PROJECT),
            Err(("Unauthenticated", 401)),
        ),
        (
            "OIDC for another",
            json!([strict, other_oidc]),
            json!(PROJECT),
            passes(),
        ),
    ] {
        let token = signed(HEADER, &payload(json!({ "aud": audience })));
        assert_outcome(name, providers, &token, expected).await;
    }
}
