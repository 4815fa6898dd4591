//! What the API needs, on this machine: for its tests, and for a look at it by hand.
#![allow(dead_code, reason = "neither of the two uses all of it")]

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use example_axum_api::{App, pool};
use hexclave_convex::{
    AuthConfig, ConvexError, ConvexVerifier, DeploymentUrl, FunctionClient, PartialUser, UserIdentity,
    bearer_token,
};
use hexclave_core::{AcceptedKinds, AccessToken, ProjectConfig, Verifier};
use hexclave_supabase::{JwtSecret, Minter};
use hexclave_testkit::{
    hexclave::{LocalHexclave, ServerSecret},
    postgres::{Database, Postgres},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_postgres::NoTls;

/// Keys are derived from secret and project. Those of this pair have no short coordinate, which Convex refuses.
const PROJECT_ID: &str = "11111111-2222-4333-8444-555555555555";
const SERVER_SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
/// What the Supabase command line uses for its local stack.
pub(crate) const JWT_SECRET: &str = "super-secret-jwt-token-with-at-least-32-characters-long";
const PASSWORD: &str = "correct horse battery staple";

/// A local Hexclave, a database with the example's table, and in the place of a Convex deployment something that
/// knows the query `users:me` alone.
pub(crate) struct Stage {
    pub(crate) hexclave: LocalHexclave,
    pub(crate) convex: Arc<Convex>,
    /// Dropped with the stage.
    pub(crate) database: Database,
    convex_url: DeploymentUrl,
}

impl Stage {
    pub(crate) async fn set() -> anyhow::Result<Self> {
        let hexclave = LocalHexclave::builder()
            .project_id(PROJECT_ID.parse()?)
            .server_secret(ServerSecret::new(SERVER_SECRET)?)
            .require_email_verification(true)
            .start()
            .await?;
        let database = Postgres::shared()?.database()?;
        database.execute(include_str!("../schema.sql"))?;
        let convex = Arc::new(Convex::of(hexclave.config())?);
        let convex_url = Convex::serve(&convex).await?;
        Ok(Self {
            hexclave,
            convex,
            database,
            convex_url,
        })
    }

    /// The API as it is in production, but for where its parts are.
    pub(crate) fn app(&self) -> anyhow::Result<App> {
        Ok(App {
            verifier: Verifier::new(self.hexclave.config().clone())?,
            database: pool(self.database.authenticator_config(), NoTls)?,
            minter: Minter::new(JwtSecret::new(JWT_SECRET)?),
            convex: FunctionClient::new(self.convex_url.clone())?,
        })
    }

    /// Signs somebody up who follows the link in the mail, and in.
    pub(crate) async fn sign_in(&self, email: &str) -> anyhow::Result<AccessToken> {
        let user = self.hexclave.sign_up(email, PASSWORD).await?.user_id;
        self.hexclave.verify_email(user)?;
        Ok(self.hexclave.sign_in(email, PASSWORD).await?.access_token)
    }

    /// Signs somebody up who does not follow that link.
    pub(crate) async fn sign_in_restricted(&self, email: &str) -> anyhow::Result<AccessToken> {
        Ok(self.hexclave.sign_up(email, PASSWORD).await?.access_token)
    }
}

/// Answers as a deployment of `examples/convex-app` does, with a token verified as Convex verifies it.
pub(crate) struct Convex {
    project: ProjectConfig,
    verifier: ConvexVerifier,
    asked: Mutex<Vec<Value>>,
}

impl Convex {
    /// The bodies of all requests so far.
    pub(crate) fn asked(&self) -> Vec<Value> {
        self.asked.lock().map(|asked| asked.clone()).unwrap_or_default()
    }

    fn of(project: &ProjectConfig) -> anyhow::Result<Self> {
        let config = AuthConfig::for_project(project).kinds(AcceptedKinds::ALL);
        Ok(Self {
            project: project.clone(),
            verifier: ConvexVerifier::new(config.build())?,
            asked: Mutex::default(),
        })
    }

    async fn serve(convex: &Arc<Self>) -> anyhow::Result<DeploymentUrl> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?).parse()?;
        let router = Router::new()
            .route("/api/query", post(query))
            .with_state(Arc::clone(convex));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(url)
    }

    async fn identity(&self, headers: &HeaderMap) -> Result<Option<UserIdentity>, ConvexError> {
        match bearer_token(headers)? {
            Some(token) => self.verifier.verify(&token).await.map(Some),
            None => Ok(None),
        }
    }
}

async fn query(
    State(convex): State<Arc<Convex>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let is_known = body.get("path") == Some(&json!("users:me"));
    if let Ok(mut asked) = convex.asked.lock() {
        asked.push(body);
    }
    if !is_known {
        return (
            StatusCode::NOT_FOUND,
            Json(json!({ "code": "NotFound", "message": "only users:me is here" })),
        );
    }
    let identity = match convex.identity(&headers).await {
        Ok(identity) => identity,
        Err(error) => {
            let status =
                StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let refusal = json!({ "code": error.code(), "message": error.to_string() });
            return (status, Json(refusal));
        }
    };
    let reader = PartialUser::reader(&convex.project).accept(AcceptedKinds::ALL);
    let answer = match identity
        .map(|identity| reader.read(&identity.to_json()))
        .transpose()
    {
        Ok(user) => json!({ "status": "success", "value": user, "logLines": [] }),
        Err(error) => {
            let data = json!({ "code": error.code(), "message": error.to_string() });
            json!({ "status": "error", "errorMessage": "Uncaught HexclaveUserError", "errorData": data, "logLines": [] })
        }
    };
    (StatusCode::OK, Json(answer))
}
