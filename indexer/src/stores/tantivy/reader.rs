//! The last commit, of this process or another, opened: each call looks at `meta.json` first.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use evidence::{Grant, RecordId, Severity, StoredRecord, TemplateId, Time};
use tantivy::schema::Value;
use tantivy::{DocAddress, Index, IndexReader, ReloadPolicy, Searcher, TantivyDocument};

use super::allowed::{Allowed, Filters};
use super::columns::Columns;
use super::compile::Compiler;
use super::folder::{extend_dictionary, read_manifest};
use super::row::Body;
use super::schema::{Fields, schema, tokenizers};
use super::view::View;
use super::{META, engine_error};
use crate::stores::dictionary::Dictionary;
use crate::stores::manifest::Manifest;
use crate::stores::{Store, Totals};
use crate::{Error, Result};

/// Reads an index folder while another process, or this one, writes it.
pub struct TantivyStore {
    folder: PathBuf,
    pub(super) fields: Fields,
    index: Index,
    reader: IndexReader,
    state: Mutex<Option<Arc<State>>>,
    pub(super) filters: Filters,
    /// What was worked out for the grants of the newest commit.
    allowed: Mutex<Worked>,
}

/// What was worked out for grants, of the commit with this stamp.
#[derive(Default)]
struct Worked {
    stamp: Option<Stamp>,
    by_grant: HashMap<Grant, Arc<Allowed>>,
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
        let store = TantivyStore {
            folder: folder.to_owned(),
            fields,
            index,
            reader,
            state: Mutex::new(None),
            filters: Filters::BOTH,
            allowed: Mutex::default(),
        };
        store.state()?;
        Ok(store)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The same store with one of the filters of a grant turned off, to show that the other suffices. For tests.
    #[must_use]
    pub fn with_filters(self, filters: Filters) -> TantivyStore {
        TantivyStore { filters, ..self }
    }

    pub(super) fn whole(&self) -> View<'_> {
        View { store: self, grant: None }
    }

    pub(super) fn view(&self, grant: Grant) -> Box<dyn Store + '_> {
        let grant = (!grant.is_everything()).then_some(grant);
        Box::new(View { store: self, grant })
    }

    pub(super) fn allowed(&self, state: &State, grant: &Grant) -> Result<Arc<Allowed>> {
        const MOST: usize = 64;
        let known = |worked: &Worked| {
            let is_of_this = worked.stamp == Some(state.stamp);
            worked.by_grant.get(grant).filter(|_| is_of_this).cloned()
        };
        if let Some(allowed) = known(&self.allowed.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(allowed);
        }
        let query = self.compiler(state, Time(0)).within(grant);
        let allowed = Allowed::new(state, grant, &*query, self.fields.environment, self.filters);
        let allowed = Arc::new(allowed.map_err(engine_error(&self.folder))?);
        let mut worked = self.allowed.lock().unwrap_or_else(PoisonError::into_inner);
        if worked.stamp != Some(state.stamp) || worked.by_grant.len() >= MOST {
            *worked = Worked { stamp: Some(state.stamp), by_grant: HashMap::new() };
        }
        worked.by_grant.insert(grant.clone(), Arc::clone(&allowed));
        Ok(allowed)
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

    pub(super) fn compiler<'s>(&'s self, state: &'s State, now: Time) -> Compiler<'s> {
        Compiler { fields: &self.fields, dictionary: &state.dictionary, searcher: &state.searcher, now }
    }

    pub(super) fn hit(&self, state: &State, address: DocAddress) -> Result<StoredRecord> {
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

    pub(super) fn totals_of(&self, state: &State) -> Totals {
        let mut index_bytes = 0;
        if let Ok(entries) = std::fs::read_dir(&self.folder) {
            index_bytes = entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|meta| meta.len()).sum();
        }
        Totals {
            records: state.searcher.num_docs(),
            templates: state.dictionary.len() as u64,
            redacted: state.manifest.redacted,
            malformed: state.manifest.malformed,
            truncated: state.manifest.truncated,
            index_bytes,
        }
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
