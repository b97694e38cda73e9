//! Erasing: the keys of people or streams are deleted, and an entry says so in the same transaction.

use incident::journal::{Entry, Error, Journal, NewEntry};
use serde::{Deserialize, Serialize};

use evidence::Time;

use super::{BTreeSet, ERASURES, Key, Sealed, Subject};

/// Whose keys to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subjects {
    /// Every id that one person goes by.
    Person(Vec<String>),
    /// An incident's stream, and those that hold more of it.
    Incident { id: String, streams: Vec<String> },
}

/// An entry of [`ERASURES`]. It names nobody: an id that was erased is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    #[serde(rename = "type")]
    kind: String,
    /// Ids of the keys that were deleted.
    pub keys: Vec<String>,
    /// What the person is called now wherever the id stood.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pseudonyms: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The keys that an entry of [`ERASURES`] says are gone.
pub(super) fn key_ids(entry: &Entry) -> Vec<String> {
    serde_json::from_str(&entry.event).map(|erased: Erased| erased.keys).unwrap_or_default()
}

impl Sealed {
    /// Deletes the keys of these subjects. Returns what was recorded, or `None` when none of them has a key.
    ///
    /// What they sealed cannot be read again by anybody, here or in any replica; a backup of the database from before can
    /// still be, with the master key of then.
    ///
    /// # Errors
    ///
    /// As for an append: nothing was deleted when the entry was not written.
    pub async fn erase(
        &self,
        subjects: &Subjects,
        by: &str,
        reason: Option<&str>,
        now: Time,
    ) -> Result<Option<Erased>, Error> {
        for _ in 0..super::ATTEMPTS {
            self.notice_erasures().await?;
            let wanted: Vec<Subject> = match subjects {
                Subjects::Person(ids) => ids.iter().cloned().map(Subject::Person).collect(),
                Subjects::Incident { streams, .. } => streams.iter().cloned().map(Subject::Stream).collect(),
            };
            let keys = self.known_keys(&wanted.iter().collect::<BTreeSet<_>>()).await?;
            if keys.is_empty() {
                return Ok(None);
            }
            let mut erased = Erased { kind: "erased".into(), reason: reason.map(str::to_owned), ..Erased::default() };
            for key in keys.values() {
                let Key { id, pseudonym, .. } = key.as_ref();
                erased.keys.push(id.clone());
                erased.pseudonyms.extend(pseudonym.clone());
            }
            if let Subjects::Incident { id, .. } = subjects {
                erased.incident = Some(id.clone());
            }
            erased.keys.sort();
            erased.pseudonyms.sort();
            let seq = self.ring().n_erasures + 1;
            let event = serde_json::to_string(&erased).expect("an erasure is plain data");
            match self.append_deleting(&[NewEntry::new(ERASURES, seq, by, event)], now, &erased.keys).await {
                Ok(_) => {
                    self.notice_erasures().await?;
                    self.database.scrub_deleted().await?;
                    return Ok(Some(erased));
                }
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(error),
            }
        }
        Err(self.unusable("others erase all the time; try again".to_owned()))
    }

    /// Whether anything is sealed for a person under this id.
    ///
    /// # Errors
    ///
    /// When the database does not answer.
    pub async fn knows(&self, person: &str) -> Result<bool, Error> {
        let subject = Subject::Person(person.to_owned());
        Ok(!self.known_keys(&BTreeSet::from([&subject])).await?.is_empty())
    }

    /// How many entries cannot be read whole once these keys are gone.
    ///
    /// # Errors
    ///
    /// When the database does not answer.
    pub async fn count_sealed_by(&self, subjects: &Subjects, mut progress: impl FnMut(u64)) -> Result<u64, Error> {
        let wanted: Vec<Subject> = match subjects {
            Subjects::Person(ids) => ids.iter().cloned().map(Subject::Person).collect(),
            Subjects::Incident { streams, .. } => streams.iter().cloned().map(Subject::Stream).collect(),
        };
        let keys = self.known_keys(&wanted.iter().collect::<BTreeSet<_>>()).await?;
        let (mut position, mut n_sealed) = (0, 0);
        loop {
            let page = self.stored_since(position, 1_000).await?;
            let Some(last) = page.last() else { return Ok(n_sealed) };
            position = last.position;
            let uses = |entry: &&Entry| {
                let sealed = super::SealedEvent::read(&entry.event);
                sealed.is_some_and(|sealed| keys.values().any(|key| sealed.key_ids().any(|id| id == key.id)))
            };
            n_sealed += page.iter().filter(uses).count() as u64;
            progress(position);
        }
    }
}
