//! `/verify`: a proxy asks whether a request may pass, and as whom.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};

use super::{
    app::{App, Denied},
    identity,
};

/// Answers 200 with the identity headers, or as [`hexclave_core::web`] has it.
pub(super) async fn verify(State(app): State<App>, headers: HeaderMap) -> Result<Response, Denied> {
    let user = app.required_user(&headers).await?;
    let mut response = identity::headers(&user).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-store"),
    );
    app.vary(headers);
    Ok(response)
}
