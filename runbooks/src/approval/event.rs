//! What can happen to a step, as the journal holds it: adding an event or an optional field is fine, changing one is not.

use evidence::answer::Risk;
use evidence::{Redacted, Time};
use serde::{Deserialize, Serialize};

use crate::canonical::Digest;
use crate::execute::Outcome;
use crate::people::Person;
use crate::policy::Operation;

/// What happened to a step; the journal holds these and nothing else about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum StepEvent {
    Proposed {
        facts: Facts,
        at: Time,
    },
    /// One person agreed; the quorum may need more.
    Agreed {
        by: Person,
        digest: Digest,
        reason: Option<Redacted>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rights: Option<Rights>,
        at: Time,
    },
    /// One person had it started without the quorum, in an emergency.
    BrokeGlass {
        by: Person,
        digest: Digest,
        reason: Redacted,
        rights: Rights,
        at: Time,
    },
    /// A second channel was told that the glass was broken, or could not be.
    Paged {
        told: bool,
        text: String,
        at: Time,
    },
    /// Somebody else looked at what was done by breaking glass.
    Reviewed {
        by: Person,
        text: Redacted,
        at: Time,
    },
    /// Enough people agreed; the step has to start before `start_by`.
    Approved {
        digest: Digest,
        start_by: Time,
        at: Time,
    },
    Rejected {
        by: Person,
        reason: Option<Redacted>,
        at: Time,
    },
    Expired {
        at: Time,
    },
    Superseded {
        by_step: String,
        at: Time,
    },
    Cancelled {
        by: Person,
        reason: Option<Redacted>,
        at: Time,
    },
    /// A worker took the step; nobody else can, ever.
    Claimed {
        claim: String,
        worker: String,
        digest: Digest,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rights: Option<Rights>,
        at: Time,
    },
    /// Somebody asked a running step to stop; its worker reports how that ended.
    CancelRequested {
        by: Person,
        reason: Option<Redacted>,
        at: Time,
    },
    Finished {
        claim: String,
        outcome: Outcome,
        at: Time,
    },
    /// A person carried out a manual step and says so; Firstline ran nothing.
    DoneByHand {
        by: Person,
        digest: Digest,
        reason: Option<Redacted>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rights: Option<Rights>,
        at: Time,
    },
    /// The worker is gone and left no outcome.
    Lost {
        why: String,
        at: Time,
    },
    /// A human looked at an indeterminate step and says what became of it.
    Settled {
        by: Person,
        succeeded: bool,
        reason: Option<Redacted>,
        at: Time,
    },
    /// Nobody has to decide it any more, as when its incident was resolved.
    Withdrawn {
        why: String,
        at: Time,
    },
    /// What the verify clause found; says nothing about whether the step ran.
    Verified {
        verified: bool,
        /// It was so before the step began, so the step may not be what helped.
        #[serde(default)]
        held_before: bool,
        text: String,
        at: Time,
    },
}

impl StepEvent {
    pub fn at(&self) -> Time {
        match self {
            StepEvent::Proposed { at, .. }
            | StepEvent::Agreed { at, .. }
            | StepEvent::Approved { at, .. }
            | StepEvent::Rejected { at, .. }
            | StepEvent::Expired { at }
            | StepEvent::Superseded { at, .. }
            | StepEvent::Cancelled { at, .. }
            | StepEvent::Claimed { at, .. }
            | StepEvent::CancelRequested { at, .. }
            | StepEvent::Finished { at, .. }
            | StepEvent::DoneByHand { at, .. }
            | StepEvent::Lost { at, .. }
            | StepEvent::Settled { at, .. }
            | StepEvent::Withdrawn { at, .. }
            | StepEvent::BrokeGlass { at, .. }
            | StepEvent::Paged { at, .. }
            | StepEvent::Reviewed { at, .. }
            | StepEvent::Verified { at, .. } => *at,
        }
    }
}

/// What the state machine needs to know of a step's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    pub digest: Digest,
    pub risk: Risk,
    pub environment: String,
    pub proposer: String,
    pub requester: String,
    /// A person carries it out and presses Done; it never runs.
    pub manual: bool,
    pub approvals_needed: u32,
    pub expires: Time,
    /// What rights are about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// How long the steps of its unit before it may take.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub after_seconds: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Facts {
    /// What rights are about; records from before it was written say only where and how risky.
    pub fn operation(&self) -> Operation {
        self.operation.clone().unwrap_or_else(|| Operation {
            action: String::new(),
            runbook: String::new(),
            service: String::new(),
            target: String::new(),
            environment: self.environment.clone(),
            risk: self.risk,
        })
    }
}

/// The rights that somebody had when they decided, for whoever asks later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rights {
    /// The version of the rules.
    pub rules: String,
    /// The policies that permitted it.
    pub because: Vec<String>,
}
