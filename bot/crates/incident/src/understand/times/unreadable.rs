//! What looks like a time and is none. Passed over, it would be answered for another time.

use super::{duration, phrase};
use crate::understand::tokens::Token;

/// A clock that no day has, a length that no window has, or a year where a time belongs.
pub(super) fn unreadable(tokens: &[Token], i: usize) -> Option<String> {
    let word = phrase::word(tokens, i)?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = word.split(':').collect();
    let is_clock = parts.len() >= 2 && parts.iter().all(|part| is_number(part) && part.len() <= 2);
    let is_past_the_last =
        |(i, part): (usize, &&str)| part.parse::<u8>().is_ok_and(|n| n > if i == 0 { 24 } else { 59 });
    if is_clock && parts.iter().enumerate().any(is_past_the_last) {
        return Some(word.to_owned());
    }
    if let Some(end) = duration::impossible(tokens, i) {
        let leads = i.checked_sub(1).and_then(|before| phrase::word(tokens, before));
        let is_led = leads.is_some_and(|word| ["last", "past", "previous", "within", "since"].contains(&word));
        let is_ago = phrase::word(tokens, end) == Some("ago");
        let ends = if is_led { i - 1..end } else { i..end + 1 };
        return (is_led || is_ago).then(|| said(&tokens[ends]));
    }
    let previous = phrase::word(tokens, i.checked_sub(1)?)?;
    let is_year = word.len() == 4 && is_number(word) && (word.starts_with("19") || word.starts_with("20"));
    let ends = tokens[i].ends_clause || i + 1 == tokens.len();
    (is_year && ends && ["in", "of", "since", "during", "from", "until"].contains(&previous))
        .then(|| format!("{previous} {word}"))
}

fn said(tokens: &[Token]) -> String {
    tokens.iter().map(|token| token.raw.as_str()).collect::<Vec<_>>().join(" ")
}
