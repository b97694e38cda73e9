//! The checked form of a runbook file: what is in here parsed, names only declared parameters and known actions.

use std::collections::BTreeMap;
use std::fmt;

use evidence::ChangeKind;
use evidence::answer::{EvidenceKind, Risk, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use unicode_width::UnicodeWidthChar as _;

use crate::canonical::Digest;
use crate::params::{Param, Values, seconds};
use crate::render;

/// A runbook as its file says it.
///
/// Invariant: made by [`crate::markdown::read`] only, which checked it.
#[derive(Clone, Debug, Serialize)]
pub struct Runbook {
    #[serde(flatten)]
    pub head: Head,
    pub steps: Vec<StepTemplate>,
    /// Over the bytes of the file.
    pub digest: Digest,
    /// The file as written.
    #[serde(skip)]
    pub text: String,
    /// Whether the page had no step blocks, so that its headings and lists became manual steps.
    pub is_plain_page: bool,
}

/// The front matter.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    pub id: String,
    pub title: String,
    /// When to use it, for people.
    #[serde(default)]
    pub when: String,
    #[serde(default)]
    pub owner: String,
    #[serde(default = "medium")]
    pub risk: Risk,
    /// The headline of a proposal, with parameters: `Roll back {{service}} to {{to}}`.
    #[serde(default)]
    pub says: Option<String>,
    #[serde(default)]
    pub params: BTreeMap<String, Param>,
    /// Any one of them makes the runbook a candidate.
    #[serde(default)]
    pub triggers: Vec<Trigger>,
}

/// All conditions that are set must hold.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Trigger {
    /// A suspected change of one of these kinds, with a known previous version.
    pub changes: Vec<ChangeKind>,
    /// A regular expression over the templates of evidence.
    pub evidence: Option<String>,
    /// Kinds of evidence that `evidence` looks at; all when empty.
    pub kinds: Vec<EvidenceKind>,
    /// Verdicts under which this applies; `[cause]` when empty.
    pub verdicts: Vec<Verdict>,
    /// No change is suspected: the remedy is not a rollback.
    pub no_change: bool,
    /// How well this remedy fits, `1..=100`.
    pub fit: u32,
}

/// A fenced `step` block, or a line of a plain page.
#[derive(Clone, Debug, Serialize)]
pub struct StepTemplate {
    pub id: String,
    /// The heading above it.
    pub heading: String,
    pub line: usize,
    #[serde(flatten)]
    pub block: Block,
}

/// What a `step` block says. Texts in `args`, `target` and `undo` are templates.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub action: String,
    #[serde(default)]
    pub args: Json,
    /// `{{service}}` when not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The runbook's when not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// `60s` when not said; at most `15m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<VerifyBlock>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<UndoBlock>,
    /// One unit with the step before it.
    #[serde(default)]
    pub together: bool,
}

/// `evidence: cited recovers`, or `query: '…'` with `at_most` or `at_least`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifyBlock {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The same as `at_most`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<u64>,
    /// How long it must hold; `45s` when not said.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub holds: Option<String>,
    /// How long it may take; `5m` when not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
}

impl VerifyBlock {
    /// What is wrong with it, as `(key, sentence)`; `path` stands before the keys in the sentences, like `verify.`.
    pub fn mistakes(&self, path: &str) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let bounds = [self.count, self.at_most, self.at_least].into_iter().flatten().count();
        match (&self.evidence, &self.query) {
            (Some(wish), None) => {
                let words: Vec<&str> = wish.split_whitespace().collect();
                let is_subject = |word: &str| {
                    let number = word.strip_prefix('E').unwrap_or("");
                    word == "cited" || (!number.is_empty() && number.chars().all(|c| c.is_ascii_digit()))
                };
                if !matches!(words[..], [subject, "stops" | "returns" | "recovers"] if is_subject(subject)) {
                    let text = format!(
                        "`{path}evidence: {wish}` must be `cited` or an id like `E1`, then `stops`, `returns` or `recovers`"
                    );
                    found.push(("evidence", text));
                }
                if bounds > 0 {
                    found.push(("", format!("`count`, `at_most` and `at_least` belong to `{path}query`")));
                }
            }
            (None, Some(_)) if bounds != 1 => {
                found.push(("query", format!("`{path}query` needs one of `count`, `at_most` and `at_least`")));
            }
            (None, Some(_)) => {}
            _ => {
                let whole = path.strip_suffix('.').map_or_else(|| "it".to_owned(), |whole| format!("`{whole}`"));
                found.push(("", format!("{whole} needs either `evidence` or `query`")));
            }
        }
        for (key, duration) in [("for", &self.holds), ("within", &self.within)] {
            if let Some(Err(error)) = duration.as_deref().map(seconds) {
                found.push((key, format!("`{path}{key}`: {error}")));
            }
        }
        found
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged, expecting = "must be a sentence for a person, or a step with `action` and `args`")]
pub enum UndoBlock {
    /// A sentence for a person.
    Manual(String),
    Step(UndoStep),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UndoStep {
    pub action: String,
    #[serde(default)]
    pub args: Json,
}

fn medium() -> Risk {
    Risk::Medium
}

/// Something wrong in a runbook, where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// The file.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1; a tab is one.
    pub column: usize,
    pub text: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{} {}", self.file, self.line, self.column, self.text)
    }
}

impl Mistake {
    /// The sentence, the line of the file's `text` that it is about, and a caret under the place.
    pub fn with_caret(&self, text: &str) -> String {
        const WIDEST: usize = 100;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let line = text.lines().nth(self.line.saturating_sub(1)).filter(|line| !line.trim().is_empty());
        let Some(line) = line else { return self.to_string() };
        // A long line is shown from shortly before the place.
        let skipped = if self.column > WIDEST { self.column - WIDEST / 2 } else { 0 };
        let (mut shown, mut indent) = (String::new(), 0);
        for (idx, c) in line.chars().enumerate().skip(skipped).take(WIDEST) {
            let c = if c == '\t' || !is_active(c) { c } else { '·' };
            if idx + 1 < self.column {
                indent += if c == '\t' { 4 } else { c.width().unwrap_or(0) };
            }
            if c == '\t' { shown.push_str("    ") } else { shown.push(c) }
        }
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        format!("{self}\n  {number} | {shown}\n  {margin} | {}^", " ".repeat(indent))
    }
}

/// Whether a character would move or hide what stands around it.
fn is_active(c: char) -> bool {
    let is_format =
        matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    c.is_control() || is_format
}

impl Runbook {
    pub fn id(&self) -> &str {
        &self.head.id
    }

    /// What a proposal with these parameters is called: what it `says`, else its title, with the values filled in.
    pub fn title_with(&self, params: &Values) -> String {
        let says = self.head.says.as_deref().unwrap_or(&self.head.title);
        // A title is for people: braces that are no parameter stay as they are.
        render::text(says, params).unwrap_or_else(|_| self.head.title.clone())
    }
}
