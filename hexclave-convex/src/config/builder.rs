use base64::{Engine, engine::general_purpose::STANDARD};
use hexclave_core::{AcceptedKinds, ApiUrl, ProjectConfig, ProjectKeys, UserKind};

use super::{auth_config::Project, provider::Algorithm};
use crate::{
    AuthConfig, ConvexError, Provider,
    error::{Kind, quoted},
};

/// The most that Convex allows for the name of a variable, in characters.
const LONGEST_NAME: usize = 256;

/// Builds the [`AuthConfig`] of a Hexclave project.
#[derive(Clone, Debug)]
#[must_use]
pub struct AuthConfigBuilder<'a> {
    config: &'a ProjectConfig,
    kinds: AcceptedKinds,
    aliases: bool,
    compatibility: Compatibility,
    environment: Option<String>,
}

/// Whose configuration an [`AuthConfigBuilder`] makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compatibility {
    /// This crate's: a provider for each host and each kind of user chosen, each with its audience.
    #[default]
    Strict,
    /// The one that `getConvexProvidersConfig` of Hexclave's `@stackframe/js` makes, for those who come from there and want
    /// to change nothing yet: normal and anonymous users at the configured host, their audience not checked. A path in
    /// the API's URL is left out. Which kinds and host names were asked for does not matter.
    Upstream,
}

impl<'a> AuthConfigBuilder<'a> {
    pub(crate) fn new(config: &'a ProjectConfig) -> Self {
        Self {
            config,
            kinds: AcceptedKinds::default(),
            aliases: true,
            compatibility: Compatibility::default(),
            environment: None,
        }
    }

    /// Which kinds of users may come in. Without this: normal ones only.
    ///
    /// A user of another kind looks signed out to Convex's functions, and a client that sends such a user's
    /// token over the WebSocket gets an authentication error again and again. Hexclave's own configuration
    /// helper for JavaScript accepts normal and anonymous users, and leaves restricted ones in that state.
    pub fn kinds(mut self, kinds: AcceptedKinds) -> Self {
        self.kinds = kinds;
        self
    }

    /// Whether tokens of the host's other name are accepted too, where it has one: `api.hexclave.com` and
    /// `api.stack-auth.com` are one host, and which of them is in a token depends on the version of the client's SDK.
    /// Without this: yes.
    pub fn aliases(mut self, aliases: bool) -> Self {
        self.aliases = aliases;
        self
    }

    /// Whose configuration to make.
    pub fn compatibility(mut self, compatibility: Compatibility) -> Self {
        self.compatibility = compatibility;
        self
    }

    /// Let the emitted TypeScript or JavaScript take the project's id from a variable of the Convex deployment, such as
    /// `HEXCLAVE_PROJECT_ID`, so that one file serves deployments of several projects.
    ///
    /// Convex refuses the file while the variable is not set, also if the file offers another value for that case. So
    /// each variable is read without one.
    ///
    /// # Errors
    /// `InvalidEnvironmentName` when Convex knows no such names: a letter, then letters, digits and `_`, 256 in all.
    pub fn project_id_from_environment(mut self, name: &str) -> Result<Self, ConvexError> {
        let mut letters = name.chars();
        let is_usable = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
            && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
            && name.len() <= LONGEST_NAME;
        if !is_usable {
            return Err(ConvexError::new(
                Kind::EnvironmentName,
                format!(
                    "{} is not the name of a variable in Convex: a letter, then letters, digits and _, at most \
                     {LONGEST_NAME} in all",
                    quoted(name)
                ),
            ));
        }
        self.environment = Some(name.to_owned());
        Ok(self)
    }

    /// The finished configuration, with which Convex fetches the project's keys from Hexclave.
    ///
    /// About one in 128 of Hexclave's keys is published in a form with which Convex refuses all its tokens; see
    /// [`AuthConfig::review_keys`]. A Convex cloud deployment reaches no Hexclave on a private address. The cure for
    /// both is [`build_inline`](Self::build_inline).
    #[must_use]
    pub fn build(self) -> AuthConfig {
        let jwks = |host: &ApiUrl, kind| {
            let project = self.config.project_id();
            let url = host.jwks_url(project, kind);
            match (self.compatibility, url.split_once("/.well-known/")) {
                (Compatibility::Upstream, Some((_, document))) => {
                    format!(
                        "{}/.well-known/{document}",
                        host.issuer(project, UserKind::Normal)
                    )
                }
                _ => url,
            }
        };
        self.with_jwks(jwks)
    }

    /// The finished configuration with the project's keys in it, as `data:` URIs: Convex fetches nothing. Each provider
    /// has the keys of its own kind of user, with coordinates of 32 bytes. When they change, which for Hexclave is
    /// when the server's secret does, the configuration has to be pushed anew; [`AuthConfig::review_keys`] tells.
    ///
    /// [`Verifier::project_keys`](hexclave_core::Verifier::project_keys) has the keys, after
    /// [`warm_up`](hexclave_core::Verifier::warm_up).
    ///
    /// # Errors
    /// `KeysMissing` when there are no keys for a kind of user that is to be let in.
    pub fn build_inline(self, keys: &ProjectKeys) -> Result<AuthConfig, ConvexError> {
        for kind in self.accepted().iter() {
            if keys.of(kind).iter().next().is_none() {
                return Err(ConvexError::new(
                    Kind::KeysMissing,
                    format!("the project's keys for {kind} users are not among those given"),
                ));
            }
        }
        Ok(self.with_jwks(|_, kind| {
            let document = STANDARD.encode(keys.of(kind).to_json());
            format!("data:application/json;base64,{document}")
        }))
    }

    fn with_jwks(&self, jwks: impl Fn(&ApiUrl, UserKind) -> String) -> AuthConfig {
        let project = self.config.project_id();
        let mut hosts: Vec<_> = self.config.hosts().collect();
        if !self.aliases || self.compatibility == Compatibility::Upstream {
            hosts.truncate(1);
        }
        let kinds = self.accepted();
        let providers = hosts
            .iter()
            .flat_map(|host| kinds.iter().map(move |kind| (host, kind)));
        let providers = providers.map(|(host, kind)| {
            let audience = match self.compatibility {
                Compatibility::Strict => Some(self.config.audience(kind)),
                Compatibility::Upstream => None,
            };
            Provider::custom_jwt(
                audience,
                host.issuer(project, kind),
                jwks(host, kind),
                Algorithm::Es256,
            )
        });
        let mut providers: Vec<_> = providers.collect();
        if self.compatibility == Compatibility::Strict {
            providers.sort_unstable();
        }
        AuthConfig::new(
            providers,
            Some(Project {
                id: project.clone(),
                hosts,
                kinds,
                environment: self.environment.clone(),
            }),
        )
    }

    fn accepted(&self) -> AcceptedKinds {
        match self.compatibility {
            Compatibility::Strict => self.kinds,
            Compatibility::Upstream => AcceptedKinds::default().and(UserKind::Anonymous),
        }
    }
}
