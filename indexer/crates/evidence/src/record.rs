//! One parsed log entry, before and after it is stored.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Redacted, Severity, TemplateId, Time};

/// The place of a record in the order of ingestion: monotone, never reused within one index.
///
/// Prints as `r` and a decimal number, so that it is one word of the query language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub u64);

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.0)
    }
}

impl FromStr for RecordId {
    type Err = String;

    fn from_str(text: &str) -> Result<RecordId, String> {
        let number = text.strip_prefix('r').and_then(|digits| digits.parse().ok());
        number.map(RecordId).ok_or_else(|| format!("`{text}` is not a record id; ids look like `r1234`"))
    }
}

impl Serialize for RecordId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RecordId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RecordId, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Where a line came from: the file and the byte (of the uncompressed file) it starts at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcePosition {
    pub path: String,
    pub offset: u64,
}

/// One parsed log entry, redacted, ready to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub time: Time,
    /// `None` when the line named no level.
    pub severity: Option<Severity>,
    pub service: String,
    pub host: Option<String>,
    pub environment: Option<String>,
    /// The version of the software that wrote the line, when the line says so (`version`, `service.version`, …).
    pub version: Option<String>,
    pub trace: Option<String>,
    pub span: Option<String>,
    pub text: Redacted,
    /// What else the line said, by its own names, nested names joined with dots.
    pub fields: BTreeMap<String, Redacted>,
    pub source: SourcePosition,
}

/// A record as it comes back from a store; the form of a `search` hit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredRecord {
    pub id: RecordId,
    pub time: Time,
    pub service: String,
    pub level: Option<Severity>,
    pub host: Option<String>,
    pub environment: Option<String>,
    pub version: Option<String>,
    pub trace: Option<String>,
    pub span: Option<String>,
    /// The template's text, `<*>` for each parameter.
    pub template: String,
    pub template_id: TemplateId,
    pub text: Redacted,
    pub fields: BTreeMap<String, Redacted>,
    pub source: SourcePosition,
}
