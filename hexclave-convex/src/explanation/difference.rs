//! How a provider differs from the token that it does not match.

use hexclave_core::ApiUrl;
use url::Url;

use crate::{Provider, config::issuer::HexclaveIssuer, config::provider::normalized, error::quoted};

/// One thing in which a provider and a token differ.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    pub(crate) what: What,
    /// What the two say, as part of a sentence.
    pub(crate) text: String,
}

/// Of several, the last one in this order is to be seen to first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    HostAlias,
    Spelling,
    Kind,
    AudienceKind,
    Scheme,
    NoAudience,
    Audience,
    Host,
    Project,
    Path,
    UnsetVariable,
}

impl What {
    /// A stable name for programs.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::HostAlias => "host_alias",
            Self::Spelling => "spelling",
            Self::UnsetVariable => "unset_variable",
            Self::Kind => "kind",
            Self::AudienceKind => "audience_kind",
            Self::Scheme => "scheme",
            Self::NoAudience => "no_audience",
            Self::Audience => "audience",
            Self::Host => "host",
            Self::Project => "project",
            Self::Path => "path",
        }
    }

    /// How far apart this puts them, in steps without a unit.
    pub(crate) fn distance(self) -> u32 {
        match self {
            Self::HostAlias | Self::Spelling | Self::AudienceKind => 1,
            Self::UnsetVariable | Self::Kind | Self::Scheme => 2,
            Self::NoAudience | Self::Audience => 3,
            Self::Host => 4,
            Self::Project | Self::Path => 6,
        }
    }
}

/// All in which they differ; nothing if they match.
pub(crate) fn differences(provider: &Provider, issuer: &str, audience: &[String]) -> Vec<Difference> {
    let mut found = issuer_differences(provider.issuer().trim_end_matches('/'), &normalized(issuer));
    found.extend(audience_difference(provider, audience));
    found
}

fn issuer_differences(configured: &str, claimed: &str) -> Vec<Difference> {
    if configured == claimed {
        return Vec::new();
    }
    let one = |what, text: String| vec![Difference { what, text }];
    if configured.contains("undefined") {
        return one(
            What::UnsetVariable,
            format!(
                "its issuer has the text `undefined` in it: {}",
                quoted(configured)
            ),
        );
    }
    if let (Some(configured), Some(claimed)) =
        (HexclaveIssuer::parse(configured), HexclaveIssuer::parse(claimed))
    {
        return hexclave_differences(&configured, &claimed);
    }
    let (Ok(ours), Ok(theirs)) = (Url::parse(configured), Url::parse(claimed)) else {
        return one(What::Path, format!("its issuer is {}", quoted(configured)));
    };
    if ours == theirs {
        return one(What::Spelling, spelling(configured, claimed));
    }
    let mut found: Vec<_> = origin_difference(&origin(&ours), &origin(&theirs))
        .into_iter()
        .collect();
    if (ours.path(), ours.query()) != (theirs.path(), theirs.query()) {
        found.push(Difference {
            what: What::Path,
            text: format!(
                "path: the token says {}, the provider {}",
                quoted(theirs.path()),
                quoted(ours.path())
            ),
        });
    }
    if found.is_empty() {
        return one(What::Spelling, spelling(configured, claimed));
    }
    found
}

fn hexclave_differences(configured: &HexclaveIssuer, claimed: &HexclaveIssuer) -> Vec<Difference> {
    let mut found: Vec<_> = origin_difference(&configured.origin, &claimed.origin)
        .into_iter()
        .collect();
    if configured.kind != claimed.kind {
        found.push(Difference {
            what: What::Kind,
            text: format!(
                "kind of user: the token is of {} user, the provider is for {} users",
                article(claimed.kind.as_str()),
                configured.kind
            ),
        });
    }
    if configured.project != claimed.project {
        found.push(Difference {
            what: What::Project,
            text: format!(
                "project: the token is of {}, the provider for {}",
                claimed.project, configured.project
            ),
        });
    }
    found
}

fn origin_difference(configured: &str, claimed: &str) -> Option<Difference> {
    if configured == claimed {
        return None;
    }
    let (what, text) = match (Url::parse(configured), Url::parse(claimed)) {
        (Ok(ours), Ok(theirs)) if ours == theirs => (What::Spelling, spelling(configured, claimed)),
        (Ok(ours), Ok(theirs)) if ours.host() == theirs.host() && ours.port() == theirs.port() => (
            What::Scheme,
            format!(
                "scheme: the token says {}, the provider {}",
                theirs.scheme(),
                ours.scheme()
            ),
        ),
        _ if is_alias(configured, claimed) => (
            What::HostAlias,
            format!(
                "host: the token says {}, the provider {}; they are two names of the same Hexclave, but Convex compares \
                 letters",
                quoted(claimed),
                quoted(configured)
            ),
        ),
        _ => (
            What::Host,
            format!(
                "host: the token says {}, the provider {}",
                quoted(claimed),
                quoted(configured)
            ),
        ),
    };
    Some(Difference { what, text })
}

