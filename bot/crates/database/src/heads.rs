//! Signed heads: a checkpoint in the journal every minute, and the same for a file kept elsewhere.
//! A checkpoint names only the streams that went on since the one before it and signs that one's hash too, so its size follows
//! the work and not the age of the journal. An exported head names every stream.

use std::collections::BTreeMap;

use evidence::Time;
use incident::journal::{CHECKPOINTS, Entry, Head, Journal, NewEntry};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::keys::{PublicKeys, SigningKeys};

const SCHEMA: &str = "head.v2";
/// The form before journals had an identity; it is verified and written no more.
const SCHEMA_1: &str = "head.v1";
const PAGE: usize = 1_000;

/// What is signed, and the signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedHead {
    pub schema: String,
    /// The hash of the journal's first entry: heads of another journal prove nothing about this one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub journal: String,
    pub at: Time,
    /// Everything up to this position is covered, by this head or an earlier checkpoint.
    pub position: u64,
    /// The hash of the checkpoint before this one; empty in the first and in an exported head.
    pub previous: String,
    pub heads: Vec<Head>,
    pub key: String,
    pub public_key: String,
    /// Public keys by id, of all that ever signed here; only in an exported head.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, String>,
    pub signature: String,
}

/// What a head is about, before it is signed.
struct Unsigned {
    journal: String,
    at: Time,
    position: u64,
    previous: String,
    heads: Vec<Head>,
    keys: BTreeMap<String, String>,
}

impl SignedHead {
    fn sign(content: Unsigned, keys: &SigningKeys) -> SignedHead {
        let Unsigned { journal, at, position, previous, heads, keys: written } = content;
        let mut head = SignedHead {
            schema: SCHEMA.into(),
            journal,
            at,
            position,
            previous,
            heads,
            key: keys.id().into(),
            public_key: keys.public_key(),
            keys: written,
            signature: String::new(),
        };
        head.signature = keys.sign(&head.signed_bytes());
        head
    }

    /// Tells why this was not signed by one of the keys.
    pub fn check(&self, known: &PublicKeys) -> Result<(), String> {
        if self.schema != SCHEMA && self.schema != SCHEMA_1 {
            return Err(format!("its schema is `{:.32}`, not `{SCHEMA}`", self.schema));
        }
        known.check(&self.key, &self.signed_bytes(), &self.signature)
    }

    /// The keys that the head itself names: what its keeper trusts.
    ///
    /// # Errors
    ///
    /// A sentence when a key does not fit its id.
    pub fn public_keys(&self) -> Result<PublicKeys, String> {
        let mut named = PublicKeys::default();
        named.add(&self.key, &self.public_key)?;
        self.keys.iter().try_for_each(|(id, key)| named.add(id, key))?;
        Ok(named)
    }

    /// Each part after its length, as in the entries' own hashes.
    fn signed_bytes(&self) -> Vec<u8> {
        let is_first_form = self.schema == SCHEMA_1;
        let domain: &[u8] = if is_first_form { b"firstline signed head 1" } else { b"firstline signed head 2" };
        let (at, position) = (self.at.micros().to_be_bytes(), self.position.to_be_bytes());
        let n_heads = (self.heads.len() as u64).to_be_bytes();
        let seqs: Vec<[u8; 8]> = self.heads.iter().map(|head| head.seq.to_be_bytes()).collect();
        let n_keys = (self.keys.len() as u64).to_be_bytes();
        let mut texts: Vec<&[u8]> = Vec::new();
        if !is_first_form {
            texts.push(self.journal.as_bytes());
        }
        texts.extend([at.as_slice(), &position, self.previous.as_bytes(), self.key.as_bytes()]);
        texts.extend([self.public_key.as_bytes(), &n_heads]);
        for (head, seq) in self.heads.iter().zip(&seqs) {
            texts.extend([head.stream.as_bytes(), seq, head.hash.as_bytes()]);
        }
        if !is_first_form {
            texts.push(&n_keys);
            texts.extend(self.keys.iter().flat_map(|(id, key)| [id.as_bytes(), key.as_bytes()]));
        }
        parts(domain, texts)
    }
}

