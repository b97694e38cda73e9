//! The thread that follows the configured files and owns the index's writer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use indexer::follow::{Follow, Followed};
use indexer::formats::Detector;
use indexer::{Ingest, IngestOptions};
use jiff::tz::TimeZone;

use crate::config::Source;
use crate::setup::now;

/// What is wrong with the sources now, in sentences.
pub type Ailments = Arc<Mutex<Vec<String>>>;

pub struct Following {
    thread: std::thread::JoinHandle<indexer::Result<()>>,
    pub ailments: Ailments,
}

/// How one configured source is read.
///
/// # Errors
///
/// For a pattern or a format that does not exist; the config was checked for these before.
pub fn options(source: &Source, zone: &TimeZone) -> Result<IngestOptions> {
    let detector = Detector::named(source.format.as_deref().unwrap_or("auto")).map_err(anyhow::Error::msg)?;
    let service_from = source.service_from.as_deref().map(service_pattern).transpose()?;
    Ok(IngestOptions { service: source.service.clone(), service_from, detector, zone: zone.clone() })
}

/// A regular expression over paths whose first group names the service.
pub fn service_pattern(pattern: &str) -> indexer::Result<regex::Regex> {
    regex::Regex::new(pattern).map_err(|error| indexer::Error::Pattern {
        pattern: pattern.to_owned(),
        why: error.to_string().lines().last().unwrap_or_default().to_owned(),
    })
}

/// Follows until `is_stopping` says so; what was read until then is committed.
pub fn start(
    followed: &[Followed],
    mut ingest: Ingest,
    is_stopping: impl Fn() -> bool + Send + 'static,
) -> Result<Following> {
    let mut follow = Follow::new(followed)?;
    let ailments = Ailments::default();
    let said = Arc::clone(&ailments);
    let run = move || {
        while !is_stopping() {
            match follow.round(&mut ingest, now()) {
                Ok(round) => {
                    metrics::counter!("firstline_records_total").increment(round.records);
                    for problem in &round.problems {
                        tracing::warn!("{}", problem.message);
                    }
                    let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
                    said.retain(|sentence| !sentence.starts_with("no space left"));
                    said.extend(round.problems.into_iter().map(|problem| problem.message));
                    said.dedup();
                    said.truncate(100);
                }
                // A full disk is waited out: positions have not moved, so nothing is lost.
                Err(error @ indexer::Error::DiskFull(_)) => {
                    let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
                    if !said.iter().any(|sentence| sentence.starts_with("no space left")) {
                        tracing::error!("{error}");
                        said.push(error.to_string());
                    }
                    drop(said);
                    std::thread::sleep(Duration::from_secs(5));
                }
                Err(error) => return Err(error),
            }
            follow.wait();
        }
        ingest.finish()
    };
    let thread = std::thread::Builder::new().name("following".to_owned()).spawn(run);
    Ok(Following { thread: thread.context("cannot start the thread that follows files")?, ailments })
}

impl Following {
    /// Waits for the last commit, after `is_stopping` turned true.
    pub fn finish(self) -> Result<()> {
        let ended = self.thread.join().map_err(|_| anyhow!("the thread that follows files panicked"))?;
        Ok(ended?)
    }
}
