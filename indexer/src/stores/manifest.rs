//! What one commit says: everything that must change together travels in tantivy's commit payload.

use evidence::Time;
use serde::{Deserialize, Serialize};

use crate::sources::Position;

pub const LAYOUT: u32 = 1;

/// Where a record's time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Its source says it.
    Stated,
    /// Its source says none: it is when the source was last changed, or read.
    Assumed,
    /// Its source says one that is yet to come.
    Ahead,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub layout: u32,
    /// Records with this `seq` or a higher one are not part of the commit.
    pub next_seq: u64,
    /// Bytes of the template log that are valid.
    pub templates_len: u64,
    /// Microseconds of the earliest and the latest record whose clock is believable.
    pub reach: Option<(i64, i64)>,
    /// The same of records without a time of their own, which counts only where no record has one.
    #[serde(default)]
    pub assumed_reach: Option<(i64, i64)>,
    pub redacted: u64,
    pub malformed: u64,
    pub truncated: u64,
    /// Records whose clock ran ahead.
    pub skewed: u64,
    /// Times that a file was cut short under us, so that bytes may have been missed.
    pub cut_files: u64,
    /// Paths that records name by their place in this list.
    pub paths: Vec<String>,
    pub positions: Vec<Position>,
}

impl Manifest {
    pub(crate) fn extend_reach(&mut self, time: i64, clock: Clock) {
        let reach = match clock {
            Clock::Stated => &mut self.reach,
            Clock::Assumed => &mut self.assumed_reach,
            Clock::Ahead => return,
        };
        *reach = Some(reach.map_or((time, time), |(first, last)| (first.min(time), last.max(time))));
    }

    /// Times of the earliest and the latest record, as far as they can be believed.
    pub(crate) fn reach(&self) -> Option<(Time, Time)> {
        self.reach.or(self.assumed_reach).map(|(first, last)| (Time(first), Time(last)))
    }
}
