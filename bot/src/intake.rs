//! The thread that owns the index's writer while a program hands it lines; commits about each second.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use indexer::Ingest;

use crate::setup::now;

/// Lines of one source, oldest first.
pub struct Lines {
    pub source: String,
    pub service: String,
    pub lines: Vec<String>,
}

/// Hands lines to the writer's thread; waits when that is behind.
#[derive(Clone)]
pub struct Intake {
    sender: SyncSender<Vec<Lines>>,
}

/// Ends the thread: everything handed over is committed.
pub struct Writing {
    thread: std::thread::JoinHandle<indexer::Result<()>>,
}

const COMMIT_EVERY: Duration = Duration::from_secs(1);

pub fn start(ingest: Ingest) -> Result<(Intake, Writing)> {
    let (sender, receiver) = sync_channel(64);
    let thread = std::thread::Builder::new().name("intake".to_owned()).spawn(move || write(ingest, &receiver));
    Ok((Intake { sender }, Writing { thread: thread.context("cannot start the writer's thread")? }))
}

impl Intake {
    /// # Errors
    ///
    /// When the writer has stopped, for example because the disk is full; [`Writing::finish`] says why.
    pub fn push(&self, batch: Vec<Lines>) -> Result<()> {
        self.sender.send(batch).map_err(|_| anyhow!("the index takes no more lines"))
    }
}

impl Writing {
    /// Waits for the end, which comes when every [`Intake`] is gone.
    pub fn finish(self) -> Result<()> {
        let ended = self.thread.join().map_err(|_| anyhow!("the writer's thread panicked"))?;
        Ok(ended?)
    }
}

fn write(mut ingest: Ingest, receiver: &Receiver<Vec<Lines>>) -> indexer::Result<()> {
    let mut next: HashMap<String, u64> = HashMap::new();
    let mut committed = Instant::now();
    let mut is_dirty = false;
    loop {
        match receiver.recv_timeout(COMMIT_EVERY) {
            Ok(batch) => {
                let now = now();
                for Lines { source, service, lines } in batch {
                    let first = next.entry(source.clone()).or_default();
                    ingest.push_lines(&source, Some(&service), *first, lines.iter().map(String::as_str), now)?;
                    *first += lines.len() as u64;
                    metrics::counter!("firstline_records_total").increment(lines.len() as u64);
                }
                is_dirty = true;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return ingest.finish(),
        }
        if is_dirty && committed.elapsed() >= COMMIT_EVERY {
            ingest.commit()?;
            committed = Instant::now();
            is_dirty = false;
        }
    }
}
