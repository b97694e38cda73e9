//! One step as the console shows it: what would run, how it stands, who did what.

use chat::Decision;
use evidence::{Redacted, Time};
use incident::{Event, Incident, StepRecord};
use jiff::SignedDuration;
use runbooks::{Rules, Status, StepEvent};
use serde::Serialize;

use super::sentences::happened;

/// The form of `GET /api/steps/{id}`.
#[derive(Clone, Debug, Serialize)]
pub struct StepForm {
    pub id: String,
    pub incident: String,
    pub proposal: String,
    pub title: String,
    pub summary: String,
    pub action: String,
    pub arguments: serde_json::Value,
    pub target: String,
    pub environment: String,
    pub risk: evidence::answer::Risk,
    pub service: String,
    pub state: chat::StepState,
    /// What an approval has to name: the digest of the step, or of the unit that it is approved in.
    pub digest: String,
    /// The steps that are approved as one with this one, in their order, itself among them; empty when it stands alone.
    pub unit: Vec<UnitRow>,
    /// What must still be so when it starts.
    pub precondition: Option<String>,
    pub runbook: String,
    pub runbook_digest: String,
    pub timeout_seconds: u32,
    /// The version of the rules when it was proposed.
    pub rules: String,
    pub glass: Option<GlassForm>,
    /// Whether another step is known that takes it back, and it has run.
    pub can_undo: bool,
    pub expires: Time,
    pub approvals: Vec<Decision>,
    pub needed: u32,
    pub who: String,
    pub requester: String,
    pub dry_run: Option<String>,
    pub verify: Option<String>,
    pub undo: Option<String>,
    pub output: String,
    pub outcome: Option<String>,
    pub verification: Option<VerificationForm>,
    pub history: Vec<HistoryRow>,
}

#[derive(Clone, Debug, Serialize)]
pub struct VerificationForm {
    /// pending, interrupted, verified, held_before (it was so before the step began) or failed.
    pub state: &'static str,
    pub text: String,
}

/// A step of a unit, in a line.
#[derive(Clone, Debug, Serialize)]
pub struct UnitRow {
    pub id: String,
    pub summary: String,
    pub arguments: serde_json::Value,
    pub target: String,
    pub environment: String,
    pub state: chat::StepState,
}

/// The glass that was broken for a step.
#[derive(Clone, Debug, Serialize)]
pub struct GlassForm {
    pub by: String,
    pub at: Time,
    pub reason: String,
    /// What became of the page to the second channel; `None` while it is on its way.
    pub paged: Option<String>,
    /// Who reviewed it and what they said; `None` while that is to be done.
    pub reviewed: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct HistoryRow {
    pub at: Time,
    pub actor: String,
    pub text: String,
}

pub fn status(status: Status) -> chat::StepState {
    match status {
        Status::Absent | Status::Proposed => chat::StepState::Proposed,
        Status::Approved => chat::StepState::Approved,
        Status::Running => chat::StepState::Running,
        Status::Indeterminate => chat::StepState::Indeterminate,
        Status::Succeeded => chat::StepState::Succeeded,
        Status::Failed => chat::StepState::Failed,
        Status::TimedOut => chat::StepState::TimedOut,
        Status::Cancelled => chat::StepState::Cancelled,
        Status::Rejected => chat::StepState::Rejected,
        Status::Expired => chat::StepState::Expired,
        Status::Superseded => chat::StepState::Superseded,
    }
}

pub fn step(incident: &Incident, record: &StepRecord, rules: &Rules, now: Time) -> StepForm {
    let content = record.step.content();
    let view = record.step.view(rules);
    let state = &record.state;
    StepForm {
        id: view.id,
        incident: incident.id.clone(),
        proposal: content.proposal.clone(),
        title: title(incident, record),
        summary: view.summary,
        action: view.action,
        arguments: view.arguments,
        target: view.target,
        environment: view.environment,
        risk: view.risk,
        state: status(state.status_at(now)),
        service: content.service().to_owned(),
        digest: incident.digest_of_unit(record.step.id()).unwrap_or_else(|| record.step.digest()).to_string(),
        unit: unit(incident, record, now),
        precondition: content.precondition.clone(),
        runbook: content.runbook.clone(),
        runbook_digest: content.runbook_digest.to_string(),
        timeout_seconds: content.timeout_seconds,
        rules: content.policy.clone(),
        glass: state.broken_glass.as_ref().map(|glass| GlassForm {
            by: glass.by.name.clone(),
            at: glass.at,
            reason: glass.reason.as_str().to_owned(),
            paged: glass.paged.as_ref().map(|(_, text)| text.clone()),
            reviewed: glass.reviewed.as_ref().map(|(by, text)| format!("{}: “{text}”", by.name)),
        }),
        can_undo: matches!(content.undo, Some(runbooks::proposal::Undo::Step { .. }))
            && state.claim.is_some()
            && state.status.is_terminal(),
        expires: view.expires,
        approvals: approvals(record),
        needed: state.facts.as_ref().map_or(view.approvals_needed, |facts| facts.approvals_needed),
        who: rules.approvers_text(&content.operation()),
        requester: content.requester.clone(),
        dry_run: view.dry_run,
        verify: view.verify,
        undo: view.undo,
        output: state.outcome.as_ref().map_or_else(String::new, |outcome| outcome.output.as_str().to_owned()),
        outcome: outcome_sentence(incident, record, now),
        verification: verification(incident, record, now),
        history: history(incident, record, now),
    }
}

/// The steps of an incident as they were proposed: the best proposal first, its steps in their order.
pub fn steps_in_order(incident: &Incident) -> Vec<&StepRecord> {
    let mut ids: Vec<&str> = Vec::new();
    for step in incident.proposals().flat_map(|proposal| &proposal.steps) {
        if !ids.contains(&step.id()) {
            ids.push(step.id());
        }
    }
    ids.into_iter().filter_map(|id| incident.steps.get(id)).collect()
}

fn unit(incident: &Incident, record: &StepRecord, now: Time) -> Vec<UnitRow> {
    let unit = incident.unit_of(record.step.id());
    if unit.len() < 2 {
        return Vec::new();
    }
    let row = |record: &StepRecord| UnitRow {
        id: record.step.id().to_owned(),
        summary: record.step.content().summary.clone(),
        arguments: record.step.content().arguments.clone(),
        target: record.step.content().target.clone(),
        environment: record.step.content().environment.clone(),
        state: status(record.state.status_at(now)),
    };
    unit.into_iter().map(row).collect()
}

/// The title of the proposal that a step belongs to.
pub(super) fn title(incident: &Incident, record: &StepRecord) -> String {
    incident.proposal_of(record.step.id()).map_or_else(String::new, |proposal| proposal.title.clone())
}

/// What happened to one step, oldest first.
pub(super) fn events_of<'i>(
    incident: &'i Incident,
    record: &'i StepRecord,
) -> impl Iterator<Item = (Time, &'i str, &'i StepEvent)> {
    incident.history.iter().filter_map(|happened| match &happened.event {
        Event::Step { step, event } if step == record.step.id() => Some((happened.at, happened.actor.as_str(), event)),
        _ => None,
    })
}

