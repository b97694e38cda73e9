//! Everything that can happen to an incident. These are the journal's entries: adding a variant is fine, changing one is not.

use evidence::answer::{Answer, Claim, ModelUse};
use evidence::{Grant, Redacted, Time};
use runbooks::{Proposal, StepEvent};
use serde::{Deserialize, Serialize};

use crate::{Findings, Question};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// Somebody asked.
    Asked(Asked),
    /// The search came back; holds copies of all lines that can be cited.
    Found(Found),
    /// The search could not be done.
    NotFound { answer: String, reason: String },
    /// The evidence was grave enough to call it an incident.
    Opened { title: String, service: Option<String> },
    /// An incident about the same service is open already; this conversation is part of it.
    Joined { incident: String },
    /// Runbooks that fit were turned into steps; none is an answer too.
    Proposed { answer: String, proposals: Vec<Proposal>, notes: Vec<String> },
    /// Somebody proposed a runbook themselves, changed the parameters of a proposal, or wants a step undone.
    ProposedByHand {
        by: String,
        proposal: Proposal,
        /// The proposal that it takes the place of: its steps are superseded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instead_of: Option<String>,
        /// The step that it takes back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undoes: Option<String>,
    },
    /// The answer as it was posted, without a model.
    Answered(Answered),
    /// A model told the same evidence better, or failed to.
    Retold(Retold),
    /// Something happened to a step.
    Step { step: String, event: StepEvent },
    /// An executor says why an approved step does not start, or not yet.
    Held { step: String, why: Redacted },
    /// Somebody closed it.
    Resolved { note: Redacted },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The id of the answer to come.
    pub answer: String,
    pub by: String,
    pub question: Question,
    /// IANA name of the asker's time zone, for reading and saying times.
    pub zone: String,
    pub use_model: bool,
    /// What the asker may see, which is all that is looked at; everything when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    pub answer: String,
    /// With samples filled in, and every count confirmed by a second, independent count.
    pub findings: Findings,
    /// All services that the index knew, so that a sentence's names can be recognised.
    pub services: Vec<String>,
    /// Evidence rows that the second count did not confirm, and that were dropped.
    pub unconfirmed: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    pub answer: Answer,
    /// Claims that the checker refused and that were left out.
    pub refused: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retold {
    pub answer: String,
    pub model: ModelUse,
    /// Digest of the prompt's template.
    pub prompt_digest: String,
    /// How many log lines were shown to the model.
    pub shown_records: u64,
    /// `None` when the model added nothing that could be confirmed.
    pub headline: Option<String>,
    pub claims: Vec<Claim>,
}

impl Event {
    /// The answer that this event is about, for finding its stream again.
    pub fn answer_id(&self) -> Option<&str> {
        match self {
            Event::Asked(asked) => Some(&asked.answer),
            Event::Found(found) => Some(&found.answer),
            Event::Answered(answered) => Some(&answered.answer.id),
            Event::Retold(retold) => Some(&retold.answer),
            Event::NotFound { answer, .. } | Event::Proposed { answer, .. } => Some(answer),
            Event::Opened { .. }
            | Event::Joined { .. }
            | Event::ProposedByHand { .. }
            | Event::Step { .. }
            | Event::Held { .. }
            | Event::Resolved { .. } => None,
        }
    }
}

/// An event with the time and the actor that the journal gave it.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    pub at: Time,
    pub actor: String,
    pub event: Event,
}
