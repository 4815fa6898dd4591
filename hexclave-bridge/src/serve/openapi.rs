//! The description of the service in OpenAPI 3.1, route by route.

use serde_json::{Map, Value, json};

use super::{exchange, identity};

/// The whole document.
pub(super) fn document(paths: Map<String, Value>) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "hexclave-bridge",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Proven Hexclave users for applications behind a proxy, for Supabase and for Convex.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": { "Problem": problem_schema() },
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An access token of Hexclave, or both tokens as `getAuthorizationHeader()` writes them.",
                },
                "accessToken": { "type": "apiKey", "in": "header", "name": "x-stack-access-token" },
                "authJson": { "type": "apiKey", "in": "header", "name": "x-stack-auth" },
            },
        },
    })
}

pub(super) fn verify() -> Value {
    let headers: Map<String, Value> = identity::HEADERS
        .iter()
        .map(|(name, about)| (name.to_string(), text_header(about)))
        .collect();
    let operation = |id: &str| {
        let mut responses = denials();
        responses.insert(
            "200".to_owned(),
            json!({
                "description": "The request may pass, as this user. Each header is there, empty where there is nothing to say.",
                "headers": headers.clone(),
            }),
        );
        json!({
            "operationId": id,
            "summary": "Whether a request may pass, and as whom: forward authentication for proxies",
            "description": "Takes any method, and any path below this one, as proxies ask with those of the request.",
            "security": security(),
            "responses": responses,
        })
    };
    // All that a Path Item Object has.
    let methods = [
        "get", "put", "post", "delete", "options", "head", "patch", "trace",
    ];
    methods
        .into_iter()
        .map(|method| (method.to_owned(), operation(&format!("verify-{method}"))))
        .collect::<Map<_, _>>()
        .into()
}

pub(super) fn exchange() -> Value {
    let urn = |kind: &str| format!("urn:ietf:params:oauth:token-type:{kind}");
    let token_types = json!([urn("access_token"), urn("jwt")]);
    let form = json!({
        "type": "object",
        "required": ["grant_type", "subject_token", "subject_token_type", "audience"],
        "properties": {
            "grant_type": { "const": exchange::GRANT_TYPE },
            "subject_token": { "type": "string", "minLength": 1, "description": "An access token of Hexclave." },
            "subject_token_type": { "enum": token_types },
            "audience": { "const": exchange::SUPABASE },
            "requested_token_type": { "enum": token_types },
        },
    });
    let refusal = |description: &str| {
        json_response(
            description,
            json!({
                "type": "object",
                "required": ["error", "error_description", "code"],
                "properties": {
                    "error": { "type": "string" },
                    "error_description": { "type": "string" },
                    "code": { "type": "string", "description": "Does not change between versions." },
                },
            }),
        )
    };
    let mut bad_request = refusal("RFC 6749, section 5.2; RFC 8693, section 2.2.2.");
    let mut unavailable =
        refusal("The token cannot be checked at the moment, or there are too many requests.");
    for answer in [&mut bad_request, &mut unavailable] {
        if let Some(content) = answer.get_mut("content").and_then(Value::as_object_mut) {
            let problem = json!({ "schema": { "$ref": "#/components/schemas/Problem" } });
            content.insert("application/problem+json".to_owned(), problem);
        }
    }
    json!({ "post": {
        "operationId": "exchange",
        "summary": "An access token of Hexclave against a token of Supabase (RFC 8693)",
        "requestBody": {
            "required": true,
            "content": { "application/x-www-form-urlencoded": { "schema": form } },
        },
        "responses": {
            "200": json_response("RFC 8693, section 2.2.1.", issued()),
            "400": bad_request,
            "413": problem("The body is too long."),
            "500": problem("The token could not be made."),
            "503": unavailable,
        },
    }})
}

pub(super) fn token() -> Value {
    let mut responses = denials();
    let issued_or_null = json!({ "oneOf": [issued(), { "type": "null" }] });
    let description = "A token, or null where nobody is signed in.";
    responses.insert("200".to_owned(), json_response(description, issued_or_null));
    responses.insert("500".to_owned(), problem("The token could not be made."));
    // Nobody is required to be signed in.
    let mut security = security();
    if let Some(ways) = security.as_array_mut() {
        ways.push(json!({}));
    }
    json!({ "get": {
        "operationId": "supabaseToken",
        "summary": "A Supabase token for a browser",
        "security": security,
        "responses": responses,
    }})
}

