//! Decides whether a journal is whole: every hash right, nothing missing, nothing out of order.
//! Entries come in by position, one at a time, so a journal of any length is verified in the memory its streams need.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use evidence::Time;
use serde::Serialize;

use super::{Entry, Head, Tip, genesis, hash_of};

/// What was found, in the order it was met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub entries: u64,
    pub streams: u64,
    /// How many heads, from checkpoints or an exported file, were compared.
    pub heads_compared: u64,
    pub last_at: Option<Time>,
    pub problems: Vec<Problem>,
}

impl Report {
    pub fn is_whole(&self) -> bool {
        self.problems.is_empty()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "problem", rename_all = "snake_case")]
pub enum Problem {
    /// The hash does not fit the other columns.
    Altered { stream: String, seq: u64, position: u64 },
    /// The entry does not continue the one before it.
    Unlinked { stream: String, seq: u64, position: u64 },
    /// Entries between two that are there are gone, or came twice.
    OutOfSequence { stream: String, expected_seq: u64, seq: u64 },
    /// The same over all streams; it shows when a whole stream was removed.
    Gap { expected_position: u64, position: u64 },
    /// An entry is older than the one before it.
    TimeRunsBack { stream: String, seq: u64, position: u64 },
    /// A head says that the stream went on.
    Cut { stream: String, expected_seq: u64, last_seq: u64 },
    /// A head says that another entry stood here: the stream was rewritten.
    Rewritten { stream: String, seq: u64 },
    /// A head or checkpoint was not signed by a known key.
    BadSignature { what: String, reason: String },
    /// A head was signed for a journal that began with another entry.
    OtherJournal { what: String },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Altered { stream, seq, .. } => write!(f, "entry {seq} of `{stream}` was altered"),
            Problem::Unlinked { stream, seq, .. } => {
                write!(f, "entry {seq} of `{stream}` does not continue the entry before it")
            }
            Problem::OutOfSequence { stream, expected_seq, seq } => {
                write!(f, "`{stream}` continues with entry {seq} where entry {expected_seq} was expected")
            }
            Problem::Gap { expected_position, position } => {
                write!(f, "position {expected_position} is missing (the next one found is {position})")
            }
            Problem::TimeRunsBack { stream, seq, .. } => {
                write!(f, "entry {seq} of `{stream}` is older than the one before it")
            }
            Problem::Cut { stream, expected_seq, last_seq } => {
                write!(f, "`{stream}` ends at entry {last_seq}, a signed head has entry {expected_seq}")
            }
            Problem::Rewritten { stream, seq } => {
                write!(f, "entry {seq} of `{stream}` is not the one in a signed head")
            }
            Problem::OtherJournal { what } => write!(f, "{what} was signed for another journal than this"),
            Problem::BadSignature { what, reason } => write!(f, "{what} is not signed by a known key: {reason}"),
        }
    }
}

/// Verifies a whole journal, given in order of position, against heads that were kept elsewhere.
pub fn verify<'a>(entries: impl IntoIterator<Item = &'a Entry>, heads: &[Head]) -> Report {
    let mut verifier = Verifier::new(heads);
    for entry in entries {
        verifier.push(entry);
    }
    verifier.finish()
}

/// The same as [`verify`], fed page by page.
#[derive(Debug, Default)]
pub struct Verifier {
    report: Report,
    tips: HashMap<String, Tip>,
    /// Several heads may name one entry; if they differ, one of them is wrong and it shows.
    expected: BTreeMap<(String, u64), Vec<String>>,
    position: u64,
}

impl Verifier {
    pub fn new(heads: &[Head]) -> Verifier {
        let mut verifier = Verifier::default();
        for head in heads {
            verifier.expected.entry((head.stream.clone(), head.seq)).or_default().push(head.hash.clone());
        }
        verifier
    }

    pub fn push(&mut self, entry: &Entry) {
        let expected_position = self.position + 1;
        if entry.position != expected_position {
            self.problem(Problem::Gap { expected_position, position: entry.position });
        }
        let tip = self.tips.remove(&entry.stream).unwrap_or_else(|| genesis(&entry.stream));
        self.compare_with_previous(entry, &tip);
        if hash_of(entry) != entry.hash {
            let Entry { stream, seq, position, .. } = entry.clone();
            self.problem(Problem::Altered { stream, seq, position });
        }
        self.compare_with_heads(entry);

        self.report.entries += 1;
        self.report.last_at = self.report.last_at.max(Some(entry.at));
        self.position = entry.position;
        self.tips.insert(entry.stream.clone(), Tip { seq: entry.seq, hash: entry.hash.clone() });
    }

    pub fn problem(&mut self, problem: Problem) {
        self.report.problems.push(problem);
    }

    /// Heads that no entry answered to were cut off.
    pub fn finish(mut self) -> Report {
        for (stream, expected_seq) in std::mem::take(&mut self.expected).into_keys() {
            let last_seq = self.tips.get(&stream).map_or(0, |tip| tip.seq);
            self.problem(Problem::Cut { stream, expected_seq, last_seq });
        }
        self.report.streams = self.tips.len() as u64;
        self.report
    }

    fn compare_with_previous(&mut self, entry: &Entry, tip: &Tip) {
        let Entry { stream, seq, position, .. } = entry.clone();
        if seq != tip.seq + 1 {
            self.problem(Problem::OutOfSequence { stream: stream.clone(), expected_seq: tip.seq + 1, seq });
        }
        if entry.prev_hash != tip.hash {
            self.problem(Problem::Unlinked { stream: stream.clone(), seq, position });
        }
        if self.report.last_at.is_some_and(|last| entry.at < last) {
            self.problem(Problem::TimeRunsBack { stream, seq, position });
        }
    }

    fn compare_with_heads(&mut self, entry: &Entry) {
        let Some(hashes) = self.expected.remove(&(entry.stream.clone(), entry.seq)) else { return };
        self.report.heads_compared += hashes.len() as u64;
        if hashes.iter().any(|hash| *hash != entry.hash) {
            self.problem(Problem::Rewritten { stream: entry.stream.clone(), seq: entry.seq });
        }
    }
}

#[cfg(test)]
mod tests;
