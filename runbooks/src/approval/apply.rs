//! How events change the state. An event that does not fit is ignored rather than believed:
//! a doubled, reordered or forged entry must not bring a finished step back to life.

use evidence::Time;

use super::{Agreement, BrokenGlass, Claim, Status, StepEvent, StepState, Verification};
use crate::canonical::Digest;
use crate::execute::Outcomes;

pub fn apply(state: StepState, event: &StepEvent) -> StepState {
    apply_at(state, event, event.at())
}

/// The same for an event that was written down at `recorded`, which may be later than it was decided: a process that was held up
/// in between must not slip past a deadline, so the later of the two counts.
pub fn apply_at(mut state: StepState, event: &StepEvent, recorded: Time) -> StepState {
    match event {
        StepEvent::Proposed { facts, at } => {
            if state.status == Status::Absent {
                state.facts = Some(facts.clone());
                state.move_to(Status::Proposed, *at);
            }
        }
        StepEvent::Agreed { by, digest, at, .. } => {
            if state.status == Status::Proposed && state.is_in_time(recorded.max(*at)) && state.is_for(*digest) {
                state.agreements.push(Agreement { by: by.clone(), digest: *digest, at: *at });
            }
        }
        StepEvent::BrokeGlass { by, digest, reason, at, .. } => {
            let may_follow = state.status == Status::Proposed && state.broken_glass.is_none() && by.human;
            if may_follow && state.is_in_time(recorded.max(*at)) && state.is_for(*digest) {
                let (by, reason) = (by.clone(), reason.clone());
                state.broken_glass = Some(BrokenGlass { by, reason, at: *at, paged: None, reviewed: None });
            }
        }
        StepEvent::Paged { told, text, .. } => {
            if let Some(glass) = state.broken_glass.as_mut().filter(|glass| glass.paged.is_none()) {
                glass.paged = Some((*told, text.clone()));
            }
        }
        StepEvent::Reviewed { by, text, .. } => {
            if let Some(glass) = state.broken_glass.as_mut()
                && glass.reviewed.is_none()
                && by.human
                && by.id != glass.by.id
            {
                glass.reviewed = Some((by.clone(), text.clone()));
            }
        }
        StepEvent::Approved { digest, start_by, at } => {
            let has_quorum = state.people_who_agreed().len() >= state.quorum() || state.broken_glass.is_some();
            if state.status == Status::Proposed
                && state.is_in_time(recorded.max(*at))
                && state.is_for(*digest)
                && has_quorum
            {
                state.start_by = Some(*start_by);
                state.move_to(Status::Approved, *at);
            }
        }
        StepEvent::Rejected { by, reason, at } | StepEvent::Cancelled { by, reason, at } => {
            if state.is_open() {
                state.decided_by = Some(by.clone());
                state.reason = reason.clone();
                let is_rejection = matches!(event, StepEvent::Rejected { .. });
                state.move_to(if is_rejection { Status::Rejected } else { Status::Cancelled }, *at);
            }
        }
        StepEvent::Expired { at } => {
            if state.is_open() && !state.is_in_time(recorded.max(*at)) {
                state.move_to(Status::Expired, *at);
            }
        }
        StepEvent::Superseded { at, .. } => {
            if state.is_open() {
                state.move_to(Status::Superseded, *at);
            }
        }
        StepEvent::Claimed { claim, worker, digest, at, .. } => {
            let may_start = state.status == Status::Approved && state.claim.is_none();
            if may_start && state.is_in_time(recorded.max(*at)) && state.is_for(*digest) {
                state.claim = Some(Claim { id: claim.clone(), worker: worker.clone(), at: *at });
                state.move_to(Status::Running, *at);
            }
        }
        StepEvent::CancelRequested { by, .. } => {
            if state.status == Status::Running && state.cancel_requested_by.is_none() {
                state.cancel_requested_by = Some(by.clone());
            }
        }
        StepEvent::Finished { claim, outcome, at } => {
            let is_holder = state.claim.as_ref().is_some_and(|held| held.id == *claim);
            if state.status == Status::Running && is_holder {
                state.outcome = Some(outcome.clone());
                state.move_to(status_after(outcome.result), *at);
            }
        }
        StepEvent::DoneByHand { by, digest, reason, at, .. } => {
            let is_manual = state.facts.as_ref().is_some_and(|facts| facts.manual);
            if is_manual
                && state.status == Status::Proposed
                && state.is_in_time(recorded.max(*at))
                && state.is_for(*digest)
            {
                state.decided_by = Some(by.clone());
                state.reason = reason.clone();
                state.move_to(Status::Succeeded, *at);
            }
        }
        StepEvent::Lost { at, .. } => {
            if state.status == Status::Running {
                state.move_to(Status::Indeterminate, *at);
            }
        }
        StepEvent::Settled { by, succeeded, reason, at } => {
            if state.status == Status::Indeterminate && by.human {
                state.decided_by = Some(by.clone());
                state.reason = reason.clone();
                state.move_to(if *succeeded { Status::Succeeded } else { Status::Failed }, *at);
            }
        }
        StepEvent::Withdrawn { why, at } => {
            if state.is_open() {
                state.withdrawn = Some(why.clone());
                state.move_to(Status::Cancelled, *at);
            }
        }
        StepEvent::Verified { verified, held_before, text, .. } => {
            if state.status == Status::Succeeded && state.verified.is_none() {
                let (holds, held_before) = (*verified, *held_before);
                state.verified = Some(Verification { holds, held_before, text: text.clone() });
            }
        }
    }
    state
}

/// Refused and failed are both known ends; only what may have happened stays open.
fn status_after(result: Outcomes) -> Status {
    match result {
        Outcomes::Succeeded => Status::Succeeded,
        Outcomes::Refused | Outcomes::Failed => Status::Failed,
        Outcomes::TimedOut => Status::TimedOut,
        Outcomes::Cancelled => Status::Cancelled,
        Outcomes::Unknown => Status::Indeterminate,
    }
}

impl StepState {
    fn move_to(&mut self, status: Status, at: Time) {
        self.status = status;
        self.since = Some(at);
    }

    fn is_open(&self) -> bool {
        matches!(self.status, Status::Proposed | Status::Approved)
    }

    fn is_in_time(&self, at: Time) -> bool {
        self.deadline().is_none_or(|deadline| at < deadline)
    }

    fn is_for(&self, digest: Digest) -> bool {
        self.facts.as_ref().is_some_and(|facts| facts.digest == digest)
    }

    fn quorum(&self) -> usize {
        self.facts.as_ref().map_or(usize::MAX, |facts| facts.approvals_needed.max(1) as usize)
    }
}
