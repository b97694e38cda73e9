//! What happened, in order, one line each.

use super::TerminalStyle;
use crate::layout::{Cell, Line, Tone, paragraph, row, span, width};
use crate::message::TimelineRow;

/// Returns the rows in the order given.
pub fn render_timeline(rows: &[TimelineRow], style: &TerminalStyle) -> String {
    let total = style.columns();
    let clock = style.clock();
    if rows.is_empty() {
        return style.paint(&paragraph(0, &[span("Nothing has happened yet.", Tone::Plain)], total));
    }
    let time = rows.iter().map(|row| width(&clock.second(row.at))).max().unwrap_or(0);
    let mut lines: Vec<Line> = Vec::new();
    for entry in rows {
        let (sign, tone) = sign(&entry.kind);
        let mut content = Line::new();
        if let Some(actor) = &entry.actor {
            content.push(span(format!("{actor} "), Tone::Strong));
        }
        content.push(span(&entry.text, Tone::Plain));
        if !entry.refs.is_empty() {
            content.push(span(format!(" {}", entry.refs.join(" ")), Tone::Link));
        }
        let cells = [
            Cell { content: vec![span(clock.second(entry.at), Tone::Dim)], width: time, right: false },
            Cell { content: vec![span(sign, tone)], width: 1, right: false },
            Cell { content, width: total.saturating_sub(time + 5).max(10), right: false },
        ];
        lines.extend(row(0, &cells));
    }
    style.paint(&lines)
}

fn sign(kind: &str) -> (&'static str, Tone) {
    match kind {
        "deploy" => ("▲", Tone::Link),
        "evidence" | "silence" => ("●", Tone::Bad),
        "proposed" => ("○", Tone::Warn),
        "approved" | "verified" | "resolved" => ("✓", Tone::Good),
        "rejected" | "failed" => ("✗", Tone::Bad),
        "unknown" => ("?", Tone::Warn),
        "ran" => ("▶", Tone::Plain),
        _ => ("·", Tone::Dim),
    }
}
