#![doc = include_str!("../README.md")]

pub mod inputs;

mod fence;

pub mod template;

pub mod catalog;

pub mod prompt;

pub mod reply;

pub use catalog::Catalog;
pub use inputs::TellInputs;
pub use prompt::Prompt;
pub use reply::{Sentence, TellReply, parse_tell};
pub use template::Template;

/// Why there is no prompt, or no reply.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("unknown prompt `{name}` (known: {known})")]
    Unknown { name: String, known: String },
    #[error("the prompt `{prompt}` is not usable: {why}")]
    Template { prompt: String, why: String },
    #[error("the prompt `{prompt}` would be longer than {limit} bytes; ask about a shorter window or fewer services")]
    TooLong { prompt: String, limit: usize },
    #[error("there is no evidence to tell: the answer has nothing that a sentence could cite")]
    NothingToCite,
    #[error("the mark of a prompt must be at least 16 letters and digits, not `{0}`; make it from random bytes")]
    WeakMark(String),
    #[error("the reply is not usable: {0}")]
    Reply(String),
}
