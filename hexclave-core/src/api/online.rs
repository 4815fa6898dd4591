use std::{
    fmt,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use quick_cache::sync::Cache;
use tokio::time::Instant;

use super::{
    Access, Client, ListOf, ServerAccess,
    client::{Shared, admit},
    request::Request,
};
use crate::{
    AccessToken, Error, ErrorKind, RestrictedReason, SessionId, User, UserId, UserKind, Verifier,
    claims::UserClaims,
    resource::{ClientUser, UserSession},
};

/// The longest that an answer is remembered.
const LONGEST_MEMORY: Duration = Duration::from_secs(60);
const REMEMBERED: usize = 10_000;

/// Verifies access tokens and then asks the API about their users, so that whoever was deleted or held back a moment
/// ago does not come in, and what is known of the others is as of now.
///
/// A [`Verifier`] alone is right for nearly everybody: it needs no network, while this asks the API for each token
/// that has passed, which counts towards the project's rate limit and makes the API's troubles this program's. A token
/// that the verifier refuses is never sent. The policy is the [verifier's](crate::VerifierBuilder::accept): it is
/// applied to the token, and then to what the API says.
///
/// Signing out does not end the access tokens of a session: the API itself takes them until they expire. Those for
/// whom that is too long [look for the session](Self::with_sessions), too.
///
/// ```no_run
/// use std::time::Duration;
/// use hexclave_core::{
///     AccessToken, ProjectConfig, Verifier,
///     api::{Client, OnlineVerifier},
/// };
///
/// # async fn run(token: AccessToken) -> Result<(), hexclave_core::Error> {
/// let config = ProjectConfig::from_env()?;
/// let verifier = OnlineVerifier::new(Verifier::new(config.clone())?, &Client::server(config)?)?
///     .remembering(Duration::from_secs(5));
///
/// let user = verifier.verify(&token).await?;
/// println!("{} is signed in, and was so within the last five seconds", user.id());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct OnlineVerifier {
    verifier: Verifier,
    client: Arc<Shared>,
    looks_for_session: bool,
    memory: Option<Arc<Memory>>,
}

/// A user in one session.
type Who = (UserId, Option<SessionId>);

/// What the API said of users a moment ago. Only those who came in are remembered.
struct Memory {
    life: Duration,
    users: Cache<Who, (Instant, Arc<ClientUser>)>,
}

impl OnlineVerifier {
    /// Asks with this client about the users whose tokens this verifier has proven.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when the two are of different projects.
    pub fn new<A: Access>(verifier: Verifier, client: &Client<A>) -> Result<Self, Error> {
        let (ours, theirs) = (verifier.config().project_id(), client.config().project_id());
        if ours != theirs {
            return Err(Error::config(format!(
                "the verifier is of project {ours} and the client of project {theirs}: give both the same"
            )));
        }
        Ok(Self {
            verifier,
            client: Arc::clone(client.shared()),
            looks_for_session: false,
            memory: None,
        })
    }

    /// As [`new`](Self::new), and looks for the token's session in the list of the user's sessions, so that a token
    /// ends with its session: [`ErrorKind::SessionEnded`]. That is a second request, at the same time as the first.
    ///
    /// Sessions in which an administrator acts as the user are listed for [`Admin`](super::Admin) access only; with
    /// [`Server`](super::Server) access their tokens are refused.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_sessions<A: ServerAccess>(verifier: Verifier, client: &Client<A>) -> Result<Self, Error> {
        let mut online = Self::new(verifier, client)?;
        online.looks_for_session = true;
        Ok(online)
    }

    /// Remembers for so long what the API has said of a user, a minute at most, and does not ask again meanwhile.
    /// Who is deleted or held back in that time still comes in until it is over. Without this: the API is asked each
    /// time.
    #[must_use]
    pub fn remembering(mut self, life: Duration) -> Self {
        self.memory = Some(Arc::new(Memory {
            life: life.min(LONGEST_MEMORY),
            users: Cache::new(REMEMBERED),
        }));
        self
    }

    /// Proves who a token's user is, and asks the API about the user.
    ///
    /// The [`User`] is as the API describes it now; its [`payload`](User::payload) and its times are the token's.
    ///
    /// # Errors
    /// As [`Verifier::verify`]. Then, as answers of the API: [`ErrorKind::UserGone`],
    /// [`ErrorKind::KindNotAccepted`], [`ErrorKind::TokenExpired`], [`ErrorKind::TokenRejected`]; anything else that
    /// goes wrong there is no [refusal](Error::is_refusal), a wrong key of this program least of all.
    pub async fn verify(&self, token: &AccessToken) -> Result<User, Error> {
        let proven = self.verifier.verify(token).await?;
        let who = (proven.id(), proven.session_id());
        let current = match self.remembered(who) {
            Some(user) => user,
            None => {
                let (user, session) = tokio::join!(self.user(token, proven.id()), self.look_for_session(who));
                // Of a user who is gone, so are the sessions: the first reason is the better one.
                let user = user?;
                session?;
                self.remember(who, user)
            }
        };
        Ok(proven.with_claims(claims(&current, &proven)))
    }

    async fn user(&self, token: &AccessToken, id: UserId) -> Result<ClientUser, Error> {
        let accepted = self.verifier.accepted_kinds();
        let request = Request::get("users/me").with_access_token(token, accepted)?;
        let user: ClientUser = self.client.transport.ask(request).await?;
        if user.id != id {
            return Err(Error::new(
                ErrorKind::ApiAnswerUnusable,
                "GET users/me: the Hexclave API's answer cannot be used: it is about somebody else",
            ));
        }
        admit(user.kind(), accepted)?;
        Ok(user)
    }

    async fn look_for_session(&self, (user, session): Who) -> Result<(), Error> {
        if !self.looks_for_session {
            return Ok(());
        }
        let request = Request::get("auth/sessions").query("user_id", user.to_string());
        let sessions: ListOf<UserSession> = self.client.transport.ask(request).await?;
        if sessions.items.iter().any(|found| Some(found.id) == session) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::SessionEnded,
            "the token's session is not among the user's sessions: it has ended",
        ))
    }

    fn remember(&self, who: Who, user: ClientUser) -> Arc<ClientUser> {
        let user = Arc::new(user);
        if let Some(memory) = &self.memory {
            memory.users.insert(who, (Instant::now(), Arc::clone(&user)));
        }
        user
    }

    fn remembered(&self, who: Who) -> Option<Arc<ClientUser>> {
        let memory = self.memory.as_ref()?;
        let (since, user) = memory.users.get(&who)?;
        if since.elapsed() < memory.life {
            return Some(user);
        }
        memory.users.remove(&who);
        None
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memory({} users for {:?})", self.users.len(), self.life)
    }
}

/// What the API says now in the words of a token; the session is the token's own.
fn claims(user: &ClientUser, proven: &User) -> UserClaims {
    let kind = user.kind();
    let signed_up_at = user.signed_up_at.duration_since(UNIX_EPOCH);
    UserClaims {
        id: user.id,
        kind,
        restricted_reason: match kind {
            UserKind::Normal => None,
            UserKind::Anonymous => Some(RestrictedReason::Anonymous),
            UserKind::Restricted => user.restricted_reason.clone(),
        },
        session_id: proven.session_id(),
        name: user.display_name.clone(),
        email: user.primary_email.clone(),
        email_verified: user.primary_email_verified,
        selected_team_id: user.selected_team_id,
        signed_up_at: signed_up_at.ok().map(|since| since.as_secs()),
        requires_totp_mfa: user.requires_totp_mfa,
    }
}
