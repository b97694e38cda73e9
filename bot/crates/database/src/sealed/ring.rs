//! The keys that one process holds in memory, and how they look in the database.

use std::collections::HashMap;
use std::sync::Arc;

use evidence::Time;
use serde::{Deserialize, Serialize};

use super::boxes::Subject;
use crate::any::keys::KeyRow;
use crate::keys::MasterKeys;
use crate::keys::file::random;

#[derive(Debug)]
pub(super) struct Key {
    pub id: String,
    pub subject: Subject,
    pub secret: [u8; 32],
    /// What a person is called once this key is gone.
    pub pseudonym: Option<String>,
}

/// What is wrapped.
#[derive(Serialize, Deserialize)]
struct Wrapped {
    stream: Option<String>,
    person: Option<String>,
    pseudonym: Option<String>,
    secret: String,
}

impl Key {
    pub fn new(subject: &Subject) -> Result<Key, String> {
        let pseudonym = match subject {
            Subject::Person(_) => Some(pseudonym()?),
            Subject::Stream(_) => None,
        };
        Ok(Key { id: hex::encode(random::<8>()?), subject: subject.clone(), secret: random()?, pseudonym })
    }

    pub fn wrapped(&self, lookup: &[u8; 32], masters: &MasterKeys, now: Time) -> Result<KeyRow, String> {
        let (stream, person) = match &self.subject {
            Subject::Stream(name) => (Some(name.clone()), None),
            Subject::Person(id) => (None, Some(id.clone())),
        };
        let secret = hex::encode(self.secret);
        let plain = serde_json::to_vec(&Wrapped { stream, person, pseudonym: self.pseudonym.clone(), secret });
        let plain = plain.map_err(|error| error.to_string())?;
        Ok(KeyRow {
            id: self.id.clone(),
            subject: hashed(lookup, &self.subject),
            master: masters.id().to_owned(),
            wrapped: masters.wrap(&self.id, &plain)?,
            created: now,
        })
    }

    pub fn from_row(row: &KeyRow, masters: &MasterKeys) -> Result<Key, String> {
        let damaged = || format!("key `{}` is not what was written there", row.id);
        let plain = masters.unwrap(&row.master, &row.id, &row.wrapped)?;
        let wrapped: Wrapped = serde_json::from_slice(&plain).map_err(|_| damaged())?;
        let subject = match (wrapped.stream, wrapped.person) {
            (Some(stream), None) => Subject::Stream(stream),
            (None, Some(person)) => Subject::Person(person),
            _ => return Err(damaged()),
        };
        let secret = hex::decode(wrapped.secret).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(damaged)?;
        Ok(Key { id: row.id.clone(), subject, secret, pseudonym: wrapped.pseudonym })
    }
}

/// How a subject is looked up: nobody without the lookup key can tell whose a row is.
pub(super) fn hashed(lookup: &[u8; 32], subject: &Subject) -> String {
    let text = match subject {
        Subject::Stream(name) => format!("stream\n{name}"),
        Subject::Person(id) => format!("person\n{id}"),
    };
    blake3::keyed_hash(lookup, text.as_bytes()).to_hex().to_string()
}

/// Eight letters that say nothing about whom they stand for.
fn pseudonym() -> Result<String, String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    Ok(random::<8>()?.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}

#[derive(Debug, Default)]
pub(super) struct Ring {
    /// `None` for a key that is not in the database: it was erased.
    by_id: HashMap<String, Option<Arc<Key>>>,
    by_subject: HashMap<Subject, Arc<Key>>,
    /// How many erasures are known; the keys are as of then.
    pub n_erasures: u64,
}

impl Ring {
    pub fn of_subject(&self, subject: &Subject) -> Option<Arc<Key>> {
        self.by_subject.get(subject).cloned()
    }

    /// `None` when nothing is known of the id yet.
    pub fn of_id(&self, id: &str) -> Option<Option<Arc<Key>>> {
        self.by_id.get(id).cloned()
    }

    pub fn add(&mut self, key: Arc<Key>) {
        self.by_subject.insert(key.subject.clone(), Arc::clone(&key));
        self.by_id.insert(key.id.clone(), Some(key));
    }

    pub fn forget(&mut self, id: &str) {
        if let Some(Some(key)) = self.by_id.insert(id.to_owned(), None) {
            self.by_subject.remove(&key.subject);
        }
    }
}
