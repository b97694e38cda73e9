//! What the program says, independent of where people read it.
//! These are views: whoever owns the state converts into them at the edge, so a platform knows nothing of journals.

use evidence::answer::{Answer, StepView};
use evidence::{StoredRecord, Time};
use serde::{Deserialize, Serialize};

/// One thing to be shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Message {
    Answer(Box<Answer>),
    Step(Box<StepReport>),
    /// A sentence of the program itself: an error with its next step, a notice.
    Note {
        text: String,
    },
}

/// Where a step stands; the words of the HTTP interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    Proposed,
    Approved,
    Running,
    Succeeded,
    Failed,
    TimedOut,
    Cancelled,
    Rejected,
    Expired,
    Superseded,
    /// The executor was lost while it ran: nobody knows whether it happened.
    Indeterminate,
}

/// Who decided, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub person: String,
    pub at: Time,
    #[serde(default)]
    pub reason: Option<String>,
}

/// When a step ran; `ended` is empty while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub started: Time,
    pub ended: Option<Time>,
}

/// All that the one line after a decision says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    pub id: String,
    pub summary: String,
    pub state: StepState,
    /// When it came into this state.
    pub at: Time,
    pub approvals: Vec<Decision>,
    /// Who rejected or cancelled it.
    #[serde(default)]
    pub stopped_by: Option<Decision>,
    #[serde(default)]
    pub run: Option<Run>,
    /// What the action reported, one sentence.
    #[serde(default)]
    pub outcome: Option<String>,
    #[serde(default)]
    pub verification: Option<Verification>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// `None` while the evidence is still being watched.
    pub verified: Option<bool>,
    /// It was so before the step began, so the step may not be what helped.
    #[serde(default)]
    pub held_before: bool,
    pub at: Option<Time>,
    pub text: String,
}

/// A step with what a person needs to decide about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    pub incident: Option<String>,
    /// The proposal's title.
    pub title: String,
    pub why: String,
    pub step: StepView,
    pub state: StepState,
    pub approvals: Vec<Decision>,
    /// Who may approve: `1 of Ines, Tom`.
    #[serde(default)]
    pub who: String,
    /// What must still be so when it starts.
    #[serde(default)]
    pub precondition: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineRow {
    pub at: Time,
    /// `deploy`, `evidence`, `asked`, `proposed`, `approved`, `rejected`, `ran`, `failed`, `unknown`,
    /// `verified`, `silence`, `resolved` or `note`.
    pub kind: String,
    pub text: String,
    #[serde(default)]
    pub actor: Option<String>,
    #[serde(default)]
    pub refs: Vec<String>,
}

/// The result of a search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hits {
    pub total: u64,
    /// Whether `total` is exact, or at least that many.
    pub exact: bool,
    pub took_ms: f64,
    pub searched_records: u64,
    pub hits: Vec<StoredRecord>,
    /// Why it may not have found what was meant, a sentence each.
    #[serde(default)]
    pub hints: Vec<String>,
}

/// One kind of message that the logs consist of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateRow {
    pub id: String,
    pub template: String,
    pub service: String,
    /// The level of most of its records.
    pub level: Option<evidence::Severity>,
    /// The worst level and how many records have it, when that is not the level of most.
    #[serde(default)]
    pub worst: Option<(evidence::Severity, u64)>,
    pub count: u64,
    pub first: Option<Time>,
    pub last: Option<Time>,
}
