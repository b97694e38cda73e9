//! Which commands are allowed in which state. Every check of who, when and what stands here, once.

use evidence::{Redacted, Time};
use jiff::SignedDuration;

use super::glass::{break_glass, review};
use super::rights::{count, is_own, may, may_decide, needed, somebody_may_run, still_agreed};
use super::{Facts, Person, Refusal, Rights, Status, StepEvent, StepState};
use crate::canonical::Digest;
use crate::execute::Outcome;
use crate::policy::{Rules, Verb};
use crate::proposal::Step;

/// What somebody wants to happen to a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Propose {
        step: Box<Step>,
    },
    /// `digest` is the one of the card that the person saw.
    Approve {
        person: Person,
        digest: Digest,
        reason: Option<Redacted>,
    },
    /// Has it started at once, without the others: hash-bound like an approval, told to a second channel, reviewed afterwards.
    BreakGlass {
        person: Person,
        digest: Digest,
        reason: Redacted,
    },
    /// What became of the page to the second channel.
    Page {
        told: bool,
        text: String,
    },
    /// Somebody else says what they think of a broken glass.
    Review {
        person: Person,
        text: Redacted,
    },
    /// A person carried out a manual step.
    Done {
        person: Person,
        digest: Digest,
        reason: Option<Redacted>,
    },
    /// Before the step started; revokes an approval too.
    Reject {
        person: Person,
        reason: Option<Redacted>,
    },
    Cancel {
        person: Person,
        reason: Option<Redacted>,
    },
    /// Records that a deadline passed; the step is expired with or without it.
    Expire,
    Supersede {
        by_step: String,
    },
    /// `claim` is a fresh random id; `digest` is of the bytes that the worker is about to run.
    Claim {
        claim: String,
        worker: String,
        digest: Digest,
    },
    Finish {
        claim: String,
        outcome: Outcome,
    },
    /// After a crash or a lost lease.
    Lose {
        why: String,
    },
    /// A human says what became of an indeterminate step.
    Settle {
        person: Person,
        succeeded: bool,
        reason: Option<Redacted>,
    },
    /// Nobody has to decide it any more; said by Firstline itself.
    Withdraw {
        why: String,
    },
    Verify {
        verified: bool,
        /// It was so before the step began.
        held_before: bool,
        text: String,
    },
}

/// Decides a command; the events are to be appended to the journal in one transaction and then applied.
///
/// `now` is the journal's clock: the later of the process clock and the last entry.
///
/// # Errors
///
/// A [`Refusal`], which changes nothing.
pub fn decide(state: &StepState, command: Command, rules: &Rules, now: Time) -> Result<Vec<StepEvent>, Refusal> {
    match command {
        Command::Propose { step } => propose(state, &step, rules, now),
        Command::Approve { person, digest, reason } => approve(state, person, digest, reason, rules, now),
        Command::BreakGlass { person, digest, reason } => break_glass(state, person, digest, reason, rules, now),
        Command::Page { told, text } => match &state.broken_glass {
            Some(glass) if glass.paged.is_none() => Ok(vec![StepEvent::Paged { told, text, at: now }]),
            _ => Err(Refusal::NotPossible { wish: "be paged for", status: state.status }),
        },
        Command::Review { person, text } => review(state, person, text, rules, now),
        Command::Done { person, digest, reason } => {
            let facts = open_facts(state, "be done", now)?;
            let rights = may(&person, Verb::Run, facts, rules)?;
            if digest != facts.digest {
                return Err(Refusal::OtherBytes);
            }
            if !facts.manual {
                return Err(Refusal::NotByHand);
            }
            Ok(vec![StepEvent::DoneByHand { by: person, digest, reason, rights: Some(rights), at: now }])
        }
        Command::Reject { person, reason } => {
            let facts = open_facts(state, "be rejected", now)?;
            may_decide(&person, facts, rules)?;
            Ok(vec![StepEvent::Rejected { by: person, reason, at: now }])
        }
        Command::Cancel { person, reason } => cancel(state, person, reason, rules, now),
        Command::Expire => match (state.deadline(), state.status_at(now)) {
            (Some(_), Status::Expired) => Ok(vec![StepEvent::Expired { at: now }]),
            (Some(until), _) => Err(Refusal::NotExpired { until }),
            (None, status) => Err(Refusal::NotPossible { wish: "expire", status }),
        },
        Command::Supersede { by_step } => {
            open_facts(state, "be replaced", now)?;
            Ok(vec![StepEvent::Superseded { by_step, at: now }])
        }
        Command::Claim { claim, worker, digest } => start(state, claim, worker, digest, rules, now),
        Command::Finish { claim, outcome } => finish(state, claim, outcome, now),
        Command::Lose { why } => match state.status {
            Status::Running => Ok(vec![StepEvent::Lost { why, at: now }]),
            status => Err(Refusal::NotPossible { wish: "be lost", status }),
        },
        Command::Settle { person, succeeded, reason } => match (state.status, &state.facts) {
            (Status::Indeterminate, Some(facts)) => {
                may_decide(&person, facts, rules)?;
                Ok(vec![StepEvent::Settled { by: person, succeeded, reason, at: now }])
            }
            (status, _) => Err(Refusal::NothingToSettle { status }),
        },
        Command::Withdraw { why } => {
            open_facts(state, "be withdrawn", now)?;
            Ok(vec![StepEvent::Withdrawn { why, at: now }])
        }
        Command::Verify { verified, held_before, text } => match state.status {
            Status::Succeeded if state.verified.is_none() => {
                Ok(vec![StepEvent::Verified { verified, held_before, text, at: now }])
            }
            Status::Succeeded => Err(Refusal::AlreadyVerified),
            status => Err(Refusal::NotPossible { wish: "be verified", status }),
        },
    }
}

