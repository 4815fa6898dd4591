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