fn audience_difference(provider: &Provider, audience: &[String]) -> Option<Difference> {
    let wanted = provider.application_id()?;
    if audience.iter().any(|audience| audience == wanted) {
        return None;
    }
    let of_project = |text: &str| text.split(':').next().unwrap_or_default().to_owned();
    let what = match audience {
        [] => What::NoAudience,
        [one] if of_project(one) == of_project(wanted) => What::AudienceKind,
        _ => What::Audience,
    };
    let said = match audience {
        [] => "the token has no `aud`".to_owned(),
        audience => format!("the token is for {}", quoted(&audience.join(", "))),
    };
    Some(Difference {
        what,
        text: format!(
            "audience: {said}, the provider's `applicationID` is {}",
            quoted(wanted)
        ),
    })
}

fn is_alias(configured: &str, claimed: &str) -> bool {
    let alias = configured.parse::<ApiUrl>().ok().and_then(|url| url.alias());
    alias.is_some_and(|alias| alias.as_str() == claimed)
}

fn spelling(configured: &str, claimed: &str) -> String {
    format!(
        "spelling: the token says {}, the provider {}; it is the same URL, but Convex compares letters",
        quoted(claimed),
        quoted(configured)
    )
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// `a normal`, `an anonymous`.
pub(crate) fn article(word: &str) -> String {
    let article = if word.starts_with('a') { "an" } else { "a" };
    format!("{article} {word}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::provider::Algorithm;

    const PROJECT: &str = "11111111-2222-4333-8444-555555555555";

    fn codes(configured: &str, id: Option<&str>, claimed: &str, audience: &[&str]) -> Vec<&'static str> {
        let id = id.map(str::to_owned);
        let provider = Provider::custom_jwt(id, configured.to_owned(), String::new(), Algorithm::Es256);
        let audience: Vec<_> = audience.iter().map(ToString::to_string).collect();
        let found = differences(&provider, claimed, &audience);
        assert_eq!(
            found.is_empty(),
            provider.matches(claimed, &audience),
            "{configured} {claimed}"
        );
        found.iter().map(|difference| difference.what.code()).collect()
    }

    #[test]
    fn each_difference_has_its_name() {
        let at = |host: &str, folder: &str| format!("{host}/api/v1/{folder}/{PROJECT}");
        let cloud = at("https://api.hexclave.com", "projects");
        for (configured, claimed, expected) in [
            (cloud.clone(), cloud.clone(), vec![]),
            (format!("{cloud}//"), format!("{cloud}/"), vec![]),
            (cloud.clone(), cloud.replace("https://", ""), vec![]),
            (
                cloud.clone(),
                at("https://api.stack-auth.com", "projects"),
                vec!["host_alias"],
            ),
            (
                cloud.clone(),
                at("https://api.hexclave.com", "projects-anonymous-users"),
                vec!["kind"],
            ),
            (
                cloud.clone(),
                at("https://api.stack-auth.com", "projects-restricted-users"),
                vec!["host_alias", "kind"],
            ),
            (
                cloud.clone(),
                at("https://hexclave.example.com", "projects"),
                vec!["host"],
            ),
            (
                cloud.clone(),
                at("http://api.hexclave.com", "projects"),
                vec!["scheme"],
            ),
            (
                cloud.clone(),
                at("https://API.hexclave.com", "projects"),
                vec!["spelling"],
            ),
            (
                cloud.clone(),
                at("https://api.hexclave.com:443", "projects"),
                vec!["spelling"],
            ),
            (
                cloud.clone(),
                cloud.replace("1111-2222", "1111-9999"),
                vec!["project"],
            ),
            (cloud.clone(), cloud.replace("/v1/", "/v2/"), vec!["path"]),
            (
                cloud.clone(),
                "https://example.com/x".to_owned(),
                vec!["host", "path"],
            ),
            (cloud.clone(), "not a URL".to_owned(), vec!["path"]),
            (
                "https://a.com/~x".to_owned(),
                "https://a.com/%7Ex".to_owned(),
                vec!["path"],
            ),
            (
                cloud.replace(PROJECT, "undefined"),
                cloud.clone(),
                vec!["unset_variable"],
            ),
        ] {
            assert_eq!(
                codes(&configured, None, &claimed, &[]),
                expected,
                "{configured} {claimed}"
            );
        }
        for (id, audience, expected) in [
            (PROJECT, vec![PROJECT], vec![]),
            (PROJECT, vec!["x", PROJECT], vec![]),
            (PROJECT, vec![], vec!["no_audience"]),
            (
                PROJECT,
                vec!["11111111-2222-4333-8444-555555555555:anon"],
                vec!["audience_kind"],
            ),
            (PROJECT, vec!["x"], vec!["audience"]),
            (PROJECT, vec!["x", "y"], vec!["audience"]),
        ] {
            assert_eq!(
                codes(&cloud, Some(id), &cloud, &audience),
                expected,
                "{audience:?}"
            );
        }
    }
}
