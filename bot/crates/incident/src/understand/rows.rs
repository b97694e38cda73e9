//! Rows of the answer before, which people name by the ids that stand in front of them: `E1`, `C1`.

use evidence::TemplateId;
use serde::{Deserialize, Serialize};

use super::Context;
use super::tokens::{Role, Token};

/// A row of evidence: a kind of line of one service, or what a query found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// `E1`
    pub id: String,
    pub service: String,
    /// `None` when a query found the lines.
    pub template: Option<TemplateId>,
    /// What finds the lines, in the query language.
    pub query: String,
}

/// A row about a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeRow {
    /// `C1`
    pub id: String,
    pub service: String,
}

/// The rows that a question names.
#[derive(Debug, Default)]
pub(super) struct Named {
    pub(super) evidence: Vec<Row>,
    pub(super) changes: Vec<ChangeRow>,
}

impl Named {
    pub(super) fn is_empty(&self) -> bool {
        self.evidence.is_empty() && self.changes.is_empty()
    }
}

/// Takes the ids of rows out of the tokens. What looks like one and is in no answer stays a word, with a note.
pub(super) fn take(tokens: &mut [Token], before: Option<&Context>, notes: &mut Vec<String>) -> Named {
    let mut named = Named::default();
    for token in tokens.iter_mut().filter(|token| token.role == Role::Free) {
        let is_it = |id: &str| id.eq_ignore_ascii_case(&token.raw);
        let evidence = before.and_then(|before| before.evidence.iter().find(|row| is_it(&row.id)));
        let change = before.and_then(|before| before.changes.iter().find(|row| is_it(&row.id)));
        if evidence.is_some() || change.is_some() {
            token.role = Role::Id;
            named.evidence.extend(evidence.cloned());
            named.changes.extend(change.cloned());
        } else if looks_like_a_row(&token.raw) {
            notes.push(unknown(&token.raw, before));
        }
    }
    named
}

fn looks_like_a_row(text: &str) -> bool {
    let digits = text.strip_prefix(['E', 'C']).unwrap_or_default();
    (1..=2).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit())
}

fn unknown(id: &str, before: Option<&Context>) -> String {
    let Some(before) = before else {
        return format!(
            "`{id}` is read as a word: ids like it belong to one answer; ask in `firstline chat`, where the next \
             question goes on from it"
        );
    };
    let evidence = before.evidence.iter().map(|row| row.id.as_str());
    let known: Vec<&str> = evidence.chain(before.changes.iter().map(|row| row.id.as_str())).collect();
    let known = if known.is_empty() { String::new() } else { format!(" (it has: {})", known.join(", ")) };
    format!("`{id}` is read as a word: the answer before has no such row{known}")
}
