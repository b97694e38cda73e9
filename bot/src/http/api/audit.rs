//! The audit trail, verified anew each time it is read.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use incident::journal::Journal;
use serde::Deserialize;
use serde_json::json;

use super::Shared;
use super::asked::Query;
use crate::app::Refused;
use crate::views;

#[derive(Deserialize)]
pub struct AuditQuery {
    #[serde(default)]
    after: u64,
}

pub async fn audit(State(server): Shared, Query(asked): Query<AuditQuery>) -> Result<Response, Refused> {
    const PAGE: usize = 500;
    let journal: &dyn Journal = server.app.parts.journal.as_ref();
    let report = crate::commands::audit::verify_all(journal).await?;
    let entries = journal.since(asked.after, PAGE).await?;
    let head = entries.last().map(|entry| entry.hash.clone());
    let rows: Vec<_> = entries.iter().map(views::audit_row).collect();
    Ok(Json(json!({ "entries": rows, "verified": report.is_whole(), "checked": report.entries, "head": head }))
        .into_response())
}
