//! Convex's rules for a provider list, those that it applies when a configuration is pushed.
//!
//! It looks at all providers three times: for mistakes that are often made, for the right members, and for usable
//! issuers. Where several providers are wrong, the first finding of the earliest look decides over the code.

use serde_json::{Map, Value};
use url::{Host, Url};

use super::provider::Algorithm;
use crate::{
    ConvexError, Provider,
    error::{Kind, quoted},
};

type Members = Map<String, Value>;

/// The providers in the document's order, repeated ones included.
pub(crate) fn providers(json: &str) -> Result<Vec<Provider>, ConvexError> {
    let document: Value = serde_json::from_str(json).map_err(|error| {
        ConvexError::new(Kind::ConfigNotJson, "the auth config is not JSON").with_source(error)
    })?;
    let entries = entries(&document)?;
    each(entries, |entry| {
        entry.as_object().map_or(Ok(()), no_common_mistake)
    })?;
    let entries = each(entries, Entry::read)?;
    each(&entries, Entry::provider)
}

/// The list of an object's `providers`, or the list that the document is.
pub(crate) fn entries(document: &Value) -> Result<&Vec<Value>, ConvexError> {
    let list = match document {
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
    list.as_array().ok_or_else(|| {
        ConvexError::new(
            Kind::ConfigSchema,
            "the `providers` of the auth config are not a list (expected a sequence)",
        )
    })
}

/// What is wrong with one provider.
struct Problem {
    kind: Kind,
    message: String,
}

/// Does the same with all, up to the first problem.
fn each<'a, T, R>(
    items: &'a [T],
    mut step: impl FnMut(&'a T) -> Result<R, Problem>,
) -> Result<Vec<R>, ConvexError> {
    let numbered = items.iter().enumerate().map(|(index, item)| {
        step(item).map_err(|problem| {
            ConvexError::new(problem.kind, format!("providers[{index}]: {}", problem.message))
        })
    });
    numbered.collect()
}

fn schema(message: impl Into<String>) -> Problem {
    Problem {
        kind: Kind::ConfigSchema,
        message: message.into(),
    }
}

fn no_common_mistake(members: &Members) -> Result<(), Problem> {
    for misspelt in ["applicationId", "applicationid"] {
        if members.contains_key(misspelt) {
            return Err(schema(format!("`{misspelt}` is spelt `applicationID`")));
        }
    }
    if provider_type(members) == "customJwt" {
        if members.contains_key("domain") {
            return Err(schema(
                "its type is customJwt so it cannot have a `domain`: the name is `issuer`",
            ));
        }
    } else if !matches!(provider_type(members), "oidc" | "unknown") {
        return Err(schema(format!(
            "its `type` is {}: expected \"customJwt\" or \"oidc\"",
            shown(members, "type")
        )));
    } else if members.contains_key("issuer") {
        return Err(schema(
            "its type is oidc so it cannot have an `issuer`: write `type: \"customJwt\"`, or `domain` for `issuer`",
        ));
    }
    let issuer = members.get("issuer").and_then(Value::as_str);
    let is_shared = matches!(issuer, Some("https://api.workos.com" | "https://api.workos.com/"));
    if is_shared && !members.contains_key("applicationID") {
        return Err(Problem {
            kind: Kind::ConfigInsecure,
            message: "tokens of https://api.workos.com are issued to everybody's applications: an \
                      `applicationID` is needed"
                .to_owned(),
        });
    }
    Ok(())
}

/// Convex takes a `type` that is no string for none at all, and calls that `unknown`.
fn provider_type(members: &Members) -> &str {
    members.get("type").and_then(Value::as_str).unwrap_or("unknown")
}

/// A provider whose members are right, and whose issuer is still the given text.
enum Entry {
    Oidc {
        application_id: String,
        domain: String,
    },
    CustomJwt {
        application_id: Option<String>,
        issuer: String,
        jwks: String,
        algorithm: Algorithm,
    },
}

impl Entry {
    fn read(entry: &Value) -> Result<Self, Problem> {
        let members = entry
            .as_object()
            .ok_or_else(|| schema("a provider is an object"))?;
        if provider_type(members) != "customJwt" {
            return Ok(Self::Oidc {
                application_id: text(members, "applicationID")?,
                domain: text(members, "domain")?,
            });
        }
        let application_id = match members.get("applicationID") {
            None | Some(Value::Null) => None,
            Some(_) => Some(text(members, "applicationID")?),
        };
        Ok(Self::CustomJwt {
            application_id,
            issuer: text(members, "issuer")?,
            jwks: text(members, "jwks")?,
            algorithm: Algorithm::from_name(&text(members, "algorithm")?).ok_or_else(|| {
                schema(format!(
                    "its `algorithm` is {}: expected \"RS256\" or \"ES256\"",
                    shown(members, "algorithm")
                ))
            })?,
        })
    }

    fn provider(&self) -> Result<Provider, Problem> {
        Ok(match self {
            Self::Oidc {
                application_id,
                domain,
            } => Provider::oidc(application_id.clone(), stored_issuer(domain)?),
            Self::CustomJwt {
                application_id,
                issuer,
                jwks,
                algorithm,
            } => Provider::custom_jwt(
                application_id.clone(),
                stored_issuer(issuer)?,
                jwks.clone(),
                *algorithm,
            ),
        })
    }
}

fn text(members: &Members, name: &str) -> Result<String, Problem> {
    match members.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
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
            // Convex looks at what is behind the last dot.
            name.contains('.')
                && !name.ends_with('.')
                && psl::suffix(name.as_bytes()).is_some_and(|suffix| suffix.is_known())
        }
        _ => false,
    }
}
