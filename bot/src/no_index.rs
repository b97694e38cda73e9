//! Stands where an index will be: every question to it says how to make one.

use std::path::PathBuf;

use evidence::{Grant, Observed, RecordId, StoredRecord, Time};
use indexer::{
    CountRequest, Error, ObserveRequest, Query, Result, SearchOptions, SearchResult, ServiceInfo, Store, TemplateCount,
    TemplatesRequest, Totals,
};

pub struct NoIndex {
    data: PathBuf,
}

impl NoIndex {
    pub fn new(data: PathBuf) -> NoIndex {
        NoIndex { data }
    }

    fn error<T>(&self) -> Result<T> {
        Err(Error::NoIndex(self.data.clone()))
    }
}

impl Store for NoIndex {
    fn granted<'s>(&'s self, _: &Grant) -> Box<dyn Store + 's> {
        Box::new(NoIndex::new(self.data.clone()))
    }

    fn search(&self, _: &Query, _: &SearchOptions) -> Result<SearchResult> {
        self.error()
    }

    fn histogram(&self, _: &Query, _: &SearchOptions, _: u64) -> Result<Vec<u64>> {
        self.error()
    }

    fn observe(&self, _: &ObserveRequest) -> Result<Observed> {
        self.error()
    }

    fn records(&self, _: &[RecordId]) -> Result<Vec<StoredRecord>> {
        self.error()
    }

    fn count(&self, _: &CountRequest) -> Result<u64> {
        self.error()
    }

    fn around(&self, _: RecordId, _: usize) -> Result<Vec<StoredRecord>> {
        self.error()
    }

    fn templates(&self, _: &TemplatesRequest) -> Result<Vec<TemplateCount>> {
        self.error()
    }

    fn services(&self) -> Result<Vec<ServiceInfo>> {
        self.error()
    }

    fn reach(&self) -> Result<Option<(Time, Time)>> {
        self.error()
    }

    fn totals(&self) -> Result<Totals> {
        self.error()
    }
}
