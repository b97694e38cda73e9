//! How an entry is bound to everything before it.
//! Each part is preceded by its length, so no two different entries encode to the same bytes.

use evidence::Time;

use super::{Entry, Error, LONGEST_NAME_BYTES, NewEntry, canonical};

const DOMAIN: &[u8] = b"firstline journal entry 1";

/// The end of a stream that the next entry is linked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    pub seq: u64,
    pub hash: String,
}

/// The tip of a stream that has no entries yet: bound to the name, so that streams cannot be swapped.
pub fn genesis(stream: &str) -> Tip {
    let mut hasher = blake3::Hasher::new();
    part(&mut hasher, b"firstline journal stream 1");
    part(&mut hasher, stream.as_bytes());
    Tip { seq: 0, hash: hex_of(&hasher) }
}

/// Returns the hash that the entry must carry: BLAKE3 over all its other columns.
pub fn hash_of(entry: &Entry) -> String {
    let mut hasher = blake3::Hasher::new();
    part(&mut hasher, DOMAIN);
    part(&mut hasher, &entry.position.to_be_bytes());
    part(&mut hasher, entry.stream.as_bytes());
    part(&mut hasher, &entry.seq.to_be_bytes());
    part(&mut hasher, &entry.at.micros().to_be_bytes());
    part(&mut hasher, entry.actor.as_bytes());
    part(&mut hasher, entry.event.as_bytes());
    part(&mut hasher, entry.prev_hash.as_bytes());
    hex_of(&hasher)
}

/// Turns what a caller wants written into the entry that follows `tip`.
///
/// # Errors
///
/// [`Error::Conflict`] when the caller expected another place, [`Error::Invalid`] for a name or event that can never be stored.
pub fn link(new: &NewEntry, tip: &Tip, position: u64, at: Time) -> Result<Entry, Error> {
    check_names(new)?;
    if new.expected_seq != tip.seq + 1 {
        return Err(Error::Conflict { stream: new.stream.clone(), seq: new.expected_seq, last: tip.seq });
    }
    let mut entry = Entry {
        position,
        stream: new.stream.clone(),
        seq: new.expected_seq,
        at,
        actor: new.actor.clone(),
        event: canonical(&new.event)
            .map_err(|reason| Error::Invalid(format!("the event for `{}` is not JSON: {reason}", new.stream)))?,
        prev_hash: tip.hash.clone(),
        hash: String::new(),
    };
    entry.hash = hash_of(&entry);
    Ok(entry)
}

/// Refuses names that no database could hold, before one is asked.
///
/// # Errors
///
/// [`Error::Invalid`]: empty, too long, or with a control character.
pub fn check_names(new: &NewEntry) -> Result<(), Error> {
    check_name("stream", &new.stream)?;
    check_name("actor", &new.actor)
}

fn check_name(what: &str, name: &str) -> Result<(), Error> {
    if name.is_empty() || name.len() > LONGEST_NAME_BYTES {
        return Err(Error::Invalid(format!(
            "the name of {what} `{name:.40}` must have 1 to {LONGEST_NAME_BYTES} bytes"
        )));
    }
    if name.chars().any(char::is_control) {
        return Err(Error::Invalid(format!("the name of {what} {name:?} contains a control character")));
    }
    Ok(())
}

fn part(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_be_bytes());
    hasher.update(bytes);
}

fn hex_of(hasher: &blake3::Hasher) -> String {
    hex::encode(hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(stream: &str, actor: &str) -> Entry {
        link(&NewEntry::new(stream, 1, actor, "{}"), &genesis(stream), 1, Time(5)).unwrap()
    }

    #[test]
    fn moving_a_byte_between_columns_changes_the_hash() {
        let (one, mut other) = (entry("ab", "c"), entry("a", "bc"));
        other.prev_hash = one.prev_hash.clone();
        assert_ne!(hash_of(&one), hash_of(&other));
    }

    #[test]
    fn hash_of_an_entry_never_changes_between_versions() {
        let hash = "ee7f80235c458df304f98ea0021e8385fedb9b1cdae4b7645ebe9e33ef3db7c6";
        assert_eq!(entry("incident/1", "ada").hash, hash);
    }

    #[test]
    fn refuses_a_place_that_is_not_next() {
        let new = NewEntry::new("a", 3, "ada", "{}");
        assert_eq!(link(&new, &genesis("a"), 1, Time(0)), Err(Error::Conflict { stream: "a".into(), seq: 3, last: 0 }));
    }

    #[test]
    fn refuses_names_and_events_that_no_database_holds() {
        for new in [
            NewEntry::new("", 1, "ada", "{}"),
            NewEntry::new("a\0b", 1, "ada", "{}"),
            NewEntry::new("a", 1, "x".repeat(600), "{}"),
            NewEntry::new("a", 1, "ada", "{"),
        ] {
            assert!(matches!(link(&new, &genesis(&new.stream), 1, Time(0)), Err(Error::Invalid(_))), "{new:?}");
        }
    }
}
