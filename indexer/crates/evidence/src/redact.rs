//! Removes secrets, and is the only maker of text that may be stored, prompted or posted.
//!
//! One automaton over all anchors (token prefixes, names such as `password`, `://`, `@`) finds where to look, and small
//! hand-written checks decide. A line without a secret costs one pass and no copy.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

mod anchors;
mod commands;
mod headers;
mod names;
mod numbers;
mod pairs;
mod placeholder;
mod providers;
mod spans;

/// Text that went through a [`Redactor`].
///
/// Invariant: made by [`Redactor::redact`] only, or read back from our own storage, which holds nothing else
/// (that is what `Deserialize` and [`Redacted::from_storage`] are for).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Redacted(String);

impl Redacted {
    /// For text read back from the index or the journal, which was redacted before it was written.
    pub fn from_storage(text: String) -> Redacted {
        Redacted(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Finds secrets and replaces each with `⟨redacted:kind:k7xq2m9a4d⟩`, a keyed hash, so that equal secrets still correlate.
///
/// Redacting redacted text changes nothing.
#[derive(Clone)]
pub struct Redactor {
    key: [u8; 32],
}

impl Redactor {
    pub fn new(key: [u8; 32]) -> Redactor {
        Redactor { key }
    }

    /// Returns the redacted text and how many values were replaced.
    pub fn redact<'t>(&self, text: impl Into<Cow<'t, str>>) -> (Redacted, usize) {
        let text = text.into();
        match self.replaced(&text) {
            None => (Redacted(text.into_owned()), 0),
            Some((redacted, n_values)) => (Redacted(redacted), n_values),
        }
    }

    /// Like [`Redactor::redact`] for a value whose name stands apart, as in a record's fields: `password` and `hunter2`.
    pub fn redact_field<'t>(&self, name: &str, value: impl Into<Cow<'t, str>>) -> (Redacted, usize) {
        let value = value.into();
        match pairs::secret_field(name, &value) {
            Some(kind) => (Redacted(placeholder::placeholder(&self.key, kind, &value)), 1),
            None => self.redact(value),
        }
    }

    /// Whether redaction would change the text.
    pub fn would_alter(&self, text: &str) -> bool {
        !spans::secrets_in(text).is_empty()
    }

    fn replaced(&self, text: &str) -> Option<(String, usize)> {
        let mut n_values = 0;
        let mut current: Option<String> = None;
        // What stands beside a replaced value can become visible as a secret itself, so look until nothing is found.
        for _ in 0..MAX_PASSES {
            let source = current.as_deref().unwrap_or(text);
            let found = spans::secrets_in(source);
            if found.is_empty() {
                break;
            }
            let mut redacted = String::with_capacity(source.len() + 32 * found.len());
            let mut copied = 0;
            for span in &found {
                redacted.push_str(&source[copied..span.start]);
                redacted.push_str(&placeholder::placeholder(&self.key, span.kind, &source[span.start..span.end]));
                copied = span.end;
            }
            redacted.push_str(&source[copied..]);
            n_values += found.len();
            current = Some(redacted);
        }
        current.map(|redacted| (redacted, n_values))
    }
}

const MAX_PASSES: usize = 4;

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor { key: [secret] }")
    }
}

#[cfg(test)]
mod tests;
