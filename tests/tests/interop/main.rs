//! Against code that nobody here wrote: the JavaScript packages in `tests/interop`, run by Node.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod browser;
mod convex_auth_config;
mod convex_helper;
mod convex_tokens;
mod credentials;
mod guide;
mod sdk;
mod supabase;
mod tokens;
mod webhooks;
