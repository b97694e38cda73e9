//! The audit trail: one entry of the journal in a line.

use database::keys::KEYS;
use database::sealed::{ERASURES, Erased};
use evidence::{Change, Time};
use incident::Event;
use incident::journal::{CHECKPOINTS, Entry};
use serde::Serialize;

use super::sentences::{changed, happened, short};
use crate::state::{CHANGES, ChangeEvent, INCIDENTS, State};
use crate::tokens::{TOKENS, TokenEvent};
use crate::visitor::{ACCESS, AccessEvent};

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
    /// The id of the incident or conversation it belongs to.
    pub incident: Option<String>,
    /// What people call the incident, or the step.
    pub title: Option<String>,
    /// The step that something happened to.
    pub step: Option<String>,
}

/// One entry in a line; `state` knows what incidents and steps are called.
pub fn audit_row(entry: &Entry, state: &State) -> AuditRow {
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
        incident: entry.stream.strip_prefix(INCIDENTS).map(str::to_owned),
        title: title(entry, state),
        step: step_of(entry),
    }
}

fn step_of(entry: &Entry) -> Option<String> {
    match entry.stream.starts_with(INCIDENTS).then(|| serde_json::from_str(&entry.event))?.ok()? {
        Event::Step { step, .. } => Some(step),
        _ => None,
    }
}

/// The step's sentence, else the incident's title, else the first question.
fn title(entry: &Entry, state: &State) -> Option<String> {
    let incident = state.incidents.get(entry.stream.strip_prefix(INCIDENTS)?)?;
    let step = step_of(entry).and_then(|step| incident.steps.get(&step));
    if let Some(record) = step {
        return Some(record.step.content().summary.clone());
    }
    let opened = incident.opened.as_ref().map(|opened| opened.title.clone());
    opened.or_else(|| incident.questions.first().map(|inquiry| short(&inquiry.asked.question.text)))
}

/// What entries of our own streams say.
fn summary_of_stream(entry: &Entry) -> Option<(&'static str, String)> {
    match entry.stream.as_str() {
        CHECKPOINTS => {
            let head = database::checkpoint_in(entry).ok()?;
            let (n, key) = (head.heads.len(), &head.key);
            let streams = if n == 1 { "stream" } else { "streams" };
            let covered = head.position;
            Some(("checkpoint", format!("signed the heads of {n} {streams} up to entry {covered}, with key {key:.8}")))
        }
        ERASURES => {
            let erased: Erased = serde_json::from_str(&entry.event).ok()?;
            let what = match (&erased.incident, erased.pseudonyms.as_slice()) {
                (Some(incident), _) => format!("the content of {incident}"),
                (None, names) => format!("a person, now ⟨erased:{}⟩", names.join("⟩ ⟨erased:")),
            };
            let why = erased.reason.map(|reason| format!(": “{reason}”")).unwrap_or_default();
            Some(("erased", format!("erased {what}{why}")))
        }
        KEYS => {
            let announced: serde_json::Value = serde_json::from_str(&entry.event).ok()?;
            let (key, by) = (announced["key"].as_str()?, announced["by"].as_str()?);
            Some(("key", format!("key {key:.8} signs after key {by:.8}")))
        }
        _ => None,
    }
}

fn change_in(entry: &Entry) -> Option<Change> {
    if entry.stream != CHANGES {
        return None;
    }
    let ChangeEvent::Recorded { change } = serde_json::from_str(&entry.event).ok()?;
    Some(change)
}

/// Who came, went or was turned away, and which tokens were made.
fn access(entry: &Entry) -> Option<(String, String)> {
    let (kind, text) = match entry.stream.as_str() {
        ACCESS => match serde_json::from_str(&entry.event).ok()? {
            AccessEvent::SignedIn { identity, how } => ("signed in", format!("{identity}, {how}")),
            AccessEvent::SignedOut { identity, everywhere: true } => ("signed out", format!("{identity}, everywhere")),
            AccessEvent::SignedOut { identity, everywhere: false } => ("signed out", identity),
            AccessEvent::Refused { identity, why, what } => ("refused", format!("{identity}: {what}; {why}")),
        },
        TOKENS => match serde_json::from_str(&entry.event).ok()? {
            TokenEvent::Created(token) => {
                let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
                ("token", format!("{} created for {}", token.name, scopes.join(", ")))
            }
            TokenEvent::Revoked { name } => ("token", format!("{name} revoked")),
        },
        _ => return None,
    };
    Some((kind.to_owned(), text))
}

fn summary(entry: &Entry) -> (String, String) {
    if let Some((kind, text)) = summary_of_stream(entry) {
        return (kind.to_owned(), text);
    }
    if let Some(row) = access(entry) {
        return row;
    }
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
