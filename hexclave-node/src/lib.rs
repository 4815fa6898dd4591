//! The native part of the npm package `hexclave-node`, for its own JavaScript and nobody else: handles of what the crates
//! make, functions over them, and failures as objects of which JavaScript makes errors. No rule of its own lives here.
// As a test, napi's macros register nothing with Node, so nothing would be used.
#![cfg_attr(test, allow(dead_code))]

mod convex;
mod failure;
mod headers;
mod jwks;
mod later;
mod project;
mod supabase;
mod user;
mod verifier;
mod webhooks;

use napi::bindgen_prelude::create_custom_tokio_runtime;
use napi_derive::module_init;

/// Keys are fetched in the background by one thread; the default would be one for each core.
#[module_init]
fn start() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("hexclave")
        .enable_all()
        .build();
    if let Ok(runtime) = runtime {
        create_custom_tokio_runtime(runtime);
    }
}
