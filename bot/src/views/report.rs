//! Steps as the terminal prints them: one that waits, and the line after a decision.

use chat::{Decision, Run, StepReport, Waiting};
use evidence::Time;
use incident::{Incident, StepRecord};
use runbooks::{Rules, Status, StepEvent};

use super::step::{approvals, events_of, not_started, status, title};

/// The line after a decision.
pub fn report(incident: &Incident, record: &StepRecord, now: Time) -> StepReport {
    let state = &record.state;
    let at = |is_it: fn(&StepEvent) -> bool| {
        events_of(incident, record).find_map(|(at, _, event)| is_it(event).then_some(at))
    };
    let started = at(|event| matches!(event, StepEvent::Claimed { .. }));
    let ended = at(|event| matches!(event, StepEvent::Finished { .. }));
    let verified_at = at(|event| matches!(event, StepEvent::Verified { .. }));
    let stopped = state.decided_by.as_ref().map(|person| Decision {
        person: person.name.clone(),
        at: state.since.unwrap_or(now),
        reason: state.reason.as_ref().map(|reason| reason.as_str().to_owned()),
    });
    StepReport {
        id: record.step.id().to_owned(),
        summary: record.step.content().summary.clone(),
        state: status(state.status_at(now)),
        at: state.since.unwrap_or(now),
        approvals: approvals(record),
        stopped_by: stopped,
        run: started.map(|started| Run { started, ended }),
        outcome: match &state.outcome {
            Some(outcome) => Some(outcome.summary.as_str().to_owned()),
            None => not_started(incident, record, now),
        },
        verification: match (&state.verified, &record.step.content().verify) {
            (Some(found), _) => {
                let (verified, text) = (Some(found.holds), found.text.clone());
                Some(chat::message::Verification { verified, held_before: found.held_before, at: verified_at, text })
            }
            (None, Some(verify)) if state.status == Status::Succeeded => Some(chat::message::Verification {
                verified: None,
                held_before: false,
                at: None,
                text: verify.to_string(),
            }),
            _ => None,
        },
    }
}

/// A step that waits for a decision.
pub fn waiting(incident: &Incident, record: &StepRecord, rules: &Rules, now: Time) -> Waiting {
    let proposal = incident.proposal_of(record.step.id());
    Waiting {
        incident: Some(incident.id.clone()),
        title: title(incident, record),
        why: proposal.map_or_else(String::new, |proposal| proposal.why.clone()),
        step: record.step.view(rules),
        state: status(record.state.status_at(now)),
        approvals: approvals(record),
        who: rules.approvers_text(&record.step.content().operation()),
        precondition: record.step.content().precondition.clone(),
    }
}
