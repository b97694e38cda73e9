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
    /// `None` searches every service; a list is what the asker is granted.
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
