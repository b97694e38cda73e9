//! What `examine` found: everything that an answer says, typed, before any word is chosen.
//! It goes into the journal whole, so that an old answer can be told again, or told better.

use std::collections::BTreeMap;

use evidence::answer::{Chart, Coverage, Evidence, EvidenceKind, RankedChange, Suspect, Verdict};
use evidence::{RecordId, Time, TimeWindow};
use serde::{Deserialize, Serialize};

use crate::blame::Blame;
use crate::scene::Tone;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    pub window: TimeWindow,
    /// What the window was compared with, after trimming what lay in the window itself or before the first record.
    pub baseline: Option<TimeWindow>,
    /// When it began, where the evidence says so.
    pub onset: Option<Time>,
    pub verdict: Verdict,
    /// How sure of the verdict, `0.0..=1.0`.
    pub confidence: f64,
    /// Why the verdict is what it is.
    pub reason: Reason,
    /// The service at fault. Invariant: present exactly when the verdict is `cause`, and then the first suspect.
    pub culprit: Option<String>,
    /// Best first, ids `E1`, `E2`, …; samples are empty until the records are fetched.
    pub evidence: Vec<Evidence>,
    /// Per evidence id, up to three records to show: the first, one in the middle, the last.
    pub sample_ids: BTreeMap<String, Vec<RecordId>>,
    /// Best first.
    pub suspects: Vec<Suspect>,
    /// Suspected ones first, then by time before the onset; ids `C1`, `C2`, ….
    pub changes: Vec<RankedChange>,
    pub coverage: Coverage,
    pub chart: Option<Chart>,
    pub facts: Facts,
}

impl Findings {
    /// Answers a question about certain lines of which the window has none; `elsewhere` is when the last such line
    /// outside of it was written. What else was found in the window answers another question, so nothing of it stays.
    #[must_use]
    pub fn nothing_matches(self, sought: String, elsewhere: Option<Time>) -> Findings {
        Findings {
            onset: None,
            verdict: Verdict::Insufficient,
            confidence: 0.9,
            reason: Reason::NothingMatches,
            culprit: None,
            evidence: Vec::new(),
            sample_ids: BTreeMap::new(),
            suspects: Vec::new(),
            changes: Vec::new(),
            chart: None,
            facts: Facts { missed: Some(sought), missed_at: elsewhere, reach: self.facts.reach, ..Facts::default() },
            ..self
        }
    }
}

/// The one consideration that decided the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A service shows a fault in its own lines, and it explains the others (`cause`).
    OwnEvidence,
    /// A service went silent although the rest goes on (`cause`).
    WentSilent,
    /// Nothing deviates beyond what the baseline does by itself (`no_fault`).
    NothingDeviates,
    /// Processes die, no more often than in the baseline (`no_fault`).
    OnlyAsUsual,
    /// All services log more, in proportion (`no_fault`, unless errors rise too).
    TrafficSurge,
    /// All services log less, in proportion (`no_fault`).
    TrafficDrop,
    /// Something deviates, but too weakly or too evenly to name a culprit (`insufficient`).
    TooWeak,
    /// Others report a service that shows nothing itself (`insufficient`); see [`Facts::reported`].
    OnlyReported,
    /// Two unrelated services show faults of the same strength (`conflicting`).
    TwoCulprits,
    /// No records in the window (`insufficient`).
    EmptyWindow,
    /// Nothing to compare with (`insufficient`).
    NoBaseline,
    /// Too few records in the window or the baseline to compare (`insufficient`).
    TooFewRecords,
    /// No line of the window has what the person asked to see or count (`insufficient`); see [`Facts::missed`].
    NothingMatches,
}

