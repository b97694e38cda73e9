//! An answer: headline and verdict, the rest of the story, chart, evidence, changes, proposals, coverage.

use evidence::answer::{Answer, Chart, QuestionKind, RankedChange, Verdict};

use super::TerminalStyle;
use super::proposals::proposed;
use super::rows::{evidence_rows, sample_rows};
use crate::chart::{column_of, mark, sparkline};
use crate::inert;
use crate::layout::{Cell, Line, Tone, line_width, paragraph, row, span, width};
use crate::words::{self, Clock};

/// Width of the words `Suspect`, `Cleared`, `Proposed` and the like.
const LABEL: usize = 8;

/// Returns the answer as lines of at most the style's width.
pub fn render_answer(answer: &Answer, style: &TerminalStyle) -> String {
    let total = style.columns();
    let clock = style.clock();
    let mut parts = vec![headline(answer, total), notes(answer, total), story(answer, total)];
    if shows_chart(answer) {
        parts.push(chart(answer, total, &clock));
    }
    parts.push(evidence_rows(answer, total, &clock));
    if matches!(answer.kind, QuestionKind::ShowMe | QuestionKind::Who) {
        parts.push(sample_rows(answer, total, &clock));
    }
    parts.push(changes(answer, total, &clock));
    parts.push(proposed(answer, total, style));
    parts.push(closing(answer, style, &clock));
    let parts: Vec<Vec<Line>> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    style.paint(&parts.join(&Line::new()))
}

/// What was assumed, and what could not be done; that the default hour was taken stands in the coverage.
fn notes(answer: &Answer, total: usize) -> Vec<Line> {
    let worth_saying = answer.notes.iter().filter(|note| !note.starts_with("no time was given"));
    worth_saying.flat_map(|note| paragraph(2, &[span(format!("Note: {note}."), Tone::Dim)], total)).collect()
}

fn headline(answer: &Answer, total: usize) -> Vec<Line> {
    let tone = match answer.verdict {
        Verdict::Cause => Tone::Bad,
        Verdict::NoFault => Tone::Good,
        Verdict::Insufficient | Verdict::Conflicting => Tone::Warn,
    };
    let sentence = vec![span(&answer.headline, Tone::Strong)];
    let Some(verdict) = words::verdict(answer) else { return paragraph(0, &sentence, total) };
    let verdict_width = width(&verdict);
    if total < verdict_width + 40 {
        let mut lines = paragraph(0, &sentence, total);
        lines.push(vec![span(verdict, tone)]);
        return lines;
    }
    let cells = [
        Cell { content: sentence, width: total - verdict_width - 2, right: false },
        Cell { content: vec![span(verdict, tone)], width: verdict_width, right: true },
    ];
    row(0, &cells)
}

/// The claims that say more than the headline, the proposals and the changes do, with what they rest on.
fn story(answer: &Answer, total: usize) -> Vec<Line> {
    // Our own sentences about a cause say what the rows below show; a model's are worth reading.
    let is_told = answer.model.as_ref().is_some_and(|model| model.degraded.is_none());
    if answer.verdict == Verdict::Cause && !is_told {
        return Vec::new();
    }
    let said_elsewhere = |text: &str| {
        answer.headline.contains(text)
            || answer.changes.iter().any(|change| change.why.contains(text))
            || answer.suspects.iter().any(|suspect| suspect.why.contains(text))
    };
    let mut content = Line::new();
    for claim in answer.claims.iter().filter(|claim| claim.verified && !said_elsewhere(claim.text.trim())) {
        if !content.is_empty() {
            content.push(span(" ", Tone::Plain));
        }
        content.push(span(&claim.text, Tone::Plain));
        if !claim.citations.is_empty() {
            content.push(span(format!(" {}", claim.citations.join(" ")), Tone::Link));
        }
    }
    if content.is_empty() { Vec::new() } else { paragraph(0, &content, total) }
}

/// A chart of nothing says less than the sentence that there was nothing.
fn shows_chart(answer: &Answer) -> bool {
    answer.chart.as_ref().is_some_and(|chart| chart.counts.len() > 1 && chart.counts.iter().any(|&count| count > 0))
        && answer.verdict != Verdict::NoFault
        || answer.kind == QuestionKind::HowOften && answer.chart.is_some()
}

