//! Tails files as they grow: each round opens what matches, reads whole new lines, and commits.
//!
//! The operating system only says "look again"; what is new is always decided by positions, so a missed or doubled
//! event costs nothing, and rounds happen without any event too.

use std::collections::HashMap;
use std::os::unix::fs::{DirEntryExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use evidence::Time;
use globset::{Glob, GlobMatcher};
use notify::{RecursiveMode, Watcher};

use crate::sources::Problem;
use crate::{Error, Ingest, IngestOptions, Result};

/// A round at least this often, for file systems that send no events.
const POLL: Duration = Duration::from_secs(1);
/// At most one round in this time, however many events come.
const SETTLE: Duration = Duration::from_millis(200);
/// A file that was renamed away is followed this long on: its writer may not have opened the new one yet.
const ROTATED: Duration = Duration::from_secs(60);
/// An unfinished last line counts as finished when its file has not changed for this long.
pub const IDLE: Duration = Duration::from_secs(2);

/// Files to follow: paths, folders or globs, and how their lines are read.
#[derive(Clone, Debug)]
pub struct Followed {
    pub pattern: String,
    pub options: IngestOptions,
}

/// What one round found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    pub records: u64,
    pub files: u64,
    /// Said once per file and message, not every round.
    pub problems: Vec<Problem>,
}

pub struct Follow {
    sources: Vec<Source>,
    /// Length and time of change at the last look; a file that has not changed is not opened.
    looked: HashMap<PathBuf, Look>,
    /// Files that were renamed to what no pattern matches, with the index of their source, and until when they are read.
    rotated: Vec<(PathBuf, usize, Instant)>,
    said: HashMap<String, String>,
    events: Option<(notify::RecommendedWatcher, Receiver<()>)>,
}

/// The files that a path, folder or glob stands for now.
///
/// # Errors
///
/// [`Error::Pattern`] when it is no glob.
pub fn files_matching(pattern: &str) -> Result<Vec<PathBuf>> {
    let followed = Followed { pattern: pattern.to_owned(), options: IngestOptions::default() };
    Ok(Source::new(&followed)?.files())
}

struct Source {
    /// Where the pattern's wildcards begin.
    base: PathBuf,
    matcher: Option<GlobMatcher>,
    options: IngestOptions,
}

struct Look {
    source: usize,
    file_number: u64,
    length: u64,
    modified: Option<std::time::SystemTime>,
    changed: Instant,
    /// Whether an unfinished last line, or a trace that may go on, was left for later.
    is_waiting: bool,
}

