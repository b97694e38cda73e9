//! Answers from the last commit, in this process or another: each call looks at `meta.json` first.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use evidence::{Observed, RecordId, Severity, StoredRecord, TemplateId, Time};
use tantivy::query::{BooleanQuery, Occur, Query as Engine, RangeQuery};
use tantivy::schema::Value;
use tantivy::{DocAddress, Index, IndexReader, ReloadPolicy, Searcher, TantivyDocument, Term, collector::Count};

use super::collect::{Best, ByTime, Found};
use super::columns::{Columns, Gate};
use super::compile::Compiler;
use super::folder::{extend_dictionary, read_manifest};
use super::row::Body;
use super::schema::{Fields, schema, tokenizers};
use super::{META, engine_error, observe};
use crate::search::{Buckets, TotalIs};
use crate::stores::dictionary::Dictionary;
use crate::stores::manifest::Manifest;
use crate::stores::{CountRequest, ObserveRequest, ServiceInfo, Store, TemplateCount, TemplatesRequest, Totals};
use crate::{Error, Query, Result, SearchOptions, SearchResult};

/// Reads an index folder while another process, or this one, writes it.
pub struct TantivyStore {
    folder: PathBuf,
    fields: Fields,
    index: Index,
    reader: IndexReader,
    state: Mutex<Option<Arc<State>>>,
}

/// One commit, opened.
pub(super) struct State {
    stamp: Stamp,
    pub(super) searcher: Searcher,
    pub(super) segments: Arc<Vec<Columns>>,
    pub(super) dictionary: Arc<Dictionary>,
    pub(super) manifest: Manifest,
}

/// Tells one `meta.json` from the next, which is another file renamed into its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    file: u64,
    length: u64,
    modified: Option<SystemTime>,
}

impl TantivyStore {
    /// # Errors
    ///
    /// [`Error::NoIndex`] when the folder is missing or holds no index.
    pub fn open(folder: &Path) -> Result<TantivyStore> {
        if !folder.join(META).exists() {
            return Err(Error::NoIndex(folder.to_owned()));
        }
        let fails = engine_error(folder);
        let mut index = Index::open_in_dir(folder).map_err(&fails)?;
        let (expected, fields) = schema();
        if index.schema() != expected {
            return Err(Error::Layout { folder: folder.to_owned(), found: 0, known: crate::stores::manifest::LAYOUT });
        }
        index.set_tokenizers(tokenizers());
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into().map_err(&fails)?;
        let store = TantivyStore { folder: folder.to_owned(), fields, index, reader, state: Mutex::new(None) };
        store.state()?;
        Ok(store)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The newest commit.
    pub(super) fn state(&self) -> Result<Arc<State>> {
        let stamp = stamp(&self.folder.join(META))?;
        let mut held = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = held.as_ref().filter(|state| state.stamp == stamp) {
            return Ok(state.clone());
        }
        let fails = engine_error(&self.folder);
        self.reader.reload().map_err(&fails)?;
        let searcher = self.reader.searcher();
        // The manifest may be newer than the searcher by now; a dictionary that knows more does no harm.
        let manifest = read_manifest(&self.index, &self.folder)?;
        let (mut dictionary, read) = match held.as_ref() {
            Some(old) => (Arc::clone(&old.dictionary), old.manifest.templates_len),
            None => (Arc::default(), 0),
        };
        if manifest.templates_len > read {
            let known = Arc::make_mut(&mut dictionary);
            extend_dictionary(known, &self.folder, read, manifest.templates_len)?;
            known.settle();
        }
        let columns: tantivy::Result<Vec<Columns>> = searcher.segment_readers().iter().map(Columns::open).collect();
        let segments = Arc::new(columns.map_err(&fails)?);
        let state = Arc::new(State { stamp, searcher, segments, dictionary, manifest });
        *held = Some(state.clone());
        Ok(state)
    }

    fn compiler<'s>(&'s self, state: &'s State, now: Time) -> Compiler<'s> {
        Compiler { fields: &self.fields, dictionary: &state.dictionary, searcher: &state.searcher, now }
    }

    fn hit(&self, state: &State, address: DocAddress) -> Result<StoredRecord> {
        let document: TantivyDocument = state.searcher.doc(address).map_err(engine_error(&self.folder))?;
        let bytes = document.get_first(self.fields.body).and_then(|value| value.as_bytes().map(<[u8]>::to_vec));
        let body = bytes.and_then(|bytes| Body::decode(&bytes));
        let body =
            body.ok_or_else(|| Error::Damaged { folder: self.folder.clone(), what: "a stored record".into() })?;
        let columns = &state.segments[address.segment_ord as usize];
        let template_id = TemplateId(columns.template.get_val(address.doc_id) as u32);
        Ok(StoredRecord {
            id: RecordId(columns.seq.get_val(address.doc_id)),
            time: Time(columns.time.get_val(address.doc_id)),
            service: body.service,
            level: Severity::from_u8(columns.level.get_val(address.doc_id) as u8),
            host: body.host,
            environment: body.environment,
            version: body.version,
            trace: body.trace,
            span: body.span,
            template: state.dictionary.text(template_id).to_owned(),
            template_id,
            text: body.text,
            fields: body.fields,
            source: body.source,
        })
    }

    fn hits(&self, state: &State, addresses: impl IntoIterator<Item = DocAddress>) -> Result<Vec<StoredRecord>> {
        addresses.into_iter().map(|address| self.hit(state, address)).collect()
    }
}

impl Store for TantivyStore {
    fn search(&self, query: &Query, options: &SearchOptions) -> Result<SearchResult> {
        let started = Instant::now();
        let state = self.state()?;
        let compiler = self.compiler(&state, options.now);
        let gates = gates(&state, options);
        let searched_records = observe::n_let_through(&state, &gates);
        let best = Best { segments: state.segments.clone(), gates, limit: options.limit, order: options.order };
        let found = state.searcher.search(&*compiler.compile(query), &best);
        let Found { total, docs } = found.map_err(engine_error(&self.folder))?;
        let hits = self.hits(&state, docs)?;
        let took_ms = started.elapsed().as_secs_f64() * 1_000.0;
        Ok(SearchResult { total, total_is: TotalIs::Exact, took_ms, searched_records, hits })
    }

