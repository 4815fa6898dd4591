use std::sync::Arc;

use hexclave_core::{AccessToken, Clock, SystemClock};
use reqwest::Client;

use super::{
    fetch,
    jwks::KeySet,
    token::{Payload, Token},
};
use crate::{
    AuthConfig, ConvexError, Explanation, Provider, UserIdentity,
    config::provider::Algorithm,
    error::{Kind, quoted},
    explanation::{Found, Step},
    identity::FlatClaims,
    members::Wrong,
};

pub(crate) const LEEWAY_SECONDS: u64 = 5;
/// How many providers an error lists.
const MAX_LISTED: usize = 8;

/// Judges access tokens as a Convex deployment with a given [`AuthConfig`] would, and builds the identity
/// that its functions would see. Cheap to clone.
///
/// It is made for trying out a configuration and for tests: each call fetches the provider's keys anew,
/// unless they are in a `data:` URI. To let users into a Rust server use [`hexclave_core::Verifier`], which
/// keeps the keys and checks more.
///
/// ```
/// use hexclave_convex::{AuthConfig, ConvexVerifier};
/// use hexclave_core::{AccessToken, ProjectConfig};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let project = ProjectConfig::builder().project_id("internal".parse()?).build()?;
/// let verifier = ConvexVerifier::new(AuthConfig::for_project(&project).build())?;
///
/// let of_someone_else = AccessToken::from("e30.eyJpc3MiOiJodHRwczovL2V4YW1wbGUuY29tIn0.c2ln");
/// let error = verifier.verify(&of_someone_else).await.unwrap_err();
/// assert_eq!((error.code(), error.http_status()), ("NoAuthProvider", 401));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ConvexVerifier {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: AuthConfig,
    clock: Arc<dyn Clock>,
    client: Client,
    on_websocket: bool,
}

/// How far a token came, and what was found on the way.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// The step under way, or the last one if all went well.
    pub(crate) step: Step,
    /// The place of the chosen provider.
    pub(crate) provider: Option<usize>,
    pub(crate) keys: Option<KeySet>,
}

impl ConvexVerifier {
    /// A verifier with the system's clock and an HTTP client of its own.
    ///
    /// # Errors
    /// `InternalServerError` when the HTTP client cannot be set up.
    pub fn new(config: AuthConfig) -> Result<Self, ConvexError> {
        Self::builder(config).build()
    }

    /// Sets up a verifier in detail.
    pub fn builder(config: AuthConfig) -> ConvexVerifierBuilder {
        ConvexVerifierBuilder {
            config,
            clock: Arc::new(SystemClock),
            client: None,
            on_websocket: false,
        }
    }

    /// Does what Convex does when a token arrives, in its order: choose a provider by issuer and audience,
    /// get its keys, check the signature, then the times with 5 seconds of leeway, then the required claims.
    ///
    /// Only the first provider that matches is tried. What passes by leeway does not last on the WebSocket: see
    /// [`on_websocket`](ConvexVerifierBuilder::on_websocket).
    ///
    /// # Errors
    /// What Convex would answer. [`ConvexError::is_unreachable`] tells when the keys could not be had, so that
    /// the token itself was not judged.
    pub async fn verify(&self, token: &AccessToken) -> Result<UserIdentity, ConvexError> {
        self.inner.judge(token.expose(), &mut Trace::default()).await
    }

    /// Judges a token as [`verify`](Self::verify) does, and tells what was found at each step, which provider comes
    /// nearest where none matches, and what to do about it.
    ///
    /// ```
    /// use hexclave_convex::{AuthConfig, ConvexVerifier};
    /// use hexclave_core::{AccessToken, ProjectConfig};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let project = ProjectConfig::builder().project_id("internal".parse()?).build()?;
    /// let verifier = ConvexVerifier::new(AuthConfig::for_project(&project).build())?;
    ///
    /// let explanation = verifier.explain(&AccessToken::from("Bearer eyJhbGciOi…")).await;
    /// assert!(!explanation.is_accepted());
    /// assert!(explanation.to_string().contains("leave out `Bearer`"));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn explain(&self, token: &AccessToken) -> Explanation {
        let inner = &*self.inner;
        let mut trace = Trace::default();
        let result = inner.judge(token.expose(), &mut trace).await;
        let found = Found {
            config: &inner.config,
            text: token.expose(),
            trace: &trace,
            now: inner.clock.unix_seconds(),
            on_websocket: inner.on_websocket,
        };
        Explanation::new(found, result)
    }

    /// The configuration against which tokens are judged.
    #[must_use]
    pub fn config(&self) -> &AuthConfig {
        &self.inner.config
    }
}

/// Builds a [`ConvexVerifier`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ConvexVerifierBuilder {
    config: AuthConfig,
    clock: Arc<dyn Clock>,
    client: Option<Client>,
    on_websocket: bool,
}

impl ConvexVerifierBuilder {
    /// Where the time comes from.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Fetch keys with this client, for a private certificate authority or a proxy of one's own. Convex's
    /// follows up to 10 redirects. Requests are given 10 seconds whatever the client's own limits are.
    pub fn http_client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// Judge as the sync WebSocket does, by which Convex's React and Rust clients talk, and not as the HTTP API: a
    /// token that passes is dropped again once it has expired, without the 5 seconds of leeway.
    pub fn on_websocket(mut self, on_websocket: bool) -> Self {
        self.on_websocket = on_websocket;
        self
    }

    /// The finished verifier.
    ///
    /// # Errors
    /// `InternalServerError` when the HTTP client cannot be set up.
    pub fn build(self) -> Result<ConvexVerifier, ConvexError> {
        let client = match self.client {
            Some(client) => client,
            None => fetch::default_client(self.config.providers())?,
        };
        Ok(ConvexVerifier {
            inner: Arc::new(Inner {
                config: self.config,
                clock: self.clock,
                client,
                on_websocket: self.on_websocket,
            }),
        })
    }
}