impl Follow {
    /// # Errors
    ///
    /// [`Error::Pattern`] when a pattern is no glob.
    pub fn new(followed: &[Followed]) -> Result<Follow> {
        let sources: Vec<Source> = followed.iter().map(Source::new).collect::<Result<_>>()?;
        let (send, events) = channel();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !event.kind.is_access()) {
                // The receiver is gone only when the follower is.
                let _ = send.send(());
            }
        });
        let events = watcher.ok().map(|mut watcher| {
            for source in &sources {
                let folder = source.base.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("."));
                if let Err(error) = watcher.watch(folder, RecursiveMode::Recursive) {
                    tracing::info!(folder = %folder.display(), "looking every second, because watching failed: {error}");
                }
            }
            (watcher, events)
        });
        Ok(Follow { sources, looked: HashMap::new(), rotated: Vec::new(), said: HashMap::new(), events })
    }

    /// Waits until something may have changed, at most a second.
    pub fn wait(&self) {
        let Some((_, events)) = &self.events else {
            return std::thread::sleep(POLL);
        };
        match events.recv_timeout(POLL) {
            Ok(()) => std::thread::sleep(SETTLE),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(POLL),
        }
        while events.try_recv().is_ok() {}
    }

    /// Reads what is new and commits it.
    ///
    /// # Errors
    ///
    /// Only the store's; a file that cannot be read is a problem of the round.
    pub fn round(&mut self, ingest: &mut Ingest, now: Time) -> Result<Round> {
        let mut round = Round::default();
        self.find_rotated();
        for (source_idx, source) in self.sources.iter().enumerate() {
            let mut paths: Vec<PathBuf> =
                self.rotated.iter().filter(|(_, of, _)| *of == source_idx).map(|(path, ..)| path.clone()).collect();
            paths.extend(source.files());
            paths.dedup();
            for path in paths {
                let Ok(meta) = std::fs::metadata(&path) else { continue };
                let modified = meta.modified().ok();
                let look = self.looked.entry(path.clone()).or_insert_with(|| Look {
                    source: source_idx,
                    file_number: 0,
                    length: 0,
                    modified: None,
                    changed: Instant::now(),
                    is_waiting: true,
                });
                let file_number = meta.ino();
                let is_changed =
                    look.length != meta.len() || look.modified != modified || look.file_number != file_number;
                if is_changed {
                    look.changed = Instant::now();
                }
                let is_idle = look.changed.elapsed() >= IDLE;
                let is_due = is_changed || (look.is_waiting && is_idle);
                if !is_due {
                    continue;
                }
                look.file_number = file_number;
                look.length = meta.len();
                look.modified = modified;
                look.is_waiting = !is_idle;
                round.files += 1;
                let (records, problems) = ingest.follow_file(&path, &source.options, now, is_idle)?;
                round.records += records;
                for problem in problems {
                    let before = self.said.insert(problem.path.clone(), problem.message.clone());
                    if before.as_ref() != Some(&problem.message) {
                        round.problems.push(problem);
                    }
                }
            }
        }
        self.looked.retain(|path, _| path.exists());
        self.rotated.retain(|(path, _, until)| path.exists() && Instant::now() < *until);
        if round.records > 0 || ingest.has_uncommitted() {
            ingest.commit()?;
        }
        Ok(round)
    }

    /// A name that now stands for another file, or for none, was rotated: what the old file got last is under its new name.
    fn find_rotated(&mut self) {
        for (path, look) in &self.looked {
            let is_same = std::fs::metadata(path).is_ok_and(|meta| meta.ino() == look.file_number);
            if is_same || look.file_number == 0 {
                continue;
            }
            let Some(Ok(entries)) = path.parent().map(std::fs::read_dir) else { continue };
            let old = entries.flatten().find(|entry| entry.ino() == look.file_number).map(|entry| entry.path());
            if let Some(old) = old.filter(|old| !self.rotated.iter().any(|(known, ..)| known == old)) {
                self.rotated.push((old, look.source, Instant::now() + ROTATED));
            }
        }
    }
}

impl Source {
    fn new(followed: &Followed) -> Result<Source> {
        let pattern = &followed.pattern;
        let path = Path::new(pattern);
        let is_glob = |part: &std::ffi::OsStr| part.to_string_lossy().contains(['*', '?', '[', '{']);
        let base: PathBuf = path.iter().take_while(|part| !is_glob(part)).collect();
        let matcher = if base == path {
            None
        } else {
            let glob = Glob::new(pattern);
            let glob =
                glob.map_err(|error| Error::Pattern { pattern: pattern.clone(), why: error.kind().to_string() })?;
            Some(glob.compile_matcher())
        };
        Ok(Source { base, matcher, options: followed.options.clone() })
    }

    fn files(&self) -> Vec<PathBuf> {
        if self.matcher.is_none() && !self.base.is_dir() {
            return vec![self.base.clone()];
        }
        let base = if self.base.as_os_str().is_empty() { Path::new(".") } else { &self.base };
        let (files, _) = crate::sources::files_under(&[base.to_path_buf()]);
        let is_match = |path: &PathBuf| {
            let path = path.strip_prefix("./").unwrap_or(path);
            self.matcher.as_ref().is_none_or(|matcher| matcher.is_match(path))
        };
        files.into_iter().filter(is_match).collect()
    }
}

impl std::fmt::Debug for Follow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follow").field("files", &self.looked.len()).finish_non_exhaustive()
    }
}
