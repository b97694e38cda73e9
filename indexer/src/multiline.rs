//! Joins stack traces and cut container lines onto the line they belong to.
//! A line nobody understands becomes a record of its own unless it looks like a continuation.

use std::collections::VecDeque;

use evidence::Time;

use crate::formats::{Detector, MAX_LINE_BYTES, ParseContext, ParsedLine, read_text_again};

mod continuation;

use continuation::{Block, continues};

/// A longer trace goes on in the next record.
const MAX_LINES: u32 = 1_000;
const MAX_BYTES: usize = MAX_LINE_BYTES;
/// Entries that wait behind a cut line whose rest does not come.
const MAX_WAITING: usize = 256;

/// One log entry of one or more lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The byte at which its first line starts.
    pub offset: u64,
    pub line: ParsedLine,
    pub n_lines: u32,
    /// Whether something had to be cut off.
    pub truncated: bool,
    /// The time of the latest timed entry before this one in the same source; stands in when this one has none.
    pub previous_time: Option<Time>,
}

/// Takes the lines of one source in order and hands out entries as soon as they are known to be whole.
#[derive(Debug, Default)]
pub struct Joiner {
    detector: Detector,
    open: Option<Open>,
    /// From the first cut container line on, so that entries leave in the order of their offsets.
    waiting: VecDeque<Entry>,
    latest_time: Option<Time>,
}

#[derive(Debug)]
struct Open {
    entry: Entry,
    block: Block,
}

impl Joiner {
    pub fn new(detector: Detector) -> Joiner {
        Joiner { detector, ..Joiner::default() }
    }

    /// Reads the next line, which starts at byte `offset`; whole entries are appended to `out`.
    pub fn push(&mut self, offset: u64, line: &str, context: &ParseContext, out: &mut Vec<Entry>) {
        let (line, truncated) = crate::formats::cut_at_char(line, MAX_LINE_BYTES);
        let parsed = self.detector.parse(line, context);
        let entry = Entry { offset, line: parsed, n_lines: 1, truncated, previous_time: self.latest_time };
        self.wait_for_cuts(entry, context);
        while self.waiting.front().is_some_and(|first| !first.line.partial) || self.waiting.len() > MAX_WAITING {
            let first = self.waiting.pop_front().expect("the loop saw a first entry");
            self.join(whole(first, context), out);
        }
    }

    /// Hands out what is still open: at the end of a source, or when nothing came for a while.
    pub fn flush(&mut self, context: &ParseContext, out: &mut Vec<Entry>) {
        for entry in std::mem::take(&mut self.waiting) {
            self.join(whole(entry, context), out);
        }
        out.extend(self.open.take().map(|open| open.entry));
    }

    /// The byte from which the source must be read again if the process stops now; `None` when nothing is open.
    pub fn open_from(&self) -> Option<u64> {
        let open = self.open.as_ref().map(|open| &open.entry);
        open.or(self.waiting.front()).map(|entry| entry.offset)
    }

    /// Adds the entry to the cut line of its stream that it completes, or to the end.
    fn wait_for_cuts(&mut self, entry: Entry, context: &ParseContext) {
        let stream = entry.line.fields.get("stream");
        let is_container = entry.line.format == "container";
        let cut = self
            .waiting
            .iter_mut()
            .find(|first| is_container && first.line.partial && first.line.fields.get("stream") == stream);
        let Some(first) = cut else {
            self.waiting.push_back(entry);
            return;
        };
        let room = MAX_BYTES.saturating_sub(first.line.text.len());
        let (text, cut) = crate::formats::cut_at_char(&entry.line.text, room);
        first.line.text.push_str(text);
        first.n_lines += 1;
        first.truncated |= cut | entry.truncated;
        if !entry.line.partial {
            first.line.partial = false;
            read_text_again(&mut first.line, context);
        }
    }

    fn join(&mut self, entry: Entry, out: &mut Vec<Entry>) {
        self.latest_time = entry.line.time.or(self.latest_time);
        if let Some(open) = &mut self.open
            && open.takes(&entry)
        {
            open.append(entry);
            return;
        }
        let block = Block::starting_with(&entry.line.text);
        let previous = self.open.replace(Open { entry, block });
        out.extend(previous.map(|open| open.entry));
    }
}

/// Takes what came of a cut line for all of it.
fn whole(mut entry: Entry, context: &ParseContext) -> Entry {
    if std::mem::take(&mut entry.line.partial) {
        read_text_again(&mut entry.line, context);
    }
    entry
}

impl Open {
    fn takes(&self, next: &Entry) -> bool {
        let head = &self.entry.line;
        let has_room = self.entry.n_lines < MAX_LINES && head.text.len() + 1 + next.line.text.len() <= MAX_BYTES;
        let is_same_source = match next.line.format {
            "plain" => next.line.time.is_none() || next.line.text.starts_with([' ', '\t']),
            // A shipper wraps each line of a trace by itself, with a time of its own.
            "container" | "json" | "syslog" => {
                head.format == next.line.format
                    && head.service == next.line.service
                    && head.host == next.line.host
                    && head.fields.get("stream") == next.line.fields.get("stream")
            }
            _ => false,
        };
        has_room && is_same_source && !next.line.has_header() && continues(&self.block, &next.line.text)
    }

    fn append(&mut self, next: Entry) {
        self.block.went_on_with(&next.line.text);
        let head = &mut self.entry;
        head.line.text.push('\n');
        head.line.text.push_str(&next.line.text);
        head.line.severity = head.line.severity.or(next.line.severity);
        head.n_lines += 1;
        head.truncated |= next.truncated;
    }
}

#[cfg(test)]
mod tests;
