use futures_util::FutureExt;
use hexclave_core::{
    AccessToken, ApiUrl, KeySet, ProjectConfig, ProjectId, ProjectKeys, RestrictedReason, SessionId, TeamId,
    User, UserId, UserKind, Verifier,
};
use serde::{Serialize, Serializer};
use serde_json::json;

use super::{HexclaveError, PublicJwk, ServerSecret, SigningKey};

/// Issues the access tokens of one project as Hexclave does, without a server.
///
/// ```
/// use hexclave_core::{AccessToken, Verifier};
/// use hexclave_testkit::hexclave::{Issuer, Subject};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let issuer = Issuer::random()?;
/// let verifier = Verifier::builder(issuer.config().clone()).keys(issuer.project_keys()?).build()?;
///
/// let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
/// let token = issuer.token(&Subject::new("ada@example.com"), now)?;
/// let user = verifier.verify(&AccessToken::from(token)).await?;
/// assert_eq!(user.email(), Some("ada@example.com"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Issuer {
    config: ProjectConfig,
    /// In the order of [`UserKind::ALL`].
    keys: [[SigningKey; 2]; 3],
}

/// How long an access token lives, in seconds, where a deployment does not say otherwise.
const DEFAULT_LIFETIME: u64 = 600;

/// A user about whom a token can be issued: what Hexclave knows that a token says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Subject {
    /// The user's id.
    pub id: UserId,
    /// The session that the token belongs to.
    pub session_id: SessionId,
    /// The display name.
    pub name: Option<String>,
    /// The primary e-mail address.
    pub email: Option<String>,
    /// Whether that address is verified.
    pub email_verified: bool,
    /// The team that the user works in.
    pub selected_team_id: Option<TeamId>,
    /// When the user signed up, in seconds since 1970.
    pub signed_up_at: u64,
    /// Why the user is restricted: decides, with [`RestrictedReason::Anonymous`], the kind of user too.
    pub restricted_reason: Option<RestrictedReason>,
    /// Whether a second factor is set up, which has to be passed at each sign-in.
    pub requires_totp_mfa: bool,
}

impl Subject {
    /// A normal user with a verified e-mail and random ids.
    #[must_use]
    pub fn new(email: &str) -> Self {
        Self {
            id: uuid::Uuid::new_v4().into(),
            session_id: uuid::Uuid::new_v4().into(),
            name: None,
            email: Some(email.to_owned()),
            email_verified: true,
            selected_team_id: None,
            signed_up_at: 1_750_000_000,
            restricted_reason: None,
            requires_totp_mfa: false,
        }
    }

    /// A normal user with an e-mail that is not verified, in a project that demands it.
    #[must_use]
    pub fn restricted(email: &str) -> Self {
        Self {
            email_verified: false,
            restricted_reason: Some(RestrictedReason::EmailNotVerified),
            ..Self::new(email)
        }
    }

    /// A guest.
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            email: None,
            email_verified: false,
            restricted_reason: Some(RestrictedReason::Anonymous),
            ..Self::new("")
        }
    }

    /// The kind of user.
    #[must_use]
    pub fn kind(&self) -> UserKind {
        match self.restricted_reason {
            None => UserKind::Normal,
            Some(RestrictedReason::Anonymous) => UserKind::Anonymous,
            Some(_) => UserKind::Restricted,
        }
    }
}

/// The payload of an access token, its members in the order in which Hexclave writes them.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the names are those of the claims")]
pub struct AccessTokenClaims {
    pub sub: String,
    pub project_id: String,
    pub branch_id: String,
    pub refresh_token_id: String,
    pub role: String,
    pub name: Option<String>,
    pub email: Option<String>,
    pub email_verified: bool,
    pub selected_team_id: Option<String>,
    pub signed_up_at: u64,
    pub is_anonymous: bool,
    pub is_restricted: bool,
    #[serde(serialize_with = "reason_object")]
    pub restricted_reason: Option<RestrictedReason>,
    pub requires_totp_mfa: bool,
    pub iss: String,
    pub iat: u64,
    pub aud: String,
    pub exp: u64,
}

impl Issuer {
    /// An issuer for a project of a deployment.
    ///
    /// # Errors
    /// When the keys cannot be derived.
    pub fn new(secret: &ServerSecret, config: ProjectConfig) -> Result<Self, HexclaveError> {
        let [normal, restricted, anonymous] =
            UserKind::ALL.map(|kind| SigningKey::derive(secret, &config.audience(kind)));
        Ok(Self {
            config,
            keys: [normal?, restricted?, anonymous?],
        })
    }

