//! Values that are secret because of their name: `password=…`, `"client_secret":"…"`, `--token …`, also inside of
//! escaped JSON and URL encoding. Strong names (`password`) hide any value, weak ones (`token`) only what looks random.

use super::names::{NAMES, Name, is_secret, is_suffix};
use super::providers::is_inside_word;
use super::spans::Span;

/// Bounds the work on lines that are all names and no values.
const MAX_VALUE: usize = 8_192;

/// The value after the name that was found at `start..end`.
pub(super) fn value_of(text: &str, name: &'static Name, start: usize, end: usize) -> Option<Span> {
    let bytes = text.as_bytes();
    if name.word.len() <= 3 && is_inside_word(bytes, start) && bytes[start - 1] != b'_' {
        return None;
    }
    let suffix_len = bytes[end..].iter().take(24).take_while(|byte| is_name_byte(**byte)).count();
    let suffix = &text[end..end + suffix_len];
    if !is_suffix(suffix) {
        return None;
    }
    let is_option = is_command_line_option(bytes, start);
    let (value_start, opening, separator) = after_separator(bytes, end + suffix_len, is_option)?;
    let mut value_end = end_of_value(bytes, value_start, opening);
    while !text.is_char_boundary(value_end) {
        value_end -= 1;
    }
    let value = text.get(value_start..value_end)?;
    let is_prose = separator == Separator::ColonAndBlank && opening == Opening::None;
    let ends_line = bytes.get(value_end).is_none_or(|byte| matches!(byte, b'\n' | b'\r' | b',' | b';' | b'"'));
    is_secret(value, name.strength, is_prose && !ends_line).then_some(Span {
        start: value_start,
        end: value_end,
        kind: name.kind,
    })
}

/// The kind of secret that a field of this name holds, when the value can be one.
pub(super) fn secret_field(name: &str, value: &str) -> Option<&'static str> {
    let last = name.rsplit('.').next().unwrap_or(name);
    let lower = last.to_ascii_lowercase();
    let known = NAMES.iter().find(|known| {
        lower.find(known.word).is_some_and(|at| {
            is_suffix(&lower[at + known.word.len()..])
                && (known.word.len() > 3 || at == 0 || lower[..at].ends_with('_'))
        })
    })?;
    let value = value.trim();
    let is_kept = super::placeholder::placeholders_in(value).contains(&(0, value.len()));
    (!is_kept && is_secret(value, known.strength, false)).then_some(known.kind)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

fn is_command_line_option(bytes: &[u8], start: usize) -> bool {
    let name_start = start - bytes[..start].iter().rev().take(64).take_while(|byte| is_name_byte(**byte)).count();
    bytes[name_start..start].starts_with(b"--")
        || (name_start == start && start >= 2 && bytes[start - 2..start] == *b"--")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Opening {
    None,
    /// The quote and how many backslashes stand before it.
    Quote(u8, usize),
    UrlQuote,
    Tag,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Separator {
    Equals,
    Colon,
    ColonAndBlank,
    Blank,
    Tag,
}

/// Where the value starts, how it is quoted and what stood between it and its name.
fn after_separator(bytes: &[u8], end_of_name: usize, is_option: bool) -> Option<(usize, Opening, Separator)> {
    let mut at = skip_quote(bytes, end_of_name).map_or(end_of_name, |(at, _)| at);
    let blanks = blanks_at(bytes, at);
    at += blanks;
    let rest = &bytes[at..];
    let (separator, len) = match rest.first()? {
        b'=' if rest.starts_with(b"=>") => (Separator::Equals, 2),
        b'=' if rest.starts_with(b"==") => return None,
        b'=' => (Separator::Equals, 1),
        b':' if rest.starts_with(b"://") || rest.starts_with(b"::") => return None,
        b':' if rest.starts_with(b":=") => (Separator::Equals, 2),
        b':' => (Separator::Colon, 1),
        b'>' if blanks == 0 => (Separator::Tag, 1),
        b'%' if rest[1..].len() >= 2 && rest[1..3].eq_ignore_ascii_case(b"3d") => (Separator::Equals, 3),
        b'%' if rest[1..].len() >= 2 && rest[1..3].eq_ignore_ascii_case(b"3a") => (Separator::Equals, 3),
        _ if is_option && blanks > 0 => (Separator::Blank, 0),
        _ => return None,
    };
    at += len;
    let blanks = blanks_at(bytes, at);
    at += blanks;
    let separator = if separator == Separator::Colon && blanks > 0 { Separator::ColonAndBlank } else { separator };
    let opening = match skip_quote(bytes, at) {
        Some((after, opening)) => {
            at = after;
            opening
        }
        None if separator == Separator::Tag => Opening::Tag,
        None => Opening::None,
    };
    (at < bytes.len()).then_some((at, opening, separator))
}

fn blanks_at(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().take(8).take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

fn skip_quote(bytes: &[u8], at: usize) -> Option<(usize, Opening)> {
    let slashes = bytes[at..].iter().take(8).take_while(|byte| **byte == b'\\').count();
    let quote = *bytes.get(at + slashes)?;
    if matches!(quote, b'"' | b'\'' | b'`') {
        return Some((at + slashes + 1, Opening::Quote(quote, slashes)));
    }
    bytes[at..].starts_with(b"%22").then_some((at + 3, Opening::UrlQuote))
}

fn end_of_value(bytes: &[u8], start: usize, opening: Opening) -> usize {
    let rest = &bytes[start..bytes.len().min(start + MAX_VALUE)];
    let len = match opening {
        Opening::Quote(quote, slashes) => closing_quote(rest, quote, slashes),
        Opening::UrlQuote => rest.windows(3).position(|three| three == b"%22"),
        Opening::Tag => rest.iter().position(|byte| *byte == b'<'),
        Opening::None => {
            let closes = |byte: &u8| {
                matches!(
                    byte,
                    b' ' | b'\t'
                        | b'\n'
                        | b'\r'
                        | b','
                        | b';'
                        | b'&'
                        | b'"'
                        | b'\''
                        | b'`'
                        | b')'
                        | b']'
                        | b'}'
                        | b'<'
                        | b'>'
                        | b'|'
                )
            };
            let plain = rest.iter().position(closes).unwrap_or(rest.len());
            let encoded = rest[..plain].windows(3).position(|three| matches!(three, b"%26" | b"%22" | b"%20"));
            let escaped = rest[..plain].iter().position(|byte| *byte == b'\\');
            Some(plain.min(encoded.unwrap_or(plain)).min(escaped.unwrap_or(plain)))
        }
    };
    start + len.unwrap_or(rest.len())
}

/// The quote that closes: the same quote behind at most as many backslashes as the opening one had.
fn closing_quote(rest: &[u8], quote: u8, slashes: usize) -> Option<usize> {
    let mut run = 0;
    for (at, byte) in rest.iter().enumerate() {
        match *byte {
            b'\\' => run += 1,
            byte if byte == quote && run <= slashes => return Some(at - run),
            byte if byte == quote && slashes == 0 && run % 2 == 0 => return Some(at),
            _ => run = 0,
        }
    }
    None
}
