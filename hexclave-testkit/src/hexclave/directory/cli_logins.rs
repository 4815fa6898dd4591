use hexclave_core::UserId;

use super::{
    super::{api_error::ApiError, random_key},
    Directory,
};

/// A login at a command line that somebody is to confirm in a browser.
pub(super) struct CliLogin {
    polling_code: String,
    login_code: String,
    expires_at_millis: u64,
    /// The session of the guest whom the command line has had so far.
    guest_refresh_token: Option<String>,
    /// The browser's session, once it has confirmed.
    refresh_token: Option<String>,
    used: bool,
}

/// What a command line needs to begin with.
pub(crate) struct StartedLogin {
    pub(crate) polling_code: String,
    pub(crate) login_code: String,
    pub(crate) expires_at_millis: u64,
}

/// What a command line that asks is told.
pub(crate) enum PolledLogin {
    Waiting,
    Expired,
    Used,
    /// Has the refresh token, once.
    Success(String),
}

impl Directory {
    pub(crate) fn start_cli_login(
        &mut self,
        lifetime_millis: u64,
        guest_refresh_token: Option<String>,
        now_millis: u64,
    ) -> Result<StartedLogin, ApiError> {
        if let Some(token) = &guest_refresh_token {
            let user = self
                .session_user(token, now_millis)
                .ok_or_else(|| ApiError::text(400, "The anon_refresh_token is not known, or has expired."))?;
            if !self.is_anonymous(user) {
                return Err(ApiError::text(400, "The anon_refresh_token is not a guest's."));
            }
        }
        let login = CliLogin {
            polling_code: random_key()?,
            login_code: random_key()?,
            expires_at_millis: now_millis.saturating_add(lifetime_millis),
            guest_refresh_token,
            refresh_token: None,
            used: false,
        };
        let started = StartedLogin {
            polling_code: login.polling_code.clone(),
            login_code: login.login_code.clone(),
            expires_at_millis: login.expires_at_millis,
        };
        self.cli_logins.push(login);
        Ok(started)
    }

    /// A login that was confirmed in time but asked for too late has expired too.
    pub(crate) fn poll_cli_login(
        &mut self,
        polling_code: &str,
        now_millis: u64,
    ) -> Result<PolledLogin, ApiError> {
        let login = self
            .cli_logins
            .iter_mut()
            .find(|login| login.polling_code == polling_code)
            .ok_or_else(|| {
                ApiError::known(400, "INVALID_POLLING_CODE", "There is no login with this code.")
            })?;
        Ok(match &login.refresh_token {
            _ if login.used => PolledLogin::Used,
            _ if login.expires_at_millis < now_millis => PolledLogin::Expired,
            Some(refresh_token) => {
                login.used = true;
                PolledLogin::Success(refresh_token.clone())
            }
            None => PolledLogin::Waiting,
        })
    }

    /// Whether the command line has a guest whose session the browser could take over.
    pub(crate) fn cli_login_has_guest(
        &mut self,
        login_code: &str,
        now_millis: u64,
    ) -> Result<bool, ApiError> {
        let token = self
            .pending_login(login_code, now_millis)?
            .guest_refresh_token
            .clone();
        Ok(token.is_some_and(|token| self.is_guests(&token, now_millis)))
    }

    /// The refresh token of that guest, once.
    pub(crate) fn claim_cli_guest(&mut self, login_code: &str, now_millis: u64) -> Result<String, ApiError> {
        let token = self
            .pending_login(login_code, now_millis)?
            .guest_refresh_token
            .clone();
        let token = token.filter(|token| self.is_guests(token, now_millis));
        let token = token.ok_or_else(|| ApiError::text(400, "No guest's session belongs to this code."))?;
        self.pending_login(login_code, now_millis)?.guest_refresh_token = None;
        Ok(token)
    }

    /// Confirms a login: the command line is going to share the browser's session.
    pub(crate) fn confirm_cli_login(
        &mut self,
        login_code: &str,
        refresh_token: Option<String>,
        now_millis: u64,
    ) -> Result<(), ApiError> {
        self.pending_login(login_code, now_millis)?;
        let refresh_token = refresh_token
            .filter(|token| !token.is_empty())
            .ok_or_else(|| ApiError::text(400, "To complete a login, a refresh_token is required."))?;
        let user = self
            .session_user(&refresh_token, now_millis)
            .ok_or_else(|| ApiError::text(400, "The refresh_token is not known, or has expired."))?;
        self.require_unrestricted(user)?;
        let login = self.pending_login(login_code, now_millis)?;
        login.refresh_token = Some(refresh_token);
        login.guest_refresh_token = None;
        Ok(())
    }

    /// A login that nobody has confirmed and that has not expired.
    fn pending_login(&mut self, login_code: &str, now_millis: u64) -> Result<&mut CliLogin, ApiError> {
        self.cli_logins
            .iter_mut()
            .find(|login| login.login_code == login_code)
            .filter(|login| login.refresh_token.is_none() && now_millis <= login.expires_at_millis)
            .ok_or_else(|| ApiError::text(400, "There is no login with this code, or it has expired."))
    }

    fn is_guests(&self, refresh_token: &str, now_millis: u64) -> bool {
        self.session_user(refresh_token, now_millis)
            .is_some_and(|user| self.is_anonymous(user))
    }

    fn is_anonymous(&self, user: UserId) -> bool {
        self.user(user).is_some_and(|user| user.is_anonymous)
    }
}
