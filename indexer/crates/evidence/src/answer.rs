//! `answer.v1`: the one document that every platform renders, the journal stores and `eval` scores.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ChangeKind, RecordId, Redacted, Severity, Time, TimeWindow};

pub const SCHEMA: &str = "answer.v1";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Always [`SCHEMA`].
    pub schema: String,
    pub id: String,
    pub incident: Option<String>,
    /// What to name in the next question so that it goes on from here; additive to the contract.
    #[serde(default)]
    pub conversation: String,
    pub question: Redacted,
    pub kind: QuestionKind,
    pub window: AnswerWindow,
    pub baseline: Option<TimeWindow>,
    pub verdict: Verdict,
    /// `0.0..=1.0`.
    pub confidence: f64,
    pub headline: String,
    pub claims: Vec<Claim>,
    /// Best first.
    pub suspects: Vec<Suspect>,
    /// Best first.
    pub evidence: Vec<Evidence>,
    pub changes: Vec<RankedChange>,
    pub coverage: Coverage,
    pub proposals: Vec<ProposalView>,
    pub model: Option<ModelUse>,
    pub took_ms: f64,
    /// Assumptions and what could not be done, each a sentence; additive to the contract.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The window in words: `the last 20 minutes`; additive to the contract.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub window_said: String,
    /// What the person may want to ask next, in their words; additive to the contract.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub follow_ups: Vec<String>,
    /// Errors (level error and above) of the services in question, one entry per bucket of the window; additive to the contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chart: Option<Chart>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionKind {
    WhatIsWrong,
    WhatChanged,
    IsItFixed,
    HowOften,
    Who,
    ShowMe,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerWindow {
    pub from: Time,
    pub to: Time,
    /// When it began, where the evidence says so.
    pub onset: Option<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Cause,
    NoFault,
    Insufficient,
    Conflicting,
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Cause => "cause",
            Verdict::NoFault => "no_fault",
            Verdict::Insufficient => "insufficient",
            Verdict::Conflicting => "conflicting",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One sentence and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub text: String,
    /// Ids of evidence (`E1`) and changes (`C1`).
    pub citations: Vec<String>,
    pub numbers_checked: usize,
    pub verified: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suspect {
    pub service: String,
    /// `0.0..=1.0`.
    pub score: f64,
    pub why: String,
    pub citations: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    New,
    Burst,
    Silence,
    MissingFollowup,
    Precursor,
    Match,
}

impl EvidenceKind {
    pub fn as_str(self) -> &'static str {
        match self {
            EvidenceKind::New => "new",
            EvidenceKind::Burst => "burst",
            EvidenceKind::Silence => "silence",
            EvidenceKind::MissingFollowup => "missing_followup",
            EvidenceKind::Precursor => "precursor",
            EvidenceKind::Match => "match",
        }
    }
}

/// A fact with its citation: one kind of message of one service, counted in the window and in the baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    pub id: String,
    pub kind: EvidenceKind,
    pub service: String,
    pub level: Option<Severity>,
    /// The template's text, `<*>` for each parameter. For a missing follow-up, the line that no longer follows.
    pub template: String,
    #[serde(default)]
    pub template_id: Option<crate::TemplateId>,
    /// Records in the window.
    pub count: u64,
    /// Records in the baseline, as counted there, not scaled.
    pub baseline_count: u64,
    /// What the baseline's rate would give over the window's length (or over the cases where it was due, for a missing follow-up).
    #[serde(default)]
    pub expected: f64,
    /// For a missing follow-up: the line after which it is due, and how often that came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<FollowUp>,
    pub first: Option<Time>,
    pub last: Option<Time>,
    pub samples: Vec<Sample>,
    /// Counts in the buckets of the answer's chart: oldest first, all of the window.
    pub series: Vec<u64>,
    /// Hosts that wrote these lines, most lines first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<HostCount>,
    /// Versions that wrote these lines, where lines say so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<VersionCount>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FollowUp {
    pub template: String,
    #[serde(default)]
    pub template_id: Option<crate::TemplateId>,
    /// Times the first line came in the window, and how many of them were not followed.
    pub due: u64,
    pub missed: u64,
    pub baseline_due: u64,
    pub baseline_missed: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostCount {
    pub host: String,
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionCount {
    pub version: String,
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    pub id: RecordId,
    pub time: Time,
    pub text: Redacted,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankedChange {
    pub id: String,
    pub service: String,
    pub kind: ChangeKind,
    pub version: String,
    #[serde(default)]
    pub previous: Option<String>,
    #[serde(default)]
    pub environment: Option<String>,
    pub at: Time,
    pub by: Option<String>,
    pub url: Option<String>,
    /// `0.0..=1.0`, after the base rate of changes at that hour was subtracted.
    pub score: f64,
    pub suspected: bool,
    /// Whether the logs can tell at all; what was not judged was not acquitted either.
    #[serde(default = "is_so")]
    pub judged: bool,
    pub why: String,
}

fn is_so() -> bool {
    true
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Records of window and baseline.
    pub records_searched: u64,
    pub records_in_window: u64,
    pub services: u64,
    pub silent_services: Vec<String>,
    pub gaps: Vec<Gap>,
    pub redacted: u64,
    pub shown_to_model: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    pub source: String,
    pub from: Time,
    pub to: Time,
}

/// Counts per bucket over the window, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chart {
    /// `errors/min` or the like; buckets may be shorter or longer than a minute.
    pub title: String,
    pub from: Time,
    pub bucket_seconds: u64,
    pub counts: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProposalView {
    pub id: String,
    pub runbook: String,
    pub title: String,
    pub params: BTreeMap<String, String>,
    pub why: String,
    pub citations: Vec<String>,
    pub steps: Vec<StepView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepView {
    pub id: String,
    pub action: String,
    /// One sentence made by the action from its typed arguments.
    pub summary: String,
    pub arguments: serde_json::Value,
    pub target: String,
    pub environment: String,
    pub risk: Risk,
    pub digest: String,
    pub approvals_needed: u32,
    pub expires: Time,
    pub dry_run: Option<String>,
    pub verify: Option<String>,
    pub undo: Option<String>,
    pub together_with: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    Low,
    Medium,
    High,
}

impl Risk {
    pub fn as_str(self) -> &'static str {
        match self {
            Risk::Low => "low",
            Risk::Medium => "medium",
            Risk::High => "high",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelUse {
    pub name: String,
    /// `tell@v1`.
    pub prompt: String,
    pub tokens_in: u64,
    pub tokens_out: u64,
    pub cost_usd: Option<f64>,
    pub claims_removed: u64,
    pub degraded: Option<Degraded>,
}

/// Why the answer is the one without the model, although one is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Degraded {
    Timeout,
    Budget,
    Breaker,
    Invalid,
    Unreachable,
    RateLimited,
    Demoted,
    Off,
}
