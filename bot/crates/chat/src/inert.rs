//! Makes untrusted text harmless: whatever a terminal or a browser would obey or hide is shown instead.
//! Visible rather than removed, because an attack in a log is itself something the reader wants to see.

use std::borrow::Cow;
use std::fmt::Write;

/// Returns the text on one line, with control, direction and invisible characters written out.
///
/// ASCII controls become their pictures (`␛`), everything else its code (`‹U+202E›`).
pub fn inert(text: &str) -> Cow<'_, str> {
    replace(text, is_active)
}

/// Like [`inert`], but keeps line ends and widens tabs, for output that has lines of its own.
pub fn inert_lines(text: &str) -> Cow<'_, str> {
    let text = if text.contains(['\t', '\r']) {
        Cow::Owned(text.replace("\r\n", "\n").replace('\t', "    "))
    } else {
        Cow::Borrowed(text)
    };
    match text {
        Cow::Borrowed(text) => replace(text, |c| c != '\n' && is_active(c)),
        Cow::Owned(text) => Cow::Owned(replace(&text, |c| c != '\n' && is_active(c)).into_owned()),
    }
}

/// Whether a character acts on the display instead of appearing in it.
pub fn is_active(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'            // C0, DEL, C1
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' // direction
        | '\u{ad}' | '\u{34f}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}'
        | '\u{feff}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' // invisible
        | '\u{2028}' | '\u{2029}'                          // line ends that are not `\n`
        | '\u{fff9}'..='\u{fffb}'                          // interlinear notes
        | '\u{e0000}'..='\u{e0fff}' // tags and variation selectors beyond emoji
    )
}

fn replace(text: &str, active: impl Fn(char) -> bool) -> Cow<'_, str> {
    let Some(first) = text.find(&active) else { return Cow::Borrowed(text) };
    let mut shown = String::with_capacity(text.len() + 16);
    shown.push_str(&text[..first]);
    for c in text[first..].chars() {
        match c {
            _ if !active(c) => shown.push(c),
            '\0'..='\u{1f}' => shown.push(char::from_u32(0x2400 + c as u32).expect("every C0 control has a picture")),
            '\u{7f}' => shown.push('␡'),
            _ => write!(shown, "‹U+{:04X}›", c as u32).expect("a string takes every write"),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(inert(text), expected);
    }

    #[test]
    fn what_acts_is_shown() {
        check("plain, žluťoučký, 日本, 👍", "plain, žluťoučký, 日本, 👍");
        check("\x1b[2Jgone\x07", "␛[2Jgone␇");
        check("a\r\nb\tc\0\x7f", "a␍␊b␉c␀␡");
        check("user\u{202e}gpj.exe", "user‹U+202E›gpj.exe");
        check("hidden\u{e0041}\u{200b}", "hidden‹U+E0041›‹U+200B›");
        check("\u{9b}31m", "‹U+009B›31m");
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(inert_lines("one\r\n\ttwo\x1b"), "one\n    two␛");
    }
}
