//! What a search found, and what the logs consist of.

use super::TerminalStyle;
use crate::layout::{Cell, Line, Tone, line_width, paragraph, row, span, width};
use crate::message::{Hits, TemplateRow};
use crate::words::{counted, number, took};

/// Returns one block per hit in the order given, and a last line with the totals.
pub fn render_search_hits(hits: &Hits, style: &TerminalStyle) -> String {
    let total = style.columns();
    let clock = style.clock();
    let time = hits.hits.iter().map(|hit| width(&clock.second(hit.time))).max().unwrap_or(8);
    let service = hits
        .hits
        .iter()
        .map(|hit| width(&hit.service))
        .max()
        .unwrap_or(0)
        .min(total.saturating_sub(time + 9).clamp(4, 22));
    let text = total.saturating_sub(time + service + 5 + 6);
    let mut lines: Vec<Line> = Vec::new();
    for hit in &hits.hits {
        let (level, tone) = level_of(hit.level);
        let mut head = vec![
            cell(&clock.second(hit.time), Tone::Dim, time),
            cell(&level, tone, 5),
            cell(&hit.service, Tone::Strong, service),
        ];
        let body: Vec<&str> = hit.text.as_str().lines().collect();
        if text >= 30 {
            head.push(cell(body.first().copied().unwrap_or(""), Tone::Plain, text));
            lines.extend(row(0, &head));
        } else {
            lines.extend(row(0, &head));
            lines.extend(paragraph(2, &[span(body.first().copied().unwrap_or(""), Tone::Plain)], total));
        }
        let indent = if text >= 30 { time + service + 5 + 6 } else { 2 };
        for line in body.iter().skip(1) {
            let line = line.replace('\t', "    ");
            let depth = line.len() - line.trim_start_matches(' ').len();
            let indent = (indent + depth).min(total / 2);
            lines.extend(paragraph(indent, &[span(&line, Tone::Dim)], total));
        }
    }
    if !lines.is_empty() {
        lines.push(Line::new());
    }
    let least = if hits.exact { "" } else { "at least " };
    let shown = match hits.hits.len() as u64 {
        n if n < hits.total => format!(", {} shown", number(n)),
        _ => String::new(),
    };
    let found = if hits.total == 0 {
        "Nothing found".to_owned()
    } else {
        format!("{least}{}{shown}", counted(hits.total, "line", "lines"))
    };
    let searched = counted(hits.searched_records, "record", "records");
    let summary = format!("{found} · searched {searched} in {}", took(hits.took_ms));
    lines.extend(paragraph(0, &[span(summary, Tone::Dim)], total));
    for hint in &hits.hints {
        lines.extend(paragraph(0, &[span(hint, Tone::Plain)], total));
    }
    style.paint(&lines)
}

/// Returns the templates as rows in the order given.
pub fn render_templates(templates: &[TemplateRow], style: &TerminalStyle) -> String {
    let total = style.columns();
    if templates.is_empty() {
        let text = "No records in that window. See `firstline search '*'`, or widen it with --from.";
        return style.paint(&paragraph(0, &[span(text, Tone::Plain)], total));
    }
    let count = templates.iter().map(|row| width(&number(row.count))).max().unwrap_or(0).max(5);
    let id = templates.iter().map(|row| width(&row.id)).max().unwrap_or(0);
    let service = templates.iter().map(|row| width(&row.service)).max().unwrap_or(0).min((total / 6).min(22));
    let level = templates.iter().map(|row| line_width(&levels_of(row))).max().unwrap_or(0).clamp(5, (total / 6).max(5));
    let text = total.saturating_sub(count + id + service + level + 8).max(8);
    let mut lines = Vec::new();
    for template in templates {
        let cells = [
            Cell { content: vec![span(number(template.count), Tone::Strong)], width: count, right: true },
            Cell { content: levels_of(template), width: level, right: false },
            cell(&template.service, Tone::Strong, service),
            cell(&template.id, Tone::Link, id),
            cell(&template.template, Tone::Plain, text),
        ];
        lines.extend(row(0, &cells));
    }
    style.paint(&lines)
}

/// The level of most records, and the worst with its count when some are worse: `INFO, 3 ERROR`.
fn levels_of(template: &TemplateRow) -> Line {
    let (most, tone) = level_of(template.level);
    let Some((worst, n)) = template.worst else { return vec![span(most, tone)] };
    let (worst, worst_tone) = level_of(Some(worst));
    let between = if most.is_empty() { "" } else { ", " };
    vec![span(most, tone), span(format!("{between}{} {worst}", number(n)), worst_tone)]
}

fn level_of(level: Option<evidence::Severity>) -> (String, Tone) {
    let text = level.map(|level| level.as_str().to_uppercase()).unwrap_or_default();
    let tone = match level {
        Some(level) if level.is_error() => Tone::Bad,
        Some(evidence::Severity::Warn) => Tone::Warn,
        _ => Tone::Dim,
    };
    (text, tone)
}

fn cell(text: &str, tone: Tone, width: usize) -> Cell {
    Cell { content: vec![span(text, tone)], width, right: false }
}
