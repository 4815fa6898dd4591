use std::{fmt, sync::Arc, time::Duration};

use hexclave_core::{AcceptedKinds, Clock, SystemClock, UserId, UserKind};
use serde_json::{Map, Value};

use super::{VerifiedToken, jws::Jws};
use crate::{
    Error, ErrorKind, Role, SupabaseClaims, VerifyingKey,
    claims::{AUDIENCE, not_allowed, require_kind},
    error::quoted,
    keys::unusable,
};

const DEFAULT_LEEWAY: Duration = Duration::from_secs(5);
const LONGEST_LEEWAY: Duration = Duration::from_secs(60);
const MAX_KEYS: usize = 64;

/// Verifies Supabase tokens of users, for servers that get one in place of Hexclave's: those that a
/// [`Minter`](crate::Minter) has made, and those of Supabase Auth.
///
/// ```
/// use hexclave_supabase::{JwtSecret, SupabaseVerifier};
///
/// # fn serve(token: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let verifier = SupabaseVerifier::new(JwtSecret::from_env()?); // once per program
///
/// let token = verifier.verify(token)?;
/// println!("{} may come in as {}", token.user_id(), token.role());
/// # Ok(())
/// # }
/// ```
///
/// # What is checked
/// - `alg` is that of the key. A token that names a key by `kid` is verified with that one; a token that names none, with
///   those that have no name: the legacy secret. (In a project that has moved to signing keys, tokens may name the legacy
///   secret too: give the verifier the same secret again as [`SigningKey::hs256`](crate::SigningKey::hs256).)
/// - `exp` is there and has not passed; `nbf` and `iat` are not in the future; times are whole numbers. There is a
///   [leeway](Self::leeway) of 5 seconds.
/// - `sub` is a UUID, and `role` is `authenticated` or [allowed](Self::allow_role). So the project's API keys `anon` and
///   `service_role`, which are signed with the same secret, are no user's tokens.
/// - `aud` is `authenticated`, or a list with it, or absent.
/// - `is_anonymous` and `is_restricted` do not say that the user is of a kind that is not [accepted](Self::accept).
/// - `iss` is [as expected](Self::issuer), where that was said.
///
/// No member name of header and payload may be repeated.
#[derive(Clone)]
pub struct SupabaseVerifier {
    keys: Vec<VerifyingKey>,
    roles: Vec<Role>,
    accepted: AcceptedKinds,
    issuer: Option<String>,
    leeway: Duration,
    clock: Arc<dyn Clock>,
}

impl SupabaseVerifier {
    /// A verifier with one key.
    #[must_use]
    pub fn new(key: impl Into<VerifyingKey>) -> Self {
        Self::of(vec![key.into()])
    }

    /// A verifier with the keys of a JWKS document, such as a project publishes at
    /// `https://{ref}.supabase.co/auth/v1/.well-known/jwks.json`.
    ///
    /// A key that cannot be used is left out. The document is not fetched anew when keys change: a
    /// [`ProjectVerifier`](crate::ProjectVerifier) does that.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`] when it is not a JSON object with a list `keys` of at most 64, or none is usable. A
    /// project that has the legacy secret alone publishes none.
    pub fn from_jwks(json: &str) -> Result<Self, Error> {
        let keys = read_document(json.as_bytes())?;
        if keys.is_empty() {
            return Err(unusable(
                "the document lists none (the project has its legacy secret alone?)",
            ));
        }
        Ok(Self::of(keys))
    }

    /// A verifier that has no key yet, to say what is checked: see [`ProjectVerifierBuilder::rules`].
    ///
    /// [`ProjectVerifierBuilder::rules`]: crate::ProjectVerifierBuilder::rules
    #[must_use]
    pub fn without_keys() -> Self {
        Self::of(Vec::new())
    }

    fn of(keys: Vec<VerifyingKey>) -> Self {
        Self {
            keys,
            roles: vec![Role::Authenticated],
            accepted: AcceptedKinds::default(),
            issuer: None,
            leeway: DEFAULT_LEEWAY,
            clock: Arc::new(SystemClock),
        }
    }

