use serde::{Serialize, Serializer};

use super::issuer::HexclaveIssuer;

/// One entry of a Convex `auth.config`: an issuer whose tokens a deployment accepts.
///
/// Providers compare in the order in which Convex stores them, which is the order in which it tries them:
/// OIDC providers first, then those of type `customJwt` by application id (none first), issuer, `jwks` and
/// algorithm.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Provider(Kind);

/// The order of variants and fields is Convex's sorting order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
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

impl Provider {
    pub(crate) fn custom_jwt(
        application_id: Option<String>,
        issuer: String,
        jwks: String,
        algorithm: Algorithm,
    ) -> Self {
        Self(Kind::CustomJwt {
            application_id,
            issuer,
            jwks,
            algorithm,
        })
    }

    pub(crate) fn oidc(application_id: String, domain: String) -> Self {
        Self(Kind::Oidc {
            application_id,
            domain,
        })
    }

    /// The `aud` that a token must have; with `None` Convex does not look at `aud` at all.
    #[must_use]
    pub fn application_id(&self) -> Option<&str> {
        match &self.0 {
            Kind::Oidc { application_id, .. } => Some(application_id),
            Kind::CustomJwt { application_id, .. } => application_id.as_deref(),
        }
    }

    /// The `iss` that a token must have, a trailing slash aside; for an OIDC provider its `domain`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        match &self.0 {
            Kind::Oidc { domain: issuer, .. } | Kind::CustomJwt { issuer, .. } => issuer,
        }
    }

    /// Where the issuer's keys are: a URL, or a `data:` URI that holds them. `None` for an OIDC provider.
    #[must_use]
    pub fn jwks(&self) -> Option<&str> {
        match &self.0 {
            Kind::Oidc { .. } => None,
            Kind::CustomJwt { jwks, .. } => Some(jwks),
        }
    }

    /// How many bytes the keys take that are in the configuration itself, as a `data:` URI; `None` where they are
    /// elsewhere. (A variable in Convex holds at most 8 KiB, for those who put the URI into one.)
    #[must_use]
    pub fn inline_jwks_len(&self) -> Option<usize> {
        self.jwks().filter(|jwks| is_data_uri(jwks)).map(str::len)
    }

    /// Whether tokens of this issuer and audience are judged by this provider.
    pub(crate) fn matches(&self, issuer: &str, audience: &[String]) -> bool {
        let wants = |id: &str| audience.iter().any(|audience| audience == id);
        self.application_id().is_none_or(wants) && self.issuer().trim_end_matches('/') == normalized(issuer)
    }

    /// Whether this accepts ES256 tokens of an issuer that has the form of Hexclave's.
    pub(crate) fn is_of_hexclave(&self) -> bool {
        self.algorithm() == Some(Algorithm::Es256) && HexclaveIssuer::parse(self.issuer()).is_some()
    }

    /// How the issuer signs. `None` for an OIDC provider.
    #[must_use]
    pub fn algorithm(&self) -> Option<Algorithm> {
        match &self.0 {
            Kind::Oidc { .. } => None,
            Kind::CustomJwt { algorithm, .. } => Some(*algorithm),
        }
    }

    /// Whether this is an OIDC provider. Convex accepts no ES256 token through one, so none of Hexclave's.
    #[must_use]
    pub fn is_oidc(&self) -> bool {
        matches!(self.0, Kind::Oidc { .. })
    }

    /// The entry's members as Convex spells them, in the order in which they are written out.
    pub(crate) fn members(&self) -> Vec<(&'static str, &str)> {
        match &self.0 {
            Kind::Oidc {
                application_id,
                domain,
            } => vec![("applicationID", application_id), ("domain", domain)],
            Kind::CustomJwt {
                application_id,
                issuer,
                jwks,
                algorithm,
            } => {
                let mut members = vec![("type", "customJwt")];
                members.extend(application_id.as_deref().map(|id| ("applicationID", id)));
                members.extend([
                    ("issuer", issuer.as_str()),
                    ("jwks", jwks),
                    ("algorithm", algorithm.as_str()),
                ]);
                members
            }
        }
    }
}

/// An `iss` as Convex compares it: with a scheme, without slashes at the end, and otherwise as it stands.
/// Letter case, default ports and percent signs all count.
pub(crate) fn normalized(issuer: &str) -> String {
    let scheme = if issuer.starts_with("http://") || issuer.starts_with("https://") {
        ""
    } else {
        "https://"
    };
    format!("{scheme}{issuer}").trim_end_matches('/').to_owned()
}

fn is_data_uri(jwks: &str) -> bool {
    let scheme = jwks.trim_start().get(..5);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}

impl Serialize for Provider {
    /// The entry as Convex's JSON has it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.members())
    }
}

/// The signature algorithms that Convex knows for providers of type `customJwt`. Hexclave's is ES256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA on the curve P-256 with SHA-256.
    Es256,
}

impl Algorithm {
    /// The name in JSON: `RS256` or `ES256`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Rs256, Self::Es256]
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
    }
}
