//! Composes `answer.v1` from what the journal holds of a question: the same entries give the same bytes.

use evidence::Redacted;
use evidence::answer::{Answer, AnswerWindow, ModelUse, SCHEMA, Verdict};
use jiff::tz::TimeZone;
use runbooks::{Proposal, Rules};

use crate::check::{Ground, check};
use crate::event::{Found, Retold};
use crate::machine::{Incident, Inquiry};
use crate::say::say;
use crate::words;
use crate::{Asked, Findings};

/// An answer, and what was left out of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Composed {
    pub answer: Answer,
    /// Our own sentences that the checker refused.
    pub refused: Vec<String>,
}

/// `None` until the search came back and runbooks were looked through.
pub(crate) fn compose(incident: &Incident, inquiry: &Inquiry, rules: &Rules, took_ms: f64) -> Option<Composed> {
    let found = inquiry.found.as_ref()?;
    let proposals: &[Proposal] = inquiry.proposals.as_ref()?;
    let asked = &inquiry.asked;
    let findings = &found.findings;
    let zone = zone(asked);
    let ground = Ground { findings, zone: &zone, now: inquiry.asked_at, services: &found.services };
    let telling = say(&asked.question, &ground);
    let opens = incident.opened.is_some() || (findings.verdict == Verdict::Cause && asked.question.is_diagnosis());
    let answer = Answer {
        schema: SCHEMA.to_owned(),
        id: asked.answer.clone(),
        incident: incident.joined.clone().or_else(|| opens.then(|| incident.id.clone())),
        conversation: incident.id.clone(),
        // The text was redacted before it was understood.
        question: Redacted::from_storage(asked.question.text.clone()),
        kind: asked.question.kind,
        window: AnswerWindow { from: findings.window.from(), to: findings.window.to(), onset: findings.onset },
        baseline: findings.baseline,
        verdict: findings.verdict,
        confidence: findings.confidence,
        headline: telling.headline,
        claims: telling.claims,
        suspects: findings.suspects.clone(),
        evidence: findings.evidence.clone(),
        changes: findings.changes.clone(),
        coverage: findings.coverage.clone(),
        proposals: proposals.iter().map(|proposal| proposal.view(rules)).collect(),
        model: None,
        took_ms,
        notes: asked.question.notes.iter().chain(&inquiry.notes).cloned().collect(),
        window_said: asked.question.window_said.clone(),
        follow_ups: telling.follow_ups,
        chart: findings.chart.clone(),
    };
    Some(Composed { answer, refused: telling.refused })
}

/// The posted answer in the model's words; verdict, order, numbers and proposals stay.
pub(crate) fn retell(mut answer: Answer, retold: &Retold) -> Answer {
    if let Some(headline) = &retold.headline {
        answer.headline.clone_from(headline);
    }
    if !retold.claims.is_empty() {
        answer.claims.clone_from(&retold.claims);
    }
    answer.coverage.shown_to_model = retold.shown_records;
    answer.model = Some(ModelUse { ..retold.model.clone() });
    answer
}

/// Confirms a model's sentence against the evidence of an answer; `None` when any part of it has no support.
///
/// Returns how many numbers were recomputed.
pub fn confirm(text: &str, citations: &[String], inquiry: &Inquiry) -> Option<usize> {
    let found: &Found = inquiry.found.as_ref()?;
    let findings: &Findings = &found.findings;
    let zone = zone(&inquiry.asked);
    let ground = Ground { findings, zone: &zone, now: inquiry.asked_at, services: &found.services };
    let checked = check(text, citations, &ground).ok()?;
    let posted = inquiry.answer.as_ref()?;
    words::all_known(text, citations, posted).then_some(checked.numbers_checked)
}

fn zone(asked: &Asked) -> TimeZone {
    TimeZone::get(&asked.zone).unwrap_or(TimeZone::UTC)
}
