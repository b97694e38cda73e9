//! The pipeline: lines → format → multiline → redact → mine → store, and one commit that moves positions with records.
//!
//! Reading, parsing and mining run on the caller's thread, indexing on the engine's, with a byte-bounded queue between.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use evidence::{Redactor, Time};
use jiff::tz::TimeZone;
use regex::Regex;

use crate::formats::Detector;
use crate::mine::{Limits, Miner, SavedTemplate};
use crate::multiline::Entry;
use crate::sources::{Position, Problem, file, files_under};
use crate::stores::Writer;
use crate::{Result, Store};

mod feed;
mod files;
mod notes;
mod pushed;
mod record;
mod report;

use feed::Feed;
use files::{Last, Mode, cut_off, stopped};
pub use notes::{Note, Oddity};
use report::Pace;
pub use report::{Progress, Report};

/// How lines are read; the same for every source of one run.
#[derive(Clone, Debug)]
pub struct IngestOptions {
    /// Overrides what records and paths say.
    pub service: Option<String>,
    /// Applied to the path; the first group, or the whole match, names the service.
    pub service_from: Option<Regex>,
    pub detector: Detector,
    /// Of times that name no zone.
    pub zone: TimeZone,
}

impl Default for IngestOptions {
    fn default() -> IngestOptions {
        IngestOptions { service: None, service_from: None, detector: Detector::auto(), zone: TimeZone::UTC }
    }
}

/// Everything between a source and the store.
pub struct Ingest {
    writer: Writer,
    redactor: Redactor,
    miner: Miner,
    pushed: HashMap<String, Feed>,
    report: Report,
    batch: Vec<Entry>,
}

impl Ingest {
    pub fn new(writer: Writer, redactor: Redactor) -> Ingest {
        let saved = writer.dictionary().iter().map(|saved| SavedTemplate {
            id: saved.id,
            text: saved.text.to_owned(),
            shape: saved.shape.to_owned(),
            replaces: saved.replaces,
        });
        let miner = Miner::restore(Limits::default(), saved);
        Ingest { writer, redactor, miner, pushed: HashMap::new(), report: Report::default(), batch: Vec::new() }
    }

    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Reads files and folders to their ends. What cannot be read is reported and does not stop the rest.
    ///
    /// # Errors
    ///
    /// Only what the store cannot do, such as writing to a full disk; what was committed until then stays.
    pub fn index(
        &mut self,
        paths: &[PathBuf],
        options: &IngestOptions,
        now: Time,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Report> {
        let started = Instant::now();
        self.report = Report::default();
        let (files, problems) = files_under(paths);
        self.report.problems = problems;
        let sizes = files.iter().map(|file| std::fs::metadata(file).map_or(0, |meta| meta.len()));
        let mut pace = Pace::new(started, sizes.sum());
        for path in &files {
            let mode = Mode { is_asked_for: paths.contains(path), last: Last::Awaited };
            self.index_file(path, mode, options, now, &mut pace, progress)?;
        }
        self.commit()?;
        self.finish_report(started, pace, progress)
    }

    /// Reads a stream such as standard input to its end.
    pub fn index_stream(
        &mut self,
        name: &str,
        input: impl std::io::Read + Send + 'static,
        options: &IngestOptions,
        now: Time,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Report> {
        let started = Instant::now();
        self.report = Report::default();
        let mut pace = Pace::new(started, 0);
        match file::stream(input) {
            Ok(Ok(mut lines)) => {
                let default = Some("stdin".to_owned()).filter(|_| options.service.is_none());
                let mut feed = Feed::new(Path::new(name), default, options, now);
                self.report.files = 1;
                if let Err(error) = self.read_all(&mut lines, &mut feed, &mut pace, progress)? {
                    self.problem(name, cut_off(name, &error, &lines, &feed), true);
                }
                self.flush(&mut feed)?;
                self.note_oddities(&feed, None, false);
            }
            Ok(Err(kind)) => self.problem(name, format!("`{name}` is {kind}: give text, or a .gz or .zst of it"), true),
            Err(error) => self.problem(name, stopped(name, &error), true),
        }
        self.commit()?;
        self.finish_report(started, pace, progress)
    }

    /// Makes everything handed over durable and visible.
    pub fn commit(&mut self) -> Result<()> {
        let mut pushed = std::mem::take(&mut self.pushed);
        for feed in pushed.values_mut() {
            if !std::mem::take(&mut feed.is_busy) {
                self.flush(feed)?;
            }
            let offset = feed.joiner.open_from().unwrap_or(feed.next_offset);
            let positions = &mut self.writer.manifest_mut().positions;
            match positions.iter_mut().find(|known| known.path == feed.path) {
                Some(known) => known.offset = offset,
                None => positions.push(Position { path: feed.path.clone(), offset, ..Position::default() }),
            }
        }
        self.pushed = pushed;
        self.writer.commit()
    }

    /// Commits and waits for merges; for a program that is about to end.
    pub fn finish(mut self) -> Result<()> {
        self.commit()?;
        self.writer.finish()
    }

    fn problem(&mut self, path: &str, message: String, is_error: bool) {
        self.report.problems.push(Problem { path: path.to_owned(), message, is_error });
    }

    fn finish_report(
        &mut self,
        started: Instant,
        mut pace: Pace,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Report> {
        pace.shown = None;
        pace.show(self.report.records, progress);
        let mut report = std::mem::take(&mut self.report);
        report.seconds = started.elapsed().as_secs_f64();
        report.records_per_second = report.records as f64 / report.seconds.max(1e-9);
        report.templates = self.miner.len() as u64;
        report.index_bytes = self.writer.store()?.totals()?.index_bytes;
        Ok(report)
    }
}
