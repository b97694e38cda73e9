//! What one commit says: everything that must change together travels in tantivy's commit payload.

use serde::{Deserialize, Serialize};

use crate::sources::Position;

pub const LAYOUT: u32 = 1;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub layout: u32,
    /// Records with this `seq` or a higher one are not part of the commit.
    pub next_seq: u64,
    /// Bytes of the template log that are valid.
    pub templates_len: u64,
    /// Microseconds of the earliest and the latest record whose clock is believable.
    pub reach: Option<(i64, i64)>,
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
    pub(crate) fn extend_reach(&mut self, time: i64) {
        self.reach = Some(self.reach.map_or((time, time), |(first, last)| (first.min(time), last.max(time))));
    }
}