    /// Verifies with this key too, as while one replaces another.
    #[must_use]
    pub fn and(mut self, key: impl Into<VerifyingKey>) -> Self {
        self.keys.push(key.into());
        self
    }

    /// Lets in tokens with this role too.
    #[must_use]
    pub fn allow_role(mut self, role: Role) -> Self {
        self.roles.push(role);
        self
    }

    /// Which kinds of users are let in; without this, normal ones only.
    #[must_use]
    pub fn accept(mut self, kinds: AcceptedKinds) -> Self {
        self.accepted = kinds;
        self
    }

    /// Demands this `iss`. That of Supabase Auth is `https://{ref}.supabase.co/auth/v1`; minted tokens have none, so this
    /// keeps them out.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// By how much clocks may differ; 5 seconds unless set.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when it is more than a minute.
    pub fn leeway(mut self, leeway: Duration) -> Result<Self, Error> {
        if leeway > LONGEST_LEEWAY {
            return Err(Error::new(
                ErrorKind::InvalidConfig,
                format!("a leeway of {} seconds is too long: at most 60", leeway.as_secs()),
            ));
        }
        self.leeway = leeway;
        Ok(self)
    }

    /// Where the time comes from.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Verifies a token: see [what is checked](Self#what-is-checked).
    ///
    /// # Errors
    /// All of them are [refusals](Error::is_refusal); the kind says which check failed. No text repeats the token.
    pub fn verify(&self, token: &str) -> Result<VerifiedToken, Error> {
        let jws = Jws::parse(token)?;
        let verified = self.check_claims(&jws)?;
        self.check_signature(&jws)?;
        Ok(verified)
    }

    /// Everything that needs no key. What comes out is not proven yet.
    pub(super) fn check_claims(&self, jws: &Jws<'_>) -> Result<VerifiedToken, Error> {
        let (members, payload) = jws.claims()?;
        let expires_at = self.check_times(&members)?;
        self.check_audience_and_issuer(&members)?;

        let user_id = text(&members, "sub")
            .and_then(|sub| sub.parse::<UserId>().ok())
            .ok_or_else(|| invalid("its `sub` is not a user's id (is it one of the project's API keys?)"))?;
        let role = text(&members, "role").ok_or_else(|| invalid("its `role` is no text"))?;
        let role = self.roles.iter().find(|allowed| allowed.as_str() == role);
        let role = role.ok_or_else(|| not_allowed(text(&members, "role").unwrap_or_default()))?;
        let kind = kind(&members)?;
        require_kind(self.accepted, kind)?;
        Ok(VerifiedToken {
            claims: SupabaseClaims::read(user_id, role.clone(), payload),
            user_id,
            kind,
            expires_at,
            members,
        })
    }

    /// That one of the keys given has signed it.
    pub(super) fn check_signature(&self, jws: &Jws<'_>) -> Result<(), Error> {
        check_signature(jws, &self.keys)
    }

    pub(super) fn clock_used(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Gives `exp`.
    fn check_times(&self, members: &Map<String, Value>) -> Result<u64, Error> {
        let time = |name: &str| match members.get(name) {
            None => Ok(None),
            Some(value) => value
                .as_u64()
                .map(Some)
                .ok_or_else(|| invalid(format_args!("its `{name}` is not a whole number of seconds"))),
        };
        let (now, leeway) = (self.clock.unix_seconds(), self.leeway.as_secs());
        let expires_at = time("exp")?.ok_or_else(|| invalid("it has no `exp`"))?;
        if expires_at.saturating_add(leeway) <= now {
            return Err(Error::new(
                ErrorKind::TokenExpired,
                "the Supabase token has expired",
            ));
        }
        for name in ["nbf", "iat"] {
            if time(name)?.is_some_and(|time| time > now.saturating_add(leeway)) {
                return Err(Error::new(
                    ErrorKind::NotYetValid,
                    format!("the Supabase token's `{name}` lies in the future"),
                ));
            }
        }
        Ok(expires_at)
    }

    fn check_audience_and_issuer(&self, members: &Map<String, Value>) -> Result<(), Error> {
        let is_ours = match members.get("aud") {
            None => true,
            Some(Value::String(audience)) => audience == AUDIENCE,
            Some(Value::Array(audiences)) => audiences.iter().any(|audience| audience == AUDIENCE),
            Some(_) => false,
        };
        if !is_ours {
            return Err(Error::new(
                ErrorKind::AudienceMismatch,
                format!("the Supabase token's `aud` is not `{AUDIENCE}`"),
            ));
        }
        if self.issuer.is_some() && self.issuer.as_deref() != text(members, "iss") {
            return Err(Error::new(
                ErrorKind::IssuerMismatch,
                "the Supabase token's `iss` is not the one that is expected",
            ));
        }
        Ok(())
    }
}

impl fmt::Debug for SupabaseVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SupabaseVerifier")
            .field("keys", &self.keys)
            .field("roles", &self.roles)
            .field("accepted", &self.accepted)
            .field("issuer", &self.issuer)
            .field("leeway", &self.leeway)
            .finish_non_exhaustive()
    }
}

