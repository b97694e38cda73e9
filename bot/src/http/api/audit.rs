//! The audit trail: its chain verified anew each time it is read, its signatures when somebody asks, and all of it to keep.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use incident::journal::{Entry, Journal};
use serde::Deserialize;
use serde_json::json;

use super::Shared;
use super::asked::Query;
use crate::app::{Refused, RefusedKind};
use crate::commands::audit::export::{Export, streams_of};
use crate::http::guard::Who;
use crate::sight::may_see_entry;
use crate::views::{self, AuditRow};
use crate::visitor::Visitor;

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

pub async fn audit(
    State(server): Shared,
    Extension(visitor): Who,
    Query(asked): Query<AuditQuery>,
) -> Result<Response, Refused> {
    const PAGE: usize = 500;
    let journal: &dyn Journal = server.app.parts.journal.as_ref();
    let report = crate::commands::audit::verify_all(journal).await?;
    server.app.sync().await?;
    let mut rows = Vec::new();
    let mut last: Option<Entry> = None;
    loop {
        let position = last.as_ref().map_or(asked.after, |entry| entry.position);
        let entries = journal.since(position, PAGE).await?;
        let is_end = entries.len() < PAGE;
        server.app.with_state(|state| {
            let seen = entries.iter().filter(|entry| may_see_entry(&visitor.grant, state, entry));
            rows.extend(seen.map(|entry| views::audit_row(entry, state)).filter(|row| asked.wants(row)));
        });
        last = entries.into_iter().next_back().or(last);
        if is_end || !rows.is_empty() {
            break;
        }
    }
    // How much others did is theirs.
    let sees_everything = visitor.grant.is_everything();
    let checked = if sees_everything { report.entries } else { rows.len() as u64 };
    let head = last.as_ref().filter(|_| sees_everything).map(|entry| entry.hash.clone());
    let next = last.map(|entry| entry.position);
    Ok(Json(json!({
        "entries": rows, "verified": report.is_whole(), "checked": checked, "head": head, "next": next,
    }))
    .into_response())
}

/// Checks every hash, link and signature, which takes longer than a page may.
pub async fn verify(State(server): Shared, Extension(visitor): Who) -> Result<Response, Refused> {
    must_see_everything(&visitor)?;
    let parts = &server.app.parts;
    let report = database::audit(parts.journal.as_ref(), &parts.heads, None).await;
    let report = report.map_err(|error| Refused::new(RefusedKind::Unavailable, error.to_string()))?;
    let problems: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    Ok(Json(json!({ "whole": report.is_whole(), "report": report, "problems": problems })).into_response())
}

/// The whole record is about everybody's services.
fn must_see_everything(visitor: &Visitor) -> Result<(), Refused> {
    if visitor.grant.is_everything() {
        return Ok(());
    }
    let refused = Refused::new(RefusedKind::Forbidden, "the whole record is for whoever is granted everything");
    Err(refused.next("name an `incident` that you may see, or ask an operator"))
}

#[derive(Deserialize)]
pub struct ExportQuery {
    incident: Option<String>,
}

/// What `firstline audit export` prints, as a file.
pub async fn export(
    State(server): Shared,
    Extension(visitor): Who,
    Query(asked): Query<ExportQuery>,
) -> Result<Response, Refused> {
    server.app.sync().await?;
    let is_seen = |id: &String| server.app.incident_seen(&visitor.grant, id).is_some();
    if !asked.incident.as_ref().is_some_and(is_seen) {
        must_see_everything(&visitor)?;
    }
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
