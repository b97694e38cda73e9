//! Signed heads: a checkpoint in the journal every minute, and the same for a file kept elsewhere.
//! A checkpoint names only the streams that went on since the one before it and signs that one's hash too, so its size follows
//! the work and not the age of the journal. An exported head names every stream.

use std::collections::BTreeMap;

use evidence::Time;
use incident::journal::{CHECKPOINTS, Entry, Head, Journal, NewEntry};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::keys::SigningKeys;

const SCHEMA: &str = "head.v1";
const PAGE: usize = 1_000;

/// What is signed, and the signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedHead {
    pub schema: String,
    pub at: Time,
    /// Everything up to this position is covered, by this head or an earlier checkpoint.
    pub position: u64,
    /// The hash of the checkpoint before this one; empty in the first and in an exported head.
    pub previous: String,
    pub heads: Vec<Head>,
    pub key: String,
    pub public_key: String,
    pub signature: String,
}

impl SignedHead {
    fn sign(at: Time, position: u64, previous: String, heads: Vec<Head>, keys: &SigningKeys) -> SignedHead {
        let mut head = SignedHead {
            schema: SCHEMA.into(),
            at,
            position,
            previous,
            heads,
            key: keys.id().into(),
            public_key: keys.public_key(),
            signature: String::new(),
        };
        head.signature = keys.sign(&head.signed_bytes());
        head
    }

    /// Tells why this was not signed by one of the keys.
    pub fn check(&self, keys: &SigningKeys) -> Result<(), String> {
        if self.schema != SCHEMA {
            return Err(format!("its schema is `{:.32}`, not `{SCHEMA}`", self.schema));
        }
        keys.check(&self.key, &self.signed_bytes(), &self.signature)
    }

    /// Each part after its length, as in the entries' own hashes.
    fn signed_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut part = |content: &[u8]| {
            bytes.extend_from_slice(&(content.len() as u64).to_be_bytes());
            bytes.extend_from_slice(content);
        };
        part(b"firstline signed head 1");
        part(&self.at.micros().to_be_bytes());
        part(&self.position.to_be_bytes());
        part(self.previous.as_bytes());
        part(self.key.as_bytes());
        part(self.public_key.as_bytes());
        part(&(self.heads.len() as u64).to_be_bytes());
        for head in &self.heads {
            part(head.stream.as_bytes());
            part(&head.seq.to_be_bytes());
            part(head.hash.as_bytes());
        }
        bytes
    }
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
    let signed = SignedHead::sign(now, position, previous, heads, keys);
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
    Ok(SignedHead::sign(now, position, String::new(), heads, keys))
}

/// Reads an exported head and checks its signature; [`crate::audit()`] compares it with the journal.
pub fn verify_head(text: &str, keys: &SigningKeys) -> Result<SignedHead, Error> {
    let invalid = |reason: String| Error::Head { what: "in the file".into(), reason };
    let head: SignedHead = serde_json::from_str(text).map_err(|error| invalid(error.to_string()))?;
    head.check(keys).map_err(invalid)?;
    Ok(head)
}

/// Reads the signed head in an entry of the checkpoint stream, without checking it.
pub(crate) fn checkpoint_in(entry: &Entry) -> Result<SignedHead, Error> {
    serde_json::from_str(&entry.event)
        .map_err(|error| Error::Head { what: format!("in checkpoint {}", entry.seq), reason: error.to_string() })
}

/// The newest entry of each stream after `position`. Checkpoints are bound by their `previous` instead.
async fn heads_since(journal: &dyn Journal, mut position: u64) -> Result<(u64, Vec<Head>), Error> {
    let mut heads = BTreeMap::new();
    loop {
        let page = journal.since(position, PAGE).await?;
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
