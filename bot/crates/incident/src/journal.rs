//! The journal's trait and its types: an append-only, hash-chained record of everything that was decided.
//! The chain and its verification are pure and live below; a database only stores what they computed.

pub mod canonical;

pub mod chain;

pub mod verify;

use async_trait::async_trait;
use evidence::Time;
use serde::{Deserialize, Serialize};

pub use canonical::canonical;
pub use chain::{Tip, check_names, genesis, hash_of, link};
pub use verify::{Problem, Report, Verifier, verify};

/// The stream that signed heads are written to.
pub const CHECKPOINTS: &str = "checkpoint";

/// The longest name of a stream or an actor.
pub const LONGEST_NAME_BYTES: usize = 512;

/// What a caller wants written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    pub stream: String,
    /// The number this entry will have: one more than the stream's last, and `1` for the first.
    pub expected_seq: u64,
    pub actor: String,
    /// One JSON document. It is stored in canonical form: sorted keys, no white space, numbers as they were written.
    pub event: String,
}

impl NewEntry {
    pub fn new(
        stream: impl Into<String>,
        expected_seq: u64,
        actor: impl Into<String>,
        event: impl Into<String>,
    ) -> NewEntry {
        NewEntry { stream: stream.into(), expected_seq, actor: actor.into(), event: event.into() }
    }
}

/// What stands in the journal.
///
/// The hashes are text as it was read, 64 hexadecimal digits if nobody altered them; [`verify()`] decides whether they are right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The place in the order of all streams, without gaps, from `1`.
    pub position: u64,
    pub stream: String,
    /// The place in the stream, without gaps, from `1`.
    pub seq: u64,
    pub at: Time,
    pub actor: String,
    pub event: String,
    pub prev_hash: String,
    pub hash: String,
}

impl Entry {
    pub fn head(&self) -> Head {
        Head { stream: self.stream.clone(), seq: self.seq, hash: self.hash.clone() }
    }
}

/// The last entry of a stream, by number and hash. Whoever holds it can tell whether the stream was altered or cut.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    pub stream: String,
    pub seq: u64,
    pub hash: String,
}

#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// Somebody else wrote `seq` first, or the caller was ahead. Nothing was written: read the stream and decide again.
    #[error("entry {seq} of `{stream}` is not free (the last one is {last}); read the stream again and decide anew")]
    Conflict { stream: String, seq: u64, last: u64 },
    /// The entry can never be written. Nothing was.
    #[error("cannot write to the journal: {0}")]
    Invalid(String),
    /// The database does not answer or refuses. Nothing was written.
    #[error("the journal at `{place}` is unavailable, nothing was written: {reason}")]
    Unavailable { place: String, reason: String },
    /// The database failed while committing and could not be asked afterwards: the entries may be there.
    #[error("the journal at `{place}` failed while writing, read the stream to see what was kept: {reason}")]
    Unknown { place: String, reason: String },
    /// What was read cannot be an entry.
    #[error("the journal at `{place}` holds something that is not an entry, run `firstline audit verify`: {reason}")]
    Corrupt { place: String, reason: String },
}

impl Error {
    pub fn is_conflict(&self) -> bool {
        matches!(self, Error::Conflict { .. })
    }

    /// True when the same call may succeed later and certainly wrote nothing this time.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Error::Unavailable { .. })
    }
}

/// Append-only storage, shared by every process that opens the same database.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Writes all entries in one transaction, or none, and returns them as they stand.
    ///
    /// An entry's time is the later of `now` and the time of the last entry in the journal.
    /// Several streams may take part: a lock is taken by writing to its stream in the same call.
    /// When this returns, the entries are on disk.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] when any `expected_seq` is not the next of its stream.
    async fn append(&self, entries: &[NewEntry], now: Time) -> Result<Vec<Entry>, Error>;

    /// Returns the stream from `from_seq` on, oldest first. An unknown stream is empty.
    async fn read(&self, stream: &str, from_seq: u64) -> Result<Vec<Entry>, Error>;

    /// Returns the names of the streams that start with `prefix`, in byte order.
    async fn streams(&self, prefix: &str) -> Result<Vec<String>, Error>;

    /// Returns at most `limit` entries of all streams after `position`, in order; `0` starts at the beginning.
    ///
    /// A position never becomes visible before a smaller one, so polling with the last position seen misses nothing.
    async fn since(&self, position: u64, limit: usize) -> Result<Vec<Entry>, Error>;

    /// A stream as it is stored, which is what its hashes are about: personal texts may be sealed.
    async fn stored(&self, stream: &str, from_seq: u64) -> Result<Vec<Entry>, Error> {
        self.read(stream, from_seq).await
    }

    /// [`Journal::since`] with entries as they are stored.
    async fn stored_since(&self, position: u64, limit: usize) -> Result<Vec<Entry>, Error> {
        self.since(position, limit).await
    }

    /// Returns the position of the last entry of all; `0` for an empty journal.
    async fn end(&self) -> Result<u64, Error>;

    /// Returns the last entry of every stream, by name in byte order.
    async fn heads(&self) -> Result<Vec<Head>, Error>;

    /// Returns the last entry of one stream.
    async fn latest(&self, stream: &str) -> Result<Option<Entry>, Error>;
}