/// Each part after its length, so that no two lists of parts are the same bytes.
pub(crate) fn parts<'a>(domain: &'a [u8], parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in std::iter::once(domain).chain(parts) {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

/// The hash of the first entry, which no other journal has; `None` while there is none.
pub async fn identity_of(journal: &dyn Journal) -> Result<Option<String>, Error> {
    Ok(journal.stored_since(0, 1).await?.pop().map(|first| first.hash))
}

/// Signs what was written since the last checkpoint and appends it.
///
/// Returns `None` when there is nothing new, or when another process was faster.
pub async fn checkpoint(journal: &dyn Journal, keys: &SigningKeys, now: Time) -> Result<Option<Entry>, Error> {
    let last = journal.latest(CHECKPOINTS).await?;
    let (seq, covered, previous) = match &last {
        Some(entry) => (entry.seq + 1, checkpoint_in(entry)?.position, entry.hash.clone()),
        None => (1, 0, String::new()),
    };
    let (position, heads) = heads_since(journal, covered).await?;
    if heads.is_empty() {
        return Ok(None);
    }
    let journal_id = identity_of(journal).await?.unwrap_or_default();
    let keys_in_it = BTreeMap::new();
    let content = Unsigned { journal: journal_id, at: now, position, previous, heads, keys: keys_in_it };
    let signed = SignedHead::sign(content, keys);
    let event = serde_json::to_string(&signed).expect("a head has only text and numbers");
    match journal.append(&[NewEntry::new(CHECKPOINTS, seq, "firstline", event)], now).await {
        Ok(mut entries) => Ok(entries.pop()),
        Err(error) if error.is_conflict() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Signs the heads of all streams, to be kept where whoever can write the database cannot.
pub async fn export_head(journal: &dyn Journal, keys: &SigningKeys, now: Time) -> Result<SignedHead, Error> {
    let position = journal.end().await?;
    let heads = journal.heads().await?;
    let journal = identity_of(journal).await?.unwrap_or_default();
    let keys_in_it = keys.public().written();
    let content = Unsigned { journal, at: now, position, previous: String::new(), heads, keys: keys_in_it };
    Ok(SignedHead::sign(content, keys))
}

/// Reads an exported head and checks its signature; [`crate::audit()`] compares it with the journal.
///
/// Without known keys, as on a machine that only verifies, the keys that the file names itself are what is trusted: it
/// was kept for that.
///
/// # Errors
///
/// [`Error::Head`] when it was altered, or was not signed by a known key.
pub fn verify_head(text: &str, known: &PublicKeys) -> Result<SignedHead, Error> {
    let invalid = |reason: String| Error::Head { what: "in the file".into(), reason };
    let head: SignedHead = serde_json::from_str(text).map_err(|error| invalid(error.to_string()))?;
    let own = head.public_keys().map_err(invalid)?;
    head.check(if known.is_empty() { &own } else { known }).map_err(invalid)?;
    Ok(head)
}

/// Reads the signed head in an entry of the checkpoint stream, without checking it.
pub fn checkpoint_in(entry: &Entry) -> Result<SignedHead, Error> {
    serde_json::from_str(&entry.event)
        .map_err(|error| Error::Head { what: format!("in checkpoint {}", entry.seq), reason: error.to_string() })
}

/// The newest entry of each stream after `position`. Checkpoints are bound by their `previous` instead.
async fn heads_since(journal: &dyn Journal, mut position: u64) -> Result<(u64, Vec<Head>), Error> {
    let mut heads = BTreeMap::new();
    loop {
        let page = journal.stored_since(position, PAGE).await?;
        let Some(last) = page.last() else { break };
        position = last.position;
        let is_last_page = page.len() < PAGE;
        for entry in page.into_iter().filter(|entry| entry.stream != CHECKPOINTS) {
            heads.insert(entry.stream.clone(), entry.head());
        }
        if is_last_page {
            break;
        }
    }
    Ok((position, heads.into_values().collect()))
}
