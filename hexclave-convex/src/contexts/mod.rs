//! Inside Convex, and behind it: users from identities, in Rust and in TypeScript, and tokens from Convex's header.

mod bearer;
mod helper;
mod partial_user;

pub use bearer::{bearer_header, bearer_token};
pub use helper::ConvexHelper;
pub use partial_user::{PartialUser, PartialUserReader};
