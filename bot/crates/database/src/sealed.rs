//! A journal that keeps what is personal encrypted: people's words and ids under their own keys, what was found and said
//! under its stream's. It takes and gives plain entries; what is stored, hashed and chained is the sealed form.
//! Erasing somebody is deleting a key, so the chain stays whole and what was decided stays decided.

mod askers;

mod boxes;

mod erase;

mod node;

mod ring;

mod rotate;

mod rules;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use async_trait::async_trait;
use evidence::Time;
use incident::journal::{Entry, Error, Head, Journal, NewEntry, canonical, check_names};

use crate::any::Database;
use crate::any::keys::{KeyChanges, KeyRow};
use crate::keys::MasterKeys;
use crate::keys::file::random;
use boxes::{Lifted, Place, SealedEvent, Subject};
use node::Node;
use ring::{Key, Ring};

pub use boxes::ERASED;
pub use erase::{Erased, Subjects};

/// The stream that says which keys were erased, when, and by whom.
pub const ERASURES: &str = "erasures";

/// Others may make keys and erase some while we write; each time is one more try.
const ATTEMPTS: usize = 100;
const LOOKUP: &str = "lookup";

pub struct Sealed {
    database: Arc<Database>,
    masters: RwLock<Arc<MasterKeys>>,
    /// Hashes whose key a row is. It lives in the database, wrapped, so that all replicas hash alike.
    lookup: [u8; 32],
    ring: Mutex<Ring>,
    /// Who asked for an answer, by stream and answer.
    askers: Mutex<HashMap<(String, String), String>>,
}

impl Sealed {
    /// Seals what is written to the database from now on. What older versions wrote stays as it is and can be read.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when the database does not answer, or when none of the master keys opens what is there.
    pub async fn open(database: Arc<Database>, masters: MasterKeys, now: Time) -> Result<Sealed, Error> {
        let masters = Arc::new(masters);
        let unusable = |reason| Error::Unavailable { place: database.place().to_string(), reason };
        let mut row = database.keys_by_id(&[LOOKUP]).await?.pop();
        if row.is_none() {
            let secret: [u8; 32] = random().map_err(unusable)?;
            let wrapped = masters.wrap(LOOKUP, &secret).map_err(unusable)?;
            let master = masters.id().to_owned();
            let new = KeyRow { id: LOOKUP.into(), subject: LOOKUP.into(), master, wrapped, created: now };
            database.add_key(&new).await?;
            row = database.keys_by_id(&[LOOKUP]).await?.pop();
        }
        let row = row.ok_or_else(|| unusable("its first key disappeared".to_owned()))?;
        let lookup = masters.unwrap(&row.master, LOOKUP, &row.wrapped).map_err(unusable)?;
        let lookup = lookup.try_into().map_err(|_| unusable("its first key is damaged".to_owned()))?;
        let masters = RwLock::new(masters);
        let sealed = Sealed { database, masters, lookup, ring: Mutex::default(), askers: Mutex::default() };
        sealed.notice_erasures().await?;
        Ok(sealed)
    }

