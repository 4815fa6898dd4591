use hexclave_core::{ProjectId, UserKind};
use url::Url;

/// What Hexclave puts into an `iss`: a host, a kind of user, a project.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HexclaveIssuer {
    /// Scheme, host and port, as they stand.
    pub(crate) origin: String,
    pub(crate) kind: UserKind,
    pub(crate) project: ProjectId,
}

impl HexclaveIssuer {
    /// Takes an issuer apart, slashes at its end aside. `None` for what Hexclave issues nowhere.
    pub(crate) fn parse(issuer: &str) -> Option<Self> {
        let (origin, path) = issuer.trim_end_matches('/').split_once("/api/v1/")?;
        let (folder, project) = path.split_once('/')?;
        let kind = match folder {
            "projects" => UserKind::Normal,
            "projects-restricted-users" => UserKind::Restricted,
            "projects-anonymous-users" => UserKind::Anonymous,
            _ => return None,
        };
        let url = Url::parse(origin).ok()?;
        // A host may have letters that mean something to a shell, where the origin may end up.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:/[]".contains(&byte);
        let is_origin = url.has_host() && url.username().is_empty() && matches!(url.path(), "" | "/");
        (is_origin && origin.bytes().all(is_plain)).then_some(())?;
        Some(Self {
            origin: origin.to_owned(),
            kind,
            project: project.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexclaves_issuers_are_known_by_their_form() {
        let parsed = HexclaveIssuer::parse("http://localhost:8102/api/v1/projects-anonymous-users/internal/");
        let expected = HexclaveIssuer {
            origin: "http://localhost:8102".to_owned(),
            kind: UserKind::Anonymous,
            project: "internal".parse().expect("a project"),
        };
        assert_eq!(parsed, Some(expected));
        for other in [
            "",
            "https://a.com",
            "https://a.com/api/v1/projects",
            "https://a.com/api/v1/projects/x",
            "https://a.com/api/v1/projects/internal/x",
            "https://a.com/api/v1/users/internal",
            "https://a.com/x/api/v1/projects/internal",
            "https://ada:secret@a.com/api/v1/projects/internal",
            "a.com/api/v1/projects/internal",
            "https://$(id).com/api/v1/projects/internal",
            "https://a.com;id/api/v1/projects/internal",
            "https://a.com?/api/v1/projects/internal",
            "https://a.com\n/api/v1/projects/internal",
        ] {
            assert_eq!(HexclaveIssuer::parse(other), None, "{other}");
        }
    }
}