    fn histogram(&self, query: &Query, options: &SearchOptions, bucket_seconds: u64) -> Result<Vec<u64>> {
        let state = self.state()?;
        let compiler = self.compiler(&state, options.now);
        let buckets = Buckets::of(options.window, bucket_seconds);
        let by_time = ByTime { segments: state.segments.clone(), gates: gates(&state, options), buckets };
        state.searcher.search(&*compiler.compile(query), &by_time).map_err(engine_error(&self.folder))
    }

    fn observe(&self, request: &ObserveRequest) -> Result<Observed> {
        let state = self.state()?;
        Ok(observe::observe(&state, request))
    }

    fn records(&self, ids: &[RecordId]) -> Result<Vec<StoredRecord>> {
        let state = self.state()?;
        let found = observe::addresses(&state, ids);
        self.hits(&state, ids.iter().filter_map(|id| found.get(id).copied()))
    }

    fn count(&self, request: &CountRequest) -> Result<u64> {
        let state = self.state()?;
        let compiler = self.compiler(&state, Time(0));
        let bound = |time: Time| Term::from_field_i64(self.fields.time, time.0);
        let from = std::ops::Bound::Included(bound(request.window.from()));
        let to = std::ops::Bound::Excluded(bound(request.window.to()));
        let mut all: Vec<(Occur, Box<dyn Engine>)> = vec![(Occur::Must, Box::new(RangeQuery::new(from, to)))];
        if let Some(family) = request.family {
            all.push((Occur::Must, compiler.template(family)));
        }
        if let Some(service) = &request.service {
            all.push((Occur::Must, compiler.keyword(self.fields.service, service, false)));
        }
        if let Some(severity) = request.severity_at_least {
            let comparison = crate::query::Comparison::AtLeast;
            all.push((Occur::Must, compiler.compile(&Query::Level { comparison, severity })));
        }
        let counted = state.searcher.search(&BooleanQuery::new(all), &Count);
        Ok(counted.map_err(engine_error(&self.folder))? as u64)
    }

    fn around(&self, id: RecordId, n: usize) -> Result<Vec<StoredRecord>> {
        let state = self.state()?;
        let addresses = observe::neighbours(&state, id, n).ok_or(Error::NoRecord(id))?;
        self.hits(&state, addresses)
    }

    fn templates(&self, request: &TemplatesRequest) -> Result<Vec<TemplateCount>> {
        let state = self.state()?;
        Ok(observe::templates(&state, request))
    }

    fn services(&self) -> Result<Vec<ServiceInfo>> {
        let state = self.state()?;
        Ok(observe::services(&state))
    }

    fn reach(&self) -> Result<Option<(Time, Time)>> {
        Ok(self.state()?.manifest.reach())
    }

    fn totals(&self) -> Result<Totals> {
        let state = self.state()?;
        let mut index_bytes = 0;
        if let Ok(entries) = std::fs::read_dir(&self.folder) {
            index_bytes = entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|meta| meta.len()).sum();
        }
        Ok(Totals {
            records: state.searcher.num_docs(),
            templates: state.dictionary.len() as u64,
            redacted: state.manifest.redacted,
            malformed: state.manifest.malformed,
            truncated: state.manifest.truncated,
            index_bytes,
        })
    }
}

impl std::fmt::Debug for TantivyStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TantivyStore").field("folder", &self.folder).finish_non_exhaustive()
    }
}

fn stamp(path: &Path) -> Result<Stamp> {
    let meta = std::fs::metadata(path).map_err(|error| Error::file("read", path, error))?;
    #[cfg(unix)]
    let file = std::os::unix::fs::MetadataExt::ino(&meta);
    #[cfg(not(unix))]
    let file = 0;
    Ok(Stamp { file, length: meta.len(), modified: meta.modified().ok() })
}

/// What may be seen of each segment.
fn gates(state: &State, options: &SearchOptions) -> Vec<Gate> {
    let gate = |columns: &Columns| Gate::new(columns, options.window, options.services.as_deref());
    state.segments.iter().map(gate).collect()
}
