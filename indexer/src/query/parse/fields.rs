//! What a named value asks for: keywords, levels, ids, lengths of time, and the fields of records.

use evidence::{RecordId, Severity, TemplateId};

use super::{Mistake, Parsed, Parser};
use crate::query::words::words;
use crate::query::{Comparison, Keyword, Query};

const LEVELS: &str = "trace, debug, info, warn, error, fatal";

impl Parser<'_> {
    pub(super) fn field(
        &self,
        name: &str,
        comparison: Comparison,
        value: &str,
        prefix: bool,
        start: usize,
        value_at: usize,
    ) -> Parsed {
        let lower = name.to_lowercase();
        if comparison != Comparison::Is && !matches!(lower.as_str(), "level" | "severity") {
            return Err(self.mistake(
                start,
                &format!("`{name}` cannot be compared"),
                "Only `level` can: `level>=warn`",
            ));
        }
        let keyword = match lower.as_str() {
            "service" => Keyword::Service,
            "host" => Keyword::Host,
            "environment" | "env" => Keyword::Environment,
            "version" => Keyword::Version,
            "trace" | "trace_id" | "traceid" => Keyword::Trace,
            "span" | "span_id" | "spanid" => Keyword::Span,
            _ => return self.other_field(&lower, comparison, value, prefix, value_at),
        };
        if value.is_empty() && !prefix {
            return Err(self.mistake(value_at, &format!("`{name}:` has no value"), &format!("Write `{name}:NAME`")));
        }
        Ok(Query::Keyword { field: keyword, value: value.to_lowercase(), prefix })
    }

    pub(super) fn other_field(
        &self,
        name: &str,
        comparison: Comparison,
        value: &str,
        prefix: bool,
        value_at: usize,
    ) -> Parsed {
        match name {
            "level" | "severity" => match level(value) {
                Some(severity) if !prefix => Ok(Query::Level { comparison, severity }),
                _ => Err(self.mistake(value_at, "unknown level", &format!("Levels: {LEVELS}"))),
            },
            "template" => match value.to_lowercase().parse::<TemplateId>() {
                Ok(id) if !prefix => Ok(Query::Template(id)),
                _ => Err(self.mistake(
                    value_at,
                    "not a template id",
                    "Ids look like `t12`; `firstline templates` lists them",
                )),
            },
            "id" => match value.to_lowercase().parse::<RecordId>() {
                Ok(id) if !prefix => Ok(Query::Id(id)),
                _ => Err(self.mistake(value_at, "not a record id", "Ids look like `r1234`")),
            },
            "last" => match micros(value) {
                Some(micros) if !prefix => Ok(Query::Last { micros }),
                _ => Err(self.mistake(
                    value_at,
                    "not a length of time",
                    "Write `last:30s`, `last:15m`, `last:2h`, `last:7d`",
                )),
            },
            "text" | "message" | "msg" => {
                self.words_of(value_at, value, prefix).map(|(words, prefix)| Query::Phrase { words, prefix })
            }
            _ if value.is_empty() && prefix => Ok(Query::Field { name: name.to_owned(), words: Vec::new(), prefix }),
            _ => {
                let (words, prefix) = self.words_of(value_at, value, prefix)?;
                Ok(Query::Field { name: name.to_owned(), words, prefix })
            }
        }
    }

    /// `10.0.3.*` is the phrase `10 0 3`: a star after a separator has no word to begin.
    pub(super) fn words_of(&self, start: usize, text: &str, prefix: bool) -> Result<(Vec<String>, bool), Mistake> {
        if let Some(star) = text.chars().position(|c| c == '*').filter(|_| !text.contains(['"', ' '])) {
            let beside_word = |at: Option<char>| at.is_some_and(|c| c.is_alphanumeric() || c == '_');
            let all: Vec<char> = text.chars().collect();
            if beside_word(all.get(star + 1).copied()) {
                return Err(self.mistake(
                    start + star,
                    "`*` can only end a word",
                    "Write `prefix*`, or quote the text",
                ));
            }
        }
        let found: Vec<String> = words(text).collect();
        if found.is_empty() {
            return Err(self.mistake(start, "no letter or digit to search for", "`*` alone matches everything"));
        }
        let ends_in_word = text.chars().last().is_some_and(|c| c.is_alphanumeric() || c == '_');
        Ok((found, prefix && ends_in_word))
    }
}

/// Full names and the commonest long forms; `wrn` is more likely a slip than a level.
fn level(text: &str) -> Option<Severity> {
    Some(match text.to_lowercase().as_str() {
        "trace" => Severity::Trace,
        "debug" => Severity::Debug,
        "info" | "information" => Severity::Info,
        "warn" | "warning" => Severity::Warn,
        "error" | "err" => Severity::Error,
        "fatal" | "critical" => Severity::Fatal,
        _ => return None,
    })
}

fn micros(text: &str) -> Option<i64> {
    let unit = text.chars().last()?;
    let number: i64 = text[..text.len() - unit.len_utf8()].parse().ok().filter(|n| *n > 0)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    number.checked_mul(seconds)?.checked_mul(1_000_000)
}
