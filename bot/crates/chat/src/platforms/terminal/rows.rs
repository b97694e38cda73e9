//! Evidence as aligned rows, and the lines behind it.
//! The columns are as wide as this answer needs; when the comparison does not fit beside the text it moves below it.

use evidence::answer::{Answer, Evidence, EvidenceKind};

use crate::layout::{Cell, Line, Tone, paragraph, row, span, width};
use crate::words::{self, Clock};

const MAX_SERVICE: usize = 24;
/// Below this a column of text is a column of fragments.
const MIN_TEXT: usize = 34;

pub(super) fn evidence_rows(answer: &Answer, total: usize, clock: &Clock) -> Vec<Line> {
    if answer.evidence.is_empty() {
        return Vec::new();
    }
    let widest = |text: fn(&Evidence) -> String| answer.evidence.iter().map(|e| width(&text(e))).max().unwrap_or(0);
    let id = widest(|e| e.id.clone()).min(6);
    let kind = widest(|e| words::kind(e.kind).to_owned());
    let service = widest(|e| e.service.clone()).min(MAX_SERVICE.min(total / 4));
    let level_width = widest(level);
    let amount = widest(words::amount).min(20);
    let comparisons: Vec<String> = answer.evidence.iter().map(|e| words::comparison(e, answer, clock)).collect();
    let level_columns = if level_width == 0 { 0 } else { level_width + 2 };
    let fixed = 2 + id + 2 + kind + 2 + service + 2 + level_columns;
    let rest = total.saturating_sub(fixed);
    let widest_comparison = comparisons.iter().map(|text| width(text)).max().unwrap_or(0);
    let room = rest.saturating_sub(widest_text(answer).max(MIN_TEXT) + amount + 4);
    let comparison = widest_comparison.min(room.max(34));
    let beside = rest >= MIN_TEXT + 2 + amount + 2 + comparison;
    let stacked = !beside && rest < MIN_TEXT + 2 + amount;

    let mut lines = Vec::new();
    for (evidence, comparison_text) in answer.evidence.iter().zip(&comparisons) {
        let mut cells = vec![
            cell(&evidence.id, Tone::Link, id),
            cell(words::kind(evidence.kind), Tone::Plain, kind),
            cell(&evidence.service, Tone::Strong, service),
        ];
        if level_width > 0 {
            cells.push(cell(&level(evidence), level_tone(evidence), level_width));
        }
        let counted = |width| Cell { content: vec![span(words::amount(evidence), Tone::Strong)], width, right: true };
        if stacked {
            lines.extend(row(2, &cells));
            lines.extend(paragraph(6, &text(evidence), total));
            let below = [span(words::amount(evidence), Tone::Strong), span(format!(" · {comparison_text}"), Tone::Dim)];
            lines.extend(paragraph(6, &below, total));
        } else if beside {
            let text_width = widest_text(answer).min(rest - amount - comparison - 4).max(MIN_TEXT);
            cells.push(Cell { content: text(evidence), width: text_width, right: false });
            cells.push(counted(amount));
            cells.push(cell(comparison_text, Tone::Dim, comparison));
            lines.extend(row(2, &cells));
        } else {
            cells.push(Cell { content: text(evidence), width: rest - amount - 2, right: false });
            cells.push(counted(amount));
            lines.extend(row(2, &cells));
            lines.extend(paragraph(fixed, &[span(comparison_text, Tone::Dim)], total));
        }
    }
    lines
}

/// The lines themselves, for questions that ask for them: those that the first line of the answer is about.
pub(super) fn sample_rows(answer: &Answer, total: usize, clock: &Clock) -> Vec<Line> {
    let asked: &[String] = answer.claims.first().map_or(&[], |claim| &claim.citations);
    let is_asked = |e: &&Evidence| asked.is_empty() || asked.contains(&e.id);
    let rows = answer.evidence.iter().filter(is_asked);
    let mut samples: Vec<_> = rows.flat_map(|e| e.samples.iter().map(move |sample| (e, sample))).collect();
    samples.sort_by_key(|(_, sample)| (sample.time, sample.id));
    let service = samples.iter().map(|(e, _)| width(&e.service)).max().unwrap_or(0).min(MAX_SERVICE.min(total / 4));
    let time = samples.iter().map(|(_, sample)| width(&clock.second(sample.time))).max().unwrap_or(0);
    let fixed = 2 + time + 2 + service + 2;
    let mut lines = Vec::new();
    for (evidence, sample) in samples.iter().take(20) {
        let cells = [
            cell(&clock.second(sample.time), Tone::Dim, time),
            cell(&evidence.service, Tone::Strong, service),
            cell(sample.text.as_str(), Tone::Plain, total.saturating_sub(fixed).max(10)),
        ];
        lines.extend(row(2, &cells));
    }
    lines
}

fn text(evidence: &Evidence) -> Line {
    let mut content = vec![span(&evidence.template, Tone::Plain)];
    if let (EvidenceKind::MissingFollowup, Some(after)) = (evidence.kind, &evidence.after) {
        content.push(span(format!(" after {}", after.template), Tone::Dim));
    }
    content
}

fn widest_text(answer: &Answer) -> usize {
    let widths = answer.evidence.iter().map(|e| crate::layout::line_width(&text(e)));
    widths.max().unwrap_or(0)
}

fn level(evidence: &Evidence) -> String {
    evidence.level.map(|level| level.as_str().to_uppercase()).unwrap_or_default()
}

fn level_tone(evidence: &Evidence) -> Tone {
    match evidence.level {
        Some(level) if level.is_error() => Tone::Bad,
        Some(evidence::Severity::Warn) => Tone::Warn,
        _ => Tone::Dim,
    }
}

fn cell(text: &str, tone: Tone, width: usize) -> Cell {
    Cell { content: vec![span(text, tone)], width, right: false }
}
