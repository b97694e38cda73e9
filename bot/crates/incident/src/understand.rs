//! Reads a question by rules: what is asked, about which services, over which time.
//! Whatever had to be assumed is written down in `notes`, because the answer says it back.

mod blame;
mod ids;
mod kinds;
mod rows;
mod services;
mod times;
mod tokens;
mod vocabulary;

use evidence::answer::QuestionKind;
use evidence::{Change, Severity, Time, TimeWindow};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use tokens::Role;

pub use ids::Id;
pub use rows::{ChangeRow, Row};
pub use times::time_argument;

/// Longer questions are refused: they are pasted logs, and those belong in `firstline index -`.
pub const MAX_CHARS: usize = 4_000;

/// What the words are read against.
#[derive(Clone, Debug)]
pub struct Known<'a> {
    pub now: Time,
    /// The zone of the person who asks.
    pub zone: TimeZone,
    pub services: &'a [KnownService],
    /// The earliest and latest record of the index; `None` when it is empty.
    pub reach: Option<(Time, Time)>,
    /// Recorded changes, for "since the deploy".
    pub changes: &'a [Change],
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownService {
    pub name: String,
    pub aliases: Vec<String>,
}

impl KnownService {
    pub fn named(name: impl Into<String>) -> KnownService {
        KnownService { name: name.into(), aliases: Vec::new() }
    }
}

/// What the person fixed outside the words: the options of `firstline ask`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    pub from: Option<Time>,
    pub to: Option<Time>,
    pub at: Option<Time>,
    pub baseline_from: Option<Time>,
    pub baseline_to: Option<Time>,
    pub services: Vec<String>,
}

/// A question as the rest of the crate sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    pub text: String,
    pub kind: QuestionKind,
    /// `None` only when the index holds no record at all.
    pub window: Option<TimeWindow>,
    /// How to say the window back: `the last 20 minutes`, `13:45–14:15`.
    pub window_said: String,
    /// Whether the words, the options or the conversation chose the window, rather than the default.
    pub window_chosen: bool,
    pub baseline: Option<TimeWindow>,
    /// The one instant the question is about, when it names one.
    pub moment: Option<Time>,
    /// Empty for all services.
    pub services: Vec<String>,
    /// When it asks whether a change did harm: of which services; empty for any change.
    #[serde(default)]
    pub blamed: Option<Vec<String>>,
    pub ids: Vec<Id>,
    /// The mildest level the person wants to see.
    pub severity: Option<Severity>,
    /// What to look for in lines: quoted phrases first, then words that are nothing else.
    pub words: Vec<String>,
    /// Assumptions and near misses, each a sentence.
    pub notes: Vec<String>,
}

impl Question {
    /// Whether the person wants to know what is wrong, rather than to see or count something.
    pub fn is_diagnosis(&self) -> bool {
        match self.kind {
            QuestionKind::WhatIsWrong | QuestionKind::WhatChanged | QuestionKind::IsItFixed | QuestionKind::Other => {
                true
            }
            QuestionKind::HowOften | QuestionKind::Who | QuestionKind::ShowMe => false,
        }
    }

    /// The one row of the answer before that the question is about.
    pub fn row(&self) -> Option<&Row> {
        match self.ids.as_slice() {
            [Id::Row(row)] if self.words.is_empty() && self.severity.is_none() => Some(row),
            _ => None,
        }
    }

    /// The same about "call" where it said "calls"; `None` when no word has a plural's end.
    #[must_use]
    pub fn in_singular(&self) -> Option<Question> {
        let singular = |word: &String| match word.strip_suffix('s') {
            Some(one) if one.len() >= 3 && !one.ends_with('s') => one.to_owned(),
            _ => word.clone(),
        };
        let words: Vec<String> = self.words.iter().map(singular).collect();
        (words != self.words).then(|| Question { words, ..self.clone() })
    }

    /// What to look for in lines, in the query language; `None` when the question names nothing to look for.
    pub fn query(&self) -> Option<String> {
        let mut parts: Vec<String> = self.ids.iter().map(Id::query).collect();
        parts.extend(self.words.iter().map(|word| match vocabulary::status_class(word) {
            Some(digit) => format!("(\"{word}\" OR status:{digit}*)"),
            None => format!("\"{}\"", word.replace(['"', '\\'], " ")),
        }));
        // A row is of the service that it is of, whatever the conversation is about.
        let names_row = self.ids.iter().any(|id| matches!(id, Id::Row(_)));
        let services = self.services.iter().filter(|_| !names_row);
        let named: Vec<String> = services.map(|service| format!("service:\"{service}\"")).collect();
        match &named[..] {
            [] => {}
            [one] => parts.push(one.clone()),
            several => parts.push(format!("({})", several.join(" OR "))),
        }
        parts.extend(self.severity.map(|severity| format!("level>={severity}")));
        (!parts.is_empty()).then(|| parts.join(" "))
    }
}

