//! Which words name a level, and which beginnings of a message say one without naming it.

use evidence::Severity;

/// How a word stands in its line; the plainer, the fewer words count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// `[Note]`, `<error>`.
    Bracketed,
    /// `LOG:  checkpoint`, `error: broken`, behind other items.
    BeforeColon,
    /// `, Info    CBS`, `| info |`.
    Delimited,
    /// `ERROR` without any sign.
    Capitals,
    /// `INFO:     127.0.0.1`, `info: started`, at the very beginning of a line.
    First,
}

/// The level that a logger meant by this word.
pub(super) fn level_word(word: &str, spelling: Spelling) -> Option<Severity> {
    if !(3..=13).contains(&word.len()) {
        return None;
    }
    let lower = word.to_ascii_lowercase();
    let is_ordinary = matches!(
        lower.as_str(),
        "log" | "note" | "config" | "default" | "fine" | "alert" | "failure" | "panic" | "emergency"
    );
    let is_capitals = word.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_mild = matches!(lower.as_str(), "trace" | "debug" | "info" | "warn" | "warning");
    let counts = match spelling {
        Spelling::Bracketed => !is_ordinary || is_capitals || matches!(lower.as_str(), "note" | "alert"),
        Spelling::BeforeColon => !is_ordinary || is_capitals,
        Spelling::Delimited => !is_ordinary,
        Spelling::Capitals => is_capitals && !is_ordinary,
        // `error: broken` and `panic: broken` say so in words, which stay with the message.
        Spelling::First => is_capitals || (is_mild && word == lower),
    };
    counts.then(|| Severity::parse(word)).flatten()
}

/// The level that a message without one states by its words: at their beginning, and only where they are clear.
///
/// `Out of memory: Killed process 7` is an error; `0 errors found`, `error_count=0` and `error: none` are not.
pub(super) fn level_stated(message: &str) -> Option<Severity> {
    const CLEAR: &[(&str, Severity)] = &[
        ("panic:", Severity::Fatal),
        ("kernel panic", Severity::Fatal),
        ("fatal:", Severity::Fatal),
        ("fatal error", Severity::Fatal),
        ("critical:", Severity::Fatal),
        ("emergency:", Severity::Fatal),
        ("error:", Severity::Error),
        ("err:", Severity::Error),
        ("failure:", Severity::Error),
        ("bug:", Severity::Error),
        ("oops:", Severity::Error),
        ("out of memory: kill", Severity::Error),
        ("memory cgroup out of memory: kill", Severity::Error),
        ("segmentation fault", Severity::Error),
        ("exception in thread ", Severity::Error),
        ("unhandled exception", Severity::Error),
        ("uncaught exception", Severity::Error),
        ("traceback (most recent call last):", Severity::Error),
        ("warning:", Severity::Warn),
    ];
    let begins = |start: &str| {
        message.len() >= start.len() && message.as_bytes()[..start.len()].eq_ignore_ascii_case(start.as_bytes())
    };
    let (start, severity) = CLEAR.iter().find(|(start, _)| begins(start))?;
    let value = message[start.len()..].trim();
    let first = value.split([' ', ',', ';', '.']).next().unwrap_or_default();
    let is_one_of = |words: &[&str], word: &str| words.iter().any(|known| word.eq_ignore_ascii_case(known));
    let denies = start.ends_with(':')
        && (is_one_of(&["0", "none", "null", "nil", "false"], first) || is_one_of(&["", "no", "off", "ok"], value));
    (!denies).then_some(*severity)
}

/// Words that may come before a level that a message names in passing.
const LEVEL_WORDS: usize = 14;
const LEVEL_BYTES: usize = 240;

/// The level that a message names beside its header: `… [warn] …`, `… |ERROR| …`, `… level=warn …`, `… ERROR: …`.
pub(super) fn level_named(message: &str) -> Option<Severity> {
    let bytes = &message.as_bytes()[..message.len().min(LEVEL_BYTES)];
    let mut n_words = 0;
    let mut at = 0;
    while at < bytes.len() && n_words < LEVEL_WORDS {
        if !bytes[at].is_ascii_alphabetic() {
            at += 1;
            continue;
        }
        let len = bytes[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let before = at.checked_sub(1).map(|index| bytes[index]);
        let after = bytes.get(at + len).copied();
        let spelling = match (before, after) {
            (Some(b'['), Some(b']')) | (Some(b'|'), Some(b'|')) | (Some(b'<'), Some(b'>')) => Some(Spelling::Bracketed),
            (Some(b':'), Some(b']')) => Some(Spelling::Delimited),
            (Some(b'='), _) if n_words > 0 && is_level_name(&bytes[..at - 1]) => Some(Spelling::Delimited),
            (None | Some(b' ' | b'\t'), Some(b':')) => Some(Spelling::Capitals),
            _ => None,
        };
        let word = std::str::from_utf8(&bytes[at..at + len]).unwrap_or_default();
        if let Some(severity) = spelling.and_then(|spelling| level_word(word, spelling)) {
            return Some(severity);
        }
        n_words += 1;
        at += len;
    }
    None
}

fn is_level_name(before: &[u8]) -> bool {
    ["level", "lvl", "severity", "loglevel"].iter().any(|name| {
        before.len() >= name.len() && before[before.len() - name.len()..].eq_ignore_ascii_case(name.as_bytes())
    })
}
