//! "Supabase Setup".

use std::{net::SocketAddr, sync::Arc};

use axum::{Json, Router, extract::State, http::HeaderMap, routing::get};
use hexclave_core::{User, Verifier};
use hexclave_supabase::{
    JwtSecret, Minter, SupabaseClaims, SupabaseToken, SupabaseVerifier, rls::tokio_postgres::begin_as,
};
use hexclave_testkit::{
    hexclave::LocalHexclave,
    postgres::{Database, Postgres},
};
use hexclave_tests::GUIDE;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{in_node, input};

const PASSWORD: &str = "correct horse";
const JWT_SECRET: &str = "super-secret-jwt-token-with-at-least-32-characters-long";
const ANON_KEY: &str = "sb_publishable_of_nobody";

fn secret() -> JwtSecret {
    JwtSecret::new(JWT_SECRET).expect("a secret")
}

/// In the place of PostgREST: the rows that a token's user sees.
struct Rest {
    verifier: SupabaseVerifier,
    database: Database,
}

async fn data(State(rest): State<Arc<Rest>>, headers: HeaderMap) -> Json<Value> {
    let authorization = headers
        .get("authorization")
        .map(|value| value.to_str().expect("ASCII"));
    let claims = match authorization.and_then(|value| value.strip_prefix("Bearer ")) {
        None | Some(ANON_KEY) => SupabaseClaims::signed_out(),
        Some(token) => rest
            .verifier
            .verify(token)
            .expect("a good token")
            .claims()
            .clone(),
    };
    let mut client = rest.database.connect().await.expect("a connection");
    let transaction = begin_as(&mut client, &claims).await.expect("a transaction");
    let rows = transaction
        .query("select id, text, user_id::text from data order by id", &[])
        .await;
    let rows = rows.expect("rows").into_iter().map(|row| {
        let (id, text, user): (i64, String, Option<String>) = (row.get(0), row.get(1), row.get(2));
        json!({ "id": id, "text": text, "user_id": user })
    });
    Json(rows.collect())
}

async fn serve(rest: Arc<Rest>) -> SocketAddr {
    let router = Router::new().route("/rest/v1/data", get(data)).with_state(rest);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await.expect("a server") });
    address
}

/// Ada, a minted token of hers, and what the guide's code did.
struct Done {
    user: User,
    minted: SupabaseToken,
    output: Value,
}

async fn done() -> Done {
    let hexclave = LocalHexclave::start().await.expect("a server");
    let ada = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    let verifier = Verifier::new(hexclave.config().clone()).expect("a verifier");
    let user = verifier.verify(&ada.access_token).await.expect("a user");
    let minted = Minter::new(secret()).mint(&user).expect("a token");

    let database = Postgres::shared()
        .and_then(|postgres| postgres.database())
        .expect("a database");
    database.execute(GUIDE).expect("a schema");
    let own = format!("update data set user_id = '{}' where id = 3", user.id());
    database.execute(&own).expect("a row of her own");
    let verifier = SupabaseVerifier::new(secret());
    let address = serve(Arc::new(Rest { verifier, database })).await;

    let authorization = ada.access_token.authorization_header().expect("a value");
    let asked = input(
        &hexclave,
        json!({
            "jwtSecret": JWT_SECRET,
            "supabaseUrl": format!("http://{address}"),
            "anonKey": ANON_KEY,
            "authorization": authorization.to_str().expect("ASCII"),
            "minted": minted.expose(),
        }),
    );
    let output = in_node("guide/supabase.mjs", asked).await;
    Done { user, minted, output }
}

/// Both tokens say the same of her; ours names the audience that Supabase's own tokens have.
#[tokio::test]
async fn mint_supabase_jwts_from_hexclave_users() {
    let done = done().await;
    let supabase = SupabaseVerifier::new(secret());
    let claims = |token: &str| {
        let verified = supabase.verify(token).expect("a good token");
        assert_eq!(verified.user_id(), done.user.id());
        serde_json::to_value(verified.claims()).expect("JSON")
    };
    let theirs = claims(done.output["token"].as_str().expect("a token"));
    let ours = claims(done.minted.expose());
    for name in ["sub", "role"] {
        assert_eq!(theirs[name], ours[name], "{name}");
    }
    assert_eq!(
        (&theirs["aud"], &ours["aud"]),
        (&Value::Null, &json!("authenticated"))
    );
}

/// With "Create Supabase RLS policies" and "Create a Supabase client that uses the Hexclave JWT".
#[tokio::test]
async fn fetch_supabase_data() {
    let Done { output, .. } = done().await;
    let texts = [
        "Everyone can see this",
        "Only authenticated users can see this",
        "Only user with specific id can see this",
    ];
    for minted_by in ["theirs", "ours"] {
        assert_eq!(output[minted_by], json!(texts), "{minted_by}");
    }
    assert_eq!(output["nobody"], json!([texts[0]]));
}
