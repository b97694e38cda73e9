//! Breaking glass: one listed person has a step started at once, for the same bytes, with a reason. A second channel is told,
//! and somebody else reviews it afterwards.

use evidence::{Redacted, Time};
use jiff::SignedDuration;

use super::decide::open_facts;
use super::rights::may;
use super::{Person, Refusal, Status, StepEvent, StepState};
use crate::canonical::Digest;
use crate::policy::{Rules, Verb};

/// At least this much has to be said for breaking glass.
const SHORTEST_REASON: usize = 10;

pub(super) fn break_glass(
    state: &StepState,
    person: Person,
    digest: Digest,
    reason: Redacted,
    rules: &Rules,
    now: Time,
) -> Result<Vec<StepEvent>, Refusal> {
    let facts = open_facts(state, "be started by breaking glass", now)?;
    if state.status != Status::Proposed {
        return Err(Refusal::NotPossible { wish: "be started by breaking glass", status: state.status });
    }
    let rights = may(&person, Verb::BreakGlass, facts, rules)?;
    if digest != facts.digest {
        return Err(Refusal::OtherBytes);
    }
    if facts.manual {
        return Err(Refusal::ByHand);
    }
    if rules.break_glass().page_endpoint.is_empty() {
        return Err(Refusal::NobodyToTell);
    }
    if reason.as_str().trim().chars().count() < SHORTEST_REASON {
        return Err(Refusal::ReasonTooShort { least: SHORTEST_REASON });
    }
    let seconds = rules.break_glass().start_deadline_seconds.min(300) + facts.after_seconds;
    let start_by = now.plus(SignedDuration::from_secs(seconds.into()));
    Ok(vec![
        StepEvent::BrokeGlass { by: person, digest, reason, rights, at: now },
        StepEvent::Approved { digest, start_by, at: now },
    ])
}

pub(super) fn review(
    state: &StepState,
    person: Person,
    text: Redacted,
    rules: &Rules,
    now: Time,
) -> Result<Vec<StepEvent>, Refusal> {
    match (&state.broken_glass, &state.facts) {
        (Some(glass), Some(facts)) if glass.reviewed.is_none() => {
            may(&person, Verb::Approve, facts, rules)?;
            if glass.by.id == person.id {
                return Err(Refusal::OwnReview { name: person.name });
            }
            Ok(vec![StepEvent::Reviewed { by: person, text, at: now }])
        }
        _ => Err(Refusal::NothingToReview),
    }
}
