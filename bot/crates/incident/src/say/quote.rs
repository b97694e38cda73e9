//! Quotes a template so that the words stay the log's own: parameters become `…`, and nothing can end the quote early.

const LONGEST: usize = 100;

/// `“connection pool exhausted after … ms”`; `None` when the template has no words to quote.
pub(super) fn quoted(template: &str) -> Option<String> {
    let shown: String =
        template.replace("<*>", "…").chars().map(|c| if c == '”' || is_unfit(c) { '…' } else { c }).collect();
    let mut words: Vec<&str> = message_of(&shown);
    words.dedup_by(|a, b| *a == "…" && *b == "…");
    // What varies at the front says nothing.
    let first = words.iter().position(|word| *word != "…").unwrap_or(0);
    let mut text = words[first..].join(" ");
    if text.chars().count() > LONGEST {
        text = text.chars().take(LONGEST).collect::<String>().trim_end().to_owned() + "…";
    }
    let n_said = text.chars().filter(|c| c.is_alphanumeric()).count();
    (n_said >= 2).then(|| format!("“{text}”"))
}

/// The words after a leading time, level, thread and logger; all words when nothing would be left.
fn message_of(text: &str) -> Vec<&str> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut start = 0;
    let mut has_level = false;
    let mut depth = 0;
    for (idx, word) in words.iter().enumerate() {
        let opens = word.matches('[').count();
        let closes = word.matches(']').count();
        let is_inside = depth > 0 || word.starts_with('[');
        depth = (depth + opens).saturating_sub(closes);
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let is_level =
            evidence::Severity::parse(bare).is_some() && bare.len() > 2 && bare.chars().all(char::is_uppercase);
        let is_logger = has_level
            && bare.contains('.')
            && !bare.contains("…")
            && bare.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '$' | '#'));
        let is_header = is_inside || bare.is_empty() || is_level || is_logger;
        has_level |= is_level;
        if !is_header {
            break;
        }
        start = idx + 1;
    }
    let rest = &words[start..];
    let n_letters: usize = rest.iter().flat_map(|word| word.chars()).filter(|c| c.is_alphabetic()).count();
    if has_level && n_letters >= 4 { rest.to_vec() } else { words }
}

/// Control characters, and those that turn or hide the text around them.
fn is_unfit(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// A name in a sentence: in backticks, unless it would break out of them.
pub(super) fn named(name: &str) -> Option<String> {
    let fits = !name.trim().is_empty()
        && !name.contains('`')
        && !name.chars().any(is_unfit)
        && name.chars().count() <= LONGEST;
    fits.then(|| format!("`{}`", name.split_whitespace().collect::<Vec<_>>().join(" ")))
}
