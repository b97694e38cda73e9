//! What a word is: a longest run of letters, digits and `_`, lower-cased.

/// The words of `text`, lower-cased, in order.
pub fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    spans(text).map(|(from, to)| lower(&text[from..to]))
}

/// Byte ranges of the words of `text`.
pub fn spans(text: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (from, to) = next_word(text, at)?;
        at = to;
        Some((from, to))
    })
}

/// The first word that starts at or after the byte `at`, which is a character boundary outside any word.
pub fn next_word(text: &str, at: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut from = at;
    loop {
        let byte = *bytes.get(from)?;
        if byte < 0x80 {
            if IS_WORD[byte as usize] {
                break;
            }
            from += 1;
        } else {
            let letter = text[from..].chars().next()?;
            if letter.is_alphanumeric() {
                break;
            }
            from += letter.len_utf8();
        }
    }
    let mut to = from;
    while let Some(&byte) = bytes.get(to) {
        if byte < 0x80 {
            if !IS_WORD[byte as usize] {
                break;
            }
            to += 1;
        } else {
            match text[to..].chars().next() {
                Some(letter) if letter.is_alphanumeric() => to += letter.len_utf8(),
                _ => break,
            }
        }
    }
    Some((from, to))
}

/// Lower-cases one word the way the index does.
pub fn lower(word: &str) -> String {
    if word.is_ascii() { word.to_ascii_lowercase() } else { word.to_lowercase() }
}

const IS_WORD: [bool; 128] = {
    let mut table = [false; 128];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_';
        byte += 1;
    }
    table
};