    /// What is underneath: entries as they are stored.
    pub fn database(&self) -> &Arc<Database> {
        &self.database
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn masters(&self) -> Arc<MasterKeys> {
        Arc::clone(&self.masters.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn unusable(&self, reason: String) -> Error {
        Error::Unavailable { place: self.database.place().to_string(), reason }
    }

    fn corrupt(&self, reason: String) -> Error {
        Error::Corrupt { place: self.database.place().to_string(), reason }
    }

    /// Drops the keys that were erased since the last time, here or elsewhere.
    async fn notice_erasures(&self) -> Result<(), Error> {
        let known = self.ring().n_erasures;
        let erasures = self.database.read(ERASURES, known + 1).await?;
        let mut ring = self.ring();
        for entry in &erasures {
            for id in erase::key_ids(entry) {
                ring.forget(&id);
            }
            ring.n_erasures = ring.n_erasures.max(entry.seq);
        }
        Ok(())
    }

    /// Reads a row's key, with the master key file read again when it names one that was added since.
    fn unwrapped(&self, row: &KeyRow) -> Result<Key, Error> {
        if !self.masters().has(&row.master) {
            let reopened = self.masters().reopened().map_err(|error| self.unusable(error.to_string()))?;
            *self.masters.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(reopened);
        }
        Key::from_row(row, &self.masters()).map_err(|reason| self.unusable(reason))
    }

    /// The keys of these subjects, as far as there are any.
    async fn known_keys(&self, subjects: &BTreeSet<&Subject>) -> Result<HashMap<Subject, Arc<Key>>, Error> {
        let mut found = HashMap::new();
        let mut missing = Vec::new();
        {
            let ring = self.ring();
            for subject in subjects {
                match ring.of_subject(subject) {
                    Some(key) => drop(found.insert((*subject).clone(), key)),
                    None => missing.push(ring::hashed(&self.lookup, subject)),
                }
            }
        }
        let missing: Vec<&str> = missing.iter().map(String::as_str).collect();
        for row in self.database.keys_by_subject(&missing).await? {
            let key = Arc::new(self.unwrapped(&row)?);
            self.ring().add(Arc::clone(&key));
            found.insert(key.subject.clone(), key);
        }
        Ok(found)
    }

    /// Writes if the keys still hold; `None` when they have to be looked up again.
    async fn try_append(&self, plain: &[Plain<'_>], now: Time, delete: &[String]) -> Result<Option<Vec<Entry>>, Error> {
        let n_erasures = self.ring().n_erasures;
        let subjects: BTreeSet<&Subject> = plain.iter().flat_map(|plain| plain.lifted.subjects()).collect();
        let mut keys = self.known_keys(&subjects).await?;
        let (mut fresh, mut rows) = (Vec::new(), Vec::new());
        for subject in subjects {
            if !keys.contains_key(subject) {
                let key = Arc::new(Key::new(subject).map_err(|reason| self.unusable(reason))?);
                let row = key.wrapped(&self.lookup, &self.masters(), now);
                rows.push(row.map_err(|reason| self.unusable(reason))?);
                fresh.push(Arc::clone(&key));
                keys.insert(subject.clone(), key);
            }
        }
        let mut sealed = Vec::with_capacity(plain.len());
        for plain in plain {
            let place = plain.place();
            let (actor, event) = boxes::seal(plain.event.clone(), place, &plain.lifted, |subject| &keys[subject])
                .map_err(Error::Invalid)?;
            sealed.push(NewEntry::new(place.stream, place.seq, actor, event));
        }
        let changes = KeyChanges { n_erasures, add: &rows, delete };
        let written = self.database.append_under(&sealed, now, changes).await?;
        if written.is_some() {
            let mut ring = self.ring();
            fresh.into_iter().for_each(|key| ring.add(key));
        }
        Ok(written)
    }

    async fn append_deleting(&self, entries: &[NewEntry], now: Time, delete: &[String]) -> Result<Vec<Entry>, Error> {
        let mut plain = Vec::with_capacity(entries.len());
        for new in entries {
            plain.push(self.taken_apart(new, entries).await?);
        }
        for _ in 0..ATTEMPTS {
            if let Some(mut written) = self.try_append(&plain, now, delete).await? {
                for (entry, plain) in written.iter_mut().zip(&plain) {
                    entry.actor.clone_from(&plain.new.actor);
                    entry.event = plain.event.write();
                }
                return Ok(written);
            }
            self.notice_erasures().await?;
        }
        Err(self.unusable("others change its keys all the time; try again".to_owned()))
    }

    async fn taken_apart<'a>(&self, new: &'a NewEntry, batch: &[NewEntry]) -> Result<Plain<'a>, Error> {
        check_names(new)?;
        let no_json = |reason| Error::Invalid(format!("the event for `{}` is not JSON: {reason}", new.stream));
        let event = canonical(&new.event).and_then(|text| Node::parse(&text)).map_err(no_json)?;
        let asker = self.asker(&event, &new.stream, batch).await?;
        let place = Place { stream: &new.stream, seq: new.expected_seq, actor: &new.actor, asker: asker.as_deref() };
        Ok(Plain { lifted: Lifted::from(&event, place), event, asker, new })
    }

    /// Entries as they were before sealing, as far as the keys are there.
    async fn opened(&self, mut entries: Vec<Entry>) -> Result<Vec<Entry>, Error> {
        let known = self.ring().n_erasures;
        if entries.iter().any(|entry| entry.stream == ERASURES && entry.seq > known) {
            self.notice_erasures().await?;
        }
        let sealed: Vec<Option<SealedEvent>> = entries.iter().map(|entry| SealedEvent::read(&entry.event)).collect();
        let ids: BTreeSet<&str> = sealed.iter().flatten().flat_map(SealedEvent::key_ids).collect();
        let keys = self.keys_of(&ids).await?;
        let keys: HashMap<String, Arc<Key>> = keys.into_iter().map(|key| (key.id.clone(), key)).collect();
        for (entry, sealed) in entries.iter_mut().zip(sealed) {
            let Some(sealed) = sealed else { continue };
            let opened = sealed.open(&entry.stream, entry.seq, &entry.actor, |id| keys.get(id).map(AsRef::as_ref));
            (entry.actor, entry.event) = opened.map_err(|reason| self.corrupt(reason))?;
        }
        Ok(entries)
    }

    async fn keys_of(&self, ids: &BTreeSet<&str>) -> Result<Vec<Arc<Key>>, Error> {
        let mut found = Vec::new();
        let mut missing = Vec::new();
        {
            let ring = self.ring();
            for id in ids {
                match ring.of_id(id) {
                    Some(key) => found.extend(key),
                    None => missing.push(*id),
                }
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let rows = self.database.keys_by_id(&missing).await?;
        for row in &rows {
            let key = Arc::new(self.unwrapped(row)?);
            self.ring().add(Arc::clone(&key));
            found.push(key);
        }
        for id in missing.iter().filter(|id| rows.iter().all(|row| row.id != **id)) {
            self.ring().forget(id);
        }
        Ok(found)
    }

    /// Closes the database underneath.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

/// What is to be written, taken apart.
struct Plain<'a> {
    new: &'a NewEntry,
    event: Node,
    lifted: Lifted,
    asker: Option<String>,
}

impl Plain<'_> {
    fn place(&self) -> Place<'_> {
        let NewEntry { stream, expected_seq, actor, .. } = self.new;
        Place { stream, seq: *expected_seq, actor, asker: self.asker.as_deref() }
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed({:?}, [secret])", self.database.place())
    }
}

#[async_trait]
impl Journal for Sealed {
    async fn append(&self, entries: &[NewEntry], now: Time) -> Result<Vec<Entry>, Error> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        self.append_deleting(entries, now, &[]).await
    }

    async fn read(&self, stream: &str, from_seq: u64) -> Result<Vec<Entry>, Error> {
        self.opened(self.database.read(stream, from_seq).await?).await
    }

    async fn streams(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.database.streams(prefix).await
    }

    async fn since(&self, position: u64, limit: usize) -> Result<Vec<Entry>, Error> {
        self.opened(self.database.since(position, limit).await?).await
    }

    async fn stored(&self, stream: &str, from_seq: u64) -> Result<Vec<Entry>, Error> {
        self.database.read(stream, from_seq).await
    }

    async fn stored_since(&self, position: u64, limit: usize) -> Result<Vec<Entry>, Error> {
        self.database.since(position, limit).await
    }

    async fn end(&self) -> Result<u64, Error> {
        self.database.end().await
    }

    async fn heads(&self) -> Result<Vec<Head>, Error> {
        self.database.heads().await
    }

    async fn latest(&self, stream: &str) -> Result<Option<Entry>, Error> {
        let latest = self.database.latest(stream).await?;
        Ok(self.opened(latest.into_iter().collect()).await?.pop())
    }
}

#[cfg(test)]
mod tests;
