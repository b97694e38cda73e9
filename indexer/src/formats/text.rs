//! Makes hostile bytes safe to keep: terminal sequences out, NUL made visible, lines cut at a character.

use std::borrow::Cow;

/// Longer lines are cut here and marked as truncated.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// Cuts to at most `max` bytes at a character boundary; says whether it did.
pub fn cut_at_char(text: &str, max: usize) -> (&str, bool) {
    if text.len() <= max {
        return (text, false);
    }
    let end = (0..=max).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    (&text[..end], true)
}

/// Removes terminal control sequences and turns other control characters (but tab and newline) into `U+FFFD`.
pub fn clean(text: &str) -> Cow<'_, str> {
    let is_control = |byte: u8| (byte < 0x20 && byte != b'\t' && byte != b'\n') || byte == 0x7f;
    let Some(first) = text.bytes().position(is_control) else {
        return Cow::Borrowed(text);
    };
    let mut cleaned = String::with_capacity(text.len());
    cleaned.push_str(&text[..first]);
    let mut rest = &text[first..];
    while let Some(next) = rest.chars().next() {
        if next == '\u{1b}' {
            rest = &rest[escape_sequence_len(rest.as_bytes())..];
            continue;
        }
        let shown = if next.is_ascii() && is_control(next as u8) { '\u{fffd}' } else { next };
        cleaned.push(shown);
        rest = &rest[next.len_utf8()..];
    }
    Cow::Owned(cleaned)
}

/// Bytes of the escape sequence at the start: CSI (`ESC [ … letter`), OSC (`ESC ] … BEL`), or the escape alone.
fn escape_sequence_len(bytes: &[u8]) -> usize {
    match bytes.get(1) {
        Some(b'[') => {
            let parameters = bytes[2..].iter().take_while(|byte| (0x20..0x40).contains(*byte)).count();
            let has_final = bytes.get(2 + parameters).is_some_and(|byte| (0x40..0x7f).contains(byte));
            2 + parameters + usize::from(has_final)
        }
        Some(b']') => match bytes.iter().take(256).position(|byte| *byte == 0x07) {
            Some(end) => end + 1,
            None => 2,
        },
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_go_and_words_stay() {
        assert_eq!(clean("\u{1b}[1;31mERROR\u{1b}[0m x"), "ERROR x");
        assert_eq!(clean("a\0b\u{7}c\td"), "a\u{fffd}b\u{fffd}c\td");
        assert_eq!(clean("\u{1b}]0;title\u{7}done"), "done");
        assert!(matches!(clean("nothing to do"), Cow::Borrowed(_)));
        assert_eq!(clean("cut \u{1b}["), "cut ");
    }

    #[test]
    fn cuts_between_characters() {
        assert_eq!(cut_at_char("aé", 2), ("a", true));
        assert_eq!(cut_at_char("aé", 3), ("aé", false));
    }
}