/// What the previous question of a conversation was about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Context {
    pub window: Option<TimeWindow>,
    /// Whether that window was asked for, rather than the default.
    #[serde(default)]
    pub window_chosen: bool,
    pub services: Vec<String>,
    pub kind: QuestionKind,
    /// When the trouble began, as far as the answer knew.
    pub onset: Option<Time>,
    /// The rows of its answer, so that their ids can be named.
    #[serde(default)]
    pub evidence: Vec<Row>,
    #[serde(default)]
    pub changes: Vec<ChangeRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the question is empty; ask for example `why is checkout failing?` or `what changed since 14:00?`")]
    Empty,
    #[error(
        "`{text}` asks nothing of the logs; ask for example `why is checkout failing?` or `what changed since 14:00?`"
    )]
    NoQuestion { text: String },
    #[error(
        "the question has {chars} characters, at most {MAX_CHARS} are read; pass logs through `firstline index -` and ask about them"
    )]
    TooLong { chars: usize },
    #[error("unknown service `{name}`.{} Known: {}", suggestion(.near), listed(.known))]
    UnknownService { name: String, near: Vec<String>, known: Vec<String> },
    #[error("the window from `{from}` lies in the future (now is `{now}`); name a time that has passed")]
    Future { from: String, now: String },
    #[error("the window ends before it starts: `{from}` to `{to}`; swap the two times, or add the dates")]
    Inverted { from: String, to: String },
    #[error("`{text}` is not a time; times look like `2023-01-29T08:43:04Z`, `14:02`, `14:02:10` or `-90m`")]
    NotATime { text: String },
}

impl Error {
    /// Every mistake here is the asker's to correct.
    pub fn is_user_mistake(&self) -> bool {
        true
    }
}

fn suggestion(near: &[String]) -> String {
    match near {
        [] => String::new(),
        [one] => format!(" Did you mean `{one}`?"),
        several => {
            format!(" Did you mean {}?", several.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" or "))
        }
    }
}

fn listed(known: &[String]) -> String {
    const SHOWN: usize = 12;
    if known.is_empty() {
        return "none yet; index some logs first with `firstline index PATH`".into();
    }
    let mut names = known.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if known.len() > SHOWN {
        names.push_str(&format!(", … ({})", known.len()));
    }
    names
}

/// Reads `text`; `before` is what the previous question of the conversation was about.
///
/// # Errors
///
/// An empty or overlong question, a service that does not exist, a window in the future or one that ends before it starts.
pub fn understand(
    text: &str,
    known: &Known<'_>,
    overrides: &Overrides,
    before: Option<&Context>,
) -> Result<Question, Error> {
    let text = text.trim();
    let chars = text.chars().count();
    if chars > MAX_CHARS {
        return Err(Error::TooLong { chars });
    }
    if !text.chars().any(char::is_alphanumeric) {
        return Err(Error::Empty);
    }
    let mut notes = Vec::new();
    let mut tokens = tokens::split(text);
    if kinds::is_small_talk(&tokens) {
        return Err(Error::NoQuestion { text: text.to_owned() });
    }
    let mut ids = ids::take(&mut tokens);
    // Services may be named like times ("today") and times like words; whoever comes first takes the token.
    let named = services::quoted_or_exact(&mut tokens, known);
    let rows = rows::take(&mut tokens, before, &mut notes);
    let phrases = times::take(&mut tokens)?;
    let mut services = services::take(&mut tokens, known, named, &mut notes)?;
    if !overrides.services.is_empty() {
        services = services::required(&overrides.services, known)?;
    }
    let everything = services::asks_for_everything(&tokens);
    let refers_back = kinds::refers_back(&tokens);
    let blamed = blame::blamed(&tokens, &services);
    let kind = match &rows {
        rows if !rows.changes.is_empty() => QuestionKind::WhatChanged,
        // "E1" alone asks to see it.
        rows if !rows.is_empty() && tokens.iter().all(|token| token.role == Role::Id) => QuestionKind::ShowMe,
        _ if blamed.is_some() => QuestionKind::WhatChanged,
        _ => kinds::kind_of(&tokens, before),
    };
    let severity = kinds::severity_of(&tokens);
    let words = vocabulary::search_words(&tokens);

    // A row is of the time that its answer was about, whoever chose that.
    let before =
        before.map(|before| Context { window_chosen: before.window_chosen || !rows.is_empty(), ..before.clone() });
    let before = before.as_ref();
    services.extend(rows.changes.into_iter().map(|row| row.service));
    ids.extend(rows.evidence.into_iter().map(Id::Row));
    if let Some(before) = before
        && services.is_empty()
        && !everything
        && (refers_back || words.is_empty())
    {
        services.clone_from(&before.services);
        if !services.is_empty() {
            notes.push(format!("about {}, as before", services.join(", ")));
        }
    }

    let placed = times::place(phrases, known, &services, overrides, before, kind, &mut notes)?;
    Ok(Question {
        text: text.to_owned(),
        kind,
        window: placed.window,
        window_said: placed.said,
        window_chosen: placed.chosen,
        baseline: placed.baseline,
        moment: placed.moment,
        services,
        blamed,
        ids,
        severity,
        words,
        notes,
    })
}

#[cfg(test)]
mod tests;