fn chart(answer: &Answer, total: usize, clock: &Clock) -> Vec<Line> {
    let Some(chart) = &answer.chart else { return Vec::new() };
    let span_of_time = clock.span(answer.window.from, answer.window.to);
    let highest = chart.counts.iter().copied().max().unwrap_or(0);
    let legend = format!("{span_of_time}, at most {}", words::number(highest));
    let title = inert(&chart.title);
    let is_beside = width(&title) <= total / 3;
    let start = if is_beside { 2 + width(&title) + 2 } else { 2 };
    let columns = total.saturating_sub(start + 2 + width(&legend)).clamp(8, 72).min(chart.counts.len().max(1));
    let bars = sparkline(&chart.counts, columns);
    let tone = if answer.verdict == Verdict::Cause { Tone::Bad } else { Tone::Link };
    let label = if is_beside { format!("  {title}  ") } else { "  ".to_owned() };
    let line = vec![span(label, Tone::Dim), span(&bars, tone), span(format!("  {legend}"), Tone::Dim)];
    let mut lines = if is_beside { Vec::new() } else { paragraph(2, &[span(&title, Tone::Dim)], total) };
    if line_width(&line) <= total {
        lines.push(line);
    } else {
        lines.extend(paragraph(2, &line, total));
    }
    let columns = width(&bars);
    for change in marked(answer) {
        let Some(column) = share_of(change, chart).and_then(|share| column_of(share, columns)) else { continue };
        let what = format!("{} {} {}", change.kind.as_str(), change.service, change.version);
        let label = inert(&format!("{} {what}", clock.second(change.at))).into_owned();
        let tone = if change.suspected { Tone::Link } else { Tone::Dim };
        match mark(column, &label, total - start) {
            Some(text) => lines.push(vec![span(format!("{}{text}", " ".repeat(start)), tone)]),
            None => {
                lines.push(vec![span(format!("{}▲", " ".repeat(start + column)), tone)]);
                lines.extend(paragraph(start.min(total / 3), &[span(label, tone)], total));
            }
        }
    }
    lines
}

/// The changes worth a line under the chart: the suspected ones, then up to two more.
fn marked(answer: &Answer) -> impl Iterator<Item = &RankedChange> {
    let suspected = answer.changes.iter().filter(|change| change.suspected).take(2);
    suspected.chain(answer.changes.iter().filter(|change| !change.suspected).take(1))
}

fn share_of(change: &RankedChange, chart: &Chart) -> Option<f64> {
    let seconds = chart.bucket_seconds as f64 * chart.counts.len() as f64;
    (seconds > 0.0).then(|| change.at.since(chart.from).as_secs_f64() / seconds)
}

fn changes(answer: &Answer, total: usize, clock: &Clock) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut entry = |label: &str, tone: Tone, content: Line| {
        let cells = [
            Cell { content: vec![span(label, tone)], width: LABEL, right: false },
            Cell { content, width: total - 2 - LABEL - 2, right: false },
        ];
        lines.extend(row(2, &cells));
    };
    let suspected: Vec<&RankedChange> = answer.changes.iter().filter(|change| change.suspected).collect();
    for change in &suspected {
        entry("Suspect", Tone::Bad, change_line(change, clock, Tone::Strong));
    }
    let explained = !suspected.is_empty() && answer.verdict != Verdict::Conflicting;
    let others = answer.suspects.iter().filter(|s| !suspected.iter().any(|change| change.service == s.service));
    for suspect in others.take(if explained { 0 } else { 3 }) {
        let mut content = vec![span(&suspect.service, Tone::Strong), span(format!(" · {}", suspect.why), Tone::Plain)];
        if !suspect.citations.is_empty() {
            content.push(span(format!(" {}", suspect.citations.join(" ")), Tone::Link));
        }
        entry("Suspect", Tone::Warn, content);
    }
    let mut cleared: Vec<&RankedChange> = answer.changes.iter().filter(|change| !change.suspected).collect();
    cleared.sort_by_key(|change| !change.judged);
    let shown = if answer.kind == QuestionKind::WhatChanged { 12 } else { 3 };
    let mut last = "";
    for change in cleared.iter().take(shown) {
        let is_cleared = answer.verdict == Verdict::Cause && change.judged;
        let (label, tone) = if is_cleared { ("Cleared", Tone::Good) } else { ("Changes", Tone::Dim) };
        entry(if label == last { "" } else { label }, tone, change_line(change, clock, Tone::Plain));
        last = label;
    }
    if cleared.len() > shown {
        let more = format!("and {} more that changed nothing here", cleared.len() - shown);
        entry("", Tone::Dim, vec![span(more, Tone::Dim)]);
    }
    lines
}

fn change_line(change: &RankedChange, clock: &Clock, tone: Tone) -> Line {
    vec![
        span(format!("{} ", change.id), Tone::Link),
        span(words::change(change, clock), tone),
        span(format!(" · {}", change.why), Tone::Plain),
    ]
}

fn closing(answer: &Answer, style: &TerminalStyle, clock: &Clock) -> Vec<Line> {
    let total = style.columns();
    let mut lines = paragraph(2, &[span(words::coverage(answer, clock), Tone::Dim)], total);
    if !answer.follow_ups.is_empty() {
        let next = format!("Ask next: {}", answer.follow_ups.join(" · "));
        lines.extend(paragraph(2, &[span(next, Tone::Dim)], total));
    }
    if let Some(console) = &style.console {
        let address = format!("{}/#/answer/{}", console.trim_end_matches('/'), answer.id);
        lines.extend(paragraph(2, &[span(address, Tone::Dim)], total));
    }
    lines
}
