//! Confirms a sentence against what it cites, or says which of its words nothing supports.
//! Everything that could be wrong is looked at: numbers, times, names, quotes, causes and absences. The same check
//! stands over our own sentences and over a model's.

mod logic;
mod said;
mod support;

use std::fmt;

use evidence::Time;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::Findings;
use said::Said;
use support::Item;

/// What a sentence is checked against.
#[derive(Clone, Debug)]
pub struct Ground<'a> {
    /// With samples, where lines are to be quoted.
    pub findings: &'a Findings,
    /// The zone in which times were said.
    pub zone: &'a TimeZone,
    /// The day that a time without a date is on, or the window's day.
    pub now: Time,
    /// All services the index knows, so that a name is recognised as one.
    pub services: &'a [String],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Numbers, times and durations that were recomputed and agreed.
    pub numbers_checked: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsupported {
    /// The words in question.
    pub token: String,
    pub reason: String,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.token, self.reason)
    }
}

/// Confirms `text`.
///
/// A number must be a correct rounding of a true one at the precision said. Within a clause that names a service or
/// quotes a line, only evidence of that service or line counts.
///
/// # Errors
///
/// Every part of the sentence that the citations do not support.
pub fn check(text: &str, citations: &[String], ground: &Ground<'_>) -> Result<Checked, Vec<Unsupported>> {
    let mut wrong = Vec::new();
    let mut cited: Vec<Item<'_>> = Vec::new();
    for id in citations {
        match Item::find(id, ground.findings) {
            Some(item) => cited.push(item),
            None => wrong.push(unsupported(id, "no such evidence or change")),
        }
    }
    let said = Said::read(text, ground);
    let mut numbers_checked = 0;
    let mut last_services: Vec<String> = Vec::new();
    for clause in &said.clauses {
        let named = clause.names.iter().filter(|name| !is_cleared(name, &clause.text, ground));
        wrong.extend(named.filter_map(|name| support::name(name, &cited, ground)));
        wrong.extend(clause.identifiers.iter().filter_map(|word| support::identifier(word, &cited, citations)));
        let quotes = clause.quotes.iter().filter(|quote| !says_missed(quote, &clause.text, ground));
        wrong.extend(quotes.filter_map(|quote| support::quote(quote, &cited)));
        if !clause.names.is_empty() {
            last_services.clone_from(&clause.names);
        }
        let about = support::narrowed(&cited, &last_services, &clause.quotes);
        for number in &clause.numbers {
            match support::number(number, &clause.text, &about, ground) {
                Ok(()) => numbers_checked += 1,
                Err(reason) => wrong.push(unsupported(&number.written, &reason)),
            }
        }
    }
    wrong.extend(logic::absences(&said, &cited, ground));
    wrong.extend(logic::causes(&said, &cited, ground));
    if wrong.is_empty() { Ok(Checked { numbers_checked }) } else { Err(wrong) }
}

/// Whether the clause says "not" of a service that shows nothing: the absence of evidence is what supports it.
fn is_cleared(name: &str, clause: &str, ground: &Ground<'_>) -> bool {
    let says_not = clause.to_lowercase().starts_with(&format!("not {}", name.to_lowercase()));
    let findings = ground.findings;
    says_not
        && findings.evidence.iter().all(|evidence| evidence.service != name)
        && findings.suspects.iter().all(|suspect| suspect.service != name)
}

/// Whether the clause says of what was looked for in vain that no line has it.
fn says_missed(quote: &str, clause: &str, ground: &Ground<'_>) -> bool {
    let facts = &ground.findings.facts;
    let is_unmentioned = facts.unmentioned.iter().any(|word| word == quote);
    (clause.starts_with("no line matches") && facts.missed.as_deref() == Some(quote)) || is_unmentioned
}

fn unsupported(token: &str, reason: &str) -> Unsupported {
    Unsupported { token: token.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
pub(crate) mod tests;
