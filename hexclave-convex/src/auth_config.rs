use hexclave_core::{AcceptedKinds, ProjectConfig, ProjectId};

use crate::{ConvexError, Provider, emit, parse, provider::Algorithm};

/// The default export of a Convex `auth.config` file: the issuers whose tokens a deployment accepts.
///
/// ```
/// use hexclave_convex::AuthConfig;
/// use hexclave_core::ProjectConfig;
///
/// let project = ProjectConfig::builder()
///     .project_id("11111111-2222-4333-8444-555555555555".parse()?)
///     .build()?;
/// let config = AuthConfig::for_project(&project).build();
///
/// let [provider, _under_the_old_host_name] = config.providers() else { panic!("two names, two providers") };
/// assert_eq!(
///     provider.issuer(),
///     "https://api.hexclave.com/api/v1/projects/11111111-2222-4333-8444-555555555555"
/// );
/// assert_eq!(provider.application_id(), Some("11111111-2222-4333-8444-555555555555"));
/// # Ok::<(), hexclave_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AuthConfig {
    providers: Vec<Provider>,
    project: Option<Project>,
}

/// What [`AuthConfig::for_project`] was made for, to be told in the emitted file.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    pub(crate) id: ProjectId,
    pub(crate) hosts: Vec<String>,
    pub(crate) kinds: AcceptedKinds,
}

impl AuthConfig {
    /// Starts a configuration that accepts the tokens of a Hexclave project.
    pub fn for_project(config: &ProjectConfig) -> AuthConfigBuilder<'_> {
        AuthConfigBuilder {
            config,
            kinds: AcceptedKinds::default(),
        }
    }

    /// Reads an object with a list `providers`, or the bare list, as Convex's backend does when a
    /// configuration is pushed.
    ///
    /// Members that Convex does not know are ignored, repeated providers vanish, and an issuer without a
    /// scheme gets `https://`. A `jwks` may be any text: Convex finds out when a token arrives.
    ///
    /// ```
    /// use hexclave_convex::AuthConfig;
    ///
    /// let error = AuthConfig::from_json(r#"[{
    ///     "type": "customJwt", "applicationId": "my-app", "algorithm": "ES256",
    ///     "issuer": "https://api.hexclave.com/api/v1/projects/internal",
    ///     "jwks": "https://api.hexclave.com/api/v1/projects/internal/.well-known/jwks.json"
    /// }]"#).unwrap_err();
    /// assert_eq!(error.code(), "AuthConfigNotMatchingSchemaError");
    /// assert!(error.to_string().contains("`applicationID`"));
    /// ```
    ///
    /// # Errors
    /// What Convex would refuse, with its code.
    pub fn from_json(json: &str) -> Result<Self, ConvexError> {
        Ok(Self::new(parse::providers(json)?, None))
    }

    fn new(mut providers: Vec<Provider>, project: Option<Project>) -> Self {
        providers.sort_unstable();
        providers.dedup();
        Self { providers, project }
    }

    /// The providers in the order in which a fresh deployment stores and tries them, whatever their order in
    /// the file. A deployment that already has some of them keeps those at their older place.
    #[must_use]
    pub fn providers(&self) -> &[Provider] {
        &self.providers
    }

    /// The file `convex/auth.config.ts`: self-contained but for a type, so that nothing can go wrong while
    /// Convex evaluates it.
    #[must_use]
    pub fn to_typescript(&self) -> String {
        emit::typescript(self)
    }

    /// The file `convex/auth.config.js`.
    #[must_use]
    pub fn to_javascript(&self) -> String {
        emit::javascript(self)
    }

    /// The configuration as JSON, the form in which Convex's backend sees it: an object with the list
    /// `providers`, with a line end after it.
    #[must_use]
    pub fn to_json(&self) -> String {
        emit::json(self)
    }

    /// Whether a TypeScript or JavaScript text was emitted by this crate, so that it may be overwritten. JSON has no
    /// place for such a mark.
    ///
    /// ```
    /// # use hexclave_convex::AuthConfig;
    /// # let config = AuthConfig::from_json("[]").unwrap();
    /// assert!(AuthConfig::is_emitted(&config.to_typescript()));
    /// assert!(!AuthConfig::is_emitted("export default { providers: [] };"));
    /// ```
    #[must_use]
    pub fn is_emitted(text: &str) -> bool {
        emit::is_emitted(text)
    }

    pub(crate) fn project(&self) -> Option<&Project> {
        self.project.as_ref()
    }
}

impl PartialEq for AuthConfig {
    /// Whether both list the same providers.
    fn eq(&self, other: &Self) -> bool {
        self.providers == other.providers
    }
}

impl Eq for AuthConfig {}

/// Builds the [`AuthConfig`] of a Hexclave project.
#[derive(Clone, Debug)]
#[must_use]
pub struct AuthConfigBuilder<'a> {
    config: &'a ProjectConfig,
    kinds: AcceptedKinds,
}

impl AuthConfigBuilder<'_> {
    /// Which kinds of users may come in. Without this: normal ones only.
    ///
    /// A user of another kind looks signed out to Convex's functions, and a client that sends such a user's
    /// token over the WebSocket gets an authentication error again and again. Hexclave's own configuration
    /// helper for JavaScript accepts normal and anonymous users, and leaves restricted ones in that state.
    pub fn kinds(mut self, kinds: AcceptedKinds) -> Self {
        self.kinds = kinds;
        self
    }

    /// The finished configuration: for each of the project's hosts and each kind one provider, always with the
    /// audience to check.
    #[must_use]
    pub fn build(self) -> AuthConfig {
        let project = self.config.project_id();
        let hosts: Vec<_> = self.config.hosts().collect();
        let providers = hosts.iter().flat_map(|host| {
            self.kinds.iter().map(|kind| {
                Provider::custom_jwt(
                    Some(self.config.audience(kind)),
                    host.issuer(project, kind),
                    host.jwks_url(project, kind),
                    Algorithm::Es256,
                )
            })
        });
        AuthConfig::new(
            providers.collect(),
            Some(Project {
                id: project.clone(),
                hosts: hosts.iter().map(ToString::to_string).collect(),
                kinds: self.kinds,
            }),
        )
    }
}
