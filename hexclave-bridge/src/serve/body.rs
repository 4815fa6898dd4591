//! Bodies of requests, as long as may be and no longer.

use axum::body::{Body, Bytes};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::problem::Problem;

/// Reads a body of at most so many bytes.
pub(super) async fn read(body: Body, most: usize) -> Result<Bytes, Problem> {
    match Limited::new(body, most).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::BODY_TOO_LARGE),
        Err(_) => Err(Problem::BODY_BROKE_OFF),
    }
}
