//! How well the answers did, in the figures of the contract.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use evidence::Answer;
use evidence::answer::Verdict;
use serde::Serialize;
use serde_json::{Value, json};

use super::case::Expect;

/// One case and what came out.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub case: String,
    pub kind: String,
    pub ms: f64,
    /// Place of the right service among the suspects, from 1; `None` when the case names none or it is not among them.
    pub service_rank: Option<usize>,
    pub wants_service: bool,
    pub wants_cause: bool,
    pub evidence_found: Option<bool>,
    pub verdict_right: Option<bool>,
    pub change_right: Option<bool>,
    pub named_culprit: bool,
    pub unverified_claims: usize,
    got: Value,
    want: Value,
}

impl Outcome {
    pub(super) fn new(case: String, expect: Expect, answer: &Answer, ms: f64) -> Outcome {
        let wants_cause = expect.verdict.is_empty() || expect.verdict.contains(&Verdict::Cause);
        let rank =
            |wanted: &String| answer.suspects.iter().position(|suspect| suspect.service == *wanted).map(|idx| idx + 1);
        let mentions = |pattern: &regex::Regex| {
            answer.evidence.iter().take(10).any(|evidence| {
                pattern.is_match(&evidence.template)
                    || evidence.samples.iter().any(|sample| pattern.is_match(sample.text.as_str()))
            })
        };
        let suspected: Vec<String> = answer
            .changes
            .iter()
            .filter(|change| change.suspected)
            .map(|change| format!("{}@{}", change.service, change.version))
            .collect();
        let has_changes = expect.change.is_some() || !expect.innocent.is_empty();
        let change_right = has_changes.then(|| {
            let guilty_first = expect.change.as_ref().is_none_or(|guilty| suspected.first() == Some(guilty));
            guilty_first && !expect.innocent.iter().any(|innocent| suspected.contains(innocent))
        });
        Outcome {
            ms,
            service_rank: expect.service.as_ref().and_then(rank),
            wants_service: expect.service.is_some() && wants_cause,
            wants_cause,
            evidence_found: (!expect.evidence.is_empty()).then(|| expect.evidence.iter().any(mentions)),
            verdict_right: (!expect.verdict.is_empty()).then(|| expect.verdict.contains(&answer.verdict)),
            change_right,
            named_culprit: answer.verdict == Verdict::Cause,
            unverified_claims: answer.claims.iter().filter(|claim| !claim.verified).count(),
            got: json!({
                "verdict": answer.verdict, "confidence": answer.confidence, "headline": answer.headline, "suspected_changes": suspected,
                "suspects": answer.suspects.iter().take(5).map(|suspect| &suspect.service).collect::<Vec<_>>(),
            }),
            want: json!({
                "verdict": expect.verdict, "service": expect.service, "change": expect.change, "innocent": expect.innocent,
                "evidence": expect.evidence.iter().map(regex::Regex::as_str).collect::<Vec<_>>(),
            }),
            kind: expect.kind,
            case,
        }
    }

    /// A case whose question could not be answered at all.
    pub(super) fn unanswered(case: String, expect: Expect, error: &str) -> Outcome {
        let wants_cause = expect.verdict.is_empty() || expect.verdict.contains(&Verdict::Cause);
        Outcome {
            ms: 0.0,
            service_rank: None,
            wants_service: expect.service.is_some() && wants_cause,
            wants_cause,
            evidence_found: (!expect.evidence.is_empty()).then_some(false),
            verdict_right: Some(false),
            change_right: (expect.change.is_some()).then_some(false),
            named_culprit: false,
            unverified_claims: 0,
            got: json!({ "error": error }),
            want: json!({ "verdict": expect.verdict, "service": expect.service, "change": expect.change }),
            kind: expect.kind,
            case,
        }
    }

    fn among(&self, k: usize) -> bool {
        self.service_rank.is_some_and(|rank| rank <= k)
    }

    /// Whether anything that the case expects did not come out.
    pub fn failed(&self) -> bool {
        self.verdict_right == Some(false)
            || self.evidence_found == Some(false)
            || self.change_right == Some(false)
            || (self.wants_service && !self.among(1))
            || self.unverified_claims > 0
    }
}

#[derive(Clone, Debug)]
pub struct Scores {
    pub outcomes: Vec<Outcome>,
}

/// How many of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    pub right: usize,
    pub of: usize,
}

impl Tally {
    fn over<'o>(outcomes: impl Iterator<Item = &'o Outcome>, judge: impl Fn(&Outcome) -> Option<bool>) -> Tally {
        let judged: Vec<bool> = outcomes.filter_map(judge).collect();
        Tally { right: judged.iter().filter(|right| **right).count(), of: judged.len() }
    }

    fn share(self) -> Option<f64> {
        (self.of > 0).then(|| self.right as f64 / self.of as f64)
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.of == 0 { f.write_str("–") } else { write!(f, "{}/{}", self.right, self.of) }
    }
}

