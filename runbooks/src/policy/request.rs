//! What a policy is asked: a verb, on what; and what it answers, with the policies that decided.

use std::fmt;

use evidence::answer::Risk;
use serde::{Deserialize, Serialize};

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    See,
    Propose,
    /// Count towards the quorum; reject, cancel and settle too.
    Approve,
    /// Have it started, or carry it out by hand.
    Run,
    BreakGlass,
}

impl Verb {
    pub const ALL: [Verb; 5] = [Verb::See, Verb::Propose, Verb::Approve, Verb::Run, Verb::BreakGlass];

    pub fn as_str(self) -> &'static str {
        match self {
            Verb::See => "see",
            Verb::Propose => "propose",
            Verb::Approve => "approve",
            Verb::Run => "run",
            Verb::BreakGlass => "break_glass",
        }
    }

    /// As it stands in a sentence: `may not break glass for this`.
    pub fn in_words(self) -> &'static str {
        match self {
            Verb::BreakGlass => "break glass for",
            other => other.as_str(),
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What rights are about: an action on a service in an environment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// http, command, kubernetes, wait or manual.
    pub action: String,
    pub runbook: String,
    pub service: String,
    pub target: String,
    pub environment: String,
    pub risk: Risk,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {} in {}, {} risk", self.action, self.service, self.environment, self.risk.as_str())
    }
}

/// What the policies say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    pub allowed: bool,
    /// The policies that decided, by their ids, in order; none when nothing permits it.
    pub because: Vec<String>,
    /// Policies that could not be evaluated; any of them refuses.
    pub errors: Vec<String>,
}

impl Ruling {
    pub fn refused() -> Ruling {
        Ruling { allowed: false, because: Vec::new(), errors: Vec::new() }
    }

    /// Why, in a sentence's tail: `permitted by …`, `forbidden by …`, `no policy permits it`.
    pub fn why(&self) -> String {
        let named = || self.because.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
        match (self.allowed, self.because.is_empty()) {
            _ if !self.errors.is_empty() => format!("a policy cannot be evaluated: {}", self.errors.join("; ")),
            (true, _) => format!("permitted by {}", named()),
            (false, false) => format!("forbidden by {}", named()),
            (false, true) => "no policy permits it".to_owned(),
        }
    }
}
