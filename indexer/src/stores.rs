//! Where records are kept and counted: the trait, its requests and the list of implementations.
//!
//! A store answers from one consistent state per call and sees what other processes committed before the call.

use evidence::{Grant, Observed, RecordId, Severity, StoredRecord, Template, TemplateId, Time, TimeWindow};
use serde::Serialize;

pub mod dictionary;
pub mod manifest;
mod memory;
mod tantivy;

pub use memory::MemoryStore;
pub use tantivy::{Filters, TantivyStore, Writer};

use crate::{Query, Result, SearchOptions, SearchResult};

pub trait Store: Send + Sync {
    /// This store as somebody sees it who has `grant`: what the grant does not name is not there for any of the calls below.
    fn granted<'s>(&'s self, grant: &Grant) -> Box<dyn Store + 's>;

    fn search(&self, query: &Query, options: &SearchOptions) -> Result<SearchResult>;

    /// How many records match in each `bucket_seconds` of the window, from its start on; the last may be cut short.
    ///
    /// A window without end has no buckets. `limit` and `order` do not matter.
    fn histogram(&self, query: &Query, options: &SearchOptions, bucket_seconds: u64) -> Result<Vec<u64>>;

    /// All records of window and baseline as columns, sorted by `(time, id)`.
    fn observe(&self, request: &ObserveRequest) -> Result<Observed>;

    /// In the order asked; ids that no longer exist are left out.
    fn records(&self, ids: &[RecordId]) -> Result<Vec<StoredRecord>>;

    /// Counts through term lookups, a path that shares nothing with [`Store::observe`].
    fn count(&self, request: &CountRequest) -> Result<u64>;

    /// The record and up to `n` records before and after it in its own source, oldest first.
    ///
    /// # Errors
    ///
    /// [`crate::Error::NoRecord`] when there is no such record.
    fn around(&self, id: RecordId, n: usize) -> Result<Vec<StoredRecord>>;

    /// Families with records in the window, most records first.
    fn templates(&self, request: &TemplatesRequest) -> Result<Vec<TemplateCount>>;

    /// Sorted by name.
    fn services(&self) -> Result<Vec<ServiceInfo>>;

    /// Times of the earliest and latest record; records whose clock ran ahead of the reader's do not count.
    fn reach(&self) -> Result<Option<(Time, Time)>>;

    fn totals(&self) -> Result<Totals>;
}

#[derive(Clone, Debug)]
pub struct ObserveRequest {
    pub window: TimeWindow,
    /// Must not overlap the window; may lie after it.
    pub baseline: Option<TimeWindow>,
    /// `None` observes every service.
    pub services: Option<Vec<String>>,
}

#[derive(Clone, Debug)]
pub struct CountRequest {
    /// Any template of a family stands for the whole family; `None` counts every kind.
    pub family: Option<TemplateId>,
    pub service: Option<String>,
    pub severity_at_least: Option<Severity>,
    pub window: TimeWindow,
}

#[derive(Clone, Debug)]
pub struct TemplatesRequest {
    pub window: TimeWindow,
    pub services: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TemplateCount {
    pub template: Template,
    pub count: u64,
    pub first: Time,
    pub last: Time,
    /// The worst level among the records.
    pub level: Option<Severity>,
    /// Names, most records first.
    pub services: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceInfo {
    pub name: String,
    pub records: u64,
    pub first: Time,
    pub last: Time,
}

/// What the index holds as a whole, since it was created.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Totals {
    pub records: u64,
    pub templates: u64,
    pub redacted: u64,
    pub malformed: u64,
    pub truncated: u64,
    pub index_bytes: u64,
}
