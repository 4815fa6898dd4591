//! Hexclave's setup guides, row by row, as far as our side serves them: the code that they give, with the packages that they
//! install, against the local Hexclave and our crates. Modules and tests are named after the sections;
//! `interop/README.md` has the table.

mod backend;
mod cli;
mod convex;
mod javascript;
mod python;
mod rest_api;
mod supabase;

use hexclave_testkit::hexclave::LocalHexclave;
use hexclave_tests::node;
use serde_json::{Value, json};

/// What an application is configured with, and what else a program is given.
fn input(hexclave: &LocalHexclave, more: Value) -> Value {
    let config = hexclave.config();
    let mut input = json!({
        "baseUrl": config.api_url().as_str(),
        "projectId": config.project_id().as_str(),
        "publishableClientKey": config.publishable_client_key(),
        "secretServerKey": config.secret_server_key().expect("a key").expose(),
    });
    let members = input.as_object_mut().expect("an object");
    members.extend(more.as_object().expect("an object").clone());
    input
}

/// Runs a Node program. It asks servers of this process, so that this thread must be free to answer.
async fn in_node(program: &'static str, input: Value) -> Value {
    let done = tokio::task::spawn_blocking(move || node::run(program, &input));
    done.await.expect("a result")
}

/// Runs a Python program, where its packages are installed.
async fn in_python(program: &'static str, input: Value) -> Option<Value> {
    let done = tokio::task::spawn_blocking(move || hexclave_tests::python::run(program, &input));
    done.await.expect("a result")
}
