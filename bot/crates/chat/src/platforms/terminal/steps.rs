//! The one line that a step becomes once somebody decided.

use super::TerminalStyle;
use crate::layout::{Tone, paragraph, span};
use crate::message::{Run, StepReport, StepState};
use crate::words::Clock;

/// Returns the line: who decided, when it ran, what came of it, whether it was verified.
pub fn render_step_outcome(step: &StepReport, style: &TerminalStyle) -> String {
    let clock = style.clock();
    let (sign, tone) = sign(step);
    let content = [span(format!("{sign} "), tone), span(parts(step, &clock).join(" · "), Tone::Plain)];
    style.paint(&paragraph(0, &content, style.columns()))
}

fn sign(step: &StepReport) -> (&'static str, Tone) {
    let unverified = step.verification.as_ref().is_some_and(|v| v.verified == Some(false));
    match step.state {
        StepState::Succeeded if unverified => ("!", Tone::Warn),
        StepState::Succeeded => ("✓", Tone::Good),
        StepState::Failed | StepState::TimedOut | StepState::Rejected | StepState::Cancelled => ("✗", Tone::Bad),
        StepState::Expired | StepState::Superseded => ("⧗", Tone::Dim),
        StepState::Indeterminate => ("?", Tone::Warn),
        StepState::Proposed | StepState::Approved | StepState::Running => ("…", Tone::Warn),
    }
}

fn parts(step: &StepReport, clock: &Clock) -> Vec<String> {
    let at = clock.second(step.at);
    let mut parts = Vec::new();
    if let Some(approved) = approved(step, clock) {
        parts.push(approved);
    }
    let ran = step.run.map(|run| ran(run, clock));
    let outcome = step.outcome.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
    match step.state {
        StepState::Proposed => parts.push(format!("Waiting for approval: {}", step.summary)),
        StepState::Approved => parts.push(format!("starting {}{outcome}", step.summary)),
        StepState::Running => parts.push(format!("running since {at}: {}", step.summary)),
        StepState::Succeeded => parts.extend(ran),
        StepState::Failed => parts.push(format!("{}failed {at}{outcome}", prefix(ran))),
        StepState::TimedOut => parts.push(format!("{}timed out {at}{outcome}", prefix(ran))),
        StepState::Cancelled => parts.push(stopped("Cancelled", step, &at)),
        StepState::Rejected => parts.push(stopped("Rejected", step, &at)),
        StepState::Expired if step.outcome.is_some() => {
            parts.push(format!("Expired {at}, it was approved: {}{outcome}", step.summary));
        }
        StepState::Expired => parts.push(format!("Expired {at}, nobody approved: {}", step.summary)),
        StepState::Superseded => parts.push(format!("Replaced {at} by a newer proposal: {}", step.summary)),
        StepState::Indeterminate => {
            parts.push(format!("Unknown: we lost the executor at {at}; check before trying again: {}", step.summary));
        }
    }
    if let Some(verification) = &step.verification {
        let when = verification.at.map(|at| format!(" {}", clock.second(at))).unwrap_or_default();
        parts.push(match verification.verified {
            Some(true) if verification.held_before => {
                format!("verified{when}, but it was so before this step began: {}", verification.text)
            }
            Some(true) => format!("verified{when}: {}", verification.text),
            Some(false) => format!("not verified{when}: {}", verification.text),
            None => format!("watching: {}", verification.text),
        });
    }
    parts
}

fn approved(step: &StepReport, clock: &Clock) -> Option<String> {
    let names: Vec<String> =
        step.approvals.iter().map(|approval| format!("@{} {}", approval.person, clock.second(approval.at))).collect();
    (!names.is_empty()).then(|| format!("Approved by {}", names.join(", ")))
}

fn ran(run: Run, clock: &Clock) -> String {
    match run.ended {
        Some(ended) => format!("ran {}–{}", clock.second(run.started), clock.second(ended)),
        None => format!("ran from {}", clock.second(run.started)),
    }
}

fn prefix(ran: Option<String>) -> String {
    ran.map(|ran| format!("{ran} · ")).unwrap_or_default()
}

fn stopped(word: &str, step: &StepReport, at: &str) -> String {
    let Some(by) = &step.stopped_by else { return format!("{word} {at}: {}", step.summary) };
    let reason = by.reason.as_ref().filter(|reason| !reason.is_empty());
    match reason {
        Some(reason) => format!("{word} by @{} {at}: “{reason}”", by.person),
        None => format!("{word} by @{} {at}: {}", by.person, step.summary),
    }
}
