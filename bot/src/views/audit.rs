//! The audit trail: one entry of the journal in a line.

use evidence::{Change, Time};
use incident::Event;
use incident::journal::Entry;
use serde::Serialize;

use super::sentences::{changed, happened, short};
use crate::state::{CHANGES, ChangeEvent, INCIDENTS};

/// The form of `GET /api/audit`.
#[derive(Clone, Debug, Serialize)]
pub struct AuditRow {
    pub seq: u64,
    pub stream: String,
    /// When it was recorded.
    pub at: Time,
    /// When it happened, for what was recorded afterwards.
    pub happened: Option<Time>,
    pub actor: String,
    pub kind: String,
    pub summary: String,
    pub hash: String,
}

pub fn audit_row(entry: &Entry) -> AuditRow {
    let change = change_in(entry);
    let (kind, summary) = match &change {
        Some(change) => {
            let by = change.by.as_deref();
            ("change".to_owned(), changed(&change.service, &change.version, change.kind, by))
        }
        None => summary(entry),
    };
    AuditRow {
        seq: entry.position,
        stream: entry.stream.clone(),
        at: entry.at,
        happened: change.map(|change| change.at),
        actor: entry.actor.clone(),
        kind,
        summary,
        hash: entry.hash.clone(),
    }
}

fn change_in(entry: &Entry) -> Option<Change> {
    if entry.stream != CHANGES {
        return None;
    }
    let ChangeEvent::Recorded { change } = serde_json::from_str(&entry.event).ok()?;
    Some(change)
}

fn summary(entry: &Entry) -> (String, String) {
    let event = entry.stream.starts_with(INCIDENTS).then(|| serde_json::from_str::<Event>(&entry.event).ok());
    let Some(event) = event.flatten() else {
        return (entry.stream.split('/').next().unwrap_or_default().to_owned(), String::new());
    };
    let (kind, text) = match &event {
        Event::Asked(asked) => ("asked", short(&asked.question.text)),
        Event::Found(found) => {
            let findings = &found.findings;
            let searched = findings.coverage.records_searched;
            ("searched", format!("{searched} records, {} evidence rows", findings.evidence.len()))
        }
        Event::NotFound { reason, .. } => ("searched", reason.clone()),
        Event::Opened { title, .. } => ("opened", title.clone()),
        Event::Joined { incident } => ("joined", incident.clone()),
        Event::Proposed { proposals, .. } => {
            let titles: Vec<&str> = proposals.iter().map(|proposal| proposal.title.as_str()).collect();
            ("proposed", if titles.is_empty() { "nothing fits".to_owned() } else { titles.join("; ") })
        }
        Event::ProposedByHand { proposal, .. } => ("proposed", proposal.title.clone()),
        Event::Answered(answered) => ("answered", format!("{}: {}", answered.answer.verdict, answered.answer.headline)),
        Event::Retold(retold) => ("retold", format!("{}, {} claims kept", retold.model.name, retold.claims.len())),
        Event::Step { step, event } => ("step", format!("{step} {}", happened(event))),
        Event::Held { step, why } => ("held", format!("{step}: {why}")),
        Event::Resolved { note } => ("resolved", note.as_str().to_owned()),
    };
    (kind.to_owned(), text)
}
