//! Convex's rules for a provider list, those that it applies when a configuration is pushed.

use serde_json::{Map, Value};
use url::{Host, Url};

use crate::{
    ConvexError, Provider,
    error::{Kind, quoted},
    provider::Algorithm,
};

type Members = Map<String, Value>;

pub(crate) fn providers(json: &str) -> Result<Vec<Provider>, ConvexError> {
    let document: Value = serde_json::from_str(json).map_err(|error| {
        ConvexError::new(Kind::ConfigNotJson, "the auth config is not JSON").with_source(error)
    })?;
    let list = match &document {
        Value::Null => {
            return Err(ConvexError::new(
                Kind::ConfigMissing,
                "the auth config is null: the file has no default export",
            ));
        }
        Value::Object(members) => members.get("providers").ok_or_else(|| {
            ConvexError::new(
                Kind::ConfigSchema,
                "the auth config has no list `providers` (missing field)",
            )
        })?,
        list => list,
    };
    let entries = list.as_array().ok_or_else(|| {
        ConvexError::new(
            Kind::ConfigSchema,
            "the `providers` of the auth config are not a list (expected a sequence)",
        )
    })?;
    let provider = |(index, entry)| {
        provider(entry).map_err(|problem| {
            ConvexError::new(problem.kind, format!("providers[{index}]: {}", problem.message))
        })
    };
    entries.iter().enumerate().map(provider).collect()
}

/// What is wrong with one provider.
struct Problem {
    kind: Kind,
    message: String,
}

fn schema(message: impl Into<String>) -> Problem {
    Problem {
        kind: Kind::ConfigSchema,
        message: message.into(),
    }
}

fn provider(entry: &Value) -> Result<Provider, Problem> {
    let members = entry
        .as_object()
        .ok_or_else(|| schema("a provider is an object"))?;
    for misspelt in ["applicationId", "applicationid"] {
        if members.contains_key(misspelt) {
            return Err(schema(format!("`{misspelt}` is spelt `applicationID`")));
        }
    }
    match members.get("type").map(Value::as_str) {
        None | Some(Some("oidc")) => oidc(members),
        Some(Some("customJwt")) => custom_jwt(members),
        Some(_) => Err(schema(format!(
            "its `type` is {}: expected \"customJwt\" or \"oidc\"",
            shown(members, "type")
        ))),
    }
}

fn oidc(members: &Members) -> Result<Provider, Problem> {
    if members.contains_key("issuer") {
        return Err(schema(
            "its type is oidc so it cannot have an `issuer`: write `type: \"customJwt\"`, or `domain` for `issuer`",
        ));
    }
    let application_id = text(members, "applicationID")?.to_owned();
    let domain = stored_issuer(text(members, "domain")?)?;
    Ok(Provider::oidc(application_id, domain))
}

fn custom_jwt(members: &Members) -> Result<Provider, Problem> {
    if members.contains_key("domain") {
        return Err(schema(
            "its type is customJwt so it cannot have a `domain`: the name is `issuer`",
        ));
    }
    let application_id = match members.get("applicationID") {
        None | Some(Value::Null) => None,
        Some(_) => Some(text(members, "applicationID")?.to_owned()),
    };
    let jwks = text(members, "jwks")?.to_owned();
    let algorithm = Algorithm::from_name(text(members, "algorithm")?).ok_or_else(|| {
        schema(format!(
            "its `algorithm` is {}: expected \"RS256\" or \"ES256\"",
            shown(members, "algorithm")
        ))
    })?;
    let issuer = stored_issuer(text(members, "issuer")?)?;
    if application_id.is_none() && matches!(issuer.trim_end_matches('/'), "https://api.workos.com") {
        return Err(Problem {
            kind: Kind::ConfigInsecure,
            message: "tokens of https://api.workos.com are issued to everybody's applications: an \
                      `applicationID` is needed"
                .to_owned(),
        });
    }
    Ok(Provider::custom_jwt(application_id, issuer, jwks, algorithm))
}

fn text<'a>(members: &'a Members, name: &str) -> Result<&'a str, Problem> {
    match members.get(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(schema(format!(
            "its `{name}` is {}: expected a string",
            shown(members, name)
        ))),
        None => Err(schema(format!("it has no `{name}`"))),
    }
}

fn shown(members: &Members, name: &str) -> String {
    match members.get(name) {
        Some(Value::String(text)) => quoted(text),
        Some(Value::Array(_)) => "a list".to_owned(),
        Some(Value::Object(_)) => "an object".to_owned(),
        Some(scalar) => scalar.to_string(),
        None => "absent".to_owned(),
    }
}

/// The issuer as Convex stores it: as given, with `https://` before it if it has no scheme.
fn stored_issuer(text: &str) -> Result<String, Problem> {
    let refuse = |why: &str| Problem {
        kind: Kind::ConfigIssuer,
        message: format!("its issuer {} is not a usable URL: {why}", quoted(text)),
    };
    if text.starts_with('"') {
        return Err(refuse("it starts with a quotation mark"));
    }
    let has_scheme = text.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty()
            && scheme
                .chars()
                .all(|letter| letter.is_alphanumeric() || letter == '_')
    });
    let stored = if has_scheme {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    let url = Url::parse(&stored).map_err(|error| refuse(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse("its scheme is neither https nor http"));
    }
    if !has_scheme && !is_well_known(url.host()) {
        return Err(refuse(
            "it has no scheme, and its host is neither localhost nor in a known top-level domain",
        ));
    }
    Ok(stored)
}

fn is_well_known(host: Option<Host<&str>>) -> bool {
    match host {
        Some(Host::Domain("localhost")) => true,
        Some(Host::Domain(name)) => {
            name.contains('.') && psl::suffix(name.as_bytes()).is_some_and(|suffix| suffix.is_known())
        }
        _ => false,
    }
}
