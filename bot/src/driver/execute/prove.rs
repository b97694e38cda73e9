//! An incident as the journal itself proves it: read anew, every hash recomputed, folded from nothing.
//! What a process remembers, or what a row says without its chain, starts no step.

use incident::Incident;
use incident::journal::{Entry, Tip, genesis, hash_of};

use crate::app::{App, Refused, RefusedKind};
use crate::state::{INCIDENTS, fold};

/// # Errors
///
/// When the journal cannot be read, and when its chain does not hold: then nothing of it may run.
pub(super) async fn prove(app: &App, incident: &str) -> Result<Incident, Refused> {
    let stream = format!("{INCIDENTS}{incident}");
    let journal = &app.parts.journal;
    // Hashes are of what is stored; what it says is read once its seals are opened.
    let stored = journal.stored(&stream, 1).await?;
    let entries = journal.read(&stream, 1).await?;
    check(&stream, &stored).and_then(|()| check_same(&stored, &entries)).map_err(|why| {
        Refused::new(RefusedKind::Forbidden, format!("nothing is run: {why}"))
            .next("run `firstline audit verify` and treat it as an incident")
    })?;
    let mut proven = Incident::new(incident);
    for entry in entries.iter().take(stored.len()) {
        // What this version does not know changes nothing that it could run.
        let _ = fold(&mut proven, entry);
    }
    Ok(proven)
}

fn check(stream: &str, entries: &[Entry]) -> Result<(), String> {
    let mut tip = genesis(stream);
    for entry in entries {
        let is_next = entry.stream == stream && entry.seq == tip.seq + 1 && entry.prev_hash == tip.hash;
        if !is_next || hash_of(entry) != entry.hash {
            return Err(format!("entry {} of `{stream}` was altered, or one before it", entry.seq));
        }
        tip = Tip { seq: entry.seq, hash: entry.hash.clone() };
    }
    Ok(())
}

/// Whether the opened entries are those that were checked; newer ones may have come in between.
fn check_same(stored: &[Entry], opened: &[Entry]) -> Result<(), String> {
    let is_same = |(one, other): (&Entry, &Entry)| one.seq == other.seq && one.hash == other.hash;
    if opened.len() >= stored.len() && stored.iter().zip(opened).all(is_same) {
        return Ok(());
    }
    Err("the journal changed while it was read".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::Time;
    use incident::journal::{NewEntry, link};

    fn chain() -> Vec<Entry> {
        let mut tip = genesis("incident/1");
        let mut entries = Vec::new();
        for seq in 1..=4 {
            let new = NewEntry::new("incident/1", seq, "ines", format!("{{\"n\":{seq}}}"));
            let entry = link(&new, &tip, seq + 10, Time(5)).unwrap();
            tip = Tip { seq, hash: entry.hash.clone() };
            entries.push(entry);
        }
        entries
    }

    #[test]
    fn only_a_whole_chain_passes() {
        assert_eq!(check("incident/1", &chain()), Ok(()));
        assert_eq!(check("incident/1", &chain()[..2]), Ok(()), "a cut tail is the heads' to find");
        let alter: [fn(&mut Vec<Entry>); 5] = [
            |entries| entries[1].event = "{}".into(),
            |entries| entries[1].actor = "tom".into(),
            |entries| drop(entries.remove(1)),
            |entries| entries.swap(1, 2),
            |entries| drop(entries.remove(0)),
        ];
        for alter in alter {
            let mut entries = chain();
            alter(&mut entries);
            assert!(check("incident/1", &entries).unwrap_err().contains("was altered"));
        }
        assert!(check("incident/2", &chain()).is_err(), "transplanted");
    }
}
