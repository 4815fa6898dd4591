//! What the page needs of Supabase's REST API: reading a table of the schema `public`. It is this example's fixture and no
//! PostgREST.

use std::{collections::HashMap, fmt::Write as _, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse, Response},
    routing::get,
};
use hexclave_core::AcceptedKinds;
use hexclave_supabase::{
    JwtSecret, SupabaseClaims, SupabaseVerifier,
    rls::{Request, tokio_postgres::begin_as},
};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio_postgres::{Client, error::SqlState};
use tower_http::cors::CorsLayer;

/// The code with which PostgREST refuses a token.
const TOKEN_REFUSED: &str = "PGRST301";
/// The code with which PostgREST refuses what a request asks for.
const PARAMETER_REFUSED: &str = "PGRST100";

/// Reads as whoever asks.
pub(crate) struct Reader {
    publishable_key: &'static str,
    verifier: SupabaseVerifier,
    client: Mutex<Client>,
}

impl Reader {
    /// A reader for requests with this publishable key, and for tokens that are signed with this secret.
    pub(crate) fn new(publishable_key: &'static str, secret: JwtSecret, client: Client) -> Self {
        Self {
            publishable_key,
            // Supabase knows nothing of kinds: whoever has a token is let in.
            verifier: SupabaseVerifier::new(secret).accept(AcceptedKinds::ALL),
            client: Mutex::new(client),
        }
    }

    /// `GET /rest/v1/{table}?select=…&order=…`, for pages of any origin.
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/rest/v1/{table}", get(rows))
            .layer(CorsLayer::very_permissive())
            .with_state(Arc::new(self))
    }

    /// Whose request it is. supabase-js sends the publishable key in place of a token where it has none.
    fn claims(&self, headers: &HeaderMap) -> Result<SupabaseClaims, Refusal> {
        let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if value("apikey") != Some(self.publishable_key) {
            return Err(Refusal::token("the header `apikey` is not the publishable key"));
        }
        let Some(authorization) = value(AUTHORIZATION.as_str()) else {
            return Ok(SupabaseClaims::signed_out());
        };
        let token = authorization
            .strip_prefix("Bearer ")
            .ok_or_else(|| Refusal::token("the header `authorization` is not `Bearer` and a token"))?;
        if token == self.publishable_key {
            return Ok(SupabaseClaims::signed_out());
        }
        let verified = self.verifier.verify(token).map_err(Refusal::token)?;
        Ok(verified.claims().clone())
    }
}

async fn rows(
    State(reader): State<Arc<Reader>>,
    Path(table): Path<String>,
    Query(parameters): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    let claims = reader.claims(&headers)?;
    let statement = statement(&table, &parameters)?;
    let request = Request::by(&claims)
        .read_only()
        .method("GET")
        .path(format!("/rest/v1/{table}"));
    let mut client = reader.client.lock().await;
    let transaction = begin_as(&mut client, request).await.map_err(Refusal::server)?;
    let row = transaction.query_one(&statement, &[]).await;
    // What has only read leaves nothing behind: the end of the transaction is a rollback.
    let rows: String = row.and_then(|row| row.try_get(0)).map_err(Refusal::database)?;
    serde_json::from_str(&rows).map(Json).map_err(Refusal::server)
}

/// A statement that gives the rows as one text of JSON.
fn statement(table: &str, parameters: &HashMap<String, String>) -> Result<String, Refusal> {
    let mut columns = "*".to_owned();
    let mut order = String::new();
    for (name, value) in parameters {
        match name.as_str() {
            "select" if value == "*" => {}
            "select" => columns = joined(value.split(',').map(quoted)),
            "order" => {
                let terms = value.split(',').map(term).collect::<Result<Vec<_>, _>>()?;
                let _ = write!(order, " order by {}", joined(terms));
            }
            _ => return Err(Refusal::parameter(name)),
        }
    }
    let table = quoted(table);
    Ok(format!(
        "select coalesce(json_agg(found), '[]')::text from (select {columns} from public.{table}{order}) as found"
    ))
}

fn term(order: &str) -> Result<String, Refusal> {
    match order.split_once('.') {
        None | Some((_, "asc")) => Ok(quoted(order.trim_end_matches(".asc"))),
        Some((column, "desc")) => Ok(format!("{} desc", quoted(column))),
        Some(_) => Err(Refusal::parameter("order")),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn joined(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().collect::<Vec<_>>().join(", ")
}

/// An answer that supabase-js shows as an error.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    code: String,
    message: String,
}

impl Refusal {
    fn token(why: impl ToString) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, TOKEN_REFUSED, why)
    }

    fn parameter(name: &str) -> Self {
        let message = format!("this fixture cannot do what the parameter `{name}` asks for");
        Self::new(StatusCode::BAD_REQUEST, PARAMETER_REFUSED, message)
    }

    fn database(error: tokio_postgres::Error) -> Self {
        let Some(error) = error.as_db_error() else {
            return Self::server(error);
        };
        let status = match *error.code() {
            SqlState::UNDEFINED_TABLE => StatusCode::NOT_FOUND,
            SqlState::INSUFFICIENT_PRIVILEGE => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        };
        Self::new(status, error.code().code(), error.message())
    }

    fn server(error: impl ToString) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "", error)
    }

    fn new(status: StatusCode, code: &str, message: impl ToString) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.to_string(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "code": self.code, "message": self.message, "details": null, "hint": null });
        (self.status, Json(body)).into_response()
    }
}

#[cfg(test)]
mod tests;
