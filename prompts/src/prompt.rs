//! A rendered prompt: everything a provider needs, and what is recorded about it.

use serde_json::Value;

#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// `tell@v1`.
    pub name_version: String,
    /// SHA-256 of the version's two files, in hex.
    pub digest: String,
    /// Our rules. Nothing in it came from a log or a person.
    pub system: String,
    /// The data between its marks.
    pub user: String,
    /// The JSON Schema that the reply should satisfy; a wish, since not every server keeps to it.
    pub schema: Value,
    /// What the reply may cost, thinking included.
    pub max_tokens: u32,
    /// Log lines that the text quotes.
    pub shown_records: usize,
}
