//! The Hexclave API: users, sessions, teams, permissions, and signing in.
//!
//! A [`Client`] comes with [`Public`], [`Server`] or [`Admin`] access. The compiler knows what each may do:
//!
//! ```no_run
//! use hexclave_core::{
//!     ProjectConfig, UserId,
//!     api::{Client, UserPatch},
//! };
//!
//! # async fn run(id: UserId) -> Result<(), hexclave_core::Error> {
//! let client = Client::server(ProjectConfig::from_env()?)?;
//! if let Some(user) = client.user(id).await? {
//!     let patch = UserPatch::default().display_name(Some("Zoë")).profile_image_url(None);
//!     client.update_user(user.id, &patch).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What it sends: its access type, the project, the one key that belongs to the access type, and the user's access
//! token where it [asks as a user](Client::as_user), all under the old brand (`x-stack-`), which every server
//! understands; the [extra headers](crate::ProjectConfig::extra_request_headers) of the configuration; and a
//! `User-Agent` of its own. Redirects are not followed.
//!
//! # Beside the JavaScript SDK
//! What `HexclaveServerApp`, `HexclaveClientApp` and their users and teams can do (`@stackframe/js` 2.8.108), and how
//! it is done here. A dash: not here; [`UserPatch::other`] and [`Extra`] reach members that are new.
//!
//! | JavaScript | Rust |
//! |---|---|
//! | `new HexclaveServerApp(…)` | [`Client::server`], [`Client::builder`] |
//! | `new HexclaveClientApp(…)` | [`Client::public`] |
//! | `getUser({ tokenStore: request })` | [`Verifier::verify`](crate::Verifier::verify); with the API's word, [`OnlineVerifier`] |
//! | `getPartialUser({ from: "token" })` | [`Verifier::verify`](crate::Verifier::verify), which checks the signature, too |
//! | `getPartialUser({ from: "convex" })`, `getConvexClientAuth`, … | the crate `hexclave-convex` |
//! | `getUser()` of a session | [`Session::as_user`](crate::session::Session::as_user), [`AsUser::me`] |
//! | `getUser(…)` with `or: "anonymous"`, `includeRestricted` | [`ClientBuilder::accept`]; a guest is made by [`Client::sign_up_anonymously`] |
//! | `getUser(…)` with `or: "redirect"`, `redirectTo…`, `urls` | — (browsers only) |
//! | `getUser(id)` | [`Client::user`] |
//! | `getUser({ apiKey })`, `createApiKey`, `listApiKeys` | — |
//! | `listUsers`, `team.listUsers` | [`Client::users`], page by page; [`UserQuery`] |
//! | `createUser` | [`Client::create_user`] |
//! | `user.update`, `setDisplayName`, `set…Metadata`, `setPrimaryEmail`, `setPassword`, `setSelectedTeam` | [`Client::update_user`], [`AsUser::update`]; [`UserPatch`] |
//! | `user.updatePassword` (knowing the old one), `registerPasskey`, `sendVerificationEmail` | — |
//! | `user.delete` | [`Client::delete_user`], [`AsUser::delete`] |
//! | `user.listContactChannels`, `listNotificationCategories`, connected accounts, OAuth providers | — (the providers are in [`ClientUser::oauth_providers`]) |
//! | `user.createSession` | [`Client::create_session`] |
//! | `user.getActiveSessions`, `revokeSession` | [`Client::sessions`], [`Client::revoke_session`], [`AsUser::sessions`], [`AsUser::revoke_session`] |
//! | `currentSession.getTokens`, `getAccessToken`, `getAuthJson` | [`Session::fresh_access_token`](crate::session::Session::fresh_access_token) |
//! | `tokenStore: "memory"` | [`MemoryStore`](crate::session::MemoryStore), or a [`TokenStore`](crate::session::TokenStore) of one's own |
//! | `signOut` | [`Session::sign_out`](crate::session::Session::sign_out), [`AsUser::sign_out`] |
//! | `signUpWithCredential`, `signInWithCredential`, `signInWithMfa` | [`Client::sign_up_with_password`], [`Client::sign_in_with_password`], [`Client::sign_in_with_totp`] |
//! | `signInWithOAuth`, `signInWithMagicLink`, `signInWithPasskey`, `resetPassword`, `verifyEmail`, … | — (browsers only) |
//! | `promptCliLogin` | `cli_login` (feature `cli-login`) |
//! | `createTeam`, `getTeam`, `listTeams`, `team.update`, `team.delete` | [`Client::create_team`], [`Client::team`], [`Client::teams`], [`AsUser::teams`], [`Client::update_team`], [`Client::delete_team`] |
//! | `team.addUser`, `team.removeUser` | [`Client::add_team_member`], [`Client::remove_team_member`] |
//! | `team.inviteUser` and other invitations, team profiles | — |
//! | `listPermissions`, `hasPermission`, `listTeamMemberPermissions` | [`Client::team_permissions`], [`Client::project_permissions`], [`Client::permissions_in_team`], [`AsUser::has_team_permission`], [`AsUser::has_project_permission`], … |
//! | `grantPermission`, `revokePermission` | [`Client::grant_team_permission`], [`Client::revoke_team_permission`], and those of the project |
//! | `getProject` | [`Client::project`] |
//! | `getItem`, products, invoices, checkouts, `grantProduct` | — |
//! | `sendEmail`, `getEmailDeliveryStats`, `getDataVaultStore` | — |
//! | `useUser` and other hooks | — (browsers only) |

mod access;
mod api_error;
mod as_user;
mod client;
mod error_code;
mod hosts;
mod list;
mod online;
mod permissions;
mod request;
mod retry;
mod sessions;
mod sign_in;
mod teams;
mod transport;
mod user_patch;
mod users;

pub use access::{Access, Admin, Public, Server, ServerAccess};
pub use api_error::ApiError;
pub use as_user::AsUser;
pub(crate) use client::Shared;
pub use client::{Client, ClientBuilder};
pub use error_code::ErrorCode;
use list::ListOf;
pub use online::OnlineVerifier;
pub use permissions::PermissionDepth;
#[cfg(feature = "cli-login")]
pub(crate) use request::Request;
pub use sessions::{NewSession, SessionTokens};
pub use sign_in::{MfaAttempt, PasswordSignUp, SignIn, SignedIn};
pub use teams::{NewTeam, TeamPatch};
pub use user_patch::{NewUser, UserPatch};
pub use users::{Page, UserQuery};

pub use crate::resource::{
    ClientUser, Domain, Extra, OAuthProvider, PermissionId, Project, ProjectPermission, ProjectSettings,
    ServerUser, Team, TeamMembership, TeamPermission, UserSession,
};
