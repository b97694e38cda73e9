//! Who is here, and how things are.

use axum::Json;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Shared;
use crate::app::Refused;
use crate::http::guard::Who;

pub async fn session(State(server): Shared, Extension(visitor): Who) -> Response {
    let zone = server.app.parts.zone.iana_name().unwrap_or("UTC");
    Json(json!({ "person": visitor.person.name, "id": visitor.person.id, "csrf": visitor.csrf, "demo": server.is_demo, "zone": zone }))
        .into_response()
}

pub async fn overview(State(server): Shared, Extension(visitor): Who) -> Result<Response, Refused> {
    Ok(Json(server.overview.now(&server.app, &visitor.grant).await?).into_response())
}
