use hexclave_core::{AcceptedKinds, ApiUrl, ProjectConfig, ProjectId, UserKind};

use super::{emit, merge, parse};
use crate::{AuthConfigBuilder, ConvexError, Provider};

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
    written: Vec<Provider>,
    project: Option<Project>,
}

/// What [`AuthConfig::for_project`] was made for, to be told in the emitted file and to be found in others.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    pub(crate) id: ProjectId,
    pub(crate) hosts: Vec<ApiUrl>,
    pub(crate) kinds: AcceptedKinds,
    /// The variable from which a script takes the id.
    pub(crate) environment: Option<String>,
}

impl Project {
    /// All issuers of the project, also of kinds and host names that the configuration leaves out.
    pub(crate) fn issuers(&self) -> impl Iterator<Item = String> {
        let hosts = self
            .hosts
            .iter()
            .flat_map(|host| [Some(host.clone()), host.alias()]);
        hosts
            .flatten()
            .flat_map(|host| UserKind::ALL.map(|kind| host.issuer(&self.id, kind)))
    }
}

impl AuthConfig {
    /// Starts a configuration that accepts the tokens of a Hexclave project.
    pub fn for_project(config: &ProjectConfig) -> AuthConfigBuilder<'_> {
        AuthConfigBuilder::new(config)
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
        let config = Self::new(parse::providers(json)?, None);
        Ok(Self {
            written: config.providers.clone(),
            ..config
        })
    }

    /// `written` are the providers in the order of a file.
    pub(crate) fn new(written: Vec<Provider>, project: Option<Project>) -> Self {
        let mut providers = written.clone();
        providers.sort_unstable();
        providers.dedup();
        Self {
            providers,
            written,
            project,
        }
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
    /// `providers`, with a line end after it. A project id that scripts take from the environment stands here itself.
    #[must_use]
    pub fn to_json(&self) -> String {
        emit::json(&self.written)
    }

    /// Whether a text is, as it stands, one that this crate emitted, so that nothing is lost when it is overwritten.
    ///
    /// A TypeScript or JavaScript file holds a digest of itself; one that was edited since is not ours any more. JSON has
    /// no place for such a mark: it counts as ours if it is laid out as by [`to_json`](Self::to_json) and has nothing but
    /// providers of Hexclave projects.
    ///
    /// ```
    /// # use hexclave_convex::AuthConfig;
    /// # let config = AuthConfig::from_json("[]").unwrap();
    /// let file = config.to_typescript();
    /// assert!(AuthConfig::is_emitted(&file));
    /// assert!(!AuthConfig::is_emitted(&file.replace("providers", "providres")));
    /// assert!(!AuthConfig::is_emitted("export default { providers: [] };"));
    /// ```
    #[must_use]
    pub fn is_emitted(text: &str) -> bool {
        emit::is_emitted(text)
            || parse::providers(text)
                .is_ok_and(|list| list.iter().all(Provider::is_of_hexclave) && emit::json(&list) == text)
    }

    /// Puts these providers into a TypeScript or JavaScript file that somebody else has written, or has edited.
    ///
    /// They go between the lines `// hexclave-bridge: begin` and `// hexclave-bridge: end`, wherever these stand in the
    /// file's list of providers, and replace what is there; nothing else is touched. Emitted files have the two lines. A
    /// file without them cannot be changed without running it, so it is refused.
    ///
    /// ```
    /// # use hexclave_convex::AuthConfig;
    /// # use hexclave_core::ProjectConfig;
    /// # let project = ProjectConfig::builder().project_id("internal".parse()?).build()?;
    /// let mine = "export default {
    ///   providers: [
    ///     { domain: process.env.OTHER_DOMAIN, applicationID: \"convex\" },
    ///     // hexclave-bridge: begin
    ///     // hexclave-bridge: end
    ///   ],
    /// };
    /// ";
    /// let merged = AuthConfig::for_project(&project).build().merge_into_script(mine)?;
    /// assert!(merged.contains("OTHER_DOMAIN") && merged.contains("api.hexclave.com"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `MergeRefused` when the two lines are not there, are there more than once, or do not stand between the elements
    /// of a list.
    pub fn merge_into_script(&self, existing: &str) -> Result<String, ConvexError> {
        merge::script(self, existing)
    }

    /// Puts these providers into a JSON document, an object with a list `providers` or the bare list, after those that it
    /// has. Providers of the same project go, whatever their kind of user or name of the host; all others, and members
    /// beside `providers`, stay as they are.
    ///
    /// # Errors
    /// What Convex would refuse of the existing document, with its code.
    pub fn merge_into_json(&self, existing: &str) -> Result<String, ConvexError> {
        merge::json(self, existing)
    }

    /// The providers in the order in which they are written out.
    pub(crate) fn written(&self) -> &[Provider] {
        &self.written
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
