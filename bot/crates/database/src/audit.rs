//! Reading the whole journal back: is it what was written, and what does it say.

use std::io::Write;

use evidence::Time;
use incident::journal::{CHECKPOINTS, Entry, Head, Journal, Problem, Report, Verifier};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::heads::{SignedHead, checkpoint_in, identity_of};
use crate::keys::{PublicKeys, rotation};

const PAGE: usize = 1_000;

/// Verifies the chain of every stream, every checkpoint's signature, and both against each other and an exported head.
///
/// `known` are the keys that are trusted; those that one of them announced in the journal are too, and those that the
/// exported head names. Without an exported head a tail that was cut off together with its checkpoints does not show.
pub async fn audit(journal: &dyn Journal, known: &PublicKeys, exported: Option<&SignedHead>) -> Result<Report, Error> {
    let mut known = known.clone();
    let mut problems = Vec::new();
    let identity = identity_of(journal).await?.unwrap_or_default();
    if let Some(head) = exported {
        for (id, key) in &head.keys {
            known.add(id, key).map_err(|reason| Error::Head { what: "in the file".into(), reason })?;
        }
        if !head.journal.is_empty() && head.journal != identity {
            problems.push(Problem::OtherJournal { what: "the exported head".into() });
        }
    }
    problems.extend(rotation::follow(journal, &mut known).await?);
    let (mut heads, bad_checkpoints) = signed_heads(journal, &known, &identity).await?;
    problems.extend(bad_checkpoints);
    heads.extend(exported.into_iter().flat_map(|head| head.heads.clone()));
    let mut verifier = Verifier::new(&heads);
    problems.into_iter().for_each(|problem| verifier.problem(problem));

    let mut position = 0;
    loop {
        let page = journal.stored_since(position, PAGE).await?;
        let Some(last) = page.last() else { break };
        position = last.position;
        page.iter().for_each(|entry| verifier.push(entry));
    }
    Ok(verifier.finish())
}

async fn signed_heads(
    journal: &dyn Journal,
    known: &PublicKeys,
    identity: &str,
) -> Result<(Vec<Head>, Vec<Problem>), Error> {
    let mut heads = Vec::new();
    let mut problems = Vec::new();
    for entry in journal.read(CHECKPOINTS, 1).await? {
        let checked = checkpoint_in(&entry).map_err(|error| error.to_string()).and_then(|head| {
            head.check(known)?;
            let continues = if entry.seq == 1 { head.previous.is_empty() } else { head.previous == entry.prev_hash };
            if continues { Ok(head) } else { Err("it was signed after another checkpoint".to_owned()) }
        });
        match checked {
            Ok(head) => {
                if !head.journal.is_empty() && head.journal != identity {
                    problems.push(Problem::OtherJournal { what: format!("checkpoint {}", entry.seq) });
                }
                heads.extend(head.heads);
            }
            Err(reason) => problems.push(Problem::BadSignature { what: format!("checkpoint {}", entry.seq), reason }),
        }
    }
    Ok((heads, problems))
}

/// Writes entries as NDJSON, oldest first, from `since` on. Returns how many.
///
/// `summarize` may add a sentence for people; it stands beside the entry and is no part of the chain.
pub async fn export(
    journal: &dyn Journal,
    since: Option<Time>,
    summarize: impl Fn(&Entry) -> Option<String>,
    out: &mut (impl Write + ?Sized),
) -> Result<u64, Error> {
    let mut position = match since {
        Some(time) => first_position_at(journal, time).await?.saturating_sub(1),
        None => 0,
    };
    let mut n_written = 0;
    loop {
        let page = journal.since(position, PAGE).await?;
        let Some(last) = page.last() else { return Ok(n_written) };
        position = last.position;
        for entry in &page {
            writeln!(out, "{}", line(entry, summarize(entry).as_deref()))?;
            n_written += 1;
        }
    }
}

/// Returns the position of the first entry at or after `time`, or the one after the last.
///
/// Time never runs backwards in a journal, so this is a search by halves.
pub async fn first_position_at(journal: &dyn Journal, time: Time) -> Result<u64, Error> {
    let (mut low, mut high) = (1, journal.end().await? + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        match journal.since(middle - 1, 1).await?.first() {
            Some(entry) if entry.at < time => low = middle + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// One line of the export, without the line feed.
pub fn line(entry: &Entry, summary: Option<&str>) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        position: u64,
        stream: &'a str,
        seq: u64,
        at: Time,
        actor: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        summary: Option<&'a str>,
        event: Event<'a>,
        prev_hash: &'a str,
        hash: &'a str,
    }
    /// The stored bytes if they are JSON; an entry that somebody broke is exported as text.
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Event<'a> {
        Json(&'a RawValue),
        Text(&'a str),
    }
    let event = match serde_json::from_str(&entry.event) {
        Ok(json) if !entry.event.contains(['\n', '\r']) => Event::Json(json),
        _ => Event::Text(&entry.event),
    };
    let Entry { position, stream, seq, at, actor, prev_hash, hash, .. } = entry;
    let line = Line { position: *position, stream, seq: *seq, at: *at, actor, summary, event, prev_hash, hash };
    serde_json::to_string(&line).expect("a line has only text and numbers")
}
