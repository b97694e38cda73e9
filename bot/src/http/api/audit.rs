//! The audit trail, verified anew each time it is read.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as QueryString, State};
use axum::response::{IntoResponse, Response};
use incident::journal::Journal;
use serde::Deserialize;
use serde_json::json;

use super::{Shared, query};
use crate::app::Refused;
use crate::views;

#[derive(Deserialize)]
pub struct AuditQuery {
    #[serde(default)]
    after: u64,
}

pub async fn audit(
    State(server): Shared,
    asked: Result<QueryString<AuditQuery>, QueryRejection>,
) -> Result<Response, Refused> {
    const PAGE: usize = 500;
    let after = query(asked)?.after;
    let journal: &dyn Journal = server.app.parts.journal.as_ref();
    let report = crate::commands::audit::verify_all(journal).await?;
    let entries = journal.since(after, PAGE).await?;
    let head = entries.last().map(|entry| entry.hash.clone());
    let rows: Vec<_> = entries.iter().map(views::audit_row).collect();
    Ok(Json(json!({ "entries": rows, "verified": report.is_whole(), "checked": report.entries, "head": head }))
        .into_response())
}
