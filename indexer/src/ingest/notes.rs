//! What is odd about sources that were read all the same, by source, so that nobody wonders later what became of them.

use std::path::Path;

use evidence::Time;
use serde::Serialize;

use super::Ingest;
use super::feed::Feed;
use crate::multiline::Entry;
use crate::sources::lines::Line;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Oddity {
    Empty,
    /// Text under the name of something packed.
    NotPacked,
    /// It reads as text, but most of it is no characters; its lines are kept.
    LooksBinary,
    /// No line has a time; its records got that of the file's last change.
    WithoutTimes,
    /// Records with a clock more than a day ahead of the reader's.
    AheadOfTime,
    /// Lines that were longer than 1 MiB and are kept cut.
    CutLines,
}

/// One oddity of one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    pub oddity: Oddity,
    pub path: String,
    /// How many records or lines are so; `0` for a file that is empty.
    pub count: u64,
}

/// What is counted in a source while it is read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    n_records: u64,
    n_timed: u64,
    n_ahead: u64,
    n_cut: u64,
    /// Of records in no known format.
    n_characters: u64,
    n_unreadable: u64,
}

impl Counted {
    pub(super) fn line(&mut self, line: &Line<'_>) {
        self.n_cut += u64::from(line.truncated);
    }

    pub(super) fn entry(&mut self, entry: &Entry, is_believable: bool) {
        self.n_records += 1;
        self.n_timed += u64::from(entry.line.time.is_some());
        self.n_ahead += u64::from(!is_believable);
        self.n_cut += u64::from(entry.truncated);
        if !entry.line.understood {
            let is_unreadable = |c: &char| {
                *c == char::REPLACEMENT_CHARACTER || (c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\x1b'))
            };
            self.n_characters += entry.line.text.chars().count() as u64;
            self.n_unreadable += entry.line.text.chars().filter(is_unreadable).count() as u64;
        }
    }
}

impl Ingest {
    pub(super) fn note(&mut self, oddity: Oddity, path: &str, count: u64) {
        self.report.notes.push(Note { oddity, path: path.to_owned(), count });
    }

    /// Notes what is odd about a source that was read to its end; `before` is the last time in what was read of it earlier.
    pub(super) fn note_oddities(&mut self, feed: &Feed, before: Option<Time>, is_text: bool) {
        let counted = &feed.counted;
        if counted.n_records == 0 {
            return;
        }
        let packed = Path::new(&feed.path).extension().is_some_and(|name| name == "gz" || name == "zst");
        if is_text && packed {
            self.note(Oddity::NotPacked, &feed.path, counted.n_records);
        }
        // A tenth is more than any encoding of text leaves unread.
        if counted.n_unreadable * 10 > counted.n_characters {
            self.note(Oddity::LooksBinary, &feed.path, counted.n_records);
        } else if counted.n_timed == 0 && before.is_none() {
            self.note(Oddity::WithoutTimes, &feed.path, counted.n_records);
        }
        for (oddity, count) in [(Oddity::AheadOfTime, counted.n_ahead), (Oddity::CutLines, counted.n_cut)] {
            if count > 0 {
                self.note(oddity, &feed.path, count);
            }
        }
    }
}
