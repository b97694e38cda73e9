#![doc = include_str!("../README.md")]

// In the order data flows through them.
pub mod sources;

pub mod formats;

pub mod multiline;

pub mod mine;

pub mod stores;

pub mod ingest;

pub mod follow;

pub mod query;

pub mod search;

pub mod conformance;

mod error;

pub use error::{Error, NoRoom, Result};
pub use follow::{Follow, Followed, Round};
pub use ingest::{Ingest, IngestOptions, Note, Oddity, Progress, Report};
pub use query::Query;
pub use search::{Order, SearchOptions, SearchResult};
pub use stores::{
    CountRequest, Filters, MemoryStore, ObserveRequest, ServiceInfo, Store, TantivyStore, TemplateCount,
    TemplatesRequest, Totals, Writer,
};