pub(super) fn approvals(record: &StepRecord) -> Vec<Decision> {
    let agreed = record.state.agreements.iter();
    agreed.map(|agreement| Decision { person: agreement.by.name.clone(), at: agreement.at, reason: None }).collect()
}

/// When the watch over a step's evidence should have ended, if it did not: whoever watched it was stopped.
///
/// The journal has no entry for a watch that begins or stops, so this is read from what is missing at the deadline.
pub(super) fn interrupted(incident: &Incident, record: &StepRecord, now: Time) -> Option<Time> {
    const SLOW: SignedDuration = SignedDuration::from_secs(30);
    let verify = record.step.content().verify.as_ref()?;
    if record.state.status != Status::Succeeded {
        return None;
    }
    let judged = events_of(incident, record).find(|(_, _, event)| matches!(event, StepEvent::Verified { .. }));
    let deadline = record.state.since?.plus(SignedDuration::from_secs(verify.within_seconds.into()));
    (judged.map_or(now, |(at, _, _)| at) > deadline.plus(SLOW)).then_some(deadline)
}

/// The line of an interrupted watch: in hindsight, or with what to do.
pub(super) fn interruption(record: &StepRecord) -> &'static str {
    if record.state.verified.is_some() {
        "the watch was interrupted; it was taken up again later"
    } else {
        "the watch was interrupted before it could tell; a running `firstline serve` takes it up"
    }
}

fn verification(incident: &Incident, record: &StepRecord, now: Time) -> Option<VerificationForm> {
    let state = &record.state;
    match (&state.verified, &record.step.content().verify) {
        (Some(found), _) => {
            let state = match found {
                found if found.shows_that_it_helped() => "verified",
                found if found.holds => "held_before",
                _ => "failed",
            };
            Some(VerificationForm { state, text: found.text.clone() })
        }
        (None, Some(_)) if interrupted(incident, record, now).is_some() => {
            Some(VerificationForm { state: "interrupted", text: interruption(record).to_owned() })
        }
        (None, Some(verify)) if state.status == Status::Succeeded => {
            Some(VerificationForm { state: "pending", text: verify.to_string() })
        }
        _ => None,
    }
}

fn history(incident: &Incident, record: &StepRecord, now: Time) -> Vec<HistoryRow> {
    let rows = events_of(incident, record);
    let mut rows: Vec<HistoryRow> =
        rows.map(|(at, actor, event)| HistoryRow { at, actor: actor.to_owned(), text: happened(event) }).collect();
    if let Some(at) = interrupted(incident, record, now) {
        rows.push(HistoryRow { at, actor: "firstline".to_owned(), text: interruption(record).to_owned() });
        rows.sort_by_key(|row| row.at);
    }
    rows
}

fn outcome_sentence(incident: &Incident, record: &StepRecord, now: Time) -> Option<String> {
    let state = &record.state;
    let reason = |reason: &Redacted| format!(": “{reason}”");
    match (&state.outcome, &state.decided_by) {
        (_, Some(person)) => {
            let because = state.reason.as_ref().map(reason).unwrap_or_default();
            Some(format!("{} by {}{because}", state.status, person.name))
        }
        (Some(outcome), None) => Some(outcome.summary.as_str().to_owned()),
        (None, None) if state.withdrawn.is_some() => state.withdrawn.as_ref().map(|why| format!("withdrawn: {why}")),
        (None, None) => not_started(incident, record, now),
    }
}

/// Why an approved step has not started, or did not start in time.
pub(super) fn not_started(incident: &Incident, record: &StepRecord, now: Time) -> Option<String> {
    let state = &record.state;
    // Only what was approved has a time to start by.
    state.start_by?;
    let held = incident.held(record.step.id());
    match (state.status_at(now), held) {
        (Status::Approved, Some(why)) => Some(format!("not started yet: {why}")),
        (Status::Expired, Some(why)) => Some(format!("not started in time: {why}")),
        (Status::Expired, None) => {
            Some("no executor started it in time; see that `firstline executor` runs, then ask again".to_owned())
        }
        _ => None,
    }
}