impl Inner {
    async fn judge(&self, text: &str, trace: &mut Trace) -> Result<UserIdentity, ConvexError> {
        let token = Token::parse(text)?;
        let issuer = token.payload.issuer.clone().ok_or_else(|| {
            ConvexError::invalid("Missing issuer claim: the token does not say who issued it (`iss`)")
        })?;

        trace.step = Step::Provider;
        let (place, provider) = self.provider(&issuer, token.payload.audience.as_deref())?;
        trace.provider = Some(place);
        let (Some(jwks), Some(algorithm)) = (provider.jwks(), provider.algorithm()) else {
            return Err(ConvexError::new(
                Kind::Unauthenticated,
                format!(
                    "the token's issuer {} is configured as an OIDC provider: Convex accepts no ES256 token \
                     through one (and this crate looks at customJwt providers only)",
                    quoted(&issuer)
                ),
            ));
        };

        trace.step = Step::Keys;
        let keys = KeySet::from_json(&fetch::key_document(&self.client, jwks).await?).map_err(|why| {
            ConvexError::invalid("Invalid JWKS response body: Convex understands all keys of a set, or none")
                .with_source(why)
        })?;
        let keys = trace.keys.insert(keys);

        trace.step = Step::Signature;
        check_signature(&token, keys, algorithm).map_err(|why| {
            let key_id = token.header().ok().and_then(|header| header.key_id);
            ConvexError::invalid(match key_id {
                Some(id) => format!(
                    "Could not decode token: its `kid` is {}, does this key match the provider {} and its JWKS?",
                    quoted(&id),
                    quoted(provider.issuer())
                ),
                None => "Could not decode token: it may be missing a `kid`".to_owned(),
            })
            .with_source(why)
        })?;

        trace.step = Step::Times;
        self.check_times(&token.payload)?;

        trace.step = Step::Claims;
        let missing = |what: &str| ConvexError::invalid(format!("Could not verify token claim: {what}"));
        let Payload {
            subject,
            claims,
            expires_at,
            ..
        } = token.payload;
        let subject = subject
            .filter(|subject| !subject.is_empty())
            .ok_or_else(|| missing("it does not name a user (`sub`)"))?;
        let expires_at = expires_at.ok_or_else(|| missing("it does not say when it expires (`exp`)"))?;
        let claims = FlatClaims::of(claims);
        claims.hide_nothing()?;

        trace.step = Step::WebSocket;
        if self.on_websocket && self.clock.unix_seconds() >= expires_at {
            return Err(ConvexError::new(
                Kind::TokenExpired,
                "Convex token identity expired",
            ));
        }
        Ok(UserIdentity::new(&issuer, &subject, claims))
    }

    /// The first provider, in stored order, that is configured for this issuer and audience.
    fn provider(&self, issuer: &str, audience: Option<&[String]>) -> Result<(usize, &Provider), ConvexError> {
        let audience = audience.unwrap_or_default();
        let mut providers = self.config.providers().iter().enumerate();
        let found = providers.find(|(_, provider)| provider.matches(issuer, audience));
        found.ok_or_else(|| {
            ConvexError::new(
                Kind::NoAuthProvider,
                format!(
                    "No auth provider found matching the given token, which is of issuer {} for audience {}; {}",
                    quoted(issuer),
                    match audience {
                        [] => "(none)".to_owned(),
                        audience => quoted(&audience.join(", ")),
                    },
                    listed(self.config.providers())
                ),
            )
        })
    }

    fn check_times(&self, payload: &Payload) -> Result<(), ConvexError> {
        let now = self.clock.unix_seconds();
        let refuse = |what: String| {
            ConvexError::invalid(format!(
                "Could not validate token: {what} (by this machine's clock)"
            ))
        };
        if let Some(at) = payload.expires_at.filter(|at| now > at + LEEWAY_SECONDS) {
            return Err(refuse(format!("Token expired {} seconds ago", now - at)));
        }
        for at in [payload.not_before, payload.issued_at].into_iter().flatten() {
            if at > now.saturating_add(LEEWAY_SECONDS) {
                return Err(refuse(format!("Token will be valid in {} seconds", at - now)));
            }
        }
        Ok(())
    }
}

fn check_signature(token: &Token<'_>, keys: &KeySet, algorithm: Algorithm) -> Result<(), Wrong> {
    let signed = token.signed()?;
    let id = signed
        .header
        .key_id
        .ok_or_else(|| Wrong("the token's header has no `kid`".to_owned()))?;
    let key = keys
        .find(&id)
        .ok_or_else(|| Wrong("no key of the set has the token's `kid`".to_owned()))?;
    if signed.header.algorithm != algorithm.as_str() {
        return Err(Wrong(format!(
            "the token's `alg` is {}, the provider's {}",
            signed.header.algorithm,
            algorithm.as_str()
        )));
    }
    key.verify(algorithm, signed.message.as_bytes(), &signed.signature)
}

fn listed(providers: &[Provider]) -> String {
    if providers.is_empty() {
        return "no providers are configured".to_owned();
    }
    let mut shown: Vec<_> = providers
        .iter()
        .take(MAX_LISTED)
        .map(|provider| match provider.application_id() {
            Some(id) => format!("{} for {}", quoted(provider.issuer()), quoted(id)),
            None => quoted(provider.issuer()),
        })
        .collect();
    if let Some(more @ 1..) = providers.len().checked_sub(MAX_LISTED) {
        shown.push(format!("{more} more"));
    }
    format!("configured are {}", shown.join(", "))
}
