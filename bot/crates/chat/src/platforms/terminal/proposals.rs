//! What could be done: short under an answer, whole when somebody is about to decide.

use evidence::answer::{Answer, StepView};
use serde_json::Value;

use super::TerminalStyle;
use crate::layout::{Cell, Line, Tone, paragraph, row, span};
use crate::message::{StepState, Waiting};
use crate::words::{Clock, counted};

const LABEL: usize = 8;

/// The proposals of an answer: the first with its command, the others by name.
pub(super) fn proposed(answer: &Answer, total: usize, style: &TerminalStyle) -> Vec<Line> {
    let clock = &style.clock();
    let mut lines = Vec::new();
    let mut entry = |label: &str, content: Line| {
        let cells = [
            Cell { content: vec![span(label, Tone::Warn)], width: LABEL, right: false },
            Cell { content, width: total - 2 - LABEL - 2, right: false },
        ];
        lines.extend(row(2, &cells));
    };
    let Some((first, others)) = answer.proposals.split_first() else { return lines };
    if let [step] = first.steps.as_slice() {
        entry("Proposed", vec![span(&first.title, Tone::Strong), span(facts(step, clock), Tone::Plain)]);
        entry("", vec![span(what_runs(step), Tone::Dim)]);
        entry("", vec![span(format!("{} {} {}", style.program, verb(step), step.id), Tone::Link)]);
    } else {
        entry("Proposed", vec![span(&first.title, Tone::Strong)]);
        for (n, step) in first.steps.iter().enumerate() {
            let joins_earlier = first.steps[..n].iter().any(|earlier| step.together_with.contains(&earlier.id));
            if joins_earlier {
                entry("", vec![span(format!("{}. {} · with the step before", n + 1, step.summary), Tone::Plain)]);
                continue;
            }
            entry("", vec![span(format!("{}. {}{}", n + 1, step.summary, facts(step, clock)), Tone::Plain)]);
            entry("", vec![span(format!("{} {} {}", style.program, verb(step), step.id), Tone::Link)]);
        }
    }
    if !others.is_empty() {
        let titles: Vec<&str> = others.iter().map(|proposal| proposal.title.as_str()).collect();
        entry("Or", vec![span(titles.join(" · "), Tone::Dim)]);
    }
    lines
}

/// Returns the waiting steps with everything that will run, one after the other.
pub fn render_proposals(waiting: &[Waiting], style: &TerminalStyle) -> String {
    let total = style.columns();
    let clock = style.clock();
    if waiting.is_empty() {
        return style.paint(&paragraph(0, &[span("Nothing waits for approval.", Tone::Plain)], total));
    }
    let blocks: Vec<Vec<Line>> = waiting.iter().map(|waiting| block(waiting, style, total, &clock)).collect();
    style.paint(&blocks.join(&Line::new()))
}

fn block(waiting: &Waiting, style: &TerminalStyle, total: usize, clock: &Clock) -> Vec<Line> {
    let step = &waiting.step;
    let mut lines = paragraph(
        0,
        &[
            span(format!("{} · ", step.id), Tone::Link),
            span(&waiting.title, Tone::Strong),
            span(if waiting.state == StepState::Proposed { facts(step, clock) } else { String::new() }, Tone::Plain),
        ],
        total,
    );
    let mut entry = |label: &str, content: Line| {
        let cells = [
            Cell { content: vec![span(label, Tone::Dim)], width: 9, right: false },
            Cell { content, width: total - 13, right: false },
        ];
        lines.extend(row(2, &cells));
    };
    if !waiting.why.is_empty() {
        entry("why", vec![span(&waiting.why, Tone::Plain)]);
    }
    entry("step", vec![span(&step.summary, Tone::Plain)]);
    entry("where", vec![span(format!("{} in {}", step.target, step.environment), Tone::Plain)]);
    // What a person does by hand is its summary already.
    let arguments = if is_manual(step) { Vec::new() } else { arguments(&step.arguments) };
    for (n, (name, value)) in arguments.into_iter().enumerate() {
        entry(if n == 0 { "runs" } else { "" }, vec![span(format!("{name} {value}"), Tone::Plain)]);
    }
    for (label, text) in [("dry run", &step.dry_run), ("verify", &step.verify), ("undo", &step.undo)] {
        if let Some(text) = text {
            entry(label, vec![span(text, Tone::Plain)]);
        }
    }
    if let Some(precondition) = &waiting.precondition {
        entry("only if", vec![span(format!("there still is: {precondition}"), Tone::Plain)]);
    }
    if !waiting.who.is_empty() && waiting.state == StepState::Proposed && !is_manual(step) {
        entry("who", vec![span(&waiting.who, Tone::Plain)]);
    }
    if !step.together_with.is_empty() {
        let others = step.together_with.join(", ");
        entry(
            "unit",
            vec![span(
                format!("one approval covers {others} too; they run in order, and stop at the first that fails"),
                Tone::Plain,
            )],
        );
    }
    entry("digest", vec![span(&step.digest, Tone::Dim)]);
    for approval in &waiting.approvals {
        entry("approved", vec![span(format!("{} {}", approval.person, clock.second(approval.at)), Tone::Good)]);
    }
    if waiting.state == StepState::Proposed {
        entry("", vec![span(format!("{} {} {}", style.program, verb(step), step.id), Tone::Link)]);
        entry("", vec![span(format!("{} reject {} --reason …", style.program, step.id), Tone::Link)]);
    }
    if waiting.state == StepState::Indeterminate {
        let look = format!("nobody knows how it ended; look at {}, then say what you found", step.target);
        entry("unknown", vec![span(look, Tone::Warn)]);
        entry("", vec![span(format!("{} done {}", style.program, step.id), Tone::Link)]);
        entry("", vec![span(format!("{} done {} --failed", style.program, step.id), Tone::Link)]);
    }
    lines
}

/// ` · medium risk · needs 1 approval · until 14:31`, or ` · low risk · done by hand · until 14:31`.
fn facts(step: &StepView, clock: &Clock) -> String {
    let needs = match is_manual(step) {
        true => "done by hand".to_owned(),
        false => format!("needs {}", counted(step.approvals_needed.into(), "approval", "approvals")),
    };
    format!(" · {} risk · {needs} · until {}", step.risk.as_str(), clock.minute(step.expires))
}

fn is_manual(step: &StepView) -> bool {
    step.action == "manual"
}

/// What a person does with a step that they agree with: nothing runs what is done by hand.
fn verb(step: &StepView) -> &'static str {
    if is_manual(step) { "done" } else { "approve" }
}

/// The step in one line: what it does, and what a dry run said.
fn what_runs(step: &StepView) -> String {
    match &step.dry_run {
        Some(dry_run) => format!("{} · dry run: {dry_run}", step.summary),
        None => step.summary.clone(),
    }
}

fn arguments(arguments: &Value) -> Vec<(String, String)> {
    match arguments {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        Value::Null => Vec::new(),
        other => vec![("arguments".to_owned(), plain(other))],
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
