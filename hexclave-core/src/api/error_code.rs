use std::fmt;

macro_rules! error_codes {
    ($($variant:ident = $text:literal $doc:literal,)*) => {
        /// The codes with which the Hexclave API says what is wrong, as of September 2026 (upstream's
        /// `known-errors.tsx`). A code that this version does not know is kept in [`Other`](Self::Other).
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $(#[doc = $doc] $variant,)*
            /// A code that this version does not know.
            Other(String),
        }

        impl ErrorCode {
            /// The codes that this version knows.
            #[cfg(test)]
            const KNOWN: &[Self] = &[$(Self::$variant,)*];

            /// The code as Hexclave spells it, in upper case.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(code) => code,
                }
            }
        }

        impl From<&str> for ErrorCode {
            fn from(code: &str) -> Self {
                match code {
                    $($text => Self::$variant,)*
                    other => Self::Other(other.to_owned()),
                }
            }
        }
    };
}

error_codes! {
    AccessTokenExpired = "ACCESS_TOKEN_EXPIRED" "The access token's time is over.",
    AccessTypeRequired = "ACCESS_TYPE_REQUIRED" "The request does not say as whom it comes: client, server or admin.",
    AccessTypeWithoutProjectId = "ACCESS_TYPE_WITHOUT_PROJECT_ID" "The request names no project.",
    AdminAccessTokenExpired = "ADMIN_ACCESS_TOKEN_EXPIRED" "The dashboard's token is too old.",
    AdminAccessTokenIsNotAdmin = "ADMIN_ACCESS_TOKEN_IS_NOT_ADMIN" "The dashboard's token is not an administrator's.",
    AdminAuthenticationRequired = "ADMIN_AUTHENTICATION_REQUIRED" "The endpoint wants the admin key.",
    AllOverloadsFailed = "ALL_OVERLOADS_FAILED" "The request fits none of the endpoint's forms.",
    AnonymousAccountsNotEnabled = "ANONYMOUS_ACCOUNTS_NOT_ENABLED" "The project has no anonymous users.",
    AnonymousAuthenticationNotAllowed = "ANONYMOUS_AUTHENTICATION_NOT_ALLOWED" "The user is anonymous, and the request does not let such users in.",
    BodyParsingError = "BODY_PARSING_ERROR" "The body is not what its content type says.",
    BotChallengeFailed = "BOT_CHALLENGE_FAILED" "The challenge against bots was not solved.",
    BotChallengeRequired = "BOT_CHALLENGE_REQUIRED" "A challenge against bots must be solved first, in a browser.",
    BranchDoesNotExist = "BRANCH_DOES_NOT_EXIST" "The project has no such branch.",
    CannotDeleteCurrentSession = "CANNOT_DELETE_CURRENT_SESSION" "The session that asks cannot be revoked by its id: sign out.",
    CannotGetOwnUserWithoutUser = "CANNOT_GET_OWN_USER_WITHOUT_USER" "Nobody is signed in, or the user has been deleted.",
    ClientAuthenticationRequired = "CLIENT_AUTHENTICATION_REQUIRED" "The endpoint wants a client's key.",
    CurrentProjectNotFound = "CURRENT_PROJECT_NOT_FOUND" "The project that the request names does not exist.",
    EmailPasswordMismatch = "EMAIL_PASSWORD_MISMATCH" "No user has this e-mail address and password.",
    ExpectedInternalProject = "EXPECTED_INTERNAL_PROJECT" "The endpoint is there for the project `internal` only.",
    ExternalAuthProviderNotConfigured = "EXTERNAL_AUTH_PROVIDER_NOT_CONFIGURED" "The project does not exchange tokens of that provider.",
    InsufficientAccessType = "INSUFFICIENT_ACCESS_TYPE" "The endpoint wants more than this access type.",
    InvalidAccessType = "INVALID_ACCESS_TYPE" "There is no such access type.",
    InvalidAuthorizationCode = "INVALID_AUTHORIZATION_CODE" "The OAuth code is unknown or used up.",
    InvalidExternalAuthToken = "INVALID_EXTERNAL_AUTH_TOKEN" "The other provider's token is not valid.",
    InvalidOauthClientIdOrSecret = "INVALID_OAUTH_CLIENT_ID_OR_SECRET" "The OAuth client (project and publishable key) is not the project's.",
    InvalidPollingCode = "INVALID_POLLING_CODE" "There is no such command-line login.",
    InvalidProjectForAccessToken = "INVALID_PROJECT_FOR_ACCESS_TOKEN" "The access token is another project's.",
    InvalidProjectForAdminAccessToken = "INVALID_PROJECT_FOR_ADMIN_ACCESS_TOKEN" "The dashboard's token is another project's.",
    InvalidPublishableClientKey = "INVALID_PUBLISHABLE_CLIENT_KEY" "The publishable client key is not the project's.",
    InvalidSecretServerKey = "INVALID_SECRET_SERVER_KEY" "The secret server key is not the project's.",
    InvalidSuperSecretAdminKey = "INVALID_SUPER_SECRET_ADMIN_KEY" "The admin key is not the project's.",
    InvalidTotpCode = "INVALID_TOTP_CODE" "The second factor's code is wrong.",
    MultiFactorAuthenticationRequired = "MULTI_FACTOR_AUTHENTICATION_REQUIRED" "The user has to give a second factor.",
    PasswordAuthenticationNotEnabled = "PASSWORD_AUTHENTICATION_NOT_ENABLED" "The project has no sign-in by password.",
    PasswordTooLong = "PASSWORD_TOO_LONG" "The password has more than 70 characters.",
    PasswordTooShort = "PASSWORD_TOO_SHORT" "The password has fewer than 8 characters.",
    PermissionNotFound = "PERMISSION_NOT_FOUND" "The project has no such permission.",
    ProjectKeyWithoutAccessType = "PROJECT_KEY_WITHOUT_ACCESS_TYPE" "A key came without an access type.",
    ProjectNotFound = "PROJECT_NOT_FOUND" "There is no such project.",
    ProviderRejected = "PROVIDER_REJECTED" "The OAuth provider did not refresh its token.",
    PublishableClientKeyRequiredForProject = "PUBLISHABLE_CLIENT_KEY_REQUIRED_FOR_PROJECT" "The project demands its publishable client key.",
    RedirectUrlNotWhitelisted = "REDIRECT_URL_NOT_WHITELISTED" "The URL is not one of the project's trusted domains.",
    RefreshTokenNotFoundOrExpired = "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED" "The session has ended.",
    RestrictedUserNotAllowed = "RESTRICTED_USER_NOT_ALLOWED" "The user is restricted, and the request does not let such users in.",
    SchemaError = "SCHEMA_ERROR" "The body, the query or a header is not as the endpoint wants it.",
    ServerAuthenticationRequired = "SERVER_AUTHENTICATION_REQUIRED" "The endpoint wants the secret server key.",
    SignUpNotEnabled = "SIGN_UP_NOT_ENABLED" "The project takes no new users.",
    SignUpRejected = "SIGN_UP_REJECTED" "A rule of the project refused the new user.",
    TeamMembershipNotFound = "TEAM_MEMBERSHIP_NOT_FOUND" "The user is not a member of the team.",
    TeamNotFound = "TEAM_NOT_FOUND" "There is no such team.",
    TeamPermissionRequired = "TEAM_PERMISSION_REQUIRED" "The user lacks a permission in the team.",
    UnparsableAccessToken = "UNPARSABLE_ACCESS_TOKEN" "The access token is not one of Hexclave's.",
    UnparsableAdminAccessToken = "UNPARSABLE_ADMIN_ACCESS_TOKEN" "The dashboard's token is not one of Hexclave's.",
    UserAuthenticationRequired = "USER_AUTHENTICATION_REQUIRED" "The endpoint wants a signed-in user.",
    UserEmailAlreadyExists = "USER_EMAIL_ALREADY_EXISTS" "Another user signs in with this e-mail address.",
    UserIdDoesNotExist = "USER_ID_DOES_NOT_EXIST" "The request names a user who does not exist.",
    UserNotFound = "USER_NOT_FOUND" "There is no such user.",
    VerificationCodeAlreadyUsed = "VERIFICATION_CODE_ALREADY_USED" "The code, such as that of a sign-in that waits for its second factor, has been used.",
    VerificationCodeExpired = "VERIFICATION_CODE_EXPIRED" "The code's time is over.",
    VerificationCodeNotFound = "VERIFICATION_CODE_NOT_FOUND" "There is no such code.",
}

