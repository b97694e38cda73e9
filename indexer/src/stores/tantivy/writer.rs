//! The one process that adds records. Nothing is acknowledged before [`Writer::commit`] returns.
//!
//! Order of a commit: template log synced, then tantivy's commit with the manifest as payload, then the directory
//! synced. After a failed commit only opening the folder again continues, because the engine may have kept parts.

use std::fs::File;
use std::io::Write;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use evidence::{Record, RecordId, TemplateId};
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::query::RangeQuery;
use tantivy::{Directory, Index, IndexWriter, Term};

use super::folder::{open_log, read_manifest, take_lock};
use super::row::{Place, Queue, Row};
use super::schema::{Fields, schema, settings, tokenizers};
use super::{LOG, META, TantivyStore, engine_error};
use crate::stores::dictionary::{Dictionary, Line};
use crate::stores::manifest::{Clock, LAYOUT, Manifest};
use crate::{Error, Result};

/// Half a gigabyte gains nothing over this; both were measured.
pub(super) const MEMORY_BYTES: usize = 64 << 20;

pub struct Writer {
    folder: PathBuf,
    fields: Fields,
    /// `None` only while it is taken apart.
    inner: Option<IndexWriter<Row>>,
    queue: Queue,
    manifest: Manifest,
    dictionary: Dictionary,
    log: File,
    /// Lines for the template log that the next commit writes.
    new_lines: Vec<u8>,
    /// Templates whose first time was lowered since the last commit.
    seen: Vec<u32>,
    is_seen: Vec<bool>,
    failed: bool,
    _lock: File,
}

