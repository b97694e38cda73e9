//! The life of one step, as a pure state machine: a command is decided against the state, and gives events or a refusal;
//! events alone change the state. Time is passed in, so an expired step is expired without anybody having to notice.

mod apply;
mod decide;
mod event;
mod glass;
mod refusal;
mod rights;

use std::fmt;

use evidence::{Redacted, Time};
use serde::{Deserialize, Serialize};

pub use crate::people::Person;
pub use apply::{apply, apply_at};
pub use decide::{Command, decide};
pub use event::{Facts, Rights, StepEvent};
pub use refusal::Refusal;

use crate::canonical::Digest;
use crate::execute::{Outcome, Outcomes};
use crate::proposal::{Step, StepContent};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing was proposed yet.
    #[default]
    Absent,
    Proposed,
    Approved,
    Running,
    /// It may have happened; a human has to look.
    Indeterminate,
    Succeeded,
    Failed,
    TimedOut,
    Cancelled,
    Rejected,
    Expired,
    Superseded,
}

impl Status {
    pub const ALL: [Status; 12] = [
        Status::Absent,
        Status::Proposed,
        Status::Approved,
        Status::Running,
        Status::Indeterminate,
        Status::Succeeded,
        Status::Failed,
        Status::TimedOut,
        Status::Cancelled,
        Status::Rejected,
        Status::Expired,
        Status::Superseded,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Status::Absent => "absent",
            Status::Proposed => "proposed",
            Status::Approved => "approved",
            Status::Running => "running",
            Status::Indeterminate => "indeterminate",
            Status::Succeeded => "succeeded",
            Status::Failed => "failed",
            Status::TimedOut => "timed_out",
            Status::Cancelled => "cancelled",
            Status::Rejected => "rejected",
            Status::Expired => "expired",
            Status::Superseded => "superseded",
        }
    }

    /// Whether nothing can change it any more.
    pub fn is_terminal(self) -> bool {
        match self {
            Status::Absent | Status::Proposed | Status::Approved | Status::Running | Status::Indeterminate => false,
            Status::Succeeded
            | Status::Failed
            | Status::TimedOut
            | Status::Cancelled
            | Status::Rejected
            | Status::Expired
            | Status::Superseded => true,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The glass that was broken for a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BrokenGlass {
    pub by: Person,
    pub reason: Redacted,
    pub at: Time,
    /// What became of the page to the second channel, once it is known.
    pub paged: Option<(bool, String)>,
    /// Who looked at it afterwards, and what they said.
    pub reviewed: Option<(Person, Redacted)>,
}

/// One person's agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    pub by: Person,
    pub digest: Digest,
    pub at: Time,
}

/// What the watch over a step's evidence found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    pub holds: bool,
    /// It was so before the step began, so the step may not be what helped.
    pub held_before: bool,
    pub text: String,
}

impl Verification {
    /// Whether it came to be so after the step, and not before.
    pub fn shows_that_it_helped(&self) -> bool {
        self.holds && !self.held_before
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub id: String,
    pub worker: String,
    pub at: Time,
}

/// What the events so far amount to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepState {
    pub status: Status,
    pub facts: Option<Facts>,
    pub agreements: Vec<Agreement>,
    /// When an approved step must have started.
    pub start_by: Option<Time>,
    /// The only claim there ever was.
    pub claim: Option<Claim>,
    pub cancel_requested_by: Option<Person>,
    pub broken_glass: Option<BrokenGlass>,
    pub outcome: Option<Outcome>,
    /// Who ended it otherwise than by running it, or who settled it, and why.
    pub decided_by: Option<Person>,
    pub reason: Option<Redacted>,
    /// Why nobody has to decide it any more.
    pub withdrawn: Option<String>,
    pub verified: Option<Verification>,
    /// When the status last changed.
    pub since: Option<Time>,
}

impl StepState {
    /// The status as of `now`: what has passed its deadline is expired, whether or not anybody recorded it.
    pub fn status_at(&self, now: Time) -> Status {
        if self.deadline().is_some_and(|deadline| now >= deadline) { Status::Expired } else { self.status }
    }

    /// When it expires if nothing happens; `None` when it no longer can.
    pub fn deadline(&self) -> Option<Time> {
        match self.status {
            Status::Proposed => self.facts.as_ref().map(|facts| facts.expires),
            Status::Approved => self.start_by,
            _ => None,
        }
    }

    /// Distinct people who agreed to exactly this digest.
    pub fn people_who_agreed(&self) -> Vec<&Person> {
        let Some(facts) = &self.facts else { return Vec::new() };
        let mut people: Vec<&Person> = Vec::new();
        for agreement in &self.agreements {
            let counts = agreement.digest == facts.digest && agreement.by.human;
            if counts && people.iter().all(|person| person.id != agreement.by.id) {
                people.push(&agreement.by);
            }
        }
        people
    }

    pub fn outcome_kind(&self) -> Option<Outcomes> {
        self.outcome.as_ref().map(|outcome| outcome.result)
    }
}

/// Permission to run one step once: what [`crate::execute()`] accepts.
///
/// Invariant: made by [`Approved::claim`] only, from a step that is running under exactly this claim.
#[derive(Debug)]
pub struct Approved {
    step: Step,
    claim: String,
}

impl Approved {
    /// Takes the step by value, so that nothing can run it a second time.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] when the state is not running, under another claim, or was approved for other bytes.
    pub fn claim(step: Step, state: &StepState, claim: &str) -> Result<Approved, Refusal> {
        let digest_matches = state.facts.as_ref().is_some_and(|facts| facts.digest == step.digest());
        let holds_claim = state.claim.as_ref().is_some_and(|held| held.id == claim);
        if state.status != Status::Running {
            return Err(Refusal::NotPossible { wish: "run", status: state.status });
        }
        if !holds_claim {
            return Err(Refusal::OtherClaim);
        }
        if !digest_matches {
            return Err(Refusal::OtherBytes);
        }
        Ok(Approved { step, claim: claim.to_owned() })
    }

    pub fn content(&self) -> &StepContent {
        self.step.content()
    }

    pub fn digest(&self) -> Digest {
        self.step.digest()
    }

    pub fn claim_id(&self) -> &str {
        &self.claim
    }
}

#[cfg(test)]
mod tests;
