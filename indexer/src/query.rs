//! The query language: one tree, and mistakes that point at a character.

use evidence::{RecordId, Severity, TemplateId};

mod parse;
pub mod words;

pub use words::words;

/// A checked query. Words are lower-case; a term with separators became the phrase of its words.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// `*`: every record.
    All,
    /// Words in a row in the text or in one field's value; the last one only begins a word when `prefix`.
    Phrase {
        words: Vec<String>,
        prefix: bool,
    },
    /// A whole value of a named field, word by word.
    Field {
        name: String,
        words: Vec<String>,
        prefix: bool,
    },
    /// `service:checkout`; compared whole, without case; `prefix` for `check*`.
    Keyword {
        field: Keyword,
        value: String,
        prefix: bool,
    },
    Level {
        comparison: Comparison,
        severity: Severity,
    },
    /// The template and everything of its family.
    Template(TemplateId),
    Id(RecordId),
    /// `last:15m`: from that many microseconds before now.
    Last {
        micros: i64,
    },
    Not(Box<Query>),
    And(Vec<Query>),
    Or(Vec<Query>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyword {
    Service,
    Host,
    Environment,
    Version,
    Trace,
    Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Is,
    AtLeast,
    AtMost,
    Above,
    Below,
}

/// What is wrong with a query, and at which character (counted from 1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{query}`: {what}")]
pub struct Mistake {
    pub query: String,
    /// Counted in characters, from 1.
    pub character: usize,
    /// A sentence that says the character and the alternatives.
    pub what: String,
}

impl Query {
    /// Reads the query language of the contract; an empty query matches everything.
    ///
    /// # Errors
    ///
    /// [`Mistake`] says at which character what is wrong.
    pub fn parse(text: &str) -> std::result::Result<Query, Mistake> {
        parse::parse(text)
    }

    /// The phrase of the words in `text`, or everything when it has none.
    pub fn phrase(text: &str) -> Query {
        let words: Vec<String> = words(text).collect();
        if words.is_empty() { Query::All } else { Query::Phrase { words, prefix: false } }
    }
}

#[cfg(test)]
mod tests;
