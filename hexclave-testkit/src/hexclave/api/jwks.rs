use std::collections::HashMap;

use axum::{
    extract::{Path, State},
    http::{HeaderValue, header},
};
use hexclave_core::UserKind;

use super::{
    super::api_error::ApiError,
    Shared,
    answer::{Answer, json_answer},
    input::Query,
};

pub(super) async fn read(State(app): Shared, Path(project): Path<String>, query: Query) -> Answer {
    let query = query.with_parameters(&["include_restricted", "include_anonymous"])?;
    let with_restricted = query.flag("include_restricted")?;
    let widest = match (query.flag("include_anonymous")?, with_restricted) {
        (true, _) => UserKind::Anonymous,
        (_, true) => UserKind::Restricted,
        _ => UserKind::Normal,
    };
    if project != app.config().project_id().as_str() {
        return Err(ApiError::text(404, "There is no such project here."));
    }
    let mut answer = json_answer(&HashMap::from([("keys", app.issuer().jwks(widest))]))?;
    answer.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=3600"),
    );
    Ok(answer)
}
