//! What can go wrong around the journal: with its keys and with signed heads.

use incident::journal;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Journal(#[from] journal::Error),
    #[error("the signing keys in `{path}` cannot be used: {reason}")]
    Keys { path: String, reason: String },
    #[error("the signed head {what} is not valid: {reason}")]
    Head { what: String, reason: String },
    #[error("cannot write the export: {0}")]
    Write(#[from] std::io::Error),
}