impl Writer {
    /// Opens or creates the index in `folder` and takes away what an interrupted run left.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] while another process writes it.
    pub fn open(folder: &Path) -> Result<Writer> {
        std::fs::create_dir_all(folder).map_err(|error| Error::file("create", folder, error))?;
        let lock = take_lock(folder)?;
        let (schema, fields) = schema();
        let fails = engine_error(folder);
        let index = if folder.join(META).exists() {
            let mut index = Index::open_in_dir(folder).map_err(&fails)?;
            if index.schema() != schema {
                return Err(Error::Layout { folder: folder.to_owned(), found: 0, known: LAYOUT });
            }
            index.set_tokenizers(tokenizers());
            index
        } else {
            let builder = Index::builder().schema(schema).settings(settings()).tokenizers(tokenizers());
            builder.create_in_dir(folder).map_err(&fails)?
        };
        let manifest = read_manifest(&index, folder)?;
        let (log, dictionary) = open_log(folder, &manifest)?;
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .num_merge_threads(1)
            .memory_budget_per_thread(MEMORY_BYTES)
            .build();
        let inner: IndexWriter<Row> = index.writer_with_options(options).map_err(&fails)?;
        inner.set_merge_policy(Box::new(merge_policy()));
        let n_templates = dictionary.len();
        let mut writer = Writer {
            folder: folder.to_owned(),
            fields,
            inner: Some(inner),
            queue: Queue::default(),
            manifest,
            dictionary,
            log,
            new_lines: Vec::new(),
            seen: Vec::new(),
            is_seen: vec![false; n_templates],
            failed: false,
            _lock: lock,
        };
        writer.remove_uncommitted()?;
        Ok(writer)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the next commit will say.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    pub(crate) fn manifest_mut(&mut self) -> &mut Manifest {
        &mut self.manifest
    }

    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// A reader over what is committed, now and later.
    pub fn store(&self) -> Result<TantivyStore> {
        TantivyStore::open(&self.folder)
    }

    /// Makes the next template of the dictionary durable with the next commit.
    pub fn add_template(&mut self, id: TemplateId, text: &str, shape: &str, replaces: &[TemplateId]) -> Result<()> {
        let replaces: Vec<u32> = replaces.iter().map(|old| old.0).collect();
        self.dictionary.add(id.0, text.to_owned(), shape.to_owned(), &replaces).map_err(|what| self.damaged(what))?;
        self.is_seen.push(false);
        self.log_line(&Line::Template { id: id.0, text: text.to_owned(), shape: shape.to_owned(), replaces });
        Ok(())
    }

    /// Adds one record, which searchers see after the next commit.
    ///
    /// `path` is the place of the record's source in the manifest's list; `clock` says whether its time may move
    /// the reach of the index.
    pub fn add(&mut self, record: Record, template: TemplateId, n_redacted: u32, clock: Clock) -> Result<RecordId> {
        if self.failed {
            return Err(self.broken());
        }
        let seq = self.manifest.next_seq;
        let time = record.time.0;
        if self.dictionary.see(template.0, time)
            && let Some(is_seen) = self.is_seen.get_mut(template.0 as usize)
            && !std::mem::replace(is_seen, true)
        {
            self.seen.push(template.0);
        }
        let source = self.path_number(&record.source.path);
        let place = Place { seq, template: template.0, redacted: n_redacted, source };
        let row = Row::new(record, &place, &self.fields, &self.queue);
        if let Err(error) = self.inner()?.add_document(row) {
            self.failed = true;
            return Err(engine_error(&self.folder)(error));
        }
        self.manifest.next_seq += 1;
        self.manifest.redacted += u64::from(n_redacted);
        self.manifest.extend_reach(time, clock);
        Ok(RecordId(seq))
    }

    /// Makes everything added so far durable and visible, in one step.
    pub fn commit(&mut self) -> Result<()> {
        if self.failed {
            return Err(self.broken());
        }
        self.failed = true;
        let seen: Vec<(u32, i64)> =
            std::mem::take(&mut self.seen).into_iter().map(|id| (id, self.dictionary.first_seen(id))).collect();
        for (id, _) in &seen {
            self.is_seen[*id as usize] = false;
        }
        if !seen.is_empty() {
            self.log_line(&Line::Seen(seen));
        }
        if !self.new_lines.is_empty() {
            let path = self.folder.join(LOG);
            self.log.write_all(&self.new_lines).map_err(|error| Error::file("write", &path, error))?;
            self.log.sync_data().map_err(|error| Error::file("write", &path, error))?;
            self.manifest.templates_len += self.new_lines.len() as u64;
            self.new_lines.clear();
        }
        let payload = serde_json::to_string(&self.manifest).map_err(|error| self.damaged(error.to_string()))?;
        let fails = engine_error(&self.folder);
        let inner = self.inner.as_mut().ok_or_else(|| fails(tantivy::TantivyError::SystemError("closed".into())))?;
        let mut prepared = inner.prepare_commit().map_err(&fails)?;
        prepared.set_payload(&payload);
        prepared.commit().map_err(&fails)?;
        inner.index().directory().sync_directory().map_err(|error| Error::file("sync", &self.folder, error))?;
        self.failed = false;
        Ok(())
    }

    /// Commits and waits until segments are merged; for a program that is about to end.
    pub fn finish(mut self) -> Result<()> {
        self.commit()?;
        let merged = self.inner.take().map_or(Ok(()), IndexWriter::wait_merging_threads);
        merged.map_err(engine_error(&self.folder))
    }

    fn path_number(&mut self, path: &str) -> u64 {
        // Records of one source come in runs, so looking from the end finds most at once.
        let paths = &mut self.manifest.paths;
        if let Some(at) = paths.iter().rposition(|known| known == path) {
            return at as u64;
        }
        paths.push(path.to_owned());
        paths.len() as u64 - 1
    }

    fn log_line(&mut self, line: &Line) {
        serde_json::to_writer(&mut self.new_lines, line).expect("writing plain data to memory cannot fail");
        self.new_lines.push(b'\n');
    }

    /// A failed commit may have left documents under the payload of the one before.
    fn remove_uncommitted(&mut self) -> Result<()> {
        let next = self.manifest.next_seq;
        let left = {
            let fails = engine_error(&self.folder);
            let searcher = self.inner()?.index().reader().map_err(&fails)?.searcher();
            let mut highest = None;
            for segment in searcher.segment_readers() {
                let seq = segment.fast_fields().u64("seq").map_err(&fails)?;
                highest = highest.max(Some(seq.max_value()).filter(|_| segment.max_doc() > 0));
            }
            highest.is_some_and(|highest| highest >= next)
        };
        if !left {
            return Ok(());
        }
        tracing::warn!(folder = %self.folder.display(), "removing records of a commit that did not finish");
        let from = Term::from_field_u64(self.fields.seq, next);
        let query = RangeQuery::new(Bound::Included(from), Bound::Unbounded);
        self.inner()?.delete_query(Box::new(query)).map_err(engine_error(&self.folder))?;
        self.commit()
    }

    fn inner(&self) -> Result<&IndexWriter<Row>> {
        self.inner.as_ref().ok_or_else(|| self.broken())
    }

    fn broken(&self) -> Error {
        let what = "an earlier write failed".to_owned();
        Error::Engine { folder: self.folder.clone(), what }
    }

    fn damaged(&self, what: String) -> Error {
        Error::Damaged { folder: self.folder.clone(), what }
    }
}

/// A merge that ends after this would write `meta.json` beside whoever opens the folder next.
impl Drop for Writer {
    fn drop(&mut self) {
        let merged = self.inner.take().map_or(Ok(()), IndexWriter::wait_merging_threads);
        // After a failed write its error was said already.
        if let Err(error) = merged.map_err(engine_error(&self.folder))
            && !self.failed
        {
            tracing::warn!("small parts of the index were not merged: {error}");
        }
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// A commit a second makes tiny segments: eight of them make one, and large ones are left alone.
fn merge_policy() -> LogMergePolicy {
    let mut policy = LogMergePolicy::default();
    policy.set_min_num_segments(8);
    policy.set_min_layer_size(5_000);
    policy.set_max_docs_before_merge(2_000_000);
    policy.set_del_docs_ratio_before_merge(0.5);
    policy
}
