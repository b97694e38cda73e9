//! A successor for the key that signs heads is announced in the journal, signed by the key before it. Whoever trusts an
//! old head can so follow to the new key, with nothing but the database.

use evidence::Time;
use incident::journal::{Entry, Journal, NewEntry, Problem};
use serde::{Deserialize, Serialize};

use super::{PublicKeys, SigningKeys};
use crate::error::Error;
use crate::heads::{identity_of, parts};

/// The stream of announcements.
pub const KEYS: &str = "keys";

#[derive(Serialize, Deserialize)]
struct Announced {
    #[serde(rename = "type")]
    kind: String,
    key: String,
    public_key: String,
    /// The id of the key that signed this.
    by: String,
    signature: String,
}

impl Announced {
    fn signed_bytes(&self, journal: &str) -> Vec<u8> {
        let texts = [journal, &self.key, &self.public_key, &self.by];
        parts(b"firstline head key 1", texts.map(str::as_bytes))
    }
}

/// Announces a successor and then uses it. Heads that the old key signed stay valid.
///
/// # Errors
///
/// When the journal or the file cannot be written. An announcement whose key was not stored does no harm; rotate again.
pub async fn rotate(journal: &dyn Journal, keys: &mut SigningKeys, now: Time) -> Result<Entry, Error> {
    let identity = identity_of(journal).await?.unwrap_or_default();
    let successor = keys.successor(now)?;
    let mut announced = Announced {
        kind: "head_key_announced".into(),
        key: successor.id().to_owned(),
        public_key: successor.public_key(),
        by: keys.id().to_owned(),
        signature: String::new(),
    };
    announced.signature = keys.sign(&announced.signed_bytes(&identity));
    let event = serde_json::to_string(&announced).expect("an announcement is plain data");
    loop {
        let seq = journal.latest(KEYS).await?.map_or(1, |entry| entry.seq + 1);
        match journal.append(&[NewEntry::new(KEYS, seq, "firstline", event.as_str())], now).await {
            Ok(mut entries) => {
                keys.adopt(successor)?;
                return Ok(entries.pop().expect("one entry was written"));
            }
            Err(error) if error.is_conflict() => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Adds every key that a known one announced. Returns what is wrong with announcements.
pub(crate) async fn follow(journal: &dyn Journal, known: &mut PublicKeys) -> Result<Vec<Problem>, Error> {
    let identity = identity_of(journal).await?.unwrap_or_default();
    let mut problems = Vec::new();
    for entry in journal.read(KEYS, 1).await? {
        let checked = serde_json::from_str(&entry.event).map_err(|error| error.to_string());
        let checked = checked.and_then(|announced: Announced| {
            known.check(&announced.by, &announced.signed_bytes(&identity), &announced.signature)?;
            known.add(&announced.key, &announced.public_key)
        });
        if let Err(reason) = checked {
            problems.push(Problem::BadSignature { what: format!("announcement {}", entry.seq), reason });
        }
    }
    Ok(problems)
}
