//! What happened, oldest first: changes and evidence from the answers, then what people and Firstline did.

use std::collections::BTreeMap;

use chat::TimelineRow;
use evidence::answer::{Answer, Evidence, EvidenceKind, Verdict};
use evidence::{Change, Time};
use incident::{Event, Happened, Incident, StepRecord};
use runbooks::{Outcomes, StepEvent};

use super::sentences::{changed, happened, name_of, short};
use super::step::{interrupted, interruption};

/// Rows that say the same of the same moment are one row.
#[derive(Default)]
struct Rows(Vec<TimelineRow>);

impl Rows {
    fn push(&mut self, at: Time, kind: &str, text: String, actor: Option<&str>, refs: Vec<String>) {
        let row = TimelineRow { at, kind: kind.to_owned(), text, actor: actor.map(str::to_owned), refs };
        if !self.0.iter().any(|known| known.at == row.at && known.text == row.text) {
            self.0.push(row);
        }
    }
}

/// `joined` are the conversations that turned out to be about the incident. `changes` are all that were recorded; those
/// between the first sign and the last event belong to the story.
pub fn timeline(incident: &Incident, joined: &[&Incident], changes: &[Change], now: Time) -> Vec<TimelineRow> {
    let mut rows = Rows::default();
    let answers: Vec<&Answer> = incident.questions.iter().filter_map(|inquiry| inquiry.answer.as_ref()).collect();
    for answer in &answers {
        for change in &answer.changes {
            let text = changed(&change.service, &change.version, change.kind, change.by.as_deref());
            rows.push(change.at, "deploy", text, None, vec![change.id.clone()]);
        }
        signs(&mut rows, answer);
    }
    let since = answers
        .iter()
        .flat_map(|answer| answer.changes.iter().map(|change| change.at).chain(answer.window.onset))
        .min();
    if let (Some(since), Some(last)) = (since, incident.history.last().map(|last| last.at)) {
        for change in changes.iter().filter(|change| since <= change.at && change.at <= last) {
            let text = changed(&change.service, &change.version, change.kind, change.by.as_deref());
            rows.push(change.at, "deploy", text, None, Vec::new());
        }
    }
    deeds(&mut rows, incident, &incident.history);
    for conversation in joined {
        deeds(&mut rows, conversation, since_it_is_about(conversation));
    }
    for record in incident.steps.values() {
        if let Some(at) = interrupted(incident, record, now) {
            rows.push(at, "unknown", interruption(record).to_owned(), None, Vec::new());
        }
    }
    rows.0.sort_by_key(|row| row.at);
    rows.0
}

/// When the evidence of a cause was first seen, and who fell silent.
fn signs(rows: &mut Rows, answer: &Answer) {
    let told = answer
        .evidence
        .iter()
        .filter(|evidence| answer.verdict == Verdict::Cause && evidence.kind != EvidenceKind::Match);
    for evidence in told.take(4) {
        let Some((at, what)) = sign(evidence, answer.window.onset) else { continue };
        let text = format!("{}: {what} “{}”", evidence.service, short(&evidence.template));
        rows.push(at, "evidence", text, None, vec![evidence.id.clone()]);
    }
    for service in &answer.coverage.silent_services {
        if let Some(onset) = answer.window.onset {
            rows.push(onset, "silence", format!("{service} falls silent"), None, Vec::new());
        }
    }
}

fn sign(evidence: &Evidence, onset: Option<Time>) -> Option<(Time, &'static str)> {
    let first = evidence.first?;
    match evidence.kind {
        EvidenceKind::New => Some((first, "first")),
        EvidenceKind::Burst | EvidenceKind::Precursor | EvidenceKind::Match => {
            Some((onset.unwrap_or(first).max(first), "more of"))
        }
        EvidenceKind::Silence | EvidenceKind::MissingFollowup => None,
    }
}

/// What happened in a conversation from the question on with which it joined an incident.
fn since_it_is_about(conversation: &Incident) -> &[Happened] {
    let history = &conversation.history[..];
    let joined = history.iter().position(|entry| matches!(entry.event, Event::Joined { .. })).unwrap_or(history.len());
    let asked = history[..joined].iter().rposition(|entry| matches!(entry.event, Event::Asked(_)));
    &history[asked.unwrap_or(joined)..]
}

