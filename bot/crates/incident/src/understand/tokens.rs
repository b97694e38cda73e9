//! Splits a question into tokens and remembers which of them already found their meaning.

/// What a token turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Free,
    Time,
    Service,
    Id,
    Quoted,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    /// As written, without the punctuation around it.
    pub(super) raw: String,
    pub(super) lower: String,
    pub(super) role: Role,
    /// Whether a sentence or clause ends right after it.
    pub(super) ends_clause: bool,
}

impl Token {
    pub(super) fn is(&self, word: &str) -> bool {
        self.role == Role::Free && self.lower == word
    }

    pub(super) fn is_any(&self, words: &[&str]) -> bool {
        self.role == Role::Free && words.contains(&self.lower.as_str())
    }
}

/// Splits at white space, drops punctuation around words, keeps what quotes hold together.
/// A dash between two times becomes a token of its own, so that `14:00–14:20` reads like `14:00 to 14:20`.
pub(super) fn split(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| !c.is_whitespace()) {
        rest = &rest[start..];
        if let Some((inside, after)) = quoted(rest) {
            tokens.push(token(inside, Role::Quoted, false));
            rest = after;
            continue;
        }
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        push_word(&rest[..end], &mut tokens);
        rest = &rest[end..];
    }
    tokens
}

fn quoted(text: &str) -> Option<(&str, &str)> {
    const PAIRS: [(char, char); 7] =
        [('"', '"'), ('`', '`'), ('“', '”'), ('„', '“'), ('«', '»'), ('\'', '\''), ('‘', '’')];
    let open = text.chars().next()?;
    let (_, close) = PAIRS.iter().find(|(o, _)| *o == open)?;
    let body = &text[open.len_utf8()..];
    // An apostrophe inside a word closes nothing.
    let closes = |end: &usize| !body[end + close.len_utf8()..].starts_with(char::is_alphanumeric);
    let end = body.match_indices(*close).map(|(end, _)| end).find(closes)?;
    let inside = body[..end].trim();
    (!inside.is_empty()).then(|| (inside, &body[end + close.len_utf8()..]))
}

fn push_word(word: &str, tokens: &mut Vec<Token>) {
    let ends_clause = word.ends_with(['?', '!', '.', ',', ';', ':']);
    let trimmed = word.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '+' | '-' | '~' | '_' | '–' | '—'));
    let trimmed = trimmed.trim_end_matches(['-', '+', '~']);
    if trimmed.is_empty() {
        if word.chars().all(|c| matches!(c, '-' | '–' | '—')) {
            tokens.push(token("-", Role::Free, false));
        }
        return;
    }
    let dash = |c: char| matches!(c, '-' | '–' | '—');
    if let Some((left, right)) = trimmed.split_once(dash)
        && looks_like_clock(left)
        && looks_like_clock(right)
    {
        tokens.push(token(left, Role::Free, false));
        tokens.push(token("-", Role::Free, false));
        tokens.push(token(right, Role::Free, ends_clause));
        return;
    }
    if let Some(after) = trimmed.strip_prefix('~') {
        tokens.push(token("around", Role::Free, false));
        tokens.push(token(after, Role::Free, ends_clause));
        return;
    }
    tokens.push(token(trimmed, Role::Free, ends_clause));
}

/// `14:00`, `2pm`: something that a dash may join to another of its kind.
fn looks_like_clock(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let body = lower.trim_end_matches("am").trim_end_matches("pm");
    let has_mark = lower.contains(':') || body.len() < lower.len();
    has_mark
        && body.starts_with(|c: char| c.is_ascii_digit())
        && body.chars().all(|c| c.is_ascii_digit() || c == ':' || c == '.')
}

fn token(text: &str, role: Role, ends_clause: bool) -> Token {
    let lower = text.to_lowercase();
    let lower = lower.strip_suffix("'s").or_else(|| lower.strip_suffix("’s")).unwrap_or(&lower).to_owned();
    Token { raw: text.to_owned(), lower: lower.replace('’', "'"), role, ends_clause }
}
