//! The audit trail: its chain verified anew each time it is read, its signatures when somebody asks, and all of it to keep.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use incident::journal::{Entry, Journal};
use serde::Deserialize;
use serde_json::json;

use super::Shared;
use super::asked::Query;
use crate::app::Refused;
use crate::commands::audit::export::{Export, streams_of};
use crate::views::{self, AuditRow};

#[derive(Deserialize)]
pub struct AuditQuery {
    #[serde(default)]
    after: u64,
    /// Only entries of this incident or conversation.
    incident: Option<String>,
    /// Only entries by this person.
    person: Option<String>,
    /// Only entries of this kind: `asked`, `step`, `checkpoint`, ….
    kind: Option<String>,
}

impl AuditQuery {
    fn wants(&self, row: &AuditRow) -> bool {
        let is = |wanted: &Option<String>, is: Option<&str>| wanted.is_none() || wanted.as_deref() == is;
        is(&self.incident, row.incident.as_deref())
            && is(&self.person, Some(&row.actor))
            && is(&self.kind, Some(&row.kind))
    }
}

pub async fn audit(State(server): Shared, Query(asked): Query<AuditQuery>) -> Result<Response, Refused> {
    const PAGE: usize = 500;
    let journal: &dyn Journal = server.app.parts.journal.as_ref();
    let report = crate::commands::audit::verify_all(journal).await?;
    let mut rows = Vec::new();
    let mut last: Option<Entry> = None;
    loop {
        let position = last.as_ref().map_or(asked.after, |entry| entry.position);
        let entries = journal.since(position, PAGE).await?;
        let is_end = entries.len() < PAGE;
        server.app.with_state(|state| {
            let seen = entries.iter().map(|entry| views::audit_row(entry, state));
            rows.extend(seen.filter(|row| asked.wants(row)));
        });
        last = entries.into_iter().next_back().or(last);
        if is_end || !rows.is_empty() {
            break;
        }
    }
    let head = last.as_ref().map(|entry| entry.hash.clone());
    let next = last.map(|entry| entry.position);
    Ok(Json(json!({
        "entries": rows, "verified": report.is_whole(), "checked": report.entries, "head": head, "next": next,
    }))
    .into_response())
}

/// Checks every hash, link and signature, which takes longer than a page may.
pub async fn verify(State(server): Shared) -> Result<Response, Refused> {
    let parts = &server.app.parts;
    let report = database::audit(parts.journal.as_ref(), &parts.heads, None).await;
    let report = report.map_err(|error| Refused::new(crate::app::RefusedKind::Unavailable, error.to_string()))?;
    let problems: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    Ok(Json(json!({ "whole": report.is_whole(), "report": report, "problems": problems })).into_response())
}

#[derive(Deserialize)]
pub struct ExportQuery {
    incident: Option<String>,
}

/// What `firstline audit export` prints, as a file.
pub async fn export(State(server): Shared, Query(asked): Query<ExportQuery>) -> Result<Response, Refused> {
    let journal = Arc::clone(&server.app.parts.journal);
    let streams = match &asked.incident {
        Some(id) => Some(streams_of(journal.as_ref(), id).await?),
        None => None,
    };
    let pages = futures::stream::unfold((Export::new(None, streams), journal), |(mut export, journal)| async {
        let lines = export.next_page(journal.as_ref()).await.transpose()?;
        let text = lines.map(|lines| lines.iter().map(|line| format!("{line}\n")).collect::<String>());
        Some((text, (export, journal)))
    });
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"firstline-audit.ndjson\""),
    ];
    Ok((headers, Body::from_stream(pages)).into_response())
}