/// What people and Firstline did.
fn deeds(rows: &mut Rows, incident: &Incident, history: &[Happened]) {
    let mut alike = alike(history);
    for entry in history {
        let (kind, text) = match &entry.event {
            Event::Asked(asked) => ("asked", format!("asked “{}”", short(&asked.question.text))),
            Event::Step { step, event } => match (kind_of(event), alike.get_mut(&moment(entry.at, event))) {
                (None, _) | (_, Some(0)) => continue,
                (Some(kind), Some(n)) if *n > 1 => (kind, format!("{} steps {}", std::mem::take(n), happened(event))),
                (Some(kind), _) => (kind, which(incident, step, event)),
            },
            Event::Proposed { proposals, .. } => match proposals.first() {
                Some(first) => ("proposed", format!("proposed: {}", first.title)),
                None => continue,
            },
            Event::ProposedByHand { proposal, instead_of, .. } => {
                let instead = if instead_of.is_some() { ", in place of an earlier proposal" } else { "" };
                ("proposed", format!("proposed: {}{instead}", proposal.title))
            }
            Event::Held { step, why } => ("note", which_held(incident, step, why.as_str())),
            Event::Opened { title, .. } => ("note", format!("incident opened: {title}")),
            Event::Resolved { note } if note.as_str().trim().is_empty() => ("resolved", "resolved it".to_owned()),
            Event::Resolved { note } => ("resolved", format!("resolved it: “{note}”")),
            Event::NotFound { reason, .. } => ("note", reason.clone()),
            Event::Joined { .. } | Event::Found(_) | Event::Answered(_) | Event::Retold(_) => continue,
        };
        let actor = (entry.actor != "firstline").then(|| name_of(&entry.actor));
        // A sentence that names its actor needs no second mention.
        let actor = actor.filter(|actor| !text.starts_with(actor));
        rows.push(entry.at, kind, text, actor, Vec::new());
    }
}

/// To how many steps the same came in the same second, for what comes to all that wait at once.
fn alike(history: &[Happened]) -> BTreeMap<(i64, String), usize> {
    let mut alike = BTreeMap::new();
    for entry in history {
        if let Event::Step { event: event @ (StepEvent::Expired { .. } | StepEvent::Withdrawn { .. }), .. } =
            &entry.event
        {
            *alike.entry(moment(entry.at, event)).or_default() += 1;
        }
    }
    alike
}

fn moment(at: Time, event: &StepEvent) -> (i64, String) {
    (at.to_timestamp().as_second(), happened(event))
}

/// What happened, and to which step where there are several.
fn which(incident: &Incident, step: &str, event: &StepEvent) -> String {
    let text = happened(event);
    match incident.steps.get(step) {
        Some(record) if incident.steps.len() > 1 => format!("{text} · {}", named(incident, record)),
        _ => text,
    }
}

/// Why a step does not start, and which where there are several.
fn which_held(incident: &Incident, step: &str, why: &str) -> String {
    match incident.steps.get(step) {
        Some(record) if incident.steps.len() > 1 => format!("not started: {why} · {}", named(incident, record)),
        _ => format!("not started: {why}"),
    }
}

/// The title of the proposal that a step is of, and which of its steps it is where it has several.
fn named(incident: &Incident, record: &StepRecord) -> String {
    let Some(proposal) = incident.proposal_of(record.step.id()) else {
        return short(record.step.content().summary.as_str());
    };
    let number = proposal.steps.iter().position(|step| step.id() == record.step.id()).map_or(1, |idx| idx + 1);
    match proposal.steps.len() {
        0 | 1 => proposal.title.clone(),
        n => format!("{}, step {number} of {n}", proposal.title),
    }
}

/// `None` for what another row says already.
fn kind_of(event: &StepEvent) -> Option<&'static str> {
    Some(match event {
        StepEvent::Proposed { .. } | StepEvent::Approved { .. } => return None,
        StepEvent::Agreed { .. } | StepEvent::BrokeGlass { .. } => "approved",
        StepEvent::Paged { .. } | StepEvent::Reviewed { .. } => "note",
        StepEvent::Rejected { .. } | StepEvent::Cancelled { .. } | StepEvent::Withdrawn { .. } => "rejected",
        StepEvent::Verified { verified: true, .. } => "verified",
        StepEvent::Verified { verified: false, .. } | StepEvent::Settled { succeeded: false, .. } => "failed",
        StepEvent::Lost { .. } => "unknown",
        StepEvent::Finished { outcome, .. } => match outcome.result {
            Outcomes::Succeeded => "ran",
            Outcomes::Unknown => "unknown",
            Outcomes::Refused | Outcomes::Failed | Outcomes::TimedOut | Outcomes::Cancelled => "failed",
        },
        StepEvent::Expired { .. }
        | StepEvent::Superseded { .. }
        | StepEvent::Claimed { .. }
        | StepEvent::CancelRequested { .. }
        | StepEvent::DoneByHand { .. }
        | StepEvent::Settled { succeeded: true, .. } => "ran",
    })
}