impl Reason {
    /// Whether nothing could be compared, so that nothing can be said of effects either.
    pub fn is_blind(self) -> bool {
        matches!(self, Reason::EmptyWindow | Reason::NoBaseline | Reason::TooFewRecords)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// How many of the culprit's requests fail, where that can be counted.
    pub error_share: Option<ErrorShare>,
    /// What the person asked to see, count or follow, when no line of the window has it.
    #[serde(default)]
    pub missed: Option<String>,
    /// The last line outside the window that has it.
    #[serde(default)]
    pub missed_at: Option<Time>,
    /// Words of the question, when nothing is wrong and no line of the window has any of them.
    #[serde(default)]
    pub unmentioned: Vec<String>,
    /// Times of the first and the last record of all.
    #[serde(default)]
    pub reach: Option<(Time, Time)>,
    /// The last line of the fault, when it has stopped and the culprit goes on with its work.
    #[serde(default)]
    pub ended: Option<Time>,
    /// Records of level error and above, of all services in question.
    pub errors: Usual,
    /// Records of any level, of all services in question.
    pub traffic: Usual,
    /// Kinds of message that never came before the window: all, and those of level warn and above.
    pub new_kinds: usize,
    pub new_alarming_kinds: usize,
    /// Templates compared with the baseline.
    pub kinds_compared: usize,
    /// Services that stopped, although the baseline says that they should be heard.
    pub silent: Vec<SilentService>,
    /// In the order in which they began to fail.
    pub spread: Vec<FailingService>,
    /// From the service where users notice to the culprit, through the calls seen in traces and messages.
    pub path: Vec<String>,
    /// Services that others complain about, whether or not they show something themselves.
    pub reported: Vec<ReportedService>,
    /// What is known of each change beyond its rank, by its id.
    pub changes: BTreeMap<String, ChangeFacts>,
    /// The second culprit, when the verdict is `conflicting`.
    pub rival: Option<String>,
}

/// A count in the window beside what the baseline makes usual for a window of this length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usual {
    pub count: u64,
    pub baseline_count: u64,
    /// The baseline's rate over the window's length.
    pub expected: f64,
    /// What a usual window of this length has, from the spread of the baseline's own parts.
    pub low: u64,
    pub high: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorShare {
    pub service: String,
    pub unit: ShareUnit,
    /// From the onset to the end of the window.
    pub failing: u64,
    pub all: u64,
    pub baseline_failing: u64,
    pub baseline_all: u64,
}

impl ErrorShare {
    pub fn share(&self) -> f64 {
        self.failing as f64 / self.all.max(1) as f64
    }

    pub fn baseline_share(&self) -> f64 {
        self.baseline_failing as f64 / self.baseline_all.max(1) as f64
    }
}

/// What was counted as one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShareUnit {
    Traces,
    Spans,
    Lines,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SilentService {
    pub service: String,
    /// Its last record before the silence; `None` when it is silent for all of the window and the baseline lies after it.
    pub last: Option<Time>,
    /// Records it would have written in the silence at the baseline's rate.
    pub expected: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailingService {
    pub service: String,
    pub since: Time,
    /// Evidence of its own.
    pub citations: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportedService {
    pub service: String,
    /// Services whose lines name it.
    pub by: Vec<String>,
    pub since: Option<Time>,
    pub citations: Vec<String>,
    /// Whether it shows a fault in its own lines.
    pub own_evidence: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChangeFacts {
    /// Seconds from the change to the onset; negative when it came after.
    pub seconds_before_onset: Option<f64>,
    /// Evidence that fits this change, best first.
    pub citations: Vec<String>,
    /// Of the records of the first citation: how many were written by the version that came, and how many name any version.
    pub on_version: u64,
    pub with_version: u64,
    /// Of the records of the first citation: how many came from hosts that this change touched, and how many name any host.
    pub on_hosts: u64,
    pub with_host: u64,
    /// Hosts that run what this change brought, as far as lines say so.
    pub hosts: Vec<String>,
    /// How a change of this service at a random time would have scored; already subtracted from the rank's score.
    pub base_rate: f64,
    pub relation: Relation,
}

/// How the changed service stands to the culprit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// It is the culprit.
    Same,
    /// The culprit calls it.
    Callee,
    /// It calls the culprit.
    Caller,
    /// The culprit waits for a lock since something that this change began.
    Blocker,
    #[default]
    None,
}

/// A finding before it has an id: the order of these decides the ids.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    pub kind: EvidenceKind,
    /// The kind of message it is about, as numbered by the scene.
    pub subject: u32,
    pub service: u16,
    pub tone: Tone,
    pub blame: Blame,
    /// For a missing follow-up: the line after which this one is due.
    pub after: Option<Link>,
    pub expected: f64,
    /// How surprising, in nats, after the correction for everything that was looked at.
    pub surprise: f64,
    /// Of requests (or of stretches of time) since it began: how many show it.
    pub share: f64,
    /// How often it shows since it began; for a missing follow-up, how often it was missed.
    pub hits: u64,
    /// When it began to deviate.
    pub since: Time,
    /// How much it speaks for a fault of its service, `0.0..=1.0`.
    pub weight: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// The kind of message after which the subject is due.
    pub kind: u32,
    pub due: u64,
    pub missed: u64,
    pub baseline_due: u64,
    pub baseline_missed: u64,
}
