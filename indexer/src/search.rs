//! What is asked of a search and what comes back; the form of `search --json`.

use evidence::{StoredRecord, Time, TimeWindow};
use serde::Serialize;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Newest first; records of one instant: the last ingested first.
    #[default]
    Time,
    /// Best match first (BM25); equal matches: newest first.
    Relevance,
}

#[derive(Clone, Debug)]
pub struct SearchOptions {
    pub window: TimeWindow,
    /// `None` searches every service.
    pub services: Option<Vec<String>>,
    pub limit: usize,
    pub order: Order,
    /// What `last:15m` counts back from.
    pub now: Time,
}

impl SearchOptions {
    /// The newest 20 of everything.
    pub fn at(now: Time) -> SearchOptions {
        SearchOptions { window: TimeWindow::all(), services: None, limit: 20, order: Order::Time, now }
    }
}

/// Equal parts of a window, to count in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buckets {
    from: Time,
    micros: i64,
    n: usize,
}

impl Buckets {
    /// A window that is cut into more parts than this is taken for one without end.
    const MOST: i64 = 100_000;

    pub(crate) fn of(window: TimeWindow, seconds: u64) -> Buckets {
        let micros = i64::try_from(seconds.max(1)).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        let length = window.to().0.saturating_sub(window.from().0);
        let n = length / micros + i64::from(length % micros > 0);
        Buckets { from: window.from(), micros, n: if n > Buckets::MOST { 0 } else { n as usize } }
    }

    /// No records yet.
    pub(crate) fn empty(self) -> Vec<u64> {
        vec![0; self.n]
    }

    pub(crate) fn count(self, counts: &mut [u64], time: Time) {
        let number = time.0.saturating_sub(self.from.0).div_euclid(self.micros);
        if let Some(count) = usize::try_from(number).ok().and_then(|number| counts.get_mut(number)) {
            *count += 1;
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct SearchResult {
    pub total: u64,
    /// Always `exact` here; a remote engine may say `at_least`.
    pub total_is: TotalIs,
    pub took_ms: f64,
    /// Records of the window and services that the query was held against.
    pub searched_records: u64,
    pub hits: Vec<StoredRecord>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TotalIs {
    Exact,
    AtLeast,
}