pub(super) fn webhook() -> Value {
    let header = |name: &str| {
        json!({
            "name": name, "in": "header", "required": true, "schema": { "type": "string" },
        })
    };
    let text = |description: &str| {
        json!({
            "description": description,
            "content": { "text/plain": { "schema": { "type": "string" } } },
        })
    };
    json!({ "post": {
        "operationId": "webhook",
        "summary": "A delivery of Hexclave's webhooks (Svix)",
        "parameters": [header("svix-id"), header("svix-timestamp"), header("svix-signature")],
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": { "type": "object" } } },
        },
        "responses": {
            "204": { "description": "It is dealt with." },
            "400": text("It is no delivery."),
            "401": text("It is not Hexclave's, or too old."),
            "409": text("The same attempt was here before."),
            "413": text("It is too long."),
            "503": problem("It is genuine and could not be dealt with: send it again."),
        },
    }})
}

pub(super) fn auth_config() -> Value {
    json!({ "get": {
        "operationId": "convexAuthConfig",
        "summary": "The configuration with which Convex accepts the project's users",
        "responses": {
            "200": json_response("As Convex reads it.", json!({
                "type": "object",
                "required": ["providers"],
                "properties": { "providers": { "type": "array", "items": { "type": "object" } } },
            })),
            "503": problem("There are too many requests."),
        },
    }})
}

pub(super) fn metrics() -> Value {
    json!({ "get": {
        "operationId": "metrics",
        "summary": "What Prometheus collects",
        "responses": { "200": {
            "description": "The text format of Prometheus.",
            "content": { "text/plain": { "schema": { "type": "string" } } },
        }},
    }})
}

pub(super) fn live() -> Value {
    json!({ "get": {
        "operationId": "live",
        "summary": "Whether the process answers",
        "responses": {
            "200": json_response("It does.", json!({
                "type": "object",
                "required": ["status"],
                "properties": { "status": { "const": "alive" } },
            })),
        },
    }})
}

pub(super) fn ready() -> Value {
    json!({ "get": {
        "operationId": "ready",
        "summary": "Whether tokens can be checked",
        "responses": {
            "200": json_response("They can.", json!({
                "type": "object",
                "required": ["status", "keys", "keyAgeSeconds"],
                "properties": {
                    "status": { "const": "ready" },
                    "keys": { "enum": ["fresh", "stale"] },
                    "keyAgeSeconds": { "type": ["integer", "null"], "minimum": 0 },
                },
            })),
            "503": problem("The project's keys are not at hand."),
        },
    }})
}

pub(super) fn itself() -> Value {
    json!({ "get": {
        "operationId": "openapi",
        "summary": "This document",
        "responses": { "200": json_response("OpenAPI 3.1.", json!({ "type": "object" })) },
    }})
}

/// The token of RFC 8693, section 2.2.1.
fn issued() -> Value {
    json!({
        "type": "object",
        "required": ["access_token", "issued_token_type", "token_type", "expires_in"],
        "properties": {
            "access_token": { "type": "string" },
            "issued_token_type": { "type": "string" },
            "token_type": { "const": "Bearer" },
            "expires_in": { "type": "integer", "minimum": 0, "description": "In seconds." },
        },
    })
}

/// What a request without good credentials is answered.
fn denials() -> Map<String, Value> {
    let mut responses = Map::new();
    for (status, description) in [
        ("400", "The request carries tokens of different users."),
        ("401", "Nobody is signed in, or the token is bad."),
        (
            "403",
            "Users of this kind, or cookies from pages of this origin, are not let in.",
        ),
        (
            "503",
            "The token cannot be checked at the moment, or there are too many requests.",
        ),
    ] {
        responses.insert(status.to_owned(), problem(description));
    }
    if let Some(unauthorized) = responses.get_mut("401").and_then(Value::as_object_mut) {
        let headers = json!({ "www-authenticate": text_header("RFC 6750, section 3.") });
        unauthorized.insert("headers".to_owned(), headers);
    }
    responses
}

fn problem(description: &str) -> Value {
    json!({
        "description": description,
        "content": {
            "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } },
        },
    })
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "RFC 9457.",
        "required": ["title", "status", "detail", "code"],
        "properties": {
            "title": { "type": "string" },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": { "type": "string" },
            "code": { "type": "string", "description": "Does not change between versions." },
            "kind": { "type": "string", "description": "The kind of user that is not let in." },
        },
    })
}

fn json_response(description: &str, schema: Value) -> Value {
    json!({
        "description": description,
        "content": { "application/json": { "schema": schema } },
    })
}

fn text_header(about: &str) -> Value {
    json!({ "description": about, "schema": { "type": "string" } })
}

fn security() -> Value {
    json!([{ "bearer": [] }, { "accessToken": [] }, { "authJson": [] }])
}
