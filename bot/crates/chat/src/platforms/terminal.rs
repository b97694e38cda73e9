//! Renders for a terminal: the first line answers, everything below can be skipped.
//! Every text goes through `layout::span`, which makes it inert; escape sequences are added only by `layout::paint`.

use evidence::Time;
use jiff::tz::TimeZone;

use super::{Body, Platform};
use crate::layout::{Line, Tone, paint, paragraph, span};
use crate::message::Message;
use crate::words::Clock;

mod answer;
mod proposals;
mod rows;
mod search;
mod steps;
mod timeline;

#[cfg(test)]
mod tests;

pub use answer::render_answer;
pub use proposals::render_proposals;
pub use search::{render_search_hits, render_templates};
pub use steps::render_step_outcome;
pub use timeline::render_timeline;

/// How the terminal wants it.
#[derive(Clone, Debug)]
pub struct TerminalStyle {
    /// Columns; at least 40 are used.
    pub width: usize,
    /// Whether to use colour; the caller asks whether the output is a terminal and for `NO_COLOR`.
    pub colour: bool,
    /// The zone of the person who reads.
    pub zone: TimeZone,
    /// Now, so that a date is printed only for other days.
    pub now: Time,
    /// Address of the console, when one is running: answers end with a link to themselves.
    pub console: Option<String>,
    /// How the program is called, with what finds its data: `firstline`, `firstline --data ./demo`.
    pub program: String,
}

impl TerminalStyle {
    /// 100 columns, UTC, without colour.
    pub fn plain(now: Time) -> TerminalStyle {
        TerminalStyle {
            width: 100,
            colour: false,
            zone: TimeZone::UTC,
            now,
            console: None,
            program: "firstline".to_owned(),
        }
    }

    fn columns(&self) -> usize {
        self.width.max(40)
    }

    fn clock(&self) -> Clock {
        Clock { zone: self.zone.clone(), reference: self.now }
    }

    fn paint(&self, lines: &[Line]) -> String {
        paint(lines, self.colour)
    }
}

pub struct Terminal {
    pub style: TerminalStyle,
}

impl Platform for Terminal {
    fn name(&self) -> &'static str {
        "terminal"
    }

    fn render(&self, message: &Message) -> Body {
        Body::Text(match message {
            Message::Answer(answer) => render_answer(answer, &self.style),
            Message::Step(step) => render_step_outcome(step, &self.style),
            Message::Note { text } => self.style.paint(&paragraph(0, &[span(text, Tone::Plain)], self.style.columns())),
        })
    }
}
