//! Runbooks: what there are and how they have done, a preview of one while it is written, and a draft from an incident.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::Shared;
use super::asked::{Body, Form};
use crate::app::Refused;
use crate::http::guard::Who;
use crate::{preview, views};

pub async fn runbooks(State(server): Shared, Extension(visitor): Who) -> Result<Response, Refused> {
    server.app.sync().await?;
    let now = server.app.now();
    let records = server.app.with_state(|state| views::track_records(state, &visitor.grant, now));
    let forms = views::runbooks(&server.app.parts.catalog, &records);
    Ok(Json(json!({ "runbooks": forms })).into_response())
}

#[derive(Deserialize)]
pub struct PreviewBody {
    text: String,
    /// Values of parameters; what is missing is filled from the inventory.
    #[serde(default)]
    params: BTreeMap<String, String>,
}

impl Form for PreviewBody {
    const LIKE: &'static str = r#"{"text":"---\nid: …","params":{"service":"checkout"}}"#;
}

/// Nothing is stored, nothing is asked of anybody, and what comes back has no step that exists.
pub async fn preview(
    State(server): Shared,
    Extension(visitor): Who,
    Body(asked): Body<PreviewBody>,
) -> Result<Response, Refused> {
    let app = std::sync::Arc::clone(&server.app);
    let look = move || preview::preview(&app, &visitor.grant, &visitor.person.id, &asked.text, &asked.params);
    // A text of a megabyte takes a while to read.
    let preview = tokio::task::spawn_blocking(look).await;
    let preview =
        preview.map_err(|_| Refused::mistake("this text could not be read").next("take out what was added last"))?;
    Ok(Json(preview?).into_response())
}

pub async fn draft(
    State(server): Shared,
    Extension(visitor): Who,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    server.app.sync().await?;
    let incident = server
        .app
        .incident_seen(&visitor.grant, &id)
        .ok_or_else(|| Refused::not_found(format!("no incident `{id}`")))?;
    let catalog = &server.app.parts.catalog;
    let draft = server
        .app
        .with_state(|state| views::runbook_draft(&incident, &state.joined_seen(&visitor.grant, &id), catalog))?;
    Ok(Json(draft).into_response())
}
