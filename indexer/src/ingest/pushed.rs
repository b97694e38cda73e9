//! Lines that a program hands over, numbered by it.

use std::path::Path;

use evidence::Time;

use super::feed::Feed;
use super::{Ingest, IngestOptions};
use crate::Result;
use crate::sources::service_of;

impl Ingest {
    /// Whether pushed lines wait for a commit.
    pub fn has_uncommitted(&self) -> bool {
        self.pushed.values().any(|feed| feed.is_busy || feed.joiner.open_from().is_some())
    }

    /// Takes lines that a program hands over, numbered from `first`; numbers already taken are skipped.
    ///
    /// Searchers see them after the next [`Ingest::commit`]; the last line of a source only after the commit that
    /// follows it, unless another line comes, since a stack trace may go on.
    pub fn push_lines<'l>(
        &mut self,
        source: &str,
        service: Option<&str>,
        first: u64,
        lines: impl IntoIterator<Item = &'l str>,
        now: Time,
    ) -> Result<()> {
        let mut feed = match self.pushed.remove(source) {
            Some(feed) => feed,
            None => self.pushed_feed(source, service, now),
        };
        feed.context.now = now;
        let mut entries = std::mem::take(&mut self.batch);
        for (number, line) in (first..).zip(lines) {
            if number < feed.next_offset {
                continue;
            }
            feed.next_offset = number + 1;
            feed.is_busy = true;
            self.report.bytes += line.len() as u64 + 1;
            feed.joiner.push(number, line, &feed.context, &mut entries);
            for entry in entries.drain(..) {
                self.store(entry, &mut feed)?;
            }
        }
        self.batch = entries;
        self.pushed.insert(source.to_owned(), feed);
        Ok(())
    }

    fn pushed_feed(&self, source: &str, service: Option<&str>, now: Time) -> Feed {
        let options = IngestOptions::default();
        let name = service.map(str::to_owned).or_else(|| Some(service_of(Path::new(source))));
        let mut feed = Feed::new(Path::new(source), name, &options, now);
        let known = self.writer.manifest().positions.iter().find(|known| known.path == source);
        feed.next_offset = known.map_or(0, |known| known.offset);
        feed
    }
}