fn propose(state: &StepState, step: &Step, rules: &Rules, now: Time) -> Result<Vec<StepEvent>, Refusal> {
    if state.status != Status::Absent {
        return Err(Refusal::AlreadyProposed);
    }
    let content = step.content();
    if now >= content.expires {
        return Err(Refusal::Expired { at: content.expires });
    }
    let facts = Facts {
        digest: step.digest(),
        risk: content.risk,
        environment: content.environment.clone(),
        proposer: content.proposer.clone(),
        requester: content.requester.clone(),
        manual: content.action == "manual",
        approvals_needed: rules.approvals_needed(content.risk),
        expires: content.expires,
        operation: Some(content.operation()),
        after_seconds: content.after_seconds.unwrap_or(0),
    };
    Ok(vec![StepEvent::Proposed { facts, at: now }])
}

fn approve(
    state: &StepState,
    person: Person,
    digest: Digest,
    reason: Option<Redacted>,
    rules: &Rules,
    now: Time,
) -> Result<Vec<StepEvent>, Refusal> {
    let facts = open_facts(state, "be approved", now)?;
    if state.status != Status::Proposed {
        return Err(Refusal::NotPossible { wish: "be approved", status: state.status });
    }
    let rights = may(&person, Verb::Approve, facts, rules)?;
    if digest != facts.digest {
        return Err(Refusal::OtherBytes);
    }
    if facts.manual {
        return Err(Refusal::ByHand);
    }
    if is_own(&person, facts, rules) && !rules.may_approve_own(facts.risk) {
        return Err(Refusal::OwnRequest { name: person.name });
    }
    let needed = needed(facts, rules);
    let agreed = count(state.people_who_agreed().len());
    if state.people_who_agreed().iter().any(|agreed| agreed.id == person.id) {
        return Err(Refusal::AlreadyAgreed { name: person.name, missing: needed.saturating_sub(agreed) });
    }
    if agreed + 1 >= needed && !somebody_may_run(state, Some(&person), facts, rules) {
        // The last of the quorum has it started, or one of those who agreed before.
        may(&person, Verb::Run, facts, rules)?;
    }
    let mut events = vec![StepEvent::Agreed { by: person, digest, reason, rights: Some(rights), at: now }];
    if agreed + 1 >= needed {
        let start_by = now.plus(rules.start_deadline()).plus(SignedDuration::from_secs(facts.after_seconds.into()));
        events.push(StepEvent::Approved { digest, start_by, at: now });
    }
    Ok(events)
}

fn cancel(
    state: &StepState,
    person: Person,
    reason: Option<Redacted>,
    rules: &Rules,
    now: Time,
) -> Result<Vec<StepEvent>, Refusal> {
    let event = |running: bool, by: Person| {
        if running {
            StepEvent::CancelRequested { by, reason, at: now }
        } else {
            StepEvent::Cancelled { by, reason, at: now }
        }
    };
    match (state.status_at(now), &state.facts) {
        (Status::Proposed | Status::Approved, Some(facts)) => {
            // Whoever asked may always take the question back.
            if !(person.human && is_own(&person, facts, rules)) {
                may_decide(&person, facts, rules)?;
            }
            Ok(vec![event(false, person)])
        }
        (Status::Running, Some(facts)) if state.cancel_requested_by.is_none() => {
            may_decide(&person, facts, rules)?;
            Ok(vec![event(true, person)])
        }
        (status, _) => Err(Refusal::NotPossible { wish: "be cancelled", status }),
    }
}

/// Reads the rules again: an approval given by somebody who lost the right since does not count.
fn start(
    state: &StepState,
    claim: String,
    worker: String,
    digest: Digest,
    rules: &Rules,
    now: Time,
) -> Result<Vec<StepEvent>, Refusal> {
    let facts = open_facts(state, "start", now)?;
    if state.status != Status::Approved || state.claim.is_some() {
        return Err(Refusal::NotPossible { wish: "start", status: state.status });
    }
    if digest != facts.digest {
        return Err(Refusal::OtherBytes);
    }
    if !rules.may_act_in(&facts.environment) {
        return Err(Refusal::EnvironmentNotAllowed { environment: facts.environment.clone() });
    }
    let because = match &state.broken_glass {
        Some(glass) => may(&glass.by, Verb::BreakGlass, facts, rules).map_err(|_| Refusal::RulesChanged)?.because,
        None => still_agreed(state, facts, rules)?,
    };
    let rights = Some(Rights { rules: rules.version().to_owned(), because });
    Ok(vec![StepEvent::Claimed { claim, worker, digest, rights, at: now }])
}

fn finish(state: &StepState, claim: String, outcome: Outcome, now: Time) -> Result<Vec<StepEvent>, Refusal> {
    if state.status != Status::Running {
        return Err(Refusal::NotPossible { wish: "be finished", status: state.status });
    }
    if state.claim.as_ref().is_none_or(|held| held.id != claim) {
        return Err(Refusal::OtherClaim);
    }
    Ok(vec![StepEvent::Finished { claim, outcome, at: now }])
}

/// The facts of a step that can still be decided.
pub(super) fn open_facts<'s>(state: &'s StepState, wish: &'static str, now: Time) -> Result<&'s Facts, Refusal> {
    match (state.status_at(now), state.deadline(), &state.facts) {
        (Status::Expired, Some(at), _) => Err(Refusal::Expired { at }),
        (Status::Proposed | Status::Approved, _, Some(facts)) => Ok(facts),
        (Status::Indeterminate, ..) => Err(Refusal::EndUnknown),
        (status, ..) => Err(Refusal::NotPossible { wish, status }),
    }
}
