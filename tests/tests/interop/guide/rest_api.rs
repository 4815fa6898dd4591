//! "Other Backend Setup (REST API)", and the page "REST API: Authentication".

use hexclave_core::{AccessToken, Credentials, ErrorKind, UserId, UserKind, Verifier};
use hexclave_testkit::hexclave::{LocalHexclave, NewUser, Subject};
use serde_json::{Value, json};

use super::{in_node, input};

const PASSWORD: &str = "correct horse";

async fn ask(hexclave: &LocalHexclave, requests: Value) -> Vec<Value> {
    let mut answered = in_node("guide/rest.mjs", input(hexclave, json!({ "requests": requests }))).await;
    std::mem::take(answered["answers"].as_array_mut().expect("a list"))
}

/// The six steps, and what comes of a request that fails one.
#[tokio::test]
async fn verify_with_jwt() {
    let hexclave = LocalHexclave::start().await.expect("a server");
    let stranger = LocalHexclave::start().await.expect("a server");
    let ada = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    let foreign = stranger
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    let issuer = hexclave.issuer();
    let guests = issuer.claims(&Subject::anonymous(), 0);
    let token = ada.access_token.expose();
    let forged = format!(
        "{}.{}",
        token.rsplit_once('.').expect("a signature").0,
        "A".repeat(86)
    );
    let misdirected = issuer.sign(UserKind::Normal, &guests).expect("a token");

    let verifier = Verifier::new(hexclave.config().clone()).expect("a verifier");
    let judge = async |token: Option<&str>| -> Result<UserId, ErrorKind> {
        // 1. Read the access token from the header. 2. Fetch the JWKS. 3. to 5. Signature, audience, `sub`. 6. Refuse.
        let mut headers = http::HeaderMap::new();
        if let Some(token) = token {
            headers.insert("x-stack-access-token", token.parse().expect("a header"));
        }
        let credentials = Credentials::from_headers(&headers, hexclave.config()).expect("credentials");
        let verified = match credentials.require_access_token() {
            Ok(token) => verifier.verify(token).await,
            Err(error) => Err(error),
        };
        verified.map(|user| user.id()).map_err(|error| error.kind())
    };
    assert_eq!(judge(Some(token)).await, Ok(ada.user_id));
    assert_eq!(judge(None).await, Err(ErrorKind::TokenMissing));
    let refused = [
        judge(Some(&forged)).await,
        judge(Some(foreign.access_token.expose())).await,
        judge(Some(&misdirected)).await,
    ];
    for result in &refused {
        assert!(result.is_err(), "{refused:?}");
    }
    let keys = hexclave
        .config()
        .api_url()
        .jwks_url(hexclave.config().project_id(), UserKind::Normal);
    let [document] = &ask(&hexclave, json!([{ "path": path_of(&keys), "headers": {} }])).await[..] else {
        panic!("one answer");
    };
    let published: Vec<_> = document["body"]["keys"]
        .as_array()
        .expect("a list")
        .iter()
        .collect();
    assert!(
        published.iter().all(|key| key["alg"] == "ES256"),
        "an ES256-capable library will do"
    );
}

fn path_of(url: &impl ToString) -> String {
    let url = url.to_string();
    url.split_once("/api/v1").expect("a path of the API").1.to_owned()
}

#[tokio::test]
async fn verify_with_the_hexclave_rest_endpoint() {
    let hexclave = LocalHexclave::start().await.expect("a server");
    let ada = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    let config = hexclave.config();
    let request = |token: &AccessToken| {
        json!({
            "path": "/users/me",
            "headers": {
                "x-stack-access-type": "server",
                "x-stack-project-id": config.project_id().as_str(),
                "x-stack-secret-server-key": config.secret_server_key().expect("a key").expose(),
                "x-stack-access-token": token.expose(),
            },
        })
    };
    let bad = AccessToken::from("a.b.c");
    let answers = ask(&hexclave, json!([request(&ada.access_token), request(&bad)])).await;
    assert_eq!(answers[0]["status"], 200);
    assert_eq!(answers[0]["body"]["id"], ada.user_id.to_string());
    assert_eq!(answers[1]["status"], 401);
}

/// The table of headers, and the statuses of the page's list that a request can bring about.
#[tokio::test]
async fn authentication_headers() {
    let hexclave = LocalHexclave::builder()
        .require_email_verification(true)
        .start()
        .await
        .expect("a server");
    let restricted = hexclave
        .sign_up("eve@example.com", PASSWORD)
        .await
        .expect("tokens");
    hexclave
        .add_user(NewUser::new("ada@example.com").password(PASSWORD))
        .expect("a user");
    let ada = hexclave
        .sign_in("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    let config = hexclave.config();
    let project = config.project_id().as_str();
    let client = json!({
        "X-Stack-Access-Type": "client",
        "X-Stack-Project-Id": project,
        "X-Stack-Publishable-Client-Key": config.publishable_client_key(),
        "X-Stack-Access-Token": ada.access_token.expose(),
    });
    let server = json!({
        "X-Stack-Access-Type": "server",
        "X-Stack-Project-Id": project,
        "X-Stack-Secret-Server-Key": config.secret_server_key().expect("a key").expose(),
    });
    let with = |headers: &Value, name: &str, value: &str| {
        let mut headers = headers.clone();
        headers[name] = json!(value);
        headers
    };
    let nobody = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
    let rows = [
        ("/users/me", client.clone(), 200),
        ("/users", server.clone(), 200),
        // A client reads its own user alone.
        ("/users", client.clone(), 401),
        (
            "/users",
            with(&server, "X-Stack-Secret-Server-Key", "ssk_wrong"),
            401,
        ),
        (
            "/users/me",
            with(&client, "X-Stack-Publishable-Client-Key", "pck_wrong"),
            401,
        ),
        ("/users/me", with(&client, "X-Stack-Access-Type", "somebody"), 400),
        (
            "/users/me",
            with(&client, "X-Stack-Access-Token", restricted.access_token.expose()),
            403,
        ),
        (&*format!("/users/{nobody}"), server.clone(), 404),
    ]
    .map(|(path, headers, status)| (json!({ "path": path, "headers": headers }), status));
    let requests: Vec<_> = rows.iter().map(|(request, _)| request).collect();
    let answers = ask(&hexclave, json!(requests)).await;
    for ((request, status), answer) in rows.iter().zip(&answers) {
        assert_eq!(answer["status"], *status, "{}: {answer}", request["path"]);
    }
}