    /// An issuer for a random project of a random deployment, at `https://api.hexclave.com`.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn random() -> Result<Self, HexclaveError> {
        Self::new(&ServerSecret::random()?, random_project(ApiUrl::default())?)
    }

    /// The project that tokens are issued for.
    #[must_use]
    pub fn config(&self) -> &ProjectConfig {
        &self.config
    }

    /// The two keys of one kind of user; the first signs.
    #[must_use]
    pub fn keys(&self, kind: UserKind) -> &[SigningKey; 2] {
        let [normal, restricted, anonymous] = &self.keys;
        match kind {
            UserKind::Normal => normal,
            UserKind::Restricted => restricted,
            UserKind::Anonymous => anonymous,
        }
    }

    /// The public keys as Hexclave publishes them: those of `widest` and of the kinds before it.
    #[must_use]
    pub fn jwks(&self, widest: UserKind) -> Vec<PublicJwk> {
        UserKind::ALL
            .into_iter()
            .filter(|kind| *kind <= widest)
            .flat_map(|kind| self.keys(kind))
            .map(SigningKey::jwk)
            .collect()
    }

    /// The public keys as a verifier wants them, to verify without a network.
    ///
    /// # Errors
    /// None in practice: the keys are known to be good.
    pub fn project_keys(&self) -> Result<ProjectKeys, HexclaveError> {
        UserKind::ALL
            .into_iter()
            .try_fold(ProjectKeys::default(), |all, kind| {
                let jwks = json!({ "keys": self.keys(kind).each_ref().map(|key| key.jwk()) }).to_string();
                let keys = KeySet::from_json(jwks.as_bytes())
                    .map_err(|error| HexclaveError::with_source("the issuer's keys are unusable", error))?;
                Ok(all.with(kind, keys))
            })
    }

    /// What a token issued to `subject` at `now` (seconds since 1970) says; it lives for 10 minutes.
    #[must_use]
    pub fn claims(&self, subject: &Subject, now: u64) -> AccessTokenClaims {
        let kind = subject.kind();
        AccessTokenClaims {
            sub: subject.id.to_string(),
            project_id: self.config.project_id().to_string(),
            branch_id: "main".to_owned(),
            refresh_token_id: subject.session_id.to_string(),
            role: "authenticated".to_owned(),
            name: subject.name.clone(),
            email: subject.email.clone(),
            email_verified: subject.email_verified,
            selected_team_id: subject.selected_team_id.map(|id| id.to_string()),
            signed_up_at: subject.signed_up_at,
            is_anonymous: kind == UserKind::Anonymous,
            is_restricted: kind != UserKind::Normal,
            restricted_reason: subject.restricted_reason.clone(),
            requires_totp_mfa: subject.requires_totp_mfa,
            iss: self.config.api_url().issuer(self.config.project_id(), kind),
            iat: now,
            aud: self.config.audience(kind),
            exp: now + DEFAULT_LIFETIME,
        }
    }

    /// Signs claims with the signing key of one kind of user.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn sign(&self, kind: UserKind, claims: &AccessTokenClaims) -> Result<String, HexclaveError> {
        let [key, _] = self.keys(kind);
        let payload = serde_json::to_string(claims)
            .map_err(|error| HexclaveError::with_source("the claims have no JSON text", error))?;
        key.sign(&format!(r#"{{"alg":"ES256","kid":"{}"}}"#, key.id()), &payload)
    }

    /// The token that `subject` gets at `now` (seconds since 1970).
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn token(&self, subject: &Subject, now: u64) -> Result<String, HexclaveError> {
        self.sign(subject.kind(), &self.claims(subject, now))
    }
}

/// Who a token proves, where nothing has to be fetched for that.
pub(crate) fn prove(verifier: &Verifier, token: String) -> Result<User, HexclaveError> {
    let token = AccessToken::from(token);
    match verifier.verify(&token).now_or_never() {
        Some(verified) => {
            verified.map_err(|error| HexclaveError::with_source("the user's own token is refused", error))
        }
        None => Err(HexclaveError::new("the verifier was given no keys")),
    }
}

/// A project with a random id, and a publishable key and a secret server key in Hexclave's format.
pub(crate) fn random_project(api_url: ApiUrl) -> Result<ProjectConfig, HexclaveError> {
    let id = uuid::Uuid::new_v4().to_string();
    let id: ProjectId = id
        .parse()
        .map_err(|error| HexclaveError::with_source("no project id", error))?;
    project(id, api_url)
}

pub(crate) fn project(id: ProjectId, api_url: ApiUrl) -> Result<ProjectConfig, HexclaveError> {
    let client_key = format!("pck_{}", super::random_key()?);
    project_with_keys(id, api_url, &client_key, &format!("ssk_{}", super::random_key()?))
}

pub(crate) fn project_with_keys(
    id: ProjectId,
    api_url: ApiUrl,
    client_key: &str,
    server_key: &str,
) -> Result<ProjectConfig, HexclaveError> {
    let unusable = |error| HexclaveError::with_source("the project's keys are unusable", error);
    ProjectConfig::builder()
        .project_id(id)
        .api_url(api_url)
        .publishable_client_key(client_key)
        .map_err(unusable)?
        .secret_server_key(hexclave_core::SecretKey::new(server_key).map_err(unusable)?)
        .build()
        .map_err(unusable)
}

fn reason_object<S: Serializer>(reason: &Option<RestrictedReason>, to: S) -> Result<S::Ok, S::Error> {
    reason
        .as_ref()
        .map(|reason| json!({ "type": reason.as_str() }))
        .serialize(to)
}
