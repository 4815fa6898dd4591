//! "CLI Setup".

use hexclave_core::{AccessToken, Verifier};
use hexclave_testkit::hexclave::{LocalHexclave, NewUser};
use serde_json::json;

use super::{in_python, input};

/// "Prompt the user to log in", "Exchange the refresh token for an access token", "Fetch the current user".
#[tokio::test]
async fn prompt_exchange_and_fetch_the_current_user() {
    let hexclave = LocalHexclave::start().await.expect("a server");
    let ada = NewUser::new("ada@example.com").name("Ada");
    let ada = hexclave.add_user(ada).expect("a user");
    let asked = input(&hexclave, json!({ "userId": ada.to_string() }));
    let Some(done) = in_python("guide/command_line.py", asked).await else {
        return;
    };
    assert_eq!(done["name"], "Ada");
    let page = format!("{}/handler/cli-auth-confirm", hexclave.config().api_url());
    assert_eq!(done["opened"], json!([page]));
    let token = AccessToken::from(done["accessToken"].as_str().expect("a text"));
    let verifier = Verifier::new(hexclave.config().clone()).expect("a verifier");
    assert_eq!(verifier.verify(&token).await.expect("a user").id(), ada);
}
