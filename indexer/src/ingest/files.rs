//! Reads files and streams from where the index knows them, and remembers how far they are in it.

use std::path::Path;
use std::time::{Duration, Instant};

use evidence::Time;

use super::feed::Feed;
use super::notes::Oddity;
use super::report::{Pace, Progress, Report};
use super::{Ingest, IngestOptions};
use crate::follow::IDLE;
use crate::sources::file::{self, Outcome, Reader};
use crate::sources::lines::Line;
use crate::sources::{Position, Problem};
use crate::{Error, Result};

/// A run over many files is committed this often, so that an interruption costs little.
const COMMIT_EVERY: Duration = Duration::from_secs(15);

#[derive(Clone, Copy)]
pub(super) struct Mode {
    pub(super) is_asked_for: bool,
    pub(super) last: Last,
}

/// What becomes of an unfinished last line, and of a trace that may go on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    /// Another look will come.
    Left,
    /// It rested already.
    Taken,
    /// Nobody will look again soon, so it is taken once its file has rested for [`IDLE`], as [`Follow`](crate::Follow) does.
    Awaited,
}

/// A file that is written all the time is not waited for any longer.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(50);

enum End {
    Reached,
    Paused,
}

impl Ingest {
    pub(super) fn index_file(
        &mut self,
        path: &Path,
        mode: Mode,
        options: &IngestOptions,
        now: Time,
        pace: &mut Pace,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<()> {
        let shown = path.display().to_string();
        let mut opened = match file::open(path, &self.writer.manifest().positions) {
            Ok(Outcome::Opened(opened)) => opened,
            Ok(Outcome::Empty) => {
                self.report.files += 1;
                self.note(Oddity::Empty, &shown, 0);
                return Ok(());
            }
            Ok(Outcome::Binary(kind)) => {
                let message = format!("skipped `{shown}`: it is {kind}. Give text, or a .gz or .zst of it");
                self.problem(&shown, message, mode.is_asked_for);
                return Ok(());
            }
            Err(error) => {
                let message = match error.kind() {
                    std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::NotFound => {
                        Error::file("read", path, error).to_string()
                    }
                    _ => stopped(&shown, &error),
                };
                self.problem(&shown, message, true);
                return Ok(());
            }
        };
        self.report.files += 1;
        if opened.was_cut {
            self.report.cut_files += 1;
            self.writer.manifest_mut().cut_files += 1;
        }
        let seen = opened.modified.unwrap_or(now).min(now);
        let mut feed = Feed::new(path, None, options, seen);
        let known = opened.known.map(|at| self.writer.manifest().positions[at].clone());
        let before = known.as_ref().and_then(|known| known.last_time);
        feed.last_time = before;
        feed.has_grown = known.is_some();
        let slot = self.slot_for(&shown, opened.known, opened.file_number);
        let mut patience = None;
        loop {
            let until = Instant::now() + COMMIT_EVERY;
            match self.read_some(&mut opened.lines, &mut feed, true, until, pace, progress)? {
                Ok(End::Paused) => {
                    self.keep_position(slot, &opened.lines, &feed, opened.file_number);
                    self.commit()?;
                    continue;
                }
                Ok(End::Reached) => {
                    let may_grow = mode.last == Last::Awaited && opened.may_grow && opened.lines.is_amid_line();
                    let is_fresh = may_grow && was_changed_within(path, IDLE);
                    if is_fresh && Instant::now() < *patience.get_or_insert_with(|| Instant::now() + PATIENCE) {
                        std::thread::sleep(LOOK_EVERY);
                        continue;
                    }
                    if is_fresh {
                        self.problem(&shown, still_written(&shown), false);
                    } else if mode.last != Last::Left {
                        self.take_rest(&mut opened.lines, &mut feed)?;
                    }
                }
                Err(error) => {
                    self.flush(&mut feed)?;
                    self.problem(&shown, cut_off(&shown, &error, &opened.lines, &feed), true);
                }
            }
            break;
        }
        self.note_oddities(&feed, before, opened.may_grow);
        self.keep_position(slot, &opened.lines, &feed, opened.file_number);
        if pace.committed.elapsed() > COMMIT_EVERY {
            self.commit()?;
            pace.committed = Instant::now();
        }
        Ok(())
    }

    /// Reads what is new in a file that may still grow: whole lines only, until it `is_idle`.
    pub(crate) fn follow_file(
        &mut self,
        path: &Path,
        options: &IngestOptions,
        now: Time,
        is_idle: bool,
    ) -> Result<(u64, Vec<Problem>)> {
        self.report = Report::default();
        let mut pace = Pace::new(Instant::now(), 0);
        let mode = Mode { is_asked_for: true, last: if is_idle { Last::Taken } else { Last::Left } };
        self.index_file(path, mode, options, now, &mut pace, &mut |_| {})?;
        Ok((self.report.records, std::mem::take(&mut self.report.problems)))
    }

    /// The place of this content in the list of positions. A copy under another name gets a place of its own.
    fn slot_for(&mut self, path: &str, known: Option<usize>, file_number: u64) -> usize {
        let positions = &mut self.writer.manifest_mut().positions;
        if let Some(at) = known {
            let old = &positions[at];
            if old.path == path || old.file_number == file_number {
                return at;
            }
            let copy = Position { path: path.to_owned(), file_number, ..old.clone() };
            positions.push(copy);
        } else {
            positions.push(Position { path: path.to_owned(), file_number, ..Position::default() });
        }
        positions.len() - 1
    }

    /// Notes how far the source is in the store, which is before what the joiner still holds.
    fn keep_position(&mut self, slot: usize, lines: &Reader, feed: &Feed, file_number: u64) {
        let offset = feed.joiner.open_from().unwrap_or(lines.offset());
        let Some(tail) = lines.tail(offset) else { return };
        let head = lines.head(offset);
        let position = &mut self.writer.manifest_mut().positions[slot];
        position.head = head;
        position.path.clone_from(&feed.path);
        position.offset = offset;
        position.tail = tail;
        position.file_number = file_number;
        position.last_time = feed.last_time;
    }

    pub(super) fn read_all(
        &mut self,
        lines: &mut Reader,
        feed: &mut Feed,
        pace: &mut Pace,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<std::io::Result<()>> {
        loop {
            let until = Instant::now() + COMMIT_EVERY;
            match self.read_some(lines, feed, false, until, pace, progress)? {
                Ok(End::Paused) => self.commit()?,
                Ok(End::Reached) => return Ok(Ok(())),
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// Reads until the end or the given instant. The outer error is the store's, the inner one the source's.
    fn read_some(
        &mut self,
        lines: &mut Reader,
        feed: &mut Feed,
        only_whole: bool,
        until: Instant,
        pace: &mut Pace,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<std::io::Result<End>> {
        let mut n_lines = 0_u32;
        loop {
            let before = lines.offset();
            let line = match lines.next(only_whole) {
                Ok(Some(line)) => line,
                Ok(None) => return Ok(Ok(End::Reached)),
                Err(error) => return Ok(Err(error)),
            };
            self.take_line(line, feed)?;
            let n_bytes = lines.offset() - before;
            self.report.bytes += n_bytes;
            pace.bytes_done += n_bytes;
            n_lines += 1;
            if n_lines.is_multiple_of(1_000) {
                pace.show(self.report.records, progress);
                if Instant::now() > until {
                    return Ok(Ok(End::Paused));
                }
            }
        }
    }

    /// Takes the unfinished last line as it stands, and the entry that it ends.
    fn take_rest(&mut self, lines: &mut Reader, feed: &mut Feed) -> Result<()> {
        if let Some(line) = lines.rest() {
            let n_bytes = line.text.len() as u64;
            self.take_line(line, feed)?;
            self.report.bytes += n_bytes;
        }
        self.flush(feed)
    }

    fn take_line(&mut self, line: Line<'_>, feed: &mut Feed) -> Result<()> {
        feed.counted.line(&line);
        if line.truncated {
            self.report.truncated += 1;
            self.writer.manifest_mut().truncated += 1;
        }
        let mut entries = std::mem::take(&mut self.batch);
        feed.joiner.push(line.offset, &line.text, &feed.context, &mut entries);
        feed.is_busy = true;
        for entry in entries.drain(..) {
            self.store(entry, feed)?;
        }
        self.batch = entries;
        Ok(())
    }

    /// Hands on what the joiner holds, because the source ended or is quiet.
    pub(super) fn flush(&mut self, feed: &mut Feed) -> Result<()> {
        let mut entries = std::mem::take(&mut self.batch);
        feed.joiner.flush(&feed.context, &mut entries);
        for entry in entries.drain(..) {
            self.store(entry, feed)?;
        }
        self.batch = entries;
        Ok(())
    }
}

fn was_changed_within(path: &Path, time: Duration) -> bool {
    let changed = std::fs::metadata(path).and_then(|meta| meta.modified());
    changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|since| since < time))
}

fn still_written(shown: &str) -> String {
    format!("`{shown}` is being written: its unfinished last line is left for the next run. Run the same command again")
}

/// Says up to where a source was read before it broke, which is kept.
pub(super) fn cut_off(shown: &str, error: &std::io::Error, lines: &Reader, feed: &Feed) -> String {
    if lines.offset() == 0 {
        return stopped(shown, error);
    }
    let last = feed.last_time.map_or(String::new(), |time| format!(", to {time}"));
    let n_bytes = lines.offset();
    let what = match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "it ends in the middle".to_owned(),
        _ => error.to_string(),
    };
    format!(
        "`{shown}` was read in part: its first {n_bytes} bytes of text are indexed{last}, then {what}. \
         Get the whole file and run the same command again: only what is missing will be added"
    )
}

/// Nothing of a source could be read.
pub(super) fn stopped(shown: &str, error: &std::io::Error) -> String {
    format!("cannot read `{shown}`: {error}. Check it and run the same command again")
}