/// That the key that the token names has signed it.
pub(super) fn check_signature(jws: &Jws<'_>, keys: &[VerifyingKey]) -> Result<(), Error> {
    let mut candidates = keys
        .iter()
        .filter(|key| key.id() == jws.key_id.as_deref())
        .peekable();
    if candidates.peek().is_none() {
        return Err(unknown_key(jws.key_id.as_deref()));
    }
    let mut candidates = candidates
        .filter(|key| key.algorithm().as_str() == jws.algorithm)
        .peekable();
    if candidates.peek().is_none() {
        return Err(Error::new(
            ErrorKind::UnsupportedAlgorithm,
            format!(
                "the Supabase token says alg {}, which is not its key's",
                quoted(&jws.algorithm)
            ),
        ));
    }
    if !candidates.any(|key| key.verifies(jws.signed.as_bytes(), &jws.signature)) {
        return Err(Error::new(
            ErrorKind::InvalidSignature,
            "the Supabase token's signature does not belong to its header and payload",
        ));
    }
    Ok(())
}

pub(super) fn unknown_key(id: Option<&str>) -> Error {
    Error::new(
        ErrorKind::UnknownKey,
        match id {
            Some(id) => format!("there is no key {} to verify the Supabase token with", quoted(id)),
            None => "the Supabase token names no key, and there is none without a name".to_owned(),
        },
    )
}

/// The usable keys of a JWKS document. One that lists keys, and none that is usable, is an error.
pub(super) fn read_document(json: &[u8]) -> Result<Vec<VerifyingKey>, Error> {
    let document: Option<Value> = serde_json::from_slice(json).ok();
    let keys = document
        .as_ref()
        .and_then(|document| document.get("keys")?.as_array())
        .filter(|keys| keys.len() <= MAX_KEYS)
        .ok_or_else(|| {
            unusable(format_args!(
                "the document is not a JSON object with a list `keys` of at most {MAX_KEYS}"
            ))
        })?;
    let (usable, unusable): (Vec<_>, Vec<_>) =
        keys.iter().map(VerifyingKey::from_jwk).partition(Result::is_ok);
    match unusable.into_iter().find_map(Result::err) {
        Some(first) if usable.is_empty() => Err(first),
        _ => Ok(usable.into_iter().flatten().collect()),
    }
}

fn kind(members: &Map<String, Value>) -> Result<UserKind, Error> {
    let flag = |name: &str| match members.get(name) {
        None => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(_) => Err(invalid(format_args!("its `{name}` is neither true nor false"))),
    };
    Ok(match (flag("is_anonymous")?, flag("is_restricted")?) {
        (true, _) => UserKind::Anonymous,
        (false, true) => UserKind::Restricted,
        (false, false) => UserKind::Normal,
    })
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Value::as_str)
}

fn invalid(why: impl fmt::Display) -> Error {
    Error::new(
        ErrorKind::InvalidClaim,
        format!("the Supabase token is not a user's: {why}"),
    )
}
