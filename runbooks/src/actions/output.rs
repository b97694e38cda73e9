//! What a step prints: redacted line by line before it leaves, and kept in bounded memory however much there is.

use std::collections::VecDeque;

use evidence::{Redacted, Redactor};

use crate::execute::{OnOutput, Outcome, Outcomes};

/// Bytes kept from the start, and as many from the end.
pub(super) const KEPT: usize = 64 * 1024;
/// A line longer than this is handed on in pieces.
const LONGEST_LINE: usize = 16 * 1024;
/// Watchers are shown this much while it runs; the rest is in the outcome.
const SHOWN_LIVE: usize = 2 * KEPT;

pub(super) struct Output<'r> {
    redactor: &'r Redactor,
    on_output: OnOutput,
    /// Bytes of a line that has not ended, one for each stream.
    open: [Vec<u8>; 2],
    head: String,
    /// The last lines as they were printed: only what is kept of them in the end is worth redacting.
    tail: VecDeque<Vec<u8>>,
    tail_bytes: usize,
    left_out: u64,
    shown: usize,
}

impl<'r> Output<'r> {
    pub(super) fn new(redactor: &'r Redactor, on_output: OnOutput) -> Output<'r> {
        Output {
            redactor,
            on_output,
            open: [Vec::new(), Vec::new()],
            head: String::new(),
            tail: VecDeque::new(),
            tail_bytes: 0,
            left_out: 0,
            shown: 0,
        }
    }

    /// Takes in bytes of one stream (`0` or `1`).
    pub(super) fn push(&mut self, stream: usize, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = LONGEST_LINE - self.open[stream].len();
            let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1).min(room);
            self.open[stream].extend_from_slice(&bytes[..end]);
            bytes = &bytes[end..];
            if self.open[stream].ends_with(b"\n") || self.open[stream].len() >= LONGEST_LINE {
                let line = std::mem::take(&mut self.open[stream]);
                self.line(&line);
            }
        }
    }

    /// Ends the output and puts it beside what it led to.
    pub(super) fn finish(mut self, result: Outcomes, summary: &str) -> Outcome {
        for stream in 0..2 {
            let rest = std::mem::take(&mut self.open[stream]);
            self.line(&rest);
        }
        let mut text = std::mem::take(&mut self.head);
        if self.left_out > 0 {
            text.push_str(&format!("\n… {} bytes left out …\n", self.left_out));
        }
        let tail = std::mem::take(&mut self.tail);
        text.extend(tail.into_iter().map(|line| self.redacted(&line).into_string()));
        // Once more over the whole, for what spans lines, like a private key.
        let output = self.redactor.redact(text).0;
        let summary = self.redactor.redact(summary).0;
        Outcome { result, summary, output, bytes_left_out: self.left_out }
    }

    fn line(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let is_of_head = self.tail.is_empty() && self.left_out == 0;
        if is_of_head || self.shown < SHOWN_LIVE {
            let line = self.redacted(bytes);
            if self.shown < SHOWN_LIVE {
                self.shown += line.as_str().len();
                (self.on_output)(line.clone());
            }
            if is_of_head && self.head.len() + line.as_str().len() <= KEPT {
                self.head.push_str(line.as_str());
                return;
            }
        }
        self.tail_bytes += bytes.len();
        self.tail.push_back(bytes.to_vec());
        while self.tail_bytes > KEPT {
            let Some(dropped) = self.tail.pop_front() else { break };
            self.tail_bytes -= dropped.len();
            self.left_out += dropped.len() as u64;
        }
    }

    fn redacted(&self, bytes: &[u8]) -> Redacted {
        self.redactor.redact(String::from_utf8_lossy(bytes)).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[test]
    fn memory_is_bounded_and_both_ends_are_kept() {
        let redactor = Redactor::new([7; 32]);
        let seen = Arc::new(Mutex::new(0));
        let count = seen.clone();
        let mut output = Output::new(&redactor, Arc::new(move |line| *count.lock().unwrap() += line.as_str().len()));
        for number in 0..100_000 {
            output.push(0, format!("line {number}\n").as_bytes());
        }
        let outcome = output.finish(Outcomes::Succeeded, "done");
        let text = outcome.output.as_str();
        assert!(text.starts_with("line 0\n") && text.ends_with("line 99999\n"));
        assert!(text.len() < 2 * KEPT + 100 && outcome.bytes_left_out > 900_000, "{}", text.len());
        assert!(*seen.lock().unwrap() < SHOWN_LIVE + LONGEST_LINE);
    }

    #[test]
    fn streams_do_not_cut_each_other_s_lines() {
        let redactor = Redactor::new([7; 32]);
        let mut output = Output::new(&redactor, Arc::new(|_| {}));
        output.push(0, b"one ");
        output.push(1, b"two ");
        output.push(0, b"three\n");
        output.push(1, b"four");
        let outcome = output.finish(Outcomes::Failed, "");
        assert_eq!(outcome.output.as_str(), "one three\ntwo four");
    }
}