impl ErrorCode {
    /// Whether the access token is at fault: expired, another project's, or no token of Hexclave's. A refreshed one
    /// may pass.
    #[must_use]
    pub fn is_access_token_failure(&self) -> bool {
        matches!(
            self,
            Self::AccessTokenExpired | Self::InvalidProjectForAccessToken | Self::UnparsableAccessToken
        )
    }

    /// Whether the code is one of the family of refresh token errors. As the answer to a refresh each of them means
    /// that the session has ended.
    #[must_use]
    pub fn is_refresh_token_failure(&self) -> bool {
        matches!(
            self,
            Self::CannotDeleteCurrentSession | Self::ProviderRejected | Self::RefreshTokenNotFoundOrExpired
        )
    }

    /// Whether the project, its keys or the access type are at fault, which is this program's configuration and says
    /// nothing about any user.
    #[must_use]
    pub fn is_project_key_failure(&self) -> bool {
        matches!(
            self,
            Self::AccessTypeRequired
                | Self::AccessTypeWithoutProjectId
                | Self::AdminAccessTokenExpired
                | Self::AdminAccessTokenIsNotAdmin
                | Self::AdminAuthenticationRequired
                | Self::BranchDoesNotExist
                | Self::ClientAuthenticationRequired
                | Self::CurrentProjectNotFound
                | Self::ExpectedInternalProject
                | Self::InsufficientAccessType
                | Self::InvalidAccessType
                | Self::InvalidOauthClientIdOrSecret
                | Self::InvalidProjectForAdminAccessToken
                | Self::InvalidPublishableClientKey
                | Self::InvalidSecretServerKey
                | Self::InvalidSuperSecretAdminKey
                | Self::ProjectKeyWithoutAccessType
                | Self::ProjectNotFound
                | Self::PublishableClientKeyRequiredForProject
                | Self::ServerAuthenticationRequired
                | Self::UnparsableAdminAccessToken
        )
    }

    /// Whether the password breaks the project's rules.
    #[must_use]
    pub fn is_password_rule_failure(&self) -> bool {
        matches!(self, Self::PasswordTooLong | Self::PasswordTooShort)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_and_others_are_kept() {
        for code in ErrorCode::KNOWN {
            assert_eq!(ErrorCode::from(code.as_str()), *code);
            assert_ne!(ErrorCode::from(code.as_str().to_lowercase().as_str()), *code);
        }
        let other = ErrorCode::from("NEW_IN_2027");
        assert_eq!(
            (other.as_str(), &other),
            ("NEW_IN_2027", &ErrorCode::Other("NEW_IN_2027".into()))
        );
    }

    #[test]
    fn families_do_not_overlap() {
        for code in ErrorCode::KNOWN {
            let families = [
                code.is_access_token_failure(),
                code.is_refresh_token_failure(),
                code.is_project_key_failure(),
                code.is_password_rule_failure(),
            ];
            assert!(families.iter().filter(|is| **is).count() <= 1, "{code}");
        }
        assert!(!ErrorCode::AnonymousAuthenticationNotAllowed.is_access_token_failure());
    }
}
