//! Answers from the last commit, as somebody with a grant sees it: every call goes through both of its filters.

use std::sync::Arc;
use std::time::Instant;

use evidence::{Grant, Observed, RecordId, StoredRecord, Time};
use tantivy::query::{BooleanQuery, ConstScoreQuery, Occur, Query as Engine, RangeQuery};
use tantivy::{DocAddress, Term, collector::Count};

use super::allowed::Allowed;
use super::collect::{Best, ByTime, Found};
use super::columns::Gate;
use super::reader::State;
use super::{TantivyStore, engine_error, observe};
use crate::search::{Buckets, TotalIs};
use crate::stores::{CountRequest, ObserveRequest, ServiceInfo, Store, TemplateCount, TemplatesRequest, Totals};
use crate::{Error, Order, Query, Result, SearchOptions, SearchResult};

/// A store and what may be seen of it; `None` is everything.
pub(super) struct View<'s> {
    pub(super) store: &'s TantivyStore,
    pub(super) grant: Option<Grant>,
}

impl View<'_> {
    fn opened(&self) -> Result<(Arc<State>, Arc<Allowed>)> {
        let state = self.store.state()?;
        let allowed = match &self.grant {
            Some(grant) => self.store.allowed(&state, grant)?,
            None => Arc::new(Allowed::everything(&state)),
        };
        Ok((state, allowed))
    }

    /// The query, of what the grant's own terms match.
    fn within(&self, state: &State, query: Box<dyn Engine>) -> Box<dyn Engine> {
        match &self.grant {
            Some(grant) if self.store.filters.in_query => {
                let granted = ConstScoreQuery::new(self.store.compiler(state, Time(0)).within(grant), 0.0);
                Box::new(BooleanQuery::new(vec![(Occur::Must, query), (Occur::Must, Box::new(granted))]))
            }
            _ => query,
        }
    }

    fn hits(&self, state: &State, addresses: impl IntoIterator<Item = DocAddress>) -> Result<Vec<StoredRecord>> {
        let may_see = |hit: &StoredRecord| {
            let grant = self.grant.as_ref().filter(|_| self.store.filters.on_hits);
            grant.is_none_or(|grant| grant.allows(&hit.service, hit.environment.as_deref()))
        };
        let hits = addresses.into_iter().map(|address| self.store.hit(state, address));
        hits.filter(|hit| hit.as_ref().map_or(true, may_see)).collect()
    }
}

