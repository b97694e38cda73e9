//! `firstline audit export`: each entry with what it decided, oldest first. An incident reads as its story.

use std::collections::BTreeSet;

use anyhow::Result;
use evidence::Time;
use incident::journal::{Entry, Journal};
use serde_json::{Value, json};

use super::PAGE;
use crate::app::Refused;
use crate::commands::{Usage, print_json};
use crate::setup::{Setup, now};
use crate::state::{INCIDENTS, State};
use crate::{times, views};

pub async fn export(setup: &Setup, since: Option<&str>, incident: Option<&str>) -> Result<()> {
    let since = since
        .map(|text| times::read(text, now(), &setup.zone))
        .transpose()
        .map_err(|error| Usage(error.to_string()))?;
    let journal = setup.journal().await?;
    let journal = journal.as_ref();
    let streams = match incident {
        Some(id) => Some(streams_of(journal, id).await?),
        None => None,
    };
    let mut export = Export::new(since, streams);
    while let Some(lines) = export.next_page(journal).await? {
        lines.iter().try_for_each(print_json)?;
    }
    Ok(())
}

/// The incident's stream and those of the conversations that are part of it.
pub async fn streams_of(journal: &dyn Journal, id: &str) -> Result<BTreeSet<String>, Refused> {
    let mut whole = Export::new(None, None);
    while whole.take_page(journal).await?.is_some() {}
    if !whole.state.incidents.contains_key(id) {
        return Err(Refused::not_found(format!("no incident `{id}`")).next("`firstline incident list` shows them"));
    }
    let joined = whole.state.joined_to(id).into_iter().map(|incident| incident.id.as_str());
    Ok(joined.chain([id]).map(|id| format!("{INCIDENTS}{id}")).collect())
}

/// Reads a journal page by page; what is known so far explains the next entry.
pub struct Export {
    since: Option<Time>,
    streams: Option<BTreeSet<String>>,
    state: State,
}

impl Export {
    /// From a time on, of some streams; everything when left out.
    pub fn new(since: Option<Time>, streams: Option<BTreeSet<String>>) -> Export {
        Export { since, streams, state: State::erased_up_to(u64::MAX) }
    }

    /// The lines of the next page, or `None` at the end.
    pub async fn next_page(&mut self, journal: &dyn Journal) -> Result<Option<Vec<Value>>, Refused> {
        self.take_page(journal).await
    }

    async fn take_page(&mut self, journal: &dyn Journal) -> Result<Option<Vec<Value>>, Refused> {
        let entries = journal.since(self.state.position, PAGE).await?;
        if entries.is_empty() {
            return Ok(None);
        }
        let mut lines = Vec::new();
        for entry in &entries {
            self.state.take(entry);
            let is_late = self.since.is_none_or(|since| entry.at >= since);
            if is_late && self.streams.as_ref().is_none_or(|streams| streams.contains(&entry.stream)) {
                lines.push(line(entry, &self.state));
            }
        }
        Ok(Some(lines))
    }
}

/// One line: the entry as it reads, its place in the chain, and what it decided.
fn line(entry: &Entry, state: &State) -> Value {
    let row = views::audit_row(entry, state);
    let summary = match row.happened {
        Some(happened) => format!("{} at {}, recorded {}", row.summary, minute(happened), minute(entry.at)),
        None => row.summary,
    };
    let event: Value = serde_json::from_str(&entry.event).unwrap_or_default();
    json!({
        "position": entry.position, "stream": entry.stream, "seq": entry.seq, "at": entry.at, "happened": row.happened, "actor": entry.actor,
        "kind": row.kind, "summary": summary, "title": row.title, "decision": views::decision(entry, state), "event": event,
        "prev_hash": entry.prev_hash, "hash": entry.hash,
    })
}

/// `2026-01-02 02:10 UTC`.
pub fn minute(time: Time) -> String {
    time.to_timestamp().strftime("%Y-%m-%d %H:%M UTC").to_string()
}