impl Scores {
    pub(super) fn new(outcomes: Vec<Outcome>) -> Scores {
        Scores { outcomes }
    }

    pub fn service_at(&self, k: usize) -> Tally {
        Tally::over(self.outcomes.iter(), |outcome| outcome.wants_service.then(|| outcome.among(k)))
    }

    pub fn evidence(&self) -> Tally {
        Tally::over(self.outcomes.iter(), |outcome| outcome.evidence_found)
    }

    pub fn verdicts(&self) -> Tally {
        Tally::over(self.outcomes.iter(), |outcome| outcome.verdict_right)
    }

    pub fn changes(&self) -> Tally {
        Tally::over(self.outcomes.iter(), |outcome| outcome.change_right)
    }

    /// Cases in which no cause is to be found and one was named.
    pub fn false_culprits(&self) -> Tally {
        Tally::over(self.outcomes.iter(), |outcome| (!outcome.wants_cause).then_some(outcome.named_culprit))
    }

    pub fn unverified_claims(&self) -> usize {
        self.outcomes.iter().map(|outcome| outcome.unverified_claims).sum()
    }

    fn percentile(&self, share: f64) -> f64 {
        let mut times: Vec<f64> = self.outcomes.iter().map(|outcome| outcome.ms).collect();
        times.sort_by(f64::total_cmp);
        let rank = (share * times.len() as f64).ceil() as usize;
        times.get(rank.clamp(1, times.len().max(1)) - 1).copied().unwrap_or_default()
    }

    fn by_kind(&self) -> BTreeMap<&str, Scores> {
        let mut kinds: BTreeMap<&str, Scores> = BTreeMap::new();
        for outcome in &self.outcomes {
            kinds.entry(&outcome.kind).or_insert_with(|| Scores::new(Vec::new())).outcomes.push(outcome.clone());
        }
        kinds
    }

    pub fn to_json(&self) -> Value {
        let kinds: BTreeMap<&str, Value> = self
            .by_kind()
            .into_iter()
            .map(|(kind, scores)| {
                let value = json!({
                    "cases": scores.outcomes.len(),
                    "service_at_1": scores.service_at(1), "service_at_3": scores.service_at(3), "service_at_5": scores.service_at(5),
                    "evidence_at_10": scores.evidence(), "verdict_right": scores.verdicts(),
                    "false_culprit": scores.false_culprits(), "change_right": scores.changes(),
                });
                (kind, value)
            })
            .collect();
        let failed: Vec<Value> = self
            .outcomes
            .iter()
            .filter(|outcome| outcome.failed())
            .map(|outcome| json!({ "case": outcome.case, "got": outcome.got, "want": outcome.want }))
            .collect();
        json!({
            "cases": self.outcomes.len(),
            "service_at_1": self.service_at(1).share(), "service_at_3": self.service_at(3).share(), "service_at_5": self.service_at(5).share(),
            "evidence_at_10": self.evidence().share(), "verdict_right": self.verdicts().share(),
            "false_culprit": self.false_culprits().share(), "change_right": self.changes().share(),
            "unverified_claims": self.unverified_claims(),
            "p50_ms": self.percentile(0.5), "p95_ms": self.percentile(0.95),
            "by_kind": kinds, "failed": failed,
        })
    }

    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(
            text,
            "{:<20} {:>5}  {:>9} {:>6} {:>6}  {:>8}  {:>7}  {:>13}  {:>6}",
            "kind", "cases", "service@1", "@3", "@5", "evidence", "verdict", "false culprit", "change"
        );
        let mut row = |name: &str, scores: &Scores| {
            let _ = writeln!(
                text,
                "{:<20} {:>5}  {:>9} {:>6} {:>6}  {:>8}  {:>7}  {:>13}  {:>6}",
                name,
                scores.outcomes.len(),
                scores.service_at(1).to_string(),
                scores.service_at(3).to_string(),
                scores.service_at(5).to_string(),
                scores.evidence().to_string(),
                scores.verdicts().to_string(),
                scores.false_culprits().to_string(),
                scores.changes().to_string(),
            );
        };
        for (kind, scores) in self.by_kind() {
            row(kind, &scores);
        }
        row("all", self);
        let _ = writeln!(
            text,
            "\nanswers in {:.0} ms at the median, {:.0} ms at the 95th percentile; claims that fail the checker: {}",
            self.percentile(0.5),
            self.percentile(0.95),
            self.unverified_claims()
        );
        for outcome in self.outcomes.iter().filter(|outcome| outcome.failed()) {
            let _ = writeln!(text, "\n✗ {}\n  got  {}\n  want {}", outcome.case, outcome.got, outcome.want);
        }
        text
    }
}