impl Store for View<'_> {
    fn granted<'s>(&'s self, grant: &Grant) -> Box<dyn Store + 's> {
        let grant = match &self.grant {
            // Whoever sees a part is never shown more of it.
            Some(mine) if !mine.covers(grant) => mine.clone(),
            _ => grant.clone(),
        };
        self.store.view(grant)
    }

    fn search(&self, query: &Query, options: &SearchOptions) -> Result<SearchResult> {
        let started = Instant::now();
        let (state, allowed) = self.opened()?;
        let gates = gates(&state, &allowed, options);
        let searched_records = observe::n_let_through(&state, &gates);
        let best = Best { segments: state.segments.clone(), gates, limit: options.limit, order: options.order };
        let compiled = self.within(&state, self.store.compiler(&state, options.now).compile(query));
        let found = state.searcher.search(&*compiled, &best);
        let Found { total, docs } = found.map_err(engine_error(self.store.folder()))?;
        let hits = self.hits(&state, docs)?;
        let took_ms = started.elapsed().as_secs_f64() * 1_000.0;
        Ok(SearchResult { total, total_is: TotalIs::Exact, took_ms, searched_records, hits })
    }

    fn histogram(&self, query: &Query, options: &SearchOptions, bucket_seconds: u64) -> Result<Vec<u64>> {
        let (state, allowed) = self.opened()?;
        let buckets = Buckets::of(options.window, bucket_seconds);
        let gates = gates(&state, &allowed, options);
        let by_time = ByTime { segments: state.segments.clone(), gates, buckets };
        let compiled = self.within(&state, self.store.compiler(&state, options.now).compile(query));
        state.searcher.search(&*compiled, &by_time).map_err(engine_error(self.store.folder()))
    }

    fn observe(&self, request: &ObserveRequest) -> Result<Observed> {
        let (state, allowed) = self.opened()?;
        Ok(observe::observe(&state, &allowed, request))
    }

    fn records(&self, ids: &[RecordId]) -> Result<Vec<StoredRecord>> {
        let (state, allowed) = self.opened()?;
        let found = observe::addresses(&state, &allowed, ids);
        self.hits(&state, ids.iter().filter_map(|id| found.get(id).copied()))
    }

    fn count(&self, request: &CountRequest) -> Result<u64> {
        let (state, allowed) = self.opened()?;
        let fields = &self.store.fields;
        let compiler = self.store.compiler(&state, Time(0));
        let bound = |time: Time| Term::from_field_i64(fields.time, time.0);
        let from = std::ops::Bound::Included(bound(request.window.from()));
        let to = std::ops::Bound::Excluded(bound(request.window.to()));
        let mut all: Vec<(Occur, Box<dyn Engine>)> = vec![(Occur::Must, Box::new(RangeQuery::new(from, to)))];
        if let Some(family) = request.family {
            all.push((Occur::Must, compiler.template(family)));
        }
        if let Some(service) = &request.service {
            all.push((Occur::Must, compiler.keyword(fields.service, service, false)));
        }
        if let Some(severity) = request.severity_at_least {
            let comparison = crate::query::Comparison::AtLeast;
            all.push((Occur::Must, compiler.compile(&Query::Level { comparison, severity })));
        }
        let query = self.within(&state, Box::new(BooleanQuery::new(all)));
        let counted = if self.grant.is_none() {
            state.searcher.search(&*query, &Count).map(|count| count as u64)
        } else {
            let gates =
                gates(&state, &allowed, &SearchOptions { window: request.window, ..SearchOptions::at(Time(0)) });
            let counter = Best { segments: state.segments.clone(), gates, limit: 0, order: Order::Time };
            state.searcher.search(&*query, &counter).map(|found| found.total)
        };
        counted.map_err(engine_error(self.store.folder()))
    }

    fn around(&self, id: RecordId, n: usize) -> Result<Vec<StoredRecord>> {
        let (state, allowed) = self.opened()?;
        let addresses = observe::neighbours(&state, &allowed, id, n).ok_or(Error::NoRecord(id))?;
        self.hits(&state, addresses)
    }

    fn templates(&self, request: &TemplatesRequest) -> Result<Vec<TemplateCount>> {
        let (state, allowed) = self.opened()?;
        Ok(observe::templates(&state, &allowed, request))
    }

    fn services(&self) -> Result<Vec<ServiceInfo>> {
        let (state, allowed) = self.opened()?;
        Ok(observe::services(&state, &allowed))
    }

    fn reach(&self) -> Result<Option<(Time, Time)>> {
        let (state, allowed) = self.opened()?;
        Ok(observe::reach(&state, &allowed))
    }

    fn totals(&self) -> Result<Totals> {
        let (state, allowed) = self.opened()?;
        if self.grant.is_none() {
            return Ok(self.store.totals_of(&state));
        }
        // What cannot be told apart by service is nobody's but the operator's.
        let summary = allowed.summary(&state);
        let templates = summary.families() as u64;
        Ok(Totals { records: summary.records, redacted: summary.redacted, templates, ..Totals::default() })
    }
}

impl Store for TantivyStore {
    fn granted<'s>(&'s self, grant: &Grant) -> Box<dyn Store + 's> {
        self.view(grant.clone())
    }

    fn search(&self, query: &Query, options: &SearchOptions) -> Result<SearchResult> {
        self.whole().search(query, options)
    }

    fn histogram(&self, query: &Query, options: &SearchOptions, bucket_seconds: u64) -> Result<Vec<u64>> {
        self.whole().histogram(query, options, bucket_seconds)
    }

    fn observe(&self, request: &ObserveRequest) -> Result<Observed> {
        self.whole().observe(request)
    }

    fn records(&self, ids: &[RecordId]) -> Result<Vec<StoredRecord>> {
        self.whole().records(ids)
    }

    fn count(&self, request: &CountRequest) -> Result<u64> {
        self.whole().count(request)
    }

    fn around(&self, id: RecordId, n: usize) -> Result<Vec<StoredRecord>> {
        self.whole().around(id, n)
    }

    fn templates(&self, request: &TemplatesRequest) -> Result<Vec<TemplateCount>> {
        self.whole().templates(request)
    }

    fn services(&self) -> Result<Vec<ServiceInfo>> {
        self.whole().services()
    }

    fn reach(&self) -> Result<Option<(Time, Time)>> {
        self.whole().reach()
    }

    fn totals(&self) -> Result<Totals> {
        self.whole().totals()
    }
}

fn gates(state: &State, allowed: &Allowed, options: &SearchOptions) -> Vec<Gate> {
    let segments = state.segments.iter().enumerate();
    let gate =
        |(segment, columns)| Gate::new(columns, options.window, options.services.as_deref(), allowed.pass(segment));
    segments.map(gate).collect()
}
