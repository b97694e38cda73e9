//! What a run did, and how far it is while it goes on.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use evidence::Time;
use serde::Serialize;

use super::notes::Note;
use crate::sources::Problem;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    pub bytes_done: u64,
    /// `0` when unknown, as for standard input.
    pub bytes_total: u64,
    pub records: u64,
    pub seconds: f64,
}

/// The form of `index --json`; counts are of this run, `templates` and `index_bytes` of the whole index.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    pub records: u64,
    pub bytes: u64,
    /// Files that were read, those with nothing new included.
    pub files: u64,
    pub malformed: u64,
    pub truncated: u64,
    pub redacted: u64,
    pub templates: u64,
    pub services: BTreeSet<String>,
    pub first_time: Option<Time>,
    pub last_time: Option<Time>,
    pub seconds: f64,
    pub records_per_second: f64,
    pub index_bytes: u64,
    /// Records whose clock was more than a day ahead of the reader's.
    pub skewed: u64,
    /// Files that were cut in place since they were last read.
    pub cut_files: u64,
    pub problems: Vec<Problem>,
    /// What is odd about sources that were read.
    pub notes: Vec<Note>,
}

/// Says often enough, and not more often, how far a run is.
pub(super) struct Pace {
    pub(super) started: Instant,
    pub(super) shown: Option<Instant>,
    pub(super) committed: Instant,
    pub(super) bytes_done: u64,
    pub(super) bytes_total: u64,
}

impl Pace {
    pub(super) fn new(started: Instant, bytes_total: u64) -> Pace {
        Pace { started, shown: None, committed: started, bytes_done: 0, bytes_total }
    }

    pub(super) fn show(&mut self, records: u64, progress: &mut dyn FnMut(Progress)) {
        if self.shown.is_some_and(|shown| shown.elapsed() < Duration::from_millis(100)) {
            return;
        }
        self.shown = Some(Instant::now());
        let seconds = self.started.elapsed().as_secs_f64();
        progress(Progress { bytes_done: self.bytes_done, bytes_total: self.bytes_total, records, seconds });
    }
}
