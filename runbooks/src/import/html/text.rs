//! The text of a page around its tags: characters that were written by name, and what must not begin a tag.

use std::collections::HashMap;

/// Where each tag ends last: one that never ends must not swallow the page.
pub(super) fn ends_in(text: &str) -> HashMap<String, usize> {
    let ends = text.match_indices("</").filter_map(|(at, _)| {
        let name: String =
            text[at + 2..].chars().take_while(|c| c.is_ascii_alphanumeric() || ":-".contains(*c)).collect();
        (!name.is_empty()).then(|| (name.to_lowercase(), at))
    });
    ends.collect()
}

/// A line that would begin a block of HTML which only its own end closes, and which would hide what follows, as text.
pub(super) fn without_openers(line: &str) -> String {
    let begins = line.trim_start().to_ascii_lowercase();
    let hides = ["<!", "<?", "<script", "<pre", "<style", "<textarea"].iter().any(|opener| begins.starts_with(opener));
    if hides { line.replacen('<', "\\<", 1) } else { line.to_owned() }
}

pub(super) fn decoded(entity: &str) -> Option<String> {
    let number = entity.strip_prefix('#').and_then(|number| match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => number.parse().ok(),
    });
    if let Some(number) = number {
        return char::from_u32(number).filter(|c| !c.is_control()).map(String::from);
    }
    let known = [
        ("lt", "<"),
        ("gt", ">"),
        ("amp", "&"),
        ("quot", "\""),
        ("apos", "'"),
        ("nbsp", "\u{a0}"),
        ("ndash", "–"),
        ("mdash", "—"),
        ("hellip", "…"),
        ("rarr", "→"),
        ("larr", "←"),
        ("lsquo", "‘"),
        ("rsquo", "’"),
        ("ldquo", "“"),
        ("rdquo", "”"),
        ("bull", "•"),
        ("middot", "·"),
        ("auml", "ä"),
        ("ouml", "ö"),
        ("uuml", "ü"),
        ("Auml", "Ä"),
        ("Ouml", "Ö"),
        ("Uuml", "Ü"),
        ("szlig", "ß"),
        ("eacute", "é"),
        ("times", "×"),
        ("deg", "°"),
        ("copy", "©"),
    ];
    known.into_iter().find(|(name, _)| *name == entity).map(|(_, text)| text.to_owned())
}
