//! What the API and its webhooks speak of: typed, tolerant of members that are new, and without loss.

mod extra;
mod permission;
mod project;
mod session;
mod team;
mod user;
mod wire;

pub use extra::Extra;
pub use permission::{PermissionId, ProjectPermission, TeamPermission};
pub use project::{Domain, Project, ProjectSettings};
pub use session::UserSession;
pub use team::{Team, TeamMembership};
pub use user::{ClientUser, OAuthProvider, ServerUser};
